"""Reads the outputs of NanoDet: scores of classes, and a distribution of the distance to each side of a box.

A cell's distance to a side is the expectation of a bin's number, times the stride.

Source: RangiLyu/nanodet (Apache-2.0): NanoDet-m and -g with the centre of cell j at j s + (s - 1) / 2, NanoDet-Plus, which has
    a fourth stride, with the centre at j s (`get_single_level_center_priors`).
Checked against: raw outputs and final boxes of NanoDet-m and -g (tests/parity/test_detectors.py), box AP of NanoDet-m
    (tests/parity/test_person_boxes.py). No file of NanoDet-Plus was at hand: its centres follow the source alone.
Differs: suppression at IoU 0.6 with areas x1 - x0, as training's evaluation; the author's ncnn demo adds 1 and has other means.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from paddle_pose.errors import InputError
from paddle_pose.inference.detection.grid import STRIDES, count_cells, grid_cells

PLUS_STRIDES = (*STRIDES, 64)
BINS = (8, 11)  # of a side: NanoDet-m and -Plus, NanoDet-g
CLASSES = (80, 1)  # COCO's, or people alone; needed where scores and distances are one output


def split_channels(channels: int) -> int | None:
    """Returns the number of classes of an output that holds scores and distances together; None where there is none.

    Args:
        channels: Length of the output's last axis.

    Example:
        >>> split_channels(112), split_channels(124), split_channels(33), split_channels(85)
        (80, 80, 1, None)
    """
    return {classes + 4 * bins: classes for classes in CLASSES for bins in BINS}.get(channels)


@dataclass(frozen=True)
class NanoDetDecoder:
    """NanoDet's convention.

    Attributes:
        person: Column of the scores that is the person's.
        min_score: Score that a person must exceed by default; against 0.05, box AP on COCO's people falls by
            0.004 and the number of boxes to an eighth.
        nms_iou: IoU above which the worse of two boxes is suppressed.
    """

    person: int = 0
    min_score: float = 0.2
    nms_iou: float | None = 0.6

    def decode(
        self, outputs: Mapping[str, np.ndarray], input_size: tuple[int, int]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns corners [n, 4] in input px and scores [n] of all cells.

        Args:
            outputs: One [1, n, C + 4 bins], or for each stride [1, cells, C] and [1, cells, 4 bins], in any order and of any
                name: lengths tell them apart.
            input_size: (width, height) of the input.

        Raises:
            InputError: If these are not NanoDet's outputs.
        """
        scores, distances = self._split(list(outputs.values()))
        strides = PLUS_STRIDES if len(scores) == count_cells(input_size, PLUS_STRIDES) else STRIDES
        if len(scores) != count_cells(input_size, strides):
            raise InputError(
                f"{len(scores)} cells are not NanoDet's at {input_size[0]}x{input_size[1]}: expected "
                f"{count_cells(input_size)}, or {count_cells(input_size, PLUS_STRIDES)} with four strides"
            )
        cells, sizes = grid_cells(input_size, strides)
        centers = cells * sizes + (0 if strides == PLUS_STRIDES else (sizes - 1) / 2)
        sides = expected_distances(distances) * sizes
        return np.hstack([centers - sides[:, :2], centers + sides[:, 2:]]), scores

    def _split(self, outputs: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Returns the person's scores [n] and the distances [n, 4 bins] of all cells."""
        if len(outputs) == 1:
            classes = split_channels(outputs[0].shape[-1])
            if classes is None:
                raise InputError(
                    f"an output {list(outputs[0].shape)} is not NanoDet's scores and distances"
                )
            return outputs[0][0, :, self.person], outputs[0][0, :, classes:]
        lengths = [4 * bins for bins in BINS]
        parts = []
        for distances in (False, True):
            maps = [output[0] for output in outputs if (output.shape[-1] in lengths) == distances]
            parts.append(sorted(maps, key=len, reverse=True))
        if [len(scores) for scores in parts[0]] != [len(distances) for distances in parts[1]]:
            shapes = ", ".join(str(list(output.shape)) for output in outputs)
            raise InputError(
                f"outputs {shapes} are not NanoDet's: expected scores and distances of each stride"
            )
        return np.concatenate(parts[0])[:, self.person], np.concatenate(parts[1])


def expected_distances(logits: np.ndarray) -> np.ndarray:
    """Returns the distances [n, 4] (left, top, right, bottom) in strides.

    Args:
        logits: [n, 4 bins], before the softmax.

    Example:
        >>> expected_distances(np.zeros((1, 32)))
        array([[3.5, 3.5, 3.5, 3.5]])
    """
    logits = logits.astype(
        np.result_type(logits, np.float32), copy=False
    )  # float16 would be too coarse
    sides = logits.reshape(len(logits), 4, logits.shape[1] // 4)
    weights = np.exp(sides - sides.max(axis=2, keepdims=True))
    expected: np.ndarray = (
        weights @ np.arange(sides.shape[2], dtype=weights.dtype) / weights.sum(axis=2)
    )
    return expected
