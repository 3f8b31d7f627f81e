"""Conversion of TensorFlow.js graph models to ONNX: each operation against NumPy."""

import base64
import json

import numpy as np
import pytest

from paddle_pose.errors import InputError
from paddle_pose.exporting.tfjs_onnx import write_graph

pytest.importorskip("onnx", reason="needs onnx (requirements/predict.txt)")
runtime = pytest.importorskip("onnxruntime", reason="needs onnxruntime (requirements/predict.txt)")

RNG = np.random.default_rng(0)
IMAGE = RNG.normal(size=(1, 6, 8, 3)).astype("f4")
KERNEL = RNG.normal(size=(3, 3, 3, 4)).astype("f4")
DEPTHWISE = RNG.normal(size=(3, 3, 3, 2)).astype("f4")
BIAS = RNG.normal(size=4).astype("f4")


def text(value):
    return {"s": base64.b64encode(value.encode()).decode()}


def numbers(*values):
    return {"list": {"i": [str(value) for value in values]}}


def node(op, *inputs, name="y", **attributes):
    return {"name": name, "op": op, "input": list(inputs), "attr": attributes}


def run(tmp_path, nodes, constants=None, outputs=("y",), image=IMAGE):
    """Converts a graph with the input "x", runs it on an image, and returns its outputs."""
    constants = constants or {}
    path = tmp_path / "model.json"
    sizes = [{"size": str(side)} for side in image.shape]
    graph = [
        {
            "name": "x",
            "op": "Placeholder",
            "attr": {"shape": {"shape": {"dim": sizes}}, "dtype": {"type": "DT_FLOAT"}},
        },
        *({"name": name, "op": "Const"} for name in constants),
        *nodes,
    ]
    manifest = [
        {"name": n, "shape": list(v.shape), "dtype": str(v.dtype)} for n, v in constants.items()
    ]
    content = {
        "format": "graph-model",
        "signature": {"outputs": {name: {"name": f"{name}:0"} for name in outputs}},
        "modelTopology": {"node": graph},
        "weightsManifest": [{"paths": ["w.bin"], "weights": manifest}],
    }
    path.write_text(json.dumps(content))
    (tmp_path / "w.bin").write_bytes(b"".join(value.tobytes() for value in constants.values()))
    write_graph(path, tmp_path / "model.onnx")
    session = runtime.InferenceSession(
        str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"]
    )
    assert [output.name for output in session.get_outputs()] == list(outputs)
    found = session.run(None, {"x": image})
    for output, array in zip(session.get_outputs(), found, strict=True):
        assert output.shape == list(array.shape)
    return found[0] if len(found) == 1 else found


