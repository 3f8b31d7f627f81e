"""Threads, memory, installed packages, and the names of commands and flags in messages."""

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
"""Commands that also have a script, such as train.py, in the root of the repository."""
_PADDLE_HINT = (
    "paddle_pose needs Paddle 3.0 or newer for this.\n"
    "CPU: {python} -m pip install paddlepaddle\n"
    "GPU: {python} -m pip install paddlepaddle-gpu "
    "-i https://www.paddlepaddle.org.cn/packages/stable/cu126/\n"
    "     (cu118, cu129, cu130 for other CUDA versions; PyPI's paddlepaddle-gpu stops at 2.6.2)\n"
    "The CPU build and all other packages for training: "
    '{python} -m pip install "paddle_pose[train]"; for GPUs see docs/install.md.'
)
_M_TRIM_THRESHOLD = -1  # constant of malloc.h
_M_MMAP_THRESHOLD = -3  # constant of malloc.h
_CPU_INFO = Path("/proc/cpuinfo")
_in_command = False


def configure_cpu() -> None:
    """Prepares Paddle's computations on the CPU; call it before importing Paddle."""
    use_all_cores()
    use_avx2_on_amd()


def use_avx2_on_amd(cpu_info: Path = _CPU_INFO) -> None:
    """Lets Paddle's matrix library use AVX2 on AMD's processors; call it before importing Paddle.

    Paddle's wheels contain MKL of 2019, which chooses its code by the name of the manufacturer and
    computes without AVX2 on AMD: matrix products take up to three times as long. This version obeys
    the variable MKL_DEBUG_CPU_TYPE, with 5 for AVX2. A value that is already set is kept; other
    processors and systems without /proc/cpuinfo are not changed.

    Args:
        cpu_info: File in which Linux describes the processors; the first one is read.
    """
    if "MKL_DEBUG_CPU_TYPE" in os.environ:
        return
    if {"AuthenticAMD", "avx2", "fma"} <= _words_of_processor(cpu_info):
        os.environ["MKL_DEBUG_CPU_TYPE"] = "5"


def sums_overflow_in_int8(cpu_info: Path = _CPU_INFO) -> bool:
    """Returns whether the processor adds products of 8-bit numbers in 16 bits, which overflow.

    This is true for x86 without the VNNI instructions, whose sums of two products of weights with 8
    bits may not fit. It is false for other processors, and for systems without /proc/cpuinfo.

    Args:
        cpu_info: File in which Linux describes the processors; the first one is read.
    """
    words = _words_of_processor(cpu_info)
    return "flags" in words and words.isdisjoint({"avx512_vnni", "avx_vnni"})


def _words_of_processor(cpu_info: Path) -> set[str]:
    """Returns the words of the first processor's description; none if there is no such file."""
    words: set[str] = set()
    if cpu_info.is_file():
        with cpu_info.open(errors="replace") as lines:
            for line in lines:
                if not line.strip():  # the others are of the same kind
                    break
                words.update(line.split())
    return words


def use_all_cores() -> None:
    """Sets `OMP_NUM_THREADS` so that Paddle uses all usable cores; call it before importing Paddle.

    Paddle itself sets the variable to 1 if it is not set. A value that is already set is kept, and
    so is the single thread per process under `paddle.distributed.launch`.
    """
    launched = "PADDLE_TRAINERS_NUM" in os.environ or "PADDLE_TRAINER_ID" in os.environ
    if not launched:
        os.environ.setdefault("OMP_NUM_THREADS", str(usable_cores()))


