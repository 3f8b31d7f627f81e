"""The synthetic video has the stated number of squats."""

import numpy as np
import pytest

from paddle_pose.inference.synthetic_video import synthetic_squats
from paddle_pose.tracking.angles import RepetitionCounter, joint_angle


@pytest.mark.parametrize("count", [1, 3])
def test_the_squats_are_counted(count):
    results = synthetic_squats(count)
    keypoints = np.stack([result.keypoints[0] for result in results])
    counter = RepetitionCounter(low=115, high=155)
    for angle in joint_angle(keypoints, ("left_hip", "left_knee", "left_ankle")):
        counter(angle)
    assert counter.count == count
    assert np.diff([result.seconds for result in results]) == pytest.approx(0.04)


def test_the_noise_has_the_stated_deviation():
    noisy, exact = (
        np.stack([result.keypoints[0] for result in synthetic_squats(2, noise=noise)])
        for noise in (1.5, 0.0)
    )
    assert (noisy - exact).std() == pytest.approx(1.5, rel=0.05)
