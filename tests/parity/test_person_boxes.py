"""Box AP of real detectors on real people."""

import pytest

from benchmarks.person_boxes import evaluate_detector
from paddle_pose.inference.detection.base import PersonDetector
from paddle_pose.inference.detection.open import open_detector


@pytest.mark.parametrize(
    ("file", "nms_iou", "expected"),
    [
        (
            "nanodet/nanodet_m_416.onnx",
            None,
            {"AP": 0.474, "AP50": 0.801, "AP75": 0.444, "AR100": 0.597},
        ),
        ("foreign_onnx/yolox_nano_person_192.onnx", 0.6, {"AP": 0.281, "AP50": 0.458}),
    ],
    ids=["nanodet-m", "yolox-nano"],
)
def test_detectors_reach_the_measured_average_precision(shared, file, nms_iou, expected):
    pytest.importorskip("onnxruntime", reason="needs onnxruntime (requirements/predict.txt)")
    opened = open_detector(shared / "data" / file)
    detector = PersonDetector(
        opened.network,
        opened.input_size,
        opened.preprocessing,
        opened.decoder,
        min_score=0.05,
        nms_iou=nms_iou,
        max_people=100,
    )
    values, _ = evaluate_detector(detector, shared / "data" / "coco_mini")
    assert {name: values[name] for name in expected} == pytest.approx(expected, abs=2e-3)
