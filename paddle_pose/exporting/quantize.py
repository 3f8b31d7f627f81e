"""INT8: an ONNX file whose convolutions compute in 8 bits, calibrated on images, without training.

Source: ONNX Runtime's static quantisation (`onnxruntime.quantization`): weights per channel, symmetric; activations per
    tensor, their ranges measured on the calibration images.
Differs: the last convolution on the way to an output computes in 8 bits but answers in floating point, as does all behind
    it: a heatmap of 256 levels has plateaus where its peak was, and coordinates in 8 bits are no coordinates.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from paddle_pose.environment import needed
from paddle_pose.exporting.convert import EXTRA

_CONVOLUTIONS = ("Conv", "ConvTranspose")


def quantize(source: Path, target: Path, batches: Iterable[np.ndarray]) -> None:
    """Writes the INT8 file.

    Args:
        source: the .onnx file.
        target: where the result goes.
        batches: uint8 images [N, H, W, 3] to calibrate with.

    Raises:
        MissingDependencyError: If onnx or ONNX Runtime is not installed.
    """
    onnx = needed("onnx", "onnx>=1.16", EXTRA)
    tools = needed("onnxruntime.quantization", "onnxruntime>=1.17", EXTRA)
    shapes = needed("onnxruntime.quantization.shape_inference", "onnxruntime>=1.17", EXTRA)
    prepared = target.with_suffix(".prepared.onnx")
    shapes.quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
    model: Any = onnx.load_model(str(prepared))
    image = model.graph.input[0].name
    last, behind = last_convolutions(model.graph)
    remaining = iter(batches)

    class Calibration(tools.CalibrationDataReader):  # type: ignore[name-defined, misc]
        def get_next(self) -> dict[str, np.ndarray] | None:
            batch = next(remaining, None)
            return None if batch is None else {image: batch}

    tools.quantize_static(
        str(prepared),
        str(target),
        Calibration(),
        quant_format=tools.QuantFormat.QDQ,
        per_channel=True,
        activation_type=tools.QuantType.QUInt8,
        weight_type=tools.QuantType.QInt8,
        # Measured on Google's MoveNet: at 7 bits of weight a keypoint is twice as far off (8.9 px in the mean, at 8 bits 4.8).
        # Processors without VNNI may overflow at 8: evaluate the file where it will run.
        reduce_range=False,
        op_types_to_quantize=[*_CONVOLUTIONS, "Add", "MaxPool", "Relu", "Clip"],
        nodes_to_exclude=behind,
    )
    prepared.unlink()
    model = onnx.load_model(str(target))
    answer_in_floats(model.graph, last)
    onnx.save_model(model, str(target))


def last_convolutions(graph: Any) -> tuple[list[str], list[str]]:
    """Names the last convolutions on the way to the outputs, and the nodes between them and the outputs.

    Args:
        graph: an `onnx.GraphProto`; its nodes have names.
    """
    makers = {name: node for node in graph.node for name in node.output}
    waiting = [output.name for output in graph.output]
    last: dict[str, None] = {}
    behind: dict[str, None] = {}
    while waiting:
        node = makers.get(waiting.pop())
        if node is not None and node.name not in {*last, *behind}:
            if node.op_type in _CONVOLUTIONS:
                last[node.name] = None
            else:
                behind[node.name] = None
                waiting += node.input
    return list(last), list(behind)


def answer_in_floats(graph: Any, convolutions: Iterable[str]) -> None:
    """Takes the rounding to 8 bits from the outputs of convolutions, in place.

    Args:
        graph: an `onnx.GraphProto` with QuantizeLinear and DequantizeLinear behind them.
        convolutions: their nodes' names.
    """
    rounded = {
        output for node in graph.node if node.name in set(convolutions) for output in node.output
    }
    rounding = [
        node for node in graph.node if node.op_type == "QuantizeLinear" and node.input[0] in rounded
    ]
    bits = {node.output[0]: node.input[0] for node in rounding}
    back = [
        node for node in graph.node if node.op_type == "DequantizeLinear" and node.input[0] in bits
    ]
    renamed = {node.output[0]: bits[node.input[0]] for node in back}
    for output in graph.output:  # a rounded answer of the network itself keeps its name
        if output.name in renamed:
            renamed[renamed.pop(output.name)] = output.name
    for node in (*rounding, *back):
        graph.node.remove(node)
    for node in graph.node:
        for sockets in (node.input, node.output):
            for place, name in enumerate(sockets):
                name = renamed.get(name, name)
                sockets[place] = renamed.get(name, name)
