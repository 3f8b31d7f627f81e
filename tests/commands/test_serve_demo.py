"""The server of the page: which files, which headers, which files it refuses."""

import http.client
import json
import re
import tarfile
import threading
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from paddle_pose.commands import page_server, serve_demo
from paddle_pose.configs import overrides, registry
from paddle_pose.visualize import LEFT, MIDDLE, RIGHT

FILES = {
    "index.html": b"<p>",
    "onnxruntime/a.mjs": b"export {}",
    "a.wasm": b"\0asm",
    "settings.json": b"{}",
    "model.onnx": b"",
}


@pytest.fixture(scope="module")
def ask():
    """Asks a server of FILES: returns the answer and its content."""
    with page_server.server(FILES) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()

        def asked(path, method="GET"):
            connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
            connection.request(method, path)
            answer = connection.getresponse()
            content = answer.read()
            connection.close()
            return answer, content

        yield asked
        server.shutdown()
        thread.join(5)


@pytest.mark.parametrize(
    ("path", "name", "kind"),
    [
        ("/", "index.html", "text/html; charset=utf-8"),
        ("/index.html?a=b", "index.html", "text/html; charset=utf-8"),
        ("/onnxruntime/a.mjs", "onnxruntime/a.mjs", "text/javascript; charset=utf-8"),
        ("/a.wasm", "a.wasm", "application/wasm"),
        ("/settings.json", "settings.json", "application/json"),
        ("/model.onnx", "model.onnx", "application/octet-stream"),
    ],
)
def test_files_and_their_types(ask, path, name, kind):
    answer, content = ask(path)
    assert (answer.status, content, answer.headers["Content-Type"]) == (200, FILES[name], kind)
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Embedder-Policy"] == "require-corp"


@pytest.mark.parametrize(
    "path", ["/nothing", "/../pyproject.toml", "/%2e%2e/pyproject.toml", "/page/index.html", "/onnxruntime"]
)
def test_nothing_else_is_served(ask, path):
    assert ask(path)[0].status == 404


def test_only_get_is_answered(ask):
    assert ask("/", "POST")[0].status == 501


def test_a_port_that_is_taken():
    with page_server.server({}) as server, pytest.raises(ValueError, match="name another --port"):
        page_server.server({}, port=server.server_port)
    with pytest.raises(ValueError, match="--port 70000: expected 0 to 65535"):
        page_server.server({}, port=70000)


def test_the_page_is_whole_and_fetches_nothing_from_elsewhere():
    files = {name: content.decode() for name, content in page_server.page_files().items()}
    text = "\n".join(files.values())
    named = set(re.findall(r'(?:from |src=|href=|new URL\()"(?:\./)?([\w/.-]+\.(?:js|css|mjs|wasm))"', text))
    own = {name for name in named if not name.startswith("onnxruntime/")}
    assert own == set(files) - {"index.html"}
    assert named - own == {f"onnxruntime/{name}" for name in page_server.RUNTIME_FILES}
    assert "://" not in text


def test_words_that_elements_name_are_known():
    files = page_server.page_files()
    named = re.findall(r'data-word="(\w+)"', files["index.html"].decode())
    keys = re.findall(r"^ {4}(\w+):", files["words.js"].decode(), re.MULTILINE)
    assert set(named) <= set(keys)
    assert len(named) > 5


@pytest.fixture
def runtime(tmp_path, monkeypatch):
    """A package like npm's."""
    from paddle_pose.io.checksum import sha256_of

    path = tmp_path / "copy.tgz"
    with tarfile.open(path, "w:gz") as package:
        for name in page_server.RUNTIME_FILES:
            (tmp_path / name).write_text(name)
            package.add(tmp_path / name, f"package/dist/{name}")
    monkeypatch.setattr(page_server, "RUNTIME_SHA256", sha256_of(path))
    return path


def test_the_runtime_is_taken_from_a_copy_once(runtime, tmp_path):
    expected = {f"onnxruntime/{name}": name.encode() for name in page_server.RUNTIME_FILES}
    assert page_server.runtime_files(tmp_path / "there", runtime) == expected
    runtime.unlink()
    assert page_server.runtime_files(tmp_path / "there") == expected


