"""`paddle-pose plot`: curves of one or several runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from paddle_pose.cli.options import Parser


def build_parser() -> Parser:
    """Returns the command's parser."""
    parser = Parser(
        "plot",
        description="Draws loss, learning rate and evaluations of one or several runs over their steps, from the "
        "metrics.jsonl that train.py writes; works while a training runs. Prints the best evaluation of each, and says "
        "what it left out.",
    )
    parser.add_argument(
        "runs", type=Path, nargs="+", metavar="RUN", help="folder of a run, or its metrics.jsonl"
    )
    parser.add_argument(
        "--metric",
        metavar="NAME",
        help="of the evaluations, e.g. Mean or AP (default: what chose the best weights)",
    )
    parser.add_argument(
        "--output_file",
        type=Path,
        metavar="FILE",
        help="the image (default: training.png in the first run's folder)",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

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
