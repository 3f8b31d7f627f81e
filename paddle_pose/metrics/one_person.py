"""What metrics of one annotated person per window have in common."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from paddle_pose.errors import InputError
from paddle_pose.io import predictions_json
from paddle_pose.skeletons import Skeleton
from paddle_pose.structures import Person, Poses, Sample

Numbers = dict[str, float | np.ndarray]


class OnePerson:
    """Keeps the best pose of every annotated person, in the annotations' order.

    Attributes:
        name: of the metric, for messages.
        skeleton: names the joints.
    """

    name = ""

    def __init__(self, skeleton: Skeleton) -> None:
        """Starts empty."""
        self.skeleton = skeleton
        self._records: dict[int, tuple[Sample, np.ndarray, np.ndarray]] = {}

    def reset(self) -> None:
        """Forgets all samples."""
        self._records.clear()

    def update(self, sample: Sample, poses: Poses) -> None:
        """Takes one person's pose.

        Args:
            sample: with one annotated person in its window, crowd regions aside; a sample given twice counts once.
            poses: in image px; the best one is scored, and nobody found is a miss of every joint.

        Raises:
            InputError: If the sample has not exactly one person, or that person other joints.
        """
        person = self.target(sample)
        joints = self.skeleton.num_joints
        best = (np.full((joints, 2), np.nan), np.zeros(joints))
        if len(poses.scores):
            best = (poses.keypoints[0], poses.scores[0])
        self._records[person.annotation_id] = (sample, *best)

    def save(self, folder: Path) -> list[Path]:
        """Writes `predictions.json`; people that nothing was found of are not in it."""
        path = folder / "predictions.json"
        found = [record for record in self.ordered() if np.isfinite(record[1]).all()]
        predictions_json.write(path, self.skeleton.joints, found)
        return [path]

    def ordered(self) -> list[tuple[Sample, np.ndarray, np.ndarray]]:
        """Returns samples with keypoints [K, 2] in image px, NaN where nothing was found, and scores [K].

        Raises:
            InputError: If there were no poses.
        """
        if not self._records:
            raise InputError(f"{self.name} was asked for a score before it was given a pose")
        return [self._records[key] for key in sorted(self._records)]

    def target(self, sample: Sample) -> Person:
        """Returns the person to be found in a sample's window: the one whose window it is, if there are others in it.

        Raises:
            InputError: If there is nobody, the window shows a whole image with several people, or the person has other joints.
        """
        people = [person for person in sample.persons if not person.crowd]
        if len(people) != 1 and not (people and sample.central):
            raise InputError(f"{sample.image_path}: {self.name} needs one person per sample, got {len(people)}")
        if len(people[0].visible) != self.skeleton.num_joints:
            raise InputError(
                f"{sample.image_path}: person {people[0].annotation_id} has {len(people[0].visible)} joints, "
                f"skeleton {self.skeleton.name} {self.skeleton.num_joints}"
            )
        return people[0]


def table(title: str, values: dict[str, float], intervals: dict[str, tuple[float, float]], digits: int = 2) -> str:
    """Returns the numbers with their intervals as a text table."""
    rows = [
        f"  {name:<15}{value:7.{digits}f}   {intervals[name][0]:6.{digits}f} .. {intervals[name][1]:6.{digits}f}"
        for name, value in values.items()
    ]
    return "\n".join([title + ", 95 % bootstrap intervals", *rows])
