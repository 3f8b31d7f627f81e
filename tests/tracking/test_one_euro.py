"""One-Euro filter: properties, and a literal restatement, one number at a time."""

from math import asinh, pi

import numpy as np
import pytest

from paddle_pose.tracking.one_euro import OneEuro, smooth_keypoints


def restated(values, times):
    """Returns one coordinate after the filter with the demo's constants."""

    def alpha(cutoff, frequency):
        return 1 / (1 + frequency / (2 * pi * cutoff))

    results = []
    last_time = raw = out = None
    slope = 0.0
    for value, time in zip(values, times, strict=True):
        if last_time is not None and time <= last_time:
            results.append(value)
            continue
        if last_time is None:
            out = value
        else:
            frequency = 1 / (time - last_time)
            slope = slope + alpha(2.5, frequency) * ((value - raw) * frequency - slope)
            weight = alpha(2.5 + 300 * abs(slope), frequency)
            threshold = 0.5 + 5 * abs(slope)
            out = out + weight * threshold * asinh((value - out) / threshold)
        last_time, raw = time, value
        results.append(out)
    return results


def test_every_coordinate_equals_the_restatement():
    rng = np.random.default_rng(0)
    times = np.cumsum(rng.uniform(0.01, 0.1, 60))
    times[[20, 33]] = times[[19, 30]]  # one time twice, one in the past
    track = np.cumsum(rng.normal(0, 0.02, (60, 1, 17, 2)), axis=0) + 0.5
    smooth = OneEuro()
    found = np.stack([smooth(points, time) for points, time in zip(track, times, strict=True)])
    assert found.shape == track.shape
    for k in range(17):
        for axis in range(2):
            assert found[:, 0, k, axis].tolist() == pytest.approx(
                restated(track[:, 0, k, axis], times), abs=1e-12
            )


def test_a_still_point_and_the_first_frame_do_not_change():
    smooth = OneEuro()
    point = np.array([0.25, 0.75])
    for n in range(10):
        assert smooth(point, n / 30).tolist() == point.tolist()


def test_jitter_is_reduced_and_a_fast_point_has_little_lag():
    rng = np.random.default_rng(1)
    times = np.arange(200) / 30
    still = 0.5 + rng.normal(0, 0.0005, 200)
    smooth = OneEuro()
    damped = np.array(
        [smooth(np.array([value]), time)[0] for value, time in zip(still, times, strict=True)]
    )
    assert damped[20:].std() < 0.7 * still[20:].std()
    fast = 0.5 * times
    smooth = OneEuro()
    tracked = np.array(
        [smooth(np.array([value]), time)[0] for value, time in zip(fast, times, strict=True)]
    )
    assert np.abs(tracked - fast)[5:].max() < 0.01


def test_a_longer_interval_gives_the_new_point_more_weight():
    def after(seconds):
        smooth = OneEuro(beta=0.0)
        smooth(np.array([0.0]), 0.0)
        return smooth(np.array([0.1]), seconds)[0]

    assert 0 < after(0.01) < after(0.1) < after(1.0) <= 0.1


def test_a_frame_that_is_not_later_is_returned_and_changes_nothing():
    smooth = OneEuro()
    twin = OneEuro()
    for filter_ in (smooth, twin):
        filter_(np.array([0.1]), 1.0)
        filter_(np.array([0.2]), 1.1)
    assert smooth(np.array([0.9]), 1.1).tolist() == [0.9]
    assert smooth(np.array([0.9]), 0.3).tolist() == [0.9]
    assert smooth(np.array([0.3]), 1.2).tolist() == twin(np.array([0.3]), 1.2).tolist()


def test_after_a_reset_any_time_and_shape_may_follow():
    smooth = OneEuro()
    smooth(np.array([0.1]), 5.0)
    smooth(np.array([0.2]), 5.1)
    smooth.reset()
    assert smooth(np.array([[0.7, 0.8]]), 0.0).tolist() == [[0.7, 0.8]]


def test_arrays_may_be_changed_after_a_call():
    smooth = OneEuro()
    point = np.array([0.5])
    first = smooth(point, 0.0)
    point += 1
    first += 1
    assert smooth(np.array([0.5]), 0.1).tolist() == [0.5]


def test_wrong_points_are_refused():
    smooth = OneEuro()
    smooth(np.zeros((17, 2)), 0.0)
    with pytest.raises(
        ValueError, match=r"expected points \[17, 2\] as in the last frame, got \[16, 2\]"
    ):
        smooth(np.zeros((16, 2)), 0.1)
    for points, time in ((np.full((17, 2), np.nan), 0.1), (np.zeros((17, 2)), float("inf"))):
        with pytest.raises(ValueError, match="finite points and time"):
            smooth(points, time)


def test_keypoints_in_px_are_smoothed_as_fractions_of_the_image():
    rng = np.random.default_rng(2)
    times, size = np.arange(30) / 25, np.array([640, 480])
    fractions = np.cumsum(rng.normal(0, 0.02, (30, 17, 2)), axis=0) + 0.5
    smooth = OneEuro(beta=5.0)
    expected = np.stack([smooth(p, time) for p, time in zip(fractions, times, strict=True)])
    found = smooth_keypoints(fractions * size, times, (640, 480), OneEuro(beta=5.0))
    np.testing.assert_allclose(found, expected * size)
