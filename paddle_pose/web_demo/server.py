"""Files of the browser demo and the HTTP server for them."""

from __future__ import annotations

import tarfile
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from paddle_pose.errors import InputError
from paddle_pose.io.cache import cache_for
from paddle_pose.io.checksum import sha256_of
from paddle_pose.io.download import Progress, RemoteFile, download

HOST = "127.0.0.1"
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

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            """Sends the requested file, or status 404 if there is no such file."""
            name = urlsplit(self.path).path.removeprefix("/") or "index.html"
            if name not in files:
                self.send_error(404, explain=f"Available files: {', '.join(files)}.")
                return
            self.send_response(200)
            self.send_header("Content-Type", TYPES[PurePosixPath(name).suffix])
            self.send_header("Content-Length", str(len(files[name])))
            for header, value in HEADERS.items():
                self.send_header(header, value)
            self.end_headers()
            self.wfile.write(files[name])

        def log_message(self, *arguments: object) -> None:
            """Logs nothing."""

    if not 0 <= port <= 65535:
        raise InputError(f"--port {port}: expected 0 to 65535; leave it out for a free port")
    try:
        return ThreadingHTTPServer((host, port), Handler)
    except OSError as problem:
        raise InputError(
            f"cannot listen on {host}, port {port} ({problem.strerror}): choose another --port, or "
            "leave it out for a free one"
        ) from problem
