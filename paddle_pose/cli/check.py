"""`paddle-pose check`: what is wrong with a data set, before a training finds out."""

from __future__ import annotations

import argparse
import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from paddle_pose.cli import options
from paddle_pose.cli.options import Parser
from paddle_pose.environment import command
from paddle_pose.errors import InputError
from paddle_pose.progress import show_progress

if TYPE_CHECKING:
    from paddle_pose.data.check.findings import Report


def build_parser() -> Parser:
    """Returns the command's parser."""
    parser = Parser(
        "check",
        description="Examines a data set in MPII's or COCO's layout, or one's own files in COCO's format: counts, images, "
        "joints, boxes, left and right, ids and areas, the order of json and mat. Nothing is changed.",
        epilog="Exit codes: 0 nothing that would spoil a training; 1 at least one error; 2 the command was called wrongly.",
    )
    options.add_data(parser, "folder with annotations/ and images")
    parser.add_argument(
        "--dataset", choices=("mpii", "coco"), help="whose layout D has (default: what lies in it)"
    )
    parser.add_argument(
        "--decode",
        choices=("all", "sample", "none"),
        default="all",
        help="decode all images (default; a few minutes for MPII), 200 of them, or none",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="print one JSON object and nothing else, with all examples",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Raises:
        FileNotFoundError: If there is no such folder or skeleton.
        InputError: If the flags name no data.
    """
    arguments = build_parser().parse_args(argv)
    report, train = _check(arguments)
    errors = report.number("error")
    if arguments.json:
        print(json.dumps(report.as_dict()))
    else:
        print(report.text())
        print(
            "Mend the errors, then check again"
            if errors
            else f"Nothing spoils a training. Next: {train}"
        )
    return 1 if errors else 0


def _check(arguments: argparse.Namespace) -> tuple[Report, str]:
    """Checks the data that the flags name.

    Returns:
        The report, and the command that trains on the data.

    Raises:
        FileNotFoundError: If there is no such folder or skeleton.
        InputError: If the flags name no data.
    """
    from paddle_pose.engine.check import check_annotations, check_dataset, layout_of

    skeleton = options.skeleton_in(options.data_changes(arguments))
    train_coco = f"{command('train')} --config simple_baseline_r50_coco_256x192"
    if arguments.dataset_root is not None:
        root = Path(arguments.dataset_root)
        layout = arguments.dataset or layout_of(root)
        report = check_dataset(
            root,
            layout,
            skeleton=skeleton,
            decode=arguments.decode,
            progress=show_progress,
        )
        data = f"--dataset_root {shlex.quote(str(root))}"
        if layout == "mpii":
            return report, f"{command('train')} {data} --image_size 256"
        return report, f"{train_coco} {data}"
    names = {"train": arguments.train_annotations, "val": arguments.val_annotations}
    given = {split: name for split, name in names.items() if name}
    if not given or arguments.image_folder is None:
        raise InputError(
            "give --dataset_root D, or --train_annotations and --val_annotations with --images DIR"
        )
    report = check_annotations(
        {split: Path(name) for split, name in given.items()},
        Path(arguments.image_folder),
        skeleton=skeleton,
        decode=arguments.decode,
        progress=show_progress,
    )
    flags = [f"--{split}_annotations {shlex.quote(name)}" for split, name in given.items()]
    return report, " ".join([train_coco, *flags, f"--images {shlex.quote(arguments.image_folder)}"])
