"""Synthetic motion: lengths of limbs and ids are constant, feet are on the ground."""

import numpy as np
import pytest

from paddle_pose.data.synthetic.motion import crossing_people, squats, walk

TIMES = np.arange(100) / 25


@pytest.mark.parametrize(
    "track", [squats(TIMES), walk(TIMES, 90.0), walk(TIMES, -90.0), walk(TIMES, 0.0)]
)
def test_limbs_have_constant_length_and_a_foot_is_on_the_ground(track):
    assert track.shape == (100, 17, 2)
    for a, b in [(15, 13), (13, 11), (16, 14), (14, 12), (5, 7), (7, 9), (6, 8), (8, 10)]:
        lengths = np.linalg.norm(track[:, a] - track[:, b], axis=-1)
        assert np.allclose(lengths, lengths[0])
    assert np.allclose(track[..., 1].max(axis=1), track[0, :, 1].max())


def test_feet_do_not_move_in_squats():
    ankles = squats(TIMES)[:, 15:17]
    assert np.allclose(ankles, ankles[0])


def test_hips_move_with_the_given_speed():
    hips = walk(TIMES, 50.0)[:, 11:13].mean(axis=1)
    assert np.allclose(hips[:, 0], 50.0 * TIMES)
    assert np.ptp(walk(TIMES, 0.0), axis=0).max() == 0


def test_people_cross_enter_and_leave():
    frames = crossing_people()
    positions: dict[int, dict[float, float]] = {track_id: {} for track_id in range(1, 6)}
    for frame in frames:
        for track_id, keypoints in zip(frame.ids.tolist(), frame.keypoints, strict=True):
            positions[track_id][frame.seconds] = keypoints[:, 0].mean()
    first, second = positions[1], positions[2]
    distances = [first[seconds] - second[seconds] for seconds in first.keys() & second.keys()]
    assert min(distances) < 0 < max(distances)
    assert frames[0].seconds not in positions[5]
    assert len({len(frame.ids) for frame in frames}) >= 3
