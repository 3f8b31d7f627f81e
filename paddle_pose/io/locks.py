"""Locks of places that only one process at a time may write to.

The operating system holds a lock for as long as its process lives, so that a killed process leaves none; the lock file that
stays says nothing by being there. Beside it stands, while the lock is held, a file that says who holds it.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import json
import logging
import os
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from paddle_pose.errors import InputError
from paddle_pose.io import atomic

_log = logging.getLogger("paddle_pose")

_NAME = ".lock"  # of a folder's lock file; a file's is .<name>.lock beside it
_POLL = 0.1  # seconds
_MAX_TRIES = 50  # to learn who holds a lock
# Network file systems without locks, and places that cannot be written at all: that is for the writer to report.
_CANNOT_LOCK = tuple(
    getattr(errno, name)
    for name in ("ENOSYS", "ENOLCK", "EOPNOTSUPP", "ENOTSUP", "EINVAL", "EROFS", "EACCES", "EPERM")
)


@contextlib.contextmanager
def locked(path: Path, *, what: str, wait: bool) -> Iterator[None]:
    """Keeps other processes and threads from the same place while the block runs; not to be nested for one place.

    Where the file system has no locks, this is logged once, and the block runs without one.

    Args:
        path: A folder that is there, or a file, there or not.
        what: What is locked, for messages, e.g. "this run".
        wait: Whether to wait until the place is free; logged once.

    Raises:
        InputError: If the place is in use and `wait` is False; names the place and its user.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder, locked(Path(folder), what="this folder", wait=False):
        ...     sorted(file.name for file in Path(folder).iterdir())
        ['.lock', '.lock.owner']
    """
    lock_file = path / _NAME if path.is_dir() else path.with_name(f".{path.name}{_NAME}")
    owner_file = lock_file.with_name(f"{lock_file.name}.owner")
    lock_file.parent.mkdir(parents=True, exist_ok=True)
    lock, is_announced, tries = FileLock(lock_file), False, 0
    while not _try(lock, path):
        tries += 1
        owner = _read(owner_file)
        # Its user has just come, and has not said yet who it is; what is there may be of the one before.
        if tries <= 2 or (not owner and tries < _MAX_TRIES):
            time.sleep(_POLL)
            continue
        owner = owner or "another process"
        if not wait:
            raise InputError(
                f"{path}: {what} is in use by {owner}; wait until that has ended, or stop it, or choose another folder"
            )
        if not is_announced:
            _log.info(f"=> {path}: {what} is in use by {owner}; waiting until that has ended")
            is_announced = True
        time.sleep(_POLL)
    try:
        if lock.is_locked:
            with contextlib.suppress(OSError):  # information only
                atomic.write_text(owner_file, json.dumps(_me()), concurrent=False)
        yield
    finally:
        if lock.is_locked:
            with contextlib.suppress(OSError):
                owner_file.unlink(missing_ok=True)
        lock.release()


def remove_unused(folder: Path) -> None:
    """Removes a folder that holds nothing but its lock file, which nobody holds."""
    with contextlib.suppress(OSError):
        if {path.name for path in folder.iterdir()} <= {_NAME}:
            (folder / _NAME).unlink(missing_ok=True)
            folder.rmdir()


def _try(lock: FileLock, path: Path) -> bool:
    """Takes a lock if it is free; returns whether to go on: it was, or this place has no locks."""
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return False
    except NotImplementedError as problem:
        _say_unlocked(path, str(problem))
    except OSError as problem:
        if problem.errno not in _CANNOT_LOCK:
            raise
        _say_unlocked(path, problem.strerror or str(problem))
    return True


@functools.cache
def _say_unlocked(path: Path, reason: str) -> None:
    _log.warning(
        "%s: cannot be locked here (%s); see to it that only one process writes to it", path, reason
    )


def _me() -> dict[str, str | int]:
    """Returns what the owner's file states of this process."""
    command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])[:200]
    since = time.strftime("%Y-%m-%d %H:%M:%S")
    return {
        "process": os.getpid(),
        "host": socket.gethostname(),
        "command": command,
        "since": since,
    }


def _read(owner_file: Path) -> str:
    """Returns who holds a lock, in words; "" where that is not written yet, or no more."""
    try:
        owner = json.loads(owner_file.read_text(encoding="utf-8"))
        return "process {process} on {host} ({command}, since {since})".format(**owner)
    except (OSError, ValueError, LookupError, TypeError):
        return ""
