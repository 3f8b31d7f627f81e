"""`paddle-pose val`, `python val.py`: evaluates a network or a file of predictions."""

from __future__ import annotations

import argparse
import contextlib
import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from paddle_pose import environment
from paddle_pose.cli import logs, options
from paddle_pose.errors import InputError
from paddle_pose.progress import show_progress

if TYPE_CHECKING:
    from paddle_pose.skeletons import Skeleton

_ONLY_WITH_RESULTS = ("ground_truth", "zero_based", "json")
_ONLY_WITH_WEIGHTS = (
    "flip",
    "shift",
    "decode",
    "metric",
    "batch_size",
    "detections",
    "device",
    "threads",
    "draw",
    "baseline",
    "train_annotations",
    "image_folder",
)
# Flags that name the joints or the annotations of results in COCO's format.
_ONLY_WITH_COCO = (
    "config",
    "image_size",
    "override",
    "skeleton",
    "val_annotations",
    "boxes_from_keypoints",
)

_DESCRIPTION = """\
Evaluates a network (--weights) or a file of predictions (--results) on a
validation split.

The config of a network is stored beside its weights; weights of another
project need --config or --image_size. If data set and network have different
skeletons, their common joints are evaluated. Files of predictions are scored
without Paddle."""
_EPILOG = """examples:
  {val} --weights output/run/best_model/model.pdparams
      evaluates the best weights of a run on its data; the predictions and
      scores.json go to output/val
  {val} --weights output/run --dataset_root data/mpii --no-flip --decode dark --report
      evaluates without the flip test, decodes with DARK, and writes report.html
  {val} --weights model.pth --config hrnet_w32_coco_256x192 --dataset_root data/coco
      evaluates weights of another project
  {val} --results keypoints_results.json --dataset_root data/coco
      scores predictions in COCO's format"""


