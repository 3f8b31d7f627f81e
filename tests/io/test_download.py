"""Downloads from a local server: continued, dropped, refused, damaged and unreachable."""

import hashlib
import http.server
import re
import socket
import threading
import time
from dataclasses import dataclass, field

import numpy as np
import pytest

from paddle_pose.errors import InputError
from paddle_pose.io.download import RemoteFile, download

DATA = np.random.default_rng(0).bytes(1_000_000)


@dataclass
class Behaviour:
    """Behaviour of the server, and the requests that it received."""

    data: bytes = DATA
    ranges: bool = True
    drops: list[int] = field(default_factory=list)  # bytes after which each answer ends early
    statuses: list[int] = field(default_factory=list)  # statuses of answers that are errors
    says_length: bool = True
    shifted: bool = False  # whether it answers with another range than requested
    length: str | None = None  # Content-Length of the answers; None for the right one
    drip: float = 0.0  # seconds after each byte of the body
    drip_headers: float = 0.0  # seconds after each header; then the headers never end
    asked: list[str | None] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)


@pytest.fixture
def behaviour():
    return Behaviour()


@pytest.fixture
def server(behaviour, monkeypatch):
    """Yields the address of a server with this behaviour."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked = self.headers.get("Range")
            behaviour.asked.append(asked)
            behaviour.paths.append(self.path)
            if behaviour.statuses:
                self.send_error(behaviour.statuses.pop(0))
                return
            start = 0
            if behaviour.ranges and asked:
                start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1])
                if start >= len(behaviour.data):
                    self.send_error(416)
                    return
                start -= behaviour.shifted
                self.send_response(206)
                end = len(behaviour.data)
                self.send_header("Content-Range", f"bytes {start}-{end - 1}/{end}")
            else:
                self.send_response(200)
            body = behaviour.data[start:]
            if behaviour.says_length:
                self.send_header("Content-Length", behaviour.length or str(len(body)))
            if behaviour.drip_headers:
                self.flush_headers()
                for n in range(50):
                    self.wfile.write(b"X-%d: 1\r\n" % n)
                    time.sleep(behaviour.drip_headers)
            self.end_headers()
            if behaviour.drip:
                for n in range(50):
                    self.wfile.write(body[n : n + 1])
                    time.sleep(behaviour.drip)
            self.wfile.write(body[: behaviour.drops.pop(0)] if behaviour.drops else body)

        def log_message(self, *args):
            """Writes no log."""

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, *args):
            """Prints nothing about clients that leave early."""

    with Server(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()
        thread.join(5)


def published(address: str, sha256: str | None = None) -> RemoteFile:
    digest = hashlib.sha256(DATA).hexdigest()[:8] if sha256 is None else sha256
    return RemoteFile("net", f"{address}/a/net.pth", digest)


def fetch(address, folder, progress=None, **options):
    options = {"timeout": 5.0, "pause": 0.01, **options}
    return download(published(address), folder, progress=progress, **options)


def test_file_is_downloaded(server, behaviour, tmp_path):
    seen = []
    path = fetch(server, tmp_path / "new" / "folder", lambda *now: seen.append(now))
    assert path == tmp_path / "new" / "folder" / "net.pth"
    assert path.read_bytes() == DATA
    assert [p.name for p in path.parent.glob("[!.]*")] == ["net.pth"]
    assert seen[-1][:2] == (len(DATA), len(DATA))
    assert seen[-1][2] > 0
    assert behaviour.asked == [None]


def test_existing_file_is_verified_and_not_downloaded(server, behaviour, tmp_path):
    (tmp_path / "net.pth").write_bytes(DATA)
    assert fetch(server, tmp_path).read_bytes() == DATA
    (tmp_path / "net.pth").write_bytes(DATA[:-1])
    with pytest.raises(ValueError, match="delete it, or move it away"):
        fetch(server, tmp_path)
    assert behaviour.asked == []


def test_a_mirror_replaces_the_publisher(server, behaviour, tmp_path, monkeypatch):
    publisher = "http://publisher.invalid"
    monkeypatch.setenv("PADDLE_POSE_MIRROR", f"{server}/weights/")
    assert fetch(publisher, tmp_path).read_bytes() == DATA
    assert behaviour.paths == ["/weights/net.pth"]
    behaviour.data = DATA[:-1]
    with pytest.raises(InputError, match="SHA-256"):
        fetch(publisher, tmp_path / "damaged")
    monkeypatch.setenv("PADDLE_POSE_MIRROR", "/data/weights")
    with pytest.raises(InputError, match="PADDLE_POSE_MIRROR"):
        fetch(publisher, tmp_path / "folder")


def test_full_checksum_is_verified(server, tmp_path):
    whole = hashlib.sha256(DATA).hexdigest()
    path = download(published(server, whole.upper()), tmp_path)
    assert path.read_bytes() == DATA
    path.unlink()
    with pytest.raises(ValueError, match="expected one that begins with"):
        download(published(server, whole[:-1] + "x"), tmp_path)


@pytest.mark.parametrize("ranges", [True, False])
def test_earlier_part_is_continued_or_replaced(server, behaviour, tmp_path, ranges):
    behaviour.ranges = ranges
    (tmp_path / "net.pth.part").write_bytes(DATA[:400_000])
    assert fetch(server, tmp_path).read_bytes() == DATA
    assert behaviour.asked == ["bytes=400000-"]
    assert [p.name for p in tmp_path.glob("[!.]*")] == ["net.pth"]


@pytest.mark.parametrize("ranges", [True, False])
def test_dropped_connections_are_continued(server, behaviour, tmp_path, ranges):
    behaviour.ranges, behaviour.drops = ranges, [300_000, 500_000]
    assert fetch(server, tmp_path).read_bytes() == DATA
    second = 800_000 if ranges else 500_000
    assert behaviour.asked == [None, "bytes=300000-", f"bytes={second}-"]


def test_received_bytes_are_kept_after_all_attempts_fail(server, behaviour, tmp_path):
    behaviour.drops = [1000] * 4
    with pytest.raises(ConnectionError, match="closed early"):
        fetch(server, tmp_path)
    assert (tmp_path / "net.pth.part").read_bytes() == DATA[:4000]
    assert fetch(server, tmp_path).read_bytes() == DATA


def test_part_that_is_too_long_is_downloaded_again(server, behaviour, tmp_path):
    (tmp_path / "net.pth.part").write_bytes(DATA + b"x")
    assert fetch(server, tmp_path).read_bytes() == DATA
    assert behaviour.asked == [f"bytes={len(DATA) + 1}-", None]


def test_unrequested_range_is_not_appended(server, behaviour, tmp_path):
    behaviour.shifted = True
    (tmp_path / "net.pth.part").write_bytes(DATA[:10])
    with pytest.raises(ConnectionError, match="another range"):
        fetch(server, tmp_path)
    assert (tmp_path / "net.pth.part").read_bytes() == DATA[:10]


def test_server_without_a_content_length_is_supported(server, behaviour, tmp_path):
    behaviour.says_length = False
    seen = []
    assert fetch(server, tmp_path, lambda *now: seen.append(now)).read_bytes() == DATA
    assert all(total is None for _, total, _ in seen)


def test_file_with_a_wrong_checksum_is_deleted(server, behaviour, tmp_path):
    behaviour.data = DATA[:-1] + b"?"
    with pytest.raises(ValueError, match="its SHA-256 is") as caught:
        fetch(server, tmp_path)
    assert hashlib.sha256(behaviour.data).hexdigest() in str(caught.value)
    assert hashlib.sha256(DATA).hexdigest()[:8] in str(caught.value)
    assert list(tmp_path.glob("[!.]*")) == []


def test_busy_server_is_retried(server, behaviour, tmp_path):
    behaviour.statuses = [503, 429]
    assert fetch(server, tmp_path).read_bytes() == DATA
    assert len(behaviour.asked) == 3


@pytest.mark.parametrize(("status", "times"), [(404, 1), (403, 1), (503, 4)])
def test_refusal_of_the_server_is_a_connection_error(server, behaviour, tmp_path, status, times):
    behaviour.statuses = [status] * 9
    with pytest.raises(ConnectionError) as caught:
        fetch(server, tmp_path)
    message = str(caught.value)
    assert str(status) in message
    assert f"{server}/a/net.pth" in message
    assert str(tmp_path / "net.pth") in message
    assert "from_file" in message
    assert len(behaviour.asked) == times
    assert list(tmp_path.glob("[!.]*")) == []


def test_unreachable_host_is_a_connection_error(monkeypatch, tmp_path):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    with pytest.raises(ConnectionError, match="from_file") as caught:
        fetch(f"http://127.0.0.1:{port}", tmp_path)
    assert f"http://127.0.0.1:{port}/a/net.pth" in str(caught.value)
    assert str(tmp_path / "net.pth") in str(caught.value)


def test_silent_host_times_out(monkeypatch, tmp_path):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ConnectionError, match="timed out"):
            fetch(address, tmp_path, timeout=0.05)


def test_from_file_verifies_and_copies(server, behaviour, tmp_path):
    copy = tmp_path / "my copy.bin"
    copy.write_bytes(DATA)
    path = fetch(server, tmp_path / "weights", from_file=copy)
    assert path.read_bytes() == DATA
    assert copy.exists()
    path.unlink()
    copy.write_bytes(DATA[1:])
    with pytest.raises(ValueError, match="nothing was copied"):
        fetch(server, tmp_path / "weights", from_file=copy)
    assert list((tmp_path / "weights").glob("[!.]*")) == []
    with pytest.raises(FileNotFoundError, match="no such file"):
        fetch(server, tmp_path / "weights", from_file=tmp_path / "none")
    assert behaviour.asked == []


def test_downloads_print_nothing(server, tmp_path, capsys):
    download(published(server), tmp_path)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("length", ["abc", "-1", "1e3", "9" * 30])
def test_an_invalid_content_length_is_a_connection_error(server, behaviour, tmp_path, length):
    behaviour.length = length
    with pytest.raises(ConnectionError, match="Content-Length"):
        download(published(server), tmp_path, pause=0.01)


@pytest.mark.parametrize("says_length", [True, False])
def test_a_body_beyond_the_published_size_is_refused(server, behaviour, tmp_path, says_length):
    behaviour.says_length = says_length
    file = RemoteFile("net", f"{server}/a/net.pth", "00", size=600_000)
    with pytest.raises(InputError, match=r"net\.pth: .* the published size is 600,000"):
        download(file, tmp_path, pause=0.01)
    assert len(behaviour.asked) == 1
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 600_000


@pytest.mark.parametrize(
    ("behaves", "named"),
    [({"drip": 0.1}, "less than 1000 bytes"), ({"drip_headers": 0.1}, "no complete answer")],
    ids=["body", "headers"],
)
def test_a_server_that_drips_is_given_up(server, behaviour, tmp_path, behaves, named, monkeypatch):
    """No pause between two bytes reaches the timeout."""
    monkeypatch.setattr("paddle_pose.io.download._ATTEMPTS", 1)
    for key, value in behaves.items():
        setattr(behaviour, key, value)
    with pytest.raises(ConnectionError, match=named):
        download(published(server), tmp_path, timeout=1.5)


@pytest.mark.parametrize("kind", ["link", "hard link"])
@pytest.mark.parametrize("source", ["server", "copy"])
def test_planted_links_are_not_written_through(server, tmp_path, kind, source):
    theirs, folder = tmp_path / "theirs", tmp_path / "cache"
    theirs.write_bytes(DATA[:100])
    folder.mkdir()
    part = folder / "net.pth.part"
    part.symlink_to(theirs) if kind == "link" else part.hardlink_to(theirs)
    copy = tmp_path / "copy.pth"
    copy.write_bytes(DATA)
    path = download(published(server), folder, from_file=copy if source == "copy" else None)
    assert path.read_bytes() == DATA
    assert not path.is_symlink()
    assert theirs.read_bytes() == DATA[:100]
