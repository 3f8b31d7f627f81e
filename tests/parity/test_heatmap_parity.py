"""The heatmap codec against literal float64 implementations of SimpleBaseline, DARK and UDP."""

import numpy as np
import pytest
from parity import reference

from paddle_pose.codecs.gaussian import draw_exact
from paddle_pose.codecs.heatmap import HeatmapCodec
from paddle_pose.geometry import Window, move


@pytest.mark.parametrize(
    ("input_size", "sigma"), [((256, 256), 2), ((192, 256), 2), ((96, 128), 3)]
)
def test_targets_equal_the_literal_implementation(input_size, sigma):
    codec = HeatmapCodec(input_size=input_size, sigma=float(sigma))
    rng = np.random.default_rng(0)
    empty_but_counted = 0
    for _ in range(12):
        keypoints = rng.uniform(-40, np.array(input_size) + 40, (16, 2))
        keypoints[:4] = np.round(keypoints[:4] / 2) * 2  # between two cells, where rounding matters
        keypoints[4] = rng.uniform(-31, -24), 50  # rounded to cell -7
        visible = (rng.random(16) < 0.8).astype(int)
        maps = codec.encode(keypoints[None], visible[None])
        expected, weights = reference.heatmap_targets(keypoints, visible, codec.map_size, 4, sigma)
        assert np.abs(maps["heatmaps"] - expected).max() < 1e-7
        assert maps["weights"].tolist() == weights.tolist()
        empty_but_counted += ((weights > 0) & (expected.max(axis=(1, 2)) == 0)).any()
    assert sigma != 2 or empty_but_counted, "no sample had its centre at cell -7"


def test_peaks_equal_the_literal_implementation():
    codec = HeatmapCodec(input_size=(64, 96))
    rng = np.random.default_rng(1)
    heatmaps = rng.normal(size=(40, 1, 16, 24, 16))
    heatmaps[1:4] = np.round(heatmaps[1:4])  # many equal cells
    heatmaps[5] = -np.abs(heatmaps[5])
    heatmaps[6] = 0
    for n, (x, y) in enumerate(
        [(0, 0), (1, 9), (2, 9), (14, 9), (15, 9), (7, 0), (7, 1), (7, 2), (7, 22), (7, 23)]
    ):
        heatmaps[10 + n, ..., y, x] = 9
    for poses, stages in zip(codec.decode({"heatmaps": heatmaps}), heatmaps, strict=True):
        cells, heights = reference.heatmap_peaks(stages[-1])
        assert poses.keypoints[0].tolist() == (cells * 4).tolist()
        assert poses.scores[0].tolist() == heights.tolist()
        assert poses.person_scores[0] == pytest.approx(heights.mean())


def test_decoded_joints_in_the_image_equal_the_published_transform():
    codec = HeatmapCodec(input_size=(256, 256))
    rng = np.random.default_rng(2)
    heatmaps = rng.random((1, 1, 16, 64, 64))
    center, scale = (313.7, 190.2), 2.345
    window = Window(center, (200 * scale, 200 * scale))
    (poses,) = codec.decode({"heatmaps": heatmaps})
    joints = poses.moved(window.to_image(codec.input_size)).keypoints[0]
    expected = reference.cells_to_image(
        reference.heatmap_peaks(heatmaps[0, 0])[0], center, scale, 64
    )
    assert np.allclose(joints, expected, atol=1e-9)


@pytest.mark.parametrize("alignment", ["published", "udp"])
def test_exact_targets_equal_the_literal_implementation(alignment):
    udp = alignment == "udp"
    codec = HeatmapCodec(input_size=(96, 128), alignment=alignment, unbiased=not udp)
    rng = np.random.default_rng(3)
    for _ in range(3):
        keypoints, visible = rng.uniform(0, (95, 127), (16, 2)), (rng.random(16) < 0.8).astype(int)
        maps = codec.encode(keypoints[None], visible[None])
        expected = reference.exact_targets(
            keypoints, visible, codec.map_size, codec.input_size, 2, udp
        )
        assert np.abs(maps["heatmaps"] - expected).max() < 1e-7
        assert maps["weights"].tolist() == visible.tolist()


