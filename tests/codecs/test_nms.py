"""Non-maximum suppression against a literal loop, and its limits."""

import numpy as np
import pytest

from paddle_pose.codecs.nms import iou, nms


def literal_nms(corners, scores, threshold):
    """Returns the indices that are kept, comparing one pair at a time in float64."""
    kept = []
    for i in sorted(range(len(scores)), key=lambda i: -scores[i]):
        for j in kept:
            left, top = max(corners[i][0], corners[j][0]), max(corners[i][1], corners[j][1])
            right, bottom = min(corners[i][2], corners[j][2]), min(corners[i][3], corners[j][3])
            shared = max(0.0, right - left) * max(0.0, bottom - top)
            areas = [(x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in (corners[i], corners[j])]
            if shared / (sum(areas) - shared) > threshold:
                break
        else:
            kept.append(i)
    return kept


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.6, 1.0])
def test_nms_equals_the_literal_loop(threshold):
    rng = np.random.default_rng(0)
    low = rng.uniform(0, 60, (80, 2))
    corners = np.hstack([low, low + rng.uniform(5, 60, (80, 2))])
    scores = rng.random(80)
    expected = literal_nms(corners.tolist(), scores.tolist(), threshold)
    assert nms(corners, scores, threshold).tolist() == expected
    assert (len(expected) == 80) == (threshold == 1.0)


def test_without_boxes_nothing_is_kept():
    assert nms(np.zeros((0, 4)), np.zeros(0), 0.5).shape == (0,)


def test_an_iou_at_the_threshold_is_kept():
    corners = np.array([[0.0, 0, 4, 4], [0, 0, 4, 2]])
    assert iou(corners[0], corners[1:]).tolist() == [0.5]
    assert nms(corners, np.array([0.9, 0.8]), 0.5).tolist() == [0, 1]
    assert nms(corners, np.array([0.9, 0.8]), 0.49).tolist() == [0]


def test_empty_boxes_have_no_overlap():
    assert iou(np.zeros(4), np.array([[0.0, 0, 0, 0], [0, 0, 4, 4]])).tolist() == [0.0, 0.0]
