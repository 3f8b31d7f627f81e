import json
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import benchmark, table
from benchmarks import rows as benchmark_rows
from benchmarks.rows import Row, Side

BENCHMARKS = Path(benchmark.__file__).parent
WORKER = """
import sys
sys.path.insert(0, {benchmarks!r})
import numpy as np
from protocol import serve

def answer(value, noise="0"):
    if value == "broken":
        raise ValueError("cannot begin")
    def run():
        print("a library talks")
        return {{"keypoints": np.full(3, float(value)) + float(noise)}}
    return run

def timed(value):
    return lambda: {{"value": float(value)}}

def ends(value):
    runs = []
    def run():
        runs.append(1)
        if len(runs) > 1:
            raise ValueError("ended " + value)
    return run

serve({{"answer": answer, "timed": timed, "ends": ends}})
"""
PYTHON = Path(sys.executable)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Fake workers of both sides."""
    (tmp_path / "peers").mkdir()
    for name in ("ours.py", "peers/theirs.py"):
        (tmp_path / name).write_text(WORKER.format(benchmarks=str(BENCHMARKS)), encoding="utf-8")
    monkeypatch.setattr(benchmark, "FOLDER", tmp_path)
    return tmp_path


def row(task="answer", ours="1", theirs="1", **changes):
    sides = (
        Side("ours.py", task, (f"value={ours}",)),
        Side("peers/theirs.py", task, (f"value={theirs}",)),
    )
    return Row("codecs", "drawn", *sides, **changes)


def test_the_ratio_is_theirs_by_ours_and_every_round_counts():
    found = benchmark.measure(row("timed", "2", "6", measure="value", minimum=2.5), 4, PYTHON)
    assert (found["median"], found["their_median"], found["ratio"], found["spread"]) == (
        2.0,
        6.0,
        3.0,
        [3.0, 3.0],
    )
    assert len(found["ours"]) == len(found["theirs"]) == 4
    assert found["reached"] is True
    assert found["versions"]["ours"]["python"] == sys.version.split()[0]
    assert (
        benchmark.measure(row("timed", "2", "4", measure="value", minimum=2.5), 1, PYTHON)[
            "reached"
        ]
        is False
    )


def test_results_of_both_sides_are_compared():
    same = benchmark.measure(
        row(ours="1", theirs="1.00001", minimum=1e-9, tolerance=1e-4), 1, PYTHON
    )
    assert same["difference"] == pytest.approx(1e-5)
    assert same["reached"] is True
    other = benchmark.measure(row(ours="1", theirs="2", minimum=1e-9, tolerance=1e-4), 1, PYTHON)
    assert (other["difference"], other["reached"]) == (1.0, False)


def test_results_that_hold_other_things_are_infinitely_far(folder):
    file = folder / "peers" / "theirs.py"
    file.write_text(
        file.read_text(encoding="utf-8").replace("full(3,", "full(4,"), encoding="utf-8"
    )
    assert benchmark.measure(row(tolerance=1e-4), 1, PYTHON)["difference"] == np.inf


def test_a_missing_peer_leaves_our_number_and_says_why(tmp_path):
    found = benchmark.measure(row(minimum=5.0), 2, tmp_path / "nowhere" / "python")
    assert "make_peers.sh" in found["missing"]["theirs"]
    assert found["median"] > 0
    assert found["reached"] is None
    assert "theirs: no " in table.line(found)


def test_a_worker_that_cannot_begin_says_why():
    found = benchmark.measure(row(ours="broken"), 1, PYTHON)
    assert found["missing"] == {"ours": "ValueError: cannot begin"}
    assert found["median"] is None


def test_a_worker_that_ends_on_the_way_says_why():
    found = benchmark.measure(row("ends", "early"), 2, PYTHON)
    assert found["missing"]["ours"] == "ValueError: ended early"
    assert "ratio" not in found


@pytest.mark.parametrize(("limit", "reached"), [(2.0, True), (1.0, False)])
def test_a_limit_is_a_goal_too(limit, reached):
    alone = Row(
        "codecs", "drawn", Side("ours.py", "timed", ("value=1.5",)), measure="value", maximum=limit
    )
    assert benchmark.measure(alone, 1, PYTHON)["reached"] is reached


def test_the_command_writes_json_and_shows_it_again(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(
        benchmark, "rows", lambda *_, **__: [row("timed", "2", "6", measure="value", minimum=2.5)]
    )
    file = tmp_path / "found.json"
    flags = [
        "--output",
        str(file),
        "--rows",
        "codecs",
        "--rounds",
        "1",
        "--peer_python",
        str(PYTHON),
    ]
    assert benchmark.main(flags) == 0
    report = json.loads(file.read_text(encoding="utf-8"))
    assert report["machine"]["cores"] >= 1
    assert report["rows"][0]["ratio"] == 3.0
    assert ">= 2.5x, reached" in capsys.readouterr().out
    assert benchmark.main(["--show", "--markdown", "--output", str(file)]) == 0
    assert "| drawn | 2.00 s | 6.00 s | 3.00 (3.00 .. 3.00) |" in capsys.readouterr().out


def test_a_busy_machine_is_warned_of():
    machine = {"cpu": "drawn", "cores": 2, "load": 7.0, "busy": True, "system": "any"}
    assert "busy" in table.heading(machine)
    assert "busy" not in table.heading({**machine, "busy": False})


@pytest.mark.parametrize("flags", [["--rows", "speed"], ["--rounds", "0"]])
def test_wrong_flags_are_named(flags):
    with pytest.raises(ValueError, match=flags[0]):
        benchmark.main(flags)


def test_every_row_belongs_to_a_group_and_its_worker_is_there(tmp_path):
    found = benchmark_rows.rows(tmp_path, tmp_path, None)
    assert {one.group for one in found} == set(benchmark.GROUPS)
    assert len({one.name for one in found}) == len(found)
    for side in (side for one in found for side in (one.ours, one.theirs) if side):
        source = (BENCHMARKS / side.worker).read_text(encoding="utf-8")
        assert f"def {side.task}(" in source
        assert all("=" in value for value in side.values)
