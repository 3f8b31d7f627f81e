"""Backends on files made by hand: two outputs of which one is the image itself, the other its brightness."""

import json

import numpy as np
import pytest

from paddle_pose.backends.metadata import metadata_path, read_metadata
from paddle_pose.backends.open import is_exported, open_exported
from paddle_pose.exporting.convert import onnx_to_openvino, put_metadata

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 4, 6, 3), dtype=np.uint8)


@pytest.fixture
def onnx_file(tmp_path):
    """Answers "image" [N, H, W, 3] and "brightness" [N, H, W]."""
    return write_onnx(tmp_path / "model.onnx")


def write_onnx(path, kind="UINT8", shape=("N", 4, 6, 3)):
    onnx = pytest.importorskip("onnx", reason="needs onnx (requirements/predict.txt)")
    pytest.importorskip("onnxruntime", reason="needs onnxruntime (requirements/predict.txt)")
    helper, types = onnx.helper, onnx.TensorProto
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["image"], ["float_image"], to=types.FLOAT, name="cast"),
            helper.make_node(
                "ReduceMean", ["float_image"], ["brightness"], axes=[3], keepdims=0, name="mean"
            ),
        ],
        "by_hand",
        [helper.make_tensor_value_info("image", getattr(types, kind), shape)],
        [
            helper.make_tensor_value_info("float_image", types.FLOAT, ("N", 4, 6, 3)),
            helper.make_tensor_value_info("brightness", types.FLOAT, ("N", 4, 6)),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save_model(model, str(path))
    return path


def check(backend):
    assert backend.outputs == ["float_image", "brightness"]
    for images in (IMAGES, IMAGES[:1]):
        maps = backend(images)
        assert list(maps) == ["float_image", "brightness"]
        assert np.array_equal(maps["float_image"], images)
        assert np.allclose(maps["brightness"], images.mean(axis=3), atol=1e-4)


def test_onnx_runtime_answers_named_maps_for_any_batch(onnx_file):
    backend = open_exported(onnx_file, threads=2)
    check(backend)
    assert backend.device.endswith("threads 2")


def test_openvino_answers_the_same(onnx_file, tmp_path):
    pytest.importorskip("openvino", reason="needs openvino (requirements/export.txt)")
    onnx_to_openvino(onnx_file, tmp_path / "model.xml")
    backend = open_exported(tmp_path / "model.xml", threads=1)
    check(backend)
    first = backend(IMAGES)["float_image"]
    backend(255 - IMAGES)
    assert np.array_equal(first, IMAGES)  # a later answer leaves an earlier one alone


def test_threads_come_from_the_environment(onnx_file, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert open_exported(onnx_file).device.endswith("threads 1")


@pytest.mark.parametrize(("kind", "shape"), [("FLOAT", ("N", 4, 6, 3)), ("UINT8", ("N", 3, 4, 6))])
def test_a_file_that_takes_no_uint8_images_is_refused(tmp_path, kind, shape):
    path = write_onnx(tmp_path / "other.onnx", kind, shape)
    with pytest.raises(ValueError, match=r"other.onnx: its input is .* export it with .*export"):
        open_exported(path)


@pytest.mark.parametrize("name", ["model.onnx", "model.xml"])
def test_a_damaged_file_is_named(tmp_path, name):
    package = {".onnx": "onnxruntime", ".xml": "openvino"}[name[5:]]
    pytest.importorskip(package, reason=f"needs {package} (requirements/export.txt)")
    (tmp_path / name).write_bytes(b"nothing that was exported")
    with pytest.raises(ValueError, match=rf"{name}: \w+( Runtime)? cannot open it"):
        open_exported(tmp_path / name)


def test_a_missing_or_foreign_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere.onnx: no such file"):
        open_exported(tmp_path / "nowhere.onnx")
    with pytest.raises(ValueError, match=r"model.tflite: exported files are .onnx, .xml, .json"):
        open_exported(tmp_path / "model.tflite")


@pytest.mark.parametrize("name", ["model.onnx", "model.xml"])
def test_a_device_that_is_not_there_is_refused(onnx_file, tmp_path, name):
    if name == "model.xml":
        pytest.importorskip("openvino", reason="needs openvino (requirements/export.txt)")
        onnx_to_openvino(onnx_file, tmp_path / name)
    with pytest.raises(ValueError, match="npu9"):
        open_exported(tmp_path / name, device="npu9")


def test_the_metadata_in_the_file_counts_before_the_one_beside_it(onnx_file):
    assert read_metadata(onnx_file) is None
    metadata_path(onnx_file).write_text(json.dumps({"version": 1, "from": "beside"}))
    assert read_metadata(onnx_file)["from"] == "beside"
    put_metadata(onnx_file, json.dumps({"version": 1, "from": "inside"}))
    assert read_metadata(onnx_file)["from"] == "inside"
    check(open_exported(onnx_file))


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "not metadata"), ("[]", "not metadata"), ('{"version": 9}', "version 9")],
)
def test_another_metadata_is_refused(tmp_path, text, message):
    exported = tmp_path / "model.xml"
    metadata_path(exported).write_text(text)
    with pytest.raises(ValueError, match=rf"model.xml.metadata.json: .*{message}"):
        read_metadata(exported)


def test_a_checkpoint_has_no_metadata(tmp_path):
    assert read_metadata(tmp_path / "model.pdparams") is None


def test_tensorflow_js_files_are_weights_not_exported_files(tmp_path):
    path = tmp_path / "model.json"
    assert is_exported(path)
    path.write_text('{"base_code": {"magic": "pir"}}')
    assert is_exported(path)
    path.write_text('{"format": "graph-model", "weightsManifest": []}')
    assert not is_exported(path)
    assert is_exported(tmp_path / "model.onnx")
    assert not is_exported(tmp_path / "model.pdparams")
