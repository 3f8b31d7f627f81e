"""Selection of the frames whose jitter is measured; see tests/e2e/test_measure_jitter.py, too."""

import numpy as np
import pytest

from paddle_pose.data.synthetic.motion import squats
from paddle_pose.engine.jitter import common_run, smooth_track
from paddle_pose.io.tracks import Track

TIMES = np.arange(60) / 25


def track(frames):
    frames = np.asarray(frames)
    return Track(
        video="a.mp4",
        id=1,
        image_size=(320, 240),
        frames=frames,
        seconds=TIMES[frames],
        keypoints=squats(TIMES)[frames] + 20,
        scores=np.full((len(frames), 17), 0.9),
    )


@pytest.mark.parametrize(
    ("raw", "other", "common"),
    [
        (range(60), range(60), range(60)),
        (range(40), range(10, 60), range(10, 40)),
        ([*range(10), *range(20, 50)], range(60), range(20, 50)),
        (range(60), [*range(10), *range(20, 50)], range(20, 50)),
        (range(10), range(20, 60), ()),
    ],
)
def test_common_run_is_the_longest_run_of_both_tracks(raw, other, common):
    for part in common_run(track(raw), track(other)):
        assert part.frames.tolist() == list(common)


def test_smooth_track_changes_only_the_keypoints():
    raw = track(range(60))
    smooth = smooth_track(raw)
    assert smooth.video == raw.video
    assert smooth.id == raw.id
    assert smooth.frames.tolist() == raw.frames.tolist()
    assert smooth.keypoints.shape == raw.keypoints.shape
    np.testing.assert_allclose(smooth.keypoints[0], raw.keypoints[0])
    assert not np.allclose(smooth.keypoints, raw.keypoints)
