"""Curves of training runs: loss, learning rate and evaluations over the steps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from paddle_pose.environment import command, needed
from paddle_pose.errors import InputError
from paddle_pose.evaluation.report.plots import COLORS, MATPLOTLIB
from paddle_pose.io.json_files import parse_json

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Record = Mapping[str, Any]
"""A line of metrics.jsonl: "kind" and "step", and values by name.

"kind" is "train", "eval" or "skip" (a step that was skipped), "step" the number of optimizer steps
done. Of "train" the values "loss" and "lr" are used. "eval" has "weights" ("live" or "averaged"),
"monitor" and the metric's values by name; None is a value that was not finite.
"""
_MAX_POINTS = 1000  # per curve; more are not visible and would make the page large


@dataclass(frozen=True)
class Curves:
    """Content of the metrics.jsonl of a run.

    Attributes:
        name: Name of the run's folder.
        steps: Records of kind "train", one per logged training step, in ascending order of steps.
        evaluations: Records of kind "eval", one per evaluation and kind of weights (live or
            averaged), in ascending order of steps.
        remarks: Lines about ignored and repeated records, skipped steps and resumed trainings.
    """

    name: str
    steps: tuple[Record, ...]
    evaluations: tuple[Record, ...]
    remarks: tuple[str, ...]

    def monitor(self) -> str:
        """Returns the name of the value that decided the best weights, such as "Mean@0.1".

        It is the "monitor" of the last evaluation that states it; for older files the first of
        "Mean@0.1", "Mean" and "AP" that was evaluated; "" if there is none of these.
        """
        named = [
            record["monitor"]
            for record in self.evaluations
            if isinstance(record.get("monitor"), str)
        ]
        usual = [
            name
            for name in ("Mean@0.1", "Mean", "AP")
            if any(name in record for record in self.evaluations)
        ]
        return next(iter([*named[-1:], *usual]), "")

    def best(self, metric: str) -> Record | None:
        """Returns the evaluation with the highest value of a metric, the first of equals.

        Args:
            metric: Name of the value as in the records, such as "Mean@0.1"; higher is better.

        Returns:
            The record of live or averaged weights; None if no evaluation has a finite number of
            that name.
        """
        found = [record for record in self.evaluations if _is_number(record.get(metric))]
        return max(found, key=lambda record: record[metric], default=None)


def read(run: Path) -> Curves:
    """Returns the curves of a run; invalid lines are ignored and listed in the remarks.

    Args:
        run: Folder of the run, or path of its metrics.jsonl.

    Raises:
        FileNotFoundError: If there is no metrics.jsonl.
        InputError: If no line of metrics.jsonl is a training step.
    """
    path = run / "metrics.jsonl" if run.is_dir() else run
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: not found; expected the folder of a run of {command('train')}"
        )
    found: dict[tuple[Any, ...], Record] = {}
    remarks = []
    repeated = 0
    for number, line in enumerate(
        path.read_text(encoding="utf-8", errors="replace").splitlines(), 1
    ):
        record = _record(line)
        if record is None:
            remarks.append(
                f"{path}: line {number} is not a record of a training and was ignored: "
                f"{line[:60]!r}"
            )
            continue
        key = record["kind"], record["step"], record.get("weights")
        repeated += key in found
        found[key] = record
    if repeated:
        remarks.append(
            f"{path}: {repeated} records repeat a step; the last record of a step is used"
        )
    of = {
        kind: tuple(
            sorted((r for r in found.values() if r["kind"] == kind), key=lambda r: r["step"])
        )
        for kind in ("train", "eval", "skip")
    }
    if not of["train"]:
        raise InputError(
            f"{path}: contains no training step, expected the metrics.jsonl of a run. "
            + "; ".join(remarks)
        )
    if not of["eval"]:
        remarks.append(f"{path}: contains no evaluation")
    if of["skip"]:
        remarks.append(
            f"{path}: {len(of['skip'])} steps were skipped because their loss or gradients were "
            "not finite"
        )
    log = path.parent / "log.txt"
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.is_file() else []
    remarks += [f"{path}: {line}" for line in lines if line.startswith("Resumed ")]
    return Curves(path.resolve().parent.name, of["train"], of["eval"], tuple(remarks))


def draw(runs: Sequence[Curves], metric: str) -> np.ndarray:
    """Returns the figure of `figure` as an image.

    Args:
        runs: Runs in the order of their colours.
        metric: Name of the value of the evaluations that is drawn, such as "Mean@0.1".

    Returns:
        uint8 RGB [h, w, 3], 990 x 990 px.

    Raises:
        MissingDependencyError: If Matplotlib is not installed.
    """
    canvas = needed("matplotlib.backends.backend_agg", MATPLOTLIB, "train").FigureCanvasAgg(
        figure(runs, metric)
    )
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def figure(runs: Sequence[Curves], metric: str, size: tuple[float, float] = (9, 9)) -> Figure:
    """Returns a Matplotlib figure of the loss, learning rate and evaluations of runs over steps.

    The loss is drawn as it is and as its moving mean; the best evaluation of each run is marked
    with a star.

    Args:
        runs: Runs in the order of their colours.
        metric: Name of the value of the evaluations that is drawn, such as "Mean@0.1"; "" draws
            none.
        size: (width, height) of the figure in inches, at 110 dpi.

    Raises:
        MissingDependencyError: If Matplotlib is not installed.
    """
    drawing: Figure = needed("matplotlib.figure", MATPLOTLIB, "train").Figure(
        figsize=size, dpi=110, layout="constrained"
    )
    loss, rate, score = drawing.subplots(3, 1, sharex=True, height_ratios=(3, 1.2, 2.4))
    for n, run in enumerate(runs):
        color = COLORS[n % len(COLORS)]
        loss_steps, losses = _column(run.steps, "loss")
        width = max(1, len(losses) // 20)
        means = np.convolve(losses, np.ones(width) / width, "valid") if losses else np.zeros(0)
        thin = slice(None, None, max(1, len(losses) // _MAX_POINTS))
        loss.plot(loss_steps[thin], losses[thin], color=color, alpha=0.25, linewidth=0.8)
        mean_steps = loss_steps[width - 1 :]
        loss.plot(mean_steps[thin], means[thin], color=color, linewidth=2, label=run.name)
        rate_steps, rates = _column(run.steps, "lr")
        rate.plot(rate_steps[thin], rates[thin], color=color)
        for weights, style in (("live", "o-"), ("averaged", "s--")):
            points = _column(
                [r for r in run.evaluations if r.get("weights", "live") == weights], metric
            )
            label = run.name + (", averaged weights" if weights == "averaged" else "")
            if points[0]:
                score.plot(*points, style, color=color, markersize=3, label=label)
        best = run.best(metric)
        if best is not None:
            point = best["step"], best[metric]
            score.plot(*point, "*", color=color, markersize=15, markeredgecolor="black", zorder=3)
            score.annotate(
                f"{best[metric]:.4g}",
                point,
                (0, -16),
                textcoords="offset points",
                ha="center",
                fontsize=9,
                zorder=4,
            )
    loss.set(ylabel="training loss", yscale="log")
    loss.legend(frameon=False)
    rate.set(ylabel="learning rate")
    score.set(ylabel=metric or "evaluation", xlabel="step")
    if score.lines:
        score.legend(frameon=False, title="star: best")
    else:
        score.text(0.5, 0.5, "no evaluation", ha="center", transform=score.transAxes)
    for axis in (loss, rate, score):
        axis.grid(alpha=0.3)
    return drawing


def _record(line: str) -> Record | None:
    """Returns the record of a line of metrics.jsonl; None if the line is no valid record."""
    try:
        record = parse_json(line, "metrics.jsonl")
    except ValueError:
        return None
    valid = (
        isinstance(record, dict)
        and isinstance(record.get("kind"), str)
        and type(record.get("step")) is int
    )
    return record if valid else None


def _column(records: Sequence[Record], name: str) -> tuple[list[int], list[float]]:
    """Returns the steps and the values of all records with a finite number of that name."""
    found = [record for record in records if _is_number(record.get(name))]
    return [record["step"] for record in found], [record[name] for record in found]


def _is_number(value: Any) -> bool:
    """Returns whether a value is a finite number."""
    return isinstance(value, int | float) and math.isfinite(value)
