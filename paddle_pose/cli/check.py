"""`paddle-pose check`: checks a data set before training."""

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


# Config and preset of the recommended trainings on COCO's format.
_COCO = ("simple_baseline_r50_coco_256x192", None)
_OWN = ("movenet_lightning_coco", "finetune")
_DESCRIPTION = """\
Checks a data set before training: MPII's or COCO's layout, or your own
annotations in COCO's format. It checks counts, images, joints, boxes, swapped
left and right, ids, areas, and that MPII's .json and .mat list the same
people. It changes no file."""
_EPILOG = """examples:
  {check} --dataset_root data/mpii
      checks a data set in MPII's layout and decodes all its images
  {check} --dataset_root data/coco --decode sample
      checks COCO, but decodes only 200 images
  {check} --train_annotations train.json --val_annotations val.json --images photos
      checks your own annotations, whose images are in the folder photos

Exit status: 0 no errors, warnings at most; 1 at least one error; 2 invalid arguments."""


def build_parser() -> Parser:
    """Returns the parser of the command `check`."""
    parser = Parser(
        "check",
        description=_DESCRIPTION,
        epilog=_EPILOG.format(check=command("check")),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    options.add_data(parser, "folder of the data set, with the subfolder annotations and images")
    parser.add_argument(
        "--dataset",
        choices=("mpii", "coco"),
        help="layout of the folder D (default: recognised by its files)",
    )
    parser.add_argument(
        "--decode",
        choices=("all", "sample", "none"),
        default="all",
        help="images whose pixels are decoded to find damaged ones: all (some minutes for MPII), "
        "sample (200 of them) or none (default: %(default)s)",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="print the report as one JSON object, with all examples of each finding, instead of "
        "text",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command `check` and returns its exit status: 1 if it found an error, else 0.

    Args:
        argv: Arguments of the command; None takes those of this process.

    Raises:
        FileNotFoundError: If the folder or the file of the skeleton is missing.
        InputError: If the flags name no data or contradict each other.
    """
    arguments = build_parser().parse_args(argv)
    report, train, recipe = _check(arguments)
    errors = report.number("error")
    if arguments.json:
        print(json.dumps(report.as_dict()))
    else:
        print(report.text())
        print(
            "Fix the errors, then run the check again"
            if errors
            else f"The data set is ready for training. Next: {train}"
        )
        if not errors and recipe is not None:
            _print_missing_weights(*recipe)
    return 1 if errors else 0


def _print_missing_weights(config_name: str, preset: str | None) -> None:
    """Prints how to get the weights that a training starts from, if they are not downloaded."""
    from paddle_pose.configs import presets, registry
    from paddle_pose.engine.zoo import path_of_published

    config = registry.find(config_name)
    init = presets.start_weights(config) if preset else config.train.init
    if not path_of_published(init).is_file():
        print(
            f"It starts from the weights {init}: first {command('download')} {init} (with local "
            "copies: --from_file FOLDER), or add --init none to start from random weights"
        )


def _check(arguments: argparse.Namespace) -> tuple[Report, str, tuple[str, str | None] | None]:
    """Checks the data that the flags name.

    Args:
        arguments: Parsed arguments of the command.

    Returns:
        report: Findings of the check.
        train: Command line that trains on the data.
        recipe: Names of its config and of its preset; None on MPII's layout.

    Raises:
        FileNotFoundError: If the folder or the file of the skeleton is missing.
        InputError: If the flags name no data or contradict each other.
    """
    from paddle_pose.engine.check import check_annotations, check_dataset, layout_of

    skeleton = options.skeleton_in(options.data_changes(arguments))
    more = [f"--skeleton {shlex.quote(arguments.skeleton)}"] if arguments.skeleton else []
    more += ["--boxes_from_keypoints"] if arguments.boxes_from_keypoints else []
    if arguments.dataset_root is not None:
        root = Path(arguments.dataset_root)
        layout = arguments.dataset or layout_of(root)
        report = check_dataset(
            root,
            layout,
            skeleton=skeleton,
            decode=arguments.decode,
            boxes_from_keypoints=bool(arguments.boxes_from_keypoints),
            progress=show_progress,
        )
        data = f"--dataset_root {shlex.quote(str(root))}"
        if layout == "mpii":
            return report, f"{command('train')} {data} --image_size 256", None
        return report, " ".join([command("train"), "--config", _COCO[0], data, *more]), _COCO
    names = {"train": arguments.train_annotations, "val": arguments.val_annotations}
    given = {split: name for split, name in names.items() if name}
    if not given or arguments.image_folder is None:
        raise InputError(
            "no data to check: give --dataset_root D, or --train_annotations and --val_annotations "
            "with --images DIR"
        )
    report = check_annotations(
        {split: Path(name) for split, name in given.items()},
        Path(arguments.image_folder),
        skeleton=skeleton,
        decode=arguments.decode,
        boxes_from_keypoints=bool(arguments.boxes_from_keypoints),
        progress=show_progress,
    )
    flags = [f"--{split}_annotations {shlex.quote(name)}" for split, name in given.items()]
    flags.append(f"--images {shlex.quote(arguments.image_folder)}")
    config, preset = _OWN
    recipe = f"--config {config} --preset {preset}"
    return report, " ".join([command("train"), recipe, *flags, *more]), _OWN
