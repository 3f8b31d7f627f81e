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
    """The part of VisualDL's writer that is used."""

    def __init__(self, logdir):
        self.calls = []
        self.fail = None

    def _record(self, method, arguments):
        if self.fail == method:
            raise RuntimeError("disk full")
        self.calls.append((method, arguments))

    def add_scalar(self, **arguments):
        self._record("add_scalar", arguments)

    def add_image(self, **arguments):
        self._record("add_image", arguments)

    def close(self):
        self._record("close", {})


@pytest.fixture
def visualdl(monkeypatch):
    made = []

    def log_writer(logdir, file_name):
        made.append(Writer(logdir))
        return made[-1]

    monkeypatch.setitem(sys.modules, "visualdl", types.SimpleNamespace(LogWriter=log_writer))
    return made


def test_run_log_appends_lines_and_values_to_files(tmp_path, capsys):
    for n in range(2):
        log = RunLog(tmp_path / "run", visualdl=False)
        log.info(f"line {n} é")
        log.scalars("train", n, {"loss": n / 3, "note": "x"})
        # written immediately, not when the run ends
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


def test_visualdl_file_of_the_same_second_is_not_overwritten(tmp_path, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 1e9)
    contents = []
    for value in (1.0, 2.0):
        log = RunLog(tmp_path)
        log.scalars("train", 1, {"loss": value})
        log.close()
        files = sorted((tmp_path / "vdl").iterdir())
        contents.append([path.read_bytes() for path in files])
    assert [path.name for path in files] == [
        "vdlrecords.1000000000.log",
        "vdlrecords.1000000001.log",
    ]
    assert contents[1][:1] == contents[0]


def test_visualdl_receives_values_and_images(tmp_path, visualdl):
    log = RunLog(tmp_path)
    image = np.zeros((2, 3, 3), np.uint8)
    log.scalars("eval", 7, {"Mean": 50.0, "note": "x", "epoch": 1})
    log.image("poses", 7, image)
    log.close()
    assert visualdl[0].calls == [
        ("add_scalar", {"tag": "eval/Mean", "step": 7, "value": 50.0}),
        ("add_scalar", {"tag": "eval/epoch", "step": 7, "value": 1}),
        ("add_image", {"tag": "poses", "step": 7, "img": image}),
        ("close", {}),
    ]


@pytest.mark.parametrize("method", ["add_scalar", "add_image", "close"])
def test_failing_visualdl_is_logged_once_and_ignored(tmp_path, visualdl, caplog, method):
    log = RunLog(tmp_path)
    visualdl[0].fail = method
    with caplog.at_level(logging.WARNING, "paddle_pose"):
        for step in range(3):
            log.scalars("train", step, {"loss": 1.0})
            log.image("poses", step, np.zeros((2, 2, 3), np.uint8))
        log.close()
    (record,) = caplog.records
    assert "disk full" in record.getMessage()
    assert len(lines(tmp_path / "metrics.jsonl")) == 3


@pytest.mark.parametrize("state", ["missing", "broken"])
def test_missing_or_broken_visualdl_is_ignored(tmp_path, monkeypatch, caplog, state):
    monkeypatch.setitem(
        sys.modules, "visualdl", None if state == "missing" else types.SimpleNamespace()
    )
    with caplog.at_level(logging.WARNING, "paddle_pose"):
        log = RunLog(tmp_path)
    log.scalars("train", 1, {"loss": 1.0})
    log.image("poses", 1, np.zeros((2, 2, 3), np.uint8))
    log.close()
    (record,) = caplog.records
    assert record.getMessage().startswith("VisualDL is not used: ")
    assert len(lines(tmp_path / "metrics.jsonl")) == 1


def test_run_log_raises_if_the_folder_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        RunLog(tmp_path / "file" / "run", visualdl=False)


def test_truncate_restores_the_sizes_of_the_files(tmp_path):
    log = RunLog(tmp_path, visualdl=False)
    log.info("one é")
    log.scalars("train", 1, {"loss": 1.0})
    sizes = log.sizes()
    log.info("two")
    log.scalars("train", 2, {"loss": 2.0})
    log.truncate(sizes)
    log.info("three")
    log.scalars("train", 3, {"loss": 3.0})
    log.close()
    assert (tmp_path / "log.txt").read_text(encoding="utf-8").splitlines() == ["one é", "three"]
    assert [line["step"] for line in lines(tmp_path / "metrics.jsonl")] == [1, 3]
    again = RunLog(tmp_path, visualdl=False)
    again.truncate(dict.fromkeys(sizes, 10**6))  # larger than the files: they are not changed
    assert again.sizes()["log.txt"] == len("one é\nthree\n".encode())
    again.truncate({})
    assert set(again.sizes().values()) == {0}
    again.close()


def test_non_finite_values_become_null(tmp_path, visualdl):
    log = RunLog(tmp_path)
    log.scalars("skip", 3, {"loss": float("nan"), "norm": float("inf"), "lr": 0.5, "n": 2})
    log.close()
    text = (tmp_path / "metrics.jsonl").read_text(encoding="utf-8")
    assert text == '{"kind": "skip", "step": 3, "loss": null, "norm": null, "lr": 0.5, "n": 2}\n'
    assert [
        arguments["tag"] for method, arguments in visualdl[0].calls if method == "add_scalar"
    ] == [
        "skip/lr",
        "skip/n",
    ]


def test_silent_run_log_writes_nothing(tmp_path, capsys, visualdl):
    log = RunLog(tmp_path / "run", silent=True)
    log.info("a line")
    log.scalars("train", 1, {"loss": 1.0})
    log.truncate(log.sizes())
    log.close()
    assert list((tmp_path / "run").iterdir()) == []
    assert capsys.readouterr().out == ""
    assert visualdl == []
