"""`python scripts/report.py`: one HTML page about predictions or a run."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path


def build_parser() -> argparse.ArgumentParser:
    """Returns the command's flags."""
    parser = argparse.ArgumentParser(
        description="Writes one self-contained HTML page: numbers with protocol and intervals, kinds of errors and what "
        "mending each would gain, displaced coordinates, curves over thresholds, accuracy by visibility, size and torso "
        "angle, what scores mean, the worst cases, and the run's configuration.",
    )
    parser.add_argument(
        "source",
        type=Path,
        metavar="RUN|PREDICTIONS",
        help="a folder of val.py or train.py; .mat or .h5 with `preds` for MPII; .json in COCO's result format",
    )
    parser.add_argument("--dataset_root", type=Path, metavar="D", help="the data set (default: as scores.json says)")
    parser.add_argument(
        "--ground_truth", type=Path, metavar="FILE", help="mpii_gt_val.mat or person_keypoints_val2017.json instead"
    )
    parser.add_argument("--zero_based", action="store_true", help="predictions in .mat or .h5 count pixels from 0")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="the page; default report.html in the folder, or beside the predictions",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a file is not as expected, or there is nothing to report.
    """
    arguments = build_parser().parse_args(argv)
    from paddle_pose.evaluation.report.write import write

    source = arguments.source
    output = arguments.output or (source / "report.html" if source.is_dir() else source.with_suffix(".html"))
    written = write(
        source,
        output,
        dataset_root=arguments.dataset_root,
        ground_truth=arguments.ground_truth,
        zero_based=arguments.zero_based,
    )
    print(f"Written: {written}")
    return 0
