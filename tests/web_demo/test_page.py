"""What the page is given: the model, the metadata, the colours; and serving it all."""

import http.client
import json
import threading
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from paddle_pose.configs import overrides, registry
from paddle_pose.visualize import LEFT, MIDDLE, RIGHT
from paddle_pose.web_demo import page
from paddle_pose.web_demo import server as page_server


def test_copies_are_told_apart():
    runtime, weights = Path("onnxruntime-web-1.tgz"), Path("a.tflite")
    assert page.split_copies([weights, runtime]) == (runtime, weights)
    assert page.split_copies([runtime]) == (runtime, None)
    assert page.split_copies([]) == (None, None)
    with pytest.raises(ValueError, match="at most one onnxruntime-web"):
        page.split_copies([weights, weights])


def test_weights_that_do_not_fit(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"--weights none.onnx: no such file, and no published one"
    ):
        page.onnx_model("none.onnx", tmp_path)
    (tmp_path / "model.xml").touch()
    with pytest.raises(ValueError, match="--format onnx"):
        page.onnx_model(str(tmp_path / "model.xml"), tmp_path)
    with pytest.raises(ValueError, match="is not the name of a published file"):
        page.onnx_model(str(tmp_path / "model.xml"), tmp_path, copy=tmp_path / "copy")


def test_an_onnx_file_is_taken_as_it_is(tmp_path):
    (tmp_path / "model.onnx").touch()
    assert page.onnx_model(str(tmp_path / "model.onnx"), tmp_path) == tmp_path / "model.onnx"


@pytest.fixture
def onnx_file(tmp_path):
    """Writes an ONNX file that answers its input, with the metadata of a config and these outputs."""
    onnx = pytest.importorskip("onnx", reason="needs onnx (requirements/predict.txt)")
    pytest.importorskip("onnxruntime", reason="needs ONNX Runtime (requirements/predict.txt)")
    helper, uint8 = onnx.helper, onnx.TensorProto.UINT8

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


def test_the_page_is_told_of_people_and_colours(onnx_file):
    config = registry.find("movenet_lightning_coco")
    said = page.page_settings(onnx_file(config, config.codec.outputs))
    assert said["people"] == config.codec.max_persons > 1
    assert said["metadata"]["skeleton"]["joints"][:2] == ["nose", "left_eye"]
    left, right, middle = ("rgb({}, {}, {})".format(*color) for color in (LEFT, RIGHT, MIDDLE))
    assert said["colors"]["joints"][:3] == [middle, left, right]
    assert [5, 6, middle] in said["colors"]["limbs"]
    assert [5, 7, left] in said["colors"]["limbs"]
    alone = overrides.override(config, {"codec.max_persons": 1})
    assert page.page_settings(onnx_file(alone, alone.codec.outputs))["people"] == 6


def test_files_that_the_page_cannot_run(onnx_file):
    config = registry.find("movenet_lightning_coco")
    with pytest.raises(
        ValueError, match="returns keypoints, and the page reads maps: export it without --decode"
    ):
        page.page_settings(onnx_file(config, ["keypoints"]))
    other = registry.find("hourglass_tiny_128")
    with pytest.raises(ValueError, match="the page needs a MoveNet"):
        page.page_settings(onnx_file(other, other.codec.outputs))
    with pytest.raises(ValueError, match="it has no metadata"):
        page.page_settings(onnx_file(replace(config, name=""), ["same"]))


def test_a_published_movenet_needs_no_paddle(shared, tmp_path, monkeypatch):
    pytest.importorskip("onnx", reason="needs onnx (requirements/onnx.txt)")
    monkeypatch.setattr(page.environment, "require_paddle", None)
    copy = shared / "data/movenet/movenet_single_pose_lightning_ptq.tflite"
    model = page.onnx_model("google_movenet_lightning_int8", tmp_path, copy=copy)
    assert page.page_settings(model)["people"] == 6


def test_everything_is_served(onnx_file, runtime, tmp_path, monkeypatch, capsys):
    def serve_forever(server):
        address = f"127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        connection = http.client.HTTPConnection(address, timeout=10)
        connection.request("GET", "/model.onnx", headers={"Connection": "close"})
        asked.append((address, connection.getresponse().read()))
        connection.close()
        thread.join(5)

    asked: list[tuple[str, bytes]] = []
    monkeypatch.setattr(page_server.ThreadingHTTPServer, "serve_forever", serve_forever)
    config = registry.find("movenet_lightning_coco")
    model = onnx_file(config, config.codec.outputs)
    page.serve_page(str(model), download_folder=tmp_path / "downloaded", from_files=[runtime])
    ((address, content),) = asked
    assert content == model.read_bytes()
    assert f"http://{address}/" in capsys.readouterr().out
