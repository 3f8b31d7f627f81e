"""`python scripts/check_dataset.py`: what is wrong with a data set, before a training finds out."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from paddle_pose.commands import options
from paddle_pose.errors import InputError

if TYPE_CHECKING:
    from paddle_pose.data.check.mpii import Report


def build_parser() -> argparse.ArgumentParser:
    """Returns the command's flags."""
    parser = argparse.ArgumentParser(
        description="Examines a data set in MPII's or COCO's layout, or one's own files in COCO's format: counts, images, "
        "joints, boxes, left and right, ids and areas, the order of json and mat. Nothing is changed.",
        epilog="Exit codes: 0 nothing that would spoil a training; 1 at least one error; 2 the command was called wrongly.",
    )
    options.add_data(parser, "folder with annotations/ and images")
    parser.add_argument("--dataset", choices=("mpii", "coco"), help="whose layout D has (default: what lies in it)")
    parser.add_argument(
        "--decode",
        choices=("all", "sample", "none"),
        default="all",
        help="decode all images (default; a few minutes for MPII), 200 of them, or none",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else, with all examples")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Raises:
        FileNotFoundError: If there is no such folder or skeleton.
        InputError: If the flags name no data.
    """
    arguments = build_parser().parse_args(argv)
    report, train = examined(arguments)
    print(json.dumps(report.as_dict()) if arguments.json else report.text())
    errors = report.number("error")
    if not arguments.json:
        print("Mend the errors, then check again" if errors else f"Nothing spoils a training. Next: {train}")
    return 1 if errors else 0


def examined(arguments: argparse.Namespace) -> tuple[Report, str]:
    """Examines the data that the flags name.

    Returns:
        The report, and the command that trains on them.

    Raises:
        FileNotFoundError: If there is no such folder or skeleton.
        InputError: If the flags name no data.
    """
    from paddle_pose.data.check.coco import examine_coco
    from paddle_pose.data.check.mpii import examine

    def progress(text: str) -> None:
        print(f"=> {text}", file=sys.stderr, flush=True)

    changes = options.data_changes(arguments)
    skeleton, config = changes.get("codec.skeleton"), "--config simple_baseline_r50_coco_256x192"
    if arguments.dataset_root is not None:
        root = Path(arguments.dataset_root)
        given = f"--dataset_root {shlex.quote(str(root))}"
        files = {
            split: (root / "annotations" / f"person_keypoints_{split}2017.json", root / f"{split}2017")
            for split in ("train", "val")
        }
        there = not any(root.glob("annotations/mpii_*.json")) and any(path.exists() for path, _ in files.values())
        if arguments.dataset == "mpii" or (arguments.dataset is None and not there):
            return examine(root, arguments.decode, progress), f"python train.py {given} --image_size 256"
    else:
        names = {"train": arguments.train_annotations, "val": arguments.val_annotations}
        if not any(names.values()) or arguments.image_folder is None:
            raise InputError("give --dataset_root D, or --train_annotations and --val_annotations with --images DIR")
        files = {split: (Path(name), Path(arguments.image_folder)) for split, name in names.items() if name}
        flags = [f"--{split}_annotations {shlex.quote(name)}" for split, name in names.items() if name]
        given = " ".join([*flags, f"--images {shlex.quote(arguments.image_folder)}"])
    return examine_coco(files, skeleton, arguments.decode, progress), f"python train.py {config} {given}"
