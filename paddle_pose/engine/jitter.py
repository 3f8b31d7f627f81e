"""Jitter of tracked people in a video before and after smoothing, and the lag of the smoothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from paddle_pose.errors import InputError
from paddle_pose.io.tracks import Track, read_tracks
from paddle_pose.tracking.jitter import jitter, lag, person_size, still
from paddle_pose.tracking.one_euro import smooth_keypoints

MIN_SCORE = 0.3  # joints with lower scores are ignored; this project's choice


@dataclass(frozen=True)
class TrackJitter:
    """Jitter and lag of one tracked person.

    Attributes:
        video: Path of the video as written in the file of predictions.
        id: Track id of the person; 0 in a file without ids.
        frames: Number of measured frames: the longest run without a gap.
        size: Size of the person in image px, see `tracking.jitter.person_size`.
        jitter: Jitter before smoothing, as a fraction of the person's size per frame^2; NaN if no
            joint stands still.
        smoothed_jitter: Jitter after smoothing, in the same unit and on the same joints.
        lag: Delay of the smoothed joints behind the raw joints in seconds; NaN if no joint moves.
    """

    video: str
    id: int
    frames: int
    size: float
    jitter: float
    smoothed_jitter: float
    lag: float


def measure_jitter(
    raw: Path, smoothed: Path | None = None, min_score: float = MIN_SCORE
) -> list[TrackJitter]:
    """Returns the jitter of each person in a video, in the person's longest run without a gap.

    Args:
        raw: Path of the predictions.json of a video, predicted without smoothing.
        smoothed: Path of the predictions.json of the same video, predicted with smoothing; None
            smooths the joints of `raw` with the One-Euro filter.
        min_score: Lowest score of a joint that is measured, usually from 0 to 1.

    Raises:
        FileNotFoundError: If a file is missing.
        InputError: If a file is invalid, or the two files have no person in a common frame.
    """
    tracks = read_tracks(raw)
    if smoothed is None:
        runs = [track.longest_run() for track in tracks]
        pairs = [(run, smooth_track(run)) for run in runs]
    else:
        others = {(track.video, track.id): track for track in read_tracks(smoothed)}
        common = [track for track in tracks if (track.video, track.id) in others]
        pairs = [common_run(track, others[track.video, track.id]) for track in common]
        pairs = [pair for pair in pairs if len(pair[0].frames)]
        if not pairs:
            raise InputError(
                f"{smoothed}: expected people in common frames with {raw}, by video and track id, "
                "found none; give two predictions of the same video"
            )
    return [_compare(before, after, min_score) for before, after in pairs]


def smooth_track(track: Track) -> Track:
    """Returns a copy of a track with its joints smoothed by the One-Euro filter.

    Args:
        track: Track of a person, with keypoints [T, K, 2] in image px.
    """
    smoothed = smooth_keypoints(track.keypoints, track.seconds, track.image_size)
    return replace(track, keypoints=smoothed)


def common_run(raw: Track, other: Track) -> tuple[Track, Track]:
    """Returns two tracks of a person cut to the longest run of frames that both contain.

    Args:
        raw: Track of the person.
        other: Another track of the same person.

    Returns:
        Two tracks of the same frames; both empty if the tracks have no frame in common.
    """
    both = np.intersect1d(raw.frames, other.frames)
    if not len(both):
        return raw.part(both), other.part(both)
    run = raw.part(np.isin(raw.frames, both)).longest_run()
    return run, other.part(np.isin(other.frames, run.frames))


def _compare(before: Track, after: Track, min_score: float) -> TrackJitter:
    """Returns the jitter and lag of a person.

    Args:
        before: Track without smoothing; it decides which joints stand still.
        after: Track of the same frames with smoothing.
        min_score: Lowest score of a joint that is measured.
    """
    where = still(before.keypoints, before.scores >= min_score)
    interval = float(np.diff(before.seconds).mean()) if len(before.frames) > 1 else float("nan")
    return TrackJitter(
        video=before.video,
        id=before.id,
        frames=len(before.frames),
        size=person_size(before.keypoints),
        jitter=jitter(before.keypoints, where),
        smoothed_jitter=jitter(after.keypoints, where),
        lag=lag(after.keypoints, before.keypoints) * interval,
    )
