"""People of a video, followed and smoothed: a step between finding poses and using them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from paddle_pose.geometry import Window, box_window
from paddle_pose.inference.predictor import Predictor
from paddle_pose.structures import Poses
from paddle_pose.tracking.crop_region import MIN_POSE_SCORE, next_window, pose_score, whole_square
from paddle_pose.tracking.one_euro import OneEuro
from paddle_pose.tracking.tracker import Tracker


class PoseTracker:
    """Gives people ids and smooths everybody who has one; whoever is lost is forgotten.

    Example:
        >>> pose_tracker = PoseTracker(Tracker(min_hits=1))
        >>> poses = Poses(np.random.default_rng(0).uniform(0, 90, (1, 17, 2)), np.ones((1, 17)), np.ones(1))
        >>> [follow(seconds, (640, 480), poses).ids.tolist() for seconds in (0.0, 0.04, 3.0)]
        [[1], [1], [2]]
    """

    def __init__(self, tracker: Tracker | None = None, smoother: Callable[[], OneEuro] | None = OneEuro) -> None:
        """Takes the parts.

        Args:
            tracker: None makes one with the usual rules.
            smoother: makes a person's filter; None smooths nothing.
        """
        self._tracker, self._smoother = tracker or Tracker(), smoother
        self._filters: dict[int, OneEuro] = {}

    def __call__(self, seconds: float, image_size: tuple[int, int], poses: Poses) -> Poses:
        """Follows people into the next frame.

        Args:
            seconds: the frame's time.
            image_size: (width, height) px.
            poses: who was found, image px.

        Returns:
            The same people with ids, and smoothed who has one.
        """
        poses = self._tracker(seconds, poses)
        if self._smoother is None:
            return poses
        self._filters = {who: self._filters.get(who) or self._smoother() for who in self._tracker.alive}
        keypoints = np.array(poses.keypoints, np.float64)
        for p, who in enumerate(poses.ids.tolist()):
            if who in self._filters:
                keypoints[p] = self._filters[who](keypoints[p] / image_size, seconds) * image_size
        return replace(poses, keypoints=keypoints)


class SinglePersonVideo:
    """Follows one person: looks through the square round the person of the previous frame, and smooths.

    Source: Google's MoveNet on TF-Hub and in tfjs-models; see `crop_region` and `smoothing`. As there, the next square is that of
        the smoothed pose, and a pose that is given up starts everything anew.
    """

    def __init__(self, predictor: Predictor, smoother: Callable[[], OneEuro] | None = OneEuro) -> None:
        """Takes the parts.

        Args:
            predictor: finds people in a window; the best one counts.
            smoother: makes the person's filter; None smooths nothing.
        """
        self._predictor, self._smoother = predictor, smoother
        self._window: Window | None = None
        self._filter: OneEuro | None = None
        self._id = 0

    def __call__(self, seconds: float, image: np.ndarray) -> Poses:
        """Looks at the next frame.

        Args:
            seconds: its time.
            image: uint8 RGB [h, w, 3].

        Returns:
            The person in image px with the window as box, and an id that rises whenever somebody was lost; or nobody.
        """
        image_size, codec = (image.shape[1], image.shape[0]), self._predictor.codec
        window = self._window or whole_square(image_size)
        corner = np.array(window.center) - np.array(window.size) / 2
        box = (float(corner[0]), float(corner[1]), *window.size)
        poses = self._predictor.through(image, box_window(box, codec.input_size, context=1.0))
        found = len(poses.scores) > 0 and pose_score(poses.scores[0]) >= MIN_POSE_SCORE
        if not found:
            self._window = self._filter = None
            return Poses(poses.keypoints[:0], poses.scores[:0], poses.person_scores[:0])
        if self._window is None:
            self._id += 1
            self._filter = self._smoother and self._smoother()
        keypoints = np.array(poses.keypoints[:1], np.float64)
        if self._filter is not None:
            keypoints = self._filter(keypoints / image_size, seconds) * image_size
        person = Poses(keypoints, poses.scores[:1], poses.person_scores[:1], np.array([box]), np.array([self._id]))
        self._window = next_window(person, image_size, self._window, skeleton=codec.skeleton)
        return person
