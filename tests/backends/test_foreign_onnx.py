import numpy as np
import pytest
from helpers.foreign_onnx import write_constant

from paddle_pose.backends.foreign_onnx import ForeignOnnx, Tensor


def test_foreign_onnx_lists_inputs_outputs_and_metadata(tmp_path):
    outputs = {
        "boxes": np.arange(8, dtype=np.float32).reshape(1, 2, 4),
        "labels": np.zeros((1, 2), np.int64),
    }
    path = write_constant(
        tmp_path / "a.onnx",
        outputs,
        input_name="pixels",
        shape=("batch", 3, 32, "width"),
        dtype="FLOAT16",
        metadata={"task": "detect"},
        open_outputs=True,
    )
    network = ForeignOnnx(path, device="cpu", threads=1)
    assert network.inputs == [Tensor("pixels", (None, 3, 32, None), "float16")]
    assert network.outputs == [
        Tensor("boxes", (1, None, None), "float32"),
        Tensor("labels", (1, None), "int64"),
    ]
    assert network.metadata == {"task": "detect"}
    results = network(np.zeros((1, 3, 32, 32), np.float16))
    assert list(results) == ["boxes", "labels"]
    assert np.array_equal(results["boxes"], outputs["boxes"])


def test_foreign_onnx_names_the_file_for_a_wrong_input_shape(tmp_path):
    network = ForeignOnnx(
        write_constant(tmp_path / "a.onnx", {"x": np.zeros((1, 2), np.float32)}), device="cpu"
    )
    with pytest.raises(ValueError, match=r"a\.onnx"):
        network(np.zeros((1, 3, 32, 32), np.float32))


def test_foreign_onnx_names_a_missing_or_damaged_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.onnx"):
        ForeignOnnx(tmp_path / "nowhere.onnx")
    pytest.importorskip("onnxruntime", reason="needs onnxruntime (requirements/predict.txt)")
    (tmp_path / "text.onnx").write_bytes(b"not an ONNX file")
    with pytest.raises(ValueError, match=r"text\.onnx"):
        ForeignOnnx(tmp_path / "text.onnx")
