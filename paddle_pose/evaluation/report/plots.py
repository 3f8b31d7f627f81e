"""Plots as <svg> elements, in the width and the fonts of the page."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from paddle_pose.environment import needed
from paddle_pose.metrics.diagnosis import Reliability

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MATPLOTLIB = "matplotlib>=3.7"
"""Requirement for `environment.needed`."""
# The palette of Okabe and Ito, distinguishable with every kind of colour vision. Where colours
# repeat, lines are dashed.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")
_SIZE = (4.2, 3.2)  # (width, height) in inches; text of this size is readable on a phone
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
    """Returns a plot of percentages over thresholds as an <svg> element.

    The line named "Mean" is thick and black.

    Args:
        thresholds: T thresholds in ascending order.
        lines: T percentages 0..100 for each line, by its name, in the order of the legend.
        unit: Unit of the thresholds as text for the axis, after "threshold, ".
        marks: Thresholds that get a vertical line, by their label.
        alt: Description of the plot, plain text, for readers who cannot see it.

    Raises:
        MissingDependencyError: If Matplotlib is not installed.
    """
    with needed("matplotlib", MATPLOTLIB, "train").rc_context(_STYLE):
        drawing = needed("matplotlib.figure", MATPLOTLIB, "train").Figure(
            figsize=(_SIZE[0], 4.2), layout="constrained"
        )
        axis = drawing.add_subplot()
        for n, (name, values) in enumerate(lines.items()):
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
        for name, threshold in marks.items():
            axis.axvline(threshold, color="#777777", linewidth=0.8, linestyle=":")
            axis.annotate(
                name,
                (threshold, 1),
                fontsize=8,
                color="#555555",
                rotation=90,
                ha="right",
                va="bottom",
            )
        axis.set(
            xlabel=f"threshold, {unit}",
            ylabel="joints found, %",
            ylim=(0, 100),
            xlim=(0, thresholds[-1]),
        )
        drawing.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=8)
        return svg(drawing, alt)


def reliability(measured: Reliability, min_count: int, alt: str) -> str:
    """Returns a reliability diagram as an <svg> element: percent correct over mean score of bins.

    On the diagonal scores are perfectly calibrated.

    Args:
        measured: Reliability of the scores, as `diagnosis.reliability` returns it.
        min_count: Number of joints that a bin needs to be drawn.
        alt: Description of the plot, plain text, for readers who cannot see it.

    Raises:
        MissingDependencyError: If Matplotlib is not installed.
    """
    with needed("matplotlib", MATPLOTLIB, "train").rc_context(_STYLE):
        drawing = needed("matplotlib.figure", MATPLOTLIB, "train").Figure(
            figsize=_SIZE, layout="constrained"
        )
        axis = drawing.add_subplot()
        axis.plot([0, 1], [0, 100], color="#777777", linestyle=":", label="perfectly calibrated")
        drawn = [row for row in measured.rows if row[2] >= min_count]
        scores = [row[3] for row in drawn]
        rates = [row[4] for row in drawn]
        axis.plot(scores, rates, "o-", color=COLORS[0], label="measured")
        axis.set(xlabel="mean score of the bin", ylabel="correct, %", xlim=(0, 1), ylim=(0, 100))
        axis.legend(frameon=False, fontsize=8)
        return svg(drawing, alt)


def histogram(values: np.ndarray, reach: float, median: float, alt: str) -> str:
    """Returns a histogram as an <svg> element.

    Args:
        values: Distances in px, at least 0; those beyond `reach` are not drawn.
        reach: End of the axis in px.
        median: Distance that gets a vertical line, in px.
        alt: Description of the plot, plain text, for readers who cannot see it.

    Raises:
        MissingDependencyError: If Matplotlib is not installed.
    """
    with needed("matplotlib", MATPLOTLIB, "train").rc_context(_STYLE):
        drawing = needed("matplotlib.figure", MATPLOTLIB, "train").Figure(
            figsize=(_SIZE[0], 2.6), layout="constrained"
        )
        axis = drawing.add_subplot()
        axis.hist(values, bins=40, range=(0, reach), color=COLORS[0])
        axis.axvline(
            median, color=COLORS[1], linewidth=1.4, linestyle="--", label=f"median {median:.1f} px"
        )
        axis.set(xlabel="distance, px", ylabel="joints", xlim=(0, reach))
        axis.legend(frameon=False, fontsize=8)
        return svg(drawing, alt)


def svg(drawing: Figure, alt: str) -> str:
    """Returns a figure as an HTML <svg> element, whose size the page decides.

    The same figure gives the same bytes, and ids differ between figures with different
    descriptions.

    Args:
        drawing: Figure of Matplotlib.
        alt: Description of the figure, plain text, for readers who cannot see it.
    """
    file = io.StringIO()
    with needed("matplotlib", MATPLOTLIB, "train").rc_context({**_STYLE, "svg.hashsalt": alt}):
        drawing.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    text = file.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    # The style of the page decides the width.
    head, rest = text.split(">", 1)
    head = re.sub(r'\s(width|height|xmlns(:xlink)?)="[^"]*"', "", head)
    attributes = 'xmlns:xlink="http://www.w3.org/1999/xlink" role="img"'
    return f'{head} {attributes} aria-label="{escape(alt)}">{rest}'
