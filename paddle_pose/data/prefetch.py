"""Ordered prefetching of data in threads.

Decoding and warping release Python's global interpreter lock, so that threads load as fast as
worker processes. They avoid what ends trainings with processes: shared memory that runs out,
workers that die, and errors that lose their message. A thread may hang with the disk that it reads
from; results therefore have a time limit, and threads do not prevent the process from exiting.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError  # not the built-in in 3.10
from itertools import islice
from queue import SimpleQueue
from typing import Any, TypeVar

from paddle_pose.environment import usable_cores

Key = TypeVar("Key")
Value = TypeVar("Value")


def loading_threads(num_workers: int) -> int:
    """Returns the number of reading threads that `train.num_workers` means.

    Args:
        num_workers: Number of threads; -1 uses one per usable core except one, at most 8.

    Example:
        >>> loading_threads(3), 1 <= loading_threads(-1) <= 8
        (3, True)
    """
    return num_workers if num_workers >= 0 else min(8, max(1, usable_cores() - 1))


def prefetch(
    read: Callable[[Key], Value],
    keys: Iterable[Key],
    num_workers: int,
    ahead: int,
    timeout: float | None = None,
    name: Callable[[Key], object] = str,
) -> Iterator[Value]:
    """Yields `read(key)` for each key, in the order of the keys; threads read ahead.

    Args:
        read: Function that reads the value of a key. It is called in the threads; an exception that
            it raises is raised here when the key's turn comes.
        keys: Keys to read.
        num_workers: Number of threads; 0 reads in the calling thread when a value is requested.
        ahead: Largest number of values that are read before they are requested.
        timeout: Seconds to wait for a value; None waits for ever. Without threads it is not used.
        name: Function that returns the name of a key's source, for the error message.

    Yields:
        The values of the keys.

    Raises:
        TimeoutError: If a value is not read within `timeout`; the message contains `name(key)`.

    Example:
        >>> list(prefetch(str.upper, ["a", "b", "c"], num_workers=2, ahead=2))
        ['A', 'B', 'C']
    """
    if num_workers == 0:
        yield from map(read, keys)
        return
    tasks: SimpleQueue[Any] = SimpleQueue()
    threads = [
        threading.Thread(target=_work, args=(read, tasks), daemon=True) for _ in range(num_workers)
    ]
    for thread in threads:
        thread.start()
    pending: deque[tuple[Key, Future[Value]]] = deque()
    remaining = iter(keys)
    timed_out = False

    def submit(count: int) -> None:
        for key in islice(remaining, count):
            pending.append((key, Future()))
            tasks.put(pending[-1])

    try:
        submit(ahead + 1)
        while pending:
            key, future = pending.popleft()
            try:
                future.exception(timeout)
            except FutureTimeoutError as problem:
                timed_out = True
                raise TimeoutError(
                    f"{name(key)}: not read within {timeout:g} seconds; check that its disk or "
                    "network drive responds"
                ) from problem
            value = future.result()
            submit(1)
            yield value
    finally:
        for _, future in pending:
            future.cancel()
        for _ in threads:
            tasks.put(None)
        for thread in () if timed_out else threads:
            thread.join()


def _work(read: Callable[[Key], Value], tasks: SimpleQueue[Any]) -> None:
    """Reads the keys of a queue of (key, future) until it receives None."""
    while (task := tasks.get()) is not None:
        key, future = task
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(read(key))
            except BaseException as problem:  # raised again by `prefetch`
                future.set_exception(problem)
