"""Fixtures of all tests: seeds, data sets, and the project's commands."""

import io
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

# Before anything imports Paddle. One thread: another number gives other last digits in the losses.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]


def pytest_make_parametrize_id(val: object, argname: str) -> None:
    """Rejects binary parameters without explicit ids, since compressed bytes contain the time.

    The time would be a part of the test's name.

    Raises:
        ValueError: If `val` is binary. pytest shows it with the file and the parameter's position.
    """
    if isinstance(val, bytes | bytearray | memoryview):
        raise ValueError(
            f"parameter {argname!r} is binary: name the case, pytest.param(..., id=...) or"
            " ids=[...]"
        )


@pytest.fixture(scope="session", autouse=True)
def _cpu() -> None:
    """Configures Paddle's computations as every command does, before the first of them."""
    from paddle_pose import environment

    environment.configure_cpu()


@pytest.fixture(autouse=True)
def _seeds() -> None:
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - the libraries we call draw from the global generator
    if "paddle" in sys.modules:
        sys.modules["paddle"].seed(0)


@pytest.fixture(autouse=True)
def _messages_of_python() -> Iterator[None]:
    """Resets the messages to arguments of Python after a command's parser has set them to flags."""
    yield
    from paddle_pose import environment

    environment.use_flag_names(False)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Returns the folder of real data: `PADDLE_POSE_TEST_DATA`, or ../shared beside the project."""
    folder = Path(os.environ.get("PADDLE_POSE_TEST_DATA") or ROOT.parent / "shared")
    if not folder.is_dir():
        pytest.skip(
            f"needs real data in {folder}, which is not here; PADDLE_POSE_TEST_DATA names another"
            " folder"
        )
    return folder


@pytest.fixture(autouse=True, scope="session")
def _cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keeps downloads of tests, and of the commands that they run, out of the user's cache."""
    os.environ["PADDLE_POSE_HOME"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(autouse=True, scope="session")
def _logged_lines() -> None:
    """Shows the log of the library as the commands do."""
    from paddle_pose.cli import logs

    logs.attach()


@pytest.fixture(autouse=True, scope="session")
def _mat_files_in_this_process() -> Iterator[None]:
    """Reads .mat files without child processes, each of which would import SciPy first.

    The tests of the readers use the fixture `child_processes`; commands are not changed.
    """
    from paddle_pose.io import isolated

    run_child = isolated._run_child
    readers = ("paddle_pose.io.matlab_files:", "paddle_pose.data.mpii_release:")

    def run(request: Mapping[str, Any], seconds: float) -> tuple[int, bytes]:
        if not request["function"].startswith(readers):
            return run_child(request, seconds)
        stream = io.BytesIO()
        with mock.patch.object(isolated, "limit_memory"):
            isolated.write_answer(request, stream)
        return 0, stream.getvalue()

    run.replaced = run_child
    with mock.patch.object(isolated, "_run_child", run):
        yield


@pytest.fixture
def child_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets this process read .mat files as the commands do, in child processes."""
    from paddle_pose.io import isolated

    monkeypatch.setattr(isolated, "_run_child", isolated._run_child.replaced)


@pytest.fixture(scope="session")
def synthetic_mpii(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a data set in MPII's layout: 8 synthetic people to train on, 8 to validate with."""
    from paddle_pose.data.synthetic.dataset import write_mpii

    folder = tmp_path_factory.mktemp("synthetic_mpii")
    write_mpii(folder, num_train=8, num_val=8, seed=0, size=(256, 256))
    return folder


@pytest.fixture
def zero_initial_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sets normally distributed initial weights to 0.

    Random numbers take most of the time of making a large network, and a file replaces them all; a
    weight that it does not replace stays 0.
    """
    from paddle.nn import initializer

    zero = initializer.Constant(0.0)
    monkeypatch.setattr(
        initializer.Normal, "forward", lambda self, var, block=None: zero(var, block)
    )


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def run_anew() -> Run:
    """Returns a function that runs a command in a folder.

    The command is a script, `run_anew(folder, "val.py", "--help")`, or a name,
    `run_anew(folder, "check")`. Keywords are variables of its environment.
    """

    def run(folder: Path, command: str, *args: object, timeout: float = 240, **env: str):
        line = [sys.executable, *_line(command, args)]
        return subprocess.run(
            line,
            cwd=folder,
            env=_environment(env),
            text=True,
            capture_output=True,
            timeout=timeout,
        )

    return run


@pytest.fixture(scope="session")
def _fork_server() -> Iterator[Any]:
    from helpers.fork_server import ForkServer

    server = ForkServer()
    yield server
    server.close()


@pytest.fixture(scope="session")
def run_in(run_anew: Run, request: pytest.FixtureRequest) -> Run:
    """Returns a function as that of `run_anew`, which spares the import of Paddle where it can.

    A command with variables of its own gets a new Python, since they can act on imports.
    """

    def run(folder: Path, command: str, *args: object, timeout: float = 240, **env: str):
        if env or not hasattr(os, "fork"):
            return run_anew(folder, command, *args, timeout=timeout, **env)
        server = request.getfixturevalue("_fork_server")
        return server.run(folder, _line(command, args), _environment({}), timeout)

    return run


def _line(command: str, args: Sequence[object]) -> list[str]:
    called = [str(ROOT / command)] if command.endswith(".py") else ["-m", "paddle_pose", command]
    return [*called, *map(str, args)]


def _environment(env: dict[str, str]) -> dict[str, str]:
    more = env.pop("PYTHONPATH", os.environ.get("PYTHONPATH"))
    path = os.pathsep.join(filter(None, [str(ROOT), more]))
    return {**os.environ, **env, "PYTHONPATH": path}


@pytest.fixture
def run_command(tmp_path: Path, run_in: Run) -> Run:
    """Returns a function that runs a command in a temporary folder, see `run_in`."""
    return partial(run_in, tmp_path)
