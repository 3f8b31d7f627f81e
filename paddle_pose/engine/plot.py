"""Plot of the training curves of one or several runs, which may still be training."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from paddle_pose.errors import InputError
from paddle_pose.evaluation.report import training_curves
from paddle_pose.evaluation.report.training_curves import Curves
from paddle_pose.io import images
from paddle_pose.io.outputs import Outputs

_log = logging.getLogger("paddle_pose")

_NO_METRICS = {"kind", "step", "epoch", "weights", "monitor"}  # keys of a record without a score


def plot_training(
    runs: Sequence[Path], *, metric: str | None = None, output_file: Path | None = None
) -> Path:
    """Draws loss, learning rate and validation scores of runs as an image, and returns its path.

    The best evaluation of each run is logged.

    Args:
        runs: Folders of runs, or paths of their metrics.jsonl.
        metric: Name of the validation score to draw, such as "Mean"; None takes the one that
            selects the best weights.
        output_file: Path of the image; None writes training.png to the first run's folder.

    Returns:
        Path of the image.

    Raises:
        FileNotFoundError: If a run has no metrics.jsonl.
        OSError: If the image cannot be written.
        InputError: If a run has no training step, no evaluation has the metric, or the image would
            overwrite a file that this function did not write.
    """
    curves = [training_curves.read(path) for path in runs]
    shown = metric or next((run.monitor() for run in curves if run.evaluations), "")
    for run in curves:
        for remark in run.remarks:
            _log.info(f"=> {remark}")
        _log.info(_summary(run, shown))
    evaluations = [record for run in curves for record in run.evaluations]
    if metric and evaluations and not any(metric in record for record in evaluations):
        known = sorted({name for record in evaluations for name in record} - _NO_METRICS)
        raise InputError(
            f"--metric {metric}: no evaluation has it; expected one of {', '.join(known)}"
        )
    folder = runs[0] if runs[0].is_dir() else runs[0].parent
    path = output_file or folder / "training.png"
    with Outputs(path.parent, "plot", flag="--output_file").replacing(path) as draft:
        images.write(draft, training_curves.draw(curves, shown))
    return path


def _summary(run: Curves, metric: str) -> str:
    """Returns a line that states the length of a run and its best evaluation.

    Args:
        run: Curves of the run.
        metric: Name of the score that decides which evaluation is best.
    """
    last = run.steps[-1]
    line = (
        f"{run.name}: {len(run.steps)} logged steps up to {last['step']} "
        f"(epoch {last.get('epoch')})"
    )
    best = run.best(metric)
    if best is None:
        return line
    weights = " of the averaged weights" if best.get("weights") == "averaged" else ""
    place = f"after epoch {best.get('epoch')}, step {best['step']}"
    return f"{line}, best {metric} {best[metric]:.4f}{weights} {place}"
