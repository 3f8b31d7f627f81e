"""Interface of a metric: a function from samples and their predicted poses to named numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from paddle_pose.structures import Poses, Sample

Prediction = tuple[Sample, Poses]
"""A sample and the poses predicted for it, in image px, highest person score first."""


@dataclass(frozen=True)
class Scores:
    """Numbers of a metric.

    Attributes:
        values: Numbers by name; the class of the metric states the names, and whether they are
            percentages or fractions. NaN is a number that is not defined for these predictions.
        table: Numbers as a text table, with their intervals where there are any.
        intervals: 95 % interval (low, high) by name, in the unit of the number; empty if intervals
            were not requested, or the metric has none.
    """

    values: dict[str, float]
    table: str
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class SampleScore:
    """Score of one sample.

    Attributes:
        quality: Numbers by which samples are sorted; tuples are compared number by number, and
            higher is better.
        words: Short text for a caption, such as "9 of 14 joints found".
    """

    quality: tuple[float, ...]
    words: str


class Metric(Protocol):
    """Interface of a metric, which scores predictions and keeps none of them.

    Attributes:
        monitor: Name of the number by which the best checkpoint is chosen, a key of
            `Scores.values`; higher is better.
        summary: Names of the numbers in the `[EVAL]` line, keys of `Scores.values`.
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
            intervals: Whether to compute 95 % intervals, which may take longer than the numbers.

        Raises:
            InputError: If there are no predictions, or a sample does not have what the metric
                needs, such as a single annotated person or a head size.
        """
        ...

    def score_sample(self, sample: Sample, poses: Poses) -> SampleScore:
        """Returns the score of one sample.

        Args:
            sample: Sample with an annotated person.
            poses: Predicted poses in image px, highest person score first.

        Raises:
            InputError: If the sample does not have what the metric needs.
        """
        ...

    def save(self, predictions: Sequence[Prediction], folder: Path) -> list[Path]:
        """Writes predictions in the usual file formats, and returns the paths of the files.

        Args:
            predictions: Samples with their poses in image px.
            folder: Folder of the files; existing files of the same names are replaced.

        Raises:
            InputError: If the predictions cannot be scored; see `compute_scores`.
            OSError: If a file cannot be written.
        """
        ...


def eval_line(values: Mapping[str, float], summary: Sequence[str], prefix: str = "") -> str:
    """Returns the `[EVAL]` line of txyugood's project: sorted names, and a trailing space.

    Numbers have five significant digits.

    Args:
        values: Numbers by name, such as `Scores.values`.
        summary: Names of the numbers in the line, such as `Metric.summary`.
        prefix: Text before the numbers.

    Raises:
        KeyError: If `values` lacks a name of `summary`.

    Example:
        >>> eval_line({"Mean": 88.4641, "Ankle": 79.0}, ("Mean", "Ankle"), prefix="epoch=3:")
        '[EVAL] epoch=3:Ankle=79 Mean=88.464 '
    """
    return f"[EVAL] {prefix}" + "".join(f"{key}={values[key]:.5g} " for key in sorted(summary))
