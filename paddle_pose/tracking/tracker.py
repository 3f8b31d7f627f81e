"""Who is who: people keep their ids from frame to frame.

Everybody found is compared with everybody followed, where their motion has taken them by now. Best first, each takes the most
similar of those left. It is hard to be born, a person must be seen in some frames running, and hard to die: somebody followed
may be hidden for a while, or found with a low score.

Source: the trackers of Google's MoveNet demo (tfjs-models): OKS or box IoU, greedy, and the constants.
Checked against: motmetrics' IDF1 and identity switches on a drawn video (tests/e2e/test_crossing_people.py).
Differs: the demo compares with the last place somebody was seen at, gives an id at first sight, and has one least score; the
    same test measures what that costs. A box is that of the joints seen; the demo's network predicts boxes. The age limit
    is at least some frame intervals, so that low frame rates have ids, too.
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

MIN_KEYPOINT_SCORE_FOR_TRACKING = 0.3  # a joint with this score is compared
MIN_JOINTS = 4
MIN_OKS, MIN_IOU = 0.2, 0.15
MIN_AGE_IN_INTERVALS = 3.5
"""Frame intervals for which a track is kept at any frame rate; this project's choice.

A person may be missed in two frames running, and the half allows for irregular times. More frames would keep more ids at low
frame rates, and give more of them to the next person who stands at the same place.
"""
LONG_PAUSE = 1.0
"""Seconds after which a person may have stopped: a pose is then compared with the track's last position, too.

It is the default of `max_age`, so that only frame rates below 3.5 per second have such pauses; this project's choice.
"""
_INERTIA = 0.2  # s over which a motion is averaged
_NUM_INTERVALS = 9  # last frame intervals, whose median is the usual one


@dataclass(frozen=True, eq=False)
class _Track:
    """Somebody followed: last seen at `seconds` with `keypoints` [K, 2] and `scores` [K], moving with `velocity` [2] px / s."""

    id: int  # 0: not born yet
    frames: int
    seconds: float
    keypoints: np.ndarray
    scores: np.ndarray
    velocity: np.ndarray

    def expected(self, seconds: float) -> list[np.ndarray]:
        """Returns the positions [K, 2] that the joints may have at a time: moved on, and after a long pause also the last one."""
        elapsed = max(0.0, seconds - self.seconds)
        moved = self.keypoints + self.velocity * elapsed
        return [moved] if elapsed < LONG_PAUSE else [moved, self.keypoints]

    def seen(
        self, seconds: float, keypoints: np.ndarray, scores: np.ndarray, moves: bool
    ) -> _Track:
        """Returns the track after another sight."""
        velocity, elapsed, both = (
            self.velocity,
            seconds - self.seconds,
            (scores >= MIN_KEYPOINT_SCORE_FOR_TRACKING)
            & (self.scores >= MIN_KEYPOINT_SCORE_FOR_TRACKING),
        )
        if moves and elapsed > 0 and both.any():
            now = np.median((keypoints - self.keypoints)[both], axis=0) / elapsed
            velocity = velocity + (1 - exp(-elapsed / _INERTIA)) * (now - velocity)
        return _Track(self.id, self.frames + 1, seconds, keypoints, scores, velocity)


class Tracker:
    """Gives everybody an id, one frame at a time.

    Example:
        >>> tracker = Tracker(min_hits=1)
        >>> here = np.random.default_rng(0).uniform(0, 90, (1, 17, 2))
        >>> first = tracker(0.0, Poses(here, np.ones((1, 17)), np.ones(1)))
        >>> both = Poses(np.concatenate([here + 300, here + 1]), np.ones((2, 17)), np.ones(2))
        >>> first.ids, tracker(0.04, both).ids
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
        """Takes the rules.

        Args:
            skeleton: its sigmas are OKS's.
            by: what makes people similar: their joints, or the boxes round them.
            min_similarity: of the same person; None takes the demo's: OKS 0.2, IoU 0.15.
            new_track_score: of somebody new.
            min_score: of somebody followed; a lower one goes unfollowed.
            min_hits: in how many frames running somebody new must be seen to get an id.
            max_age: s after which somebody not seen is given up, but not before `MIN_AGE_IN_INTERVALS` frame intervals.
            max_tracks: the most people followed; those seen last stay.
            motion: whether people are expected where their motion takes them, or where they were.

        Raises:
            InputError: If `by` is another one, or a number is out of range.
        """
        if by not in ("oks", "iou"):
            raise InputError(f"by is {by!r}; expected 'oks' or 'iou'")
        if not (
            min_hits >= 1 and max_tracks >= 1 and max_age >= 0 and new_track_score >= min_score
        ):
            raise InputError(
                f"min_hits {min_hits} and max_tracks {max_tracks} must be at least 1, max_age {max_age} at least 0, "
                f"new_track_score {new_track_score} at least min_score {min_score}"
            )
        self._similar: Callable[..., float] = _box_iou if by == "iou" else _Oks(skeleton)
        default = MIN_IOU if by == "iou" else MIN_OKS
        self._min_similarity = default if min_similarity is None else min_similarity
        self._new_track_score, self._min_score, self._min_hits = (
            new_track_score,
            min_score,
            min_hits,
        )
        self._max_age, self._max_tracks, self._motion = max_age, max_tracks, motion
        self._tracks: list[_Track] = []
        self._born = 0
        self._seconds: float | None = None
        self._intervals: deque[float] = deque(maxlen=_NUM_INTERVALS)

    @property
    def alive(self) -> set[int]:
        """The ids of everybody followed, seen in the last frame or not."""
        return {track.id for track in self._tracks if track.id}

    def __call__(self, seconds: float, poses: Poses) -> Poses:
        """Follows people into the next frame.

        Args:
            seconds: the frame's time; people age and move by it.
            poses: who was found, px.

        Returns:
            The same people with ids; -1 who is not born yet, or found with too low a score.

        Raises:
            InputError: If the time is not finite.
        """
        if not np.isfinite(seconds):
            raise InputError(f"a frame's time must be finite, got {seconds}")
        max_age = self._max_age_at(seconds)
        left = [track for track in self._tracks if seconds - track.seconds <= max_age]
        tracked: list[_Track] = []
        ids = np.full(len(poses.scores), -1, np.int64)
        for p in np.argsort(-poses.person_scores, kind="stable"):
            keypoints, scores, score = poses.keypoints[p], poses.scores[p], poses.person_scores[p]
            if score < self._min_score:
                continue
            similar = [
                max(
                    self._similar(keypoints, scores, expected, track.scores)
                    for expected in track.expected(seconds)
                )
                for track in left
            ]
            if similar and max(similar) >= self._min_similarity:
                track = left.pop(int(np.argmax(similar))).seen(
                    seconds, keypoints, scores, self._motion
                )
            elif score >= self._new_track_score:
                track = _Track(0, 1, seconds, keypoints, scores, np.zeros(2))
            else:
                continue
            if not track.id and track.frames >= self._min_hits:
                self._born += 1
                track = replace(track, id=self._born)
            tracked.append(track)
            ids[p] = track.id or -1
        hidden = [
            track for track in left if track.id
        ]  # whoever is not born must be seen in every frame
        self._tracks = sorted(tracked + hidden, key=lambda track: -track.seconds)[
            : self._max_tracks
        ]
        return replace(poses, ids=ids)

    def _max_age_at(self, seconds: float) -> float:
        """Returns the age limit in s at a frame: `max_age`, or `MIN_AGE_IN_INTERVALS` usual intervals if these are longer.

        The usual interval is the lower median of the last ones, so that a single pause in a video does not change it.
        """
        if self._seconds is not None and seconds > self._seconds:
            self._intervals.append(seconds - self._seconds)
        self._seconds = seconds
        if not self._intervals:
            return self._max_age
        return max(self._max_age, MIN_AGE_IN_INTERVALS * median_low(self._intervals))


