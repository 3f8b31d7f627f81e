"""scripts/gpu_check.py on a CPU. Its rows of GPUs cannot run here, nor can mixed precision."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "scripts" / "gpu_check.py"
CONFIG = "hourglass_tiny_128"
SMALL = [
    word
    for change in (
        "codec.input_size=(64,64)",
        "model.channels=(8,8,8,8)",
        "model.blocks=(1,1,1,1)",
        "model.stem_channels=8",
        "model.feature_channels=8",
    )
    for word in ("-o", change)
]


@pytest.fixture
def script():
    spec = importlib.util.spec_from_file_location("gpu_check", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_cpu_passes_its_rows(tmp_path):
    flags = ["--device", "cpu", "--steps", "2", "--speed_batch_size", "4", "--processes", "2"]
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--configs", CONFIG, *SMALL, *flags],
        cwd=tmp_path,
        text=True,
        capture_output=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line for line in done.stdout.splitlines() if line.startswith("| ")]
    assert (
        len(rows) == 1 + 9
    )  # heading; Paddle, loss, maps, resume, parts, targets, memory, speed, two
    assert all(row.endswith("| ok |") for row in rows[1:])
    assert not list(tmp_path.iterdir())


RESULT = {
    "losses": [2.0, 1.5],
    "resumed_loss": 1.5,
    "maps": {"heatmaps": np.ones((1, 2))},
    "accumulated": [1.5, 1.5],
    "target_difference": 0.0,
    "estimated_mb": 1.0,
    "peak_mb": 2.0,
    "images_per_second": 9.0,
}


@pytest.mark.parametrize(
    ("change", "failed"),
    [
        ({}, 0),
        ({"losses": [2.2, 1.5]}, 1),
        ({"losses": [float("nan"), 1.5]}, 1),
        ({"maps": {"heatmaps": np.array([[1.0, 0.8]])}}, 1),
        ({"maps": {"heatmaps": np.array([[1.0, np.nan]])}}, 1),
        ({"resumed_loss": 1.6}, 1),
        ({"accumulated": [1.5, 1.7]}, 1),
        ({"target_difference": 0.01}, 1),
    ],
)
@pytest.mark.parametrize("level", ["O0", "O1", "O2"])
def test_a_difference_of_a_gpu_is_found(script, monkeypatch, level, change, failed):
    monkeypatch.setattr(
        script,
        "outcome",
        lambda task: (
            {**RESULT, **(change if task["amp"] == level else {})}
            if task["device"] == "gpu"
            else RESULT
        ),
    )
    rows = script.compared({"config": CONFIG, "device": "gpu", "amp": "O0", "batch_size": 2})
    assert len(rows) == 3 * 6
    bad = [row for row in rows if not row.ok]
    assert len(bad) == failed
    label = "float32" if level == "O0" else level
    assert all(row.check.startswith(f"gpu {label}:") for row in bad)
    assert script.table("a GPU", rows).count("**FAILED**") == failed


def test_a_check_that_crashes_is_a_row_and_the_status_is_1(script, monkeypatch, capsys):
    monkeypatch.setattr(script, "run_check", lambda: script.Row("", "paddle", "passed"))
    status = script.main(
        ["--configs", CONFIG, "-o", "codec.input_size=(8,8)", "--steps", "1", "--device", "cpu"]
    )
    assert status == 1
    assert capsys.readouterr().out.count("**FAILED**") == 2  # the comparison and the speed
