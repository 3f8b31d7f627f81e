"""Interface of a metric: a function from samples and their predicted poses to named numbers."""

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
        table: Text table of the numbers, with their intervals where there are any.
        intervals: 95 % interval (low, high) by name; empty if none were requested, or the metric
            has none.
    """

    values: dict[str, float]
    table: str
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class SampleScore:
    """Score of one sample.

    Attributes:
        quality: Numbers that samples are sorted by, compared in order; higher is better.
        words: Text for a caption.
    """

    quality: tuple[float, ...]
    words: str


class Metric(Protocol):
    """A metric scores predictions and keeps none of them.

    Attributes:
        monitor: Name of the number by which the best checkpoint is chosen; higher is better.
        summary: Names of the numbers in the `[EVAL]` line.
    """

    @property
    def monitor(self) -> str: ...  # noqa: D102
    @property
    def summary(self) -> Sequence[str]: ...  # noqa: D102

    def compute_scores(
        self, predictions: Sequence[Prediction], *, intervals: bool = True
    ) -> Scores:
        """Returns the scores of predictions.

        Args:
            predictions: Samples with their poses in image px; if a sample occurs twice, the last
                one counts.
            intervals: Whether to compute intervals, which may take longer than the numbers.

        Raises:
            InputError: If there are no predictions, or a sample lacks the length that the metric
                measures in.
        """
        ...

    def score_sample(self, sample: Sample, poses: Poses) -> SampleScore:
        """Returns the score of one sample.

        Args:
            sample: Sample with an annotated person.
            poses: Predicted poses in image px.
        """
        ...

    def save(self, predictions: Sequence[Prediction], folder: Path) -> list[Path]:
        """Writes predictions in the usual file formats, and returns the paths.

        Args:
            predictions: Samples with their poses in image px.
            folder: Folder of the files.
        """
        ...


def eval_line(values: Mapping[str, float], summary: Sequence[str], prefix: str = "") -> str:
    """Returns the `[EVAL]` line of txyugood's project: sorted names, and a trailing space.

    Args:
        values: Numbers by name.
        summary: Names of the numbers in the line.
        prefix: Text before the numbers.

    Example:
        >>> eval_line({"Mean": 88.5, "Ankle": 79.0}, ("Mean", "Ankle"), prefix="epoch=3:")
        '[EVAL] epoch=3:Ankle=79 Mean=88.5 '
    """
    return f"[EVAL] {prefix}" + "".join(f"{key}={values[key]:.10g} " for key in sorted(summary))
