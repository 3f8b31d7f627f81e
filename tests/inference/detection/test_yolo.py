"""Decoders of YOLOX and of Ultralytics' detectors."""

import numpy as np

from paddle_pose.inference.detection.yolo import UltralyticsDecoder, YoloxDecoder

SIZE = (64, 64)


def test_raw_yolox_is_relative_to_the_cells_corner_and_multiplies_two_scores():
    rows = np.zeros((1, 84, 7))
    rows[0, 64 + 6] = 0.25, 0.5, np.log(2), np.log(3), 0.8, 0.1, 0.5  # column 2, row 1 of stride 16
    corners, scores = YoloxDecoder(person=1).decode({"output": rows}, SIZE)
    x, y = 2.25 * 16, 1.5 * 16
    np.testing.assert_allclose(corners[70], [x - 16, y - 24, x + 16, y + 24], atol=1e-9)
    np.testing.assert_allclose(scores[70], 0.4)
    assert np.count_nonzero(scores) == 1


def test_decoded_yolox_is_in_input_px():
    rows = np.zeros((1, 84, 6))
    rows[0, 3] = 20, 30, 8, 10, 0.5, 0.5
    corners, scores = YoloxDecoder(decoded=True).decode({"output": rows}, SIZE)
    assert corners[3].tolist() == [16, 25, 24, 35]
    assert scores[3] == 0.25


def test_ultralytics_has_no_objectness_and_two_orders_of_axes():
    rows = np.zeros((1, 84, 6))
    rows[0, 3] = 20, 30, 8, 10, 0.1, 0.7
    for decoder, output in (
        (UltralyticsDecoder(person=1), rows.transpose(0, 2, 1)),
        (UltralyticsDecoder(person=1, cells_first=True), rows),
    ):
        corners, scores = decoder.decode({"output0": output}, SIZE)
        assert corners[3].tolist() == [16, 25, 24, 35]
        assert scores[3] == 0.7
