"""Reads the outputs of detectors that decode and suppress boxes themselves.

Source: mmdeploy's `dets` and `labels` and rtmlib's reading of them; Ultralytics' documentation of end-to-end exports (YOLO26,
    and others exported with `nms=True`).
Checked against: a NanoDet-m with suppression in its graph, in mmdeploy's interface (tests/parity/test_detectors.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class DetsLabelsDecoder:
    """mmdeploy's convention: [1, n, 5] x0, y0, x1, y1, score, and [1, n] labels, -1 for padding.

    Attributes:
        person: Label of people.
        min_score: Score that a person must exceed by default; rtmlib's value.
        nms_iou: None, since the network has suppressed boxes itself.
    """

    person: int = 0
    min_score: float = 0.3
    nms_iou: float | None = None

    def decode(
        self, outputs: Mapping[str, np.ndarray], input_size: tuple[int, int]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns corners [M, 4] in input px and scores [M] of the people; as `BoxDecoder`."""
        dets, labels = sorted(outputs.values(), key=np.ndim, reverse=True)
        rows = dets[0][labels[0] == self.person]
        return rows[:, :4], rows[:, 4]


@dataclass(frozen=True)
class EndToEndDecoder:
    """The convention of [1, n, 6]: x0, y0, x1, y1, score, class.

    Attributes:
        person: Class that is the person.
        min_score: Score that a person must exceed by default; Ultralytics' value.
        nms_iou: None, since the network has suppressed boxes itself.
    """

    person: int = 0
    min_score: float = 0.25
    nms_iou: float | None = None

    def decode(
        self, outputs: Mapping[str, np.ndarray], input_size: tuple[int, int]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns corners [M, 4] in input px and scores [M] of the people; as `BoxDecoder`."""
        (output,) = outputs.values()
        rows = output[0][np.rint(output[0][:, 5]) == self.person]
        return rows[:, :4], rows[:, 4]
