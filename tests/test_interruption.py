import os
import signal
import threading
import time

import pytest

from paddle_pose import interruption as module
from paddle_pose.interruption import Interrupted, Interruption


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_only_takes_a_note(number, status):
    before = signal.getsignal(number)
    with Interruption() as interruption:
        interruption.check()
        os.kill(os.getpid(), number)
        time.sleep(0.01)  # nothing happens yet
        with pytest.raises(Interrupted) as stop:
            interruption.check()
    assert stop.value.code == status
    assert signal.getsignal(number) is before


def test_a_second_ctrl_c_is_obeyed_at_once():
    with Interruption() as interruption:
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(Interrupted):
            interruption.check()


def test_the_hours_count_from_the_start(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    interruption = Interruption(max_hours=0.5)
    now[0] += 1799
    interruption.check()
    now[0] += 1
    with pytest.raises(Interrupted) as stop:
        interruption.check()
    assert (stop.value.code, stop.value.reason) == (124, "--max_hours")


@pytest.mark.parametrize("hours", [0, -1, float("nan")])
def test_no_time_at_all_is_refused(hours):
    with pytest.raises(ValueError, match="expected a positive number of hours"):
        Interruption(hours)


def test_in_another_thread_only_the_clock_counts():
    done = []

    def work():
        with Interruption() as interruption:
            interruption.check()
        done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done
