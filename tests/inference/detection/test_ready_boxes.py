"""Decoders of detectors that suppress boxes in the network."""

import numpy as np

from paddle_pose.inference.detection.ready_boxes import DetsLabelsDecoder, EndToEndDecoder


def test_other_labels_and_padding_are_left_out():
    dets = np.arange(20, dtype=np.float32).reshape(1, 4, 5)
    labels = np.array([[0, 2, 0, -1]], np.int64)
    for outputs in ({"dets": dets, "labels": labels}, {"labels": labels, "dets": dets}):
        corners, scores = DetsLabelsDecoder().decode(outputs, (64, 64))
        assert corners.tolist() == [[0, 1, 2, 3], [10, 11, 12, 13]]
        assert scores.tolist() == [4, 14]


def test_the_last_column_is_the_class():
    rows = np.array(
        [[[1, 2, 3, 4, 0.9, 1], [5, 6, 7, 8, 0.8, 0], [9, 9, 9, 9, 0.7, 1]]], np.float32
    )
    corners, scores = EndToEndDecoder(person=1).decode({"output0": rows}, (64, 64))
    assert corners.tolist() == [[1, 2, 3, 4], [9, 9, 9, 9]]
    np.testing.assert_allclose(scores, [0.9, 0.7], rtol=1e-6)
