"""The server of the page: served files, headers and refused requests."""

import http.client
import re
import socket
import struct
import threading
import time

import pytest

from paddle_pose.errors import InputError
from paddle_pose.web_demo import server as page_server

FILES = {
    "index.html": b"<p>",
    "onnxruntime/a.mjs": b"export {}",
    "a.wasm": b"\0asm",
    "settings.json": b"{}",
    "model.onnx": b"",
}


@pytest.fixture(scope="module")
def request_file():
    """Returns a function that requests a path from a server of FILES: (response, content)."""
    with page_server.open_server(FILES) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()

        def request(path, method="GET"):
            connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)
            connection.request(method, path)
            response = connection.getresponse()
            content = response.read()
            connection.close()
            return response, content

        yield request
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
def test_files_and_their_types(request_file, path, name, kind):
    response, content = request_file(path)
    assert (response.status, content, response.headers["Content-Type"]) == (200, FILES[name], kind)
    assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert response.headers["Cross-Origin-Embedder-Policy"] == "require-corp"


@pytest.mark.parametrize(
    "path", ["/", "/onnxruntime/a.mjs", "/a.wasm", "/settings.json", "/model.onnx"]
)
def test_headers_forbid_content_from_other_servers(request_file, path):
    headers = request_file(path)[0].headers
    (policy,) = headers.get_all("Content-Security-Policy")
    sources = {name: set(values) for name, *values in map(str.split, policy.split(";"))}
    assert sources["default-src"] == {"'self'"}, "the default of all other directives"
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
def test_nothing_else_is_served(request_file, path):
    response, _ = request_file(path)
    assert response.status == 404
    for header, value in page_server.HEADERS.items():
        assert response.headers.get_all(header) == [value], "errors have the same headers"


def test_only_get_is_supported(request_file):
    assert request_file("/", "POST")[0].status == 501


@pytest.mark.parametrize("path", ["/", "/a.wasm", "/nothing"])
def test_head_has_the_headers_of_get_and_no_content(request_file, path):
    head, content = request_file(path, "HEAD")
    get, _ = request_file(path)
    assert content == b""
    assert head.status == get.status
    assert set(head.headers.items()) - {("Date", head.headers["Date"])} == set(
        get.headers.items()
    ) - {("Date", get.headers["Date"])}


@pytest.mark.parametrize("path", ["//[", "/%ff%00", "/\\", "/" + "a" * 60_000])
def test_odd_paths_are_an_error_of_the_client(request_file, path, capfd):
    assert request_file(path)[0].status in (400, 404, 414)
    assert capfd.readouterr().err == ""


@pytest.fixture
def server():
    """A server of a large file that runs."""
    with page_server.open_server({"model.onnx": bytes(20_000_000)}) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join(5)


def test_half_open_clients_do_not_keep_others_out(server, monkeypatch):
    monkeypatch.setattr(page_server, "MAX_CONNECTIONS", 8)
    address = ("127.0.0.1", server.server_port)
    clients = [socket.create_connection(address, timeout=60) for _ in range(40)]
    for client in clients:
        client.send(b"GET /model.onnx HTTP/1.1\r\nX: ")
    connection = http.client.HTTPConnection(*address, timeout=60)
    connection.request("GET", "/model.onnx")
    assert len(connection.getresponse().read()) == 20_000_000
    assert clients[0].recv(100) == b"", "the oldest one was closed"
    assert len(server._since) <= 8
    for client in (*clients, connection):
        client.close()


def test_a_silent_client_is_disconnected(server, monkeypatch):
    monkeypatch.setattr(page_server._Handler, "timeout", 0.2)
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=60) as client:
        client.send(b"GET / HT")
        assert client.recv(100) == b""


def test_a_client_that_leaves_prints_nothing(server, capfd):
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", server.server_port), timeout=60) as client:
            client.send(b"GET /model.onnx HTTP/1.1\r\n\r\n")
            client.recv(10)
            # Closed with a reset, as by a browser that is killed.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    while server._since:
        time.sleep(0.01)
    assert capfd.readouterr().err == ""


def test_an_occupied_or_invalid_port_is_refused():
    with page_server.open_server({}) as server:
        port = server.server_port
        with pytest.raises(InputError, match=rf"port {port} .*--port"):
            page_server.open_server({}, port=port)
    with pytest.raises(InputError, match="--port 70000: expected 0 to 65535"):
        page_server.open_server({}, port=70000)


def test_the_page_is_complete_and_needs_no_other_server():
    files = {name: content.decode() for name, content in page_server.page_files().items()}
    text = "\n".join(files.values())
    named = set(
        re.findall(r'(?:from |src=|href=|new URL\()"(?:\./)?([\w/.-]+\.(?:js|css|mjs|wasm))"', text)
    )
    own = {name for name in named if not name.startswith("onnxruntime/")}
    assert own == set(files) - {"index.html"}
    assert named - own == {f"onnxruntime/{name}" for name in page_server.RUNTIME_FILES}
    assert "://" not in text


def test_texts_of_all_elements_exist():
    files = page_server.page_files()
    named = re.findall(r'data-word="(\w+)"', files["index.html"].decode())
    keys = re.findall(r"^ {4}(\w+):", files["words.js"].decode(), re.MULTILINE)
    assert set(named) <= set(keys)
    assert len(named) > 5


def test_the_runtime_is_copied_once(runtime, tmp_path):
    expected = {f"onnxruntime/{name}": name.encode() for name in page_server.RUNTIME_FILES}
    assert page_server.runtime_files(tmp_path / "cache", runtime) == expected
    runtime.unlink()
    assert page_server.runtime_files(tmp_path / "cache") == expected


def test_a_damaged_runtime_is_refused(runtime, tmp_path):
    runtime.write_bytes(runtime.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"SHA-256 .*onnxruntime-web"):
        page_server.runtime_files(tmp_path / "cache", runtime)
