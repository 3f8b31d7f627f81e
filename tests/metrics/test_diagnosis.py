"""Analyses of predictions with a known threshold, group, shift or calibration."""

from dataclasses import replace

import numpy as np
import pytest

from paddle_pose.metrics.diagnosis import (
    bias,
    curves,
    hits,
    reliability,
    strata,
    torso_angles,
    weighed,
)
from paddle_pose.metrics.errors import MatchedPoses
from paddle_pose.skeletons import MPII_16, Skeleton

JOINTS = MPII_16.joints


def people(count=80, seed=0, noise=1.5, shift=(0.0, 0.0)):
    """Returns people with head sizes of 15 to 90 px, and poses with noise and a shift in px."""
    rng = np.random.default_rng(seed)
    truth = rng.uniform(0, 400, (count, 16, 2))
    heads = rng.uniform(15, 90, count)
    visible = rng.integers(0, 3, (count, 16))
    return MatchedPoses(
        skeleton=MPII_16,
        predicted=truth + rng.normal(0, noise, truth.shape) - np.array(shift),
        truth=truth,
        visible=visible,
        counted=visible > 0,
        units=np.broadcast_to(heads[:, None], (count, 16)),
        reach=0.5,
        sizes=heads,
        image_ids=np.arange(count),
        scores=rng.random((count, 16)),
    )


def test_the_threshold_itself_is_a_hit_and_nan_does_not_count():
    assert hits(np.array([0.1, 0.5, 0.6, np.inf, np.nan]), 0.5) == 50.0
    assert np.isnan(hits(np.array([np.nan]), 0.5))


def test_curves_increase_to_the_percentage_of_hits():
    found = people(noise=12.0)
    lines = curves(found, np.linspace(0, 0.5, 6).tolist())
    assert "Mean" in lines
    assert "Head top" in lines
    assert all(np.all(np.diff(line) >= 0) for line in lines.values())
    ankles = [
        hits(found.distances[:, JOINTS.index(f"{side}_ankle")], 0.5) for side in ("left", "right")
    ]
    assert lines["Ankle"][-1] == pytest.approx(np.mean(ankles))
    assert lines["Mean"][-1] == hits(found.distances, 0.5)


@pytest.mark.parametrize("shift", [(1.0, 1.0), (-2.25, 0.5), (0.0, 0.0)])
def test_a_known_shift_is_found(shift):
    best = bias(people(400, noise=0.8, shift=shift), 0.05)
    assert best.shift == pytest.approx(shift, abs=0.51)
    assert (best.held_out[0] > 0) == (shift != (0.0, 0.0))
    assert best.after >= best.before
    if shift != (0.0, 0.0):
        assert best.held_out[0] < best.gain + 1


def test_without_noise_a_shift_of_one_pixel_is_exact():
    best = bias(people(noise=0.0, shift=(1.0, 1.0)), 0.01)
    assert best.after == 100.0
    assert best.before < 60
    assert best.shift[0] == pytest.approx(1.0, abs=0.26)


def test_a_shift_in_person_sizes_differs_from_a_constant_one():
    found = people(300, noise=0.3)
    displaced = replace(found, predicted=found.predicted - 0.06 * found.sizes[:, None, None])
    in_px, in_sizes = bias(displaced, 0.05), bias(displaced, 0.05, found.sizes, limit=0.4)
    assert in_sizes.shift == pytest.approx((0.06, 0.06), abs=0.02)
    assert in_sizes.after > in_px.after + 10


def test_random_errors_have_no_gain_on_held_out_people():
    best = bias(people(60, noise=4.0), 0.05)
    assert best.after > best.before  # the best of many shifts always has a gain
    assert best.held_out[0] <= 0


def test_a_shift_without_counted_joints_is_refused():
    found = people(3)
    with pytest.raises(ValueError, match="no joint counts"):
        bias(replace(found, counted=np.zeros_like(found.counted)), 0.1)


def test_torso_angles():
    names = ("left_shoulder", "right_shoulder", "left_hip", "right_hip")
    truth = np.zeros((4, 16, 2))
    for n, down in enumerate([(0, 10), (10, 0), (0, -10), (-10, 10)]):
        truth[n, [JOINTS.index(name) for name in names[2:]]] = down
    visible = np.ones((4, 16), int)
    found = replace(people(4), truth=truth, visible=visible, counted=visible > 0)
    assert torso_angles(found) == pytest.approx([0, 90, 180, 45])
    visible[0, JOINTS.index("left_hip")] = 0
    assert np.isnan(torso_angles(found)[0])
    with pytest.raises(ValueError, match="no torso"):
        torso_angles(replace(found, skeleton=Skeleton("one", ("a",), (), (), (1.0,), (1.0,))))


@pytest.mark.parametrize("criterion", ["visibility", "size", "torso angle"])
def test_every_counted_joint_is_in_exactly_one_group(criterion):
    found = people(50)
    parts = strata(found)[criterion]
    assert (sum(part.astype(int) for part in parts.values()) == found.counted).all()
    rows = weighed(parts, found, (0.5,))
    total = sum(count for _, count, _ in rows)
    assert sum(count * rate for _, count, (rate,) in rows) / total == pytest.approx(
        hits(found.distances, 0.5)
    )


def test_without_visibility_in_the_truth_its_groups_are_left_out():
    found = people(5)
    assert "visibility" not in strata(replace(found, visible=np.minimum(found.visible, 1)))


def test_reliability_of_calibrated_and_of_random_scores():
    rng = np.random.default_rng(0)
    found = people(600, noise=0.0)
    right = rng.random(found.counted.shape) < found.scores
    calibrated = replace(found, predicted=found.truth + np.where(right[..., None], 0.0, 1e3))
    measured = reliability(calibrated, 0.5)
    assert measured.ece < 4
    # 5 / 6 is the AUC of uniform scores that are probabilities.
    assert measured.auc == pytest.approx(5 / 6, abs=0.03)
    assert sum(row[2] for row in measured.rows) == found.counted.sum()
    random_scores = reliability(replace(calibrated, scores=rng.random(found.counted.shape)), 0.5)
    assert random_scores.auc == pytest.approx(0.5, abs=0.03)
    assert random_scores.ece > 20
    constant = reliability(replace(found, scores=np.ones(found.counted.shape)), 0.5)
    assert constant.ece == 0
    assert np.isnan(constant.auc)
    with pytest.raises(ValueError, match="no scores"):
        reliability(replace(found, scores=None), 0.5)
