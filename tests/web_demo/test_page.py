"""Model and settings of the page, and serving them."""

import http.client
import json
import threading
from dataclasses import asdict, replace

import cv2
import numpy as np
import pytest

from paddle_pose.codecs.movenet_multipose import PEOPLE
from paddle_pose.configs import registry
from paddle_pose.errors import InputError
from paddle_pose.skeletons import MPII_16
from paddle_pose.visualize import LEFT, MIDDLE, PERSONS, RIGHT
from paddle_pose.web_demo import page
from paddle_pose.web_demo import server as page_server


def test_copies_are_assigned_to_what_they_are_copies_of(tmp_path, runtime):
    names = {
        "google_movenet_lightning_int8": "movenet_single_pose_lightning_ptq.tflite",
        "movenet_multipose": "movenet-multipose.json",
    }
    one, several = (tmp_path / name for name in names.values())
    other = tmp_path / "renamed.tflite"
    named = tmp_path / "onnxruntime-web-1.tgz"
    for path in (one, several, other, named):
        path.write_bytes(path.name.encode())
    weights = list(names)
    assert page.split_copies([several, runtime, one], weights) == (runtime, [(one,), (several,)])
    assert page.split_copies([named, other], weights) == (named, [(other,), ()])
    assert page.split_copies([], weights) == (None, [(), ()])
    with pytest.raises(InputError, match=r"copy\.tgz"):
        page.split_copies([runtime, named], weights)
    with pytest.raises(FileNotFoundError, match="nothing"):
        page.split_copies([tmp_path / "nothing.tflite"], weights)


def test_invalid_weights_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"--weights none\.onnx"):
        page.onnx_model("none.onnx", tmp_path)
    (tmp_path / "model.xml").touch()
    with pytest.raises(InputError, match="--format onnx"):
        page.onnx_model(str(tmp_path / "model.xml"), tmp_path)
    with pytest.raises(InputError, match="--from_file"):
        page.onnx_model(str(tmp_path / "model.xml"), tmp_path, copies=[tmp_path / "copy"])


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

    def write(config, outputs, name="model.onnx"):
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
            "input": {"name": "image", "shape": ["N", 8, 8, 3], "dtype": "uint8"},
            "outputs": [{"name": name, "shape": ["N", 1], "dtype": "float32"} for name in outputs],
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
        path = tmp_path / name
        onnx.save_model(model, str(path))
        return path

    return write


ONE = registry.find("movenet_lightning_coco")
MULTIPOSE = registry.find("movenet_multipose_coco")
SEVERAL = replace(MULTIPOSE, codec=replace(MULTIPOSE.codec.with_fixed_size(), outputs=(PEOPLE,)))


def test_settings_state_models_and_the_drawing(onnx_file):
    one = onnx_file(ONE, ONE.codec.outputs)
    several = onnx_file(SEVERAL, [PEOPLE], "several.onnx")
    name = "google_movenet_lightning_int8"
    settings = page.page_settings(one, several, abouts=(name, str(several)))
    assert settings["one"]["metadata"]["skeleton"]["joints"][:2] == ["nose", "left_eye"]
    assert settings["one"]["about"]["name"] == name
    assert settings["one"]["about"]["licence"] == "Apache-2.0"
    assert settings["one"]["about"]["page"].startswith("https://")
    assert settings["several"]["about"] == {"name": SEVERAL.name, "licence": "", "page": ""}
    assert settings["several"]["file"] != settings["one"]["file"]
    left, right, middle = ("rgb({}, {}, {})".format(*color) for color in (LEFT, RIGHT, MIDDLE))
    drawing = settings["drawing"]
    assert drawing["sides"] == {"left": left, "middle": middle, "right": right}
    assert drawing["joints"][:3] == ["middle", "left", "right"]
    assert [5, 6, "middle"] in drawing["limbs"]
    assert [5, 7, "left"] in drawing["limbs"]
    assert len(drawing["persons"]) == len(PERSONS)
    assert drawing["widths"][0] < drawing["widths"][11] == 1
    assert page.page_settings(one)["several"] is None


