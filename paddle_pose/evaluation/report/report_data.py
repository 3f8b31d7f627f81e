"""Data of a report: people with their predictions and scores, and a function to rescore them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from paddle_pose.metrics.errors import MatchedPoses
from paddle_pose.structures import UprightRule

Rescore = Callable[[MatchedPoses, bool], dict[str, float]]
"""Function that returns the metric's values, by name and in percent, of changed predictions.

It receives the people of `ReportData.found` with corrected joints, see `MatchedPoses.corrected`,
and whether results that are matched with no person are left out.
"""


@dataclass(frozen=True, eq=False)
class ReportData:
    """Predictions matched with the ground truth, and their scores: the data of a report.

    Attributes:
        name: Path of the predictions, for the title.
        measure: Name and unit of the metric, such as "PCKh, percent".
        protocol: Properties of the evaluation as text by name, such as the ground truth and the
            flip test.
        found: N annotated people with the predictions that are matched with them.
        values: Values of the metric by name, in percent.
        intervals: 95 % intervals (low, high) in percent of the values that have one, by name.
        remarks: Explanations of some of the values, by name.
        gained: Names of the values in which improvements are stated.
        rescore: Function that computes the values again for people with corrected joints.
        unit: Text that names the length in which distances are measured (`found.units`), such as
            "head size (...)"; the part before " (" is the short name.
        fine: Strict threshold for exact joints, as a multiple of that length; `found.reach` is the
            usual threshold.
        size: Text that defines `found.sizes`, such as "the head size".
        images: Paths of the N people's images, which need not exist; empty if unknown.
        upright_rule: Whether EXIF rotations of these images count, see `io.images.read`.
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
    upright_rule: UprightRule | None = None
    unmatched: int = 0
    notes: tuple[str, ...] = field(default_factory=tuple)