@pytest.mark.parametrize(
    ("sigma", "blur", "kernel"), [(2.0, 0, 11), (3.0, 0, 17), (1.0, 3, 3), (2.0, 3, 3)]
)
@pytest.mark.parametrize("alignment", ["published", "udp", "udp_warp"])
def test_refined_peaks_equal_the_literal_implementation(alignment, sigma, blur, kernel):
    codec = HeatmapCodec(
        input_size=(96, 128), sigma=sigma, decode_by="dark", alignment=alignment, dark_blur=blur
    )
    width, height = codec.map_size
    rng = np.random.default_rng(4)
    centers = rng.uniform(-1, (width, height), (4, 16, 2))
    blobs = np.stack([draw_exact(c, codec.map_size, sigma).astype(np.float64) for c in centers])
    heatmaps = blobs + 0.03 * rng.normal(size=blobs.shape)
    heatmaps[0] = blobs[0]
    heatmaps[1, :8] = rng.random((8, height, width))
    heatmaps[2, 0], heatmaps[2, 1] = 0, -np.abs(heatmaps[2, 1])
    near = [(0, 0), (1, 9), (2, 9), (width - 3, 9), (width - 2, 9), (width - 1, 9), (7, 1), (7, 2)]
    near += [(7, height - 3), (7, height - 2), (7, height - 1)]
    for k, (x, y) in enumerate(near):
        heatmaps[3, k, y, x] = 2
    peaks = reference.udp_peaks if alignment == "udp" else reference.dark_peaks
    for poses, maps in zip(codec.decode({"heatmaps": heatmaps[:, None]}), heatmaps, strict=True):
        expected = peaks(maps, kernel) * codec.cell_size
        assert np.allclose(poses.keypoints[0], expected, rtol=1e-6, atol=1e-6)
        assert poses.scores[0].tolist() == maps.max(axis=(1, 2)).tolist()


def test_targets_and_keypoints_of_udp_warp_equal_paddledetections_formulas():
    """From joints in the image to targets, and from their peaks back to the image."""
    codec = HeatmapCodec(
        input_size=(96, 128),
        sigma=1.0,
        decode_by="dark",
        alignment="udp_warp",
        unbiased=True,
        dark_blur=3,
    )
    rng = np.random.default_rng(6)
    window = Window(center=(211.0, 137.0), size=(150.0, 200.0), rotation=25.0)
    keypoints = rng.uniform((180, 90), (240, 180), (16, 2))
    matrix = reference.udp_warp_matrix(
        -window.rotation, window.center, codec.input_size, window.size
    )
    joints = keypoints @ matrix[:, :2].T + matrix[:, 2]
    assert np.allclose(move(keypoints, window.to_input((96, 128), "udp_warp")), joints, atol=1e-9)
    maps = codec.encode(joints[None], np.ones((1, 16)))["heatmaps"]
    expected = reference.exact_targets(
        joints, np.ones(16), codec.map_size, codec.input_size, 1, udp=False
    )
    assert np.abs(maps - expected).max() < 1e-7
    (poses,) = codec.decode({"heatmaps": maps[None, None]})
    found = poses.moved(window.to_image((96, 128), "udp_warp")).keypoints[0]
    assert np.abs(found - keypoints).max() < 0.35  # image px; a cell has 6.3


@pytest.mark.parametrize("height", [0.0015, 0.01, 1.0, 45.0, 70.0])
@pytest.mark.parametrize("alignment", ["published", "udp"])
def test_refined_peaks_of_any_height_equal_the_literal_implementation(alignment, height):
    """Smoothing lowers a peak, so it must be scaled back before it is clipped as published."""
    codec = HeatmapCodec(input_size=(96, 128), decode_by="dark", alignment=alignment)
    centers = np.random.default_rng(5).uniform(4, np.array(codec.map_size) - 5, (16, 2))
    heatmaps = height * draw_exact(centers, codec.map_size, 2.0).astype(np.float64)
    peaks = reference.udp_peaks if alignment == "udp" else reference.dark_peaks
    (poses,) = codec.decode({"heatmaps": heatmaps[None, None]})
    assert np.allclose(
        poses.keypoints[0], peaks(heatmaps, 11) * codec.cell_size, rtol=1e-6, atol=1e-6
    )
