"""PersonDetector: from the network's outputs to boxes in the image."""

import numpy as np
import pytest

from paddle_pose.inference.detection.base import PersonDetector
from paddle_pose.inference.detection.letterbox import ULTRALYTICS_PREPROCESSING, YOLOX_PREPROCESSING
from paddle_pose.inference.detection.ready_boxes import EndToEndDecoder
from paddle_pose.inference.detection.yolo import UltralyticsDecoder

# At half its size in an input of 64 x 64 px, with 16 rows of padding.
IMAGE = np.zeros((96, 128, 3), np.uint8)


def detector_of(rows, preprocessing=YOLOX_PREPROCESSING, suppress=False, **options):
    """Returns a detector whose network outputs these (x0, y0, x1, y1, score) in input px."""
    rows = np.array(rows, float).reshape(-1, 5)
    ready = np.hstack([rows, np.zeros((len(rows), 1))])[None]
    centered = np.hstack(
        [(rows[:, :2] + rows[:, 2:4]) / 2, rows[:, 2:4] - rows[:, :2], rows[:, 4:]]
    ).T[None]
    decoder = UltralyticsDecoder() if suppress else EndToEndDecoder()
    outputs = {"output": centered if suppress else ready}
    return PersonDetector(lambda _: outputs, (64, 64), preprocessing, decoder, **options)


def test_boxes_are_in_image_px_with_the_highest_score_first():
    found = detector_of([[0, 0, 10, 20, 0.5], [20, 10, 40, 30, 0.9]])(IMAGE)
    assert found.boxes.tolist() == [[40, 20, 40, 40], [0, 0, 20, 40]]
    assert found.scores.tolist() == [0.9, 0.5]


def test_padding_on_both_sides_is_subtracted():
    found = detector_of([[20, 18, 40, 38, 0.9]], ULTRALYTICS_PREPROCESSING)(IMAGE)
    assert found.boxes.tolist() == [[40, 20, 40, 40]]


def test_boxes_are_clipped_and_those_in_the_padding_are_left_out():
    found = detector_of([[-10, 40, 70, 60, 0.9], [10, 50, 20, 60, 0.8], [5, 5, 5, 9, 0.7]])(IMAGE)
    assert found.boxes.tolist() == [[0, 80, 128, 16]]


def test_suppression_comes_after_clipping():
    """Both boxes extend below the image; the parts inside are the same."""
    rows = [[10, 10, 30, 50, 0.9], [10, 10, 30, 64, 0.8]]
    assert len(detector_of(rows, suppress=True, nms_iou=0.9)(IMAGE).scores) == 1
    tall = np.zeros((128, 128, 3), np.uint8)
    assert len(detector_of(rows, suppress=True, nms_iou=0.5)(tall).scores) == 1
    assert len(detector_of(rows, suppress=True, nms_iou=0.9)(tall).scores) == 2


def test_a_score_must_exceed_the_minimum():
    rows = [[0, 0, 10, 10, 0.5], [20, 20, 30, 30, 0.25], [30, 30, 40, 40, np.nan]]
    assert detector_of(rows)(IMAGE).scores.tolist() == [0.5]
    assert detector_of(rows, min_score=0.2)(IMAGE).scores.tolist() == [0.5, 0.25]
    assert detector_of(rows, min_score=0.5)(IMAGE).boxes.shape == (0, 4)


@pytest.mark.parametrize("suppress", [False, True])
def test_the_people_with_the_highest_scores_are_kept(suppress):
    rows = [[4 * n, 4, 4 * n + 4, 12, 0.3 + 0.04 * n] for n in range(15)]
    found = detector_of(rows, suppress=suppress, max_people=3)(IMAGE)
    np.testing.assert_allclose(found.scores, [0.86, 0.82, 0.78])


def test_the_network_receives_the_preprocessed_image():
    received = []

    def network(pixels):
        received.append(pixels)
        return {"output": np.zeros((1, 0, 6))}

    image = np.full((96, 128, 3), (10, 20, 30), np.uint8)
    found = PersonDetector(network, (64, 64), YOLOX_PREPROCESSING, EndToEndDecoder())(image)
    assert found.boxes.shape == (0, 4)
    assert received[0].shape == (1, 3, 64, 64)
    assert received[0][0, :, 0, 0].tolist() == [30, 20, 10]
    assert received[0][0, :, 63, 0].tolist() == [114, 114, 114]


@pytest.mark.parametrize(
    "image",
    [
        pytest.param(np.zeros((4, 4, 3), np.float32), id="float"),
        pytest.param(np.zeros((4, 4), np.uint8), id="gray"),
        pytest.param(np.zeros((0, 4, 3), np.uint8), id="empty"),
    ],
)
def test_other_arrays_are_refused(image):
    with pytest.raises(ValueError, match="uint8"):
        detector_of([])(image)


@pytest.mark.parametrize(
    "options",
    [{"min_score": 1.5}, {"nms_iou": -0.1}, {"max_people": 0}],
    ids=["score", "iou", "people"],
)
def test_a_number_out_of_range_is_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        detector_of([], **options)
