"""Where MoveNet's maps say people and joints are: cells, found with the regression as a guide.

Source: Google's MoveNet: `prediction_to_single_instance_keypoints` and `prediction_to_keypoints_argmax` of TensorFlow's object
    detection API, as the published TFLite graph computes the former.
Checked against: `tests/parity/movenet_reference.py`, literal float64 loops of the single-person rule.
"""

from __future__ import annotations

import numpy as np

NEAR = 1.8  # cells; what makes a distance of 0 a finite weight
REACH = 0.3  # of the longer side of a person, for its joints
MIN_REACH = 2.0  # cells


def most_central(centers: np.ndarray) -> np.ndarray:
    """Returns the cell [1, 2] (x, y) of the centre that is likely and near the middle (w/2, h/2) of the map.

    Args:
        centers: [h, w] probabilities.
    """
    height, width = centers.shape
    return _best(centers, np.array([[width / 2, height / 2]]))


def peaks(centers: np.ndarray, threshold: float, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Finds the cells that none of their eight neighbours exceeds; of neighbours alike the first one counts.

    Args:
        centers: [h, w].
        threshold: lowest value of a peak.
        most: how many to return.

    Returns:
        cells [P, 2] (x, y) and their values [P], highest first.

    Example:
        >>> peaks(np.array([[0.5, 0.5, 0.1, 0.4]]), 0.2, 5)[0]
        array([[0, 0],
               [3, 0]])
    """
    height, width = centers.shape
    padded = np.pad(centers, 1, constant_values=-np.inf)
    peak = centers >= threshold
    for dy in range(3):
        for dx in range(3):
            neighbour = padded[dy : dy + height, dx : dx + width]
            if (dy, dx) < (1, 1):
                peak &= centers > neighbour
            else:
                peak &= centers >= neighbour
    y, x = np.nonzero(peak)
    order = np.argsort(-centers[y, x], kind="stable")[:most]
    return np.stack([x, y], axis=-1)[order], centers[y, x][order]


def within_person(points: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Returns where to look for joints, and how far from there, so as to stay with their person.

    Args:
        points: [P, K, 2] regressed joints in cells.
        size: (width, height) of the maps.

    Returns:
        The points moved onto the map [P, K, 2], and the reach [P, 1] in cells.
    """
    longest = np.ptp(points, axis=1).max(axis=-1)
    return np.clip(points, 0, np.array(size) - 1), np.maximum(REACH * longest, MIN_REACH)[:, None]


def nearby(
    heatmaps: np.ndarray, points: np.ndarray, reach: np.ndarray | float = np.inf
) -> np.ndarray:
    """Returns the cells [P, K, 2] (x, y) that are likely and near a point.

    Args:
        heatmaps: [K, h, w] probabilities.
        points: [P, K, 2] in cells.
        reach: cells further away do not count; broadcast to [P, K].
    """
    if not len(points):
        return np.zeros(points.shape, np.int64)
    return np.stack(
        [
            _best(heatmaps, *both)
            for both in zip(points, np.broadcast_to(reach, points.shape[:2]), strict=True)
        ]
    )


def _best(maps: np.ndarray, points: np.ndarray, reach: np.ndarray | float = np.inf) -> np.ndarray:
    """Returns the highest cell [M, 2] of each map [M, h, w] divided by the distance to its point [M, 2] + 1.8."""
    height, width = maps.shape[-2:]
    across = np.arange(width) - points[:, 0, None]
    down = np.arange(height) - points[:, 1, None]
    distance = np.hypot(across[:, None, :], down[:, :, None])  # [M, h, w]
    likely = np.where(distance <= np.reshape(reach, (-1, 1, 1)), maps / (distance + NEAR), -np.inf)
    index = likely.reshape(len(points), -1).argmax(axis=-1)
    return np.stack([index % width, index // width], axis=-1)