def padded(image, kernel, stride, padding):
    if padding == "VALID":
        return image
    pads = [(0, 0)]
    for side in image.shape[1:3]:
        total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
        pads.append((total // 2, total - total // 2))
    return np.pad(image, [*pads, (0, 0)])


def convolved(image, kernel, stride, padding, depthwise=False):
    image = padded(image, kernel.shape[0], stride, padding)
    size = [(side - kernel.shape[0]) // stride + 1 for side in image.shape[1:3]]
    channels = kernel.shape[2] * kernel.shape[3] if depthwise else kernel.shape[3]
    y = np.zeros((1, *size, channels))
    for i in range(size[0]):
        for j in range(size[1]):
            patch = image[
                0,
                i * stride : i * stride + kernel.shape[0],
                j * stride : j * stride + kernel.shape[1],
            ]
            if depthwise:
                y[0, i, j] = (patch[..., None] * kernel).sum(axis=(0, 1)).reshape(-1)
            else:
                y[0, i, j] = np.tensordot(patch, kernel, 3)
    return y


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("op", ["Conv2D", "DepthwiseConv2dNative"])
def test_convolutions(tmp_path, op, stride, padding):
    depthwise = "Depthwise" in op
    kernel = DEPTHWISE if depthwise else KERNEL
    strides = numbers(1, stride, stride, 1)
    y = run(tmp_path, [node(op, "x", "k", strides=strides, padding=text(padding))], {"k": kernel})
    np.testing.assert_allclose(y, convolved(IMAGE, kernel, stride, padding, depthwise), atol=1e-5)


@pytest.mark.parametrize(("activation", "highest"), [("Relu", np.inf), ("Relu6", 6.0)])
@pytest.mark.parametrize("op", ["_FusedConv2D", "FusedDepthwiseConv2dNative"])
def test_fused_convolutions(tmp_path, op, activation, highest):
    depthwise = "Depthwise" in op
    kernel, bias = (DEPTHWISE[..., :1], BIAS[:3]) if depthwise else (KERNEL, BIAS)
    fused = {"list": {"s": [text("BiasAdd")["s"], text(activation)["s"]]}}
    attributes = {"strides": numbers(1, 1, 1, 1), "padding": text("SAME"), "fused_ops": fused}
    y = run(tmp_path, [node(op, "x", "k", "b", **attributes)], {"k": kernel, "b": bias})
    plain = convolved(IMAGE, kernel, 1, "SAME", depthwise) + bias
    assert plain.max() > 6
    expected = np.clip(plain, 0, highest)
    np.testing.assert_allclose(y, expected, atol=1e-5)


@pytest.mark.parametrize("addition", ["BiasAdd", "AddV2"])
def test_an_added_bias_and_transpositions_around_a_convolution_are_merged(tmp_path, addition):
    """Converters from ONNX write such graphs: layout NCHW with NHWC convolutions."""
    nodes = [
        node("Transpose", "x", "to_nhwc", name="a"),
        node("Conv2D", "a", "k", name="c", strides=numbers(1, 1, 1, 1), padding=text("VALID")),
        node(addition, "c", "b", name="s"),
        node("Transpose", "s", "to_nchw", name="p"),
        node("LeakyRelu", "p", alpha={"f": 0.25}),
    ]
    constants = {
        "to_nhwc": np.int32([0, 2, 3, 1]),
        "to_nchw": np.int32([0, 3, 1, 2]),
        "k": KERNEL,
        "b": BIAS,
    }
    image = IMAGE.transpose(0, 3, 1, 2)
    y = run(tmp_path, nodes, constants, image=image)
    expected = (convolved(IMAGE, KERNEL, 1, "VALID") + BIAS).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(y, np.where(expected < 0, 0.25 * expected, expected), atol=1e-5)
    written = pytest.importorskip("onnx").load(tmp_path / "model.onnx")
    assert [each.op_type for each in written.graph.node] == ["Conv", "LeakyRelu"]


def test_a_convolution_whose_output_is_used_twice_keeps_its_addition(tmp_path):
    nodes = [
        node("Conv2D", "x", "k", name="c", strides=numbers(1, 1, 1, 1), padding=text("SAME")),
        node("AddV2", "c", "b", name="s"),
        node("Mul", "c", "s"),
    ]
    y = run(tmp_path, nodes, {"k": KERNEL, "b": BIAS})
    plain = convolved(IMAGE, KERNEL, 1, "SAME")
    np.testing.assert_allclose(y, plain * (plain + BIAS), atol=1e-3)
    c, y = run(tmp_path, [nodes[0], node("AddV2", "c", "b")], {"k": KERNEL, "b": BIAS}, ("c", "y"))
    np.testing.assert_allclose(c, plain, atol=1e-5)
    np.testing.assert_allclose(y, plain + BIAS, atol=1e-5)


SIMPLE = {
    "Sigmoid": (node("Sigmoid", "x"), {}, 1 / (1 + np.exp(-IMAGE))),
    "Relu": (node("Relu", "x"), {}, np.maximum(IMAGE, 0)),
    "Relu6": (node("Relu6", "x"), {}, np.clip(IMAGE, 0, 6)),
    "LeakyRelu": (node("LeakyRelu", "x"), {}, np.where(IMAGE < 0, 0.2 * IMAGE, IMAGE)),
    "Identity": (node("Identity", "x"), {}, IMAGE),
    "Sub": (node("Sub", "x", "c"), {"c": IMAGE[:, :1]}, IMAGE - IMAGE[:, :1]),
    "Mul": (node("Mul", "c", "x"), {"c": np.float32([2])}, 2 * IMAGE),
    "RealDiv": (node("RealDiv", "x", "c"), {"c": np.float32([2])}, IMAGE / 2),
    "Add": (node("Add", "x", "x"), {}, 2 * IMAGE),
    "Pad": (
        node("Pad", "x", "p"),
        {"p": np.int32([[0, 0], [1, 2], [0, 3], [0, 0]])},
        np.pad(IMAGE, [(0, 0), (1, 2), (0, 3), (0, 0)]),
    ),
    "Pad by zero": (node("Pad", "x", "p"), {"p": np.zeros((4, 2), np.int32)}, IMAGE),
    "PadV2": (
        node("PadV2", "x", "p", "v"),
        {"p": np.int32([[0, 0], [1, 0], [0, 0], [0, 0]]), "v": np.array(-np.inf, "f4")},
        np.pad(IMAGE, [(0, 0), (1, 0), (0, 0), (0, 0)], constant_values=-np.inf),
    ),
    "Transpose": (
        node("Transpose", "x", "p"),
        {"p": np.int32([0, 3, 1, 2])},
        IMAGE.transpose(0, 3, 1, 2),
    ),
    "ConcatV2": (
        node("ConcatV2", "x", "c", "axis"),
        {"c": IMAGE[:, :, :2], "axis": np.array(2, np.int32)},
        np.concatenate([IMAGE, IMAGE[:, :, :2]], axis=2),
    ),
    "Reshape": (node("Reshape", "x", "s"), {"s": np.int32([1, -1, 3])}, IMAGE.reshape(1, -1, 3)),
    "MaxPool": (
        node(
            "MaxPool",
            "x",
            ksize=numbers(1, 2, 2, 1),
            strides=numbers(1, 2, 2, 1),
            padding=text("VALID"),
        ),
        {},
        IMAGE.reshape(1, 3, 2, 4, 2, 3).max(axis=(2, 4)),
    ),
}


@pytest.mark.parametrize("op", SIMPLE)
def test_other_operations(tmp_path, op):
    made, constants, expected = SIMPLE[op]
    np.testing.assert_allclose(run(tmp_path, [made], constants), expected, atol=1e-6)


def test_split(tmp_path):
    nodes = [
        node("SplitV", "x", "sizes", "axis", name="s"),
        node("Relu", "s", name="a"),
        node("Relu", "s:1", name="b"),
    ]
    constants = {"sizes": np.int32([2, 6]), "axis": np.array(2, np.int32)}
    a, b = run(tmp_path, nodes, constants, ("a", "b"))
    np.testing.assert_array_equal(a, np.maximum(IMAGE[:, :, :2], 0))
    np.testing.assert_array_equal(b, np.maximum(IMAGE[:, :, 2:], 0))


@pytest.mark.parametrize("size", [(12, 16), (3, 4), (6, 8)])
def test_resizing_with_half_pixel_centers(tmp_path, size):
    half = {"half_pixel_centers": {"b": True}}
    y = run(tmp_path, [node("ResizeBilinear", "x", "size", **half)], {"size": np.int32(size)})
    positions = [
        (np.arange(n) + 0.5) * side / n - 0.5
        for n, side in zip(size, IMAGE.shape[1:3], strict=True)
    ]
    expected = IMAGE.astype(np.float64)
    for axis, position in enumerate(positions, start=1):
        position = np.clip(position, 0, IMAGE.shape[axis] - 1)
        low = np.floor(position).astype(int)
        high = np.minimum(low + 1, IMAGE.shape[axis] - 1)
        shape = [1] * 4
        shape[axis] = -1
        weight = (position - low).reshape(shape)
        expected = expected.take(low, axis) * (1 - weight) + expected.take(high, axis) * weight
    np.testing.assert_allclose(y, expected, atol=1e-5)


def test_nodes_of_constants_are_folded(tmp_path):
    nodes = [
        node("SparseToDense", "where", "shape", "values", "zero", name="dense"),
        node("AddV2", "dense", "base", name="sum"),
        node("Identity", "sum", name="same"),
        node("Reshape", "x", "same"),
    ]
    constants = {
        "where": np.int32([[1]]),
        "shape": np.int32([3]),
        "values": np.int32([48]),
        "zero": np.array(0, np.int32),
        "base": np.int32([1, 0, 3]),
    }
    assert run(tmp_path, nodes, constants).shape == (1, 48, 3)


BAD = {
    "unknown operation": ([node("TopKV2", "x")], "TopKV2"),
    "loop": ([node("Relu", "z"), node("Relu", "y", name="z")], "'y'"),
    "computed kernel": (
        [node("Conv2D", "x", "x", strides=numbers(1, 1, 1, 1), padding=text("SAME"))],
        "'y'",
    ),
    "computed shape": ([node("Reshape", "x", "x")], "'y'"),
    "other layout": ([node("BiasAdd", "x", "x", data_format=text("NCHW"))], "NHWC"),
    "other padding": (
        [
            node(
                "MaxPool",
                "x",
                ksize=numbers(1, 2, 2, 1),
                strides=numbers(1, 2, 2, 1),
                padding=text("EXPLICIT"),
            )
        ],
        "EXPLICIT",
    ),
    "strides of batches": (
        [
            node(
                "MaxPool",
                "x",
                ksize=numbers(1, 2, 2, 1),
                strides=numbers(2, 2, 2, 1),
                padding=text("SAME"),
            )
        ],
        "strides",
    ),
}


@pytest.mark.parametrize("bad", BAD)
def test_unsupported_nodes_are_named(tmp_path, bad):
    nodes, named = BAD[bad]
    with pytest.raises(InputError) as caught:
        run(tmp_path, nodes)
    assert named in str(caught.value)
    assert "model.json" in str(caught.value)
    assert not (tmp_path / "model.onnx").exists()
