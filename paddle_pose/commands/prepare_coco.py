"""`python scripts/prepare_coco.py`: the single-person crops of the original MoveNet, from a COCO folder."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from paddle_pose.errors import InputError

SPLITS = ("train", "val")


def build_parser() -> argparse.ArgumentParser:
    """Returns the command's flags."""
    parser = argparse.ArgumentParser(
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Makes O/imgs/*.jpg, O/train2017.json and O/val2017.json, the cropped single people that the original\n"
        "MoveNet projects train on, from D/train2017/, D/val2017/ and\n"
        "D/annotations/person_keypoints_{train,val}2017.json: images of at most 3 annotations, people of at least 8\n"
        "labelled joints, black squares twice the person's size.\n"
        "Interrupted, it goes on when it is called again; called once more, it changes nothing.",
        epilog="MoveNet on whole images with everybody in them needs no crops: train on the COCO folder itself.",
    )
    parser.add_argument("--dataset_root", type=Path, required=True, metavar="D", help="COCO's folder")
    parser.add_argument("--output", type=Path, required=True, metavar="O", help="the crops' folder, made if missing")
    parser.add_argument("--splits", nargs="+", choices=SPLITS, default=SPLITS, help="which to make; default both")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Raises:
        FileNotFoundError: If an annotation file or an image is missing.
        InputError: If a file is not what it should be.
    """
    arguments = build_parser().parse_args(argv)
    from paddle_pose.data import movenet_crops
    from paddle_pose.inference.progress import Progress
    from paddle_pose.io import images

    plans = {split: movenet_crops.plan(arguments.dataset_root, split) for split in dict.fromkeys(arguments.splits)}
    names: dict[str, Path] = {}
    for split, (crops, left_out) in plans.items():
        counts = ", ".join(f"{number} {reason}" for reason, number in left_out.items())
        print(f"=> {split}: {len(crops)} people in {len({crop.source for crop in crops})} images")
        print(f"=> left out as published: {counts}", flush=True)
        if not crops:
            raise InputError(f"{arguments.dataset_root}: nobody is left of split {split!r}: {counts}")
        for crop in crops:
            name = crop.record["img_name"]
            if names.setdefault(name, crop.source) != crop.source:
                raise InputError(f"{names[name]} and {crop.source} would both be cropped into {name}; rename one")
    images.check_present(crop.source for crops, _ in plans.values() for crop in crops)
    for split, (crops, _) in plans.items():
        progress = Progress(len(crops), unit=f"{split} crops", stream=sys.stderr)
        written, kept = movenet_crops.write_images(crops, arguments.output / "imgs", progress)
        path = arguments.output / f"{split}2017.json"
        movenet_crops.write_records(crops, path)
        print(f"=> {path}: {len(crops)} people; {written} images written, {kept} were there already")
    print(f"Total write {len(names)}")
    root = shlex.quote(str(arguments.output))
    print(f"Next: python train.py --config movenet_lightning_coco -o data.dataset=movenet_crops --dataset_root {root}")
    return 0
