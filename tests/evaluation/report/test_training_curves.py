"""Reading a run's metrics.jsonl and drawing its curves."""

import json

import numpy as np
import pytest

from paddle_pose.errors import InputError
from paddle_pose.evaluation.report import training_curves


def write(folder, lines):
    folder.mkdir(exist_ok=True)
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    (folder / "metrics.jsonl").write_text(text, encoding="utf-8")
    return folder


def steps(number, start=1):
    return [
        {"kind": "train", "step": n, "epoch": n // 4, "loss": 1 / n, "lr": 1e-3}
        for n in range(start, start + number)
    ]


def evaluation(step, value, weights="live", name="Mean"):
    return {
        "kind": "eval",
        "step": step,
        "epoch": step // 4,
        "weights": weights,
        "monitor": name,
        name: value,
    }


@pytest.fixture
def run(tmp_path):
    lines = [*steps(8), evaluation(4, 20.0), evaluation(4, 30.0, "averaged"), evaluation(8, None)]
    return write(tmp_path / "run", lines)


def test_the_best_evaluation_has_the_highest_value_of_all_weights(run):
    curves = training_curves.read(run)
    assert curves.monitor() == "Mean"
    best = curves.best("Mean")
    assert (best["Mean"], best["weights"], best["step"]) == (30.0, "averaged", 4)
    assert curves.best("AP") is None


def test_invalid_lines_are_ignored_and_listed(tmp_path):
    lines = [
        *steps(2),
        '{"kind": "train", "st',
        "[]",
        '{"kind": "train", "step": null}',
        *steps(2, 3),
    ]
    curves = training_curves.read(write(tmp_path / "run", lines))
    assert [record["step"] for record in curves.steps] == [1, 2, 3, 4]
    for number in (3, 4, 5):
        assert any(f"metrics.jsonl: line {number} " in line for line in curves.remarks)
    assert any("no evaluation" in line for line in curves.remarks)


def test_the_last_record_of_a_repeated_step_is_used(tmp_path):
    run = write(tmp_path / "run", [*steps(4), {**steps(1, 3)[0], "loss": 7.0}])
    (run / "log.txt").write_text(
        "[TRAIN] …\nResumed run/last at epoch=0, batch_id=2\n", encoding="utf-8"
    )
    curves = training_curves.read(run)
    assert [record["loss"] for record in curves.steps] == [1, 0.5, 7.0, 0.25]
    assert any("1 records repeat" in line for line in curves.remarks)
    assert any("Resumed run/last at epoch=0, batch_id=2" in line for line in curves.remarks)


def test_every_run_is_drawn(run, tmp_path):
    curves = training_curves.read(run)
    other = training_curves.read(write(tmp_path / "other", [*steps(8), evaluation(4, 50.0)]))
    one, both = (
        training_curves.draw([curves], "Mean"),
        training_curves.draw([curves, other], "Mean"),
    )
    orange = np.array([0xD5, 0x5E, 0x00])
    assert not (one == orange).all(-1).any()
    assert (both == orange).all(-1).any()


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([evaluation(4, 1.0)], r"metrics\.jsonl.*no training step"),
        (["broken"], r"metrics\.jsonl: line 1 "),
    ],
)
def test_files_without_training_steps_are_refused(tmp_path, lines, message):
    with pytest.raises(InputError, match=message):
        training_curves.read(write(tmp_path / "run", lines))


def test_a_missing_run_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere: not found"):
        training_curves.read(tmp_path / "nowhere")
