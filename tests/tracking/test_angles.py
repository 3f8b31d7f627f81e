"""Angles of joints, and counted repetitions."""

import numpy as np
import pytest

from paddle_pose import geometry
from paddle_pose.data.synthetic.motion import squats
from paddle_pose.skeletons import COCO_17, MPII_16
from paddle_pose.tracking.angles import RepetitionCounter, joint_angle, repetition_ends

KNEE = ("left_hip", "left_knee", "left_ankle")


def test_the_knee_angle_of_a_synthetic_squat_is_exact():
    times = np.linspace(0, 2, 50)
    angles = joint_angle(squats(times, period=2.0, depth=80.0), KNEE)
    assert np.allclose(angles, 180 - 1.5 * 80 * (1 - np.cos(np.pi * times)) / 2, atol=1e-5)


def test_an_angle_does_not_change_with_rotation_mirroring_translation_or_scale():
    rng = np.random.default_rng(0)
    people = rng.normal(0, 50, (30, 17, 2))
    angles = joint_angle(people, KNEE)
    for matrix in ([[0, -2, 5], [2, 0, 7]], [[-1, 0, 9], [0, 1, 0]]):
        assert np.allclose(
            joint_angle(geometry.move(people, np.array(matrix, float)), KNEE), angles
        )
    assert np.allclose(joint_angle(people, KNEE[::-1]), angles)


def test_coinciding_joints_give_nan_and_wrong_joints_an_error():
    assert np.isnan(joint_angle(np.zeros((2, 17, 2)), KNEE)).all()
    with pytest.raises(ValueError, match="got left_hip, left_knee, left_heel"):
        joint_angle(np.zeros((17, 2)), ("left_hip", "left_knee", "left_heel"))
    with pytest.raises(ValueError, match=r"expected keypoints \[..., 16, 2\], got \[17, 2\]"):
        joint_angle(np.zeros((17, 2)), KNEE, MPII_16)


@pytest.mark.parametrize("complete", [0, 1, 4])
def test_squats_are_counted(complete):
    count = RepetitionCounter(100, 150)
    times = np.arange(0, 2.0 * complete + 1.2, 0.04)
    angles = joint_angle(squats(times, period=2.0), KNEE, COCO_17)
    counts = [count(angle) for angle in angles + np.random.default_rng(0).normal(0, 3, len(angles))]
    assert counts[-1] == count.count == complete  # the last squat is not complete
    assert counts == sorted(counts)
    ends = repetition_ends(angles, 100, 150)
    assert times[ends] == pytest.approx(2.0 * np.arange(1, complete + 1), abs=0.5)


def test_jitter_around_a_bound_is_counted_once():
    count = RepetitionCounter(100, 150)
    for angle in [160] + [99, 101] * 20 + [149, 151] * 20:
        count(angle)
    assert count.count == 1


def test_the_first_repetition_starts_above_the_bound_and_nan_changes_nothing():
    count = RepetitionCounter(100, 150)
    angles = (90, 160, float("nan"), 90, float("nan"), 120, 160)
    assert [count(angle) for angle in angles] == [0, 0, 0, 0, 0, 0, 1]
    with pytest.raises(ValueError, match="expected low < high, got 150 and 100"):
        RepetitionCounter(150, 100)
