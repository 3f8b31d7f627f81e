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


def test_without_a_terminal_a_line_is_written_every_30_seconds_and_at_the_end(clock):
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


def test_on_a_terminal_a_single_line_is_updated():
    stream = Terminal()
    show = show_progress(4, "people", stream)
    for done in range(1, 5):
        show(done)
    first, *_, last = stream.getvalue().split("\r")[1:]
    assert "0/4 " in first
    assert "4/4 " in last
    assert last.count("people") == 1
    assert stream.getvalue().count("\n") == 1
    assert stream.getvalue().endswith("\n"), "the next output starts on a new line"


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()], ids=["file", "terminal"])
def test_zero_items_in_no_time(stream):
    show_progress(0, "people", stream)(0)
    assert stream.getvalue().endswith("\n")


def test_without_a_total_no_remaining_time_is_shown(clock):
    stream = io.StringIO()
    show = show_progress(None, "frames", stream)
    for done in range(1, 32):
        clock[0] += 1
        show(done)
    assert stream.getvalue().splitlines() == ["30 frames [00:30,  1.00 frames/s]"]


def test_the_default_stream_is_standard_error(capsys):
    show_progress(1, "people")(1)
    output = capsys.readouterr()
    assert output.out == ""
    assert "1/1" in output.err


def test_no_progress_shows_nothing(capsys):
    no_progress(3, "people")(3)
    no_progress()(1)
    assert capsys.readouterr() == ("", "")


def test_items_before_a_resumed_run_do_not_count_for_the_speed():
    bar = show_progress(100, "steps", Terminal())
    began = bar._bar.start_t
    bar(50)
    bar(51)
    state = bar._bar.format_dict
    assert (state["n"], state["initial"]) == (51, 50)
    assert bar._bar.start_t > began
