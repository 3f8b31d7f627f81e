"""Several processes with Paddle's launcher, on CPUs, train and evaluate like one process."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from paddle_pose.data.synthetic.dataset import write_mpii

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
    "augment=none",
    "val.batch_size=3",
)
SMALL = (
    "--config",
    "hourglass_tiny_128",
    "--num_workers",
    1,
    *(p for change in CHANGES for p in ("-o", change)),
)


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """Returns a data set of 24 people to train on and 10 to validate with.

    The validation has four batches of three people at most, so that the processes' shares and the
    last batch differ in size.
    """
    folder = tmp_path_factory.mktemp("people")
    write_mpii(folder, num_train=24, num_val=10, seed=0, size=(128, 128))
    return folder


@pytest.fixture
def train(people, run_in, tmp_path):
    """Returns a function that trains in a folder `run` with a number of processes.

    It returns the output and the exit status.
    """

    def run(processes, name, *flags):
        launch = (
            "-m",
            "paddle.distributed.launch",
            "--nproc_per_node",
            processes,
            "--log_dir",
            f"{name}.logs",
        )
        flags = ["--dataset_root", people, *SMALL, "--output", name, *flags]
        if processes == 1:
            return run_in(tmp_path, "train.py", *flags)
        return subprocess.run(
            list(map(str, (sys.executable, *launch, ROOT / "train.py", *flags))),
            cwd=tmp_path,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            text=True,
            capture_output=True,
            timeout=200,
        )

    return run


def records(folder, kind):
    lines = map(json.loads, (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines())
    return [record for record in lines if record["kind"] == kind]


def test_losses_of_two_processes_equal_those_of_one_with_twice_the_batch(train, tmp_path):
    """Batch statistics are fixed, since each process has its own; gradients are averaged."""
    common = ("--epochs", 2, "--freeze", "statistics", "-o", "train.ema=0.9")
    for processes, name, batch, more in (
        (1, "one", 8, ()),
        (2, "two", 4, ()),
        (1, "parts", 4, ("train.accumulate=2",)),
    ):
        done = train(
            processes,
            name,
            "--batch_size",
            batch,
            *common,
            *(p for change in more for p in ("-o", change)),
        )
        assert done.returncode == 0, done.stdout + done.stderr
    expected = records(tmp_path / "one", "train")
    assert len(expected) == 6
    for name in ("two", "parts"):
        found = records(tmp_path / name, "train")
        assert [(r["step"], r["lr"]) for r in found] == [(r["step"], r["lr"]) for r in expected]
        assert [r["loss"] for r in found] == pytest.approx([r["loss"] for r in expected], rel=1e-4)
        assert [r["grad_norm"] for r in found] == pytest.approx(
            [r["grad_norm"] for r in expected], rel=1e-4
        )
    assert (tmp_path / "two/last/ema.pdparams").is_file()


def test_two_processes_divide_the_total_batch(train, tmp_path):
    """The recipe's batch of 8 is 4 of each process; 9 images cannot be shared equally."""
    for total, reached in ((8, 8), (9, 8)):
        name = f"of{total}"
        done = train(2, name, "--epochs", 1, "-o", f"train.total_batch={total}")
        assert done.returncode == 0, done.stdout + done.stderr
        folder = tmp_path / name
        values = json.loads((folder / "config.json").read_text(encoding="utf-8"))["values"]
        assert (values["train.batch_size"], values["train.accumulate"]) == (4, 1)
        assert len(records(folder, "train")) == 24 // reached
        log = (folder / "log.txt").read_text(encoding="utf-8")
        assert f"Total batch {reached} = 2 processes x 4 images x 1" in log
        assert log.count(f"total batch of {total}") == (reached != total)


def test_evaluation_with_two_processes_equals_that_of_one(train, tmp_path):
    assert train(1, "learned", "--batch_size", 4, "--epochs", 25).returncode == 0
    learned = records(tmp_path / "learned", "eval")[-1]
    assert learned["Mean"] > 10, "numbers that could differ"
    still = (
        "--init",
        "learned/last/model.pdparams",
        "--freeze",
        "statistics",
        "--learning_rate",
        1e-30,
        "--epochs",
        1,
    )
    done = train(2, "two", "--batch_size", 4, *still)
    assert done.returncode == 0, done.stdout + done.stderr
    (two,) = records(tmp_path / "two", "eval")
    assert {**two, "step": 0, "epoch": 0} == {**learned, "step": 0, "epoch": 0}
    assert done.stdout.count("[EVAL] epoch=0:") == 3, (
        "once, and as best and last: the second process is silent"
    )


def test_statistics_of_the_first_process_are_used_in_evaluation_and_resume(train, tmp_path):
    """With batch statistics of their own, processes evaluate and resume with those of the first."""
    common = ("--batch_size", 4, "--epochs", 3)
    assert train(2, "straight", *common).returncode == 0
    assert train(2, "cut", *common, "--max_hours", 1e-9).returncode != 0
    assert len(records(tmp_path / "cut", "train")) == 1
    resumed = train(2, "cut", *common, "--resume", "cut")
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert [r["loss"] for r in records(tmp_path / "cut", "train")] == [
        r["loss"] for r in records(tmp_path / "straight", "train")
    ]
    assert records(tmp_path / "cut", "eval") == records(tmp_path / "straight", "eval")
    for name in ("last/model.pdparams", "last/model.pdopt", "best_model/model.pdparams"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "straight" / name).read_bytes()


def test_failing_process_ends_the_job_with_its_error(train, people, tmp_path):
    images = sorted((people / "images").iterdir())
    victim = next(path for path in images if path.suffix == ".jpg")
    whole = victim.read_bytes()
    try:
        victim.write_bytes(b"\xff\xd8 not an image")
        done = train(2, "run", "--batch_size", 4, "--epochs", 3)
    finally:
        victim.write_bytes(whole)
    assert done.returncode != 0
    logs = "".join(
        path.read_text(encoding="utf-8") for path in (tmp_path / "run.logs").glob("workerlog.*")
    )
    assert f"error: {victim}: not an image that can be decoded" in logs


def test_gradients_are_averaged_where_some_parameters_have_none(train, tmp_path):
    """`model.inters` adds a block that a single stack never runs."""
    common = ("--epochs", 2, "--freeze", "statistics", "-o", "model.inters=true")
    for processes, name, batch, accumulate in (
        (1, "one", 8, 1),
        (2, "two", 4, 1),
        (2, "parts", 2, 2),
    ):
        done = train(
            processes,
            name,
            "--batch_size",
            batch,
            *common,
            "-o",
            f"train.accumulate={accumulate}",
        )
        assert done.returncode == 0, done.stdout + done.stderr
    expected = records(tmp_path / "one", "train")
    assert len(expected) == 6
    for name in ("two", "parts"):
        found = records(tmp_path / name, "train")
        assert [r["loss"] for r in found] == pytest.approx([r["loss"] for r in expected], rel=1e-4)
