"""Boxes of people in a video with a detector that runs on some frames only."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from paddle_pose.errors import InputError
from paddle_pose.inference.detection.base import Detections, Detector
from paddle_pose.inference.two_stage import person_boxes
from paddle_pose.structures import MIN_KEYPOINT_SCORE_FOR_BOX, Poses, mean_joint_score


class EveryNth:
    """Runs a detector on every n-th frame of one video; other boxes come from the previous poses.

    If the detector found people and all of them are lost before the n-th frame, the detector runs
    at once; if it found none, it runs on the n-th frame.

    Args:
        detector: Person detector; its boxes are not checked, see `pipeline.detected`.
        n: Number of frames from one run to the next; 1 runs the detector on all frames.
        min_keypoint_score: Lowest score of a joint of the previous frame that the box encloses; see
            `two_stage.person_boxes`, which makes the boxes.

    Raises:
        InputError: If `n` is below 1.

    Example:
        >>> from paddle_pose.inference.detection.base import Detections
        >>> def detector(image):
        ...     return Detections(np.array([[10.0, 10, 50, 100]]), np.array([0.9]))
        >>> every_fifth = EveryNth(detector, n=5)
        >>> image = np.zeros((200, 200, 3), np.uint8)
        >>> every_fifth.boxes(0, image, None)
        Detections(boxes=array([[ 10.,  10.,  50., 100.]]), scores=array([0.9]))
        >>> joints = np.array([[[20.0, 20.0], [60.0, 120.0], [40.0, 60.0]]])
        >>> every_fifth.boxes(1, image, Poses(joints, np.ones((1, 3)), np.array([0.9]))).boxes
        array([[ 10.,  10.,  60., 120.]])
    """

    def __init__(
        self, detector: Detector, n: int, *, min_keypoint_score: float = MIN_KEYPOINT_SCORE_FOR_BOX
    ) -> None:
        if n < 1:
            raise InputError(f"n is {n}: a detector runs on every n-th frame; expected at least 1")
        self._detector = detector
        self._n = n
        self._min_keypoint_score = min_keypoint_score
        self._detected_at: int | None = None
        self._found_people = False

    def boxes(self, frame_index: int, image: np.ndarray, previous: Poses | None) -> Detections:
        """Returns the people in a frame: detected ones, or boxes around those of the frame before.

        A box around the joints of a previous pose keeps the score of the box in which the pose was
        found. Call it once for each frame, in order.

        Args:
            frame_index: Number of the frame. The detector runs if the number is lower than that of
                its last run, or higher by n or more.
            image: uint8 RGB [h, w, 3].
            previous: Poses in the previous frame, in image px, with person scores as from
                `pipeline.rescored`; None for the first frame, on which the detector runs.

        Returns:
            Boxes [D, 4] (x, y, width, height) in image px and their scores [D].

        Raises:
            InputError: If the detector raises it.
        """
        last = self._detected_at
        if previous is not None and last is not None and last <= frame_index < last + self._n:
            box_scores = previous.person_scores / np.maximum(mean_joint_score(previous), 1e-9)
            moved = person_boxes(
                replace(previous, person_scores=box_scores),
                min_keypoint_score=self._min_keypoint_score,
            )
            if len(moved.scores) or not self._found_people:
                return moved
        found = Detections(*self._detector(image))
        self._detected_at = frame_index
        self._found_people = len(found.scores) > 0
        return found
