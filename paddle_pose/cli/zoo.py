"""`paddle-pose zoo`: prints the published models with their scores and licences."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from paddle_pose.cli.options import Parser
from paddle_pose.environment import command

_DESCRIPTION = """\
Prints a table of the published models: name, input size in px, parameters,
megabytes, the scores that the publisher reports and the boxes used for them,
the scores that this project measured, licence, and how to get the file. With
NAME it prints everything about one model. `{download} NAME` downloads it."""
_EPILOG = """examples:
  {zoo}
      prints the table of all models
  {zoo} movenet_thunder
      prints checksums, sources, scores, protocols and licences of one model"""


def build_parser() -> Parser:
    """Returns the parser of the command `zoo`."""
    parser = Parser(
        "zoo",
        description=_DESCRIPTION.format(download=command("download")),
        epilog=_EPILOG.format(zoo=command("zoo")),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "name",
        nargs="?",
        metavar="NAME",
        help="name of the model to describe (default: a table of all)",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command `zoo` and returns its exit status, 0.

    Args:
        argv: Arguments of the command; None takes those of this process.

    Raises:
        InputError: If no model has that name.
    """
    arguments = build_parser().parse_args(argv)
    from paddle_pose.engine import zoo

    if arguments.name is not None:
        print(zoo.description(zoo.find_published(arguments.name)))
        return 0
    lines = [zoo.COLUMNS, *zoo.rows()]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        )
    return 0
