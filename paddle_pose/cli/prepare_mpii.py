"""`paddle-pose prepare_mpii`: makes the layout that training reads from MPII's archives."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from paddle_pose.cli.options import Parser
from paddle_pose.environment import command


def build_parser() -> Parser:
    """Returns the command's parser."""
    parser = Parser(
        "prepare_mpii",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Makes D/images/*.jpg, D/annotations/mpii_{train,val,trainval,test}.json and mpii_gt_val.mat from\n"
        "  - the AI Studio archive mpii.tar.gz, or a folder of it, or\n"
        "  - the official mpii_human_pose_v1.tar.gz (images), with --annotations mpii_human_pose_v1_u12_2.zip (or\n"
        "    the .mat in it), and --annotations mpii_gt_val.mat or mpii_val.json for the split.\n"
        "Interrupted, it goes on when it is called again; called once more, it changes nothing.",
        epilog="Exit codes: 0 complete; 1 written, but something is missing (it says what); 2 an error.",
    )
    parser.add_argument(
        "source",
        type=Path,
        metavar="ARCHIVE_OR_FOLDER",
        help="tar, tar.gz or zip, or an unpacked folder",
    )
    parser.add_argument(
        "--annotations",
        type=Path,
        action="append",
        default=[],
        metavar="X",
        help="more annotations: a .mat, .json, folder or archive; may be repeated",
    )
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="D",
        help="the data set's folder, made if missing",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Raises:
        FileNotFoundError: If a file is missing.
        InputError: If an archive is damaged or hostile, or a file is not what it should be.
    """
    arguments = build_parser().parse_args(argv)
    from paddle_pose.data.prepare_mpii import prepare_mpii

    prepared = prepare_mpii(
        [arguments.source, *arguments.annotations], arguments.output, progress=_show
    )
    for text in prepared.missing:
        print(f"Missing: {text}", file=sys.stderr)
    root = shlex.quote(str(arguments.output))
    if prepared.has_both:
        print(f"Next: {command('check')} --dataset_root {root}")
    if not prepared.missing:
        print(f"Then: {command('train')} --dataset_root {root} --image_size 256")
    return 1 if prepared.missing else 0


def _show(text: str) -> None:
    """Prints a line of progress."""
    print(f"=> {text}", file=sys.stderr, flush=True)
