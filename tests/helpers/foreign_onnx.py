"""Small ONNX files like those of other programs, with constant outputs."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest


def write_constant(
    path: Path,
    outputs: Mapping[str, np.ndarray],
    *,
    input_name: str = "input",
    shape: Sequence[int | str] = (1, 3, 64, 64),
    dtype: str = "FLOAT",
    metadata: Mapping[str, str] | None = None,
    open_outputs: bool = False,
    more_inputs: Mapping[str, Sequence[int | str]] | None = None,
) -> Path:
    """Writes a network that returns the same outputs for every image, and returns its path.

    Args:
        path: File to write.
        outputs: Values of the outputs by name.
        open_outputs: Whether the lengths of the outputs, except the first one, are only known
            after a run.
        more_inputs: Shapes of further float inputs by name.
    """
    onnx = pytest.importorskip("onnx", reason="needs onnx (requirements/predict.txt)")
    pytest.importorskip("onnxruntime", reason="needs onnxruntime (requirements/predict.txt)")
    helper, types = onnx.helper, onnx.TensorProto
    inputs = [helper.make_tensor_value_info(input_name, getattr(types, dtype), list(shape))]
    for name, lengths in (more_inputs or {}).items():
        inputs.append(helper.make_tensor_value_info(name, types.FLOAT, list(lengths)))
    nodes = []
    constants = []
    infos = []
    for name, values in outputs.items():
        lengths = (
            [1, *(f"{name}_{axis}" for axis in range(1, values.ndim))]
            if open_outputs
            else values.shape
        )
        kind = helper.np_dtype_to_tensor_dtype(values.dtype)
        constants.append(onnx.numpy_helper.from_array(values, f"{name}_values"))
        shape_of = f"{name}_shape"
        if (
            open_outputs
        ):  # a shape that only a run tells: the constant one, plus 0 computed from the input
            constants.append(
                onnx.numpy_helper.from_array(np.array(values.shape, np.int64), f"{shape_of}_known")
            )
            nodes += [
                helper.make_node("ReduceMax", [input_name], [f"{shape_of}_max"], keepdims=0),
                helper.make_node(
                    "Cast", [f"{shape_of}_max"], [f"{shape_of}_whole"], to=types.INT64
                ),
                helper.make_node(
                    "Sub", [f"{shape_of}_whole", f"{shape_of}_whole"], [f"{shape_of}_zero"]
                ),
                helper.make_node("Add", [f"{shape_of}_known", f"{shape_of}_zero"], [shape_of]),
                helper.make_node("Reshape", [f"{name}_values", shape_of], [name]),
            ]
        else:
            nodes.append(helper.make_node("Identity", [f"{name}_values"], [name]))
        infos.append(helper.make_tensor_value_info(name, kind, lengths))
    graph = helper.make_graph(nodes, "constant", inputs, infos, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, dict(metadata or {}))
    onnx.save_model(model, str(path))
    return path


def write_linear(
    path: Path,
    joints: int,
    size: tuple[int | None, int | None],
    *,
    batch: int | None = 1,
    channels_last: bool = False,
    dtype: str = "FLOAT",
) -> Path:
    """Writes a network whose heatmap k at stride 4 is the weighted mean of the channels in a cell.

    The weights of heatmap k are 3k + 1, 3k + 2 and 3k + 3.

    Args:
        path: File to write.
        joints: Number of heatmaps.
        size: (width, height) of the input; None for a length left open.
        batch: Number of images at a time; None for any.
        channels_last: Whether the input is [N, H, W, 3].
        dtype: Type of the input, as ONNX calls it.
    """
    onnx = pytest.importorskip("onnx", reason="needs onnx (requirements/predict.txt)")
    pytest.importorskip("onnxruntime", reason="needs onnxruntime (requirements/predict.txt)")
    helper, types = onnx.helper, onnx.TensorProto
    width, height = (side or name for side, name in zip(size, "wh", strict=True))
    lengths = (
        [batch or "n", height, width, 3] if channels_last else [batch or "n", 3, height, width]
    )
    weights = np.arange(1, 3 * joints + 1, dtype=np.float32).reshape(joints, 3, 1, 1)
    weights = np.ascontiguousarray(np.broadcast_to(weights / 16, (joints, 3, 4, 4)))
    nodes = [helper.make_node("Cast", ["image"], ["float"], to=types.FLOAT)]
    if channels_last:
        nodes.append(helper.make_node("Transpose", ["float"], ["planes"], perm=[0, 3, 1, 2]))
    planes = "planes" if channels_last else "float"
    nodes.append(helper.make_node("Conv", [planes, "weights"], ["maps"], strides=[4, 4]))
    rows, columns = (side if isinstance(side, str) else side // 4 for side in (height, width))
    graph = helper.make_graph(
        nodes,
        "linear",
        [helper.make_tensor_value_info("image", getattr(types, dtype), lengths)],
        [
            helper.make_tensor_value_info(
                "maps",
                types.FLOAT,
                [batch or "n", joints, f"{rows}", f"{columns}"]
                if None in size
                else [batch or "n", joints, rows, columns],
            )
        ],
        [onnx.numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save_model(model, str(path))
    return path
