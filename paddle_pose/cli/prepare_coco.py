"""`paddle-pose prepare_coco`: makes the single-person crops of fire717's MoveNet from COCO."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path

from paddle_pose.cli.options import Parser
from paddle_pose.environment import command
from paddle_pose.progress import show_progress

SPLITS = ("train", "val")


_DESCRIPTION = """\
Crops single people from COCO, as fire717's MoveNet and its Paddle version do
for training.

reads:   D/train2017/, D/val2017/, D/annotations/person_keypoints_{train,val}2017.json
writes:  O/imgs/*.jpg, O/train2017.json, O/val2017.json

Images with more than 3 annotations and people with fewer than 8 labelled
joints are left out. A crop is a square twice the person's size, black outside
the image. An interrupted command continues when it is run again; run on
complete crops, it changes nothing."""
_EPILOG = """examples:
  {prepare_coco} --dataset_root data/coco --output data/cropped
      makes the crops of both splits
  {prepare_coco} --dataset_root data/coco --output data/cropped --splits val
      makes the crops of the validation split only

MoveNet on whole images with several people needs no crops: train on the folder of COCO."""


def build_parser() -> Parser:
    """Returns the parser of the command `prepare_coco`."""
    parser = Parser(
        "prepare_coco",
        description=_DESCRIPTION,
        epilog=_EPILOG.format(prepare_coco=command("prepare_coco")),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--dataset_root",
        type=Path,
        required=True,
        metavar="D",
        help="folder of COCO: images and annotations",
    )
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="O",
        help="folder of the crops, created if missing",
    )
    parser.add_argument(
        "--splits",
        nargs="+",
        choices=SPLITS,
        default=SPLITS,
        help="splits to make (default: both)",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command `prepare_coco` and returns its exit status, 0.

    Args:
        argv: Arguments of the command; None takes those of this process.

    Raises:
        FileNotFoundError: If an annotation file or an image is missing.
        InputError: If a file is invalid.
    """
    arguments = build_parser().parse_args(argv)
    from paddle_pose.data.prepare_coco import prepare_coco

    number = prepare_coco(
        arguments.dataset_root, arguments.output, arguments.splits, progress=show_progress
    )
    print(f"Total write {number}")
    root = shlex.quote(str(arguments.output))
    config = "--config movenet_lightning_coco -o data.dataset=movenet_crops"
    print(f"Next: {command('train')} {config} --dataset_root {root}")
    return 0
