"""Trainings that end early, and commands that resume them."""

import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from paddle_pose.engine import train
from paddle_pose.errors import Interrupted

ROOT = Path(__file__).resolve().parents[2]
CHANGES = (
    "codec.input_size=(64,64)",
    "model.channels=(8,8,8,8)",
    "model.blocks=(1,1,1,1)",
    "model.stem_channels=8",
    "model.feature_channels=8",
    "train.schedule.warmup=0",
    "train.log_every=1",
    "train.schedule=steps",
)
SMALL = (
    "--config",
    "hourglass_tiny_128",
    "--batch_size",
    2,
    "--num_workers",
    1,
    "--output",
    "run",
    *(part for change in CHANGES for part in ("-o", change)),
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory, synthetic_mpii, run_in):
    """Returns a folder with a run of two epochs that has a checkpoint of each step."""
    folder = tmp_path_factory.mktemp("trained")
    every = ("-o", "train.checkpoint_steps=1", "--keep", 3)
    done = run_in(
        folder, "train.py", "--dataset_root", synthetic_mpii, *SMALL, *every, "--epochs", 2
    )
    assert done.returncode == 0, done.stderr
    return folder


def progress(folder):
    return json.loads((folder / "state.json").read_text(encoding="utf-8"))["progress"]


@pytest.mark.parametrize(
    ("number", "status", "name"), [(signal.SIGTERM, 143, "SIGTERM"), (signal.SIGINT, 130, "Ctrl-C")]
)
def test_training_ended_by_a_signal_is_resumed(
    synthetic_mpii, run_in, tmp_path, number, status, name
):
    command = [
        sys.executable,
        ROOT / "train.py",
        "--dataset_root",
        synthetic_mpii,
        *SMALL,
        "--epochs",
        500,
    ]
    process = subprocess.Popen(
        list(map(str, command)),
        cwd=tmp_path,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    log = tmp_path / "run" / "log.txt"
    while process.poll() is None and (not log.exists() or "[TRAIN]" not in log.read_text()):
        time.sleep(0.01)
    os.kill(process.pid, number)
    said, errors = process.communicate(timeout=200)
    assert process.returncode == status, errors
    (line,) = errors.splitlines()  # neither a traceback nor a report of Paddle's
    assert line.startswith(f"{name}: finishing the step")
    assert re.search(
        rf"Ended early by {name} at epoch=\d+, batch_id=\d+; saved in run/last. Continue with"
        r" --resume run",
        said,
    )
    stood = progress(tmp_path / "run/last")
    assert stood["step"] == 4 * stood["epoch"] + stood["batch"] > 0
    epochs = stood["epoch"] + 1
    resumed = run_in(
        tmp_path,
        "train.py",
        "--dataset_root",
        synthetic_mpii,
        "--resume",
        "run",
        "--epochs",
        epochs,
    )
    assert resumed.returncode == 0, resumed.stderr
    assert progress(tmp_path / "run/last")["step"] == 4 * epochs
    lines = (tmp_path / "run/metrics.jsonl").read_text().splitlines()
    trained = [record["step"] for record in map(json.loads, lines) if record["kind"] == "train"]
    assert trained == list(range(1, 4 * epochs + 1))


def test_max_hours_ends_with_its_own_status(synthetic_mpii, run_in, tmp_path):
    done = run_in(
        tmp_path,
        "train.py",
        "--dataset_root",
        synthetic_mpii,
        *SMALL,
        "--epochs",
        1,
        "--max_hours",
        1e-9,
    )
    assert done.returncode == 124, done.stderr
    assert "Ended early by --max_hours at epoch=0, batch_id=1" in done.stdout
    assert progress(tmp_path / "run/last")["step"] == 1
    assert (
        run_in(tmp_path, "train.py", "--dataset_root", synthetic_mpii, "--resume", "run").returncode
        == 0
    )
    assert progress(tmp_path / "run/last")["step"] == 4


def test_training_that_ends_early_leaves_its_best_weights_in_best_model(monkeypatch, tmp_path):
    def train_config(config, *, run_dir, **others):
        (run_dir / "best_model").mkdir(parents=True)
        for name in ("config.json", "best_model/model.pdparams"):
            (run_dir / name).write_text(Path(name).name)
        raise Interrupted(124, "--max_hours")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(train, "train_config", train_config)
    with pytest.raises(Interrupted):
        train.train(image_size=256, data="D")
    for name in ("config.json", "model.pdparams"):
        assert (tmp_path / "output/256_best_model" / name).read_text() == name
    assert (
        tmp_path / "output/256_best_model/from_run.txt"
    ).read_text() == "output/hourglass52_mpii_256\n"


def test_damaged_checkpoint_is_reported_and_the_previous_one_resumed(
    trained, synthetic_mpii, run_in, tmp_path
):
    subprocess.run(["cp", "-r", trained / "run", tmp_path / "run"], check=True)
    weights = tmp_path / "run/last/model.pdparams"
    weights.write_bytes(weights.read_bytes()[:-1])
    resumed = run_in(tmp_path, "train.py", "--dataset_root", synthetic_mpii, "--resume", "run")
    assert resumed.returncode == 0, resumed.stderr
    assert "run/last/model.pdparams: damaged: it is" in resumed.stdout
    assert "Resumed run/earlier/epoch-0001-batch-000003 at epoch=1, batch_id=3" in resumed.stdout
    assert weights.read_bytes() == (trained / "run/last/model.pdparams").read_bytes()
    named = run_in(tmp_path, "train.py", "--resume", trained / "run/last")  # states its data
    assert named.returncode == 0, named.stderr
    refused = run_in(tmp_path, "train.py", "--resume", trained / "run/last", "--output", "x")
    assert refused.returncode == 2
    assert not (tmp_path / "x").exists()


def test_resume_with_another_config_needs_force(trained, synthetic_mpii, run_in, tmp_path):
    subprocess.run(["cp", "-r", trained / "run", tmp_path / "run"], check=True)
    common = ("train.py", "--dataset_root", synthetic_mpii, "--resume", "run", "--epochs", 3)
    refused = run_in(tmp_path, *common, "--learning_rate", 0.5, "-o", "train.log_every=7")
    assert refused.returncode == 2
    assert (
        "run/last was made by a run that differs in\n  train.learning_rate: 0.004 in the"
        " checkpoint, 0.5 now\n" in (refused.stderr)
    )
    assert "log_every" not in refused.stderr
    assert progress(tmp_path / "run/last")["step"] == 8
    forced = run_in(tmp_path, *common, "--learning_rate", 0.5, "--force")
    assert forced.returncode == 0, forced.stderr
    assert progress(tmp_path / "run/last")["step"] == 12


@pytest.mark.parametrize("schedule", ["steps", "cosine"])
def test_resume_with_more_epochs_needs_no_force(synthetic_mpii, run_in, tmp_path, schedule):
    flags = (*SMALL, "--dataset_root", synthetic_mpii, "-o", f"train.schedule={schedule}")
    assert run_in(tmp_path, "train.py", *flags, "--epochs", 1).returncode == 0
    resumed = run_in(
        tmp_path, "train.py", "--dataset_root", synthetic_mpii, "--resume", "run", "--epochs", 2
    )
    assert resumed.returncode == 0, resumed.stderr
    records = map(
        json.loads, (tmp_path / "run/metrics.jsonl").read_text(encoding="utf-8").splitlines()
    )
    rates = [record["lr"] for record in records if record["kind"] == "train"]
    half = len(rates) // 2
    if schedule == "steps":
        assert len(set(rates)) == 1
        assert "the next step's learning rate" not in resumed.stdout
    else:  # from there on as with the longer cosine schedule
        assert rates[half:] == pytest.approx(
            [0.004 * (1 + math.cos(math.pi * n / len(rates))) / 2 for n in range(half, len(rates))]
        )
        assert f"the next step's learning rate is {rates[half]:g} instead of 0" in resumed.stdout


def test_resume_with_other_data_is_an_error(trained, synthetic_mpii, run_in, tmp_path):
    subprocess.run(["cp", "-r", trained / "run", tmp_path / "run"], check=True)
    subprocess.run(["cp", "-r", synthetic_mpii, tmp_path / "data"], check=True)
    annotations = tmp_path / "data/annotations/mpii_train.json"
    records = json.loads(annotations.read_text())
    records[0]["joints"][3][0] += 0.5
    annotations.write_text(json.dumps(records))
    refused = run_in(tmp_path, "train.py", "--dataset_root", "data", "--resume", "run")
    assert refused.returncode == 2
    assert "training data: " in refused.stderr


def test_run_without_a_checkpoint_starts_from_the_beginning(synthetic_mpii, run_in, tmp_path):
    done = run_in(tmp_path, "train.py", "--dataset_root", synthetic_mpii, *SMALL, "--epochs", 1)
    assert done.returncode == 0
    expected = (tmp_path / "run/last/model.pdparams").read_bytes()
    for name in ("last", "earlier", "best_model"):
        subprocess.run(["rm", "-rf", tmp_path / "run" / name], check=True)
    again = run_in(tmp_path, "train.py", "--dataset_root", synthetic_mpii, "--resume", "run")
    assert again.returncode == 0, again.stderr
    assert "run ended before its first checkpoint: it begins again" in again.stdout
    assert (tmp_path / "run/last/model.pdparams").read_bytes() == expected
    assert len((tmp_path / "run/metrics.jsonl").read_text().splitlines()) == 5


def test_invalid_numbers_are_an_error_before_anything_is_written(synthetic_mpii, run_in, tmp_path):
    """Weights that overflow in training: `tests/faults` and `tests/training/test_trainer.py`."""
    before = set(tmp_path.rglob("*"))
    done = run_in(
        tmp_path, "train.py", "--dataset_root", synthetic_mpii, *SMALL, "--learning_rate", "1e30"
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        done.stderr
        == "error: key 'train.learning_rate': got 1e+30, expected float above 0, at most 10\n"
    )
    assert set(tmp_path.rglob("*")) == before


def test_data_without_a_joint_inside_a_window_is_an_error(synthetic_mpii, run_in, tmp_path):
    subprocess.run(["cp", "-r", synthetic_mpii, tmp_path / "data"], check=True)
    annotations = tmp_path / "data/annotations/mpii_train.json"
    records = json.loads(annotations.read_text())
    for record in records:
        record["joints"] = [[x + 5000, y + 5000] for x, y in record["joints"]]
    annotations.write_text(json.dumps(records))
    done = run_in(tmp_path, "train.py", "--dataset_root", "data", *SMALL, "--epochs", 2)
    assert done.returncode == 2
    assert done.stderr.startswith(
        "error: no batch of epoch 0 contained anything to learn from: every gradient was zero"
    )


def test_half_precision_on_the_cpu_is_an_error(synthetic_mpii, run_in, tmp_path):
    done = run_in(tmp_path, "train.py", "--dataset_root", synthetic_mpii, *SMALL, "--amp", "O1")
    assert done.returncode == 2
    assert done.stderr.startswith("error: --amp O1 needs a GPU: on cpu Paddle ignores it")
