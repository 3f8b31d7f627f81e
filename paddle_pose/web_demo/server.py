"""The files of the page in the browser, and what serves them."""

from __future__ import annotations

import tarfile
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from paddle_pose.errors import InputError
from paddle_pose.io.cache import cache_for
from paddle_pose.io.download import Progress, RemoteFile, download

HOST = "127.0.0.1"
STATIC = Path(__file__).resolve().parent / "static"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".wasm": "application/wasm",
    ".onnx": "application/octet-stream",
}
HEADERS = {
    # Alone in its process, so that WebAssembly may use threads.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    # The browser itself sees to it that nothing is fetched from elsewhere.
    "Content-Security-Policy": "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; "
    "img-src 'self' blob: data:; media-src 'self' blob:",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}

RUNTIME = "onnxruntime-web-1.30.0.tgz"
RUNTIME_URL = f"https://registry.npmjs.org/onnxruntime-web/-/{RUNTIME}"
# Of the file that has npm's "integrity", a SHA-512:
# q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ==
RUNTIME_SHA256 = "d2228df7e4616bc3348bf504ee888f3bec43789a273f0a63f3e68d203ce3bf71"
RUNTIME_FILES = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")


def page_files() -> dict[str, bytes]:
    """Returns the page's own files by their path in the address."""
    return {path.name: path.read_bytes() for path in STATIC.iterdir() if path.suffix in TYPES}


def runtime_files(
    folder: Path | None, from_file: Path | None = None, progress: Progress | None = None
) -> dict[str, bytes]:
    """Returns onnxruntime-web's files by their path in the address; fetched and verified the first time.

    Args:
        folder: Folder for the package as npm has it; None for the cache.
        from_file: Copy of the package; then nothing is downloaded.
        progress: Receives the progress of the download; None for silence.

    Raises:
        FileNotFoundError: If the copy is not there.
        InputError: If the checksum does not match.
        ConnectionError: If the server cannot be reached; says where to put the file.
    """
    file = RemoteFile("onnxruntime-web", RUNTIME_URL, RUNTIME_SHA256)
    place = cache_for([file.file_name], folder)
    with tarfile.open(download(file, place, from_file=from_file, progress=progress)) as package:
        members = {name: package.extractfile(f"package/dist/{name}") for name in RUNTIME_FILES}
        return {
            f"onnxruntime/{name}": member.read()
            for name, member in members.items()
            if member is not None
        }


def open_server(files: Mapping[str, bytes], host: str = HOST, port: int = 0) -> ThreadingHTTPServer:
    """Returns a server of these files and nothing else, which listens already; `serve_forever` answers requests.

    Args:
        files: Contents by their path in the address; "index.html" is also that of "/". Files that are added before a
            request are served, too.
        host: Address to listen at.
        port: Port to listen at; 0 takes a free one.

    Raises:
        InputError: If it cannot listen there.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            """Answers with the file, or that there is none."""
            name = urlsplit(self.path).path.removeprefix("/") or "index.html"
            if name not in files:
                self.send_error(404, explain=f"There are {', '.join(files)}.")
                return
            self.send_response(200)
            self.send_header("Content-Type", TYPES[PurePosixPath(name).suffix])
            self.send_header("Content-Length", str(len(files[name])))
            for header, value in HEADERS.items():
                self.send_header(header, value)
            self.end_headers()
            self.wfile.write(files[name])

        def log_message(self, *arguments: object) -> None:
            """Stays silent."""

    if not 0 <= port <= 65535:
        raise InputError(f"--port {port}: expected 0 to 65535; without it a free one is taken")
    try:
        return ThreadingHTTPServer((host, port), Handler)
    except OSError as problem:
        raise InputError(
            f"cannot listen at {host}, port {port} ({problem.strerror}): name another --port, or none for a free one"
        ) from problem
