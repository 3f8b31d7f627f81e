"""`python scripts/plot_training.py`: curves of one or several runs."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from paddle_pose.errors import InputError


def build_parser() -> argparse.ArgumentParser:
    """Returns the command's flags."""
    parser = argparse.ArgumentParser(
        prog="plot_training.py",
        description="Draws loss, learning rate and evaluations of one or several runs over their steps, from the "
        "metrics.jsonl that train.py writes; works while a training runs. Prints the best evaluation of each, and says "
        "what it left out.",
    )
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="folder of a run, or its metrics.jsonl")
    parser.add_argument(
        "--metric", metavar="NAME", help="of the evaluations, e.g. Mean or AP (default: what chose the best weights)"
    )
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="the image (default: training.png in the first run's folder)"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Raises:
        FileNotFoundError: If a run has no metrics.jsonl.
        OSError: If the image cannot be written.
        InputError: If a run has no training step, or no evaluation knows the metric.
    """
    arguments = build_parser().parse_args(argv)
    from paddle_pose.evaluation.report import training_curves
    from paddle_pose.io import images

    runs = [training_curves.read(path) for path in arguments.runs]
    metric = arguments.metric or next((run.monitor() for run in runs if run.evaluations), "")
    for run in runs:
        for remark in run.remarks:
            print(f"=> {remark}")
        best = run.best(metric)
        last = run.steps[-1]
        line = f"{run.name}: {len(run.steps)} logged steps up to {last['step']} (epoch {last.get('epoch')})"
        if best is not None:
            weights = " of the averaged weights" if best.get("weights") == "averaged" else ""
            line += f", best {metric} {best[metric]:.4f}{weights} after epoch {best.get('epoch')}, step {best['step']}"
        print(line)
    evaluations = [record for run in runs for record in run.evaluations]
    if arguments.metric and evaluations and not any(metric in record for record in evaluations):
        known = sorted(
            {name for record in evaluations for name in record} - {"kind", "step", "epoch", "weights", "monitor"}
        )
        raise InputError(f"--metric {metric}: no evaluation has it; expected one of {', '.join(known)}")
    first = arguments.runs[0]
    output = arguments.output or (first if first.is_dir() else first.parent) / "training.png"
    images.write(output, training_curves.draw(runs, metric))
    print(f"Written: {output}")
    return 0
