"""Downloads published files: resumes, verifies the checksum, then gives the file its name."""

from __future__ import annotations

import http.client
import os
import queue
import re
import shutil
import stat
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from paddle_pose.environment import argument
from paddle_pose.errors import InputError
from paddle_pose.io.checksum import sha256_of
from paddle_pose.io.locks import locked

Progress = Callable[[int, int | None, float], None]
"""Function (number of bytes received so far, size of the file in bytes or None if the server does
not state it, bytes per second) -> None."""

_ATTEMPTS = 4
_CHUNK = 1 << 18  # bytes received at once
MAX_BYTES = 20 * 10**9  # of a file whose size is not published
MIN_RATE = 1000.0  # bytes per second, averaged over twice the timeout; below it an attempt ends
MAX_SECONDS = 12 * 3600.0  # of all attempts together


@dataclass(frozen=True)
class RemoteFile:
    """A file on the server of its publisher.

    Attributes:
        name: Name of the file in this project, for messages; it is stored as `file_name`.
        url: URL of the file, or of a web page with a link to it.
        sha256: Hexadecimal SHA-256 checksum, or its first digits if no more are published; "" if
            none is published, and the file is not verified.
        on_page: If `url` is a web page, or the file has no published checksum: name of the file
            there. Such a file cannot be downloaded by `download`; a person must do it. "" if `url`
            is the file.
        size: Size in bytes; None if it is not published.
    """

    name: str
    url: str
    sha256: str
    on_page: str = field(default="", kw_only=True)
    size: int | None = field(default=None, kw_only=True)

    @property
    def file_name(self) -> str:
        """Name under which the file is stored: that on the page, or the last part of the URL."""
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
    """Downloads a published file into a folder, unless it exists there.

    An interrupted download leaves `<name>.part`, which the next call continues. Of several
    processes that need the same file, the first downloads it and the others wait. If the variable
    PADDLE_POSE_MIRROR is set, the file is downloaded from there, see `address_of`.

    Args:
        file: File to download.
        folder: Folder for the file; it is created if missing.
        from_file: Path of a local copy, which is verified and copied instead of a download; None
            downloads the file.
        progress: Function that receives (bytes so far, size in bytes or None, bytes per second) at
            most five times a second and at the end; None for silence.
        timeout: Seconds without data after which an attempt ends. It also ends if the server needs
            three times as long to begin its answer, or sends less than `MIN_RATE`.
        pause: Seconds before the second attempt, doubled before every further one.

    Returns:
        The path of the verified file.

    Raises:
        FileNotFoundError: If `from_file` does not exist.
        InputError: If the checksum does not match, or the server sends more than the published size
            or `MAX_BYTES`; such a file never gets the final name.
        ConnectionError: If the server cannot be reached or refuses, or the file is only linked on a
            web page; the message states where to put the file.
    """
    target = Path(folder) / file.file_name
    if not target.exists():
        if from_file is not None:
            if not Path(from_file).is_file():
                raise FileNotFoundError(f"{from_file}: no such file; expected a copy of {file.url}")
            _verify(Path(from_file), file, f"expected a copy of {file.url}; nothing was copied")
        elif file.on_page:
            raise ConnectionError(
                f"{file.name} cannot be downloaded automatically: download {file.on_page} by hand"
                f" from {file.url}, then name it with"
                f" {from_file_argument()}, or put it at {target.resolve()}"
            )
        with locked(target, what=file.name, wait=True):
            if not target.exists():  # another process may have downloaded it meanwhile
                part = target.with_name(target.name + ".part")
                if from_file is not None:
                    with Path(from_file).open("rb") as source, _opened(part, "wb") as stream:
                        shutil.copyfileobj(source, stream)
                else:
                    _fetch(file, part, progress, timeout, pause)
                    _verify_part(part, file)
                os.replace(part, target)
                return target
    _verify(target, file, "delete it, or move it away, to download it again")
    return target


def from_file_argument() -> str:
    """Returns the name of the argument for local copies, for messages."""
    return argument("--from_file FILE", "from_file=FILE of load_model or open_detector")


