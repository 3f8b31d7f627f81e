"""The demo with small settings writes the documented files, also when it runs again."""

import contextlib
import io
import re
import sys
from pathlib import Path

import cv2
import pytest

from paddle_pose.cli import demo
from paddle_pose.io.weights_files import find_weights

TINY = ("--num_train", "16", "--num_val", "8", "--epochs", "1", "--device", "cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("demo") / "output"


@pytest.fixture(scope="module")
def said(folder, tmp_path_factory):
    """Returns the output of the demo."""
    screen = io.StringIO()
    with contextlib.redirect_stdout(screen), pytest.MonkeyPatch.context() as patch:
        patch.setenv("PADDLE_POSE_HOME", str(tmp_path_factory.mktemp("without_weights")))
        assert demo.main([*TINY, "--output", str(folder)]) == 0
    return screen.getvalue()


def test_demo_writes_the_documented_files(said, folder):
    images = re.findall(r"^  (\S+\.png)$", said, re.MULTILINE)
    assert sorted(Path(path).name for path in images) == [
        "heatmaps.png",
        "loss_curve.png",
        "predictions.png",
    ]
    for path in images:
        assert min(cv2.imread(path).shape[:2]) >= 256
        assert cv2.imread(path).std() > 10  # something is drawn
    python, run, data = re.search(
        r"^  (\S+) (?:val.py|-m paddle_pose val) --weights (\S+) --dataset_root (\S+)$",
        said,
        re.MULTILINE,
    ).groups()
    assert Path(python).samefile(sys.executable), "the Python that has what the demo needs"
    assert find_weights(run).is_file()
    assert Path(data, "annotations", "mpii_val.json").is_file()


def test_demo_prints_its_scores_and_those_of_the_mean_pose(said, folder):
    rows = dict(re.findall(r"^  (\S.*?)  +(\d+\.\d +\d+\.\d)$", said, re.MULTILINE))
    assert set(rows) == {"hourglass_tiny_128 (ours)", "mean training pose"}
    log = (folder / "run" / "log.txt").read_text(encoding="utf-8")
    last = re.search(r"last \[EVAL\] epoch=0:.* Mean=(\S+) Mean@0.1=(\S+) ", log).groups()
    assert rows["hourglass_tiny_128 (ours)"].split() == [f"{float(value):.1f}" for value in last]


def test_second_demo_reuses_the_images_and_replaces_the_run(said, folder, capsys):
    drawn = folder / "synthetic_people" / "synthetic.json"
    before = drawn.stat().st_mtime_ns
    assert demo.main([*TINY, "--output", str(folder)]) == 0
    again = capsys.readouterr().out
    assert "=> Replacing " in again
    assert drawn.stat().st_mtime_ns == before
    assert len((folder / "run" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()) == 2


def test_folder_that_is_no_demo_run_is_not_changed(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("mine")
    with pytest.raises(ValueError, match="not a run of the demo"):
        demo.main([*TINY, "--output", str(tmp_path)])
    assert (tmp_path / "run" / "thesis.txt").read_text() == "mine"


def test_a_missing_photograph_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no\.jpg"):
        demo.main([*TINY, "--output", str(tmp_path / "out"), "--images", "no.jpg"])
    assert not (tmp_path / "out").exists()
