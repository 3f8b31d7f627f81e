import io

import pytest

from paddle_pose.inference import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now[0])
    return now


def test_off_a_terminal_a_line_every_half_minute_and_one_at_the_end(clock):
    stream = io.StringIO()
    show = progress.Progress(100, "windows", stream)
    for done in range(1, 101):
        clock[0] += 1
        show(done)
    assert stream.getvalue().splitlines() == [
        "30/100 windows, 1.0/s, 70 s left",
        "60/100 windows, 1.0/s, 40 s left",
        "90/100 windows, 1.0/s, 10 s left",
        "100/100 windows, 1.0/s, 0 s left",
    ]


def test_on_a_terminal_one_line_is_rewritten(clock):
    stream = Terminal()
    show = progress.Progress(4, stream=stream)
    for done in range(1, 5):
        clock[0] += 0.25
        show(done)
    *shown, last = stream.getvalue().split("\r\x1b[K")[1:]
    assert shown == ["2/4 people, 4.0/s, 0 s left"]
    assert last == "4/4 people, 4.0/s, 0 s left\n"


def test_no_time_and_nothing_done_divide_nothing_by_zero(clock):
    stream = io.StringIO()
    progress.Progress(0, stream=stream)(0)
    assert stream.getvalue() == "0/0 people, 0.0/s, 0 s left\n"


def test_without_an_end_there_is_no_time_left(clock):
    stream = io.StringIO()
    show = progress.Progress(None, "frames", stream)
    for done in range(1, 32):
        clock[0] += 1
        show(done)
    assert stream.getvalue() == "30 frames, 1.0/s\n"
