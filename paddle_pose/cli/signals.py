"""Ctrl-C and SIGTERM as requests to end a run where nothing gets lost."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

from paddle_pose.interruption import CTRL_C, TERMINATED, Interruption

_STATUS = {signal.SIGTERM: TERMINATED, signal.SIGINT: CTRL_C}


class SignalInterruption(Interruption):
    """An interruption that catches the signals while its context lasts; before and after it they do what they always do."""

    def __enter__(self) -> SignalInterruption:
        # Python allows signal handlers in the main thread only.
        self._before: dict[signal.Signals, Any] = {}
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._handle) for number in _STATUS}
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)  # None: set by a library in C

    def _handle(self, number: int, frame: FrameType | None) -> None:
        """Remembers the request: saving from within a signal handler would interrupt whatever is being written."""
        if number == signal.SIGINT and self.is_requested:
            raise KeyboardInterrupt
        self.request(_STATUS[signal.Signals(number)])