def test_unsuitable_onnx_files_are_refused(onnx_file, tmp_path):
    with pytest.raises(InputError, match=r"keypoints.*--decode"):
        page.check_one(onnx_file(ONE, ["keypoints"]))
    other = registry.find("hourglass_tiny_128")
    with pytest.raises(InputError, match="hourglass_tiny_128"):
        page.check_one(onnx_file(other, other.codec.outputs))
    with pytest.raises(InputError, match="no export metadata"):
        page.check_one(onnx_file(replace(ONE, name=""), ["same"]))
    with pytest.raises(InputError, match="--several_weights"):
        page.check_one(onnx_file(SEVERAL, [PEOPLE]))
    for config, outputs in ((ONE, ONE.codec.outputs), (MULTIPOSE, MULTIPOSE.codec.outputs)):
        with pytest.raises(InputError, match="--decode"):
            page.multipose_model(str(onnx_file(config, outputs)), tmp_path)
    several = onnx_file(SEVERAL, [PEOPLE])
    assert page.multipose_model(str(several), tmp_path) == several
    with pytest.raises(FileNotFoundError, match=r"--several_weights none\.onnx"):
        page.multipose_model("none.onnx", tmp_path)


def test_the_example_is_an_image_of_people():
    image = cv2.imdecode(np.frombuffer(page.sample_image(), np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == (480, 640, 3)
    assert image.std() > 20


def test_a_published_movenet_does_not_need_paddle(shared, tmp_path, monkeypatch):
    pytest.importorskip("onnx", reason="needs onnx (requirements/onnx.txt)")
    monkeypatch.setattr(page.environment, "require_paddle", None)
    copy = shared / "data/movenet/movenet_single_pose_lightning_ptq.tflite"
    model = page.onnx_model("google_movenet_lightning_int8", tmp_path, copies=[copy])
    page.check_one(model)
    assert page.page_settings(model)["one"]["metadata"]["codec"]["input_size"] == [192, 192]


@pytest.fixture
def received(monkeypatch):
    """Returns a list that gets {path: content} of the files of a page that is served once."""

    def serve_forever(server):
        address = f"127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=lambda: [server.handle_request() for _ in PATHS])
        thread.start()
        contents = {"address": address}
        for path in PATHS:
            connection = http.client.HTTPConnection(address, timeout=60)
            connection.request("GET", path, headers={"Connection": "close"})
            contents[path] = connection.getresponse().read()
            connection.close()
        thread.join(5)
        found.append(contents)

    found: list[dict] = []
    monkeypatch.setattr(page_server.ThreadingHTTPServer, "serve_forever", serve_forever)
    return found


PATHS = ("/one.onnx", "/several.onnx", "/settings.json", "/sample.jpg")


def test_the_models_are_served(onnx_file, runtime, tmp_path, received, capsys):
    one = onnx_file(ONE, ONE.codec.outputs)
    several = onnx_file(SEVERAL, [PEOPLE], "second.onnx")
    page.serve_page(
        str(one), several=str(several), download_folder=tmp_path / "cache", from_files=[runtime]
    )
    (contents,) = received
    assert contents["/one.onnx"] == one.read_bytes()
    assert contents["/several.onnx"] == several.read_bytes()
    assert json.loads(contents["/settings.json"])["several"]["file"] == "several.onnx"
    assert contents["/sample.jpg"].startswith(b"\xff\xd8")
    assert f"http://{contents['address']}/" in capsys.readouterr().out


def test_without_multipose_the_page_finds_one_person_and_the_reason_is_logged(
    onnx_file, runtime, tmp_path, received, monkeypatch, caplog
):
    def unavailable(*_, **__):
        raise ConnectionError("no network here")

    monkeypatch.setattr(page, "multipose_model", unavailable)
    one = str(onnx_file(ONE, ONE.codec.outputs))
    served = {"download_folder": tmp_path / "cache", "from_files": [runtime]}
    page.serve_page(one, **served)
    assert json.loads(received[0]["/settings.json"])["several"] is None
    assert "one person only: no network here" in caplog.text
    caplog.clear()
    page.serve_page(one, several=page.NONE, **served)
    assert json.loads(received[1]["/settings.json"])["several"] is None
    assert "one person only" not in caplog.text
    with pytest.raises(ConnectionError):
        page.serve_page(one, several="movenet_multipose", **served)


def test_networks_with_different_joints_are_not_served_together(
    onnx_file, runtime, tmp_path, received, monkeypatch, caplog
):
    codec = replace(ONE.codec, skeleton=MPII_16)
    one = onnx_file(replace(ONE, codec=codec), codec.outputs)
    several = onnx_file(SEVERAL, [PEOPLE], "second.onnx")
    with pytest.raises(InputError, match=r"other joints .*--several_weights none"):
        page.page_settings(one, several)
    monkeypatch.setattr(page, "multipose_model", lambda *_, **__: several)
    page.serve_page(str(one), download_folder=tmp_path / "cache", from_files=[runtime])
    assert json.loads(received[0]["/settings.json"])["several"] is None
    assert "other joints" in caplog.text
