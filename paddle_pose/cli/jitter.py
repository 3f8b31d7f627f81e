"""`jitter`: how much people in a video tremble, before and after smoothing, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from paddle_pose.cli.options import Parser, number


def build_parser() -> Parser:
    """Returns the command's parser."""
    parser = Parser(
        "jitter",
        description="Prints for everybody in a video: jitter, the mean second difference of joints that stand still, in "
        "percent of the person's size per frame^2, before and after smoothing; and lag, the shift in time at which the "
        "smoothed joints resemble the raw ones most. Of each person the longest part without a gap counts.",
    )
    parser.add_argument(
        "raw", type=Path, metavar="FILE", help="predictions.json of a video, without smoothing"
    )
    parser.add_argument(
        "smoothed",
        type=Path,
        nargs="?",
        metavar="SMOOTHED",
        help="the same with smoothing; left out, the joints of FILE are smoothed here (One-Euro)",
    )
    parser.add_argument(
        "--threshold",
        type=number(float, min=-1000, max=1000),
        default=0.3,
        metavar="T",
        help="lowest score of a joint that counts; default 0.3",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Raises:
        FileNotFoundError: If a file is missing.
        InputError: If a file is not as expected, or the two have nobody in common.
    """
    arguments = build_parser().parse_args(argv)
    from paddle_pose.engine.jitter import measure_jitter

    rows = measure_jitter(arguments.raw, arguments.smoothed, arguments.threshold)
    print("video                 id  frames  size, px  jitter, %  smoothed, %  lag, ms")
    for row in rows:
        print(
            f"{Path(row.video).name:<20.20} {row.id:3d} {row.frames:7d} {row.size:9.0f} {100 * row.jitter:10.2f} "
            f"{100 * row.smoothed_jitter:12.2f} {1000 * row.lag:8.0f}"
        )
    return 0
