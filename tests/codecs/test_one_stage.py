"""People of networks that find them in one pass: thresholds, NMS, order, shapes."""

import numpy as np
import pytest

from paddle_pose.codecs.one_stage import OneStageCodec
from paddle_pose.errors import InputError
from paddle_pose.skeletons import MPII_16

CODEC = OneStageCodec(input_size=(64, 96), max_persons=3)


def rows(*people):
    """Returns candidates [1, A, 56] of (x0, score): boxes of 10 x 20 px; joint k is at (x0, k)."""
    candidates = np.zeros((1, len(people), 56))
    for row, (x, score) in zip(candidates[0], people, strict=True):
        row[:5] = [x, 0, x + 10, 20, score]
        row[5:] = np.stack([np.full(17, x), np.arange(17), np.full(17, 0.5)], axis=1).ravel()
    return candidates


def test_people_above_the_threshold_are_decoded_best_first():
    (poses,) = CODEC.decode({"people": rows((0, 0.3), (20, 0.9), (40, 0.25))})
    assert poses.person_scores.tolist() == [0.9, 0.3]
    assert poses.keypoints[:, 4].tolist() == [[20, 4], [0, 4]]
    assert (poses.scores == 0.5).all()


def test_of_people_in_one_place_the_best_is_kept():
    people = rows((0, 0.8), (1, 0.9), (4, 0.7))  # IoU .82 and .54 with the second
    (poses,) = CODEC.decode({"people": people})
    assert poses.person_scores.tolist() == [0.9, 0.7]
    (poses,) = OneStageCodec(nms_iou=1.0).decode({"people": people})
    assert poses.person_scores.tolist() == [0.9, 0.8, 0.7]


def test_the_number_of_people_is_limited():
    (poses,) = CODEC.decode({"people": rows(*((20 * n, 0.3 + n / 10) for n in range(5)))})
    assert poses.person_scores.tolist() == pytest.approx([0.7, 0.6, 0.5])


def test_result_without_people_has_shapes():
    for people in (rows((0, 0.1)), rows()):
        (poses,) = CODEC.decode({"people": people})
        assert (poses.keypoints.shape, poses.scores.shape) == ((0, 17, 2), (0, 17))
    (poses,) = CODEC.decode({"people": np.full((1, 2, 56), np.nan)})
    assert len(poses.person_scores) == 0


def test_other_shapes_and_what_does_not_exist_are_refused():
    for shape in [(1, 56, 3), (1, 3, 53), (3, 56)]:
        with pytest.raises(InputError):
            CODEC.decode({"people": np.zeros(shape)})
        with pytest.raises(InputError):
            CODEC.output_spec({"people": shape})
    with pytest.raises(InputError):
        CODEC.mirror({"people": rows((0, 1))}, shift=True)
    with pytest.raises(InputError):
        CODEC.encode(np.zeros((1, 17, 2)), np.ones((1, 17)))


def test_the_columns_are_described():
    (spec,) = OneStageCodec(MPII_16).output_spec({"people": (1, 8, 53)})
    assert len(spec.columns) == 53
    assert spec.columns[:6] == ("x0", "y0", "x1", "y1", "score", "right_ankle x")
