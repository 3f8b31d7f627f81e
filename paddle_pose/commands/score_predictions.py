"""`python scripts/score_predictions.py`: PCKh of anybody's prediction file for MPII's validation set."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path


def build_parser() -> argparse.ArgumentParser:
    """Returns the command's flags."""
    parser = argparse.ArgumentParser(
        prog="score_predictions.py",
        description="Scores a prediction file for MPII's validation set: a variable `preds` of N x 16 x 2 points in "
        ".mat or .h5, in the order of the ground truth, with any order of axes.",
    )
    parser.add_argument("predictions", type=Path, metavar="FILE", help=".mat or .h5 with `preds`")
    parser.add_argument("--ground_truth", type=Path, required=True, metavar="MAT", help="mpii_gt_val.mat")
    parser.add_argument(
        "--zero_based",
        action="store_true",
        help="the predictions count pixels from 0; MPII's own convention, and the default, is from 1",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command."""
    arguments = build_parser().parse_args(argv)
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
        return 0
    print(eval_line(values, pckh.PCKh.headline))
    print(pckh.table(values, pckh.bootstrap(errors, truth.labelled), people))
    base = 0 if arguments.zero_based else 1
    print(f"Protocol: {arguments.predictions}, {people} people, predictions count pixels from {base}")
    return 0
