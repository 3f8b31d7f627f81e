"""A progress line for long passes: one line that is rewritten on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TextIO


class Progress:
    """Shows how many of a number of things are done, how fast, and how long the rest takes."""

    def __init__(self, total: int | None, unit: str = "people", stream: TextIO | None = None) -> None:
        """Starts the clock.

        Args:
            total: things to do; None where nobody knows.
            unit: their name.
            stream: to write to; None for the standard error stream.
        """
        self._total, self._unit, self._stream = total, unit, stream or sys.stderr
        self._started = self._shown = time.perf_counter()

    def __call__(self, done: int) -> None:
        """Shows that `done` things are done; at most twice a second, or every 30 s off a terminal."""
        now = time.perf_counter()
        terminal = self._stream.isatty()
        if done != self._total and now - self._shown < (0.5 if terminal else 30.0):
            return
        self._shown = now
        speed = done / max(now - self._started, 1e-9)
        pace = f"{speed:.1f}/s" if speed >= 1 or not done else f"{1 / speed:.1f} s each"
        text = f"{done} {self._unit}, {pace}"
        if self._total is not None:
            left = max(self._total - done, 0) / max(speed, 1e-9)
            text = f"{done}/{self._total} {self._unit}, {pace}, {left:.0f} s left"
        end = "\n" if done == self._total or not terminal else ""
        self._stream.write(("\r\x1b[K" if terminal else "") + text + end)
        self._stream.flush()
