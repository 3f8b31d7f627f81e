"""What a metric is: a function from samples and their predicted poses to named numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from paddle_pose.structures import Poses, Sample

Prediction = tuple[Sample, Poses]
"""A sample and the poses predicted for it, in image px."""


@dataclass(frozen=True)
class Scores:
    """Numbers of a metric.

    Attributes:
        values: Every number by its name.
        table: The numbers as lines to read, with their intervals where there are any.
        intervals: 95 % interval (low, high) by name; empty where none were asked for or the metric has none.
    """

    values: dict[str, float]
    table: str
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class SampleScore:
    """Score of one sample.

    Attributes:
        quality: Compares samples; higher is better, later numbers decide between equals.
        words: Text for a caption.
    """

    quality: tuple[float, ...]
    words: str


class Metric(Protocol):
    """Scores predictions; keeps none of them.

    Attributes:
        monitor: Name of the number that decides which checkpoint is best; higher is better.
        summary: Names that the `[EVAL]` line shows.
    """

    @property
    def monitor(self) -> str: ...  # noqa: D102
    @property
    def summary(self) -> Sequence[str]: ...  # noqa: D102

    def compute_scores(
        self, predictions: Sequence[Prediction], *, intervals: bool = True
    ) -> Scores:
        """Returns the numbers of predictions.

        Args:
            predictions: Samples with their poses in image px; of a sample given twice, the last one counts.
            intervals: Whether to compute intervals, which may take longer than the numbers.

        Raises:
            InputError: If there are no predictions, or a sample lacks what the metric measures in.
        """
        ...

    def score_sample(self, sample: Sample, poses: Poses) -> SampleScore:
        """Returns the score of one sample with an annotated person; poses are in image px."""
        ...

    def save(self, predictions: Sequence[Prediction], folder: Path) -> list[Path]:
        """Writes predictions in the field's usual files; returns their paths."""
        ...


def eval_line(values: Mapping[str, float], summary: Sequence[str], prefix: str = "") -> str:
    """Returns the original project's line: sorted keys, a trailing blank.

    Example:
        >>> eval_line({"Mean": 88.5, "Ankle": 79.0}, ("Mean", "Ankle"), prefix="epoch=3:")
        '[EVAL] epoch=3:Ankle=79 Mean=88.5 '
    """
    return f"[EVAL] {prefix}" + "".join(f"{key}={values[key]:.10g} " for key in sorted(summary))
