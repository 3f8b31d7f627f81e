"""Backends with a generated file whose outputs are the image and its brightness."""

import json

import numpy as np
import pytest

from paddle_pose.backends.metadata import metadata_path, read_metadata
from paddle_pose.backends.open import is_exported, open_exported
from paddle_pose.exporting.convert import onnx_to_openvino, put_metadata

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 4, 6, 3), dtype=np.uint8)


@pytest.fixture
def onnx_file(tmp_path):
    """An ONNX file with outputs "float_image" [N, H, W, 3] and "brightness" [N, H, W]."""
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


def test_onnx_backend_returns_named_maps_for_any_batch_size(onnx_file):
    backend = open_exported(onnx_file, threads=2)
    check(backend)
    assert backend.device.endswith("threads 2")


def test_openvino_backend_returns_the_same_maps(onnx_file, tmp_path):
    pytest.importorskip("openvino", reason="needs openvino (requirements/export.txt)")
    onnx_to_openvino(onnx_file, tmp_path / "model.xml")
    backend = open_exported(tmp_path / "model.xml", threads=1)
    check(backend)
    first = backend(IMAGES)["float_image"]
    backend(255 - IMAGES)
    assert np.array_equal(first, IMAGES)  # a later call does not change earlier results


def test_default_number_of_threads_is_read_from_the_environment(onnx_file, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert open_exported(onnx_file).device.endswith("threads 1")


@pytest.mark.parametrize(("kind", "shape"), [("FLOAT", ("N", 4, 6, 3)), ("UINT8", ("N", 3, 4, 6))])
def test_open_exported_rejects_files_without_uint8_image_input(tmp_path, kind, shape):
    path = write_onnx(tmp_path / "other.onnx", kind, shape)
    with pytest.raises(ValueError, match=r"other.onnx: its input is .* export it with .*export"):
        open_exported(path)


@pytest.mark.parametrize("name", ["model.onnx", "model.xml"])
def test_open_exported_names_a_damaged_file(tmp_path, name):
    package = {".onnx": "onnxruntime", ".xml": "openvino"}[name[5:]]
    pytest.importorskip(package, reason=f"needs {package} (requirements/export.txt)")
    (tmp_path / name).write_bytes(b"not an exported network")
    with pytest.raises(ValueError, match=rf"{name}: \w+( Runtime)? cannot open it"):
        open_exported(tmp_path / name)


def test_open_exported_names_a_missing_or_unsupported_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere.onnx: no such file"):
        open_exported(tmp_path / "nowhere.onnx")
    with pytest.raises(ValueError, match=r"model\.tflite: .*\.onnx, \.xml, \.json"):
        open_exported(tmp_path / "model.tflite")


@pytest.mark.parametrize("name", ["model.onnx", "model.xml"])
def test_open_exported_rejects_an_unknown_device(onnx_file, tmp_path, name):
    if name == "model.xml":
        pytest.importorskip("openvino", reason="needs openvino (requirements/export.txt)")
        onnx_to_openvino(onnx_file, tmp_path / name)
    with pytest.raises(ValueError, match="npu9"):
        open_exported(tmp_path / name, device="npu9")


def test_read_metadata_prefers_metadata_inside_the_file(onnx_file):
    assert read_metadata(onnx_file) is None
    metadata_path(onnx_file).write_text(json.dumps({"version": 1, "from": "beside"}))
    assert read_metadata(onnx_file)["from"] == "beside"
    put_metadata(onnx_file, json.dumps({"version": 1, "from": "inside"}))
    assert read_metadata(onnx_file)["from"] == "inside"
    check(open_exported(onnx_file))


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "expected metadata"), ("[]", "not metadata"), ('{"version": 9}', "version 9")],
)
def test_read_metadata_rejects_other_content(tmp_path, text, message):
    exported = tmp_path / "model.xml"
    metadata_path(exported).write_text(text)
    with pytest.raises(ValueError, match=rf"model.xml.metadata.json: .*{message}"):
        read_metadata(exported)


def test_read_metadata_of_a_checkpoint_returns_none(tmp_path):
    assert read_metadata(tmp_path / "model.pdparams") is None


def test_is_exported_excludes_tensorflow_js_files(tmp_path):
    path = tmp_path / "model.json"
    assert is_exported(path)
    path.write_text('{"base_code": {"magic": "pir"}}')
    assert is_exported(path)
    path.write_text('{"format": "graph-model", "weightsManifest": []}')
    assert not is_exported(path)
    assert is_exported(tmp_path / "model.onnx")
    assert not is_exported(tmp_path / "model.pdparams")
