"""Decoders of detectors that decode and suppress boxes in the network.

Source: mmdeploy's `dets` and `labels`, and rtmlib's use of them; Ultralytics' documentation of
    end-to-end exports (YOLO26, and others exported with `nms=True`).
Checked against: a NanoDet-m with suppression in its graph and mmdeploy's interface
    (tests/parity/test_detectors.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class DetsLabelsDecoder:
    """Decoder of mmdeploy's outputs: [1, n, 5] x0, y0, x1, y1, score, and labels [1, n].

    The label of padding is -1.

    Attributes:
        person: Label of people.
        min_score: Score that a person must exceed by default; rtmlib's value.
        nms_iou: None, since the network suppresses boxes.
    """

    person: int = 0
    min_score: float = 0.3
    nms_iou: float | None = None

    def decode(
        self, outputs: Mapping[str, np.ndarray], input_size: tuple[int, int]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns corners [M, 4] in input px and scores [M] of the people; see `BoxDecoder`."""
        dets, labels = sorted(outputs.values(), key=np.ndim, reverse=True)
        rows = dets[0][labels[0] == self.person]
        return rows[:, :4], rows[:, 4]


@dataclass(frozen=True)
class EndToEndDecoder:
    """Decoder of an output [1, n, 6]: x0, y0, x1, y1, score, class.

    Attributes:
        person: Number of the class of people.
        min_score: Score that a person must exceed by default; Ultralytics' value.
        nms_iou: None, since the network suppresses boxes.
    """

    person: int = 0
    min_score: float = 0.25
    nms_iou: float | None = None

    def decode(
        self, outputs: Mapping[str, np.ndarray], input_size: tuple[int, int]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns corners [M, 4] in input px and scores [M] of the people; see `BoxDecoder`."""
        (output,) = outputs.values()
        rows = output[0][np.rint(output[0][:, 5]) == self.person]
        return rows[:, :4], rows[:, 4]
