import re
from math import cos, radians, sin

import cv2
import numpy as np
import pytest

from paddle_pose.errors import InputError
from paddle_pose.geometry import ALIGNMENTS, Window, box_window, compose, invert, move, warp


def random_window(rng, side=(20.0, 400.0), flip=None):
    return Window(
        center=tuple(rng.uniform(-50, 400, 2)),
        size=tuple(rng.uniform(*side, 2)),
        rotation=float(rng.uniform(-180, 180)),
        flip=bool(rng.random() < 0.5) if flip is None else flip,
    )


@pytest.mark.parametrize("alignment", ALIGNMENTS)
def test_to_image_is_the_inverse_of_to_input(alignment):
    rng = np.random.default_rng(0)
    for _ in range(200):
        window, size = random_window(rng), tuple(int(s) for s in rng.integers(32, 400, 2))
        matrix = compose(window.to_image(size, alignment), window.to_input(size, alignment))
        assert np.allclose(matrix, [[1, 0, 0], [0, 1, 0]], atol=1e-9)
        points = rng.uniform(-500, 500, (3, 4, 2))
        in_input = move(points, window.to_input(size, alignment))
        assert np.allclose(move(in_input, window.to_image(size, alignment)), points, atol=1e-8)


@pytest.mark.parametrize(
    ("alignment", "middle"), [("published", (96.0, 128.0)), ("udp", (95.5, 127.5))]
)
def test_centre_edges_and_mirror(alignment, middle):
    rng = np.random.default_rng(1)
    for _ in range(50):
        window = random_window(rng, flip=False)
        plain = window.to_input((192, 256), alignment)
        assert np.allclose(move(window.center, plain), middle)
        mirrored = Window(window.center, window.size, window.rotation, flip=True).to_input(
            (192, 256), alignment
        )
        point = rng.uniform(-500, 500, 2)
        (x, y), (mirrored_x, mirrored_y) = move(point, plain), move(point, mirrored)
        assert mirrored_x == pytest.approx(2 * middle[0] - x, abs=1e-8)
        assert mirrored_y == pytest.approx(y, abs=1e-8)
        upright = Window(window.center, window.size).to_input((192, 256), alignment)
        corner = np.array(window.center) + np.array(window.size) / 2
        assert np.allclose(move(corner, upright), np.multiply(middle, 2))


def test_positive_rotation_rotates_the_image_counter_clockwise():
    matrix = Window((50.0, 50.0), (100.0, 100.0), rotation=90).to_input((100, 100))
    assert np.allclose(move([60.0, 50.0], matrix), [50, 40])  # right becomes up


@pytest.mark.parametrize("alignment", ALIGNMENTS)
def test_a_warped_pixel_is_at_the_transformed_point(alignment):
    rng = np.random.default_rng(2)
    for _ in range(60):
        window = Window(
            center=tuple(rng.uniform(80, 120, 2)),
            size=tuple(rng.uniform(40, 128, 2)),  # smaller than the input, so that no pixel is lost
            rotation=float(rng.uniform(-180, 180)),
            flip=bool(rng.random() < 0.5),
        )
        point = np.round(window.center + rng.uniform(-0.25, 0.25, 2) * min(window.size))
        image = np.zeros((200, 220, 3), np.uint8)
        image[int(point[1]), int(point[0])] = 255
        matrix = window.to_input((128, 160), alignment)
        weight = warp(image, matrix, (128, 160))[..., 0].astype(float)
        assert weight.shape == (160, 128)
        y, x = np.mgrid[:160, :128]
        centroid = np.array([(weight * x).sum(), (weight * y).sum()]) / weight.sum()
        assert np.abs(centroid - move(point, matrix)).max() < 0.3


def published_crop(center, scale, rotation, size):
    """Returns the affine matrix determined by three points.

    They are the centre, the middle of the upper edge, and a third point at a right angle to them.
    """

    def third(a, b):
        return b + np.array([b[1] - a[1], a[0] - b[0]])

    half, angle = 200 * scale / 2, radians(rotation)
    source = [np.array(center), np.array(center) + half * np.array([sin(angle), -cos(angle)])]
    target = [np.array(size) / 2, np.array([size[0] / 2, size[1] / 2 - size[0] / 2])]
    source.append(third(*source))
    target.append(third(*target))
    return np.linalg.solve(np.column_stack([source, np.ones(3)]), np.array(target)).T


