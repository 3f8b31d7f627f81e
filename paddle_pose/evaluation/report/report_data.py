"""Data of a report: people with their predictions and scores, and a function to rescore them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from paddle_pose.metrics.errors import MatchedPoses

# (people with corrected joints, whether unmatched results are left out) -> values by name
Rescore = Callable[[MatchedPoses, bool], dict[str, float]]


@dataclass(frozen=True, eq=False)
class ReportData:
    """Predictions matched with the ground truth, and their scores.

    Attributes:
        name: Path of the predictions, for the title.
        measure: Name and unit of the metric, such as "PCKh, percent".
        protocol: Properties of the evaluation by name, such as the ground truth and the flip test.
        found: Annotated people with the predictions that are matched with them.
        values: Values of the metric by name.
        intervals: 95 % intervals (low, high) of the values that have one, by name.
        remarks: Explanations of values, by name.
        gained: Names of the values that improvements are stated in.
        rescore: Function that computes the values again for people with corrected joints; its
            second argument states whether unmatched results are left out.
        unit: Length that distances are measured in.
        fine: Strict threshold in units, for exact joints; `found.reach` is the usual threshold.
        size: Definition of `found.sizes`.
        images: Paths of the people's images, [N], which need not exist; empty if unknown.
        unmatched: Number of results that are matched with no person.
        notes: Sentences about limits of the ground truth.
    """

    name: str
    measure: str
    protocol: Mapping[str, str]
    found: MatchedPoses
    values: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    remarks: Mapping[str, str]
    gained: tuple[str, ...]
    rescore: Rescore
    unit: str
    fine: float
    size: str
    images: Sequence[Path] = ()
    unmatched: int = 0
    notes: tuple[str, ...] = field(default_factory=tuple)
