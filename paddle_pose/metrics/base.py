"""What a metric is: it is told about samples and their poses, and answers with named numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from paddle_pose.structures import Poses, Sample


@dataclass(frozen=True)
class SampleScore:
    """How well one person was found.

    Attributes:
        quality: compares people; higher is better, later numbers decide between equals.
        words: for a caption.
    """

    quality: tuple[float, ...]
    words: str


class Metric(Protocol):
    """Accumulates poses and scores them.

    Attributes:
        monitor: the name of the number that decides which checkpoint is best; higher is better.
        summary: the names that the `[EVAL]` line shows.
    """

    @property
    def monitor(self) -> str: ...  # noqa: D102
    @property
    def summary(self) -> Sequence[str]: ...  # noqa: D102

    def reset(self) -> None:
        """Forgets all samples."""
        ...

    def update(self, sample: Sample, poses: Poses) -> None:
        """Takes one sample's poses in image px."""
        ...

    def accumulate(self) -> dict[str, float]:
        """Returns every number by its name."""
        ...

    def intervals(self) -> dict[str, tuple[float, float]]:
        """Returns the 95 % intervals of those numbers that have one."""
        ...

    def table(self) -> str:
        """Returns the numbers as lines to read, with intervals where there are any."""
        ...

    def save(self, folder: Path) -> list[Path]:
        """Writes the predictions in the field's usual files; returns their paths."""
        ...

    def score_sample(self, sample: Sample, poses: Poses) -> SampleScore:
        """Judges one sample with an annotated person by itself; keeps nothing."""
        ...


def eval_line(values: dict[str, float], summary: Sequence[str], prefix: str = "") -> str:
    """Returns the original project's line: sorted keys, a trailing blank.

    Example:
        >>> eval_line({"Mean": 88.5, "Ankle": 79.0}, ("Mean", "Ankle"), prefix="epoch=3:")
        '[EVAL] epoch=3:Ankle=79 Mean=88.5 '
    """
    return f"[EVAL] {prefix}" + "".join(f"{key}={values[key]:.10g} " for key in sorted(summary))
