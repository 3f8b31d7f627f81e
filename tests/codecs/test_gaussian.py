import numpy as np
import pytest

from paddle_pose.codecs.gaussian import draw_exact, draw_rounded


def test_a_5x5_map_calculated_by_hand():
    maps, inside = draw_rounded(np.array([[2.4, 1.6]]), (5, 5), sigma=1.0)
    a, b, c, d, e = (np.exp(-squared / 2) for squared in (1, 2, 4, 5, 8))
    f, g = np.exp(-9 / 2), np.exp(-10 / 2)
    expected = [
        [e, d, c, d, e],
        [d, b, a, b, d],
        [c, a, 1, a, c],
        [d, b, a, b, d],
        [e, d, c, d, e],
    ]
    assert inside.tolist() == [True]
    assert np.allclose(maps[0], expected, atol=1e-7)
    corner = draw_rounded(np.array([[0.0, -1.5]]), (5, 5), sigma=1.0)[0][0]
    assert np.allclose(corner[0], [a, b, d, g, 0], atol=1e-7)  # cut off beyond 3 cells
    assert np.allclose(corner[:, 0], [a, c, f, 0, 0], atol=1e-7)


def test_rounding_truncates_towards_zero_as_published():
    maps, _ = draw_rounded(np.array([[3.49, 3.5], [-1.4, 2.0], [-1.6, 2.0]]), (8, 8), sigma=1.0)
    assert np.unravel_index(maps[0].argmax(), (8, 8)) == (4, 3)
    assert maps[1][2, 0] == 1.0, "-1.4 + 0.5 is truncated to cell 0"
    assert maps[2][2, 0] == pytest.approx(np.exp(-1 / 2)), "-1.6 + 0.5 is truncated to cell -1"


def test_windows_overlap_the_map_up_to_the_published_limits():
    cells = np.array([-8.0, -7.0, -6.0, 69.0, 70.0])
    in_a_row = np.stack([cells - 0.5 * (cells < 0), np.full(5, 30.0)], axis=1)
    for centers in (in_a_row, in_a_row[:, ::-1]):
        maps, inside = draw_rounded(centers, (64, 64), sigma=2.0)
        assert inside.tolist() == [False, True, True, True, False]
        assert (maps.max(axis=(1, 2)) > 0).tolist() == [False, False, True, True, False]


def test_the_centre_of_mass_of_exact_maps_is_the_exact_centre():
    rng = np.random.default_rng(0)
    centers = rng.uniform(12, 28, (10, 2))
    maps = draw_exact(centers, (40, 44), sigma=2.0).astype(np.float64)
    assert maps.shape == (10, 44, 40)
    y, x = np.mgrid[:44, :40]
    moments = np.stack([(maps * x).sum((1, 2)), (maps * y).sum((1, 2))], axis=1)
    assert np.allclose(moments / maps.sum((1, 2))[:, None], centers, atol=1e-3)
    variance = (maps * (x - centers[:, 0, None, None]) ** 2).sum((1, 2)) / maps.sum((1, 2))
    assert np.allclose(variance, 4.0, rtol=0.01)
