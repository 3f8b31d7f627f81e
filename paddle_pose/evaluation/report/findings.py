"""What an evaluation shows: the kinds of errors, what each of them costs, and displacement."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paddle_pose.evaluation.report.report_data import ReportData
from paddle_pose.metrics import diagnosis
from paddle_pose.metrics.diagnosis import Bias
from paddle_pose.metrics.errors import KINDS, kinds, shares

CORRECTED = ("jitter", "inversion", "swap", "miss", "unfound")
"""Kinds of errors whose correction is measured."""


@dataclass(frozen=True)
class KindOfError:
    """Joints of one kind, and the metric if they were at the truth.

    Attributes:
        name: Name of the kind, or a description of what is corrected.
        joints: Number of joints; None if no joints are meant, such as for removed results.
        share: Percentage of these joints among those that count; NaN if no joints are meant.
        after: Values of the metric after the correction, in percent, by name; empty if there is
            nothing to correct.
    """

    name: str
    joints: int | None
    share: float
    after: dict[str, float]


@dataclass(frozen=True, eq=False)
class Findings:
    """Results of the analyses that several parts of a report use.

    Attributes:
        kind: Kind of error of each joint, [N, K], as of `metrics.errors.kinds`.
        errors: Rows of the table of errors.
        pixels: Best constant shift in px.
        lengths: Best constant shift in sizes of the people.
        displaced: Whether the coordinates have a systematic offset.
        in_proportion: Whether this offset is rather a fraction of the person's size than of a px.
    """

    kind: np.ndarray
    errors: tuple[KindOfError, ...]
    pixels: Bias
    lengths: Bias
    displaced: bool
    in_proportion: bool

    @property
    def shift(self) -> Bias:
        """The shift that describes the offset better."""
        return self.lengths if self.in_proportion else self.pixels


def analyse(data: ReportData) -> Findings:
    """Returns the findings on predictions.

    Args:
        data: Predictions matched with the ground truth; its `rescore` is called for each kind.
    """
    found = data.found
    kind = kinds(found)
    pixels = diagnosis.bias(found, data.fine)
    lengths = diagnosis.bias(found, data.fine, found.sizes, limit=0.4)
    by_pixels = max(map(abs, pixels.shift)) >= 0.5 and pixels.held_out[0] > 0
    by_length = lengths.held_out[0] > 0
    return Findings(
        kind=kind,
        errors=tuple(_errors(data, kind)),
        pixels=pixels,
        lengths=lengths,
        displaced=by_pixels or by_length,
        in_proportion=by_length and lengths.gain > pixels.gain + 1,
    )


def _errors(data: ReportData, kind: np.ndarray) -> list[KindOfError]:
    """Returns the rows of the table of errors."""
    found = data.found
    total = int((kind >= 0).sum())

    def row(name: str, joints: np.ndarray, without_unmatched: bool = False) -> KindOfError:
        number = int(joints.sum())
        after = data.rescore(found.corrected(joints), without_unmatched) if number else {}
        return KindOfError(name, number, 100 * number / total if total else float("nan"), after)

    rows = [
        row(name, kind == KINDS.index(name))
        for name, (number, _) in shares(kind).items()
        if number or name != "unfound"
    ]
    rows.append(row("all errors", kind > KINDS.index("good")))
    if data.unmatched:
        after = data.rescore(found, True)
        rows.append(KindOfError(f"{data.unmatched} results removed", None, float("nan"), after))
        after = data.rescore(found.corrected(kind >= 0), True)
        rows.append(KindOfError("both", None, float("nan"), after))
    return rows
