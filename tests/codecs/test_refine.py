import sys
from collections import Counter

import numpy as np
import pytest

from paddle_pose.codecs.gaussian import draw_exact
from paddle_pose.codecs.heatmap import HeatmapCodec, peaks, quarter_offset
from paddle_pose.codecs.refine import dark_offset, kernel_size, udp_offset

REFINEMENTS = pytest.mark.parametrize("offset", [dark_offset, udp_offset])


def blobs(sigma, batches=25, noise=0.0):
    """Returns centres [N, 16, 2] at least 3 sigma inside 40 x 48 maps, and the maps."""
    rng = np.random.default_rng(0)
    border = 3 * sigma + 1
    centers = rng.uniform(border, np.array([40, 48]) - border, (batches, 16, 2))
    heatmaps = np.stack([draw_exact(c, (40, 48), sigma) for c in centers])
    return centers, heatmaps + noise * rng.normal(size=heatmaps.shape)


def mean_error(found, centers):
    return np.linalg.norm(found - centers, axis=-1).mean()


@pytest.mark.parametrize("sigma", [2.0, 3.0])
@REFINEMENTS
def test_the_error_at_known_centres_is_below_a_fifth_of_the_quarter_offsets(offset, sigma, capsys):
    centers, heatmaps = blobs(sigma)
    cells, _ = peaks(heatmaps)
    quarter = mean_error(cells + quarter_offset(heatmaps, cells), centers)
    refined = mean_error(cells + offset(heatmaps, cells, kernel_size(sigma)), centers)
    with capsys.disabled():
        print(
            f"\nmean error in cells, sigma {sigma}: quarter {quarter:.4f}, "
            f"{offset.__name__} {refined:.6f}"
        )
    assert 0.1 < quarter < 0.3
    assert refined < quarter / 5


@REFINEMENTS
def test_smoothing_suppresses_noise(offset):
    centers, heatmaps = blobs(2.0, noise=0.02)
    cells, _ = peaks(heatmaps)
    quarter = mean_error(cells + quarter_offset(heatmaps, cells), centers)
    assert mean_error(cells + offset(heatmaps, cells, 11), centers) < quarter / 2


@REFINEMENTS
def test_the_offset_hardly_depends_on_height_and_data_type(offset):
    _, heatmaps = blobs(2.0, batches=2)
    cells, _ = peaks(heatmaps)
    reference = offset(heatmaps.astype(np.float64), cells, 11)
    assert np.allclose(offset(heatmaps, cells, 11), reference, atol=1e-9)
    assert np.allclose(offset(0.5 * heatmaps, cells, 11), reference, atol=0.01)


def test_offsets_of_mirrored_and_transposed_maps():
    _, heatmaps = blobs(2.0, batches=3, noise=0.02)
    cells, _ = peaks(heatmaps)
    expected = dark_offset(heatmaps, cells, 11)
    mirrored_cells = np.stack([39 - cells[..., 0], cells[..., 1]], axis=-1)
    mirrored = dark_offset(heatmaps[..., ::-1], mirrored_cells, 11)
    assert np.allclose(mirrored, expected * [-1, 1], atol=1e-9)
    transposed = dark_offset(heatmaps.swapaxes(-1, -2), cells[..., ::-1], 11)
    assert np.allclose(transposed[..., ::-1], expected, atol=1e-9)


def test_dark_does_not_refine_peaks_at_the_border():
    heatmaps = np.stack(
        [draw_exact(np.full((1, 2), c), (20, 20), 2.0) for c in (1.3, 1.8, 16.8, 17.8)]
    )
    cells, _ = peaks(heatmaps)
    assert cells[:, 0, 0].tolist() == [1, 2, 17, 18]
    assert dark_offset(heatmaps, cells, 11).any(axis=(1, 2)).tolist() == [False, True, True, False]


@REFINEMENTS
def test_maps_without_a_positive_cell_are_not_refined(offset):
    spike = np.full((9, 9), -1.0)
    spike[4, 4] = 1e-3  # positive, but negative after smoothing
    heatmaps = np.stack([np.zeros((9, 9)), np.full((9, 9), -3.0), spike])[None]
    cells, _ = peaks(heatmaps)
    assert not offset(heatmaps, cells, 11).any()
    assert not offset(np.ones((1, 1, 1, 1)), np.zeros((1, 1, 2)), 11).any()


def calls_to_decode(heatmaps):
    """Returns the number of calls of functions that decoding makes."""
    calls = Counter()
    sys.setprofile(lambda frame, event, argument: calls.update([event]))
    try:
        HeatmapCodec(decode_by="dark").decode({"heatmaps": heatmaps})
    finally:
        sys.setprofile(None)
    return calls["call"] + calls["c_call"]


def test_all_heatmaps_of_a_batch_are_decoded_together():
    heatmaps = np.random.default_rng(0).random((64, 1, 16, 64, 64), dtype=np.float32)
    assert calls_to_decode(heatmaps) < 2 * calls_to_decode(heatmaps[:1])
