"""`paddle-pose demo`, `make demo`: trains a small network on synthetic people.

The command evaluates the network and draws its predictions.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from paddle_pose import environment
from paddle_pose.cli import logs, options
from paddle_pose.errors import Interrupted
from paddle_pose.interruption import SignalInterruption
from paddle_pose.progress import show_progress

if TYPE_CHECKING:
    from paddle_pose.engine.demo import DemoResult

# Measured: on cores that are shared with other processes, training this small network takes four
# times as long with two threads as with one. The images are loaded on another core.
THREADS = 1
_EPILOG = """examples:
  {demo}
      takes a few minutes on two cores
  {demo} --num_train 400 --num_val 40 --output output/short_demo
      runs all steps in less than a minute; the scores are still low after so few steps
  {demo} --images photo.jpg
      also predicts a photograph at the end, if the published networks were downloaded"""


def build_parser() -> options.Parser:
    """Returns the parser of the command `demo`."""
    parser = options.Parser(
        "demo",
        description="Draws synthetic people, trains a small network on them with the code of the\n"
        "train command, and writes images of its predictions on other synthetic people.\n"
        "It downloads nothing. `make demo` runs this command with its defaults.",
        epilog=_EPILOG.format(demo=environment.command("demo")),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--images",
        dest="photographs",
        nargs="+",
        type=Path,
        default=(),
        metavar="FILE",
        help="photographs to predict at the end, besides docs/people.jpg, if the published networks "
        "nanodet_m and movenet_thunder have been downloaded",
    )
    parser.add_argument(
        "--epochs",
        type=int,
        default=2,
        metavar="N",
        help="passes over the training split (default: %(default)s)",
    )
    parser.add_argument(
        "--num_train",
        type=options.number(int, min=1, max=1_000_000),
        default=4000,
        metavar="N",
        help="number of synthetic people to train on (default: %(default)s)",
    )
    parser.add_argument(
        "--num_val",
        type=options.number(int, min=1, max=1_000_000),
        default=300,
        metavar="N",
        help="number of synthetic people to validate on (default: %(default)s)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="N",
        help="seed of the random generators of data and training (default: %(default)s)",
    )
    options.add_device(parser)
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("output", "demo"),
        metavar="DIR",
        help="folder of all written files (default: %(default)s)",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command `demo` and returns its exit status, 0.

    The lines of the training are not printed; they are in the run's log.txt.

    Args:
        argv: Arguments of the command; None takes those of this process.

    Raises:
        FileNotFoundError: If a photograph is missing.
        InputError: If a photograph cannot be read, the output folder contains a data set made with
            other numbers, or a run that is not the demo's.
        Interrupted: If the training was stopped early.
        MissingDependencyError: If Paddle is missing.
    """
    arguments = build_parser().parse_args(argv)
    environment.require_paddle()
    from paddle_pose.engine.demo import LOGGER, run_demo

    logging.getLogger(LOGGER).setLevel(logging.INFO)
    try:
        with logs.only_warnings():
            result = run_demo(
                epochs=arguments.epochs,
                num_train=arguments.num_train,
                num_val=arguments.num_val,
                photographs=arguments.photographs,
                seed=arguments.seed,
                device=arguments.device,
                output=arguments.output,
                interruption=SignalInterruption(),
                progress=show_progress,
            )
    except Interrupted as stop:
        print(
            f"\nEnded early by {stop.reason}. The same command starts again, and reuses the "
            "synthetic people."
        )
        raise
    _print(result, arguments.num_val)
    return 0


def _print(result: DemoResult, num_val: int) -> None:
    """Prints the scores, the paths of the images, and commands to try next.

    Args:
        result: Result of the demo.
        num_val: Number of people in the validation split.
    """
    print(f"\nPCKh in percent on {num_val} synthetic people that were not trained on:")
    print(f"  {'':<26}{'Mean':>7}{'Mean@0.1':>11}")
    for name, values in result.scores.items():
        print(f"  {name:<26}{values['Mean']:>7.1f}{values['Mean@0.1']:>11.1f}")
    print(
        f"Time: {_minutes(result.seconds)}, of which training {_minutes(result.training_seconds)}."
    )
    print("\nImages:")
    for path, what in result.images.items():
        print(f"  {path}\n      {what}")
    size = f", after a download of {result.missing_bytes / 1e6:.0f} MB"
    print(
        "\nNext:\n"
        f"  {_typed('predict')} photo.jpg\n"
        f"      finds the poses in your photographs{size if result.missing_bytes else ''}\n"
        f"  {_typed('val')} --weights {result.run_dir / 'last'} --dataset_root {result.data}\n"
        "      prints the scores of each joint\n"
        f"  {_typed('train')} --dataset_root D\n"
        "      trains Hourglass-52 on MPII in the folder D; docs/data.md explains how to prepare D"
    )


def _typed(name: str) -> str:
    """Returns the command line that runs a command with this Python, by its script if there is one.

    Args:
        name: Name of the command.
    """
    script = f"{name}.py"
    called = script if Path(script).is_file() else f"-m paddle_pose {name}"
    return f"{environment.python_name()} {called}"


def _minutes(seconds: float) -> str:
    """Returns a duration in seconds as text in minutes and seconds."""
    return f"{int(seconds) // 60} min {int(seconds) % 60} s"
