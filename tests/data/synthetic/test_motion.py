"""Synthetic people in motion: bodies keep their limbs, feet stay on the ground, ids stay with people."""

import numpy as np
import pytest

from paddle_pose.data.synthetic.motion import crossing_people, squats, walk

TIMES = np.arange(100) / 25


@pytest.mark.parametrize(
    "track", [squats(TIMES), walk(TIMES, 90.0), walk(TIMES, -90.0), walk(TIMES, 0.0)]
)
def test_limbs_keep_their_length_and_a_foot_the_ground(track):
    assert track.shape == (100, 17, 2)
    for a, b in [(15, 13), (13, 11), (16, 14), (14, 12), (5, 7), (7, 9), (6, 8), (8, 10)]:
        lengths = np.linalg.norm(track[:, a] - track[:, b], axis=-1)
        assert np.allclose(lengths, lengths[0])
    assert np.allclose(track[..., 1].max(axis=1), track[0, :, 1].max())


def test_squatting_feet_stay():
    ankles = squats(TIMES)[:, 15:17]
    assert np.allclose(ankles, ankles[0])


def test_walking_goes_its_speed_and_standing_stays():
    hips = walk(TIMES, 50.0)[:, 11:13].mean(axis=1)
    assert np.allclose(hips[:, 0], 50.0 * TIMES)
    assert np.ptp(walk(TIMES, 0.0), axis=0).max() == 0


def test_people_cross_come_and_leave():
    frames = crossing_people()
    place = {
        who: {f.seconds: f.keypoints[f.ids == who][0, :, 0].mean() for f in frames if who in f.ids}
        for who in range(1, 6)
    }
    gap = [place[1][t] - place[2][t] for t in place[1].keys() & place[2].keys()]
    assert min(gap) < 0 < max(gap)
    assert frames[0].seconds not in place[5]
    assert len({len(frame.ids) for frame in frames}) >= 3
    assert all(len(frame.ids) == len(frame.keypoints) for frame in frames)
