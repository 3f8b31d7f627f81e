"""Greedy non-maximum suppression of boxes."""

from __future__ import annotations

import numpy as np


def nms(corners: np.ndarray, scores: np.ndarray, threshold: float) -> np.ndarray:
    """Returns the indices of the boxes that are kept, highest score first.

    In the order of the scores, each box that is left suppresses those whose IoU with it is above
    the threshold. A box from x0 to x1 has the width x1 - x0.

    Args:
        corners: (x0, y0, x1, y1) with x1 >= x0 and y1 >= y0, [D, 4], in any unit.
        scores: Scores [D] of the boxes; of equal ones the earlier box comes first.
        threshold: IoU 0..1 with a kept box above which a box is suppressed.

    Returns:
        int64 [M], indices of the rows of `corners`.

    Example:
        >>> corners = np.array([[0.0, 0, 10, 10], [0, 0, 10, 9], [20, 0, 30, 10]])
        >>> nms(corners, np.array([0.5, 0.9, 0.1]), 0.6)
        array([1, 2])
    """
    order = np.argsort(-scores, kind="stable")
    kept = []
    while len(order):
        best = order[0]
        rest = order[1:]
        kept.append(best)
        order = rest[iou(corners[best], corners[rest]) <= threshold]
    return np.array(kept, np.int64)


def iou(box: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Returns the IoU [D] of a box with each of several; 0 for two empty boxes.

    Args:
        box: (x0, y0, x1, y1), [4], in any unit.
        others: (x0, y0, x1, y1) of the other boxes, [D, 4], in the same unit.

    Example:
        >>> iou(np.array([0.0, 0, 2, 2]), np.array([[1.0, 0, 3, 2], [5, 5, 6, 6]])).round(3)
        array([0.333, 0.   ])
    """
    sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    intersection = np.maximum(sides, 0).prod(axis=1)
    areas = (box[2:] - box[:2]).prod() + (others[:, 2:] - others[:, :2]).prod(axis=1)
    union = areas - intersection
    result: np.ndarray = intersection / np.where(union > 0, union, 1.0)
    return result
