"""`paddle-pose COMMAND ...`: runs a command, and prints its errors as messages."""

from __future__ import annotations

import argparse
import importlib
import os
import select
import sys
from collections.abc import Sequence
from pathlib import Path

from paddle_pose import __version__, environment
from paddle_pose.cli import logs, terminal
from paddle_pose.cli.options import Parser
from paddle_pose.errors import Interrupted, PaddlePoseError

COMMANDS = {  # name: summary; the module paddle_pose.cli.NAME has `build_parser` and `main`
    "train": "train a network, or resume a run",
    "val": "evaluate a checkpoint, an exported file or a file of predictions",
    "predict": "predict poses in images, videos or a camera's stream",
    "export": "export a checkpoint to ONNX, OpenVINO or Paddle, and verify it",
    "convert": "convert weights of another project to this project's names",
    "zoo": "show a table of the published models, or one of them",
    "download": "download a published weights file and verify it",
    "check": "check a data set before training",
    "prepare_mpii": "unpack MPII's archives into a data set",
    "prepare_coco": "crop single people from COCO as fire717's MoveNet does",
    "prepare_labelme": "convert the points of labelme to COCO's format",
    "compare": "score every way of decoding heatmaps in one pass",
    "plot": "draw the training curves of one or several runs",
    "results": "print published and measured results side by side",
    "jitter": "measure the jitter of tracked people, and the lag of smoothing",
    "serve_demo": "serve a web page that runs MoveNet in the browser",
    "demo": "train on synthetic people for some minutes and draw the results",
}
REQUIRED = {  # module: its package for pip; optional packages are imported by `environment.needed`
    "numpy": "numpy",
    "cv2": "opencv-python-headless",
    "paddle": "paddlepaddle",
    "PIL": "pillow",
    "tqdm": "tqdm",
    "filelock": "filelock",
    "platformdirs": "platformdirs",
}
MEMORY_HINT = """out of memory; use a smaller --batch_size.
train: -o train.accumulate=N averages the gradients of N batches, which keeps the number of images
per step"""


def build_parser() -> argparse.ArgumentParser:
    """Returns the parser of the command's name, whose help lists all commands."""
    parser = Parser(
        usage="%(prog)s COMMAND ...",
        description="Human pose estimation with PaddlePaddle. `%(prog)s COMMAND --help` explains a "
        "command.",
        epilog="\n".join(
            ["commands:", *(f"  {name:<17}{text}" for name, text in COMMANDS.items())]
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


@terminal.escaped_controls()
def execute(command: str | None, arguments: Sequence[str]) -> int:
    """Runs a command and returns its exit status.

    Expected errors are printed to stderr as their message, without a traceback: those of this
    project, those of the operating system, a lack of memory, and missing required packages. The
    environment variable PADDLE_POSE_TRACEBACK=1 shows their traceback. Control characters in what
    is printed are escaped, see `terminal`.

    Args:
        command: Name of the command; None takes the first argument.
        arguments: Arguments of the process.

    Returns:
        The status that the command's `main` returns; 2 after an error, 130 after Ctrl-C, 143 after
        SIGTERM, 124 after a time limit, 141 if the reader of stdout has closed the pipe.

    Raises:
        Exception: Any error that is not one of the expected ones above (a defect of this project),
            and every error if PADDLE_POSE_TRACEBACK is 1.
        SystemExit: If the arguments are invalid, or --help or --version is given.
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
            threads = getattr(module, "THREADS", None)  # without it a command uses all cores
            if threads is not None:
                os.environ.setdefault("OMP_NUM_THREADS", str(threads))
            environment.configure_cpu()
            status = module.main(arguments)
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except Interrupted as stop:
        return stop.status
    except Exception as error:
        if isinstance(error, BrokenPipeError) and _reader_is_gone():
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Python flushes stdout again at exit
            return 141
        message = _message(error)
        if message is None or os.environ.get("PADDLE_POSE_TRACEBACK") == "1":
            raise
        sys.stderr.write(f"error: {message}\n")
        return 2
    return int(status or 0)


def _message(error: Exception) -> str | None:
    """Returns the message to print for an error; None for a defect, which keeps its traceback.

    Args:
        error: Error that a command raised.
    """
    if isinstance(error, MemoryError):  # Paddle raises it for GPU memory, too
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
    """Returns a message that states how to install a missing required package.

    If the current folder has an environment in .venv that is not in use, the message also gives the
    command line that uses it.

    Args:
        module: Name of the module in `REQUIRED` that could not be imported.
    """
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
    """Returns whether stdout is a pipe whose reader has closed it."""
    if not hasattr(select, "poll"):  # Windows
        return False
    poll = select.poll()
    poll.register(1, 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))
