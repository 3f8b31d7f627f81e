"""Track ids: each person keeps an id from frame to frame.

A *track* is a person in successive frames. The poses of a frame are compared with the positions at
which the tracks are expected, by OKS or by the IoU of boxes. Matching is greedy: the pose with the
highest score takes the most similar track, then the next pose takes the most similar of the other
tracks. A track is confirmed, and gets its id, after several consecutive frames with the person. A
confirmed track is kept while the person is hidden, up to an age limit, and also matches poses with
low scores.

Source: the trackers of Google's MoveNet demo (tfjs-models): OKS or box IoU, greedy, and the
    constants.
Checked against: IDF1 and identity switches of motmetrics on a synthetic video
    (tests/e2e/test_crossing_people.py).
Differs: the demo compares with a person's last position, gives an id at first sight, and has one
    minimum score; the same test measures what that costs. A box is that of the visible joints; the
    demo's network predicts boxes. The age limit is at least some frame intervals, so that videos
    with low frame rates have ids, too.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import exp
from statistics import median_low
from typing import Literal

import numpy as np

from paddle_pose.errors import InputError
from paddle_pose.metrics.oks import oks
from paddle_pose.skeletons import COCO_17, Skeleton
from paddle_pose.structures import Poses

MIN_KEYPOINT_SCORE_FOR_TRACKING = 0.3
"""Lowest score of a joint that is compared. Source: tfjs-models."""
MIN_JOINTS = 4
"""Lowest number of joints that two poses need in common for an OKS. Source: tfjs-models."""
MIN_OKS = 0.2
"""Lowest OKS of two poses of one person. Source: tfjs-models."""
MIN_IOU = 0.15
"""Lowest IoU of two boxes of one person. Source: tfjs-models."""
MIN_AGE_IN_INTERVALS = 3.5
"""Frame intervals for which a track is kept at any frame rate; this project's choice.

A person may be missed in two consecutive frames; the half allows for irregular times. A higher
limit would keep more ids at low frame rates, but give more of them to another person at the same
place.
"""
LONG_PAUSE = 1.0
"""Seconds after which a person may have stopped; this project's choice.

A pose is then also compared with the track's last position. This is the default of `max_age`, so
that only frame rates below 3.5 per second have such pauses.
"""
_VELOCITY_TIME_CONSTANT = 0.2
"""Time constant in s of the low-pass filter of velocities; this project's choice."""
_NUM_INTERVALS = 9
"""Number of frame intervals whose median is the usual interval; this project's choice."""

Similarity = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], float]
"""Function (keypoints [K, 2] in px and scores [K] of a pose, the same two of a track) -> 0..1."""


@dataclass(frozen=True, eq=False)
class _Track:
    """A person who is tracked, as of the last frame with the person.

    Attributes:
        id: Track id from 1; 0 until the track is confirmed.
        persons: Index of the person in each frame until the track was confirmed.
        seconds: Time of the last frame with the person.
        keypoints: [K, 2] image px.
        scores: [K].
        velocity: [2] px per s.
    """

    id: int
    persons: tuple[int, ...]
    seconds: float
    keypoints: np.ndarray
    scores: np.ndarray
    velocity: np.ndarray

    def expected(self, seconds: float) -> list[np.ndarray]:
        """Returns the positions [K, 2] at which the joints may be at a time.

        Args:
            seconds: Time of the frame.

        Returns:
            The position that the velocity leads to, and after a long pause also the last one.
        """
        elapsed = max(0.0, seconds - self.seconds)
        extrapolated = self.keypoints + self.velocity * elapsed
        return [extrapolated] if elapsed < LONG_PAUSE else [extrapolated, self.keypoints]

    def updated(self, poses: Poses, person: int, seconds: float, motion: bool) -> _Track:
        """Returns the track after another frame with the person.

        Args:
            poses: People of the frame, image px.
            person: Index of the person.
            seconds: Time of the frame.
            motion: Whether the velocity is updated.
        """
        keypoints = poses.keypoints[person]
        scores = poses.scores[person]
        velocity = self.velocity
        elapsed = seconds - self.seconds
        visible = _visible(scores) & _visible(self.scores)
        if motion and elapsed > 0 and visible.any():
            measured = np.median((keypoints - self.keypoints)[visible], axis=0) / elapsed
            weight = 1 - exp(-elapsed / _VELOCITY_TIME_CONSTANT)
            velocity = velocity + weight * (measured - velocity)
        return _Track(
            id=self.id,
            persons=self.persons if self.id else (*self.persons, person),
            seconds=seconds,
            keypoints=keypoints,
            scores=scores,
            velocity=velocity,
        )


