"""Reads ahead in threads, in order.

Decoding and warping release Python's lock, so threads load as fast as processes would, and none of what loses trainings with
worker processes can happen: no shared memory to run out of, no worker to die, and an error keeps its message. A thread may hang
with the disk that it reads from, so there is a time limit, and threads never keep the process from ending.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotDone  # Python 3.10 has two of them
from itertools import islice
from queue import SimpleQueue
from typing import Any, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


def prefetch(
    read: Callable[[Key], Value],
    keys: Iterable[Key],
    num_workers: int,
    ahead: int,
    timeout: float | None = None,
    name: Callable[[Key], object] = str,
) -> Iterator[Value]:
    """Yields `read(key)` for every key in order.

    Args:
        read: called in threads; what it raises is raised here, when its turn comes.
        keys: to read.
        num_workers: threads; 0 reads when asked.
        ahead: how many results may wait.
        timeout: seconds that a result may be waited for; None waits for ever, and so does reading without threads.
        name: of what a key reads, for the message.

    Raises:
        TimeoutError: If a result does not come in time.

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
    waiting: deque[tuple[Key, Future[Value]]] = deque()

    def ask(number: int) -> None:
        for key in islice(remaining, number):
            waiting.append((key, Future()))
            tasks.put(waiting[-1])

    remaining, hangs = iter(keys), False
    try:
        ask(ahead + 1)
        while waiting:
            key, future = waiting.popleft()
            try:
                future.exception(timeout)
            except NotDone as problem:
                hangs = True
                raise TimeoutError(
                    f"{name(key)}: not read within {timeout:g} seconds; does the disk or network that it lies on still answer?"
                ) from problem
            value = future.result()
            ask(1)
            yield value
    finally:
        for _, future in waiting:
            future.cancel()
        for _ in threads:
            tasks.put(None)
        for thread in () if hangs else threads:
            thread.join()


def _work(read: Callable[[Key], Value], tasks: SimpleQueue[Any]) -> None:
    """Reads key after key until it gets None."""
    while (task := tasks.get()) is not None:
        key, future = task
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(read(key))
            except BaseException as problem:  # it is raised where the result is asked for
                future.set_exception(problem)
