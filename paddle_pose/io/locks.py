"""Locks files and folders that only one process at a time may write to.

The operating system releases a lock when its process ends, so that a killed process leaves no lock.
The lock file itself stays, locked or not. While the lock is held, a file beside it states which
process holds it.
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
from paddle_pose.io.json_files import read_json

_log = logging.getLogger("paddle_pose")

_NAME = ".lock"  # lock file in a folder; that of a file is .<name>.lock beside it
_POLL = 0.1  # seconds between attempts
_MAX_TRIES = 50  # attempts to read which process holds a lock
# Network file systems without locks, and folders without write access, which the writer reports.
_CANNOT_LOCK = tuple(
    getattr(errno, name)
    for name in ("ENOSYS", "ENOLCK", "EOPNOTSUPP", "ENOTSUP", "EINVAL", "EROFS", "EACCES", "EPERM")
)


@contextlib.contextmanager
def locked(path: Path, *, what: str, wait: bool) -> Iterator[None]:
    """Locks a file or folder against other processes and threads while the block runs.

    Only code that calls this function with the same path is kept out. On a file system without
    locks, which is logged once, the block runs without a lock. A second lock of the same path
    inside the block would wait for ever.

    Args:
        path: Path of an existing folder, or of a file, which need not exist.
        what: Name of what is locked, for messages, such as "this run".
        wait: Whether to wait until the path is free, which is logged once; otherwise a path in use
            is an error.

    Raises:
        InputError: If the path is in use and `wait` is False; the message states the path and the
            process that uses it.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with locked(Path(folder), what="this folder", wait=False):
        ...         sorted(file.name for file in Path(folder).iterdir())
        ['.lock', '.lock.owner']
    """
    lock_file = path / _NAME if path.is_dir() else path.with_name(f".{path.name}{_NAME}")
    owner_file = lock_file.with_name(f"{lock_file.name}.owner")
    lock_file.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(lock_file)
    is_announced = False
    tries = 0
    while not _try(lock, path):
        tries += 1
        owner = _read(owner_file)
        # The holder may not have written its name yet, and a name that is there may be that of the
        # holder before.
        if tries <= 2 or (not owner and tries < _MAX_TRIES):
            time.sleep(_POLL)
            continue
        owner = owner or "another process"
        if not wait:
            raise InputError(
                f"{path}: {what} is in use by {owner}; wait until that has ended, or stop it, or"
                " choose another folder"
            )
        if not is_announced:
            _log.info(f"=> {path}: {what} is in use by {owner}; waiting until that has ended")
            is_announced = True
        time.sleep(_POLL)
    try:
        if lock.is_locked:
            with contextlib.suppress(OSError):  # for messages only
                atomic.write_text(owner_file, json.dumps(_this_process()), concurrent=False)
        yield
    finally:
        if lock.is_locked:
            with contextlib.suppress(OSError):
                owner_file.unlink(missing_ok=True)
        lock.release()


def remove_unused(folder: Path) -> None:
    """Removes a folder if it contains nothing but its own lock file; otherwise does nothing.

    Args:
        folder: Folder that this process does not hold locked.
    """
    with contextlib.suppress(OSError):
        if {path.name for path in folder.iterdir()} <= {_NAME}:
            (folder / _NAME).unlink(missing_ok=True)
            folder.rmdir()


def _try(lock: FileLock, path: Path) -> bool:
    """Takes a lock if it is free.

    Args:
        lock: Lock to take.
        path: Locked path, for the log.

    Returns:
        False if another process holds the lock; True if it was free, or the file system has no
        locks.
    """
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return False
    except NotImplementedError as problem:
        _warn_unlocked(path, str(problem))
    except OSError as problem:
        if problem.errno not in _CANNOT_LOCK:
            raise
        _warn_unlocked(path, problem.strerror or str(problem))
    return True


@functools.cache
def _warn_unlocked(path: Path, reason: str) -> None:
    """Logs once that a path cannot be locked."""
    _log.warning(
        "%s: cannot be locked here (%s); make sure that only one process writes to it", path, reason
    )


def _this_process() -> dict[str, str | int]:
    """Returns the description of this process for the owner file."""
    command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])[:200]
    since = time.strftime("%Y-%m-%d %H:%M:%S")
    return {
        "process": os.getpid(),
        "host": socket.gethostname(),
        "command": command,
        "since": since,
    }


def _read(owner_file: Path) -> str:
    """Returns the process that holds a lock, for messages; "" where the file does not state it."""
    try:
        owner = read_json(owner_file)
        return "process {process} on {host} ({command}, since {since})".format(**owner)
    except (OSError, ValueError, LookupError, TypeError):
        return ""