class Tracker:
    """Assigns track ids to the people of one frame after another.

    Call the tracker with each frame of one video, in order.

    Args:
        skeleton: Skeleton of the poses; OKS uses its sigmas.
        by: Similarity of two poses: the OKS of their joints ("oks"), or the IoU of the boxes around
            their visible joints ("iou").
        min_similarity: Lowest similarity, 0 to 1, of two poses of one person; None uses that of
            Google's demo, `MIN_OKS` or `MIN_IOU`.
        new_track_score: Lowest person score (`Poses.person_scores`) that starts a track, at least
            `min_score`.
        min_score: Lowest person score that is matched with a track; people with lower scores get no
            id.
        min_hits: Number of consecutive frames with the person in which a track is confirmed and
            gets its id, at least 1.
        max_age: Seconds after which a confirmed track without the person is dropped, but not before
            `MIN_AGE_IN_INTERVALS` usual frame intervals. A track that is not confirmed is dropped
            in the first frame without the person.
        max_tracks: Highest number of tracks, at least 1; those seen last are kept.
        motion: Whether a track is expected at the position to which its velocity leads; otherwise
            at its last position.

    Raises:
        InputError: If `by` is unknown, or a number is out of range.

    Example:
        >>> tracker = Tracker(min_hits=1)
        >>> person = np.random.default_rng(0).uniform(0, 90, (1, 17, 2))
        >>> first = tracker(0.0, Poses(person, np.ones((1, 17)), np.ones(1)))
        >>> two = np.concatenate([person + 300, person + 1])
        >>> second = tracker(0.04, Poses(two, np.ones((2, 17)), np.ones(2)))
        >>> first.ids, second.ids
        (array([1]), array([2, 1]))
    """

    def __init__(
        self,
        skeleton: Skeleton = COCO_17,
        *,
        by: Literal["oks", "iou"] = "oks",
        min_similarity: float | None = None,
        new_track_score: float = 0.25,
        min_score: float = 0.1,
        min_hits: int = 3,
        max_age: float = 1.0,
        max_tracks: int = 18,
        motion: bool = True,
    ) -> None:
        if by not in ("oks", "iou"):
            raise InputError(f"by is {by!r}; expected 'oks' or 'iou'")
        in_range = min_hits >= 1 and max_tracks >= 1 and max_age >= 0
        if not (in_range and new_track_score >= min_score):
            raise InputError(
                f"min_hits {min_hits} and max_tracks {max_tracks} must be at least 1, "
                f"max_age {max_age} at least 0, "
                f"new_track_score {new_track_score} at least min_score {min_score}"
            )
        self._similarity: Similarity = _box_iou if by == "iou" else _Oks(skeleton)
        default = MIN_IOU if by == "iou" else MIN_OKS
        self._min_similarity = default if min_similarity is None else min_similarity
        self._new_track_score = new_track_score
        self._min_score = min_score
        self._min_hits = min_hits
        self._max_age = max_age
        self._max_tracks = max_tracks
        self._motion = motion
        self._tracks: list[_Track] = []
        self._last_id = 0
        self._confirmed: dict[int, tuple[int, ...]] = {}
        self._last_seconds: float | None = None
        self._intervals: deque[float] = deque(maxlen=_NUM_INTERVALS)

    @property
    def min_hits(self) -> int:
        """Number of consecutive frames with the person in which a track is confirmed."""
        return self._min_hits

    @property
    def active_ids(self) -> set[int]:
        """Ids of the confirmed tracks, also of those without the person in the last frame."""
        return {track.id for track in self._tracks if track.id}

    @property
    def confirmed(self) -> dict[int, tuple[int, ...]]:
        """Ids of the tracks that the last frame confirmed, each with the person's earlier indices.

        The value of an id is the index of the person in the `Poses` of each of the `min_hits` - 1
        frames before the last one, oldest first. In these frames the person had the id -1.
        """
        return self._confirmed

    def __call__(self, seconds: float, poses: Poses) -> Poses:
        """Returns the people of the next frame with their track ids.

        Args:
            seconds: Time of the frame in s, on which ages and velocities of tracks are based.
            poses: People of the frame in image px, in any order.

        Returns:
            The same people in the same order with `ids`, counted from 1. -1 is a person whose track
            is not confirmed yet, or whose score is too low.

        Raises:
            InputError: If the time is not finite.
        """
        if not np.isfinite(seconds):
            raise InputError(f"a frame's time must be finite, got {seconds}")
        max_age = self._max_age_at(seconds)
        unmatched = [track for track in self._tracks if seconds - track.seconds <= max_age]
        matched: list[_Track] = []
        self._confirmed = {}
        ids = np.full(len(poses.scores), -1, np.int64)
        for person in np.argsort(-poses.person_scores, kind="stable").tolist():
            track = self._take_track(unmatched, poses, person, seconds)
            if track is not None:
                track = self._confirm(track)
                matched.append(track)
                ids[person] = track.id or -1
        # A track that is not confirmed needs the person in every frame.
        hidden = [track for track in unmatched if track.id]
        latest_first = sorted(matched + hidden, key=lambda track: -track.seconds)
        self._tracks = latest_first[: self._max_tracks]
        return replace(poses, ids=ids)

    def _take_track(
        self, unmatched: list[_Track], poses: Poses, person: int, seconds: float
    ) -> _Track | None:
        """Returns a person's track after this frame; None if the person's score is too low.

        It is the most similar track, which is removed from the unmatched ones, or a new one.
        """
        score = poses.person_scores[person]
        if score < self._min_score:
            return None
        keypoints = poses.keypoints[person]
        scores = poses.scores[person]
        similarities = [
            max(
                self._similarity(keypoints, scores, expected, track.scores)
                for expected in track.expected(seconds)
            )
            for track in unmatched
        ]
        if similarities and max(similarities) >= self._min_similarity:
            track = unmatched.pop(int(np.argmax(similarities)))
            return track.updated(poses, person, seconds, self._motion)
        if score < self._new_track_score:
            return None
        return _Track(
            id=0,
            persons=(person,),
            seconds=seconds,
            keypoints=keypoints,
            scores=scores,
            velocity=np.zeros(2),
        )

    def _confirm(self, track: _Track) -> _Track:
        """Returns the track with the next id if it has enough hits; others as they are."""
        if track.id or len(track.persons) < self._min_hits:
            return track
        self._last_id += 1
        self._confirmed[self._last_id] = track.persons[:-1]
        return replace(track, id=self._last_id)

    def _max_age_at(self, seconds: float) -> float:
        """Returns the age limit in s in a frame.

        It is `max_age`, or `MIN_AGE_IN_INTERVALS` usual frame intervals if these are longer. The
        usual interval is the lower median of the last ones: a single pause does not change it.
        """
        if self._last_seconds is not None and seconds > self._last_seconds:
            self._intervals.append(seconds - self._last_seconds)
        self._last_seconds = seconds
        if not self._intervals:
            return self._max_age
        return max(self._max_age, MIN_AGE_IN_INTERVALS * median_low(self._intervals))


