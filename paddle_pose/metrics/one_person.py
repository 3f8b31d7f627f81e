"""Base of the metrics that compare one annotated person per window with one pose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from paddle_pose.errors import InputError
from paddle_pose.io import predictions_json
from paddle_pose.metrics import resampling
from paddle_pose.metrics.base import Prediction, Scores
from paddle_pose.skeletons import Skeleton
from paddle_pose.structures import Person, Poses, Sample

Numbers = dict[str, float | np.ndarray]
"""Numbers of a metric by name, or arrays of such numbers for several sets of people."""
BestPose = tuple[Sample, np.ndarray, np.ndarray]
"""A sample, the keypoints [K, 2] of its best pose in image px, and their scores [K].

The best pose is the first one. The keypoints are NaN and the scores 0 if no pose was predicted.
"""


@dataclass(frozen=True)
class OnePerson:
    """Metric of the best pose of every annotated person; base class of PCKh, PCK and others.

    Attributes:
        name: Name of the metric, for messages.
        skeleton: Skeleton of the annotated people and of the poses.
    """

    name: ClassVar[str] = ""

    skeleton: Skeleton

    def save(self, predictions: Sequence[Prediction], folder: Path) -> list[Path]:
        """Writes the best pose of every person to `predictions.json`; returns the path in a list.

        The file has the keys "joints" (their names), "space" and "predictions", a list of {"image",
        "annotation_id", "keypoints": K lists [x, y] in image px, "scores": K numbers}. People
        without a pose are left out.

        Args:
            predictions: Samples with their poses in image px.
            folder: Folder of the file; an existing file is replaced.

        Raises:
            InputError: If the predictions cannot be scored; see `best_poses`.
            OSError: If the file cannot be written.
        """
        path = folder / "predictions.json"
        found = [best for best in self.best_poses(predictions) if np.isfinite(best[1]).all()]
        predictions_json.write(path, self.skeleton.joints, found)
        return [path]

    def best_poses(self, predictions: Sequence[Prediction]) -> list[BestPose]:
        """Returns the best pose of every annotated person, sorted by `annotation_id`.

        Args:
            predictions: Samples of one annotated person with poses in image px, highest person
                score first; if a person (an `annotation_id`) occurs twice, the last one counts.

        Raises:
            InputError: If there are no predictions, or a sample has no target; see `target`.
        """
        best = {
            self.target(sample).annotation_id: (sample, *self._best(poses))
            for sample, poses in predictions
        }
        if not best:
            raise InputError(
                f"{self.name} needs predictions, got none: evaluate at least one sample"
            )
        return [best[key] for key in sorted(best)]

    def target(self, sample: Sample) -> Person:
        """Returns the annotated person with which the pose of a sample is compared.

        Args:
            sample: Sample whose `persons` are one person besides crowd regions; or several people
                with `central` True, the first of which is returned.

        Raises:
            InputError: If there is no person, there are several people without `central`, or the
                person has another number of joints than the skeleton.
        """
        people = [person for person in sample.persons if not person.crowd]
        if len(people) != 1 and not (people and sample.central):
            raise InputError(
                f"{sample.image_path}: {self.name} needs one person per sample, got {len(people)}"
            )
        if len(people[0].visible) != self.skeleton.num_joints:
            raise InputError(
                f"{sample.image_path}: person {people[0].annotation_id} "
                f"has {len(people[0].visible)} joints, "
                f"skeleton {self.skeleton.name} {self.skeleton.num_joints}"
            )
        return people[0]

    def _best(self, poses: Poses) -> tuple[np.ndarray, np.ndarray]:
        """Returns keypoints and scores of the best pose; NaN and 0 without a pose."""
        if len(poses.scores):
            return poses.keypoints[0], poses.scores[0]
        return np.full((self.skeleton.num_joints, 2), np.nan), np.zeros(self.skeleton.num_joints)


def scores_of(
    score: Callable[[np.ndarray], Numbers],
    people: int,
    title: str,
    *,
    intervals: bool,
    digits: int = 2,
) -> Scores:
    """Returns the scores of N people, each counted once, with a table.

    Args:
        score: Function that receives counts [..., N] float64, how often each person is counted, and
            returns {name: numbers [...]}.
        people: Number N of people.
        title: First line of the table.
        intervals: Whether to compute bootstrap intervals.
        digits: Digits after the decimal point in the table.
    """
    values = {name: float(value) for name, value in score(np.ones(people)).items()}
    bounds = resampling.bootstrap(score, people) if intervals else {}
    rows = [
        f"  {name:<15}{value:7.{digits}f}"
        + (f"   {bounds[name][0]:6.{digits}f} .. {bounds[name][1]:6.{digits}f}" if bounds else "")
        for name, value in values.items()
    ]
    heading = title + (", 95 % bootstrap intervals" if bounds else "")
    return Scores(values, "\n".join([heading, *rows]), bounds)
