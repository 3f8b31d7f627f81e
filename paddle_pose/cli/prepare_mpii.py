"""`paddle-pose prepare_mpii`: unpacks MPII's archives into the layout that training reads."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from paddle_pose.cli.options import Parser
from paddle_pose.environment import command

_DESCRIPTION = """\
Makes a data set in MPII's layout from MPII's archives.

reads:   mpii.tar.gz of AI Studio, or its unpacked folder; or the official
         mpii_human_pose_v1.tar.gz (images), with --annotations mpii_human_pose_v1_u12_2.zip
         (or the .mat in it) and --annotations mpii_gt_val.mat or mpii_val.json (the split)
writes:  D/images/*.jpg, D/annotations/mpii_{train,val,trainval,test}.json,
         D/annotations/mpii_gt_val.mat

An interrupted command continues when it is run again; run on a complete data
set, it changes nothing."""
_EPILOG = """examples:
  {prepare_mpii} mpii.tar.gz --output data/mpii
      unpacks the archive of AI Studio, which contains everything
  {prepare_mpii} mpii_human_pose_v1.tar.gz --annotations mpii_human_pose_v1_u12_2.zip \\
      --annotations mpii_gt_val.mat --output data/mpii
      makes the data set from the official archives and the split of the validation people

Exit status: 0 complete; 1 written, but files are missing, which it lists; 2 an error."""


def build_parser() -> Parser:
    """Returns the parser of the command `prepare_mpii`."""
    parser = Parser(
        "prepare_mpii",
        description=_DESCRIPTION,
        epilog=_EPILOG.format(prepare_mpii=command("prepare_mpii")),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "source",
        type=Path,
        metavar="ARCHIVE_OR_FOLDER",
        help="archive of the images (.tar, .tar.gz or .zip), or its unpacked folder",
    )
    parser.add_argument(
        "--annotations",
        type=Path,
        action="append",
        default=[],
        metavar="X",
        help="further annotations: a .mat or .json file, a folder or an archive; may be repeated",
    )
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="D",
        help="folder of the data set, created if missing",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs `prepare_mpii` and returns its exit status: 1 if files of MPII are missing, else 0.

    Args:
        argv: Arguments of the command; None takes those of this process.

    Raises:
        FileNotFoundError: If a file is missing.
        InputError: If an archive is damaged or unsafe, or a file is invalid.
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
    """Prints a line of progress to stderr."""
    print(f"=> {text}", file=sys.stderr, flush=True)
