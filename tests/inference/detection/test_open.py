"""`open_detector` with constructed files of every family that detect a person at a known place."""

import logging

import numpy as np
import pytest
from helpers.foreign_onnx import write_constant

from paddle_pose.inference.detection.grid import grid_cells
from paddle_pose.inference.detection.open import CONVENTIONS, open_detector
from paddle_pose.inference.detection.recognize import DETECTOR_FORMATS

N = 84  # cells of a 64 x 64 input
IMAGE = np.zeros((96, 128, 3), np.uint8)  # at half its size in the input
# Of the person, in input px of an image at the top left.
CORNERS = np.array([[8.0, 12, 24, 44]])
CELL = 65  # column 1, row 0 of stride 16


def grid_rows(columns, score_columns, pixels):
    """Returns an output [1, 84, columns] in which one cell detects the person."""
    cells, strides = grid_cells((64, 64))
    rows = np.zeros((1, N, columns), np.float32)
    rows[0, :, :2] = (cells + 0.5) * strides if pixels else 0.5
    center = (CORNERS[0, :2] + CORNERS[0, 2:]) / 2
    size = CORNERS[0, 2:] - CORNERS[0, :2]
    if not pixels:
        center = center / strides[CELL] - cells[CELL]
        size = np.log(size / strides[CELL])
    rows[0, CELL, :4] = [*center, *size]
    rows[0, CELL, score_columns] = 0.9
    return rows


def nanodet_heads():
    """Returns NanoDet's outputs of three strides in which one cell detects the person."""
    outputs = {}
    for stride in (8, 16, 32):
        count = (64 // stride) ** 2
        outputs[f"c{stride}"] = np.zeros((1, count, 80), np.float32)
        outputs[f"d{stride}"] = np.zeros((1, count, 32), np.float32)
    outputs["c16"][0, 1, 0] = 0.9  # with its centre at 23.5, 7.5
    logits = np.full((4, 8), -60.0, np.float32)
    logits[[0, 1, 2, 3], [1, 0, 0, 2]] = 0  # 1 stride to the left, 2 down
    outputs["d16"][0, 1] = logits.ravel()
    return outputs


READY = np.array([[[*CORNERS[0], 0.9, 0], [0, 0, 9, 9, 0.9, 1], [0, 0, 9, 9, 0.1, 0]]], np.float32)
ULTRALYTICS = grid_rows(84, 4, pixels=True)
OUTPUTS = {
    "nanodet": nanodet_heads(),
    "yolox": {"output": grid_rows(85, slice(4, 6), pixels=False)},
    "yolox-decoded": {"output": grid_rows(85, slice(4, 6), pixels=True)},
    "yolox-nms": {"dets": READY[..., :5], "labels": READY[..., 5].astype(np.int64)},
    "rtmdet": {"dets": READY[..., :5], "labels": READY[..., 5].astype(np.int64)},
    "ultralytics": {"output0": ULTRALYTICS.transpose(0, 2, 1).copy()},
    "ultralytics-transposed": {"output0": ULTRALYTICS},
    "end-to-end": {"output0": READY},
}


@pytest.mark.parametrize("stated", [False, True])
@pytest.mark.parametrize(
    "layout", [(1, 3, 64, 64), ("n", 64, 64, 3)], ids=["channels-first", "channels-last"]
)
@pytest.mark.parametrize("family", OUTPUTS)
def test_every_family_detects_the_person_at_the_known_place(tmp_path, family, layout, stated):
    path = tmp_path / {"yolox-nms": "yolox.onnx", "rtmdet": "rtmdet.onnx"}.get(family, "model.onnx")
    square = family.startswith("ultralytics")  # [1, 84, 84]: the order of the axes is unknown
    write_constant(path, OUTPUTS[family], input_name="images", shape=layout)
    detector = open_detector(
        path, format=family if stated or square else None, threads=1, device="cpu"
    )
    corners = np.array([7.5, 7.5, 23.5, 39.5]) if family == "nanodet" else CORNERS[0].copy()
    if family in ("ultralytics", "ultralytics-transposed", "end-to-end"):
        corners[[1, 3]] -= 8  # padding above the image
    corners *= 2
    found = detector(IMAGE)
    assert detector.preprocessing == CONVENTIONS[family][0]
    np.testing.assert_allclose(
        found.boxes, [[*corners[:2], *(corners[2:] - corners[:2])]], rtol=1e-5, atol=1e-4
    )
    np.testing.assert_allclose(
        found.scores, [0.81 if family in ("yolox", "yolox-decoded") else 0.9], rtol=1e-6
    )


def test_every_format_has_a_convention():
    assert tuple(CONVENTIONS) == DETECTOR_FORMATS == tuple(OUTPUTS)


def test_options_reach_the_detector(tmp_path):
    path = write_constant(tmp_path / "model.onnx", {"output0": READY})
    assert len(open_detector(path, min_score=0.05)(IMAGE).scores) == 2
    assert len(open_detector(str(path), min_score=0.05, max_people=1)(IMAGE).scores) == 1
    with pytest.raises(ValueError, match="npu9"):
        open_detector(path, device="npu9")


def test_the_class_of_people_is_found_by_its_name(tmp_path):
    path = write_constant(
        tmp_path / "model.onnx", {"output0": READY}, metadata={"names": "{0: 'car', 1: 'person'}"}
    )
    np.testing.assert_allclose(open_detector(path)(IMAGE).boxes, [[0, 0, 18, 2]])


def test_assumptions_about_the_input_are_logged(tmp_path, caplog):
    path = write_constant(tmp_path / "rtmdet_nano.onnx", OUTPUTS["rtmdet"])
    with caplog.at_level(logging.INFO, logger="paddle_pose"):
        open_detector(path)
    assert any(
        "rtmdet" in record.getMessage() and "BGR" in record.getMessage()
        for record in caplog.records
    )
