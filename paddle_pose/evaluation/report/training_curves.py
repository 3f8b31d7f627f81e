"""Curves of one or several trainings: loss, learning rate and evaluations over the steps."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from paddle_pose.environment import command, needed
from paddle_pose.errors import InputError
from paddle_pose.evaluation.report.plots import COLORS, MATPLOTLIB

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Record = Mapping[str, Any]
_MAX_POINTS = 1000  # of a curve: more are not seen, and would make a page large


@dataclass(frozen=True)
class Curves:
    """What a run's metrics.jsonl says.

    Attributes:
        name: of the run.
        steps: one record per logged training step, in their order.
        evaluations: one record per evaluation and kind of weights.
        remarks: lines about what was left out, and how the run went.
    """

    name: str
    steps: tuple[Record, ...]
    evaluations: tuple[Record, ...]
    remarks: tuple[str, ...]

    def monitor(self) -> str:
        """Returns the number that the run's best weights were chosen by; "" without evaluations."""
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
        """Returns the evaluation with the highest value, the first of equals; None if there is no number."""
        found = [record for record in self.evaluations if _is_number(record.get(metric))]
        return max(found, key=lambda record: record[metric], default=None)


def read(run: Path) -> Curves:
    """Reads a run's metrics.jsonl; what cannot be read is left out and said.

    Args:
        run: its folder, or the file.

    Raises:
        FileNotFoundError: If there is no such file.
        InputError: If no line of it is a training step.
    """
    path = run / "metrics.jsonl" if run.is_dir() else run
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: not found; name the folder of a run of {command('train')}"
        )
    found: dict[tuple[Any, ...], Record] = {}
    remarks, again = [], 0
    for number, line in enumerate(
        path.read_text(encoding="utf-8", errors="replace").splitlines(), 1
    ):
        record = _record(line)
        if record is None:
            remarks.append(
                f"{path}: line {number} is not a line of a training, left out: {line[:60]!r}"
            )
            continue
        key = record["kind"], record["step"], record.get("weights")
        again += key in found
        found[key] = record
    if again:
        remarks.append(f"{path}: {again} lines come again for the same step; the last one counts")
    of = {
        kind: tuple(
            sorted((r for r in found.values() if r["kind"] == kind), key=lambda r: r["step"])
        )
        for kind in ("train", "eval", "skip")
    }
    if not of["train"]:
        raise InputError(f"{path}: holds no training step; nothing to draw. " + "; ".join(remarks))
    if not of["eval"]:
        remarks.append(f"{path}: no evaluation")
    if of["skip"]:
        remarks.append(
            f"{path}: {len(of['skip'])} steps were skipped, their numbers were not finite"
        )
    log = path.parent / "log.txt"
    said = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.is_file() else []
    remarks += [f"{path}: {line}" for line in said if line.startswith("Resumed ")]
    return Curves(path.resolve().parent.name, of["train"], of["eval"], tuple(remarks))


def draw(runs: Sequence[Curves], metric: str) -> np.ndarray:
    """Returns an image of the curves of `figure`: uint8 RGB [h, w, 3]."""
    canvas = needed("matplotlib.backends.backend_agg", MATPLOTLIB, "train").FigureCanvasAgg(
        figure(runs, metric)
    )
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def figure(runs: Sequence[Curves], metric: str, size: tuple[float, float] = (9, 9)) -> Figure:
    """Returns the curves of runs over each other: loss, learning rate and an evaluation's number, its best marked.

    Args:
        runs: Runs in the order of their colours.
        metric: Name of the evaluations' number.
        size: (width, height) of the figure in inches.
    """
    drawing: Figure = needed("matplotlib.figure", MATPLOTLIB, "train").Figure(
        figsize=size, dpi=110, layout="constrained"
    )
    loss, rate, score = drawing.subplots(3, 1, sharex=True, height_ratios=(3, 1.2, 2.4))
    for n, run in enumerate(runs):
        color = COLORS[n % len(COLORS)]
        places, losses = _column(run.steps, "loss")
        width = max(1, len(losses) // 20)
        means = np.convolve(losses, np.ones(width) / width, "valid") if losses else np.zeros(0)
        thin = slice(None, None, max(1, len(losses) // _MAX_POINTS))
        loss.plot(places[thin], losses[thin], color=color, alpha=0.25, linewidth=0.8)
        loss.plot(places[width - 1 :][thin], means[thin], color=color, linewidth=2, label=run.name)
        rates = _column(run.steps, "lr")
        rate.plot(rates[0][thin], rates[1][thin], color=color)
        for weights, style in (("live", "o-"), ("averaged", "s--")):
            points = _column(
                [r for r in run.evaluations if r.get("weights", "live") == weights], metric
            )
            label = run.name + (", averaged weights" if weights == "averaged" else "")
            if points[0]:
                score.plot(*points, style, color=color, markersize=3, label=label)
        best = run.best(metric)
        if best is not None:
            place = best["step"], best[metric]
            score.plot(*place, "*", color=color, markersize=15, markeredgecolor="black", zorder=3)
            score.annotate(
                f"{place[1]:.4g}",
                place,
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
    """Returns a line of metrics.jsonl; None if it is none."""
    try:
        record = json.loads(line)
    except ValueError:
        return None
    whole = (
        isinstance(record, dict)
        and isinstance(record.get("kind"), str)
        and type(record.get("step")) is int
    )
    return record if whole else None


def _column(records: Sequence[Record], name: str) -> tuple[list[int], list[float]]:
    """Returns the steps and the values of a number where it is one."""
    found = [record for record in records if _is_number(record.get(name))]
    return [record["step"] for record in found], [record[name] for record in found]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
