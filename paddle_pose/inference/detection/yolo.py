"""Decoders of YOLOX and of Ultralytics' detectors: a box and class scores for every cell.

Source: Megvii-BaseDetection/YOLOX, `demo_postprocess` and the constants of its ONNX demo;
    Ultralytics' documentation of its detect export (YOLOv8, YOLO11).
Checked against: the boxes of a YOLOX-nano (tests/parity/test_detectors.py). Decoded YOLOX and
    Ultralytics follow their sources; no file of theirs was available.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from paddle_pose.inference.detection.grid import grid_cells


@dataclass(frozen=True)
class YoloxDecoder:
    """Decoder of YOLOX's output [1, n, 5 + C]: x, y, w, h, objectness, C class scores.

    x and y are the centre of a box; objectness and class scores are values after the sigmoid. The n
    cells are in the order of `grid_cells`. A `BoxDecoder`.

    Attributes:
        decoded: Whether x, y, w and h are in input px. Otherwise x and y are distances from the
            upper left corner of the cell in strides, w and h logarithms of sizes in strides.
        person: Index of the class of people, from 0.
        min_score: Score 0..1 that a person must exceed by default; the value of YOLOX's demos.
        nms_iou: IoU 0..1 above which the box with the lower score is suppressed; the value of
            YOLOX's ONNX demo.
    """

    decoded: bool = False
    person: int = 0
    min_score: float = 0.3
    nms_iou: float | None = 0.45

    def decode(
        self, outputs: Mapping[str, np.ndarray], input_size: tuple[int, int]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns corners [n, 4] in input px and scores [n] of all cells; see `BoxDecoder`.

        A score is the objectness times the class score of people.

        Args:
            outputs: The one output, under any name.
            input_size: (width, height) of the network's input in px; not used if `decoded`.
        """
        (output,) = outputs.values()
        rows = np.asarray(output[0], np.float64)
        centers = rows[:, :2]
        sizes = rows[:, 2:4]
        if not self.decoded:
            cells, strides = grid_cells(input_size)
            centers = (centers + cells) * strides
            sizes = np.exp(sizes) * strides
        return _corners(centers, sizes), rows[:, 4] * rows[:, 5 + self.person]


@dataclass(frozen=True)
class UltralyticsDecoder:
    """Decoder of Ultralytics' output [1, 4 + C, n]: x, y, w, h in input px, C class scores.

    x and y are the centre of a box. A `BoxDecoder`.

    Attributes:
        cells_first: Whether the output is [1, n, 4 + C] instead.
        person: Index of the class of people, from 0.
        min_score: Score 0..1 that a person must exceed by default; Ultralytics' value.
        nms_iou: IoU 0..1 above which the box with the lower score is suppressed; Ultralytics'
            value.
    """

    cells_first: bool = False
    person: int = 0
    min_score: float = 0.25
    nms_iou: float | None = 0.7

    def decode(
        self, outputs: Mapping[str, np.ndarray], input_size: tuple[int, int]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns corners [n, 4] in input px and scores [n] of all cells; see `BoxDecoder`.

        Args:
            outputs: The one output, under any name.
            input_size: Not used.
        """
        (output,) = outputs.values()
        rows = np.asarray(output[0] if self.cells_first else output[0].T, np.float64)
        return _corners(rows[:, :2], rows[:, 2:4]), rows[:, 4 + self.person]


def _corners(centers: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Returns corners [n, 4] (x0, y0, x1, y1)."""
    return np.hstack([centers - sizes / 2, centers + sizes / 2])
