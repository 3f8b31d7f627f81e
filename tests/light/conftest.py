"""Tests that need only the package and pytest.

`make test-light` runs them without Paddle, `make test` with all dependencies.
"""

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
    """Returns a function that runs Python code in a process that cannot import heavy packages.

    `python_without(folder, code, "argument")` runs the code in a folder.
    """

    def run(folder: Path, code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(Path(paddle_pose.__file__).parents[1])}
        command_line = [sys.executable, "-W", "error", "-c", WITHOUT + code, *map(str, arguments)]
        return subprocess.run(
            command_line, cwd=folder, env=environment, text=True, capture_output=True, timeout=240
        )

    return run


@pytest.fixture
def command(
    tmp_path: Path, python_without: Callable[..., subprocess.CompletedProcess[str]]
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Returns a function that runs a command in a process that cannot import heavy packages.

    `command("predict", "photo.png")` runs it in a temporary folder.
    """

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        return python_without(
            tmp_path, "from paddle_pose.cli import run\nsys.argv[0] = 'paddle-pose'\nrun()", *words
        )

    return run