def unreachable(files: Iterable[RemoteFile], timeout: float = 10.0) -> dict[str, str]:
    """Returns the addresses from which nothing can be downloaded, with the reasons.

    All servers are asked at the same time, each up to two times; nothing is stored.

    Args:
        files: Files to ask for.
        timeout: Seconds without an answer after which a question ends.

    Raises:
        InputError: If PADDLE_POSE_MIRROR is not an address, see `address_of`.
    """

    def problem(address: str) -> str:
        reason = ""
        for _ in range(2):
            try:
                _open(urllib.request.Request(address), timeout).close()
            except urllib.error.HTTPError as error:
                error.close()
                return "" if _is_temporary(error) else str(error)
            except (http.client.HTTPException, OSError) as error:
                reason = str(getattr(error, "reason", error))
            else:
                return ""
        return reason

    addresses = list(dict.fromkeys(map(address_of, files)))
    with ThreadPoolExecutor(max(1, len(addresses))) as pool:
        problems = zip(addresses, pool.map(problem, addresses), strict=True)
        return {address: reason for address, reason in problems if reason}


def _is_temporary(error: urllib.error.HTTPError) -> bool:
    """Returns whether a server that refuses may answer another attempt."""
    return error.code >= 500 or error.code in (408, 429)


def address_of(file: RemoteFile) -> str:
    """Returns the address from which a file is downloaded: its publisher's, or that of a mirror.

    A mirror is a folder on a server that contains the files under their own names. The variable
    PADDLE_POSE_MIRROR states its address. Checksums are verified in both cases.

    Args:
        file: File to download.

    Raises:
        InputError: If the variable is not an address that begins with http:// or https://.
    """
    mirror = os.environ.get("PADDLE_POSE_MIRROR", "")
    if not mirror:
        return file.url
    if not mirror.startswith(("http://", "https://")):
        raise InputError(
            f"PADDLE_POSE_MIRROR={mirror}: expected the address of a folder, such as"
            " https://example.org/weights"
        )
    return f"{mirror.rstrip('/')}/{urllib.parse.quote(file.file_name)}"


def _verify(path: Path, file: RemoteFile, fix: str) -> None:
    """Makes sure that a file has the published checksum.

    Args:
        path: File to verify.
        file: Published file.
        fix: Instruction to the user at the end of the message.

    Raises:
        InputError: If it has another checksum.
    """
    checksum = sha256_of(path)
    if not checksum.startswith(file.sha256.lower()):
        raise InputError(
            f"{path}: its SHA-256 is {checksum}, expected one that begins with"
            f" {file.sha256} ({file.name}): damaged, or another file; {fix}"
        )


def _verify_part(part: Path, file: RemoteFile) -> None:
    """Makes sure that a complete download has the published checksum; deletes it otherwise.

    Raises:
        InputError: If it has another checksum.
    """
    try:
        _verify(
            part,
            file,
            f"it was deleted; {argument('run the command again', 'try again')}, or use"
            f" {from_file_argument()}",
        )
    except ValueError:
        part.unlink()
        raise


def _fetch(
    file: RemoteFile, part: Path, progress: Progress | None, timeout: float, pause: float
) -> None:
    """Downloads what `part` lacks, in several attempts; see `download`.

    Raises:
        ConnectionError: If every attempt fails, or the server refuses.
    """
    reason: Exception | str = ""
    end = time.monotonic() + MAX_SECONDS
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(pause * 2 ** (attempt - 1))
        try:
            if _continue(file, part, progress, timeout, end):
                return
            reason = "the connection was closed early"
        except urllib.error.HTTPError as error:
            reason = error
            error.close()
            if error.code == 416:  # `part` does not begin this file: start from the beginning
                part.unlink(missing_ok=True)
            elif not _is_temporary(error):
                break  # another attempt would have the same result
        except (http.client.HTTPException, OSError) as error:
            reason = error
    place = part.with_name(file.file_name).resolve()
    raise ConnectionError(
        f"cannot download {address_of(file)} ({reason}). Download it by other means and put it at"
        f" {place}, or name it with {from_file_argument()}; the checksum is"
        " verified in both cases"
    )


