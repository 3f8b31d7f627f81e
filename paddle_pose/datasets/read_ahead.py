"""Reads ahead in threads, in order.

Decoding and warping release Python's lock, so threads load as fast as processes would, and none of what loses trainings with
worker processes can happen: no shared memory to run out of, no worker to die or hang, and an error keeps its message.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


def read_ahead(read: Callable[[Key], Value], keys: Iterable[Key], num_workers: int, ahead: int) -> Iterator[Value]:
    """Yields `read(key)` for every key in order.

    Args:
        read: called in threads; what it raises is raised here, when its turn comes.
        keys: to read.
        num_workers: threads; 0 reads when asked.
        ahead: how many results may wait.

    Example:
        >>> list(read_ahead(str.upper, ["a", "b", "c"], num_workers=2, ahead=2))
        ['A', 'B', 'C']
    """
    if num_workers == 0:
        yield from map(read, keys)
        return
    remaining = iter(keys)
    pool = ThreadPoolExecutor(num_workers)
    try:
        waiting: deque[Future[Value]] = deque()
        waiting.extend(pool.submit(read, key) for key in islice(remaining, ahead + 1))
        while waiting:
            value = waiting.popleft().result()
            waiting.extend(pool.submit(read, key) for key in islice(remaining, 1))
            yield value
    finally:
        pool.shutdown(cancel_futures=True)
