"""Preprocessing of each family of detectors, against a restatement."""

import cv2
import numpy as np
import pytest

from paddle_pose.inference.detection.letterbox import (
    NANODET_PREPROCESSING,
    RTMDET_PREPROCESSING,
    ULTRALYTICS_PREPROCESSING,
    YOLOX_PREPROCESSING,
)

FAMILIES = {
    "nanodet": NANODET_PREPROCESSING,
    "yolox": YOLOX_PREPROCESSING,
    "rtmdet": RTMDET_PREPROCESSING,
    "ultralytics": ULTRALYTICS_PREPROCESSING,
}
IMAGE = np.random.default_rng(0).integers(0, 256, (101, 75, 3), dtype=np.uint8)
MEAN = (103.53, 116.28, 123.675)
DEVIATION = (57.375, 57.12, 58.395)


def restated(family, image, side):
    """Returns input, scale and offset by the family's own steps, for a square input."""
    height, width = image.shape[:2]
    ratio = side / max(height, width)
    bgr = image[..., ::-1].astype(np.float32)
    inner = (round(width * ratio), round(height * ratio))
    if family in ("yolox", "rtmdet"):
        inner = (int(width * ratio), int(height * ratio))
    resized = cv2.resize(
        np.ascontiguousarray(bgr.astype(np.uint8)), inner, interpolation=cv2.INTER_LINEAR
    )
    canvas = np.full((side, side, 3), 0.0 if family == "nanodet" else 114.0)
    left = top = 0
    if family == "ultralytics":
        left, top = round((side - inner[0]) / 2 - 0.1), round((side - inner[1]) / 2 - 0.1)
    canvas[top : top + inner[1], left : left + inner[0]] = resized
    if family in ("nanodet", "rtmdet"):
        canvas = (canvas - MEAN) / DEVIATION
    if family == "ultralytics":
        canvas = canvas[..., ::-1] / 255
    return canvas.transpose(2, 0, 1)[None], ratio, (left, top)


@pytest.mark.parametrize("side", [64, 160])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_input_equals_the_restatement(family, side):
    pixels, placement = FAMILIES[family](IMAGE, (side, side))
    expected, ratio, offset = restated(family, IMAGE, side)
    assert pixels.dtype == np.float32
    np.testing.assert_allclose(pixels, expected, atol=1e-5)
    assert placement.scale == pytest.approx(ratio)
    assert placement.offset == offset


def test_sides_are_rounded_as_in_the_family():
    shapes = {}
    for family in ("nanodet", "yolox"):
        canvas, _ = FAMILIES[family].canvas(np.full((100, 77, 3), 200, np.uint8), (64, 64))
        shapes[family] = int((canvas[0, :, 0] == 200).sum())
    assert shapes == {"nanodet": 49, "yolox": 49}  # 49.28
    for family in ("nanodet", "yolox"):
        canvas, _ = FAMILIES[family].canvas(np.full((100, 78, 3), 200, np.uint8), (64, 64))
        shapes[family] = int((canvas[0, :, 0] == 200).sum())
    assert shapes == {"nanodet": 50, "yolox": 49}  # 49.92


@pytest.mark.parametrize("family", FAMILIES)
def test_corners_in_an_oblong_input_are_moved_back_to_the_image(family):
    image = np.zeros((80, 160, 3), np.uint8)
    image[40:, 80:] = 255
    canvas, placement = FAMILIES[family].canvas(image, (96, 64))
    rows, columns = np.nonzero((canvas == 255).all(axis=2))
    corners = np.array([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]], float)
    np.testing.assert_allclose(placement.to_image(corners), [[80, 40, 160, 80]], atol=2)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_very_long_image_keeps_at_least_one_pixel(family):
    pixels, _ = FAMILIES[family](np.zeros((2, 1000, 3), np.uint8), (64, 64))
    assert pixels.shape == (1, 3, 64, 64)
