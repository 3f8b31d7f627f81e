import numpy as np
import pytest

from paddle_pose.exporting.quantize import last_convolutions, quantize


def test_the_last_convolutions_and_all_behind_them_are_found():
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
    last, behind = map(sorted, last_convolutions(graph))
    assert last == ["head", "second_head"]
    assert behind == ["argmax", "sigmoid", "sum"]


@pytest.mark.parametrize("answer", ["b", "c"])  # a convolution's own output, or one behind it
def test_a_network_in_8_bits_answers_in_floats(tmp_path, answer):
    onnx = pytest.importorskip("onnx", reason="needs onnx (requirements/predict.txt)")
    runtime = pytest.importorskip(
        "onnxruntime", reason="needs onnxruntime (requirements/predict.txt)"
    )
    helper, rng = onnx.helper, np.random.default_rng(0)
    weights = {name: rng.normal(size=(4, 4, 3, 3)).astype(np.float32) for name in ("v", "w")}
    nodes = [
        helper.make_node("Cast", ["image"], ["x"], to=onnx.TensorProto.FLOAT, name="cast"),
        helper.make_node("Conv", ["x", "v"], ["a"], name="stem"),
        helper.make_node("Conv", ["a", "w"], ["b"], name="head"),
        helper.make_node("Sigmoid", ["b"], ["c"], name="sigmoid"),
        helper.make_node("Neg", ["b"], ["d"], name="other"),
    ]
    outputs = [helper.make_tensor_value_info(name, 1, ("N", 4, 12, 12)) for name in (answer, "d")]
    image = helper.make_tensor_value_info("image", onnx.TensorProto.UINT8, ("N", 4, 16, 16))
    constants = [onnx.numpy_helper.from_array(value, name) for name, value in weights.items()]
    nodes = [node for node in nodes if answer == "c" or node.name != "sigmoid"]
    graph = helper.make_graph(nodes, "by_hand", [image], outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save_model(model, str(tmp_path / "float.onnx"))
    images = rng.integers(0, 256, (2, 4, 16, 16)).astype(np.uint8)
    quantize(tmp_path / "float.onnx", tmp_path / "int8.onnx", [images])
    paths = [str(tmp_path / f"{kind}.onnx") for kind in ("float", "int8")]
    options = runtime.SessionOptions()
    # As written, in floats: a processor without VNNI may overflow where convolutions are run in 8 bits.
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    exact, found = (
        runtime.InferenceSession(path, options).run([answer, "d"], {"image": images})
        for path in paths
    )
    assert 0 < np.abs(found[1] - exact[1]).max() < 0.03 * np.abs(exact[1]).max()
    assert len(np.unique(found[1])) > 1000  # of 1152; 8 bits have 256
    np.testing.assert_array_equal(found[0], -found[1] if answer == "b" else found[0])
    nodes = {node.name: node for node in onnx.load_model(paths[1]).graph.node}
    makers = {output: node.op_type for node in nodes.values() for output in node.output}
    assert [makers[name] for name in nodes["head"].input[:2]] == ["DequantizeLinear"] * 2
