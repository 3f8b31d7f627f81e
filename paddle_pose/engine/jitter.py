"""`python scripts/measure_jitter.py`: how much people in a video tremble, before and after smoothing, and what it costs."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from paddle_pose.errors import InputError

if TYPE_CHECKING:
    from paddle_pose.io.tracks import Track


def build_parser() -> argparse.ArgumentParser:
    """Returns the command's flags."""
    parser = argparse.ArgumentParser(
        prog="measure_jitter.py",
        description="Prints for everybody in a video: jitter, the mean second difference of joints that stand still, in "
        "percent of the person's size per frame^2, before and after smoothing; and lag, the shift in time at which the "
        "smoothed joints resemble the raw ones most. Of each person the longest part without a gap counts.",
    )
    parser.add_argument("raw", type=Path, metavar="FILE", help="predictions.json of a video, without smoothing")
    parser.add_argument(
        "smoothed",
        type=Path,
        nargs="?",
        metavar="SMOOTHED",
        help="the same with smoothing; left out, the joints of FILE are smoothed here (One-Euro)",
    )
    parser.add_argument(
        "--threshold", type=float, default=0.3, metavar="T", help="lowest score of a joint that counts; default 0.3"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Raises:
        FileNotFoundError: If a file is missing.
        InputError: If a file is not as expected, or the two have nobody in common.
    """
    arguments = build_parser().parse_args(argv)
    from paddle_pose.io.tracks import read_tracks

    raw = read_tracks(arguments.raw)
    if arguments.smoothed is None:
        pairs = [(track.longest_run(), smoothed(track.longest_run())) for track in raw]
    else:
        others = {(track.video, track.id): track for track in read_tracks(arguments.smoothed)}
        pairs = [together(track, others[track.video, track.id]) for track in raw if (track.video, track.id) in others]
        pairs = [pair for pair in pairs if len(pair[0].frames)]
        if not pairs:
            raise InputError(f"{arguments.smoothed}: nobody of {arguments.raw} is in it; are both of one video?")
    print("video                 id  frames  size, px  jitter, %  smoothed, %  lag, ms")
    for before, after in pairs:
        print(row(before, after, arguments.threshold))
    return 0


def smoothed(track: Track) -> Track:
    """Returns the track with its joints smoothed."""
    from dataclasses import replace

    import numpy as np

    from paddle_pose.tracking.one_euro import OneEuro

    smooth, size = OneEuro(), np.array(track.image_size)
    points = [smooth(now / size, when) * size for now, when in zip(track.keypoints, track.seconds, strict=True)]
    return replace(track, keypoints=np.stack(points))


def together(raw: Track, other: Track) -> tuple[Track, Track]:
    """Returns two tracks of a person in the longest run of frames that both have."""
    import numpy as np

    both = np.intersect1d(raw.frames, other.frames)
    if not len(both):
        return raw.part(both), other.part(both)
    run = raw.part(np.isin(raw.frames, both)).longest_run()
    return run, other.part(np.isin(other.frames, run.frames))


def row(before: Track, after: Track, threshold: float) -> str:
    """Returns a person's line of the table."""
    import numpy as np

    from paddle_pose.tracking.jitter import jitter, lag, person_size, still

    where = still(before.keypoints, before.scores >= threshold)
    late = lag(after.keypoints, before.keypoints)
    late *= float(np.diff(before.seconds).mean()) if len(before.frames) > 1 else np.nan
    return (
        f"{Path(before.video).name:<20.20} {before.id:3d} {len(before.frames):7d} {person_size(before.keypoints):9.0f} "
        f"{100 * jitter(before.keypoints, where):10.2f} {100 * jitter(after.keypoints, where):12.2f} {1000 * late:8.0f}"
    )
