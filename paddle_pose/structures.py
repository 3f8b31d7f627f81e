"""Data structures of the pipeline: annotated people and images, samples, and decoded poses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from paddle_pose import geometry
from paddle_pose.geometry import Window

Box = tuple[float, float, float, float]
"""Box (x, y, width, height) in image px; (x, y) is the upper left corner."""

MIN_KEYPOINT_SCORE_FOR_BOX = 0.2  # minimum score of the joints that a box encloses; our choice
# Margin of a box around joints, relative to its longer side. In COCO the boxes of whole people
# extend 0.05 to 0.11 of it beyond the joints, depending on the side.
BOX_MARGIN = 0.1


class UprightRule(Protocol):
    """Whether annotations refer to images rotated as their EXIF data ask, or to the stored ones."""

    def __call__(self, path: Path, stored: tuple[int, int], orientation: int) -> bool:
        """Returns whether the annotations of an image refer to the rotated image.

        Args:
            path: Path of the image.
            stored: (width, height) in px of the stored image.
            orientation: EXIF orientation of the file, 2 to 8.
        """

    def annotated_size(self, path: Path) -> tuple[float, float] | None:
        """Returns (width, height) in px that the annotations state; None if they state none.

        Args:
            path: Path of the image.
        """


@dataclass(frozen=True, eq=False)
class Person:
    """One annotated person.

    K is the number of joints of the skeleton for which the annotations were read.

    Attributes:
        keypoints: Keypoints, [K, 2] float64 (x, y) in image px; those of unlabelled joints may have
            any value, including NaN.
        visible: Visibility, [K] int64: 0 not labelled, 1 labelled, 2 labelled and visible. In COCO
            1 means hidden; MPII's labelled joints are all 1.
        box: Box (x, y, width, height) in image px; (x, y) is the upper left corner.
        annotation_id: Id of the person's record, or the position of the record if the file has no
            ids; metrics identify people by it and sort them by it.
        area: Area of the person's segment in px^2, for OKS; 0 if unknown.
        head_size: 0.6 x diagonal of the head box in px, the unit of PCKh; NaN if unknown.
        crowd: Whether this is a region with many people rather than a single person.
    """

    keypoints: np.ndarray
    visible: np.ndarray
    box: tuple[float, float, float, float]
    annotation_id: int
    area: float = 0.0
    head_size: float = float("nan")
    crowd: bool = False

    def in_slots(self, slots: Sequence[int]) -> Person:
        """Returns the person with the joints of another skeleton, or in another order.

        Args:
            slots: For each joint of the result, its index among the present joints, as returned by
                `Skeleton.slots`. -1 is a joint that the person does not have: its keypoint is
                (0, 0), and it is not labelled.

        Raises:
            IndexError: If an index is K or more.

        Example:
            >>> keypoints, visible = np.array([[3.0, 4.0], [5.0, 6.0]]), np.array([2, 1])
            >>> person = Person(keypoints, visible, box=(0, 0, 9, 9), annotation_id=0)
            >>> person.in_slots((1, -1, 0)).visible
            array([1, 0, 2])
        """
        indices = list(slots)
        exists = np.array(slots) >= 0
        keypoints = np.where(exists[:, None], self.keypoints[indices], 0.0)
        visible = np.where(exists, self.visible[indices], 0)
        return replace(self, keypoints=keypoints, visible=visible)


@dataclass(frozen=True, eq=False)
class AnnotatedImage:
    """An image file with its annotated people.

    Attributes:
        image_id: Id of the image in the annotations.
        path: Path of the image file.
        persons: People and crowds in the order of the annotation file.
        size: (width, height) of the image in px as the annotations state it; None if they do not.
        upright_rule: Whether an EXIF rotation of the file counts; None never rotates.
    """

    image_id: int
    path: Path
    persons: tuple[Person, ...]
    size: tuple[float, float] | None = None
    upright_rule: UprightRule | None = None


@dataclass(frozen=True, eq=False)
class Sample:
    """A window on an image with the people in it: one input of the network.

    Attributes:
        image_id: Id of the image in the annotations.
        image_path: Path of the image file.
        window: Part of the image that becomes the network's input, in image px.
        persons: Annotated people in the window, in image px; empty for a detected box (the metric
            reads the ground truth itself).
        score: Score of the detected box; 1.0 for annotated boxes.
        central: Whether the window was placed on the first of `persons`, while others may be in the
            window as well.
        upright_rule: Whether an EXIF rotation of the file counts, as in `AnnotatedImage`.
    """

    image_id: int
    image_path: Path
    window: Window
    persons: tuple[Person, ...]
    score: float = 1.0
    central: bool = False
    upright_rule: UprightRule | None = None


@dataclass(frozen=True, eq=False)
class Poses:
    """The decoded poses of P people, highest person score first; all arrays are in this order.

    Attributes:
        keypoints: Keypoints, [P, K, 2] float64 (x, y); in input px if returned by a codec, in image
            px after `moved` with the matrix of `Window.to_image`.
        scores: Scores of the joints, [P, K], usually between 0 and 1.
        person_scores: Scores of the people, [P], usually between 0 and 1.
        boxes: Person boxes, [P, 4] (x, y, width, height) in the space of the keypoints: the given or
            detected boxes, those that the network predicted, or boxes around the joints; [0, 4] if
            not set.
        ids: Track ids, [P] int64, counted from 1; -1 if a person is not tracked (yet). [0] if there
            is no tracking.
        windows: Windows in which the people were found, [P, 4] (x, y, width, height) in image px;
            [0, 4] if not set.
    """

    keypoints: np.ndarray
    scores: np.ndarray
    person_scores: np.ndarray
    boxes: np.ndarray = field(default_factory=lambda: np.zeros((0, 4)))
    ids: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    windows: np.ndarray = field(default_factory=lambda: np.zeros((0, 4)))

    def chosen(self, people: np.ndarray) -> Poses:
        """Returns some of the people, with all arrays that are set.

        Args:
            people: Indices of the people in the wanted order, int; or bool [P], true for those to
                keep.

        Example:
            >>> poses = Poses(np.zeros((3, 2, 2)), np.ones((3, 2)), np.array([0.9, 0.5, 0.1]))
            >>> poses.chosen(poses.person_scores > 0.3).person_scores
            array([0.9, 0.5])
        """
        arrays = {array.name: getattr(self, array.name) for array in fields(self)}
        return Poses(
            **{name: values[people] if len(values) else values for name, values in arrays.items()}
        )

    def moved(self, matrix: np.ndarray) -> Poses:
        """Returns the same people with keypoints and boxes transformed by an affine matrix.

        A transformed box is the upright box around its transformed corners. `windows` are not
        transformed; they are in image px already.

        Args:
            matrix: Affine matrix, [2, 3], e.g. from input px to image px, see `Window.to_image`.

        Example:
            >>> poses = Poses(np.zeros((1, 2, 2)), np.ones((1, 2)), np.ones(1))
            >>> poses.moved(np.array([[1.0, 0, 3], [0, 1, 4]])).keypoints[0, 0]
            array([3., 4.])
        """
        return replace(
            self,
            keypoints=geometry.move(self.keypoints, matrix),
            boxes=geometry.move_boxes(self.boxes, matrix),
        )


def joints_box(
    keypoints: np.ndarray,
    scores: np.ndarray,
    image_size: tuple[int, int],
    min_score: float = MIN_KEYPOINT_SCORE_FOR_BOX,
) -> Box:
    """Returns the box around a person's joints, enlarged by `BOX_MARGIN` and clipped to the image.

    Args:
        keypoints: Keypoints of the person, [K, 2] (x, y) in image px, all finite.
        scores: Scores of the joints, [K].
        image_size: (width, height) of the image in px.
        min_score: Minimum score of the joints that the box encloses, inclusive; if fewer than two
            joints have this score, the box encloses all joints.

    Returns:
        Box (x, y, width, height) in image px.
    """
    counted = scores >= min_score
    return geometry.points_box(
        keypoints[counted] if counted.sum() > 1 else keypoints, BOX_MARGIN, image_size
    )


def mean_joint_score(poses: Poses, min_score: float = 0.2) -> np.ndarray:
    """Returns each person's mean score over the joints above a minimum score, [P] float64.

    It is 0 for a person without such a joint.

    Source: SimpleBaseline and HRNet, whose minimum score is 0.2.

    Args:
        poses: Poses of P people, in any space; only `scores` is used.
        min_score: Score above which a joint is included in the mean, exclusive.

    Example:
        >>> mean_joint_score(Poses(np.zeros((1, 3, 2)), np.array([[0.1, 0.5, 0.7]]), np.ones(1)))
        array([0.6])
    """
    counted = poses.scores > min_score
    means: np.ndarray = (poses.scores * counted).sum(axis=1) / np.maximum(counted.sum(axis=1), 1)
    return means
