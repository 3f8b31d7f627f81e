"""Jitter and lag of tracks for which they are known."""

import numpy as np
import pytest

from paddle_pose.data.synthetic.motion import squats
from paddle_pose.tracking.jitter import jitter, lag, person_size, still
from paddle_pose.tracking.one_euro import OneEuro

TIMES = np.arange(150) / 25
ANKLES = [15, 16]
NOSE = 0


def test_standing_feet_are_still_and_a_moving_head_is_not():
    track = squats(TIMES, period=2.0)
    where = still(track)
    assert where[5:-5][:, ANKLES].all()
    assert not where[:5].any()
    assert not where[-5:].any()
    speed = np.abs(np.sin(np.pi * TIMES))  # of a squat with a period of 2 s
    assert not where[speed > 0.5][:, NOSE].any()
    visible = np.ones(track.shape[:2], bool)
    visible[70, ANKLES[0]] = False
    assert np.flatnonzero(~still(track, visible)[5:-5, ANKLES[0]] + 0).tolist() == list(
        range(60, 71)
    )


@pytest.mark.parametrize("scale", [0.3, 1.0, 3.0])
def test_jitter_is_that_of_the_noise_at_any_size(scale):
    rng = np.random.default_rng(0)
    track = scale * squats(TIMES, height=200.0)
    noisy = track + scale * rng.normal(0, 1.0, track.shape)
    where = still(noisy)
    assert jitter(noisy, where) == pytest.approx(3.07 * scale / person_size(noisy), rel=0.08)
    assert jitter(track, where) < 0.1 * jitter(noisy, where)


def test_without_a_still_joint_jitter_is_nan():
    assert np.isnan(jitter(squats(TIMES), np.zeros((150, 17), bool)))


@pytest.mark.parametrize("frames", [-3, 0, 2])
def test_lag_is_the_shift(frames):
    track = squats(np.arange(-10, 160) / 25, period=3.0)
    noise = np.random.default_rng(0).normal(0, 0.5, (150, 17, 2))
    assert lag(track[10 - frames : 160 - frames] + noise, track[10:160]) == pytest.approx(
        frames, abs=0.1
    )


def test_lag_between_frames():
    assert lag(squats(TIMES - 0.5 / 25), squats(TIMES)) == pytest.approx(0.5, abs=0.1)


def test_smoothing_reduces_jitter_with_little_lag():
    raw = squats(TIMES, height=200.0) + np.random.default_rng(0).normal(
        (100, 30), 0.6, (150, 17, 2)
    )
    smooth = OneEuro()
    size = np.array([400, 300])
    smoothed = np.stack(
        [smooth(points / size, seconds) * size for points, seconds in zip(raw, TIMES, strict=True)]
    )
    where = still(raw)
    assert jitter(smoothed, where) < 0.7 * jitter(raw, where)
    assert 0 < lag(smoothed, raw) < 0.6


def test_lag_of_short_or_still_tracks_is_nan_and_of_other_shapes_an_error():
    with pytest.raises(ValueError, match="two tracks of one shape"):
        lag(np.zeros((40, 17, 2)), np.zeros((41, 17, 2)))
    assert np.isnan(lag(squats(TIMES[:10]), squats(TIMES[:10])))
    standing = np.repeat(squats(TIMES[:1]), 40, axis=0)
    assert np.isnan(lag(standing, standing))
