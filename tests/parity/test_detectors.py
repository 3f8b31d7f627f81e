"""Detectors against stored raw outputs and boxes of real files."""

import json

import numpy as np
import pytest

from paddle_pose.backends.foreign_onnx import ForeignOnnx
from paddle_pose.codecs.nms import iou
from paddle_pose.errors import InputError
from paddle_pose.inference.detection.base import PersonDetector
from paddle_pose.inference.detection.letterbox import NANODET_PREPROCESSING
from paddle_pose.inference.detection.nanodet import NanoDetDecoder
from paddle_pose.inference.detection.open import open_detector
from paddle_pose.inference.detection.ready_boxes import DetsLabelsDecoder
from paddle_pose.io.images import read_upright

IMAGES = {"squat": "movenet/squat.bmp", "000000151938": "coco_mini/val2017/000000151938.jpg"}
ALL = {"min_score": 0.05, "max_people": 1000}


def image_of(shared, name):
    paths = (
        [shared / "data" / IMAGES[name]]
        if name in IMAGES
        else (shared / "data" / "coco_mini").glob(f"*2017/{name}")
    )
    return read_upright(next(iter(paths)))


def corners_of(detections):
    return np.hstack([detections.boxes[:, :2], detections.boxes[:, :2] + detections.boxes[:, 2:]])


def assert_same(detections, expected, tolerance=0.011):
    expected = np.array(expected)
    assert len(expected) >= 1
    np.testing.assert_allclose(corners_of(detections), expected[:, :4], atol=tolerance)
    np.testing.assert_allclose(detections.scores, expected[:, 4], atol=2e-5)


def stored(shared, name):
    folder = shared / "data" / "nanodet"
    boxes = json.loads((folder / f"boxes_{name}.json").read_text(encoding="utf-8"))["boxes"]
    with np.load(folder / f"raw_{name}.npz") as raw:
        return dict(raw), boxes


@pytest.mark.parametrize("name", IMAGES)
def test_preprocessing_gives_the_stored_input(shared, name):
    raw, _ = stored(shared, name)
    canvas, _ = NANODET_PREPROCESSING.canvas(image_of(shared, name), (416, 416))
    assert np.array_equal(canvas, raw["input"])


@pytest.mark.parametrize("name", IMAGES)
def test_nanodet_m_detects_the_stored_boxes(shared, name):
    pytest.importorskip("onnxruntime", reason="needs onnxruntime (requirements/predict.txt)")
    _, boxes = stored(shared, name)
    detector = open_detector(shared / "data" / "nanodet" / "nanodet_m_416.onnx", **ALL)
    assert isinstance(detector.decoder, NanoDetDecoder)
    assert_same(detector(image_of(shared, name)), boxes["nanodet-m"])


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("network", ["m", "g"])
@pytest.mark.parametrize("name", IMAGES)
def test_stored_raw_outputs_decode_to_the_stored_boxes(shared, name, network, together):
    """With one output per stride in arbitrary order, and with the one output of newer exports."""
    raw, boxes = stored(shared, name)
    scores = np.zeros((1, 3549, 80), np.float32)
    scores[0, :, 0] = raw[f"scores_{network}"]
    distances = raw[f"distances_{network}"][None].astype(np.float32)
    ends = [2704, 2704 + 676]
    maps = [*np.split(distances, ends, axis=1), *np.split(scores, ends, axis=1)]
    outputs = {str(n): values for n, values in enumerate(maps[::-1])}
    if together:
        outputs = {"output": np.concatenate([scores, distances], axis=2)}
    detector = PersonDetector(
        lambda _: outputs, (416, 416), NANODET_PREPROCESSING, NanoDetDecoder(), **ALL
    )
    tolerance = {"m": 0.011, "g": 0.1}[network]  # the distances of -g are stored as float16
    assert_same(detector(image_of(shared, name)), boxes[f"nanodet-{network}"], tolerance)


@pytest.mark.parametrize("name", ["squat.bmp", "000000350679.jpg"])
def test_yolox_nano_detects_the_stored_boxes(shared, name):
    pytest.importorskip("onnxruntime", reason="needs onnxruntime (requirements/predict.txt)")
    folder = shared / "data" / "foreign_onnx"
    content = json.loads((folder / "yolox_nano_person_192_boxes.json").read_text(encoding="utf-8"))
    opened = open_detector(folder / "yolox_nano_person_192.onnx")
    detector = PersonDetector(
        opened.network, opened.input_size, opened.preprocessing, opened.decoder, nms_iou=0.6, **ALL
    )
    assert_same(detector(image_of(shared, name.removesuffix(".bmp"))), content["pictures"][name])


def test_dets_labels_decoder_returns_the_boxes_of_the_file(shared):
    """The file contains NanoDet-m with decoding and NMS, but does not state its preprocessing."""
    pytest.importorskip("onnxruntime", reason="needs onnxruntime (requirements/predict.txt)")
    path = shared / "data" / "foreign_onnx" / "detector_dets_labels_416.onnx"
    _, boxes = stored(shared, "squat")
    network = ForeignOnnx(path, device="cpu")
    detector = PersonDetector(
        network, (416, 416), NANODET_PREPROCESSING, DetsLabelsDecoder(), min_score=0.05
    )
    found = detector(image_of(shared, "squat"))
    # The graph applies NMS at IoU 0.5 and before clipping, so only the best box is the same.
    np.testing.assert_allclose(corners_of(found)[0], boxes["nanodet-m"][0][:4], atol=0.011)
    # RTMDet has the same values in the input, with another padding.
    as_rtmdet = open_detector(path, format="rtmdet")(image_of(shared, "squat"))
    assert len(as_rtmdet.scores) == 1
    assert iou(corners_of(as_rtmdet)[0], corners_of(found)[:1])[0] > 0.9
    with pytest.raises(InputError, match="yolox-nms, rtmdet"):
        open_detector(path)


def test_open_detector_rejects_a_pose_network(shared):
    pytest.importorskip("onnxruntime", reason="needs onnxruntime (requirements/predict.txt)")
    with pytest.raises(InputError, match="SimCC"):
        open_detector(shared / "data" / "foreign_onnx" / "rtmpose-s_17_256x192_end2end.onnx")
