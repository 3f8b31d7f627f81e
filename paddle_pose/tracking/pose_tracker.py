"""Tracking and smoothing of the people in a video: between predicting poses and using them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

import numpy as np

from paddle_pose.codecs.base import Codec
from paddle_pose.geometry import Window, box_window
from paddle_pose.structures import Poses, joints_box
from paddle_pose.tracking.crop_region import MIN_POSE_SCORE, next_window, pose_score, whole_square
from paddle_pose.tracking.one_euro import OneEuro
from paddle_pose.tracking.tracker import Tracker

T = TypeVar("T")


class WindowPredictor(Protocol):
    """Interface to a network that finds people in a window, see `inference.predictor.Predictor`."""

    @property
    def codec(self) -> Codec:
        """Codec of the network's maps, whose skeleton and input size are used."""

    def predict_window(self, image: np.ndarray, window: Window) -> Poses:
        """Returns the people in a window on an image.

        Args:
            image: Image, uint8 RGB [h, w, 3].
            window: Window in image px, with the aspect ratio of the network's input; it may extend
                beyond the image.

        Returns:
            Poses in image px, highest person score first; without people if nobody is found.
        """


class PoseTracker:
    """Assigns track ids to the people of one video, and smooths their keypoints.

    A track is confirmed in the third consecutive frame with the person (`Tracker.min_hits`). The
    person then has the id in the two frames before, too; for this each frame waits for the next
    two.

    Args:
        tracker: Tracker that confirms tracks, without frames so far; None uses a `Tracker` with the
            default arguments.
        smoother: Function without arguments that returns a new filter, which is called with the
            keypoints [K, 2] of one person as fractions of the image's width and height, and the
            time in s. A filter starts at the first frame of a track and is dropped with the track.
            None smooths nothing.

    Example:
        >>> keypoints = np.random.default_rng(0).uniform(0, 90, (1, 17, 2))
        >>> poses = Poses(keypoints, np.ones((1, 17)), np.ones(1))
        >>> frames = [(number, number / 25, (640, 480), poses) for number in (0, 1, 2, 3, 200)]
        >>> [(number, poses.ids.tolist()) for number, poses in PoseTracker().stream(frames)]
        [(0, [1]), (1, [1]), (2, [1]), (3, [1]), (200, [-1])]
    """

    def __init__(
        self, tracker: Tracker | None = None, smoother: Callable[[], OneEuro] | None = OneEuro
    ) -> None:
        self._tracker = tracker or Tracker()
        self._smoother = smoother
        self._filters: dict[int, OneEuro] = {}

    def stream(
        self, frames: Iterable[tuple[T, float, tuple[int, int], Poses]]
    ) -> Iterator[tuple[T, Poses]]:
        """Yields the people of each frame with ids; `Tracker.min_hits` - 1 frames wait in memory.

        Args:
            frames: (label, time in s, (width, height) of the image in px, poses in image px) of
                each frame of the video, in order. The label may be anything, such as the image.

        Yields:
            (label, poses) of each frame, in the same order: the same people in image px with
            `Poses.ids`; -1 is a person whose track was never confirmed. The keypoints of the others
            are smoothed.

        Raises:
            InputError: If a time, or a keypoint to smooth, is not finite.
            Exception: What `frames` raises; all frames before the error are yielded first.
        """
        waiting: deque[_Frame[T]] = deque()
        failure: Exception | None = None
        try:
            for label, seconds, image_size, poses in frames:
                waiting.append(_Frame(label, seconds, image_size, self._tracker(seconds, poses)))
                self._complete_ids(waiting)
                if len(waiting) == self._tracker.min_hits:
                    yield self._take_first(waiting)
        except Exception as problem:
            failure = problem
        while waiting:
            yield self._take_first(waiting)
        if failure is not None:
            raise failure

    def _complete_ids(self, waiting: deque[_Frame[T]]) -> None:
        """Adds the ids of tracks that the last frame confirmed to the frames before it."""
        for track_id, persons in self._tracker.confirmed.items():
            earlier = list(waiting)[-1 - len(persons) : -1]
            for frame, person in zip(earlier, persons, strict=True):
                frame.poses.ids[person] = track_id

    def _take_first(self, waiting: deque[_Frame[T]]) -> tuple[T, Poses]:
        """Removes the first frame; returns its label and its people, smoothed."""
        frame = waiting.popleft()
        if self._smoother is None:
            return frame.label, frame.poses
        keypoints = np.array(frame.poses.keypoints, np.float64)
        for person, track_id in enumerate(frame.poses.ids.tolist()):
            if track_id == -1:
                continue
            if track_id not in self._filters:
                self._filters[track_id] = self._smoother()
            normalized = keypoints[person] / frame.image_size
            smoothed = self._filters[track_id](normalized, frame.seconds)
            keypoints[person] = smoothed * frame.image_size
        needed = self._tracker.active_ids.union(*(later.poses.ids.tolist() for later in waiting))
        self._filters = {key: value for key, value in self._filters.items() if key in needed}
        return frame.label, replace(frame.poses, keypoints=keypoints)


@dataclass(frozen=True, eq=False)
class _Frame(Generic[T]):
    """A frame that waits for the next ones.

    Attributes:
        label: Label of the frame.
        seconds: Time of the frame.
        image_size: (width, height) px.
        poses: People of the frame with the ids so far; later frames may add some.
    """

    label: T
    seconds: float
    image_size: tuple[int, int]
    poses: Poses


class SinglePersonVideo:
    """Tracks one person: the window is the square around the person of the previous frame.

    Call the tracker with each frame of one video, in order.

    Source: Google's MoveNet on TF-Hub and in tfjs-models; see `crop_region` and `one_euro`. As
        there, the next square is that of the smoothed pose, and after a pose below
        `MIN_POSE_SCORE` window and filter start anew.

    Args:
        predictor: Network that finds people in a window; the one with the highest score is used.
        smoother: Function without arguments that returns a new filter; see `PoseTracker`. None
            smooths nothing.
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
        """Returns the person in the next frame.

        Args:
            seconds: Time of the frame in s.
            image: Frame of the video, uint8 RGB [h, w, 3].

        Returns:
            One person in image px, with the box around the joints, the window, and a track id that
            is 1 at first and one higher each time the person is found again; no person if nobody is
            found.

        Raises:
            InputError: If the time or a keypoint to smooth is not finite.
            ValueError: If the skeleton has no hips and shoulders; see `next_window`.
        """
        image_size = (image.shape[1], image.shape[0])
        codec = self._predictor.codec
        window = self._window or whole_square(image_size)
        input_window = box_window(window.box, codec.input_size, context=1.0)
        poses = self._predictor.predict_window(image, input_window)
        if not len(poses.scores) or pose_score(poses.scores[0]) < MIN_POSE_SCORE:
            self._window = None
            self._filter = None
            return Poses(poses.keypoints[:0], poses.scores[:0], poses.person_scores[:0])
        if self._window is None:
            self._id += 1
            self._filter = None if self._smoother is None else self._smoother()
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
