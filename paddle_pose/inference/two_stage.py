"""Person detection with a pose network of several people, for a second network that takes boxes."""

from __future__ import annotations

import numpy as np

from paddle_pose.geometry import points_box
from paddle_pose.inference.detection.base import Detections
from paddle_pose.inference.predictor import Predictor
from paddle_pose.structures import BOX_MARGIN, MIN_KEYPOINT_SCORE_FOR_BOX, Poses

MAX_PEOPLE = 6
"""Highest number of people that a MoveNet detects in an image; this project's choice."""
MIN_BOX_SCORE = 0.2
"""Lowest score of a detected box in a file of boxes; this project's choice."""
MIN_PERSON_SCORE = 0.05
"""Lowest score of a person that a MoveNet detects; this project's choice.

MoveNet's scores of several people are products of two scores, and small.
"""
MIN_VISIBLE_JOINTS = 3
"""Lowest number of visible joints of a detected person; this project's choice."""


class PoseDetector:
    """Person detector made of a pose network of several people; a `Detector`.

    Args:
        predictor: Network that predicts the poses of several people in the whole image.
        min_score: Lowest score of a person; others are left out.
    """

    def __init__(self, predictor: Predictor, min_score: float = MIN_PERSON_SCORE) -> None:
        self._predictor = predictor
        self._min_score = min_score

    def __call__(self, image: np.ndarray) -> Detections:
        """Returns the people in an image, highest score first; see `person_boxes`.

        Args:
            image: uint8 RGB [h, w, 3].

        Returns:
            Boxes [D, 4] (x, y, width, height) in image px around the joints, with a margin, and the
            scores [D] of the people by the pose network.

        Raises:
            InputError: If the image is not uint8 [h, w, 3].
        """
        return person_boxes(self._predictor(image), self._min_score)


def person_boxes(
    poses: Poses, min_score: float = 0.0, min_keypoint_score: float = MIN_KEYPOINT_SCORE_FOR_BOX
) -> Detections:
    """Returns the box around each person's visible joints, with a margin on every side.

    The margin is `BOX_MARGIN` times the longer side, which makes the box similar to the one that an
    annotator would draw. Boxes are not clipped to the image.

    Args:
        poses: Poses in image px.
        min_score: Lowest score of a person; others are left out.
        min_keypoint_score: Lowest score of a visible joint; a person with fewer than
            `MIN_VISIBLE_JOINTS` visible joints is left out.

    Returns:
        Boxes [D, 4] (x, y, width, height) in image px and the people's scores [D], highest first.

    Example:
        >>> keypoints = np.array([[[0.0, 0.0], [50.0, 100.0], [20.0, 50.0]]])
        >>> person_boxes(Poses(keypoints, np.ones((1, 3)), np.ones(1)))
        Detections(boxes=array([[-10., -10.,  70., 120.]]), scores=array([1.]))
    """
    boxes: list[tuple[float, float, float, float]] = []
    scores: list[float] = []
    for person in np.argsort(-poses.person_scores, kind="stable"):
        joints = poses.keypoints[person][poses.scores[person] >= min_keypoint_score]
        if len(joints) < MIN_VISIBLE_JOINTS or poses.person_scores[person] < min_score:
            continue
        box = points_box(joints, BOX_MARGIN)
        if max(box[2:]) > 0:
            boxes.append(box)
            scores.append(float(poses.person_scores[person]))
    return Detections(np.array(boxes, np.float64).reshape(-1, 4), np.array(scores, np.float64))
