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
BestPose = tuple[Sample, np.ndarray, np.ndarray]
"""A sample, the keypoints [K, 2] of its best pose in image px, and their scores [K].

The keypoints are NaN and the scores 0 if no pose was predicted.
"""


@dataclass(frozen=True)
class OnePerson:
    """Metric of the best pose of every annotated person.

    Attributes:
        name: Name of the metric, for messages.
        skeleton: Joints of people and poses.
    """

    name: ClassVar[str] = ""

    skeleton: Skeleton

    def save(self, predictions: Sequence[Prediction], folder: Path) -> list[Path]:
        """Writes `predictions.json` and returns its path; people without a pose are not in it.

        Args:
            predictions: Samples with their poses in image px.
            folder: Folder of the file.

        Raises:
            InputError: If the predictions cannot be scored; see `best_poses`.
        """
        path = folder / "predictions.json"
        found = [best for best in self.best_poses(predictions) if np.isfinite(best[1]).all()]
        predictions_json.write(path, self.skeleton.joints, found)
        return [path]

    def best_poses(self, predictions: Sequence[Prediction]) -> list[BestPose]:
        """Returns the best pose of every annotated person, in the annotations' order.

        Args:
            predictions: Samples of one annotated person (crowd regions do not count) with poses in
                image px; if a person occurs twice, the last one counts.

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
        """Returns the annotated person that a sample's window was made for.

        Args:
            sample: Sample of one person; others may be visible in its window.

        Raises:
            InputError: If there is no person, the window shows a whole image with several people,
                or the person has other joints.
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
        score: Function from counts [..., N], how often each person is counted, to numbers [...] by
            name.
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
