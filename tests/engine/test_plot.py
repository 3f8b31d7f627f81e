"""Plots of runs: the drawn metric, the path of the image, and errors."""

import json

import cv2
import numpy as np
import pytest

from paddle_pose.engine.plot import plot_training
from paddle_pose.errors import InputError


def write(folder, lines):
    folder.mkdir(exist_ok=True)
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / "metrics.jsonl").write_text(text, encoding="utf-8")
    return folder


def steps(number):
    return [
        {"kind": "train", "step": n, "epoch": n // 4, "loss": 1 / n, "lr": 1e-3}
        for n in range(1, number + 1)
    ]


def evaluation(step, value, weights="live"):
    return {
        "kind": "eval",
        "step": step,
        "epoch": step // 4,
        "weights": weights,
        "monitor": "Mean",
        "Mean": value,
    }


@pytest.fixture
def run(tmp_path):
    lines = [*steps(8), evaluation(4, 20.0), evaluation(4, 30.0, "averaged"), evaluation(8, None)]
    return write(tmp_path / "run", lines)


def test_plot_training_writes_image_and_logs_best_evaluation(run, capsys):
    assert plot_training([run]) == run / "training.png"
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("run: 8 logged steps up to 8 (epoch 2), best Mean 30.0000 ")
    assert line.endswith(" averaged weights after epoch 1, step 4")
    image = cv2.imread(str(run / "training.png"))
    assert image.shape[0] > 600
    assert len(np.unique(image.reshape(-1, 3), axis=0)) > 10


def test_plot_training_of_a_file_writes_beside_it(run):
    assert plot_training([run / "metrics.jsonl"]) == run / "training.png"


def test_plot_training_without_evaluations_writes_image(tmp_path, capsys):
    run = write(tmp_path / "run", steps(4))
    assert (
        plot_training([run], metric="AP", output_file=tmp_path / "new" / "a.png")
        == tmp_path / "new" / "a.png"
    )
    assert "run: 4 logged steps up to 4 (epoch 1)" in capsys.readouterr().out.splitlines()
    assert (tmp_path / "new" / "a.png").is_file()


def test_plot_training_with_unknown_metric_raises(run):
    with pytest.raises(InputError, match=r"--metric AP: .* Mean$"):
        plot_training([run], metric="AP")
    assert not (run / "training.png").exists()


def test_plot_training_with_missing_run_raises(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        plot_training([tmp_path / "nowhere"])
