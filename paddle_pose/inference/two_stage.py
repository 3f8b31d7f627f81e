"""Boxes of people that a first network found, for a second one that processes them one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from paddle_pose.inference.predictor import Box, Predictor
from paddle_pose.io.frames import Frame
from paddle_pose.structures import Poses

MAX_PEOPLE = 6  # that a MoveNet finds in an image as a detector; this project's choice
MIN_BOX_SCORE = 0.2  # of a detected box in a file; this project's choice
MIN_PERSON_SCORE = 0.05  # of a person: MoveNet's scores of several people are products of two, and small
MIN_KEYPOINT_SCORE_FOR_BOX = 0.2  # of a joint that a box holds; this project's choice
MIN_VISIBLE_JOINTS = 3  # of a person; this project's choice
MARGIN = 0.1  # of the longer side: in COCO the box of a whole person is 0.05 to 0.11 of it beyond the joints, by side


def person_boxes(
    poses: Poses, min_score: float = 0.0, min_keypoint_score: float = MIN_KEYPOINT_SCORE_FOR_BOX
) -> list[Box]:
    """Returns the box of each person's joints, widened by `MARGIN` on every side, as an annotator would draw it.

    Args:
        poses: Poses in image px.
        min_score: Lowest score of a person; others are left out.
        min_keypoint_score: Lowest score of a joint that counts; a person with fewer than `MIN_VISIBLE_JOINTS` is left out.

    Returns:
        (x, y, width, height) in image px, best person first.

    Example:
        >>> poses = Poses(np.array([[[0.0, 0.0], [50.0, 100.0], [20.0, 50.0]]]), np.ones((1, 3)), np.ones(1))
        >>> person_boxes(poses)
        [(-10.0, -10.0, 70.0, 120.0)]
    """
    boxes = []
    for person in np.argsort(-poses.person_scores, kind="stable"):
        joints = poses.keypoints[person][poses.scores[person] >= min_keypoint_score]
        if len(joints) < MIN_VISIBLE_JOINTS or poses.person_scores[person] < min_score:
            continue
        low, high = joints.min(axis=0), joints.max(axis=0)
        margin = MARGIN * (high - low).max()
        if margin > 0:
            (x, y), (width, height) = low - margin, high - low + 2 * margin
            boxes.append((float(x), float(y), float(width), float(height)))
    return boxes


def detected_boxes(
    frames: Iterable[Frame],
    detector: Predictor,
    min_score: float = MIN_PERSON_SCORE,
    batch_size: int | None = None,
) -> Iterator[tuple[Frame, list[Box]]]:
    """Yields every frame with the `person_boxes` of the people that a network finds in the whole image.

    Args:
        frames: Frames of any sources.
        detector: Network that finds people.
        min_score: Lowest score of a person.
        batch_size: Images that it processes together; None as the detector was made.
    """
    for frame, poses in detector.stream(((frame, frame.pixels, None) for frame in frames), batch_size=batch_size):
        yield frame, person_boxes(poses, min_score)
