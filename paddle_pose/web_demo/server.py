"""Files of the browser demo and the HTTP server for them."""

from __future__ import annotations

import contextlib
import socket
import sys
import tarfile
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath
from typing import Any

from paddle_pose.errors import InputError
from paddle_pose.io.cache import cache_for
from paddle_pose.io.checksum import sha256_of
from paddle_pose.io.download import Progress, RemoteFile, download

HOST = "127.0.0.1"
MAX_CONNECTIONS = 64  # a browser opens about six
TIMEOUT = 30.0  # seconds without a byte after which a connection is closed
_CHUNK = 1 << 18  # bytes sent at once
STATIC = Path(__file__).resolve().parent / "static"
# Media types of the files that the server may send, by suffix.
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".wasm": "application/wasm",
    ".onnx": "application/octet-stream",
    ".jpg": "image/jpeg",
}
HEADERS = {
    # Isolated from other origins, so that WebAssembly may use threads.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    # The browser blocks requests to other servers.
    "Content-Security-Policy": "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; "
    "worker-src 'self' blob:; img-src 'self' blob: data:; media-src 'self' blob:",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}

RUNTIME = "onnxruntime-web-1.30.0.tgz"
RUNTIME_URL = f"https://registry.npmjs.org/onnxruntime-web/-/{RUNTIME}"
# SHA-256 of the file whose SHA-512, npm's "integrity", is
# q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ==
RUNTIME_SHA256 = "d2228df7e4616bc3348bf504ee888f3bec43789a273f0a63f3e68d203ce3bf71"
RUNTIME_FILES = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")


SAMPLE = "sample.jpg"
"""URL path of the image with which the page can be tried."""


def is_runtime(path: Path) -> bool:
    """Returns whether a file is a copy of the npm package of onnxruntime-web, by name or checksum.

    Args:
        path: Path of an existing file or folder.
    """
    if path.suffix != ".tgz":
        return False
    return "onnxruntime" in path.name or (path.is_file() and sha256_of(path) == RUNTIME_SHA256)


def page_files() -> dict[str, bytes]:
    """Returns {URL path: content} of the files in `STATIC`, such as "index.html"."""
    return {path.name: path.read_bytes() for path in STATIC.iterdir() if path.suffix in TYPES}


def runtime_files(
    folder: Path | None, from_file: Path | None = None, progress: Progress | None = None
) -> dict[str, bytes]:
    """Returns {URL path: content} of onnxruntime-web, which runs the network in the browser.

    The npm package is downloaded and verified the first time. URL paths are "onnxruntime/" and an
    entry of `RUNTIME_FILES`.

    Args:
        folder: Folder for the npm package; None for the user's cache.
        from_file: Copy of the package (.tgz); None downloads the package.
        progress: Function that is called repeatedly during a download with (bytes so far, bytes in
            all or None, bytes per second); None for none.

    Raises:
        FileNotFoundError: If the copy does not exist.
        InputError: If the checksum does not match.
        ConnectionError: If the package cannot be downloaded; the message states where to put it.
    """
    file = RemoteFile("onnxruntime-web", RUNTIME_URL, RUNTIME_SHA256)
    cache = cache_for([file.file_name], folder)
    with tarfile.open(download(file, cache, from_file=from_file, progress=progress)) as package:
        members = {name: package.extractfile(f"package/dist/{name}") for name in RUNTIME_FILES}
        return {
            f"onnxruntime/{name}": member.read()
            for name, member in members.items()
            if member is not None
        }


class _Server(ThreadingHTTPServer):
    """A server that keeps answering while clients hold connections open without using them.

    If there are `MAX_CONNECTIONS`, the one that has waited longest is closed for a new one.
    """

    request_queue_size = 128  # connections that wait to be accepted

    def __init__(self, address: tuple[str, int], handler: type[_Handler]) -> None:
        self._since: dict[socket.socket, float] = {}  # time of the last complete answer
        self._lock = threading.Lock()
        super().__init__(address, handler)

    def answered(self, connection: socket.socket) -> None:
        """Notes that a connection was opened, or that a client received a complete answer."""
        with self._lock:
            self._since[connection] = time.monotonic()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answers a new connection in a thread, after closing another one if there are too many."""
        with self._lock:
            oldest = min(self._since, key=self._since.__getitem__, default=None)
            if oldest is not None and len(self._since) >= MAX_CONNECTIONS:
                del self._since[oldest]
                with contextlib.suppress(OSError):  # its client may have left
                    oldest.shutdown(socket.SHUT_RDWR)
        self.answered(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Closes a connection."""
        with self._lock:
            self._since.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignores clients that leave or do not receive; other errors are printed."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """Answers the requests of one connection.

    Attributes:
        served: Contents of the files by their URL path without the leading slash.
    """

    served: Mapping[str, bytes]
    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = TIMEOUT

    def do_GET(self) -> None:
        """Sends the requested file, or status 404 if there is no such file."""
        content = self._send_head()
        for start in range(0, len(content), _CHUNK):
            # `timeout` limits each part, so that slow connections receive large files.
            self.wfile.write(content[start : start + _CHUNK])
        self.server.answered(self.connection)

    def do_HEAD(self) -> None:
        """Sends the headers of the requested file."""
        self._send_head()
        self.server.answered(self.connection)

    def _send_head(self) -> memoryview:
        """Sends status and headers; returns the content that follows after a GET."""
        path = self.path.partition("?")[0].partition("#")[0]
        name = path.removeprefix("/") or "index.html"
        content = self.served.get(name)
        if content is None:
            self.send_error(404, explain=f"Available files: {', '.join(self.served)}.")
            return memoryview(b"")
        self.send_response(200)
        self.send_header("Content-Type", TYPES[PurePosixPath(name).suffix])
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        return memoryview(content)

    def end_headers(self) -> None:
        """Ends the headers of every answer, also of errors, with `HEADERS`."""
        for header, value in HEADERS.items():
            self.send_header(header, value)
        super().end_headers()

    def log_message(self, *arguments: object) -> None:
        """Logs nothing."""


def open_server(files: Mapping[str, bytes], host: str = HOST, port: int = 0) -> ThreadingHTTPServer:
    """Returns an HTTP server that serves only the given files.

    The server already listens; call its `serve_forever` to answer requests, and its `server_close`,
    or leave its `with` block, to end. Its `server_port` is the port.

    Args:
        files: Contents of the files by their URL path without the leading slash; "index.html" is
            also served as "/". Suffixes must be in `TYPES`. Files may be added later.
        host: Address of the network interface to listen on.
        port: Port to listen on, 0 to 65535; 0 for a free one.

    Raises:
        InputError: If the port is invalid or occupied, or the host has no such address.
    """

    class Handler(_Handler):
        served = files

    if not 0 <= port <= 65535:
        raise InputError(f"--port {port}: expected 0 to 65535; leave it out for a free port")
    try:
        return _Server((host, port), Handler)
    except OSError as problem:
        raise InputError(
            f"cannot listen on {host}, port {port} ({problem.strerror}): choose another --port, or "
            "leave it out for a free one"
        ) from problem
