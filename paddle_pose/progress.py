"""Progress display: a bar on a terminal and in notebooks, a line every 30 seconds elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

Progress = Callable[[int], None]
"""Function that is called with the number of items completed so far, and returns nothing.

The numbers must not decrease. The first one may be above 0 if a run is continued; the last one is
the total number of items.
"""
ProgressFactory = Callable[[int | None, str], Progress]
"""Function (total number of items or None if unknown, their name in the plural) -> `Progress`.

It is called once, before the first item.
"""

_SECONDS_BETWEEN_LINES = 30.0


def _tqdm() -> Any:
    """Returns the tqdm class for the current environment.

    It is imported here, since the parsers of the commands import this module.
    """
    from tqdm.auto import tqdm

    return tqdm


def no_progress(total: int | None = None, unit: str = "") -> Progress:
    """Returns a progress function that displays nothing; it is a `ProgressFactory`.

    Args:
        total: Ignored.
        unit: Ignored.
    """
    return lambda done: None


def notebook_progress(total: int | None, unit: str) -> Progress:
    """Returns a progress function that displays a bar in a notebook, and nothing elsewhere.

    It is a `ProgressFactory`, and the default of the functions of the Python API.

    Args:
        total: Total number of items; None if unknown.
        unit: Name of the items, in the plural.
    """
    return show_progress(total, unit) if in_notebook() else no_progress()


def in_notebook() -> bool:
    """Returns whether the code runs in the kernel of a notebook."""
    return "ipykernel" in sys.modules


def show_progress(total: int | None, unit: str, stream: TextIO | None = None) -> Progress:
    """Returns a progress function that displays completed items, speed and remaining time.

    Call it with the number of items completed so far, the last time with `total`; there is nothing
    to close.

    The display is a bar if the stream is a terminal or the code runs in a notebook; else it is a
    line every 30 seconds and one after the last item.

    Args:
        total: Total number of items; None if unknown.
        unit: Name of the items, in the plural.
        stream: Stream to write to; None uses the standard error stream.
    """
    stream = stream or sys.stderr
    if stream.isatty() or in_notebook():
        return _Bar(total, unit, stream)
    return _Lines(total, unit, stream)


class _Bar:
    """A tqdm bar, which is closed when all items are completed."""

    def __init__(self, total: int | None, unit: str, stream: TextIO) -> None:
        self._bar = _tqdm()(
            total=total, unit=f" {unit}", file=None if in_notebook() else stream, leave=True
        )
        self._begun = False

    def __call__(self, done: int) -> None:
        bar = self._bar
        # Items that were completed before a run was resumed must not count for the speed.
        if not self._begun and done != bar.total:
            bar.initial = bar.n = bar.last_print_n = done
            bar.start_t = bar.last_print_t = time.time()
            bar.refresh()
        self._begun = True
        bar.update(done - bar.n)
        if done == self._bar.total:
            self._bar.close()


class _Lines:
    """A line every 30 seconds, and one at the end."""

    def __init__(self, total: int | None, unit: str, stream: TextIO) -> None:
        self._total = total
        self._unit = unit
        self._stream = stream
        self._started = self._shown = time.perf_counter()

    def __call__(self, done: int) -> None:
        now = time.perf_counter()
        if done != self._total and now - self._shown < _SECONDS_BETWEEN_LINES:
            return
        self._shown = now
        line = _tqdm().format_meter(
            done, self._total, max(now - self._started, 1e-9), unit=f" {self._unit}", ncols=0
        )
        self._stream.write(line.strip() + "\n")
        self._stream.flush()
