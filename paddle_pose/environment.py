"""What is settled before a command starts: the Python, the threads, Paddle, how errors are shown.

This file must parse under Python 2.7 and 3.6, or the Pythons it turns away would answer with a
SyntaxError: no f-strings, no annotations.
"""

import importlib
import os
import sys
import warnings

_OLDEST_PYTHON = (3, 10)
_PYTHON_HINT = """error: this is Python {}.{}; paddle_pose needs Python 3.10 to 3.13.
Run it with a newer one: python3.12 train.py ..., or PYTHON=python3.12 make demo
"""
_PADDLE_HINT = """error: {}; paddle_pose needs Paddle 3.0 or newer.
CPU: pip install paddlepaddle
GPU: pip install paddlepaddle-gpu -i https://www.paddlepaddle.org.cn/packages/stable/cu126/
     (cu118, cu129, cu130 for other CUDA versions; PyPI's paddlepaddle-gpu stops at 2.6.2)"""
_MEMORY_HINT = """out of memory; take a smaller --batch_size.
train.py: -o train.accumulate=N averages the gradients of N batches, so that a step learns from as many images as before"""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of malloc.h


def run(command):
    """Runs `paddle_pose.commands.<command>.main()` and exits with its status.

    An error that the project raises on purpose, or that the operating system reports, is shown
    its message without a traceback; `PADDLE_POSE_TRACEBACK=1` brings the traceback back.

    Args:
        command: name of a module in `paddle_pose.commands`.

    Raises:
        SystemExit: always; with 1 when Python is too old, 2 after an error shown so, 130
            after Ctrl-C, 141 when the reader of the output has gone, else with what `main` returns.
    """
    if sys.version_info[:2] < _OLDEST_PYTHON:
        sys.stderr.write(_PYTHON_HINT.format(*sys.version_info[:2]))
        sys.exit(1)
    use_all_cores()
    keep_freed_memory()
    # Paddle's remarks on every start and every training, which ask nothing of the user.
    warnings.filterwarnings("ignore", "No ccache found")
    warnings.filterwarnings("ignore", "When training, we now always track global mean and variance")
    try:
        try:
            status = importlib.import_module("paddle_pose.commands." + command).main()
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if isinstance(error, BrokenPipeError) and _reader_is_gone():
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Python flushes stdout once more
            sys.exit(141)
        if os.environ.get("PADDLE_POSE_TRACEBACK") == "1" or not _is_meant_for_the_user(error):
            raise
        sys.stderr.write("error: {}\n".format(_message(error)))
        sys.exit(2)
    sys.exit(status)


def use_all_cores():
    """Lets Paddle compute with every usable core; must run before Paddle is imported.

    Paddle itself sets `OMP_NUM_THREADS` to 1 when it is unset. A value that is set stays, and so
    does the single thread of each process under `paddle.distributed.launch`.
    """
    launched = "PADDLE_TRAINERS_NUM" in os.environ or "PADDLE_TRAINER_ID" in os.environ
    if not launched:
        os.environ.setdefault("OMP_NUM_THREADS", str(usable_cores()))


def keep_freed_memory():
    """Makes the C library keep the memory of images and maps that are freed, up to half a gigabyte, for the next ones.

    By default glibc gives arrays of more than 128 KB back at once, and fetching the pages anew costs as much as decoding the
    image that they hold. Other C libraries are left as they are.
    """
    import ctypes

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, 32 << 20)  # the most that glibc allows
        mallopt(_M_TRIM_THRESHOLD, 512 << 20)


def usable_cores():
    """Counts the cores this process may use: its CPU affinity, cut to a container's CPU quota.

    Returns:
        The number of cores, at least 1.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, _cpu_quota("/sys/fs/cgroup") or cores))


def threads_to_use():
    """Returns how many threads a backend computes with: `OMP_NUM_THREADS` where it is set, else every usable core."""
    return int(os.environ.get("OMP_NUM_THREADS", "").split(",")[0] or usable_cores())


def check_paddle():
    """Makes sure that Paddle 3.0 or newer is installed, without importing it.

    Raises:
        SystemExit: when it is missing or older, with status 1 and, on stderr, how to install it.
    """
    from importlib import metadata  # unknown to Python 3.7 and older

    found = []
    for name in ("paddlepaddle", "paddlepaddle-gpu"):
        try:
            found.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            continue
    # 0.0.0 is what a build from Paddle's development branch calls itself.
    if any(version == "0.0.0" or int(version.split(".")[0]) >= 3 for _, version in found):
        return
    had = " and ".join(" ".join(item) for item in found)
    sys.exit(_PADDLE_HINT.format("found " + had if had else "Paddle is not installed"))


def _cpu_quota(folder):
    """Reads the whole cores a container may use from its control group (2 or 1); 0: no limit."""
    for names in (["cpu.max"], ["cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"]):
        paths = [os.path.join(folder, name) for name in names]
        if not all(os.path.isfile(path) for path in paths):
            continue
        numbers = []
        for path in paths:
            with open(path) as file:
                numbers += file.read().split()
        quota, period = numbers  # microseconds
        return 0 if quota in ("max", "-1") else max(1, int(quota) // int(period))
    return 0


def _is_meant_for_the_user(error):
    """Tells an error raised for the user's eyes from a defect.

    Meant are the operating system's errors, memory that is used up (Paddle says so of a GPU's, too),
    and all that a `raise` statement of this package raises. A ValueError that NumPy or `int()` raises
    because we called it wrongly is a defect, and keeps its traceback.
    """
    if isinstance(error, (OSError, MemoryError)):
        return True
    if isinstance(error, AssertionError):
        return False
    import dis  # slow to import, and needed for errors only

    trace = error.__traceback__
    while trace.tb_next is not None:
        trace = trace.tb_next
    code = trace.tb_frame.f_code
    package = os.path.dirname(os.path.abspath(__file__)) + os.sep
    raised = dis.opname[bytearray(code.co_code)[trace.tb_lasti]] == "RAISE_VARARGS"
    return raised and os.path.abspath(code.co_filename).startswith(package)


def _message(error):
    if isinstance(error, MemoryError):
        return _MEMORY_HINT
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return "{}: {}".format(error.filename, error.strerror)
    if isinstance(error, KeyError) and len(error.args) == 1:
        return str(error.args[0])  # str(KeyError("a")) is "'a'"
    return str(error) or type(error).__name__


def _reader_is_gone():
    """Whether stdout is a pipe that nobody reads any more."""
    import select

    if not hasattr(select, "poll"):  # Windows
        return False
    poll = select.poll()
    poll.register(1, 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))
