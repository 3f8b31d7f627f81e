"""Boxes round people that a first network found, for a second one to look at each more closely."""

from __future__ import annotations

import numpy as np

from paddle_pose.structures import Poses

MIN_KEYPOINT_SCORE_FOR_BOX = 0.2  # a joint with this score is seen
MIN_VISIBLE_JOINTS = 3  # joints that make a person
MARGIN = 0.1  # of the longer side: in COCO the box of a whole person is 0.05 to 0.11 of it beyond the joints, by side


def person_boxes(
    poses: Poses, min_score: float = 0.0, seen: float = MIN_KEYPOINT_SCORE_FOR_BOX
) -> list[tuple[float, float, float, float]]:
    """Returns the box of each person's joints, widened by `MARGIN` on every side, as an annotator would draw it.

    Args:
        poses: in image px.
        min_score: people below it are left out.
        seen: joints below this score do not count; who has fewer than `MIN_VISIBLE_JOINTS` others is left out.

    Returns:
        (x, y, width, height) in image px, best person first.

    Example:
        >>> poses = Poses(np.array([[[0.0, 0.0], [50.0, 100.0], [20.0, 50.0]]]), np.ones((1, 3)), np.ones(1))
        >>> person_boxes(poses)
        [(-10.0, -10.0, 70.0, 120.0)]
    """
    boxes = []
    for person in np.argsort(-poses.person_scores, kind="stable"):
        joints = poses.keypoints[person][poses.scores[person] >= seen]
        if len(joints) < MIN_VISIBLE_JOINTS or poses.person_scores[person] < min_score:
            continue
        low, high = joints.min(axis=0), joints.max(axis=0)
        margin = MARGIN * (high - low).max()
        if margin > 0:
            (x, y), (width, height) = low - margin, high - low + 2 * margin
            boxes.append((float(x), float(y), float(width), float(height)))
    return boxes
