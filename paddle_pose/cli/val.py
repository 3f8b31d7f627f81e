"""`val`: scores a weights file, an exported file or somebody's predictions on a data set."""

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
    *("flip", "shift", "decode", "metric", "batch_size", "detections"),
    *("device", "threads", "draw", "baseline", "train_annotations", "image_folder"),
)
# What names the joints of results, and the file that COCO's results are scored with.
_ONLY_WITH_COCO = ("config", "image_size", "override", "skeleton", "val_annotations")


def build_parser() -> options.Parser:
    """Returns the command's parser."""
    parser = options.Parser(
        "val",
        description="Evaluates a weights file. Its config is read from beside it; a foreign file "
        "needs --config or --image_size. A data set with another skeleton is evaluated over the "
        "joints in common. "
        "Or scores somebody's predictions, without Paddle.",
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--weights",
        "--pretrained_model",
        type=Path,
        metavar="FILE",
        help="a checkpoint or an exported file",
    )
    source.add_argument(
        "--results",
        type=Path,
        metavar="FILE",
        help="score predictions instead: results in COCO's format (.json), or MPII's `preds` "
        "(.mat, .h5), N x 16 x 2 points in the order of the ground truth, which count pixels from "
        "1; or, with --report, the folder of an evaluation or a training",
    )
    options.add_data(
        parser,
        "folder with images and annotations; not needed where the config names annotation files",
    )
    parser.add_argument(
        "--dataset",
        choices=("mpii", "coco", "movenet_crops"),
        help="whose layout D has (default: as the config says)",
    )
    options.add_weights_format(parser)
    options.add_config(parser)
    group = parser.add_argument_group("protocol (default: as the config says)")
    flag = argparse.BooleanOptionalAction
    group.add_argument("--flip", action=flag, help="average with the mirrored image")
    group.add_argument("--shift", action=flag, help="move the mirrored heatmaps by one cell")
    group.add_argument(
        "--decode", choices=("argmax", "quarter", "dark"), help="how peaks of heatmaps are read"
    )
    group.add_argument(
        "--metric",
        choices=("pckh", "ap", "pck", "fire717_accuracy"),
        help="what to measure; default: PCKh on MPII, AP on COCO, the original MoveNet's accuracy on its crops",
    )
    group.add_argument("--batch_size", type=int, metavar="N", help="images at once")
    group.add_argument(
        "--detections",
        type=Path,
        metavar="JSON",
        help="detected boxes in COCO's format instead of the annotated ones",
    )
    group = parser.add_argument_group("with --results")
    group.add_argument(
        "--ground_truth",
        type=Path,
        metavar="FILE",
        help="mpii_gt_val.mat, or for a .json annotations in COCO's format, instead of those below --dataset_root",
    )
    group.add_argument(
        "--zero_based",
        action="store_true",
        help="MPII's predictions count pixels from 0; MPII's own convention, and the default, is from 1",
    )
    group.add_argument(
        "--json", action="store_true", help="print one JSON object and nothing else; write nothing"
    )
    options.add_device(parser)
    options.add_threads(parser)
    parser.add_argument(
        "--draw",
        action="store_true",
        help="also draw people from the best to the worst found: predictions.png",
    )
    parser.add_argument(
        "--report",
        action="store_true",
        help="also write report.html (PCKh and AP): curves, kinds of errors, worst cases",
    )
    parser.add_argument(
        "--baseline",
        action="store_true",
        help="also score the mean training pose, which looks at no image",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="where the predictions and scores.json go; default output/val/NAME, another for each weights file; for a page on "
        "a folder that folder",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Raises:
        FileNotFoundError: If a file is missing.
        InputError: If a file or a flag does not fit.
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
    """Evaluates a weights file."""
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
    """Scores a file of predictions."""
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
            f"--results {arguments.results}: results for COCO are .json, those for MPII .mat or .h5; "
            f"--dataset {arguments.dataset} does not fit"
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
        truth, skeleton = _of_coco(arguments) if is_coco else (arguments.ground_truth, None)
        scores = score_file(
            arguments.results,
            arguments.dataset_root,
            ground_truth=truth,
            skeleton=skeleton,
            zero_based=arguments.zero_based,
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
        )
        print(f"Written: {page}")


def _of_coco(arguments: argparse.Namespace) -> tuple[Path | None, Skeleton | None]:
    """Returns the annotation file and the skeleton that the flags name; None where they name none."""
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
    """Writes the page on a folder that an evaluation or a training has written."""
    from paddle_pose.engine.evaluate import write_page

    folder = arguments.results
    if not arguments.report:
        raise InputError(
            f"--results {folder}: a folder; name the predictions in it, or add --report for a page on it"
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
