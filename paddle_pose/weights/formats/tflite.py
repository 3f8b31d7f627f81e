"""Reads the convolutions of a TFLite file as float32, without TensorFlow.

Nothing in a file is executed.

Source: the schema of TFLite 3 (the package `tflite`, generated from tensorflow/lite/schema.fbs) and
    TensorFlow's quantization specification: real = scale * (stored - zero_point), one scale per
    tensor or per channel.
Checked against: MoveNet Lightning INT8 (tests/parity/test_movenet_parity.py) and MobileNetV2 INT8
    of Google's Coral project; files of every number format, written by the tests.
Differs: only the weights and biases of convolutions are read, neither the graph nor other
    constants.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from paddle_pose.environment import needed
from paddle_pose.errors import InputError

# Values of BuiltinOperator in the schema.
_CONV_2D = 3
_DEPTHWISE_CONV_2D = 4
_DEQUANTIZE = 6
_LAYOUTS = {  # operator -> transposition of its weights to [out, in / groups, height, width]
    _CONV_2D: (0, 3, 1, 2),
    _DEPTHWISE_CONV_2D: (3, 0, 1, 2),
}
_NUMBERS = {  # TensorType of the schema -> NumPy's number format
    0: "<f4",
    1: "<f2",
    9: "<i1",
    3: "<u1",
    7: "<i2",
    2: "<i4",
}


def read_tflite(path: Path) -> dict[str, np.ndarray]:
    """Returns the dequantized weights and biases of all convolutions of a TFLite file.

    A convolution has the name of its weights up to the first semicolon, since the converter joins
    the names of merged operations with semicolons: "model/Conv1/Conv2D" becomes
    "model/Conv1/Conv2D.weight" and "….bias".

    Args:
        path: A .tflite file with INT8, FP16 or FP32 weights.

    Returns:
        float32 arrays by name, in the order of the graph: weights
        [out, in / groups, height, width], depthwise ones [channels, 1, height, width].

    Raises:
        InputError: If the file is missing, truncated or damaged, contains no convolution or two of
            the same name, or weights that are not 4-D or in another number format.
        MissingDependencyError: If the package tflite is not installed.
    """
    schema = needed("tflite", "tflite>=2.10", "train")
    try:
        tensors = dict(
            _Graph(schema.Model.GetRootAs(path.read_bytes(), 0), path.stat().st_size).convolutions()
        )
    except Exception as error:  # a damaged file can raise nearly any exception
        raise InputError(
            f"{path}: truncated, damaged or unsupported TFLite file ({error}); download it again"
        ) from error
    if not tensors:
        raise InputError(
            f"{path}: a TFLite file without convolutions; pass the file with the network's weights"
        )
    return tensors


class _Graph:
    """Main graph of a file; all counts and sizes in it are checked against the size of the file.

    Args:
        model: `tflite.Model` of the file.
        size: Size of the file in bytes.

    Raises:
        InputError: If the file states more tensors or operators than fit into it.
    """

    def __init__(self, model: Any, size: int) -> None:
        self.size = size
        self.remaining = size  # bytes that are left for weights; each weight is stored once
        self.model = model
        self.graph: Any = self.model.Subgraphs(0)
        self.count = self._checked(self.graph.TensorsLength(), "tensors")
        self.operators = []
        for i in range(self._checked(self.graph.OperatorsLength(), "operations")):
            operator = self.graph.Operators(i)
            code = self.model.OperatorCodes(operator.OpcodeIndex())
            # The deprecated field is one byte: it cannot store codes above 127.
            kind = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
            if kind in _LAYOUTS or kind == _DEQUANTIZE:
                self.operators.append((kind, operator))
        # Half-precision weights pass through a DEQUANTIZE operator: its output -> its input.
        self.half_precision = {
            o.Outputs(0): o.Inputs(0) for kind, o in self.operators if kind == _DEQUANTIZE
        }

    def convolutions(self) -> Iterator[tuple[str, np.ndarray]]:
        """Yields every weight and bias with its name.

        Raises:
            InputError: If two convolutions have the same name, or weights are of another shape or
                number format than supported.
        """
        seen = set()
        for kind, operator in self.operators:
            if kind not in _LAYOUTS:
                continue
            tensor = self._tensor(operator.Inputs(1))
            name = tensor.Name().decode().split(";")[0]
            if name in seen:
                raise InputError(f"two convolutions have the name {name!r}")
            seen.add(name)
            weight = self._numbers(tensor, name)
            if weight.ndim != 4:
                raise InputError(
                    f"the weights {name!r} have shape {weight.shape}, expected four dimensions"
                )
            yield f"{name}.weight", weight.transpose(_LAYOUTS[kind])
            if operator.InputsLength() > 2 and operator.Inputs(2) >= 0:
                yield (
                    f"{name}.bias",
                    self._numbers(self._tensor(operator.Inputs(2)), f"{name}.bias"),
                )

    def _checked(self, number: int, what: str) -> int:
        """Returns a number of objects; raises InputError if it exceeds the bytes of the file."""
        if number > self.size:
            raise InputError(f"{number} {what} in {self.size} bytes")
        return number

    def _tensor(self, index: int) -> Any:
        """Returns a tensor of the graph; for widened half-precision weights the stored ones."""
        index = self.half_precision.get(index, index)
        if not 0 <= index < self.count:
            raise InputError(f"there is no tensor {index}, the graph has {self.count}")
        return self.graph.Tensors(index)

    def _numbers(self, tensor: Any, name: str) -> np.ndarray:
        """Returns the values of a tensor as float32, dequantized.

        Args:
            tensor: `tflite.Tensor`.
            name: Name of the weight or bias, for messages.

        Raises:
            InputError: If the tensor is damaged, or of a number format that is not supported.
        """
        if tensor.Type() not in _NUMBERS:
            raise InputError(
                f"{name!r} has number format {tensor.Type()}; supported are INT8, FP16 and FP32"
            )
        number = np.dtype(_NUMBERS[tensor.Type()])
        shape = tuple(tensor.Shape(i) for i in range(min(tensor.ShapeLength(), 5)))
        buffer = self.model.Buffers(tensor.Buffer())
        stored = buffer.DataLength()
        if min(shape, default=0) < 1 or math.prod(shape) * number.itemsize != stored:
            raise InputError(f"{name!r} has shape {shape}, but {stored} bytes are stored")
        self.remaining -= stored
        if self.remaining < 0:
            raise InputError(f"the weights need more than the {self.size} bytes of the file")
        stored_numbers = np.frombuffer(buffer.DataAsNumpy().tobytes(), number).reshape(shape)
        values = self._dequantized(stored_numbers, tensor, name)
        if not np.isfinite(values).all():
            raise InputError(f"{name!r} contains numbers that are not finite")
        return values

    def _dequantized(self, stored: np.ndarray, tensor: Any, name: str) -> np.ndarray:
        """Returns stored numbers as float32; raises InputError if the scales do not fit them."""
        if stored.dtype.kind == "f":
            return stored.astype(np.float32)
        how = tensor.Quantization()
        count = how.ScaleLength() if how else 0
        axis = how.QuantizedDimension() if count > 1 else 0
        zeros = how.ZeroPointLength() if how else 0
        if (
            not 0 <= axis < stored.ndim
            or count not in (1, stored.shape[axis])
            or zeros not in (0, 1, count)
        ):
            raise InputError(
                f"{name!r}, {stored.dtype} of shape {stored.shape}, has {count} scales on "
                f"axis {axis}"
            )
        scale = how.ScaleAsNumpy().astype(np.float64)
        zero = how.ZeroPointAsNumpy().astype(np.float64) if zeros else np.zeros(1)
        shape = [1] * stored.ndim
        shape[axis] = -1
        values: np.ndarray = (scale.reshape(shape) * (stored - zero.reshape(shape))).astype(
            np.float32
        )
        return values
