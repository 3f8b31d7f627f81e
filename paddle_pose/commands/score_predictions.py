"""`python scripts/score_predictions.py`: anybody's predictions for MPII (PCKh) or COCO (AP)."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from paddle_pose.errors import InputError

if TYPE_CHECKING:
    from paddle_pose.skeletons import Skeleton


def build_parser() -> argparse.ArgumentParser:
    """Returns the command's flags."""
    parser = argparse.ArgumentParser(
        description="Scores a prediction file. For MPII's validation set: a variable `preds` of N x 16 x 2 points in "
        ".mat or .h5, in the order of the ground truth, with any order of axes. For COCO: a results file in COCO's format, "
        ".json, scored as it is.",
    )
    parser.add_argument("predictions", type=Path, metavar="FILE", help=".mat or .h5 with `preds`, or .json")
    parser.add_argument(
        "--ground_truth",
        type=Path,
        required=True,
        metavar="FILE",
        help="mpii_gt_val.mat, or person_keypoints_val2017.json for a .json",
    )
    parser.add_argument(
        "--zero_based",
        action="store_true",
        help="the predictions count pixels from 0; MPII's own convention, and the default, is from 1",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Raises:
        FileNotFoundError: If a file is missing.
        InputError: If a file is not as expected, or --zero_based is given for COCO.
    """
    arguments = build_parser().parse_args(argv)
    if arguments.predictions.suffix == ".json":
        if arguments.zero_based:
            raise InputError("--zero_based: COCO's results always count pixels from 0; leave the flag out")
        from paddle_pose.skeletons import COCO_17

        values, text = score_coco(arguments.predictions, arguments.ground_truth, COCO_17)
    else:
        values, _, text = score_mpii(arguments.predictions, arguments.ground_truth, arguments.zero_based)
    print(json.dumps(values) if arguments.json else text)
    return 0


def score_coco(results: Path, annotations: Path, skeleton: Skeleton) -> tuple[dict[str, float], str]:
    """Scores results in COCO's format.

    Args:
        results: a JSON list of {image_id, category_id, keypoints, score}.
        annotations: COCO's file.
        skeleton: of the results.

    Returns:
        The numbers, and the text that shows them.
    """
    from paddle_pose.metrics import coco_ap
    from paddle_pose.metrics.base import eval_line

    values, table = coco_ap.score_results(results, annotations, skeleton)
    return values, f"{eval_line(values, coco_ap.NAMES)}\n{table}"


def score_mpii(
    predictions: Path, ground_truth: Path, zero_based: bool = False
) -> tuple[dict[str, float], dict[str, tuple[float, float]], str]:
    """Scores `preds` of MPII's validation people.

    Args:
        predictions: .mat or .h5.
        ground_truth: mpii_gt_val.mat.
        zero_based: whether the predictions count pixels from 0.

    Returns:
        The numbers, their 95 % intervals, and the text that shows them.
    """
    from paddle_pose.data.mpii import read_ground_truth
    from paddle_pose.io.mpii_predictions import read_predictions
    from paddle_pose.metrics import pckh
    from paddle_pose.metrics.base import eval_line

    truth = read_ground_truth(ground_truth)
    people = len(truth.head_sizes)
    points = read_predictions(predictions, people) - (0.0 if zero_based else 1.0)
    errors = pckh.normalized_errors(points, truth.keypoints, truth.head_sizes)
    values = {name: float(value) for name, value in pckh.pckh(errors, truth.labelled).items()}
    intervals = pckh.bootstrap(errors, truth.labelled)
    lines = [
        eval_line(values, pckh.PCKh().summary),
        pckh.table(values, intervals, people),
        f"Protocol: {predictions}, {people} people, predictions count pixels from {0 if zero_based else 1}",
    ]
    return values, intervals, "\n".join(lines)
