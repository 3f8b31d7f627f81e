"""What a report is about: people with their predictions, the score they reach, and the score they would reach corrected."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from paddle_pose.metrics.errors import MatchedPoses

Rescore = Callable[[MatchedPoses, bool], dict[str, float]]


@dataclass(frozen=True, eq=False)
class ReportData:
    """Predictions, matched with the truth and scored.

    Attributes:
        name: of what is reported, for the title.
        measure: of the score, e.g. "PCKh, percent".
        protocol: what the numbers depend on, by name.
        found: the people.
        values: every number by name.
        intervals: 95 % intervals of those that have one.
        remarks: what a number means, by name.
        gained: the numbers that corrections are measured in; the first one decides.
        rescore: scores the people again, with joints corrected, and with or without results that match nobody.
        unit: what a distance of 1 is.
        fine: a distance in units within which a joint is found exactly; `found.reach` is the usual threshold.
        size: what `found.sizes` measures.
        images: [N] files; they need not be there. Empty where nothing names them.
        unmatched: how many results match nobody.
        notes: what a reader must know of the limits of this truth.
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
