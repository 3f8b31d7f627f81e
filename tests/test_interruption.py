import os
import signal
import threading
import time

import pytest

from paddle_pose import interruption as module
from paddle_pose.errors import InputError, Interrupted
from paddle_pose.interruption import CTRL_C, TERMINATED, Interruption, SignalInterruption


@pytest.mark.parametrize(("status", "reason"), [(TERMINATED, "SIGTERM"), (CTRL_C, "Ctrl-C")])
def test_a_request_is_granted_at_the_next_check(status, reason):
    interruption = Interruption()
    interruption.check()
    assert not interruption.is_requested
    interruption.request(status)
    assert interruption.is_requested
    with pytest.raises(Interrupted) as stop:
        interruption.check()
    assert (stop.value.status, stop.value.reason) == (status, reason)


def test_the_hours_count_from_the_start(monkeypatch):
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
def test_no_time_at_all_is_refused(hours):
    with pytest.raises(InputError, match="expected a positive number of hours"):
        Interruption(hours)


def test_signals_are_left_to_the_command_line():
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    with Interruption():
        assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before


class Others:
    """Two processes, the other of which was asked to end."""

    size = 2

    def largest(self, number):
        return max(number, TERMINATED)


def test_processes_end_together_where_all_of_them_check():
    interruption = Interruption()
    interruption.processes = Others()
    interruption.check_alone()
    with pytest.raises(Interrupted) as stop:
        interruption.check()
    assert stop.value.status == TERMINATED
    interruption = Interruption()
    interruption.request(CTRL_C)
    with pytest.raises(Interrupted):
        interruption.check_alone()


def test_it_is_an_error_that_except_exception_catches():
    assert issubclass(Interrupted, Exception)
    assert not issubclass(Interrupted, OSError | ValueError)


@pytest.mark.parametrize(
    ("number", "status", "reason"),
    [(signal.SIGTERM, 143, "SIGTERM"), (signal.SIGINT, 130, "Ctrl-C")],
)
def test_a_signal_is_remembered_until_the_next_check(number, status, reason):
    before = signal.getsignal(number)
    with SignalInterruption() as interruption:
        interruption.check()
        os.kill(os.getpid(), number)
        time.sleep(0.01)  # nothing happens yet
        assert interruption.is_requested
        with pytest.raises(Interrupted) as stop:
            interruption.check()
    assert (stop.value.status, stop.value.reason) == (status, reason)
    assert signal.getsignal(number) is before


def test_a_second_ctrl_c_is_obeyed_at_once():
    with SignalInterruption() as interruption:
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(Interrupted):
            interruption.check()


def test_signals_are_caught_while_the_context_lasts_only():
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    interruption = SignalInterruption()
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before

    def run():
        with interruption:
            assert signal.getsignal(signal.SIGTERM) not in before
            raise InputError("something else ends the run")

    with pytest.raises(InputError):
        run()
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before


def test_in_another_thread_only_the_clock_counts():
    done = []

    def work():
        with SignalInterruption() as interruption:
            interruption.check()
        done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done


def test_only_the_chosen_signals_are_caught():
    before = signal.getsignal(signal.SIGTERM)
    with SignalInterruption(signals=[signal.SIGINT]):
        assert signal.getsignal(signal.SIGTERM) is before
        assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
