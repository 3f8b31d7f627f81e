import os
import signal
import threading
import time

import pytest

from paddle_pose.cli.signals import SignalInterruption
from paddle_pose.errors import InputError, Interrupted


@pytest.mark.parametrize(
    ("number", "status", "reason"), [(signal.SIGTERM, 143, "SIGTERM"), (signal.SIGINT, 130, "Ctrl-C")]
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
