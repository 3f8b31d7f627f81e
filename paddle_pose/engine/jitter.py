"""Jitter of people in a video before and after smoothing, and the lag of the smoothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from paddle_pose.errors import InputError
from paddle_pose.io.tracks import Track, read_tracks
from paddle_pose.tracking.jitter import jitter, lag, person_size, still
from paddle_pose.tracking.one_euro import OneEuro

MIN_SCORE = 0.3  # of a joint that counts; this project's choice


@dataclass(frozen=True)
class TrackJitter:
    """Jitter of a person in the frames that count.

    Attributes:
        video: Path of the video, as the file has it.
        id: The person's track id; 0 in a file without ids.
        frames: Number of frames.
        size: The person's size in px.
        jitter: Before smoothing, in parts of the person's size per frame^2; NaN where nothing stands still.
        smoothed_jitter: After smoothing.
        lag: Seconds by which the smoothed joints are late; NaN where nothing moves.
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
    """Returns the jitter of everybody in a video; of each person the longest part without a gap counts.

    Args:
        raw: A predictions.json of a video, without smoothing.
        smoothed: The same with smoothing; None smooths the joints of `raw` (One-Euro).
        min_score: Lowest score of a joint that counts.

    Raises:
        FileNotFoundError: If a file is missing.
        InputError: If a file is not as expected, or the two have nobody in common.
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
            raise InputError(f"{smoothed}: nobody of {raw} is in it; are both of one video?")
    return [_compare(before, after, min_score) for before, after in pairs]


def smooth_track(track: Track) -> Track:
    """Returns the track with its joints smoothed (One-Euro)."""
    smooth, size = OneEuro(), np.array(track.image_size)
    points = [
        smooth(now / size, when) * size
        for now, when in zip(track.keypoints, track.seconds, strict=True)
    ]
    return replace(track, keypoints=np.stack(points))


def common_run(raw: Track, other: Track) -> tuple[Track, Track]:
    """Returns two tracks of a person in the longest run of frames that both have."""
    both = np.intersect1d(raw.frames, other.frames)
    if not len(both):
        return raw.part(both), other.part(both)
    run = raw.part(np.isin(raw.frames, both)).longest_run()
    return run, other.part(np.isin(other.frames, run.frames))


def _compare(before: Track, after: Track, min_score: float) -> TrackJitter:
    """Returns the numbers of a person."""
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
