"""Backends with a generated file whose outputs are the image and its brightness."""

import json

import numpy as np
import pytest

from paddle_pose.backends.metadata import metadata_path, read_metadata
from paddle_pose.backends.open import is_exported, open_exported
from paddle_pose.errors import InputError
from paddle_pose.exporting.convert import onnx_to_openvino, put_metadata
from paddle_pose.io import isolated
from paddle_pose.io.manifest import fingerprint

METADATA = {
    "version": 1,
    "input": {"name": "image", "shape": ["N", 4, 6, 3], "dtype": "uint8"},
    "outputs": [{"name": "float_image", "shape": ["N", 4, 6, 3], "dtype": "float32"}],
    "codec": {"kind": "HeatmapCodec"},
    "config": {"config": "hourglass_tiny_128", "values": {}},
}
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
    metadata_path(onnx_file).write_text(json.dumps(METADATA | {"from": "beside"}))
    assert read_metadata(onnx_file)["from"] == "beside"
    put_metadata(onnx_file, json.dumps(METADATA | {"from": "inside"}))
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


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("input", None),
        ("input", {"name": "image", "shape": ["N", 4, None, 3], "dtype": "uint8"}),
        ("outputs", []),
        ("outputs", [{"name": "float_image", "shape": 5, "dtype": "float32"}]),
        ("codec", {"kind": 3}),
        ("config", {"values": []}),
    ],
)
def test_read_metadata_names_the_part_that_is_damaged(tmp_path, key, value):
    exported = tmp_path / "model.xml"
    metadata_path(exported).write_text(json.dumps(METADATA | {key: value}))
    with pytest.raises(InputError, match=rf"model\.xml\.metadata\.json: '{key}'"):
        read_metadata(exported)


def test_metadata_that_is_not_utf8_is_an_input_error(onnx_file):
    put_metadata(onnx_file, json.dumps(METADATA | {"from": "here"}))
    onnx_file.write_bytes(onnx_file.read_bytes().replace(b"here", b"\xff\xfe\xfd\xfc"))
    with pytest.raises(InputError, match=r"model\.onnx: .*utf-8"):
        read_metadata(onnx_file)


def test_names_that_are_not_utf8_are_an_input_error(onnx_file):
    onnx_file.write_bytes(onnx_file.read_bytes().replace(b"brightness", b"brightnes\xff"))
    with pytest.raises(InputError, match=r"model\.onnx: "):
        open_exported(onnx_file)


def test_openvino_names_that_are_not_utf8_are_an_input_error(onnx_file, tmp_path):
    pytest.importorskip("openvino", reason="needs openvino (requirements/export.txt)")
    path = tmp_path / "model.xml"
    onnx_to_openvino(onnx_file, path)
    path.write_bytes(path.read_bytes().replace(b"brightness", b"brightnes\xff"))
    with pytest.raises(InputError, match=r"model\.xml: "):
        open_exported(path)(IMAGES)


def test_a_network_that_cannot_run_is_an_input_error(onnx_file):
    backend = open_exported(onnx_file)
    with pytest.raises(InputError, match=r"model\.onnx: ONNX Runtime cannot run it"):
        backend(IMAGES[:, :2])


@pytest.fixture
def paddle_program(tmp_path):
    """A program of Paddle with the outputs of `write_onnx`, with metadata but no checksums."""
    paddle = pytest.importorskip("paddle", reason="needs Paddle")
    from paddle_pose.exporting.program import save_program

    class Brightness(paddle.nn.Layer):
        def __init__(self):
            super().__init__()
            self.weight = self.create_parameter([3])

        def forward(self, images):
            values = images.astype("float32")
            return {"float_image": values, "brightness": (values * self.weight).mean(axis=3)}

    path = tmp_path / "model.json"
    save_program(Brightness(), ["float_image", "brightness"], (6, 4), path)
    outputs = [
        {"name": name, "shape": ["N", 4, 6], "dtype": "float32"}
        for name in ("float_image", "brightness")
    ]
    metadata_path(path).write_text(json.dumps(METADATA | {"outputs": outputs}))
    return path


def state_checksums(path):
    metadata = json.loads(metadata_path(path).read_text())
    files = (path, path.with_suffix(".pdiparams"))
    metadata["files"] = {file.suffix: fingerprint(file) for file in files}
    metadata_path(path).write_text(json.dumps(metadata))


def test_a_paddle_program_without_checksums_runs_in_a_child_first(paddle_program, monkeypatch):
    calls = []
    real = isolated.call
    monkeypatch.setattr(isolated, "call", lambda *a, **k: calls.append(a[0]) or real(*a, **k))
    assert np.array_equal(open_exported(paddle_program)(IMAGES)["float_image"], IMAGES)
    assert calls == ["paddle_pose.backends.paddle:run_once"]
    state_checksums(paddle_program)
    assert np.array_equal(open_exported(paddle_program)(IMAGES)["float_image"], IMAGES)
    assert len(calls) == 1, "files with checksums need no child"


def test_a_paddle_program_that_differs_from_its_checksums_is_damaged(paddle_program):
    state_checksums(paddle_program)
    parameters = paddle_program.with_suffix(".pdiparams")
    parameters.write_bytes(parameters.read_bytes()[:-1] + b"\x55")
    with pytest.raises(InputError, match=r"model\.pdiparams: damaged: "):
        open_exported(paddle_program)


def test_a_damaged_paddle_program_is_one_message(paddle_program):
    content = paddle_program.with_suffix(".pdiparams")
    content.write_bytes(content.read_bytes()[:20])
    with pytest.raises(InputError, match=r"model\.json: .*; export it again"):
        open_exported(paddle_program)
