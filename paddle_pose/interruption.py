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
from typing import Any

_SIGNALS = {signal.SIGTERM: (143, "SIGTERM"), signal.SIGINT: (130, "Ctrl-C")}
TIME_IS_UP = 124


class Interrupted(SystemExit):
    """The run was asked to end. As a SystemExit it ends the process with its status, and no traceback.

    Attributes:
        reason: for the log.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(status)
        self.reason = reason


class Interruption:
    """Remembers that the run shall end; `check` says so where nothing gets lost.

    As a context it catches the signals; before and after it they do what they always do.
    """

    def __init__(self, max_hours: float | None = None) -> None:
        """Starts the clock.

        Args:
            max_hours: after which the run shall end; None: never.

        Raises:
            ValueError: If that is not positive.
        """
        if max_hours is not None and not max_hours > 0:
            raise ValueError(f"max_hours={max_hours}: expected a positive number of hours")
        self._deadline = None if max_hours is None else time.monotonic() + 3600 * max_hours
        self._max_hours = max_hours
        self._asked: tuple[int, str] | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Interruption:
        """Catches the signals, where Python lets us: in the main thread."""
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._ask) for number in _SIGNALS}
        return self

    def __exit__(self, *error: object) -> None:
        """Gives the signals back."""
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)  # None: a library's own, in C

    def check(self) -> None:
        """Ends the run if it shall end.

        Raises:
            Interrupted: then.
        """
        if self._asked is None and self._deadline is not None and time.monotonic() >= self._deadline:
            self._asked = (TIME_IS_UP, f"--max_hours {self._max_hours:g}")
        if self._asked is not None:
            raise Interrupted(*self._asked)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        """Only takes a note: saving from within a signal handler would cut into whatever is being done."""
        if number == signal.SIGINT and self._asked is not None:
            raise KeyboardInterrupt
        self._asked = _SIGNALS[signal.Signals(number)]
