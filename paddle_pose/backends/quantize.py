"""INT8: an ONNX file whose convolutions compute in 8 bits, calibrated on pictures, without training.

Source: ONNX Runtime's static quantisation (`onnxruntime.quantization`): weights per channel, symmetric; activations per
    tensor, their ranges measured on the calibration pictures.
Differs: what stands behind the last convolution on the way to an output stays in floating point, and that convolution too: a
    heatmap of 256 levels has plateaus where its peak was, and coordinates in 8 bits are no coordinates.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from paddle_pose.backends.base import needed
from paddle_pose.backends.convert import EXTRA

_CONVOLUTIONS = ("Conv", "ConvTranspose")


def quantize(source: Path, target: Path, batches: Iterable[np.ndarray]) -> None:
    """Writes the INT8 file.

    Args:
        source: the .onnx file.
        target: where the result goes.
        batches: uint8 images [N, H, W, 3] to calibrate with.

    Raises:
        ModuleNotFoundError: If onnx or ONNX Runtime is not installed.
    """
    onnx = needed("onnx", "onnx>=1.16", EXTRA)
    tools = needed("onnxruntime.quantization", "onnxruntime>=1.17", EXTRA)
    shapes = needed("onnxruntime.quantization.shape_inference", "onnxruntime>=1.17", EXTRA)
    prepared = target.with_suffix(".prepared.onnx")
    shapes.quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
    model: Any = onnx.load_model(str(prepared))
    image = model.graph.input[0].name
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
        nodes_to_exclude=behind_last_convolutions(model.graph),
    )
    prepared.unlink()


def behind_last_convolutions(graph: Any) -> list[str]:
    """Names the nodes between the last convolutions and the outputs, those convolutions included.

    Args:
        graph: an `onnx.GraphProto`; its nodes have names.
    """
    makers = {name: node for node in graph.node for name in node.output}
    waiting = [output.name for output in graph.output]
    found: dict[str, None] = {}
    while waiting:
        node = makers.get(waiting.pop())
        if node is not None and node.name not in found:
            found[node.name] = None
            if node.op_type not in _CONVOLUTIONS:
                waiting += node.input
    return list(found)