def _continue(
    file: RemoteFile, part: Path, progress: Progress | None, timeout: float, end: float
) -> bool:
    """Downloads what `part` lacks, or the whole file where the server does not support ranges.

    Args:
        file: File to download.
        part: File to write.
        progress: See `download`.
        timeout: See `download`.
        end: Time of `time.monotonic` at which the attempt ends.

    Returns:
        Whether the file is complete.

    Raises:
        InputError: If the server announces or sends more than `_max_bytes`.
        OSError: If the connection fails or is too slow.
        HTTPException: If the answer is invalid.
    """
    _remove_link(part)
    have = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    request = urllib.request.Request(address_of(file), headers=headers)
    with _open(request, timeout) as answer:
        begins = re.match(rf"bytes {have}-", answer.headers.get("Content-Range", ""))
        resumed = have > 0 and answer.status == 206 and begins is not None
        if have and not resumed:
            if answer.status == 206:
                raise http.client.HTTPException("the server sent another range than asked for")
            have = 0
        length = answer.headers.get("Content-Length")
        if length is not None and not re.fullmatch(r"[0-9]{1,18}", length.strip()):
            raise http.client.HTTPException(f"the server sent the Content-Length {length[:40]!r}")
        total = have + int(length) if length is not None else None
        most = file.size if file.size is not None else MAX_BYTES
        _check_size(file, total or 0, most)
        began = shown = checked = time.monotonic()
        done = before = have
        with _opened(part, "ab" if resumed else "wb") as stream:
            # read1 returns what has arrived; read would wait for a full chunk, however slowly it
            # arrives.
            while chunk := answer.read1(_CHUNK):
                done += len(chunk)
                _check_size(file, done, most)
                stream.write(chunk)
                now = time.monotonic()
                if progress and (now - shown > 0.2 or done == total):
                    shown = now
                    progress(done, total, (done - have) / max(now - began, 1e-9))
                if now > end:
                    raise TimeoutError(f"not complete after {MAX_SECONDS / 3600:g} hours")
                if now - checked > 2 * timeout:
                    if done - before < MIN_RATE * (now - checked):
                        raise TimeoutError(f"less than {MIN_RATE:g} bytes per second")
                    checked, before = now, done
    return total is None or done == total


def _check_size(file: RemoteFile, count: int, most: int) -> None:
    """Raises InputError if a server announces or sends more bytes than a file may have."""
    if count > most:
        kind = "the published size" if file.size is not None else "at most"
        raise InputError(
            f"{file.url}: {count:,} bytes or more, {kind} is {most:,}; not downloaded. Use"
            f" {from_file_argument()} with a copy of {file.name}"
        )


def _open(request: urllib.request.Request, timeout: float) -> http.client.HTTPResponse:
    """Returns the response to a request after its headers were received.

    A thread waits for it, because a server that sends one byte of its headers at a time never
    reaches the timeout of the connection.

    Args:
        request: Request to send.
        timeout: Seconds without data after which it ends; it also ends after three times as long.

    Raises:
        OSError: If the server cannot be reached or is too slow.
        HTTPException: If the answer is invalid.
    """
    answers: queue.SimpleQueue[http.client.HTTPResponse | Exception] = queue.SimpleQueue()

    def send() -> None:
        try:
            answers.put(urllib.request.urlopen(request, timeout=timeout))
        except Exception as problem:
            answers.put(problem)

    threading.Thread(target=send, daemon=True).start()
    try:
        answer = answers.get(timeout=3 * timeout)
    except queue.Empty:
        raise TimeoutError(f"no complete answer within {3 * timeout:g} seconds") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _remove_link(part: Path) -> None:
    """Removes a link, so that nothing is written to the file that it leads to.

    Another user with write access to the folder could have put it there.

    Args:
        part: Path of an unfinished download, which need not exist.
    """
    try:
        status = part.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
        part.unlink()


def _opened(part: Path, mode: str) -> BinaryIO:
    """Opens an unfinished download for writing; a link is removed instead of followed.

    Args:
        part: File to open.
        mode: "wb" to replace its content, "ab" to continue it.
    """
    _remove_link(part)

    def without_links(path: str, flags: int) -> int:
        return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)

    return cast(BinaryIO, open(part, mode, opener=without_links))
