"""What flows through the project: annotated people, samples with their window, and decoded poses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from paddle_pose import geometry
from paddle_pose.geometry import Window

Box = tuple[float, float, float, float]
"""(x, y, width, height) in image px."""

MIN_KEYPOINT_SCORE_FOR_BOX = 0.2  # of a joint that a box holds; this project's choice
BOX_MARGIN = 0.1  # of the longer side: in COCO the box of a whole person is 0.05 to 0.11 of it beyond the joints, by side


@dataclass(frozen=True, eq=False)
class Person:
    """One annotated person.

    Attributes:
        keypoints: [K, 2] float64 (x, y) in image px; the value of an unlabelled joint means nothing.
        visible: [K] int64: 0 not labelled, 1 labelled, 2 labelled and seen (COCO's third value).
        box: (x, y, width, height) in image px.
        annotation_id: the record's id, or its position in a file that has none; metrics keep this order.
        area: px^2 of the person's segment, for OKS; 0 where unknown.
        head_size: 0.6 x diagonal of the head box in px, the unit of PCKh; NaN where unknown.
        crowd: whether this is a region of many people rather than a person.
    """

    keypoints: np.ndarray
    visible: np.ndarray
    box: tuple[float, float, float, float]
    annotation_id: int
    area: float = 0.0
    head_size: float = float("nan")
    crowd: bool = False

    def in_slots(self, slots: Sequence[int]) -> Person:
        """Returns the same person in another order of joints.

        Args:
            slots: of `Skeleton.slots`; a joint whose slot is -1 is not labelled.

        Example:
            >>> person = Person(np.array([[3.0, 4.0], [5.0, 6.0]]), np.array([2, 1]), (0, 0, 9, 9), 0)
            >>> person.in_slots((1, -1, 0)).visible
            array([1, 0, 2])
        """
        chosen, there = list(slots), np.array(slots) >= 0
        keypoints = np.where(there[:, None], self.keypoints[chosen], 0.0)
        return replace(self, keypoints=keypoints, visible=np.where(there, self.visible[chosen], 0))


@dataclass(frozen=True, eq=False)
class AnnotatedImage:
    """An image file with everybody annotated in it.

    Attributes:
        image_id: as in the annotations.
        path: the file.
        persons: people and crowds, in the file's order.
        size: (width, height) in px; None where the annotations do not say.
    """

    image_id: int
    path: Path
    persons: tuple[Person, ...]
    size: tuple[float, float] | None = None


@dataclass(frozen=True, eq=False)
class Sample:
    """One look at an image: a window, and the people to be found in it.

    Attributes:
        image_id: as in the annotations.
        image_path: the file.
        window: what the network sees, in image px.
        persons: the annotated people in the window; empty for a detected box (the metric owns its ground truth).
        score: the detector's, 1.0 for annotated boxes.
        central: whether the window is the first person's, whoever else is in it.
    """

    image_id: int
    image_path: Path
    window: Window
    persons: tuple[Person, ...]
    score: float = 1.0
    central: bool = False


@dataclass(frozen=True, eq=False)
class Poses:
    """P decoded persons, best first.

    Attributes:
        keypoints: [P, K, 2] (x, y); the space is the producer's: input px from a codec, image px after `moved`.
        scores: [P, K], 0..1 for trained maps.
        person_scores: [P].
        boxes: [P, 4] (x, y, width, height) of each person, image px: the given box, else that round the joints; may be empty.
        ids: [P] int64, who is who from frame to frame, counted from 1; -1 is not followed (yet). Empty where nobody follows.
        windows: [P, 4] (x, y, width, height) of the part of the image that each person was found in, image px; may be empty.
    """

    keypoints: np.ndarray
    scores: np.ndarray
    person_scores: np.ndarray
    boxes: np.ndarray = field(default_factory=lambda: np.zeros((0, 4)))
    ids: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    windows: np.ndarray = field(default_factory=lambda: np.zeros((0, 4)))

    def moved(self, matrix: np.ndarray) -> Poses:
        """Returns the same people with their keypoints moved by an affine [2, 3] matrix.

        Example:
            >>> poses = Poses(np.zeros((1, 2, 2)), np.ones((1, 2)), np.ones(1))
            >>> poses.moved(np.array([[1.0, 0, 3], [0, 1, 4]])).keypoints[0, 0]
            array([3., 4.])
        """
        return replace(self, keypoints=geometry.move(self.keypoints, matrix))


def joints_box(
    keypoints: np.ndarray,
    scores: np.ndarray,
    image_size: tuple[int, int],
    min_score: float = MIN_KEYPOINT_SCORE_FOR_BOX,
) -> Box:
    """Returns the box around a person's joints, widened by `BOX_MARGIN` and clipped to the image.

    Args:
        keypoints: [K, 2] in image px.
        scores: [K].
        image_size: (width, height) of the image in px.
        min_score: Lowest score of a joint that counts; all joints count where fewer than two have it.

    Returns:
        (x, y, width, height) in image px.
    """
    counted = scores >= min_score
    return geometry.points_box(
        keypoints[counted] if counted.sum() > 1 else keypoints, BOX_MARGIN, image_size
    )


def mean_joint_score(poses: Poses, min_score: float = 0.2) -> np.ndarray:
    """Returns float64 [P]: each person's mean score of the joints whose score is above a least one; 0 where none is.

    Source: SimpleBaseline and HRNet, whose least score is 0.2.

    Args:
        poses: People.
        min_score: Least score of a joint that counts.

    Example:
        >>> mean_joint_score(Poses(np.zeros((1, 3, 2)), np.array([[0.1, 0.5, 0.7]]), np.ones(1)))
        array([0.6])
    """
    counted = poses.scores > min_score
    means: np.ndarray = (poses.scores * counted).sum(axis=1) / np.maximum(counted.sum(axis=1), 1)
    return means
