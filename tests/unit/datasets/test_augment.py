from pathlib import Path

import numpy as np
import pytest

from paddle_pose.datasets.augment import Augment
from paddle_pose.geometry import Window
from paddle_pose.structures import Sample

SAMPLE = Sample(0, Path("a.jpg"), Window((50.0, 60.0), (100.0, 200.0)), ())


def windows(augment, count=4000, seed=0):
    rng = np.random.default_rng(seed)
    return [augment.window(SAMPLE, rng) for _ in range(count)]


def test_the_same_generator_gives_the_same_windows():
    assert windows(Augment(), 20) == windows(Augment(), 20)
    assert windows(Augment(), 20) != windows(Augment(), 20, seed=1)


@pytest.mark.parametrize("augment", [Augment(), Augment(flip=0.2, scale=0.25, rotation=30.0, rotation_probability=0.9)])
def test_amounts_and_shares_are_the_published_ones(augment):
    drawn = windows(augment)
    factors = np.array([window.size[0] / 100.0 for window in drawn])
    angles = np.array([window.rotation for window in drawn])
    turned = angles[angles != 0]
    sigma = 3 / np.sqrt(len(drawn))  # three deviations of a share
    assert all(window.center == (50.0, 60.0) for window in drawn)
    assert all(window.size[1] == pytest.approx(2 * window.size[0]) for window in drawn)
    assert np.mean([window.flip for window in drawn]) == pytest.approx(augment.flip, abs=sigma)
    assert len(turned) / len(drawn) == pytest.approx(augment.rotation_probability, abs=sigma)
    # a normal clipped at one deviation: 16 % lie on each end
    assert (factors.min(), factors.max()) == pytest.approx((1 - augment.scale, 1 + augment.scale))
    for end in (factors.min(), factors.max()):
        assert np.mean(np.isclose(factors, end)) == pytest.approx(0.159, abs=sigma)
    assert factors.mean() == pytest.approx(1, abs=0.03)
    # and at two deviations: 2.3 %, so that the deviation is hardly less
    assert np.abs(turned).max() == pytest.approx(2 * augment.rotation)
    assert turned.std() == pytest.approx(0.96 * augment.rotation, rel=0.04)
    assert abs(turned.mean()) < 0.06 * augment.rotation


def test_switched_off_it_changes_nothing():
    assert set(windows(Augment(0.0, 0.0, 0.0, 0.0), 50)) == {SAMPLE.window}
    assert all(window.flip for window in windows(Augment(flip=1.0), 50))


def test_one_amount_does_not_disturb_the_chance_of_another():
    plain, turned = windows(Augment(rotation_probability=0.0), 50), windows(Augment(rotation_probability=1.0), 50)
    assert [(w.size, w.flip) for w in plain] == [(w.size, w.flip) for w in turned]
