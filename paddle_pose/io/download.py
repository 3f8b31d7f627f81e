"""Fetches published weights: resumes, verifies the checksum, then puts the file in place."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from paddle_pose.environment import argument
from paddle_pose.errors import InputError
from paddle_pose.io.checksum import sha256_of
from paddle_pose.io.locks import locked

Progress = Callable[[int, int | None, float], None]
"""Receives the bytes so far, the bytes in all (None where the server does not say), and the bytes per second."""

_ATTEMPTS = 4
_CHUNK = 1 << 18


@dataclass(frozen=True)
class RemoteFile:
    """A file on somebody else's server.

    Attributes:
        name: Name by which this project refers to it.
        url: Where its publisher offers it: the file, or the page that has it.
        sha256: Hexadecimal checksum, or the first digits of it where no more is published; "" for none.
        on_page: Name of the file where it is fetched by hand: `url` is a page, or the file itself, of which no checksum is
            published; "" for a file that is fetched.
        size: Bytes; None where its publisher does not say.
    """

    name: str
    url: str
    sha256: str
    on_page: str = field(default="", kw_only=True)
    size: int | None = field(default=None, kw_only=True)

    @property
    def file_name(self) -> str:
        """The name on the page, or the last part of the URL."""
        return self.on_page or PurePosixPath(self.url).name


def download(
    file: RemoteFile,
    folder: str | os.PathLike[str],
    *,
    from_file: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    timeout: float = 30.0,
    pause: float = 1.0,
) -> Path:
    """Puts a published file into a folder, unless it is there already.

    An interrupted download leaves `<name>.part`, which the next call continues. Processes that want the same file wait for
    the first, and find it there.

    Args:
        file: File to fetch.
        folder: Folder for it; it is made if it is missing.
        from_file: Copy of the file: it is verified and copied, nothing is fetched.
        progress: Receives (bytes so far, bytes in all or None, bytes per second) at most five
            times a second and at the end; None for silence.
        timeout: Seconds without an answer after which an attempt ends.
        pause: Seconds before the second attempt, doubled before every further one.

    Returns:
        The path of the verified file.

    Raises:
        FileNotFoundError: If `from_file` does not exist.
        InputError: If a checksum does not match; a wrong file is never put in place.
        ConnectionError: If the server cannot be reached or refuses, or has the file on a page alone; says where to
            put the file.
    """
    target = Path(folder) / file.file_name
    if not target.exists():
        if from_file is not None:
            if not Path(from_file).is_file():
                raise FileNotFoundError(f"{from_file}: no such file; expected a copy of {file.url}")
            _verify(Path(from_file), file, f"expected a copy of {file.url}; nothing was copied")
        elif file.on_page:
            is_file = PurePosixPath(file.url).name == file.on_page
            reason = (
                "is not fetched, since its checksum is not published"
                if is_file
                else "has no address of its own"
            )
            raise ConnectionError(
                f"{file.name} {reason}: fetch {file.on_page} by hand from {file.url}, then name it "
                f"with {argument('--from_file FILE', 'from_file')}, or put it at {target.resolve()}"
            )
        with locked(target, what=file.name, wait=True):
            if not target.exists():  # another process may have put it there
                part = target.with_name(target.name + ".part")
                if from_file is not None:
                    shutil.copyfile(from_file, part)
                else:
                    _fetch(file, part, progress, timeout, pause)
                    _verify_part(part, file)
                os.replace(part, target)
                return target
    _verify(target, file, "delete it, or move it away, to fetch it again")
    return target


def _verify(path: Path, file: RemoteFile, fix: str) -> None:
    checksum = sha256_of(path)
    if not checksum.startswith(file.sha256.lower()):
        raise InputError(
            f"{path}: its SHA-256 is {checksum}, expected one that begins with "
            f"{file.sha256} ({file.name}): damaged, or another file; {fix}"
        )


def _verify_part(part: Path, file: RemoteFile) -> None:
    try:
        _verify(
            part,
            file,
            f"it was deleted; {argument('run the command again', 'try again')}, or use {argument('--from_file')}",
        )
    except ValueError:
        part.unlink()
        raise


def _fetch(
    file: RemoteFile, part: Path, progress: Progress | None, timeout: float, pause: float
) -> None:
    reason: Exception | str = ""
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(pause * 2 ** (attempt - 1))
        try:
            if _continue(file.url, part, progress, timeout):
                return
            reason = "the connection was closed early"
        except urllib.error.HTTPError as error:
            reason = error
            error.close()
            if error.code == 416:  # the part is not the beginning of this file: start over
                part.unlink(missing_ok=True)
            elif error.code < 500 and error.code not in (408, 429):
                break  # asking again would not help
        except (http.client.HTTPException, OSError) as error:
            reason = error
    place = part.with_name(file.file_name).resolve()
    raise ConnectionError(
        f"cannot fetch {file.url} ({reason}). Fetch it by other means and put it at {place}, or "
        f"name it with {argument('--from_file FILE', 'from_file')}; the checksum is verified in both cases"
    )


def _continue(url: str, part: Path, progress: Progress | None, timeout: float) -> bool:
    """Fetches what `part` lacks, or everything if the server cannot; True once it is complete."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    with urllib.request.urlopen(request, timeout=timeout) as answer:
        begins = re.match(rf"bytes {have}-", answer.headers.get("Content-Range", ""))
        resumed = have > 0 and answer.status == 206 and begins is not None
        if have and not resumed:
            if answer.status == 206:
                raise http.client.HTTPException("the server sent another range than asked for")
            have = 0
        length = answer.headers.get("Content-Length")
        total = have + int(length) if length is not None else None
        return _receive(answer, part, "ab" if resumed else "wb", have, total, progress)


def _receive(
    answer: http.client.HTTPResponse,
    part: Path,
    mode: str,
    have: int,
    total: int | None,
    progress: Progress | None,
) -> bool:
    began = shown = time.monotonic()
    done = have
    with part.open(mode) as stream:
        while chunk := answer.read(_CHUNK):
            stream.write(chunk)
            done += len(chunk)
            now = time.monotonic()
            if progress and (now - shown > 0.2 or done == total):
                shown = now
                progress(done, total, (done - have) / max(now - began, 1e-9))
    return total is None or done == total
