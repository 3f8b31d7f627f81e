"""`paddle-pose prepare_labelme`: converts labelme's points to annotations in COCO's format."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path

from paddle_pose.cli.options import Parser, number
from paddle_pose.environment import command

_DESCRIPTION = """\
Converts the points of labelme to annotations in COCO's format, for training.

reads:   FOLDER/**/*.json, as labelme saves them beside the images
writes:  O/train.json, O/val.json

A point is a keypoint, named by its label. Points with the same group id belong
to one person; without ids, all points of an image do. A rectangle with the
same id is the person's box; without one, the box is that of the points. The
flag "occluded" of a point marks it as not visible."""
_EPILOG = """examples:
  {prepare_labelme} photos --output data/mine
      every fifth image is for validation
  {prepare_labelme} photos --output data/mine --joints nose left_hand right_hand
      the order of the joints; another label is an error
  {prepare_labelme} photos --output data/mine --limb nose left_hand --limb nose right_hand
      lines of the drawings

The command prints how often each joint is labelled: a misspelt label is a joint of its own."""


def build_parser() -> Parser:
    """Returns the parser of the command `prepare_labelme`."""
    parser = Parser(
        "prepare_labelme",
        description=_DESCRIPTION,
        epilog=_EPILOG.format(prepare_labelme=command("prepare_labelme")),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "folder", type=Path, metavar="FOLDER", help="folder of labelme's files and the images"
    )
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="O",
        help="folder of the annotation files, created if missing",
    )
    parser.add_argument(
        "--joints",
        nargs="+",
        default=(),
        metavar="NAME",
        help="names of the joints in order (default: all labels, in the order they occur)",
    )
    parser.add_argument(
        "--limb",
        dest="limbs",
        action="append",
        nargs=2,
        default=[],
        metavar=("JOINT", "JOINT"),
        help="two joints that drawings connect by a line; repeat it for every limb",
    )
    parser.add_argument(
        "--val_fraction",
        type=number(float, min=0, max=1),
        default=0.2,
        metavar="F",
        help="fraction of the images for validation, 0 to 1 (default: %(default)s)",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command `prepare_labelme` and returns its exit status, 0.

    Args:
        argv: Arguments of the command; None takes those of this process.

    Raises:
        FileNotFoundError: If there is no labelme file, or an image is missing.
        InputError: If a file is invalid.
    """
    arguments = build_parser().parse_args(argv)
    from paddle_pose.data.prepare_labelme import prepare_labelme

    prepare_labelme(
        arguments.folder,
        arguments.output,
        arguments.joints,
        arguments.val_fraction,
        arguments.limbs,
    )
    files = [
        f"--{split}_annotations {shlex.quote(str(arguments.output / f'{split}.json'))}"
        for split in ("train", "val")
    ]
    images = f"--images {shlex.quote(str(arguments.folder))}"
    print(f"Next: {command('check')} {' '.join(files)} {images}")
    return 0
