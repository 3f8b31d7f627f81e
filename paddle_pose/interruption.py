"""Ends a run early without loss of data: on a signal, or after a number of hours.

| exit status | cause |
|---|---|
| 143 | SIGTERM |
| 130 | Ctrl-C (a second one ends the run within seconds; the last checkpoint is kept) |
| 124 | `--max_hours`, the status of the command `timeout` |

Signal handlers are installed for the duration of a run and restored afterwards: by the command line
for both signals, and by `engine.train` for Ctrl-C in a notebook, since nothing could be saved after
a `KeyboardInterrupt` in the middle of a step.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Protocol

from paddle_pose.errors import InputError, Interrupted

_log = logging.getLogger("paddle_pose")

CTRL_C = 130
TERMINATED = 143
TIME_LIMIT = 124
_STATUS: dict[int, int] = {signal.SIGTERM: TERMINATED, signal.SIGINT: CTRL_C}
_PATIENCE = 5.0  # seconds from a second SIGINT to the end of the process
_REASONS = {TERMINATED: "SIGTERM", CTRL_C: "Ctrl-C", TIME_LIMIT: "--max_hours"}


class Processes(Protocol):
    """Interface to the processes of a run, which have to end together.

    Attributes:
        size: Number of processes.
    """

    size: int

    def largest(self, number: int) -> int:
        """Returns the largest of the numbers that the processes pass, the same in all processes.

        All processes call this at the same point of the run, and wait for each other.

        Args:
            number: Number that this process passes: an exit status, or 0.
        """


class OneProcess:
    """The `Processes` of a run that consists of a single process."""

    size = 1

    def largest(self, number: int) -> int:
        """Returns the number itself.

        Args:
            number: Number that the process passes.
        """
        return number


class Interruption:
    """Stores the request to end a run; `check` raises at a point where the run can be saved.

    It is a context manager so that subclasses can handle signals inside the context; this class
    does nothing on entering and leaving it.

    Args:
        max_hours: Hours after which the run ends, counted from the creation of this object; None
            sets no limit.

    Attributes:
        processes: Processes of the run; if one of them is requested to end, all end. It is a
            single process until the caller assigns others, before the first `check`.
        finishing: What the run does before it ends, for the line that is logged when a signal
            arrives, such as "saving a checkpoint"; "" logs nothing.

    Raises:
        InputError: If `max_hours` is not positive.
    """

    def __init__(self, max_hours: float | None = None) -> None:
        if max_hours is not None and not max_hours > 0:
            raise InputError(f"max_hours={max_hours}: expected a positive number of hours")
        self.processes: Processes = OneProcess()
        self.finishing = ""
        self._deadline = None if max_hours is None else time.monotonic() + 3600 * max_hours
        self._status = 0

    def __enter__(self) -> Interruption:
        return self

    def __exit__(self, *error: object) -> None:
        return None

    @property
    def is_requested(self) -> bool:
        """Whether this process was requested to end, or a `check` found that its time is over."""
        return self._status != 0

    def request(self, status: int) -> None:
        """Requests that the run ends at its next `check`; may be called from a signal handler.

        Args:
            status: Exit status of the process: `CTRL_C`, `TERMINATED` or `TIME_LIMIT`.
        """
        self._status = status

    def check(self) -> None:
        """Raises if the end of the run was requested or its time is over, in any of its processes.

        All processes of a run must call this at the same point.

        Raises:
            Interrupted: If the run has to end; its `status` is the largest one that a process
                requested, and its `folder` is None.
        """
        if not self._status and self._deadline is not None and time.monotonic() >= self._deadline:
            self._status = TIME_LIMIT
        status = self.processes.largest(self._status)
        if status:
            raise Interrupted(status, _REASONS[status])

    def check_alone(self) -> None:
        """Calls `check` if the run has a single process; otherwise does nothing.

        It is for points of a run that several processes do not reach together. Their run ends at
        the next `check`.

        Raises:
            Interrupted: If the run has to end.
        """
        if self.processes.size == 1:
            self.check()


Handler = Callable[[int, FrameType | None], object] | int | None


class SignalInterruption(Interruption):
    """An interruption that handles signals inside its context and restores the handlers after it.

    A signal requests the end of the run. A second SIGINT raises KeyboardInterrupt. Where the main
    thread does not return from Paddle for that within seconds, as in a backward pass of minutes, it
    ends the process of a command; files are always replaced as a whole, so none is damaged. In a
    thread other than the main one, signals are not handled, since Python does not allow it.

    Args:
        max_hours: Hours after which the run ends, counted from the creation of this object; None
            sets no limit.
        signals: Signals to handle: SIGINT (Ctrl-C), SIGTERM or both.
        may_exit: Whether a second SIGINT may end the process, as described above; False in a
            notebook, whose kernel holds other work.

    Raises:
        InputError: If `max_hours` is not positive.
    """

    def __init__(
        self,
        max_hours: float | None = None,
        signals: Iterable[signal.Signals] = (signal.SIGINT, signal.SIGTERM),
        may_exit: bool = True,
    ) -> None:
        super().__init__(max_hours)
        self._signals = tuple(signals)
        self._may_exit = may_exit
        self._previous: dict[signal.Signals, Handler] = {}

    def __enter__(self) -> SignalInterruption:
        # Python allows signal handlers in the main thread only.
        self._previous = {}
        if threading.current_thread() is threading.main_thread():
            # Python calls a handler only when the main thread returns from a call into Paddle, such
            # as a backward pass of many seconds. The bytes of `set_wakeup_fd` arrive at once.
            self._is_ending = threading.Event()
            arrived, self._arrivals = socket.socketpair()
            self._arrivals.setblocking(False)
            self._previous_fd = signal.set_wakeup_fd(
                self._arrivals.fileno(), warn_on_full_buffer=False
            )
            self._announcer = threading.Thread(target=self._announce, args=[arrived], daemon=True)
            self._announcer.start()
            self._previous = {
                number: signal.signal(number, self._handle) for number in self._signals
            }
        return self

    def __exit__(self, *error: object) -> None:
        if not self._previous:
            return
        self._is_ending.set()
        for number, handler in self._previous.items():
            # The handler is None if it was installed by a C library.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        signal.set_wakeup_fd(self._previous_fd)
        self._arrivals.close()
        self._announcer.join()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        """Stores the request; saving inside the handler could interrupt the writing of a file."""
        if number == signal.SIGINT and self.is_requested:
            self._is_ending.set()
            raise KeyboardInterrupt
        self.request(_STATUS[number])

    def _announce(self, arrived: socket.socket) -> None:
        """Logs a line for each signal, until the other end of a socket is closed.

        Args:
            arrived: Socket that receives the number of each signal as a byte.
        """
        is_first = True
        with arrived:
            while numbers := arrived.recv(1):
                number = numbers[0]
                if number not in self._signals or not self.finishing:
                    continue
                if is_first:
                    again = "Ctrl-C again" if number == signal.SIGINT else "Ctrl-C"
                    reason = _REASONS[_STATUS[number]]
                    _log.warning(f"{reason}: {self.finishing}; {again} ends without it")
                elif number == signal.SIGINT:
                    _log.warning("Ctrl-C again: ending without a further checkpoint")
                    if self._may_exit and not self._is_ending.wait(_PATIENCE):
                        os._exit(CTRL_C)
                is_first = False
