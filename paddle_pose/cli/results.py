"""`paddle-pose results`: prints tables of published and measured scores."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from paddle_pose import environment
from paddle_pose.cli import options

FORMATS = ("markdown", "html")

_DESCRIPTION = """\
Prints tables of published and measured scores with protocol, 95 % interval,
command and log. The thresholds 0.10 and 0.11 of PCKh are separate columns;
annotated and detected boxes, and whole and partial validation sets, are
separate tables. A network that was not measured is marked as such."""
_EPILOG = """examples:
  {results}
      prints the published scores, and those of all evaluations in the folder output
  {results} output/val/*/scores.json --joints
      prints PCKh per joint, for the given evaluations
  {results} --format html --output_file results.html
      writes a web page"""


def build_parser() -> options.Parser:
    """Returns the parser of the command `results`."""
    parser = options.Parser(
        "results",
        description=_DESCRIPTION,
        epilog=_EPILOG.format(results=environment.command("results")),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "scores",
        nargs="*",
        type=Path,
        metavar="scores.json",
        help="files that evaluations wrote (default: all in the folder output and its subfolders)",
    )
    parser.add_argument(
        "--joints",
        action="store_true",
        help="print PCKh per joint, for the networks whose source states it (default: the summary)",
    )
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="markdown",
        help="format of the tables (default: %(default)s)",
    )
    parser.add_argument(
        "--output_file",
        type=Path,
        metavar="FILE",
        help="file to write the tables to (default: print them)",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command `results` and returns its exit status, 0.

    Args:
        argv: Arguments of the command; None takes those of this process.

    Raises:
        FileNotFoundError: If a scores.json is missing.
        InputError: If a scores.json is invalid, or the tables would overwrite a file that this
            command did not write.
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
