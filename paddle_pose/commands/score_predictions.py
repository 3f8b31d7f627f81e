"""`python scripts/score_predictions.py`: anybody's predictions for MPII (PCKh) or COCO (AP)."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path


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
        ValueError: If a file is not as expected, or --zero_based is given for COCO.
    """
    arguments = build_parser().parse_args(argv)
    if arguments.predictions.suffix == ".json":
        if arguments.zero_based:
            raise ValueError("--zero_based: COCO's results always count pixels from 0; leave the flag out")
        _score_coco(arguments)
    else:
        _score_mpii(arguments)
    return 0


def _score_coco(arguments: argparse.Namespace) -> None:
    from paddle_pose.metrics import coco_ap
    from paddle_pose.metrics.base import eval_line
    from paddle_pose.skeletons import COCO_17

    values = coco_ap.score_results(arguments.predictions, arguments.ground_truth, COCO_17.sigmas)
    if arguments.json:
        print(json.dumps(values))
        return
    print(eval_line(values, coco_ap.NAMES))
    print(coco_ap.table(values, f"{arguments.predictions} as it is: no rescoring, no NMS"))


def _score_mpii(arguments: argparse.Namespace) -> None:
    from paddle_pose.datasets.mpii import read_ground_truth
    from paddle_pose.datasets.predictions import read_predictions
    from paddle_pose.metrics import pckh
    from paddle_pose.metrics.base import eval_line

    truth = read_ground_truth(arguments.ground_truth)
    people = len(truth.head_sizes)
    predictions = read_predictions(arguments.predictions, people)
    predictions = predictions - (0.0 if arguments.zero_based else 1.0)
    errors = pckh.normalized_errors(predictions, truth.keypoints, truth.head_sizes)
    values = {name: float(value) for name, value in pckh.pckh(errors, truth.labelled).items()}
    if arguments.json:
        print(json.dumps(values))
        return
    print(eval_line(values, pckh.PCKh.headline))
    print(pckh.table(values, pckh.bootstrap(errors, truth.labelled), people))
    base = 0 if arguments.zero_based else 1
    print(f"Protocol: {arguments.predictions}, {people} people, predictions count pixels from {base}")
