"""The real commands in a process without Paddle, with Google's MoveNet from published files."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from paddle_pose.io import images

pytest.importorskip("onnx", reason="needs onnx (requirements/onnx.txt)")
pytest.importorskip("onnxruntime", reason="needs onnxruntime (requirements/onnx.txt)")

ROOT = Path(__file__).resolve().parents[2]
COMMAND = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "paddle":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Blocked())
from paddle_pose.cli.main import execute
sys.exit(execute(sys.argv[1], sys.argv[2:]))
"""


@pytest.mark.parametrize(
    "model", ["movenet_thunder", "movenet_lightning", "google_movenet_lightning_int8"]
)
def test_googles_movenet_predicts_a_photograph_without_paddle(shared, tmp_path, model):
    photo, folder = shared / "data/movenet/squat.bmp", shared / "data/movenet_tfjs"
    copy = (
        shared / "data/movenet/movenet_single_pose_lightning_ptq.tflite"
        if "int8" in model
        else folder
    )
    arguments = ["--weights", model, "--from_file", copy, "--cache", tmp_path / "cache"]
    arguments += [
        "--detector",
        "none",
        "--people",
        1,
        "--save",
        "json",
        "--output",
        tmp_path / "out",
    ]
    line = [sys.executable, "-c", COMMAND, "predict", photo, *arguments]
    done = subprocess.run(list(map(str, line)), cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "cache" / model / "model.onnx").is_file()
    (record,) = json.loads((tmp_path / "out/predictions.json").read_text())["images"]
    (person,) = record["persons"]
    with (shared / "data/movenet/movenet_single_pose_thunder_ptq_reference.csv").open(
        newline=""
    ) as stream:
        expected = np.array(
            [(row["keypoint_x"], row["keypoint_y"]) for row in csv.DictReader(stream)], float
        )
    deviation = np.abs(
        np.array(person["keypoints"])[:, :2] / images.read_upright(photo).shape[1::-1] - expected
    )
    assert deviation.mean() < 0.02  # of the image's sides
