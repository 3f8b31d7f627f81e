import pytest

from paddle_pose.backends.quantize import behind_last_convolutions


def test_all_behind_the_last_convolutions_stays_in_floating_point():
    helper = pytest.importorskip("onnx", reason="needs onnx (requirements/export.txt)").helper
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
    assert sorted(behind_last_convolutions(graph)) == ["argmax", "head", "second_head", "sigmoid", "sum"]
