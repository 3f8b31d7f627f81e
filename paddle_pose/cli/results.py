"""`results`: prints what others published and what was measured here, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from paddle_pose.cli import options

FORMATS = ("markdown", "html")


def build_parser() -> options.Parser:
    """Returns the command's parser."""
    parser = options.Parser(
        "results",
        description="Prints tables of published and measured numbers with protocol, 95 % interval, "
        "command and log. Thresholds 0.10 and 0.11 are different columns, annotated and detected "
        "boxes different tables, and parts of a validation set stand apart from the whole. What "
        "nobody has run says so.",
    )
    parser.add_argument(
        "scores",
        nargs="*",
        type=Path,
        metavar="scores.json",
        help="written by an evaluation; default: all below output/",
    )
    parser.add_argument(
        "--joints", action="store_true", help="PCKh joint by joint, of the rows that state it"
    )
    parser.add_argument("--format", choices=FORMATS, default="markdown", help="default markdown")
    parser.add_argument(
        "--output_file", type=Path, metavar="FILE", help="file to write; default: the terminal"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Raises:
        FileNotFoundError: If a scores file is missing.
        InputError: If one is not as an evaluation writes it, or somebody else's file is where the tables are to be.
    """
    arguments = build_parser().parse_args(argv)
    from paddle_pose.evaluation.results import BY_JOINT, by_joint, rows, save, to_html, to_markdown

    found = rows(arguments.scores or sorted(Path("output").glob("**/scores.json")))
    write = to_markdown if arguments.format == "markdown" else to_html
    text = write(by_joint(found), BY_JOINT) if arguments.joints else write(found)
    if arguments.output_file:
        save(text, arguments.output_file)
        print(f"Written: {arguments.output_file}")
    else:
        print(text, end="")
    return 0
