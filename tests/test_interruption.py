import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from paddle_pose import interruption as module
from paddle_pose.errors import InputError, Interrupted
from paddle_pose.interruption import CTRL_C, TERMINATED, Interruption, SignalInterruption


@pytest.mark.parametrize(("status", "reason"), [(TERMINATED, "SIGTERM"), (CTRL_C, "Ctrl-C")])
def test_a_requested_interruption_is_raised_at_the_next_check(status, reason):
    interruption = Interruption()
    interruption.check()
    assert not interruption.is_requested
    interruption.request(status)
    assert interruption.is_requested
    with pytest.raises(Interrupted) as stop:
        interruption.check()
    assert (stop.value.status, stop.value.reason) == (status, reason)


def test_max_hours_count_from_the_start(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    interruption = Interruption(max_hours=0.5)
    now[0] += 1799
    interruption.check()
    now[0] += 1
    with pytest.raises(Interrupted) as stop:
        interruption.check()
    assert (stop.value.status, stop.value.reason) == (124, "--max_hours")


@pytest.mark.parametrize("hours", [0, -1, float("nan")])
def test_max_hours_must_be_positive(hours):
    with pytest.raises(InputError, match=f"max_hours={hours}"):
        Interruption(hours)


def test_the_base_class_does_not_change_signal_handlers():
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    with Interruption():
        assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before


class OtherProcessRequested:
    """Two processes; the end of the run was requested in the other one."""

    size = 2

    def largest(self, number):
        return max(number, TERMINATED)


def test_processes_end_together_at_a_common_check():
    interruption = Interruption()
    interruption.processes = OtherProcessRequested()
    interruption.check_alone()
    with pytest.raises(Interrupted) as stop:
        interruption.check()
    assert stop.value.status == TERMINATED
    interruption = Interruption()
    interruption.request(CTRL_C)
    with pytest.raises(Interrupted):
        interruption.check_alone()


def test_interrupted_is_a_subclass_of_exception():
    assert issubclass(Interrupted, Exception)
    assert not issubclass(Interrupted, OSError | ValueError)


@pytest.mark.parametrize(
    ("number", "status", "reason"),
    [(signal.SIGTERM, 143, "SIGTERM"), (signal.SIGINT, 130, "Ctrl-C")],
)
def test_a_signal_takes_effect_at_the_next_check(number, status, reason):
    before = signal.getsignal(number)
    with SignalInterruption() as interruption:
        interruption.check()
        os.kill(os.getpid(), number)
        time.sleep(0.01)  # the signal itself raises nothing
        assert interruption.is_requested
        with pytest.raises(Interrupted) as stop:
            interruption.check()
    assert (stop.value.status, stop.value.reason) == (status, reason)
    assert signal.getsignal(number) is before


def test_a_second_ctrl_c_raises_immediately():
    with SignalInterruption() as interruption:
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(Interrupted):
            interruption.check()


def lines_of(caplog, *numbers, finishing="saving"):
    """Returns the lines that are logged if signals arrive one after the other."""
    interruption = SignalInterruption()
    interruption.finishing = finishing
    caplog.clear()
    with contextlib.suppress(KeyboardInterrupt), interruption:
        for number in numbers:
            os.kill(os.getpid(), number)
    return [record.getMessage() for record in caplog.records]


def test_a_signal_is_confirmed_if_the_run_has_something_to_finish(caplog):
    assert lines_of(caplog, signal.SIGINT, finishing="") == []
    (line,) = lines_of(caplog, signal.SIGTERM)
    assert line.startswith("SIGTERM: saving; Ctrl-C ")
    (line,) = lines_of(caplog, signal.SIGINT)
    assert line.startswith("Ctrl-C: saving; Ctrl-C again ")
    first, second = lines_of(caplog, signal.SIGINT, signal.SIGINT)
    assert first == line
    assert second.startswith("Ctrl-C again: ")


def test_a_signal_is_confirmed_while_the_main_thread_runs_no_python(caplog):
    """As in a backward pass, which Python's signal handlers wait for."""
    confirmed = threading.Event()
    before = []

    class Handler(logging.Handler):
        def emit(self, record):
            confirmed.set()

    class Waiting(SignalInterruption):
        def _handle(self, number, frame):
            before.append(confirmed.wait(60))  # the main thread is not free before it is confirmed

    handler = Handler()
    logging.getLogger("paddle_pose").addHandler(handler)
    try:
        interruption = Waiting()
        interruption.finishing = "saving"
        with interruption:
            os.kill(os.getpid(), signal.SIGINT)
    finally:
        logging.getLogger("paddle_pose").removeHandler(handler)
    assert before == [True]


BUSY = """
import hashlib, os, signal, sys, threading
from paddle_pose.interruption import SignalInterruption

class Patient(SignalInterruption):
    def _handle(self, number, frame):
        super()._handle(number, frame)
        # The main thread does not come back from here for minutes.
        hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)

interruption = Patient()
interruption.finishing = "saving"
with interruption:
    threading.Timer(1.0, os.kill, [os.getpid(), signal.SIGINT]).start()
    os.kill(os.getpid(), signal.SIGINT)
"""


def test_a_second_ctrl_c_ends_a_command_that_is_busy_outside_python():
    done = subprocess.run(
        [sys.executable, "-c", BUSY], timeout=120, check=False, capture_output=True, text=True
    )
    assert done.returncode == 130
    assert "Ctrl-C again: " in done.stderr


def test_the_descriptor_for_signals_is_restored():
    before = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(before)
    threads = threading.active_count()
    with SignalInterruption():
        assert threading.active_count() == threads + 1
    assert threading.active_count() == threads
    assert signal.set_wakeup_fd(before) == before


def test_signals_are_handled_inside_the_context_only():
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    interruption = SignalInterruption()
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before

    def run():
        with interruption:
            assert signal.getsignal(signal.SIGTERM) not in before
            raise InputError("another error ends the run")

    with pytest.raises(InputError):
        run()
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before


def test_signals_are_not_handled_in_other_threads():
    done = []

    def work():
        with SignalInterruption() as interruption:
            interruption.check()
        done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done


def test_only_the_given_signals_are_handled():
    on_sigterm, on_sigint = map(signal.getsignal, (signal.SIGTERM, signal.SIGINT))
    with SignalInterruption(signals=[signal.SIGINT]):
        assert signal.getsignal(signal.SIGTERM) is on_sigterm
        assert signal.getsignal(signal.SIGINT) is not on_sigint
    assert signal.getsignal(signal.SIGINT) is on_sigint
