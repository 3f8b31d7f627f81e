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

    Corners are in input px; the label of padding is -1. A `BoxDecoder`.

    Attributes:
        person: Label of people: the index of their class, from 0.
        min_score: Score 0..1 that a person must exceed by default; rtmlib's value.
        nms_iou: None, since the network suppresses boxes.
    """

    person: int = 0
    min_score: float = 0.3
    nms_iou: float | None = None

    def decode(
        self, outputs: Mapping[str, np.ndarray], input_size: tuple[int, int]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns corners [M, 4] in input px and scores [M] of the people; see `BoxDecoder`.

        Args:
            outputs: The two outputs; names and order do not matter.
            input_size: Not used.
        """
        dets, labels = sorted(outputs.values(), key=np.ndim, reverse=True)
        rows = dets[0][labels[0] == self.person]
        return rows[:, :4], rows[:, 4]


@dataclass(frozen=True)
class EndToEndDecoder:
    """Decoder of one output [1, n, 6]: x0, y0, x1, y1 in input px, score, class; a `BoxDecoder`.

    Attributes:
        person: Index of the class of people, from 0.
        min_score: Score 0..1 that a person must exceed by default; Ultralytics' value.
        nms_iou: None, since the network suppresses boxes.
    """

    person: int = 0
    min_score: float = 0.25
    nms_iou: float | None = None

    def decode(
        self, outputs: Mapping[str, np.ndarray], input_size: tuple[int, int]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns corners [M, 4] in input px and scores [M] of the people; see `BoxDecoder`.

        Args:
            outputs: The one output, under any name.
            input_size: Not used.
        """
        (output,) = outputs.values()
        rows = output[0][np.rint(output[0][:, 5]) == self.person]
        return rows[:, :4], rows[:, 4]
