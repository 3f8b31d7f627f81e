import signal

import pytest

from paddle_pose import interruption as module
from paddle_pose.errors import InputError, Interrupted
from paddle_pose.interruption import CTRL_C, TERMINATED, Interruption


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
