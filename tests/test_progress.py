import io

import pytest

from paddle_pose import progress
from paddle_pose.progress import no_progress, show_progress


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
    show = show_progress(100, "windows", stream)
    for done in range(1, 101):
        clock[0] += 1
        show(done)
    assert stream.getvalue().splitlines() == [
        "30% 30/100 [00:30<01:10,  1.00 windows/s]",
        "60% 60/100 [01:00<00:40,  1.00 windows/s]",
        "90% 90/100 [01:30<00:10,  1.00 windows/s]",
        "100% 100/100 [01:40<00:00,  1.00 windows/s]",
    ]


def test_on_a_terminal_one_line_is_rewritten():
    stream = Terminal()
    show = show_progress(4, "people", stream)
    for done in range(1, 5):
        show(done)
    first, *_, last = stream.getvalue().split("\r")[1:]
    assert "0/4 " in first
    assert "4/4 " in last
    assert last.count("people") == 1
    assert stream.getvalue().count("\n") == 1
    assert stream.getvalue().endswith("\n"), "what is written next begins on a line of its own"


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()], ids=["file", "terminal"])
def test_no_time_and_nothing_done_divide_nothing_by_zero(stream):
    show_progress(0, "people", stream)(0)
    assert stream.getvalue().endswith("\n")


def test_without_an_end_there_is_no_time_left(clock):
    stream = io.StringIO()
    show = show_progress(None, "frames", stream)
    for done in range(1, 32):
        clock[0] += 1
        show(done)
    assert stream.getvalue().splitlines() == ["30 frames [00:30,  1.00 frames/s]"]


def test_the_standard_error_stream_is_used_unless_told_otherwise(capsys):
    show_progress(1, "people")(1)
    said = capsys.readouterr()
    assert said.out == ""
    assert "1/1" in said.err


def test_no_progress_shows_nothing(capsys):
    no_progress(3, "people")(3)
    no_progress()(1)
    assert capsys.readouterr() == ("", "")


def test_steps_before_a_resumed_run_are_not_counted_in_its_speed():
    bar = show_progress(100, "steps", Terminal())
    began = bar._bar.start_t
    bar(50)
    bar(51)
    state = bar._bar.format_dict
    assert (state["n"], state["initial"]) == (51, 50)
    assert bar._bar.start_t > began
