"""`python scripts/check_dataset.py`: what is wrong with a data set, before a training finds out."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path


def build_parser() -> argparse.ArgumentParser:
    """Returns the command's flags."""
    parser = argparse.ArgumentParser(
        description="Examines a data set in MPII's layout: counts, pictures, joints, centres and scales, left and right, "
        "the order of json and mat. Nothing is changed.",
        epilog="Exit codes: 0 nothing that would spoil a training; 1 at least one error; 2 the command was called wrongly.",
    )
    parser.add_argument(
        "--dataset_root", type=Path, required=True, metavar="D", help="folder with images/ and annotations/"
    )
    parser.add_argument(
        "--decode",
        choices=("all", "sample", "none"),
        default="all",
        help="decode all pictures (default; a few minutes for MPII), 200 of them, or none",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else, with all examples")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Raises:
        FileNotFoundError: If there is no such folder.
    """
    arguments = build_parser().parse_args(argv)
    from paddle_pose.datasets.doctor import examine

    report = examine(
        arguments.dataset_root, arguments.decode, lambda text: print(f"=> {text}", file=sys.stderr, flush=True)
    )
    print(json.dumps(report.as_dict()) if arguments.json else report.text())
    errors = report.number("error")
    if not arguments.json:
        next_command = f"python train.py --dataset_root {shlex.quote(str(arguments.dataset_root))} --image_size 256"
        print("Mend the errors, then check again" if errors else f"Nothing spoils a training. Next: {next_command}")
    return 1 if errors else 0
