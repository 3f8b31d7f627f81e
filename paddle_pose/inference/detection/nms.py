"""Greedy non-maximum suppression of boxes."""

from __future__ import annotations

import numpy as np


def nms(corners: np.ndarray, scores: np.ndarray, threshold: float) -> np.ndarray:
    """Returns the indices of the boxes that are kept, best first.

    Best first, each box suppresses those whose IoU with it is above the threshold. A box of [x0, x1] is x1 - x0 wide.

    Args:
        corners: [D, 4] (x0, y0, x1, y1), x1 >= x0 and y1 >= y0.
        scores: [D]; of equal ones the earlier box is the better.
        threshold: Largest IoU with a better box at which one is kept.

    Example:
        >>> corners = np.array([[0.0, 0, 10, 10], [0, 0, 10, 9], [20, 0, 30, 10]])
        >>> nms(corners, np.array([0.5, 0.9, 0.1]), 0.6)
        array([1, 2])
    """
    order, kept = np.argsort(-scores, kind="stable"), []
    while len(order):
        best, rest = order[0], order[1:]
        kept.append(best)
        order = rest[iou(corners[best], corners[rest]) <= threshold]
    return np.array(kept, np.int64)


def iou(box: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Returns the intersections over unions [D] of a box with others; 0 for two empty boxes.

    Args:
        box: [4] (x0, y0, x1, y1).
        others: [D, 4].

    Example:
        >>> iou(np.array([0.0, 0, 2, 2]), np.array([[1.0, 0, 3, 2], [5, 5, 6, 6]])).round(3)
        array([0.333, 0.   ])
    """
    sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    shared = np.maximum(sides, 0).prod(axis=1)
    union = (box[2:] - box[:2]).prod() + (others[:, 2:] - others[:, :2]).prod(axis=1) - shared
    overlaps: np.ndarray = shared / np.where(union > 0, union, 1.0)
    return overlaps
