"""Plots as <svg> elements that take the page's width and fonts."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from paddle_pose.environment import needed
from paddle_pose.metrics.diagnosis import Reliability

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MATPLOTLIB = "matplotlib>=3.7"
# Okabe & Ito's palette: told apart with any kind of colour vision; dashes tell apart where colours repeat.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")
_SIZE = (4.2, 3.2)  # inches: at this size text stays readable on a phone
_STYLE: Any = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.grid": True,
    "grid.alpha": 0.3,
}


def curves(
    thresholds: Sequence[float],
    lines: Mapping[str, Sequence[float]],
    unit: str,
    marks: Mapping[str, float],
    alt: str,
) -> str:
    """Draws percentages over thresholds, "Mean" as the thick line.

    Args:
        thresholds: [T].
        lines: [T] percentages by name.
        unit: of the thresholds.
        marks: named thresholds, as vertical lines.
        alt: what is seen, for those who cannot.
    """
    with needed("matplotlib", MATPLOTLIB, "train").rc_context(_STYLE):
        drawing = needed("matplotlib.figure", MATPLOTLIB, "train").Figure(
            figsize=(_SIZE[0], 4.2), layout="constrained"
        )
        axis = drawing.add_subplot()
        for n, (name, values) in enumerate(sorted(lines.items(), key=lambda item: -item[1][-1])):
            mean = name == "Mean"
            style: dict[str, Any] = (
                {"color": "#000000", "linewidth": 2.8}
                if mean
                else {"color": COLORS[n % 6], "linewidth": 1.4}
            )
            dashes = "-" if mean or n < 6 else "--"
            axis.plot(
                thresholds, values, linestyle=dashes, label=f"{name} {values[-1]:.1f}", **style
            )
        for name, place in marks.items():
            axis.axvline(place, color="#777777", linewidth=0.8, linestyle=":")
            axis.annotate(
                name, (place, 1), fontsize=8, color="#555555", rotation=90, ha="right", va="bottom"
            )
        axis.set(
            xlabel=f"threshold, {unit}",
            ylabel="joints found, %",
            ylim=(0, 100),
            xlim=(0, thresholds[-1]),
        )
        drawing.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=8)
        return svg(drawing, alt)


def reliability(measured: Reliability, alt: str) -> str:
    """Draws percent correct over the mean score of each bin; the diagonal is a score that keeps its promise."""
    with needed("matplotlib", MATPLOTLIB, "train").rc_context(_STYLE):
        drawing = needed("matplotlib.figure", MATPLOTLIB, "train").Figure(
            figsize=_SIZE, layout="constrained"
        )
        axis = drawing.add_subplot()
        axis.plot([0, 1], [0, 100], color="#777777", linestyle=":", label="score = share correct")
        scores, rates = [row[3] for row in measured.rows], [row[4] for row in measured.rows]
        axis.plot(scores, rates, "o-", color=COLORS[0], label="measured")
        axis.set(xlabel="mean score of the bin", ylabel="correct, %", xlim=(0, 1), ylim=(0, 100))
        axis.legend(frameon=False, fontsize=8)
        return svg(drawing, alt)


def svg(drawing: Figure, alt: str) -> str:
    """Returns a figure as an <svg> element of its own: the same bytes every time, no ids shared with another one's."""
    file = io.StringIO()
    with needed("matplotlib", MATPLOTLIB, "train").rc_context({**_STYLE, "svg.hashsalt": alt}):
        drawing.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    text = file.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    # The page decides on the width.
    head, rest = text.split(">", 1)
    head = re.sub(r'\s(width|height|xmlns(:xlink)?)="[^"]*"', "", head)
    return f'{head} xmlns:xlink="http://www.w3.org/1999/xlink" role="img" aria-label="{escape(alt)}">{rest}'