def build_parser() -> options.Parser:
    """Returns the parser of the command `val`."""
    parser = options.Parser(
        "val",
        description=_DESCRIPTION,
        epilog=_EPILOG.format(val=environment.command("val")),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--weights",
        "--pretrained_model",
        type=Path,
        metavar="FILE",
        help="network to evaluate: a checkpoint, an exported file, the folder of one of these, or "
        "the folder of a run, whose best weights are taken",
    )
    source.add_argument(
        "--results",
        type=Path,
        metavar="FILE",
        help="file of predictions to score instead: results in COCO's format (.json), or MPII's "
        "`preds` (.mat, .h5), N x 16 x 2 points in the order of the ground truth, with pixel "
        "coordinates that start at 1; with --report also the folder of an evaluation or a run",
    )
    options.add_data(
        parser,
        "folder of the data set: images and annotations (default: the annotation files that the "
        "config names, or the data that the run of the weights was trained on)",
    )
    parser.add_argument(
        "--dataset",
        choices=("mpii", "coco", "movenet_crops"),
        help="layout of the folder D (default: the config's)",
    )
    options.add_weights_format(parser)
    options.add_config(parser)
    group = parser.add_argument_group("protocol", "The default of each flag is the config's value.")
    flag = argparse.BooleanOptionalAction
    group.add_argument(
        "--flip", action=flag, help="flip test: average with the outputs of the mirrored image"
    )
    group.add_argument(
        "--shift",
        action=flag,
        help="in the flip test, shift the heatmaps of the mirrored image by one cell",
    )
    group.add_argument(
        "--decode",
        choices=("argmax", "quarter", "dark"),
        help="decoding of heatmaps: the highest cell, a shift by a quarter cell towards its "
        "higher neighbour, or the peak of a fitted Gaussian (DARK)",
    )
    group.add_argument(
        "--metric",
        choices=("pckh", "ap", "pck", "fire717_accuracy"),
        help="metric to compute; unless the config names one, it is pckh for mpii, ap for coco, "
        "and fire717_accuracy, the accuracy of fire717's MoveNet, for movenet_crops",
    )
    group.add_argument("--batch_size", type=int, metavar="N", help="images per batch")
    group.add_argument(
        "--detections",
        type=Path,
        metavar="JSON",
        help="file of detected person boxes in COCO's format (default: the annotated boxes)",
    )
    group = parser.add_argument_group("only with --results")
    group.add_argument(
        "--ground_truth",
        type=Path,
        metavar="FILE",
        help="mpii_gt_val.mat, or annotations in COCO's format for a .json (default: the file in "
        "the folder D)",
    )
    group.add_argument(
        "--zero_based",
        action="store_true",
        help="MPII's `preds` have pixel coordinates that start at 0 (default: at 1, MPII's own "
        "convention)",
    )
    group.add_argument(
        "--json",
        action="store_true",
        help="print the scores as one JSON object and write no file",
    )
    options.add_device(parser)
    options.add_threads(parser)
    parser.add_argument(
        "--draw",
        action="store_true",
        help="also write predictions.png, which shows people from the best to the worst score",
    )
    parser.add_argument(
        "--report",
        action="store_true",
        help="also write report.html with curves, kinds of errors and worst cases; for PCKh and AP",
    )
    parser.add_argument(
        "--baseline",
        action="store_true",
        help="also score the mean training pose, a baseline without a network",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="folder of the predictions and scores.json (default: output/val/NAME-HASH, with a "
        "hash of the weights or predictions; with --results FOLDER that folder)",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command `val` and returns its exit status, 0.

    Args:
        argv: Arguments of the command; None takes those of this process.

    Raises:
        FileNotFoundError: If the weights or predictions, an annotation or an image is missing.
        InputError: If a file or a flag is invalid, or flags contradict each other.
    """
    parser = build_parser()
    arguments = parser.parse_args(argv)
    words = sys.argv[1:] if argv is None else map(str, argv)
    typed = f"{environment.command('val')} {shlex.join(words)}"
    if arguments.weights is not None:
        _evaluate(parser, arguments, typed)
    elif arguments.results.is_dir():
        _report_on_folder(parser, arguments)
    else:
        _score(parser, arguments, typed)
    return 0


def _evaluate(parser: options.Parser, arguments: argparse.Namespace, command: str) -> None:
    """Evaluates a network.

    Args:
        parser: Parser of the command.
        arguments: Parsed arguments, with weights.
        command: Command line to store in scores.json.
    """
    from paddle_pose.engine.evaluate import evaluate

    parser.warn_of_unused(arguments, _ONLY_WITH_RESULTS, "with --weights")
    if arguments.flip is False:
        parser.warn_of_unused(arguments, ["shift"], "with --no-flip")
    flags = {f"val.{name}": name for name in ("flip", "shift", "batch_size", "metric")}
    flags |= {"codec.decode_by": "decode", "data.dataset": "dataset"}
    flags |= {"model.format": "weights_format"}
    changes = options.overrides_of(arguments, flags)
    evaluate(
        arguments.weights,
        arguments.dataset_root,
        config=arguments.config,
        image_size=arguments.image_size,
        overrides=changes,
        detections=arguments.detections,
        output=arguments.output or "auto",
        draw=arguments.draw,
        report=arguments.report,
        baseline=arguments.baseline,
        device=arguments.device,
        threads=arguments.threads,
        command=command,
        progress=show_progress,
    )


def _score(parser: options.Parser, arguments: argparse.Namespace, command: str) -> None:
    """Scores a file of predictions.

    Args:
        parser: Parser of the command.
        arguments: Parsed arguments, with results.
        command: Command line to store in scores.json.

    Raises:
        InputError: If the file's format does not fit the flags, or a file is invalid.
    """
    from paddle_pose.engine.evaluate import (
        dataset_of,
        default_folder,
        score_file,
        write_page,
        write_scores,
    )

    dataset = dataset_of(arguments.results)
    if arguments.dataset not in (None, dataset):
        raise InputError(
            f"--dataset {arguments.dataset}: the suffix of --results {arguments.results} means "
            f"{dataset} (.json for coco, .mat and .h5 for mpii); leave --dataset out"
        )
    is_coco = dataset == "coco"
    unused = _ONLY_WITH_WEIGHTS + (() if is_coco else _ONLY_WITH_COCO)
    parser.warn_of_unused(
        arguments, unused, f"with --results in {'COCO' if is_coco else 'MPII'}'s format"
    )
    if arguments.json:
        parser.warn_of_unused(arguments, ["report", "output"], "with --json")
    if arguments.ground_truth is not None:
        parser.warn_of_unused(
            arguments,
            ["dataset_root", *(["val_annotations"] if is_coco else [])],
            "with --ground_truth",
        )
    with logs.only_warnings() if arguments.json else contextlib.nullcontext():
        truth, skeleton = _coco_truth(arguments) if is_coco else (arguments.ground_truth, None)
        scores = score_file(
            arguments.results,
            arguments.dataset_root,
            ground_truth=truth,
            skeleton=skeleton,
            zero_based=arguments.zero_based,
            boxes_from_keypoints=bool(arguments.boxes_from_keypoints),
        )
    if arguments.json:
        print(json.dumps(scores.values))
        return
    output = arguments.output or default_folder(arguments.results, arguments.results.stem)
    print(f"Written: {write_scores(scores, output, command)}")
    if arguments.report:
        page = write_page(
            arguments.results,
            output / "report.html",
            ground_truth=Path(str(scores.protocol["ground truth"])),
            zero_based=arguments.zero_based,
            skeleton=skeleton,
            command=command,
            boxes_from_keypoints=bool(arguments.boxes_from_keypoints),
        )
        print(f"Written: {page}")


def _coco_truth(arguments: argparse.Namespace) -> tuple[Path | None, Skeleton | None]:
    """Returns the annotation file and the skeleton of results in COCO's format.

    Args:
        arguments: Parsed arguments; flags that do not apply to results are set to None in it.

    Returns:
        truth: Path of the annotation file; None if no flag names one.
        skeleton: Skeleton of the results; None if no flag names one.
    """
    arguments.train_annotations = arguments.image_folder = None
    if arguments.ground_truth is not None:
        arguments.dataset_root, arguments.val_annotations = None, str(arguments.ground_truth)
    changes = options.overrides_of(arguments, {})
    if arguments.config or arguments.image_size or arguments.override:
        skeleton: Skeleton | None = options.named_config(arguments, changes).codec.skeleton
    else:
        skeleton = options.skeleton_in(changes)
    return Path(arguments.val_annotations) if arguments.val_annotations else None, skeleton


def _report_on_folder(parser: options.Parser, arguments: argparse.Namespace) -> None:
    """Writes the HTML report of the folder of an evaluation or a run.

    Args:
        parser: Parser of the command.
        arguments: Parsed arguments, with a folder as results.

    Raises:
        InputError: If --report is missing, or the folder contains nothing to report.
    """
    from paddle_pose.engine.evaluate import write_page

    folder = arguments.results
    if not arguments.report:
        raise InputError(
            f"--results {folder}: a folder, expected a file of predictions; name a file in it, or "
            "add --report to write a report of the folder"
        )
    unused = (*_ONLY_WITH_WEIGHTS, *_ONLY_WITH_COCO, "dataset", "json")
    parser.warn_of_unused(arguments, unused, "with --results FOLDER")
    if arguments.ground_truth is not None:
        parser.warn_of_unused(arguments, ["dataset_root"], "with --ground_truth")
    page = write_page(
        folder,
        (arguments.output or folder) / "report.html",
        dataset_root=Path(arguments.dataset_root) if arguments.dataset_root else None,
        ground_truth=arguments.ground_truth,
        zero_based=arguments.zero_based,
    )
    print(f"Written: {page}")
