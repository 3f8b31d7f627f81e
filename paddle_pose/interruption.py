"""Ending a run early without losing anything: on request, or after a number of hours.

| exit status | what ended the run |
|---|---|
| 143 | SIGTERM |
| 130 | Ctrl-C (a second one ends the run at once, with the last checkpoint) |
| 124 | `--max_hours`, as of `timeout` |

A signal handler is set while a run lasts, and put back after it: by the command line for both signals, and by `engine.train`
for Ctrl-C in a notebook, where a `KeyboardInterrupt` in the middle of a step could not be saved.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Protocol

from paddle_pose.errors import InputError, Interrupted

CTRL_C, TERMINATED, TIME_LIMIT = 130, 143, 124
_REASONS = {TERMINATED: "SIGTERM", CTRL_C: "Ctrl-C", TIME_LIMIT: "--max_hours"}


class Processes(Protocol):
    """Processes that end together; `size` of them."""

    size: int

    def largest(self, number: int) -> int:
        """Returns the largest of the numbers that the processes give."""


class OneProcess:
    """A process that runs alone."""

    size = 1

    def largest(self, number: int) -> int:
        """Returns the number."""
        return number


class Interruption:
    """Remembers that a run has to end; `check` raises where nothing gets lost.

    It is a context manager, so that a subclass can catch signals while the context lasts; this class does nothing there.

    Args:
        max_hours: Hours after which the run ends; None for no limit.

    Attributes:
        processes: Processes that end together, whichever of them was asked.

    Raises:
        InputError: If `max_hours` is not positive.
    """

    def __init__(self, max_hours: float | None = None) -> None:
        if max_hours is not None and not max_hours > 0:
            raise InputError(f"max_hours={max_hours}: expected a positive number of hours")
        self.processes: Processes = OneProcess()
        self._deadline = None if max_hours is None else time.monotonic() + 3600 * max_hours
        self._status = 0

    def __enter__(self) -> Interruption:
        return self

    def __exit__(self, *error: object) -> None:
        return None

    @property
    def is_requested(self) -> bool:
        """Whether `request` was called."""
        return self._status != 0

    def request(self, status: int) -> None:
        """Asks the run to end at its next `check`; only remembers it, so that a signal handler may call it.

        Args:
            status: Exit status of the process, one of the table above.
        """
        self._status = status

    def check(self) -> None:
        """Ends the run if it has to end; all processes have to call this together.

        Raises:
            Interrupted: If the run has to end.
        """
        if not self._status and self._deadline is not None and time.monotonic() >= self._deadline:
            self._status = TIME_LIMIT
        status = self.processes.largest(self._status)
        if status:
            raise Interrupted(status, _REASONS[status])

    def check_alone(self) -> None:
        """Calls `check` where processes do not run in step: several processes wait for the next common `check`.

        Raises:
            Interrupted: If the run has to end.
        """
        if self.processes.size == 1:
            self.check()


Handler = Callable[[int, FrameType | None], object] | int | None


class SignalInterruption(Interruption):
    """An interruption that catches signals while its context lasts; before and after it they do what they always do.

    Args:
        max_hours: Hours after which the run ends; None for no limit.
        signals: Signals to catch: SIGINT (Ctrl-C) and SIGTERM.
    """

    def __init__(
        self,
        max_hours: float | None = None,
        signals: Iterable[signal.Signals] = (signal.SIGINT, signal.SIGTERM),
    ) -> None:
        super().__init__(max_hours)
        self._signals = tuple(signals)
        self._before: dict[signal.Signals, Handler] = {}

    def __enter__(self) -> SignalInterruption:
        # Python allows signal handlers in the main thread only.
        self._before = {}
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._handle) for number in self._signals}
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(
                number, signal.SIG_DFL if handler is None else handler
            )  # None: set by a library in C

    def _handle(self, number: int, frame: FrameType | None) -> None:
        """Remembers the request: saving from within a signal handler would interrupt whatever is being written."""
        if number == signal.SIGINT and self.is_requested:
            raise KeyboardInterrupt
        self.request(CTRL_C if number == signal.SIGINT else TERMINATED)
