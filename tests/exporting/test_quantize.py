import numpy as np
import pytest

from paddle_pose.exporting.quantize import last_convolutions, quantize


def test_the_last_convolutions_and_the_nodes_after_them_are_found():
    helper = pytest.importorskip("onnx", reason="needs onnx (requirements/predict.txt)").helper
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["image", "w"], ["a"], name="stem"),
            helper.make_node("Relu", ["a"], ["b"], name="relu"),
            helper.make_node("Conv", ["b", "w"], ["c"], name="head"),
            helper.make_node("Sigmoid", ["c"], ["d"], name="sigmoid"),
            helper.make_node("ArgMax", ["d"], ["keypoints"], name="argmax"),
            helper.make_node("ConvTranspose", ["b", "w"], ["e"], name="second_head"),
            helper.make_node("Add", ["e", "c"], ["offsets"], name="sum"),
        ],
        "by_hand",
        [],
        [helper.make_tensor_value_info(name, 1, ()) for name in ("keypoints", "offsets")],
    )
    last, after = map(sorted, last_convolutions(graph))
    assert last == ["head", "second_head"]
    assert after == ["argmax", "sigmoid", "sum"]


# Output "b" is that of a convolution, "c" that of a node after it.
@pytest.mark.parametrize("output", ["b", "c"])
def test_an_int8_network_returns_floats(tmp_path, output):
    onnx = pytest.importorskip("onnx", reason="needs onnx (requirements/predict.txt)")
    runtime = pytest.importorskip(
        "onnxruntime", reason="needs onnxruntime (requirements/predict.txt)"
    )
    helper = onnx.helper
    rng = np.random.default_rng(0)
    weights = {name: rng.normal(size=(4, 4, 3, 3)).astype(np.float32) for name in ("v", "w")}
    nodes = [
        helper.make_node("Cast", ["image"], ["x"], to=onnx.TensorProto.FLOAT, name="cast"),
        helper.make_node("Conv", ["x", "v"], ["a"], name="stem"),
        helper.make_node("Conv", ["a", "w"], ["b"], name="head"),
        helper.make_node("Sigmoid", ["b"], ["c"], name="sigmoid"),
        helper.make_node("Neg", ["b"], ["d"], name="other"),
    ]
    outputs = [helper.make_tensor_value_info(name, 1, ("N", 4, 12, 12)) for name in (output, "d")]
    image = helper.make_tensor_value_info("image", onnx.TensorProto.UINT8, ("N", 4, 16, 16))
    constants = [onnx.numpy_helper.from_array(value, name) for name, value in weights.items()]
    nodes = [node for node in nodes if output == "c" or node.name != "sigmoid"]
    graph = helper.make_graph(nodes, "by_hand", [image], outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save_model(model, str(tmp_path / "float.onnx"))
    images = rng.integers(0, 256, (2, 4, 16, 16)).astype(np.uint8)
    quantize(tmp_path / "float.onnx", tmp_path / "int8.onnx", images)
    paths = [str(tmp_path / f"{kind}.onnx") for kind in ("float", "int8")]
    options = runtime.SessionOptions()
    # Unoptimized, the rounded numbers are computed in floating point: a processor without VNNI may
    # overflow where convolutions run in 8 bits.
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    exact, found = (
        runtime.InferenceSession(path, options).run([output, "d"], {"image": images})
        for path in paths
    )
    assert 0 < np.abs(found[1] - exact[1]).max() < 0.03 * np.abs(exact[1]).max()
    assert len(np.unique(found[1])) > 1000  # of 1152 numbers; 8 bits have 256 values
    np.testing.assert_array_equal(found[0], -found[1] if output == "b" else found[0])
    nodes = {node.name: node for node in onnx.load_model(paths[1]).graph.node}
    producers = {name: node.op_type for node in nodes.values() for name in node.output}
    assert [producers[name] for name in nodes["head"].input[:2]] == ["DequantizeLinear"] * 2
