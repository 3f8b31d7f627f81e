"""`paddle-pose jitter`: measures the jitter of tracked people and the lag of smoothing."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from paddle_pose.cli.options import Parser, number
from paddle_pose.environment import command

_DESCRIPTION = """\
Measures the jitter of each person in a video before and after smoothing, and
the lag of the smoothing. Jitter is the mean second difference of joints that
stand still, in percent of the person's size per frame^2. Lag is the time shift
at which the smoothed joints are most similar to the raw ones. Each person is
measured in the longest run of frames without a gap."""
_EPILOG = """examples:
  {jitter} output/predict/predictions.json
      measures the people of a video that was predicted with --track, and smooths them here
  {jitter} raw/predictions.json smooth/predictions.json
      compares predictions of the same video without and with --smooth"""


def build_parser() -> Parser:
    """Returns the parser of the command `jitter`."""
    parser = Parser(
        "jitter",
        description=_DESCRIPTION,
        epilog=_EPILOG.format(jitter=command("jitter")),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "raw",
        type=Path,
        metavar="FILE",
        help="predictions.json of a video, predicted without --smooth",
    )
    parser.add_argument(
        "smoothed",
        type=Path,
        nargs="?",
        metavar="SMOOTHED",
        help="predictions.json of the same video, predicted with --smooth (default: the joints of "
        "FILE, smoothed by the One-Euro filter)",
    )
    parser.add_argument(
        "--threshold",
        type=number(float, min=-1000, max=1000),
        default=0.3,
        metavar="T",
        help="lowest score of a joint that is measured (default: %(default)s)",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command `jitter` and returns its exit status, 0.

    Args:
        argv: Arguments of the command; None takes those of this process.

    Raises:
        FileNotFoundError: If a file is missing.
        InputError: If a file is invalid, or the two files have no person in a common frame.
    """
    arguments = build_parser().parse_args(argv)
    from paddle_pose.engine.jitter import measure_jitter

    rows = measure_jitter(arguments.raw, arguments.smoothed, arguments.threshold)
    print("video                 id  frames  size, px  jitter, %  smoothed, %  lag, ms")
    for row in rows:
        print(
            f"{Path(row.video).name:<20.20} {row.id:3d} {row.frames:7d} {row.size:9.0f} "
            f"{100 * row.jitter:10.2f} {100 * row.smoothed_jitter:12.2f} {1000 * row.lag:8.0f}"
        )
    return 0
