"""Progress of long passes: a bar on a terminal and in notebooks, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

Progress = Callable[[int], None]
"""Receives how many things are done, in ascending order."""
ProgressFactory = Callable[[int | None, str], Progress]
"""Receives the number of things to do (None where it is unknown) and their name in the plural."""

_SECONDS_BETWEEN_LINES = 30.0


def _tqdm() -> Any:
    """Returns tqdm's class for where this runs; it is imported late, since parsers of commands import this module."""
    from tqdm.auto import tqdm

    return tqdm


def no_progress(total: int | None = None, unit: str = "") -> Progress:
    """Returns a progress that shows nothing."""
    return lambda done: None


def notebook_progress(total: int | None, unit: str) -> Progress:
    """Returns a progress that shows a bar in a notebook, and nothing elsewhere: the default of the Python API."""
    return show_progress(total, unit) if in_notebook() else no_progress()


def in_notebook() -> bool:
    """Returns whether this runs in a notebook's kernel."""
    return "ipykernel" in sys.modules


def show_progress(total: int | None, unit: str, stream: TextIO | None = None) -> Progress:
    """Returns a progress that shows how many things are done, how fast, and how long the rest takes.

    Args:
        total: Number of things to do; None where it is unknown.
        unit: Name of the things, in the plural.
        stream: Stream to write to; None for the standard error stream.
    """
    stream = stream or sys.stderr
    return (
        _Bar(total, unit, stream)
        if stream.isatty() or in_notebook()
        else _Lines(total, unit, stream)
    )


class _Bar:
    """A tqdm bar, which is closed when everything is done."""

    def __init__(self, total: int | None, unit: str, stream: TextIO) -> None:
        self._bar = _tqdm()(
            total=total, unit=f" {unit}", file=None if in_notebook() else stream, leave=True
        )
        self._begun = False

    def __call__(self, done: int) -> None:
        bar = self._bar
        if (
            not self._begun and done != bar.total
        ):  # a resumed run begins late: what was done before took no time here
            bar.initial = bar.n = bar.last_print_n = done
            bar.start_t = bar.last_print_t = time.time()
            bar.refresh()
        self._begun = True
        bar.update(done - bar.n)
        if done == self._bar.total:
            self._bar.close()


class _Lines:
    """A line every half minute, and one at the end."""

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
