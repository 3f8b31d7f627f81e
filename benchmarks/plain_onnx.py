"""A plain script that predicts as `predict.py photo.jpg` does: the same two ONNX files, no checks.

A worker of `protocol`: photograph -> NanoDet-m -> MoveNet Thunder -> keypoints, in
OpenCV, NumPy and ONNX Runtime alone. It runs under this project's Python, so that both sides have
the same libraries, and imports nothing else of the project.
"""

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import cv2
import numpy as np
import onnxruntime
from protocol import serve

SIDE = 256  # px; input of Thunder
CELLS, STRIDE = 64, 4
DETECTOR_SIDE, STRIDES = 416, (8, 16, 32)
MIN_SCORE, MAX_IOU = 0.2, 0.6
MEAN = np.array([103.53, 116.28, 123.675], np.float32).reshape(3, 1, 1)  # BGR
DEVIATION = np.array([57.375, 57.12, 58.395], np.float32).reshape(3, 1, 1)


def default_prediction(cache: str, photo: str, threads: str) -> Any:
    """Prepares prediction of one photograph.

    Args:
        cache: Folder with the ONNX files that this project's side has made or copied.
        photo: Image file.
        threads: Number of threads.

    Raises:
        ValueError: If there is no photograph.
    """
    if not photo:
        raise ValueError("no photograph")
    cv2.setNumThreads(int(threads))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(threads)
    options.log_severity_level = 3  # the files have warnings
    detector, network = (
        onnxruntime.InferenceSession(f"{cache}/{name}", options, ["CPUExecutionProvider"])
        for name in ("nanodet_m.onnx", "movenet_thunder/model.onnx")
    )

    def run() -> dict[str, np.ndarray]:
        image = cv2.imread(photo)
        boxes, box_scores = detect(detector, image)
        people = [estimate(network, image, box) for box in boxes]
        scores = [
            score * joints[joints > MIN_SCORE].mean() if (joints > MIN_SCORE).any() else 0.0
            for score, (_, joints) in zip(box_scores, people, strict=True)
        ]
        return {"keypoints": people[int(np.argmax(scores))][0]}

    return run


def detect(detector: Any, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the people in a BGR image: boxes [D, 4] (x, y, width, height) in px, scores [D]."""
    height, width = image.shape[:2]
    scale = min(DETECTOR_SIDE / width, DETECTOR_SIDE / height)
    small = cv2.resize(image, (round(width * scale), round(height * scale)))
    canvas = np.zeros((DETECTOR_SIDE, DETECTOR_SIDE, 3), np.uint8)
    canvas[: small.shape[0], : small.shape[1]] = small
    pixels = (canvas.transpose(2, 0, 1) - MEAN) / DEVIATION
    outputs = sorted(detector.run(None, {"input.1": pixels[None]}), key=lambda o: -o.shape[1])
    corners, scores = [], []
    for n, stride in enumerate(STRIDES):
        of_classes, distances = sorted(outputs[2 * n : 2 * n + 2], key=lambda o: -o.shape[2])
        chosen = np.flatnonzero(of_classes[0, :, 0] > MIN_SCORE)
        weights = np.exp(distances[0, chosen].reshape(-1, 4, 8))
        sides = stride * (weights @ np.arange(8)) / weights.sum(axis=2)
        y, x = np.divmod(chosen, DETECTOR_SIDE // stride)
        centers = np.stack([x, y], axis=1) * stride + (stride - 1) / 2
        corners.append(np.hstack([centers - sides[:, :2], centers + sides[:, 2:]]) / scale)
        scores.append(of_classes[0, chosen, 0])
    found = np.clip(np.concatenate(corners), 0, (width, height, width, height))
    of_boxes = np.concatenate(scores)
    kept: list[int] = []
    for n in np.argsort(-of_boxes):
        if all(iou(found[n], found[other]) <= MAX_IOU for other in kept):
            kept.append(int(n))
    boxes = found[kept]
    boxes[:, 2:] -= boxes[:, :2]
    return boxes, of_boxes[kept]


def iou(a: np.ndarray, b: np.ndarray) -> float:
    """Returns the intersection over union of two boxes (x0, y0, x1, y1)."""
    across, down = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    both = max(across, 0) * max(down, 0)
    return float(both / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - both))


def estimate(network: Any, image: np.ndarray, box: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the keypoints [17, 2] of the person in a box, in px of the BGR image, and scores."""
    x, y, width, height = box
    scale = SIDE / max(width, height)
    shift = SIDE / 2 - scale * np.array([x + width / 2, y + height / 2])
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    crop = cv2.cvtColor(cv2.warpAffine(image, matrix, (SIDE, SIDE)), cv2.COLOR_BGR2RGB)
    centers, heatmaps, regressions, offsets = (
        values[0] for values in network.run(None, {"image": crop[None]})
    )
    regressions, offsets = (
        values.reshape(17, 2, CELLS, CELLS) for values in (regressions, offsets)
    )
    row, column = np.mgrid[:CELLS, :CELLS]
    middle = np.hypot(column - CELLS / 2, row - CELLS / 2)
    y, x = np.unravel_index(np.argmax(centers[0] / (middle + 1.8)), middle.shape)
    expected = regressions[:, :, y, x] + (x, y)
    keypoints, scores = [], []
    for joint in range(17):
        distance = np.hypot(column - expected[joint, 0], row - expected[joint, 1])
        y, x = np.unravel_index(np.argmax(heatmaps[joint] / (distance + 1.8)), distance.shape)
        keypoints.append((offsets[joint, :, y, x] + (x, y)) * STRIDE)
        scores.append(heatmaps[joint, y, x])
    return (np.array(keypoints) - shift) / scale, np.array(scores)


if __name__ == "__main__":
    serve({"default_prediction": default_prediction})