def test_a_damaged_runtime_is_refused(runtime, tmp_path):
    runtime.write_bytes(runtime.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"its SHA-256 is \w+, expected .*onnxruntime-web"):
        page_server.runtime_files(tmp_path / "there", runtime)


def test_copies_are_told_apart():
    runtime, weights = Path("onnxruntime-web-1.tgz"), Path("a.tflite")
    assert serve_demo.copies([weights, runtime]) == (runtime, weights)
    assert serve_demo.copies([runtime]) == (runtime, None)
    assert serve_demo.copies([]) == (None, None)
    with pytest.raises(ValueError, match="at most one onnxruntime-web"):
        serve_demo.copies([weights, weights])


def test_weights_that_do_not_fit(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"--weights none.onnx: no such file, and no published one"):
        serve_demo.exported("none.onnx", tmp_path)
    (tmp_path / "model.xml").touch()
    with pytest.raises(ValueError, match="--format onnx"):
        serve_demo.exported(str(tmp_path / "model.xml"), tmp_path)
    with pytest.raises(ValueError, match="is not the name of a published file"):
        serve_demo.exported(str(tmp_path / "model.xml"), tmp_path, tmp_path / "copy")


def test_an_onnx_file_is_taken_as_it_is(tmp_path):
    (tmp_path / "model.onnx").touch()
    assert serve_demo.exported(str(tmp_path / "model.onnx"), tmp_path) == tmp_path / "model.onnx"


@pytest.fixture
def onnx_file(tmp_path):
    """Writes an ONNX file that answers its input, with the metadata of a config and these outputs."""
    onnx = pytest.importorskip("onnx", reason="needs onnx (requirements/export.txt)")
    pytest.importorskip("onnxruntime", reason="needs ONNX Runtime (requirements/onnx.txt)")
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
        graph = helper.make_graph([helper.make_node("Identity", ["image"], ["same"])], "g", values[:1], values[1:])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        if config.name:
            helper.set_model_props(model, {"paddle_pose": json.dumps(metadata)})
        path = tmp_path / "model.onnx"
        onnx.save_model(model, str(path))
        return path

    return write


def test_the_page_is_told_of_people_and_colours(onnx_file):
    config = registry.find("movenet_lightning_coco")
    said = serve_demo.settings(onnx_file(config, config.codec.outputs))
    assert said["people"] == config.codec.max_persons > 1
    assert said["metadata"]["skeleton"]["joints"][:2] == ["nose", "left_eye"]
    left, right, middle = ("rgb({}, {}, {})".format(*color) for color in (LEFT, RIGHT, MIDDLE))
    assert said["colors"]["joints"][:3] == [middle, left, right]
    assert [5, 6, middle] in said["colors"]["limbs"]
    assert [5, 7, left] in said["colors"]["limbs"]
    alone = overrides.override(config, {"codec.max_persons": 1})
    assert serve_demo.settings(onnx_file(alone, alone.codec.outputs))["people"] == 6


def test_files_that_the_page_cannot_run(onnx_file):
    config = registry.find("movenet_lightning_coco")
    with pytest.raises(ValueError, match="answers keypoints, and the page reads maps: export it without --decode"):
        serve_demo.settings(onnx_file(config, ["keypoints"]))
    other = registry.find("hourglass_tiny_128")
    with pytest.raises(ValueError, match="the page needs a MoveNet"):
        serve_demo.settings(onnx_file(other, other.codec.outputs))
    with pytest.raises(ValueError, match="it carries no metadata"):
        serve_demo.settings(onnx_file(replace(config, name=""), ["same"]))


def test_the_command_serves_everything(onnx_file, runtime, tmp_path, monkeypatch, capsys):
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
    flags = ["--weights", str(model), "--from_file", str(runtime), "--cache", str(tmp_path / "cache")]
    assert serve_demo.main(flags) == 0
    ((address, content),) = asked
    assert content == model.read_bytes()
    assert f"http://{address}/" in capsys.readouterr().out
