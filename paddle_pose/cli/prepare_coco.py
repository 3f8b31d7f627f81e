"""`paddle-pose prepare_coco`: the single-person crops of the original MoveNet, from COCO."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path

from paddle_pose.cli.options import Parser
from paddle_pose.environment import command
from paddle_pose.progress import show_progress

SPLITS = ("train", "val")


def build_parser() -> Parser:
    """Returns the command's parser."""
    parser = Parser(
        "prepare_coco",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Makes O/imgs/*.jpg, O/train2017.json and O/val2017.json, the cropped single people that the original\n"
        "MoveNet projects train on, from D/train2017/, D/val2017/ and\n"
        "D/annotations/person_keypoints_{train,val}2017.json: images of at most 3 annotations, people of at least 8\n"
        "labelled joints, black squares twice the person's size.\n"
        "Interrupted, it goes on when it is called again; called once more, it changes nothing.",
        epilog="MoveNet on whole images with everybody in them needs no crops: train on the COCO folder itself.",
    )
    parser.add_argument(
        "--dataset_root", type=Path, required=True, metavar="D", help="COCO's folder"
    )
    parser.add_argument(
        "--output", type=Path, required=True, metavar="O", help="the crops' folder, made if missing"
    )
    parser.add_argument(
        "--splits", nargs="+", choices=SPLITS, default=SPLITS, help="which to make; default both"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Raises:
        FileNotFoundError: If an annotation file or an image is missing.
        InputError: If a file is not what it should be.
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
