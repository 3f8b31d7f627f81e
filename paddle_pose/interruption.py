"""Ending a run early without losing anything: signals, and the hours it may take.

| exit status | what ended the run |
|---|---|
| 143 | SIGTERM |
| 130 | Ctrl-C (a second one ends the run at once, with the last checkpoint) |
| 124 | `--max_hours`, as of `timeout` |
"""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType
from typing import Any, Protocol

_STATUS = {signal.SIGTERM: 143, signal.SIGINT: 130}
_TIME_IS_UP = 124
_REASONS = {143: "SIGTERM", 130: "Ctrl-C", _TIME_IS_UP: "--max_hours"}


class Processes(Protocol):
    """Those that end together; `size` of them."""

    size: int

    def largest(self, number: int) -> int:
        """Returns the largest of their numbers."""


class Alone:
    """One process."""

    size = 1

    def largest(self, number: int) -> int:
        """Returns its number."""
        return number


class Interrupted(SystemExit):
    """The run was asked to end. As a SystemExit it ends the process with its status, and no traceback.

    Attributes:
        reason: for the log.
    """

    def __init__(self, status: int, reason: str = "") -> None:
        super().__init__(status)
        self.reason = reason or _REASONS[status]


class Interruption:
    """Remembers that the run shall end; `check` says so where nothing gets lost.

    As a context it catches the signals; before and after it they do what they always do.
    """

    def __init__(self, max_hours: float | None = None, process_group: Processes | None = None) -> None:
        """Starts the clock.

        Args:
            max_hours: after which the run shall end; None: never.
            process_group: the processes that end together, whichever was asked.

        Raises:
            ValueError: If that is not positive.
        """
        if max_hours is not None and not max_hours > 0:
            raise ValueError(f"max_hours={max_hours}: expected a positive number of hours")
        self._deadline = None if max_hours is None else time.monotonic() + 3600 * max_hours
        self._process_group = process_group or Alone()
        self._asked = 0
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Interruption:
        """Catches the signals, where Python lets us: in the main thread."""
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._ask) for number in _STATUS}
        return self

    def __exit__(self, *error: object) -> None:
        """Gives the signals back."""
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)  # None: a library's own, in C

    def check(self) -> None:
        """Ends the run if it shall end; all processes have to ask together.

        Raises:
            Interrupted: then.
        """
        if not self._asked and self._deadline is not None and time.monotonic() >= self._deadline:
            self._asked = _TIME_IS_UP
        asked = self._process_group.largest(self._asked)
        if asked:
            raise Interrupted(asked)

    def check_alone(self) -> None:
        """Does the same where processes do not go in step: several of them wait for the next `check`.

        Raises:
            Interrupted: If the run shall end.
        """
        if self._process_group.size == 1:
            self.check()

    def _ask(self, number: int, frame: FrameType | None) -> None:
        """Only takes a note: saving from within a signal handler would cut into whatever is being done."""
        if number == signal.SIGINT and self._asked:
            raise KeyboardInterrupt
        self._asked = _STATUS[signal.Signals(number)]
