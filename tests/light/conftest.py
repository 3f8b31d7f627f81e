"""Tests that need the package and pytest alone: `make test-light` runs them without Paddle, `make test` with everything."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import paddle_pose

HEAVY = (
    "paddle",
    "scipy",
    "pycocotools",
    "matplotlib",
    "visualdl",
    "h5py",
    "safetensors",
    "tflite",
    "openvino",
    "paddle2onnx",
    "IPython",
)
WITHOUT = f"""
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {HEAVY}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
"""


@pytest.fixture(scope="session")
def python_without() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs Python code in a folder, `python_without(folder, code, "argument")`, where no heavy package can be imported."""

    def run(folder: Path, code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(Path(paddle_pose.__file__).parents[1])}
        line = [sys.executable, "-W", "error", "-c", WITHOUT + code, *map(str, arguments)]
        return subprocess.run(
            line, cwd=folder, env=environment, text=True, capture_output=True, timeout=240
        )

    return run


@pytest.fixture
def command(
    tmp_path: Path, python_without: Callable[..., subprocess.CompletedProcess[str]]
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a command in a temporary folder, `command("predict", "photo.png")`, where no heavy package can be imported."""

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        return python_without(
            tmp_path, "from paddle_pose.cli import run\nsys.argv[0] = 'paddle-pose'\nrun()", *words
        )

    return run
