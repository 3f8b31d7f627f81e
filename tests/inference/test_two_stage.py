"""Boxes around the joints of predicted poses."""

import numpy as np

from paddle_pose.inference.two_stage import person_boxes
from paddle_pose.structures import BOX_MARGIN, Poses


def people(points, scores, person_scores):
    """Returns poses."""
    return Poses(np.array(points, float), np.array(scores, float), np.array(person_scores, float))


def test_a_box_contains_the_visible_joints_with_a_margin():
    rng = np.random.default_rng(0)
    for _ in range(20):
        points = rng.uniform(0, 100, (1, 17, 2))
        scores = rng.uniform(0, 1, (1, 17))
        ((x, y, width, height),), _ = person_boxes(
            people(points, scores, [1]), min_keypoint_score=0.3
        )
        visible = points[0][scores[0] >= 0.3]
        margin = BOX_MARGIN * np.ptp(visible, axis=0).max()
        np.testing.assert_allclose([x + margin, y + margin], visible.min(axis=0))
        np.testing.assert_allclose([x + width - margin, y + height - margin], visible.max(axis=0))


def test_people_with_low_scores_or_few_joints_are_left_out_and_the_rest_is_sorted():
    square = [[0, 0], [10, 0], [10, 10], [0, 10]]
    moved = (np.array(square) + 50).tolist()
    point = [[5, 5]] * 4
    found = people(
        [square, moved, square, point, square],
        [[1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 0, 0], [1, 1, 1, 1], [1, 1, 1, 1]],
        [0.5, 0.9, 0.9, 0.9, 0.1],
    )
    boxes, scores = person_boxes(found, min_score=0.2)
    assert boxes.tolist() == [[49, 49, 12, 12], [-1, -1, 12, 12]]
    assert scores.tolist() == [0.9, 0.5]


def test_without_people_there_is_no_box():
    boxes, scores = person_boxes(people(np.zeros((0, 17, 2)), np.zeros((0, 17)), np.zeros(0)))
    assert (boxes.shape, scores.shape) == ((0, 4), (0,))
