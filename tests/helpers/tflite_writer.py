"""Writes small TFLite files: one chain of convolutions, in any number format."""

from dataclasses import dataclass

import flatbuffers
import numpy as np
import tflite

TYPES = {
    np.dtype("f4"): tflite.TensorType.FLOAT32,
    np.dtype("f2"): tflite.TensorType.FLOAT16,
    np.dtype("i1"): tflite.TensorType.INT8,
    np.dtype("u1"): tflite.TensorType.UINT8,
    np.dtype("i2"): tflite.TensorType.INT16,
    np.dtype("i4"): tflite.TensorType.INT32,
    np.dtype("i8"): tflite.TensorType.INT64,
}


@dataclass(frozen=True, eq=False)
class Stored:
    """A stored tensor, with scales and zero points if it is quantised."""

    name: str
    numbers: np.ndarray
    scales: tuple[float, ...] = ()
    zeros: tuple[int, ...] = ()
    axis: int = 0
    shape: tuple[int, ...] | None = None  # instead of the numbers' own


@dataclass(frozen=True)
class Convolution:
    """An operation; weights of half precision pass through a DEQUANTIZE operation."""

    weight: Stored
    bias: Stored | None = None
    depthwise: bool = False


def tflite_bytes(convolutions):
    """Returns the content of a file with a graph of convolutions."""
    builder = flatbuffers.Builder(0)
    buffers = [_buffer(builder, b"")]
    tensors = []
    operators = []

    def vector(start, offsets):
        start(builder, len(offsets))
        for offset in reversed(offsets):
            builder.PrependUOffsetTRelative(offset)
        return builder.EndVector()

    def tensor(stored):
        has = stored.numbers is not None
        buffers.append(_buffer(builder, stored.numbers.tobytes() if has else b""))
        shape = stored.shape or (stored.numbers.shape if has else (1,))
        tensors.append(_tensor(builder, stored, shape, len(buffers) - 1 if has else 0))
        return len(tensors) - 1

    def operator(code, inputs):
        output = tensor(Stored(f"output{len(operators)}", None))
        ins = builder.CreateNumpyVector(np.array(inputs, np.int32))
        outs = builder.CreateNumpyVector(np.array([output], np.int32))
        tflite.OperatorStart(builder)
        tflite.OperatorAddOpcodeIndex(builder, code)
        tflite.OperatorAddInputs(builder, ins)
        tflite.OperatorAddOutputs(builder, outs)
        operators.append(tflite.OperatorEnd(builder))
        return output

    last = tensor(Stored("input", None))
    for convolution in convolutions:
        weight = tensor(convolution.weight)
        if convolution.weight.numbers.dtype == np.float16:
            weight = operator(2, [weight])
        inputs = [last, weight] + ([tensor(convolution.bias)] if convolution.bias else [])
        last = operator(1 if convolution.depthwise else 0, inputs)
    tensors_vector = vector(tflite.SubGraphStartTensorsVector, tensors)
    operators_vector = vector(tflite.SubGraphStartOperatorsVector, operators)
    tflite.SubGraphStart(builder)
    tflite.SubGraphAddTensors(builder, tensors_vector)
    tflite.SubGraphAddOperators(builder, operators_vector)
    graphs = vector(tflite.ModelStartSubgraphsVector, [tflite.SubGraphEnd(builder)])
    codes = []
    for kind in ("CONV_2D", "DEPTHWISE_CONV_2D", "DEQUANTIZE"):
        tflite.OperatorCodeStart(builder)
        tflite.OperatorCodeAddDeprecatedBuiltinCode(builder, getattr(tflite.BuiltinOperator, kind))
        tflite.OperatorCodeAddBuiltinCode(builder, getattr(tflite.BuiltinOperator, kind))
        codes.append(tflite.OperatorCodeEnd(builder))
    codes_vector = vector(tflite.ModelStartOperatorCodesVector, codes)
    buffers_vector = vector(tflite.ModelStartBuffersVector, buffers)
    tflite.ModelStart(builder)
    tflite.ModelAddVersion(builder, 3)
    tflite.ModelAddOperatorCodes(builder, codes_vector)
    tflite.ModelAddSubgraphs(builder, graphs)
    tflite.ModelAddBuffers(builder, buffers_vector)
    builder.Finish(tflite.ModelEnd(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _buffer(builder, data):
    content = builder.CreateByteVector(data) if data else None
    tflite.BufferStart(builder)
    if content is not None:
        tflite.BufferAddData(builder, content)
    return tflite.BufferEnd(builder)


def _tensor(builder, stored, shape, buffer):
    name = builder.CreateString(stored.name)
    sides = builder.CreateNumpyVector(np.array(shape, np.int32))
    quantization = None
    if stored.scales:
        scales = builder.CreateNumpyVector(np.array(stored.scales, np.float32))
        zeros = (
            builder.CreateNumpyVector(np.array(stored.zeros, np.int64)) if stored.zeros else None
        )
        tflite.QuantizationParametersStart(builder)
        tflite.QuantizationParametersAddScale(builder, scales)
        if zeros is not None:
            tflite.QuantizationParametersAddZeroPoint(builder, zeros)
        tflite.QuantizationParametersAddQuantizedDimension(builder, stored.axis)
        quantization = tflite.QuantizationParametersEnd(builder)
    tflite.TensorStart(builder)
    tflite.TensorAddShape(builder, sides)
    tflite.TensorAddName(builder, name)
    tflite.TensorAddType(builder, TYPES[stored.numbers.dtype] if stored.numbers is not None else 0)
    tflite.TensorAddBuffer(builder, buffer)
    if quantization is not None:
        tflite.TensorAddQuantization(builder, quantization)
    return tflite.TensorEnd(builder)
