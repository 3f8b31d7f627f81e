"""`paddle-pose COMMAND ...` and `python -m paddle_pose COMMAND ...`: all commands, and what becomes of their errors."""

from __future__ import annotations

import argparse
import importlib
import os
import select
import sys
from collections.abc import Sequence
from pathlib import Path

from paddle_pose import __version__, environment
from paddle_pose.cli import logs
from paddle_pose.cli.options import Parser
from paddle_pose.errors import Interrupted, PaddlePoseError

COMMANDS = {  # the module paddle_pose.cli.NAME holds the parser and `main`
    "train": "train a network, or resume a run",
    "val": "score a checkpoint, an exported file or somebody's predictions on a data set",
    "predict": "find poses in images, videos or a camera",
    "export": "write a checkpoint as an ONNX, OpenVINO or Paddle file, and compare",
    "convert": "write any weights file under this project's names",
    "zoo": "show the published models as a table, or one of them",
    "download": "download a published weights file and verify it",
    "check": "check a data set before a long training",
    "prepare_mpii": "unpack MPII's archives into a data set",
    "prepare_coco": "crop COCO's single people as fire717's MoveNet does",
    "compare": "score every way of decoding heatmaps in one pass",
    "plot": "draw the curves of one or several runs",
    "results": "print published and measured results side by side",
    "jitter": "measure the jitter of tracked people, and the lag of smoothing",
    "serve_demo": "serve a page that runs MoveNet in the browser",
    "demo": "train on synthetic people for some minutes and show the result",
}
REQUIRED = {  # module: what pip calls it; other packages are imported with `environment.needed`
    "numpy": "numpy",
    "cv2": "opencv-python-headless",
    "paddle": "paddlepaddle",
    "PIL": "pillow",
    "tqdm": "tqdm",
    "filelock": "filelock",
    "platformdirs": "platformdirs",
}
MEMORY_HINT = """out of memory; take a smaller --batch_size.
train: -o train.accumulate=N averages the gradients of N batches, so that a step learns from as many images as before"""


def build_parser() -> argparse.ArgumentParser:
    """Returns the parser of the command's name."""
    parser = Parser(
        usage="%(prog)s COMMAND ...",
        description="Human pose estimation with PaddlePaddle. `%(prog)s COMMAND --help` explains a command.",
        epilog="\n".join(
            ["commands:", *(f"  {name:<14}{text}" for name, text in COMMANDS.items())]
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.prog = environment.command("").strip()
    parser.add_argument("--version", action="version", version=f"paddle_pose {__version__}")
    parser.add_argument("command", choices=tuple(COMMANDS), metavar="COMMAND", help="see below")
    parser.add_argument(
        "arguments", nargs=argparse.REMAINDER, metavar="...", help="flags of the command"
    )
    return parser


def execute(command: str | None, arguments: Sequence[str]) -> int:
    """Runs a command.

    An error that the project raises on purpose, that the operating system reports, or that says that a required package is
    missing is shown as its message without a traceback; `PADDLE_POSE_TRACEBACK=1` brings the traceback back.

    Args:
        command: Name of the command; None takes it from the first argument.
        arguments: Arguments of the process.

    Returns:
        The exit status: what the command's `main` returns, 2 after an error, 130 after Ctrl-C, 143 after SIGTERM, 124 at a time
        limit, 141 when the reader of the output has gone.
    """
    if command is None:
        if not arguments:
            build_parser().print_help()
            return 2
        chosen = build_parser().parse_args(arguments)
        command, arguments = chosen.command, chosen.arguments
    logs.attach()
    environment.keep_freed_memory()
    environment.ignore_paddle_warnings()
    try:
        try:
            module = importlib.import_module(f"paddle_pose.cli.{command}")
            threads = getattr(
                module, "THREADS", None
            )  # a command that states none computes with every core
            if threads is not None:
                os.environ.setdefault("OMP_NUM_THREADS", str(threads))
            environment.use_all_cores()
            status = module.main(arguments)
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except Interrupted as stop:
        return stop.status
    except Exception as error:
        if isinstance(error, BrokenPipeError) and _reader_is_gone():
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Python flushes stdout once more
            return 141
        message = _message(error)
        if message is None or os.environ.get("PADDLE_POSE_TRACEBACK") == "1":
            raise
        sys.stderr.write(f"error: {message}\n")
        return 2
    return int(status or 0)


def _message(error: Exception) -> str | None:
    """Returns what to show of an error, None for a defect, which keeps its traceback."""
    if isinstance(error, MemoryError):  # Paddle reports a GPU's memory in the same way
        return MEMORY_HINT
    if isinstance(error, PaddlePoseError):
        return str(error) or type(error).__name__
    if isinstance(error, OSError):
        if error.filename is not None and error.strerror:
            return f"{error.filename}: {error.strerror}"
        return str(error) or type(error).__name__
    if (
        isinstance(error, ModuleNotFoundError)
        and error.name
        and error.name.split(".")[0] in REQUIRED
    ):
        return _missing_package(error.name.split(".")[0])
    return None


def _missing_package(module: str) -> str:
    """Returns what to do where a required package is missing."""
    python = environment.python_name()
    package = REQUIRED[module]
    lines = [
        f"package {package} is not installed in {python}; run: {python} -m pip install {package}"
    ]
    prepared = Path(".venv", "Scripts" if os.name == "nt" else "bin", "python")
    if prepared.exists() and Path(sys.prefix).resolve() != prepared.parents[1].resolve():
        called = Path(sys.argv[0])
        is_script = called.suffix == ".py" and called.stem in environment.ROOT_SCRIPTS
        typed = " ".join([str(called) if is_script else "-m paddle_pose", *sys.argv[1:]])
        lines.append(f"or use the Python of this folder's environment: {prepared} {typed}")
    return "\n".join(lines)


def _reader_is_gone() -> bool:
    """Tells whether stdout is a pipe that nobody reads any more."""
    if not hasattr(select, "poll"):  # Windows
        return False
    poll = select.poll()
    poll.register(1, 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))