def test_the_window_equals_the_published_crop():
    """SimpleBaseline's and HRNet's `get_affine_transform`, where a scale of 1 is 200 px wide."""
    rng = np.random.default_rng(3)
    for _ in range(100):
        center = rng.uniform(0, 600, 2)
        scale = rng.uniform(0.2, 8)
        rotation = rng.uniform(-80, 80)
        width, height = size = tuple(int(s) for s in rng.choice([192, 256, 288, 384], 2))
        window = Window(tuple(center), (200 * scale, 200 * scale * height / width), float(rotation))
        assert np.allclose(
            window.to_input(size), published_crop(center, scale, rotation, size), atol=1e-8
        )


def test_compose_applies_both_matrices_and_invert_returns_the_inverse():
    rng = np.random.default_rng(4)
    first = rng.normal(size=(2, 3))
    second = rng.normal(size=(2, 3))
    points = rng.normal(size=(5, 2))
    assert np.allclose(move(points, compose(second, first)), move(move(points, first), second))
    assert np.allclose(compose(invert(first), first), [[1, 0, 0], [0, 1, 0]])
    with pytest.raises(np.linalg.LinAlgError):
        invert(np.zeros((2, 3)))


def test_box_window_contains_the_box_in_the_inputs_aspect_ratio():
    rng = np.random.default_rng(5)
    for _ in range(100):
        x, y, width, height = rng.uniform(1, 300, 4)
        window = box_window((x, y, width, height), (192, 256), context=1.25)
        assert window.center == pytest.approx((x + width / 2, y + height / 2))
        assert window.size[0] / window.size[1] == pytest.approx(192 / 256)
        # Without the context, one side of the window equals that of the box, the other is not
        # smaller.
        assert max(width / window.size[0], height / window.size[1]) == pytest.approx(1 / 1.25)
        assert (window.rotation, window.flip) == (0.0, False)


def test_scaled_changes_only_the_size():
    window = Window((3.0, 4.0), (10.0, 20.0), rotation=30.0, flip=True)
    assert window.scaled(1.5) == Window((3.0, 4.0), (15.0, 30.0), rotation=30.0, flip=True)


@pytest.mark.parametrize("size", [(0.0, 10.0), (10.0, -1.0), (float("nan"), 10.0)])
def test_an_empty_window_raises(size):
    with pytest.raises(InputError, match=re.escape(str(size))):
        Window((0.0, 0.0), size).to_input((64, 64))


def test_an_unknown_alignment_raises():
    with pytest.raises(InputError, match=r"'exact'.*published, udp"):
        Window((0.0, 0.0), (1.0, 1.0)).to_input((64, 64), "exact")


@pytest.mark.parametrize("size", [(16, 16), (64, 48), (320, 200)])
def test_warp_returns_the_same_bytes_as_opencv(size):
    # The sizes cover images with many and with few pixels per pixel of the result.
    pixels = np.random.default_rng(0).integers(0, 256, (90, 130, 3)).astype(np.uint8)
    matrix = Window((60.0, 50.0), (80.0, 70.0), rotation=25.0).to_input(size)
    expected = cv2.warpAffine(pixels, matrix, size, flags=cv2.INTER_LINEAR)
    np.testing.assert_array_equal(warp(pixels, matrix, size), expected)


def test_scaling_down_by_area_averages_and_keeps_whole_sides():
    pixels = np.random.default_rng(0).integers(0, 256, (90, 161, 3), np.uint8)
    matrix = np.array([[0.25, 0, 0], [0, 0.25, 0]])
    warped = warp(pixels, matrix, (64, 32), border=7, by_area=True)
    expected = cv2.resize(pixels, (40, 22), interpolation=cv2.INTER_AREA)
    assert np.array_equal(warped[:22, :40], expected)
    assert (warped[22:] == 7).all()
    assert (warped[:, 40:] == 7).all()
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::4] = 200  # the pixels that bilinear interpolation reads
    matrix = np.array([[0.25, 0, 2], [0, 0.25, 0]])
    assert set(np.unique(warp(stripes, matrix, (20, 16), by_area=True))) == {0, 50}


@pytest.mark.parametrize(
    "matrix",
    [[[1.5, 0, 3], [0, 1.5, 0]], [[0.4, 0.1, 0], [-0.1, 0.4, 0]], [[-0.5, 0, 60], [0, 0.5, 0]]],
    ids=["larger", "rotated", "mirrored"],
)
def test_other_matrices_are_bilinear(matrix):
    pixels = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
    matrix = np.array(matrix, float)
    assert np.array_equal(
        warp(pixels, matrix, (64, 64), by_area=True), warp(pixels, matrix, (64, 64))
    )
