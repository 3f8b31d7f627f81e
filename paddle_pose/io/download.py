"""Fetches published weights: resumes, verifies the checksum, then puts the file in place."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from paddle_pose.errors import InputError
from paddle_pose.io.checksum import sha256_of
from paddle_pose.weights.zoo import PublishedFile

Progress = Callable[[int, int | None, float], None]  # bytes so far, bytes in all, bytes per second

_ATTEMPTS = 4
_CHUNK = 1 << 18
_MEGABYTE = 1e6


def print_progress(done: int, total: int | None, speed: float) -> None:
    """Rewrites one line of the standard error stream: size, speed and the time left."""
    text = f"{done / _MEGABYTE:.1f}"
    if total is None:
        text += f" MB, {speed / _MEGABYTE:.1f} MB/s"
    else:
        left = int((total - done) / speed) if speed > 0 else 0
        eta = f"ETA {left // 3600:02}:{left // 60 % 60:02}:{left % 60:02}"
        text += f"/{total / _MEGABYTE:.1f} MB, {speed / _MEGABYTE:.1f} MB/s, {eta}"
    sys.stderr.write(f"\r{text:<60}" + ("\n" if done == total else ""))
    sys.stderr.flush()


def download(
    file: PublishedFile,
    folder: str | os.PathLike[str],
    *,
    from_file: str | os.PathLike[str] | None = None,
    progress: Progress | None = print_progress,
    timeout: float = 30.0,
    pause: float = 1.0,
) -> Path:
    """Puts a published file into a folder, unless it is there already.

    An interrupted download leaves `<name>.part`, which the next call continues.

    Args:
        file: what to fetch.
        folder: where to; made if it is missing.
        from_file: a copy that you already have: it is verified and copied, nothing is fetched.
        progress: called with (bytes so far, bytes in all or None, bytes per second) at most five
            times a second and at the end; None for silence.
        timeout: seconds without an answer after which an attempt ends.
        pause: seconds before the second attempt, doubled before every further one.

    Returns:
        The path of the verified file.

    Raises:
        FileNotFoundError: If `from_file` does not exist.
        InputError: If a checksum does not match; a wrong file is never put in place.
        ConnectionError: If the server cannot be reached or refuses, or has the file on a page alone; says where to
            put the file.
    """
    target = Path(folder) / file.file_name
    if target.exists():
        _verify(target, file, "delete it, or move it away, to fetch it again")
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    if from_file is not None:
        if not Path(from_file).is_file():
            raise FileNotFoundError(f"{from_file}: no such file; expected a copy of {file.url}")
        _verify(Path(from_file), file, f"expected a copy of {file.url}; nothing was copied")
        shutil.copyfile(from_file, part)
    elif file.on_page:
        raise ConnectionError(
            f"{file.name} has no address of its own: fetch {file.on_page} by hand from {file.url}, then name it with "
            f"--from_file FILE, or put it at {target.resolve()}"
        )
    else:
        _fetch(file, part, progress, timeout, pause)
        try:
            _verify(part, file, "it was deleted; run the command again, or use --from_file")
        except ValueError:
            part.unlink()
            raise
    os.replace(part, target)
    return target


def _verify(path: Path, file: PublishedFile, fix: str) -> None:
    checksum = sha256_of(path)
    if not checksum.startswith(file.sha256.lower()):
        raise InputError(
            f"{path}: its SHA-256 is {checksum}, expected one that begins with "
            f"{file.sha256} ({file.name}): damaged, or another file; {fix}"
        )


def _fetch(file: PublishedFile, part: Path, progress: Progress | None, timeout: float, pause: float) -> None:
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
        f"name it with --from_file FILE; the checksum is verified in both cases"
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
