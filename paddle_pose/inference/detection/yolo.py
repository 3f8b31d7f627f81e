"""Reads the outputs of YOLOX and of Ultralytics' detectors: a box and scores for every cell.

Source: Megvii-BaseDetection/YOLOX, `demo_postprocess` and the constants of its ONNX demo; Ultralytics' documentation of its
    detect export (YOLOv8, YOLO11).
Checked against: a YOLOX-nano's boxes (tests/parity/test_detectors.py). Decoded YOLOX and Ultralytics follow their sources; no
    file of theirs was at hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from paddle_pose.inference.detection.grid import grid_cells


@dataclass(frozen=True)
class YoloxDecoder:
    """YOLOX's convention: [1, n, 5 + C], each cell x, y, w, h, objectness, classes, the last two sigmoids already.

    Attributes:
        decoded: Whether boxes are in input px. Otherwise x and y count strides from the cell's corner, w and h are logarithms
            of strides.
        person: Class that is the person.
        min_score: Score that a person must exceed by default; the value of YOLOX's demos.
        nms_iou: IoU above which the worse of two boxes is suppressed; the value of YOLOX's ONNX demo.
    """

    decoded: bool = False
    person: int = 0
    min_score: float = 0.3
    nms_iou: float | None = 0.45

    def decode(
        self, outputs: Mapping[str, np.ndarray], input_size: tuple[int, int]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns corners [n, 4] in input px and scores [n]; as `BoxDecoder`."""
        (output,) = outputs.values()
        rows = np.asarray(output[0], np.float64)
        centers, sizes = rows[:, :2], rows[:, 2:4]
        if not self.decoded:
            cells, strides = grid_cells(input_size)
            centers, sizes = (centers + cells) * strides, np.exp(sizes) * strides
        return _corners(centers, sizes), rows[:, 4] * rows[:, 5 + self.person]


@dataclass(frozen=True)
class UltralyticsDecoder:
    """Ultralytics' convention: [1, 4 + C, n], each cell x, y, w, h in input px and scores of classes.

    Attributes:
        cells_first: Whether the output is [1, n, 4 + C] instead.
        person: Class that is the person.
        min_score: Score that a person must exceed by default; Ultralytics' value.
        nms_iou: IoU above which the worse of two boxes is suppressed; Ultralytics' value.
    """

    cells_first: bool = False
    person: int = 0
    min_score: float = 0.25
    nms_iou: float | None = 0.7

    def decode(
        self, outputs: Mapping[str, np.ndarray], input_size: tuple[int, int]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns corners [n, 4] in input px and scores [n]; as `BoxDecoder`."""
        (output,) = outputs.values()
        rows = np.asarray(output[0] if self.cells_first else output[0].T, np.float64)
        return _corners(rows[:, :2], rows[:, 2:4]), rows[:, 4 + self.person]


def _corners(centers: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    return np.hstack([centers - sizes / 2, centers + sizes / 2])
