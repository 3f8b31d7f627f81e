"""Post-training quantization of ONNX files to INT8, calibrated on images.

Source: static quantization of ONNX Runtime (`onnxruntime.quantization`): weights per channel,
    symmetric; activations per tensor, their ranges measured on the calibration images, of which
    each counts equally (`CalibMovingAverage`).
    Weights have 8 bits, or 7 if this machine's sums would overflow with 8.
Differs: the last convolution before an output computes in 8 bits but returns floating point, and
    the nodes after it stay in floating point: a heatmap with 256 levels has a plateau instead of a
    peak, and 8 bits are too few for coordinates.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from paddle_pose.environment import needed, sums_overflow_in_int8
from paddle_pose.exporting.convert import EXTRA

_log = logging.getLogger("paddle_pose")
_CONVOLUTIONS = ("Conv", "ConvTranspose")


def quantize(source: Path, target: Path, images: Iterable[np.ndarray]) -> None:
    """Writes an INT8 version of an ONNX file; inputs and outputs keep their names and types.

    Args:
        source: Path of the floating-point .onnx file.
        target: Path of the INT8 .onnx file; its folder is used for a temporary file.
        images: Calibration images, uint8 RGB [H, W, 3], at least one.

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
    last, after = last_convolutions(model.graph)
    remaining = iter(images)

    class Calibration(tools.CalibrationDataReader):  # type: ignore[name-defined, misc]
        def get_next(self) -> dict[str, np.ndarray] | None:
            pixels = next(remaining, None)
            return None if pixels is None else {image: pixels[None]}

    # Measured on Google's MoveNet on a processor with VNNI: with 7-bit weights the mean keypoint
    # error is about twice as large (8.9 px, with 8 bits 4.8 px).
    seven_bits = sums_overflow_in_int8()
    if seven_bits:
        _log.info(
            "The weights of the file have 7 bits: with 8, sums overflow on x86 processors without "
            "VNNI, such as this one"
        )
    tools.quantize_static(
        str(prepared),
        str(target),
        Calibration(),
        quant_format=tools.QuantFormat.QDQ,
        per_channel=True,
        activation_type=tools.QuantType.QUInt8,
        weight_type=tools.QuantType.QInt8,
        reduce_range=seven_bits,
        op_types_to_quantize=[*_CONVOLUTIONS, "Add", "MaxPool", "Relu", "Clip"],
        nodes_to_exclude=after,
        # Ranges are means, over the images, of the least and the greatest value of an activation.
        # Measured on Google's MoveNet Lightning, calibrated on 86 people: the median distance of
        # the keypoints of 68 others from those of the network is 2.2 px with means, 3.3 px with
        # the extremes of all images, and 3.0 px with the 99.99th percentile, which takes twenty
        # times as long.
        extra_options={"CalibMovingAverage": True},
    )
    prepared.unlink()
    model = onnx.load_model(str(target))
    return_floats(model.graph, last)
    onnx.save_model(model, str(target))


def last_convolutions(graph: Any) -> tuple[list[str], list[str]]:
    """Returns the last convolutions before the outputs of a graph, and the nodes after them.

    Args:
        graph: `onnx.GraphProto` whose nodes have names.

    Returns:
        (names of the convolutions, names of the nodes between them and the outputs).
    """
    producers = {name: node for node in graph.node for name in node.output}
    waiting = [output.name for output in graph.output]
    last: dict[str, None] = {}
    after: dict[str, None] = {}
    while waiting:
        node = producers.get(waiting.pop())
        if node is not None and node.name not in {*last, *after}:
            if node.op_type in _CONVOLUTIONS:
                last[node.name] = None
            else:
                after[node.name] = None
                waiting += node.input
    return list(last), list(after)


def return_floats(graph: Any, convolutions: Iterable[str]) -> None:
    """Removes the rounding to 8 bits from the outputs of convolutions, in place.

    Args:
        graph: `onnx.GraphProto` with QuantizeLinear and DequantizeLinear after the convolutions.
        convolutions: Names of the convolutions' nodes, see `last_convolutions`.
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
    for output in graph.output:  # an output of the network keeps its name
        if output.name in renamed:
            renamed[renamed.pop(output.name)] = output.name
    for node in (*rounding, *back):
        graph.node.remove(node)
    for node in graph.node:
        for tensors in (node.input, node.output):
            for index, name in enumerate(tensors):
                name = renamed.get(name, name)
                tensors[index] = renamed.get(name, name)
