import json
import logging
import sys
import time
import types

import numpy as np
import pytest

from paddle_pose.training.run_log import RunLog


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


class Writer:
    """VisualDL's writer, as far as it is used."""

    def __init__(self, logdir):
        self.told = []
        self.fail = None

    def _tell(self, method, arguments):
        if self.fail == method:
            raise RuntimeError("disk full")
        self.told.append((method, arguments))

    def add_scalar(self, **arguments):
        self._tell("add_scalar", arguments)

    def add_image(self, **arguments):
        self._tell("add_image", arguments)

    def close(self):
        self._tell("close", {})


@pytest.fixture
def visualdl(monkeypatch):
    made = []

    def log_writer(logdir, file_name):
        made.append(Writer(logdir))
        return made[-1]

    monkeypatch.setitem(sys.modules, "visualdl", types.SimpleNamespace(LogWriter=log_writer))
    return made


def test_lines_and_numbers_are_kept_and_appended_to(tmp_path, capsys):
    for n in range(2):
        log = RunLog(tmp_path / "run", visualdl=False)
        log.say(f"line {n} é")
        log.numbers("train", n, {"loss": n / 3, "note": "x"})
        # on the disk at once, not when the run ends
        assert (tmp_path / "run" / "log.txt").read_text(encoding="utf-8").splitlines()[
            -1
        ] == f"line {n} é"
        assert lines(tmp_path / "run" / "metrics.jsonl")[-1] == {
            "kind": "train",
            "step": n,
            "loss": n / 3,
            "note": "x",
        }
        log.close()
    assert len(lines(tmp_path / "run" / "metrics.jsonl")) == 2
    assert capsys.readouterr().out == "line 0 é\nline 1 é\n"


def test_two_runs_of_one_second_have_a_visualdl_file_each(tmp_path, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 1e9)
    contents = []
    for value in (1.0, 2.0):
        log = RunLog(tmp_path)
        log.numbers("train", 1, {"loss": value})
        log.close()
        files = sorted((tmp_path / "vdl").iterdir())
        contents.append([path.read_bytes() for path in files])
    assert [path.name for path in files] == [
        "vdlrecords.1000000000.log",
        "vdlrecords.1000000001.log",
    ]
    assert contents[1][:1] == contents[0]


def test_visualdl_is_told_numbers_and_images(tmp_path, visualdl):
    log = RunLog(tmp_path)
    image = np.zeros((2, 3, 3), np.uint8)
    log.numbers("eval", 7, {"Mean": 50.0, "note": "x", "epoch": 1})
    log.image("poses", 7, image)
    log.close()
    assert visualdl[0].told == [
        ("add_scalar", {"tag": "eval/Mean", "step": 7, "value": 50.0}),
        ("add_scalar", {"tag": "eval/epoch", "step": 7, "value": 1}),
        ("add_image", {"tag": "poses", "step": 7, "img": image}),
        ("close", {}),
    ]


@pytest.mark.parametrize("method", ["add_scalar", "add_image", "close"])
def test_a_failing_visualdl_ends_no_training_and_is_told_once(tmp_path, visualdl, caplog, method):
    log = RunLog(tmp_path)
    visualdl[0].fail = method
    with caplog.at_level(logging.WARNING, "paddle_pose"):
        for step in range(3):
            log.numbers("train", step, {"loss": 1.0})
            log.image("poses", step, np.zeros((2, 2, 3), np.uint8))
        log.close()
    assert [r.getMessage() for r in caplog.records] == [
        "VisualDL stopped writing and is left out from here on: disk full"
    ]
    assert len(lines(tmp_path / "metrics.jsonl")) == 3


@pytest.mark.parametrize("state", ["missing", "broken"])
def test_a_missing_or_broken_visualdl_is_not_fatal(tmp_path, monkeypatch, caplog, state):
    monkeypatch.setitem(
        sys.modules, "visualdl", None if state == "missing" else types.SimpleNamespace()
    )
    with caplog.at_level(logging.WARNING, "paddle_pose"):
        log = RunLog(tmp_path)
    log.numbers("train", 1, {"loss": 1.0})
    log.image("poses", 1, np.zeros((2, 2, 3), np.uint8))
    log.close()
    (record,) = caplog.records
    assert record.getMessage().startswith("VisualDL is not used: ")
    assert len(lines(tmp_path / "metrics.jsonl")) == 1


def test_a_folder_that_cannot_be_written_is_an_error_at_once(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        RunLog(tmp_path / "file" / "run", visualdl=False)


def test_files_are_cut_back_to_a_mark(tmp_path):
    log = RunLog(tmp_path, visualdl=False)
    log.say("one é")
    log.numbers("train", 1, {"loss": 1.0})
    mark = log.mark()
    log.say("two")
    log.numbers("train", 2, {"loss": 2.0})
    log.cut(mark)
    log.say("three")
    log.numbers("train", 3, {"loss": 3.0})
    log.close()
    assert (tmp_path / "log.txt").read_text(encoding="utf-8").splitlines() == ["one é", "three"]
    assert [line["step"] for line in lines(tmp_path / "metrics.jsonl")] == [1, 3]
    again = RunLog(tmp_path, visualdl=False)
    again.cut(dict.fromkeys(mark, 10**6))  # shorter than it was: nothing to cut, nothing to fill
    assert again.mark()["log.txt"] == len("one é\nthree\n".encode())
    again.cut({})
    assert set(again.mark().values()) == {0}
    again.close()


def test_numbers_that_are_none_are_null(tmp_path, visualdl):
    log = RunLog(tmp_path)
    log.numbers("skip", 3, {"loss": float("nan"), "norm": float("inf"), "lr": 0.5, "n": 2})
    log.close()
    text = (tmp_path / "metrics.jsonl").read_text(encoding="utf-8")
    assert text == '{"kind": "skip", "step": 3, "loss": null, "norm": null, "lr": 0.5, "n": 2}\n'
    assert [
        arguments["tag"] for method, arguments in visualdl[0].told if method == "add_scalar"
    ] == [
        "skip/lr",
        "skip/n",
    ]


def test_a_silent_one_leaves_nothing(tmp_path, capsys, visualdl):
    log = RunLog(tmp_path / "run", silent=True)
    log.say("a line")
    log.numbers("train", 1, {"loss": 1.0})
    log.cut(log.mark())
    log.close()
    assert list((tmp_path / "run").iterdir()) == []
    assert capsys.readouterr().out == ""
    assert visualdl == []