def keep_freed_memory() -> None:
    """Configures glibc to keep up to half a gigabyte of freed memory for the next images and maps.

    By default glibc returns arrays of more than 128 KB to the operating system when they are freed,
    and allocating the pages again takes as long as decoding an image of that size. Other C
    libraries are not changed.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, 32 << 20)  # maximum that glibc allows
        mallopt(_M_TRIM_THRESHOLD, 512 << 20)


def usable_cores() -> int:
    """Returns the number of cores that the process may use, at least 1.

    It is the CPU affinity of the process, limited by the CPU quota of its container.
    """
    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    return max(1, min(cores, _cpu_quota("/sys/fs/cgroup") or cores))


def threads_to_use() -> int:
    """Returns the number of threads for a backend: `OMP_NUM_THREADS` or, if unset, all cores.

    If the variable is a list, such as "4,2", the first number is used.

    Raises:
        ValueError: If the variable is not a number.
    """
    return int(os.environ.get("OMP_NUM_THREADS", "").split(",")[0] or usable_cores())


def ignore_paddle_warnings() -> None:
    """Suppresses warnings of Paddle that appear in every training or export and need no action."""
    warnings.filterwarnings("ignore", "No ccache found")
    warnings.filterwarnings("ignore", "When training, we now always track global mean and variance")
    # Issued by exports with decoding.
    warnings.filterwarnings("ignore", "Tensor do not have 'place' interface")


def needed(module: str, requirement: str, extra: str = "", note: str = "") -> ModuleType:
    """Imports a module of an optional package and returns the module.

    Args:
        module: Name of the module to import, such as "scipy.io".
        requirement: Requirement of the package for pip, such as "scipy>=1.10", for the message; the
            version of an installed package is not checked.
        extra: Extra of this project that includes the package, such as "train", for the message; ""
            for none.
        note: Text that is appended to the error message.

    Raises:
        MissingDependencyError: If the package is not installed; the message states how to install
            it.
        ModuleNotFoundError: If the package is installed, but one that it imports is not.

    Example:
        >>> needed("json", "json").loads("[1]")
        [1]
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as problem:
        if problem.name not in (module.split(".")[0], module):
            raise
        alternative = (
            f' (or pip install "paddle_pose[{extra}]", which includes all packages for this)'
            if extra
            else ""
        )
        raise MissingDependencyError(
            f"{requirement} is not installed in {python_name()}; run: "
            f'pip install "{requirement}"{alternative}{note}'
        ) from problem


def require_paddle() -> None:
    """Imports Paddle, without its output on threads and without minor warnings.

    Threads are set when Paddle is imported: call `use_all_cores` before.

    Raises:
        MissingDependencyError: If Paddle is missing or older than 3.0; the message states how to
            install it.
    """
    installed = []
    for name in ("paddlepaddle", "paddlepaddle-gpu"):
        try:
            installed.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            continue
    # Builds from Paddle's development branch have the version 0.0.0.
    if not any(version == "0.0.0" or int(version.split(".")[0]) >= 3 for _, version in installed):
        state = (
            "found " + " and ".join(" ".join(item) for item in installed)
            if installed
            else "Paddle is not installed"
        )
        raise MissingDependencyError(
            f"{state} in {python_name()}; {_PADDLE_HINT.format(python=python_name())}"
        )
    # Hides warnings of Paddle's C++ code that require no action, such as "PIR not support input out
    # tensor" at every export.
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
    """Delays Ctrl-C until the end of the block.

    Paddle cannot be imported again after an interrupted import.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received: list[int] = []
    previous = signal.signal(signal.SIGINT, lambda number, frame: received.append(number))
    try:
        yield
    finally:
        # The previous handler is None if it was installed by a C library.
        signal.signal(signal.SIGINT, signal.SIG_DFL if previous is None else previous)
    if received:
        raise KeyboardInterrupt


@contextlib.contextmanager
def _root_logger_kept() -> Iterator[None]:
    """Restores the root logger after the block.

    Paddle adds a handler to it, after which `logging.basicConfig` would have no effect.
    """
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


def python_name() -> str:
    """Returns the path of the running Python, relative to the working directory if inside it."""
    path = Path(sys.executable)
    with contextlib.suppress(ValueError):
        path = path.relative_to(Path.cwd())
    return str(path)


def command(name: str) -> str:
    """Returns how to type a command of this project, in the form in which this program was started.

    The forms are "paddle-pose NAME", "python NAME.py" (of the scripts `ROOT_SCRIPTS` only) and
    "python -m paddle_pose NAME", which is also used if this program is no command.

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


def use_flag_names(on: bool = True) -> None:
    """Sets for the whole process what `argument` returns; the parsers of the commands call it.

    Args:
        on: Whether messages name the flags of commands. If False, as without a call, they name the
            arguments of Python functions.
    """
    global _in_command
    _in_command = on


def argument(flag: str, name: str | None = None) -> str:
    """Returns the name of an argument for messages: its flag in commands, else its name in Python.

    `use_flag_names` states which of the two is used.

    Args:
        flag: Flag of the command, or other text for users of the commands.
        name: Name of the argument in Python, or other text for callers of the functions; None uses
            the flag without its dashes.

    Example:
        >>> argument("--dataset_root D", "data"), argument("--device")
        ('data', 'device')
    """
    if _in_command:
        return flag
    return flag.removeprefix("--") if name is None else name


def _cpu_quota(folder: str) -> int:
    """Returns the CPU quota of a container in whole cores, at least 1; 0 if there is no limit.

    Args:
        folder: Folder of the control groups (version 2 or 1).
    """
    for names in (["cpu.max"], ["cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"]):
        paths = [Path(folder, name) for name in names]
        if not all(path.is_file() for path in paths):
            continue
        # Both numbers are in microseconds.
        quota, period = (number for path in paths for number in path.read_text().split())
        return 0 if quota in ("max", "-1") else max(1, int(quota) // int(period))
    return 0
