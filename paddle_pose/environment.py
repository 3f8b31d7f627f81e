"""Threads, memory, installed versions, and how this program was called."""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import io
import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from types import ModuleType

from paddle_pose.errors import MissingDependencyError

ROOT_SCRIPTS = ("train", "val", "predict", "export")
_PADDLE_HINT = """paddle_pose needs Paddle 3.0 or newer for this.
CPU: {python} -m pip install paddlepaddle
GPU: {python} -m pip install paddlepaddle-gpu -i https://www.paddlepaddle.org.cn/packages/stable/cu126/
     (cu118, cu129, cu130 for other CUDA versions; PyPI's paddlepaddle-gpu stops at 2.6.2)
The CPU build comes with all else that training needs: {python} -m pip install "paddle_pose[train]"; on a GPU see the README."""
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of malloc.h
_in_command = False


def use_all_cores() -> None:
    """Lets Paddle compute with every usable core; must run before Paddle is imported.

    Paddle itself sets `OMP_NUM_THREADS` to 1 when it is unset. A value that is set stays, and so does the single thread of each
    process under `paddle.distributed.launch`.
    """
    launched = "PADDLE_TRAINERS_NUM" in os.environ or "PADDLE_TRAINER_ID" in os.environ
    if not launched:
        os.environ.setdefault("OMP_NUM_THREADS", str(usable_cores()))


def keep_freed_memory() -> None:
    """Makes the C library keep the memory of freed images and maps, up to half a gigabyte, for the next ones.

    By default glibc gives arrays of more than 128 KB back at once, and fetching the pages anew costs as much as decoding the
    image that they hold. Other C libraries are left as they are.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, 32 << 20)  # the largest value that glibc allows
        mallopt(_M_TRIM_THRESHOLD, 512 << 20)


def usable_cores() -> int:
    """Returns the number of cores that this process may use, at least 1: its CPU affinity, cut to a container's CPU quota."""
    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    return max(1, min(cores, _cpu_quota("/sys/fs/cgroup") or cores))


def threads_to_use() -> int:
    """Returns how many threads a backend computes with: `OMP_NUM_THREADS` where it is set, else every usable core."""
    return int(os.environ.get("OMP_NUM_THREADS", "").split(",")[0] or usable_cores())


def ignore_paddle_remarks() -> None:
    """Silences the warnings that Paddle gives at every start, training and export, which ask nothing of the user."""
    warnings.filterwarnings("ignore", "No ccache found")
    warnings.filterwarnings("ignore", "When training, we now always track global mean and variance")
    warnings.filterwarnings(
        "ignore", "Tensor do not have 'place' interface"
    )  # at an export with decoding


def needed(module: str, requirement: str, extra: str = "", note: str = "") -> ModuleType:
    """Imports a package that only some uses need, and returns it.

    Args:
        module: Module to import.
        requirement: What pip calls the package.
        extra: Extra of this project that brings it; "" for a package that this project always brings.
        note: What else to know before installing it.

    Returns:
        The module.

    Raises:
        MissingDependencyError: If it is not installed; says how to install it.

    Example:
        >>> needed("json", "json").loads("[1]")
        [1]
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as problem:
        if problem.name not in (module.split(".")[0], module):
            raise
        brings = (
            f' (or pip install "paddle_pose[{extra}]", which brings all that is needed here)'
            if extra
            else ""
        )
        raise MissingDependencyError(
            f'{requirement} is not installed in {python_name()}; run: pip install "{requirement}"{brings}{note}'
        ) from problem


def require_paddle() -> None:
    """Imports Paddle without the lines that it writes about threads, and without its warnings of minor importance.

    Raises:
        MissingDependencyError: If it is missing or older than 3.0; says how to install it.
    """
    found = []
    for name in ("paddlepaddle", "paddlepaddle-gpu"):
        try:
            found.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            continue
    # 0.0.0 is what a build from Paddle's development branch calls itself.
    if not any(version == "0.0.0" or int(version.split(".")[0]) >= 3 for _, version in found):
        state = (
            "found " + " and ".join(" ".join(item) for item in found)
            if found
            else "Paddle is not installed"
        )
        raise MissingDependencyError(
            f"{state} in {python_name()}; {_PADDLE_HINT.format(python=python_name())}"
        )
    # Warnings of Paddle's C++ side, such as "PIR not support input out tensor" at every export, ask nothing of the user.
    os.environ.setdefault("GLOG_minloglevel", "2")
    if "paddle" not in sys.modules:
        with (
            _interrupts_held_back(),
            _root_logger_kept(),
            warnings.catch_warnings(),
            contextlib.redirect_stderr(io.StringIO()) as written,
        ):
            warnings.filterwarnings("ignore", "No ccache found")
            importlib.import_module("paddle")
        lines = written.getvalue().splitlines(keepends=True)
        sys.stderr.write("".join(line for line in lines if "OMP_NUM_THREADS" not in line))


@contextlib.contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Lets Ctrl-C wait until the block is done: a Paddle whose import was interrupted cannot be imported again."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pressed: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: pressed.append(number))
    try:
        yield
    finally:
        signal.signal(
            signal.SIGINT, signal.SIG_DFL if before is None else before
        )  # None: set by a library in C
    if pressed:
        raise KeyboardInterrupt


@contextlib.contextmanager
def _root_logger_kept() -> Iterator[None]:
    """Takes back what the block does to the root logger: Paddle gives it a handler, after which `basicConfig` does nothing."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


def python_name() -> str:
    """Returns the path of this Python as a command would name it."""
    path = Path(sys.executable)
    with contextlib.suppress(ValueError):
        path = path.relative_to(Path.cwd())
    return str(path)


def command(name: str) -> str:
    """Returns how a command of this project is typed, in the manner in which this program itself was called.

    Args:
        name: Name of the command, such as "val".

    Example:
        >>> command("check")
        'python -m paddle_pose check'
    """
    called = Path(sys.argv[0] if sys.argv else "")
    if called.stem == "paddle-pose":
        return f"paddle-pose {name}"
    if called.suffix == ".py" and called.stem in ROOT_SCRIPTS and name in ROOT_SCRIPTS:
        return f"python {called.with_name(name + '.py')}"
    return f"python -m paddle_pose {name}"


def speak_of_flags(on: bool = True) -> None:
    """Makes messages name flags, as on a command line; the parsers of the commands call it.

    Args:
        on: Whether a command runs; otherwise messages name the arguments of Python functions.
    """
    global _in_command
    _in_command = on


def argument(flag: str, name: str | None = None) -> str:
    """Returns how the user names an argument: its flag where a command runs, its name in Python otherwise.

    Args:
        flag: Flag of the commands, or other words for their users.
        name: Name of the argument of the Python functions, or other words for their callers; None for the flag's without
            dashes.

    Example:
        >>> argument("--dataset_root D", "data"), argument("--device")
        ('data', 'device')
    """
    if _in_command:
        return flag
    return flag.removeprefix("--") if name is None else name


def _cpu_quota(folder: str) -> int:
    """Returns the whole cores that a container may use by its control group (2 or 1); 0 for no limit."""
    for names in (["cpu.max"], ["cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"]):
        paths = [Path(folder, name) for name in names]
        if not all(path.is_file() for path in paths):
            continue
        quota, period = (
            number for path in paths for number in path.read_text().split()
        )  # microseconds
        return 0 if quota in ("max", "-1") else max(1, int(quota) // int(period))
    return 0
