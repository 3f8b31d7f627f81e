"""Decoder of NanoDet's outputs: class scores, and a distribution of the distance to each box side.

The distance of a cell to a side is the expected bin number times the stride.

Source: RangiLyu/nanodet (Apache-2.0). In NanoDet-m and -g the centre of cell j is
    j s + (s - 1) / 2; in NanoDet-Plus, which has a fourth stride, it is j s
    (`get_single_level_center_priors`).
Checked against: raw outputs and final boxes of NanoDet-m and -g (tests/parity/test_detectors.py),
    box AP of NanoDet-m (tests/parity/test_person_boxes.py). NanoDet-Plus follows the source; no
    file of it was available.
Differs: suppression at IoU 0.6 with widths x1 - x0, as in the evaluation of NanoDet's training;
    the author's ncnn demo adds 1 to widths, and has other means.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from paddle_pose.errors import InputError
from paddle_pose.inference.detection.grid import STRIDES, count_cells, grid_cells

PLUS_STRIDES = (*STRIDES, 64)
"""Strides of NanoDet-Plus."""
BINS = (8, 11)
"""Numbers of bins of the distribution of a distance: of NanoDet-m and -Plus, of NanoDet-g."""
CLASSES = (80, 1)
"""Numbers of classes that `split_channels` recognises: COCO's, or people only."""


def split_channels(channels: int) -> int | None:
    """Returns the number of classes in an output that contains both scores and distances.

    Args:
        channels: Length of the output's last axis: C class scores, then `BINS` for each of four
            distances.

    Returns:
        C, an entry of `CLASSES`; None if the length fits no such output.

    Example:
        >>> split_channels(112), split_channels(124), split_channels(33), split_channels(85)
        (80, 80, 1, None)
    """
    return {classes + 4 * bins: classes for classes in CLASSES for bins in BINS}.get(channels)


@dataclass(frozen=True)
class NanoDetDecoder:
    """Decoder of NanoDet's outputs: class scores and distances for every cell; a `BoxDecoder`.

    Attributes:
        person: Index of the class of people in the scores, from 0.
        min_score: Score 0..1 that a person must exceed by default; compared with 0.05, box AP on
            COCO's people is 0.004 lower, and the number of boxes is an eighth.
        nms_iou: IoU 0..1 above which the box with the lower score is suppressed.
    """

    person: int = 0
    min_score: float = 0.2
    nms_iou: float | None = 0.6

    def decode(
        self, outputs: Mapping[str, np.ndarray], input_size: tuple[int, int]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns corners [n, 4] (x0, y0, x1, y1) in input px and scores [n] of all cells.

        Args:
            outputs: Outputs by name for n cells: one [1, n, C + 4 bins]; or [1, cells, C] and
                [1, cells, 4 bins] for each stride, in any order and under any names. Cells are in
                the order of `grid_cells`.
            input_size: (width, height) of the network's input in px.

        Raises:
            InputError: If the outputs are not NanoDet's.
        """
        scores, distances = self._split(list(outputs.values()))
        strides = PLUS_STRIDES if len(scores) == count_cells(input_size, PLUS_STRIDES) else STRIDES
        if len(scores) != count_cells(input_size, strides):
            raise InputError(
                f"{len(scores)} cells are not NanoDet's at {input_size[0]}x{input_size[1]}: "
                f"expected {count_cells(input_size)}, or "
                f"{count_cells(input_size, PLUS_STRIDES)} with four strides"
            )
        cells, sizes = grid_cells(input_size, strides)
        centers = cells * sizes + (0 if strides == PLUS_STRIDES else (sizes - 1) / 2)
        sides = expected_distances(distances) * sizes
        return np.hstack([centers - sides[:, :2], centers + sides[:, 2:]]), scores

    def _split(self, outputs: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Returns the scores [n] of the person and the distances [n, 4 bins] of all cells."""
        if len(outputs) == 1:
            classes = split_channels(outputs[0].shape[-1])
            if classes is None:
                raise InputError(
                    f"an output {list(outputs[0].shape)} is not NanoDet's scores and distances"
                )
            return outputs[0][0, :, self.person], outputs[0][0, :, classes:]
        lengths = [4 * bins for bins in BINS]
        scores = [output[0] for output in outputs if output.shape[-1] not in lengths]
        distances = [output[0] for output in outputs if output.shape[-1] in lengths]
        scores.sort(key=len, reverse=True)
        distances.sort(key=len, reverse=True)
        if [len(cells) for cells in scores] != [len(cells) for cells in distances]:
            shapes = ", ".join(str(list(output.shape)) for output in outputs)
            raise InputError(
                f"outputs {shapes} are not NanoDet's: expected scores and distances of each stride"
            )
        return np.concatenate(scores)[:, self.person], np.concatenate(distances)


def expected_distances(logits: np.ndarray) -> np.ndarray:
    """Returns the distances [n, 4] from cells to the sides of their boxes, in strides.

    The order is left, top, right, bottom; a distance is the mean of the distribution over its bins.

    Args:
        logits: Values [n, 4 bins] before the softmax, the bins of a side one after another.

    Example:
        >>> expected_distances(np.zeros((1, 32)))
        array([[3.5, 3.5, 3.5, 3.5]])
    """
    # The precision of float16 would be too low.
    logits = logits.astype(np.result_type(logits, np.float32), copy=False)
    sides = logits.reshape(len(logits), 4, logits.shape[1] // 4)
    weights = np.exp(sides - sides.max(axis=2, keepdims=True))
    bins = np.arange(sides.shape[2], dtype=weights.dtype)
    expected: np.ndarray = weights @ bins / weights.sum(axis=2)
    return expected
