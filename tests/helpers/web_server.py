"""A local server with given files and dropped connections."""

import http.server
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Site:
    """The files of a server, its faults, and the requests that it received.

    Attributes:
        files: Contents by path; the answer to other paths is status 404.
        drops: Numbers of bytes after which answers end early by path, one for each answer.
        asked: (path, requested range or None) of all requests.
        address: URL of the server, with "/" at the end.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    drops: dict[str, list[int]] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    address: str = ""


@contextmanager
def serving(site: Site) -> Iterator[Site]:
    """Runs the server while the block runs."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            name, asked = self.path.removeprefix("/"), self.headers.get("Range")
            site.asked.append((name, asked))
            if name not in site.files:
                self.send_error(404)
                return
            data = site.files[name]
            start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked else 0
            self.send_response(206 if asked else 200)
            if asked:
                self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
            self.send_header("Content-Length", str(len(data) - start))
            self.end_headers()
            drops = site.drops.get(name)
            self.wfile.write(data[start:][: drops.pop(0)] if drops else data[start:])

        def log_message(self, *args):
            """Writes no log."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        site.address = f"http://127.0.0.1:{running.server_address[1]}/"
        yield site
        running.shutdown()
        thread.join(5)