class _Oks:
    """OKS of two poses over the joints seen in both; 0 for fewer than four."""

    def __init__(self, skeleton: Skeleton) -> None:
        self._sigmas = skeleton.sigmas

    def __call__(
        self,
        keypoints: np.ndarray,
        scores: np.ndarray,
        others: np.ndarray,
        their_scores: np.ndarray,
    ) -> float:
        both = (scores >= MIN_KEYPOINT_SCORE_FOR_TRACKING) & (
            their_scores >= MIN_KEYPOINT_SCORE_FOR_TRACKING
        )
        if both.sum() < MIN_JOINTS:
            return 0.0
        area = (
            float(np.prod(np.ptp(others[their_scores >= MIN_KEYPOINT_SCORE_FOR_TRACKING], axis=0)))
            + 1e-6
        )
        return float(oks(keypoints, others, area, self._sigmas, both))


def _box_iou(
    keypoints: np.ndarray, scores: np.ndarray, others: np.ndarray, their_scores: np.ndarray
) -> float:
    """Returns the intersection over union of the boxes round the joints seen; 0 where one sees none."""
    mine, theirs = (
        keypoints[scores >= MIN_KEYPOINT_SCORE_FOR_TRACKING],
        others[their_scores >= MIN_KEYPOINT_SCORE_FOR_TRACKING],
    )
    if not (len(mine) and len(theirs)):
        return 0.0
    sides = np.minimum(mine.max(axis=0), theirs.max(axis=0)) - np.maximum(
        mine.min(axis=0), theirs.min(axis=0)
    )
    shared = float(np.prod(np.maximum(sides, 0)))
    union = float(np.prod(np.ptp(mine, axis=0)) + np.prod(np.ptp(theirs, axis=0))) - shared
    return shared / union if union > 0 else 0.0
