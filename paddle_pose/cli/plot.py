"""`paddle-pose plot`: draws the training curves of one or several runs."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from paddle_pose.cli.options import Parser
from paddle_pose.environment import command

_DESCRIPTION = """\
Draws loss, learning rate and validation scores of one or several runs over
their steps, from the metrics.jsonl of each run; also while a run is training.
Prints the best evaluation of each run, and states which damaged or incomplete
records are left out."""
_EPILOG = """examples:
  {plot} output/hourglass52_mpii_256
      writes output/hourglass52_mpii_256/training.png
  {plot} output/run output/run-2 --metric Mean@0.1 --output_file curves.png
      compares two runs by another validation score"""


def build_parser() -> Parser:
    """Returns the parser of the command `plot`."""
    parser = Parser(
        "plot",
        description=_DESCRIPTION,
        epilog=_EPILOG.format(plot=command("plot")),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "runs",
        type=Path,
        nargs="+",
        metavar="RUN",
        help="folder of a run, or path of its metrics.jsonl",
    )
    parser.add_argument(
        "--metric",
        metavar="NAME",
        help="validation score to draw, e.g. Mean or AP (default: the one that selects the best "
        "weights)",
    )
    parser.add_argument(
        "--output_file",
        type=Path,
        metavar="FILE",
        help="path of the image (default: training.png in the first run's folder)",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command `plot` and returns its exit status, 0.

    Args:
        argv: Arguments of the command; None takes those of this process.

    Raises:
        FileNotFoundError: If a run has no metrics.jsonl.
        OSError: If the image cannot be written.
        InputError: If a run has no training step, or no evaluation has the metric.
    """
    arguments = build_parser().parse_args(argv)
    from paddle_pose.engine.plot import plot_training

    path = plot_training(arguments.runs, metric=arguments.metric, output_file=arguments.output_file)
    print(f"Written: {path}")
    return 0
