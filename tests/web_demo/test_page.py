"""Model and settings of the page, and serving them."""

import http.client
import json
import threading
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from paddle_pose.configs import overrides, registry
from paddle_pose.errors import InputError
from paddle_pose.visualize import LEFT, MIDDLE, RIGHT
from paddle_pose.web_demo import page
from paddle_pose.web_demo import server as page_server


def test_copies_are_distinguished_by_their_suffix():
    runtime, weights = Path("onnxruntime-web-1.tgz"), Path("a.tflite")
    assert page.split_copies([weights, runtime]) == (runtime, weights)
    assert page.split_copies([runtime]) == (runtime, None)
    assert page.split_copies([]) == (None, None)
    with pytest.raises(InputError, match=r"a\.tflite"):
        page.split_copies([weights, weights])


def test_invalid_weights_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"--weights none\.onnx"):
        page.onnx_model("none.onnx", tmp_path)
    (tmp_path / "model.xml").touch()
    with pytest.raises(InputError, match="--format onnx"):
        page.onnx_model(str(tmp_path / "model.xml"), tmp_path)
    with pytest.raises(InputError, match="--from_file"):
        page.onnx_model(str(tmp_path / "model.xml"), tmp_path, copy=tmp_path / "copy")


def test_an_onnx_file_is_used_unchanged(tmp_path):
    (tmp_path / "model.onnx").touch()
    assert page.onnx_model(str(tmp_path / "model.onnx"), tmp_path) == tmp_path / "model.onnx"


@pytest.fixture
def onnx_file(tmp_path):
    """Returns a function that writes an ONNX file with the metadata of a config and of outputs.

    The file returns its input.
    """
    onnx = pytest.importorskip("onnx", reason="needs onnx (requirements/predict.txt)")
    pytest.importorskip("onnxruntime", reason="needs ONNX Runtime (requirements/predict.txt)")
    helper = onnx.helper
    uint8 = onnx.TensorProto.UINT8

    def write(config, outputs):
        codec = {
            "input_size": config.codec.input_size,
            "kind": type(config.codec).__name__,
            "outputs": list(config.codec.outputs),
            "max_persons": getattr(config.codec, "max_persons", None),
        }
        metadata = {
            "version": 1,
            "codec": codec,
            "skeleton": asdict(config.codec.skeleton),
            "outputs": [{"name": name} for name in outputs],
            "config": json.loads(registry.to_json(config)),
        }
        shape = ["N", 8, 8, 3]
        values = [helper.make_tensor_value_info(name, uint8, shape) for name in ("image", "same")]
        graph = helper.make_graph(
            [helper.make_node("Identity", ["image"], ["same"])], "g", values[:1], values[1:]
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        if config.name:
            helper.set_model_props(model, {"paddle_pose": json.dumps(metadata)})
        path = tmp_path / "model.onnx"
        onnx.save_model(model, str(path))
        return path

    return write


def test_settings_state_people_metadata_and_colours(onnx_file):
    config = registry.find("movenet_lightning_coco")
    settings = page.page_settings(onnx_file(config, config.codec.outputs))
    assert settings["people"] == config.codec.max_persons > 1
    assert settings["metadata"]["skeleton"]["joints"][:2] == ["nose", "left_eye"]
    left, right, middle = ("rgb({}, {}, {})".format(*color) for color in (LEFT, RIGHT, MIDDLE))
    assert settings["colors"]["joints"][:3] == [middle, left, right]
    assert [5, 6, middle] in settings["colors"]["limbs"]
    assert [5, 7, left] in settings["colors"]["limbs"]
    single = overrides.override(config, {"codec.max_persons": 1})
    assert page.page_settings(onnx_file(single, single.codec.outputs))["people"] == 6


def test_unsuitable_onnx_files_are_refused(onnx_file):
    config = registry.find("movenet_lightning_coco")
    with pytest.raises(InputError, match=r"keypoints.*--decode"):
        page.page_settings(onnx_file(config, ["keypoints"]))
    other = registry.find("hourglass_tiny_128")
    with pytest.raises(InputError, match="hourglass_tiny_128"):
        page.page_settings(onnx_file(other, other.codec.outputs))
    with pytest.raises(InputError, match="no export metadata"):
        page.page_settings(onnx_file(replace(config, name=""), ["same"]))


def test_a_published_movenet_does_not_need_paddle(shared, tmp_path, monkeypatch):
    pytest.importorskip("onnx", reason="needs onnx (requirements/onnx.txt)")
    monkeypatch.setattr(page.environment, "require_paddle", None)
    copy = shared / "data/movenet/movenet_single_pose_lightning_ptq.tflite"
    model = page.onnx_model("google_movenet_lightning_int8", tmp_path, copy=copy)
    assert page.page_settings(model)["people"] == 6


def test_the_model_is_served(onnx_file, runtime, tmp_path, monkeypatch, capsys):
    def serve_forever(server):
        address = f"127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        connection = http.client.HTTPConnection(address, timeout=10)
        connection.request("GET", "/model.onnx", headers={"Connection": "close"})
        received.append((address, connection.getresponse().read()))
        connection.close()
        thread.join(5)

    received: list[tuple[str, bytes]] = []
    monkeypatch.setattr(page_server.ThreadingHTTPServer, "serve_forever", serve_forever)
    config = registry.find("movenet_lightning_coco")
    model = onnx_file(config, config.codec.outputs)
    page.serve_page(str(model), download_folder=tmp_path / "downloaded", from_files=[runtime])
    ((address, content),) = received
    assert content == model.read_bytes()
    assert f"http://{address}/" in capsys.readouterr().out