def _visible(scores: np.ndarray) -> np.ndarray:
    """Returns which joints are compared, bool [K]."""
    return scores >= MIN_KEYPOINT_SCORE_FOR_TRACKING


class _Oks:
    """OKS of a pose and a track over the joints that are visible in both.

    It is 0 for fewer than `MIN_JOINTS`. The area is that of the box around the track's visible
    joints.

    Args:
        skeleton: Joints with their sigmas.
    """

    def __init__(self, skeleton: Skeleton) -> None:
        self._sigmas = skeleton.sigmas

    def __call__(
        self,
        keypoints: np.ndarray,
        scores: np.ndarray,
        track_keypoints: np.ndarray,
        track_scores: np.ndarray,
    ) -> float:
        visible = _visible(scores) & _visible(track_scores)
        if visible.sum() < MIN_JOINTS:
            return 0.0
        size = np.ptp(track_keypoints[_visible(track_scores)], axis=0)
        area = float(np.prod(size)) + 1e-6
        return float(oks(keypoints, track_keypoints, area, self._sigmas, visible))


def _box_iou(
    keypoints: np.ndarray,
    scores: np.ndarray,
    track_keypoints: np.ndarray,
    track_scores: np.ndarray,
) -> float:
    """Returns the IoU of the boxes around the visible joints; 0 if a pose has none."""
    points = keypoints[_visible(scores)]
    track_points = track_keypoints[_visible(track_scores)]
    if not (len(points) and len(track_points)):
        return 0.0
    low = np.maximum(points.min(axis=0), track_points.min(axis=0))
    high = np.minimum(points.max(axis=0), track_points.max(axis=0))
    intersection = float(np.prod(np.maximum(high - low, 0)))
    areas = np.prod(np.ptp(points, axis=0)) + np.prod(np.ptp(track_points, axis=0))
    union = float(areas) - intersection
    return intersection / union if union > 0 else 0.0
