"""`zoo`: which published models there are, with their numbers and licences."""

from __future__ import annotations

from collections.abc import Sequence

from paddle_pose.cli.options import Parser
from paddle_pose.environment import command


def build_parser() -> Parser:
    """Returns the command's parser."""
    parser = Parser(
        "zoo",
        description="Shows the published models as a table: name, input in px, parameters, megabytes, the numbers that their "
        "publishers report and with whose boxes, the numbers that this project measured, licence, and how to get them. With "
        f"NAME it shows all that is known of one. `{command('download')} NAME` fetches it.",
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="which model")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

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
