"""People of a video, tracked and smoothed: a step between predicting poses and using them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import numpy as np

from paddle_pose.codecs.base import Codec
from paddle_pose.geometry import Window, box_window
from paddle_pose.structures import Poses, joints_box
from paddle_pose.tracking.crop_region import MIN_POSE_SCORE, next_window, pose_score, whole_square
from paddle_pose.tracking.one_euro import OneEuro
from paddle_pose.tracking.tracker import Tracker


class WindowPredictor(Protocol):
    """A network that finds people in a window on an image, such as `inference.predictor.Predictor`."""

    @property
    def codec(self) -> Codec:
        """Codec of the network's maps; it states the skeleton and the input size."""

    def through(self, image: np.ndarray, window: Window) -> Poses:
        """Returns the people in a window, best first.

        Args:
            image: uint8 RGB [h, w, 3].
            window: Window in image px.

        Returns:
            Poses in image px.
        """


class PoseTracker:
    """Gives people ids and smooths the keypoints of everybody who has one; a lost person's filter is forgotten.

    Args:
        tracker: Tracker that gives the ids; None makes one with its default rules.
        smoother: Function that makes a person's filter; None smooths nothing.

    Example:
        >>> pose_tracker = PoseTracker(Tracker(min_hits=1))
        >>> poses = Poses(np.random.default_rng(0).uniform(0, 90, (1, 17, 2)), np.ones((1, 17)), np.ones(1))
        >>> [pose_tracker(seconds, (640, 480), poses).ids.tolist() for seconds in (0.0, 0.04, 3.0)]
        [[1], [1], [2]]
    """

    def __init__(
        self, tracker: Tracker | None = None, smoother: Callable[[], OneEuro] | None = OneEuro
    ) -> None:
        self._tracker = tracker or Tracker()
        self._smoother = smoother
        self._filters: dict[int, OneEuro] = {}

    def __call__(self, seconds: float, image_size: tuple[int, int], poses: Poses) -> Poses:
        """Tracks people into the next frame.

        Args:
            seconds: Time of the frame.
            image_size: (width, height) px.
            poses: People of the frame, image px.

        Returns:
            The same people with ids; the keypoints of those who have one are smoothed.
        """
        poses = self._tracker(seconds, poses)
        if self._smoother is None:
            return poses
        self._filters = {
            track_id: self._filters.get(track_id) or self._smoother()
            for track_id in self._tracker.alive
        }
        keypoints = np.array(poses.keypoints, np.float64)
        for person, track_id in enumerate(poses.ids.tolist()):
            if track_id in self._filters:
                smooth = self._filters[track_id]
                keypoints[person] = smooth(keypoints[person] / image_size, seconds) * image_size
        return replace(poses, keypoints=keypoints)


class SinglePersonVideo:
    """Tracks one person: looks through the square round the person of the previous frame, and smooths.

    Source: Google's MoveNet on TF-Hub and in tfjs-models; see `crop_region` and `one_euro`. As there, the next square is that
        of the smoothed pose, and a pose that is given up starts everything anew.

    Args:
        predictor: Network that finds people in a window; the best one counts.
        smoother: Function that makes the person's filter; None smooths nothing.
    """

    def __init__(
        self, predictor: WindowPredictor, smoother: Callable[[], OneEuro] | None = OneEuro
    ) -> None:
        self._predictor = predictor
        self._smoother = smoother
        self._window: Window | None = None
        self._filter: OneEuro | None = None
        self._id = 0

    def __call__(self, seconds: float, image: np.ndarray) -> Poses:
        """Finds the person in the next frame.

        Args:
            seconds: Time of the frame.
            image: uint8 RGB [h, w, 3].

        Returns:
            The person in image px with its box, the window, and a track id that rises whenever the person was
            lost; or nobody.
        """
        image_size, codec = (image.shape[1], image.shape[0]), self._predictor.codec
        window = self._window or whole_square(image_size)
        poses = self._predictor.through(
            image, box_window(window.box, codec.input_size, context=1.0)
        )
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
        person = Poses(
            keypoints,
            poses.scores[:1],
            poses.person_scores[:1],
            boxes=np.array([joints_box(keypoints[0], poses.scores[0], image_size)]),
            windows=np.array([window.box]),
            ids=np.array([self._id]),
        )
        self._window = next_window(person, image_size, self._window, skeleton=codec.skeleton)
        return person
