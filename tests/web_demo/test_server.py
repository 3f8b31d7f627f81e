"""The server of the page: which files, which headers, which files it refuses."""

import http.client
import re
import threading

import pytest

from paddle_pose.web_demo import server as page_server

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
    with page_server.open_server(FILES) as server:
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
    "path", ["/", "/onnxruntime/a.mjs", "/a.wasm", "/settings.json", "/model.onnx"]
)
def test_the_browser_is_told_to_fetch_and_run_nothing_from_elsewhere(ask, path):
    headers = ask(path)[0].headers
    (policy,) = headers.get_all("Content-Security-Policy")
    sources = {name: set(values) for name, *values in map(str.split, policy.split(";"))}
    assert sources["default-src"] == {"'self'"}, "what is not named here falls back to it"
    assert sources["script-src"] == {"'self'", "'wasm-unsafe-eval'"}, "no inline scripts, no eval"
    assert set.union(*sources.values()) == {"'self'", "'wasm-unsafe-eval'", "blob:", "data:"}
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/../pyproject.toml",
        "/%2e%2e/pyproject.toml",
        "/page/index.html",
        "/onnxruntime",
    ],
)
def test_nothing_else_is_served(ask, path):
    assert ask(path)[0].status == 404


def test_only_get_is_answered(ask):
    assert ask("/", "POST")[0].status == 501


def test_a_port_that_is_taken():
    with (
        page_server.open_server({}) as server,
        pytest.raises(ValueError, match="name another --port"),
    ):
        page_server.open_server({}, port=server.server_port)
    with pytest.raises(ValueError, match="--port 70000: expected 0 to 65535"):
        page_server.open_server({}, port=70000)


def test_the_page_is_whole_and_fetches_nothing_from_elsewhere():
    files = {name: content.decode() for name, content in page_server.page_files().items()}
    text = "\n".join(files.values())
    named = set(
        re.findall(r'(?:from |src=|href=|new URL\()"(?:\./)?([\w/.-]+\.(?:js|css|mjs|wasm))"', text)
    )
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


def test_the_runtime_is_taken_from_a_copy_once(runtime, tmp_path):
    expected = {f"onnxruntime/{name}": name.encode() for name in page_server.RUNTIME_FILES}
    assert page_server.runtime_files(tmp_path / "there", runtime) == expected
    runtime.unlink()
    assert page_server.runtime_files(tmp_path / "there") == expected


def test_a_damaged_runtime_is_refused(runtime, tmp_path):
    runtime.write_bytes(runtime.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"its SHA-256 is \w+, expected .*onnxruntime-web"):
        page_server.runtime_files(tmp_path / "there", runtime)
