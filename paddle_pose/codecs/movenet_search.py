"""Finds the cells of people and joints in MoveNet's maps, guided by the regressions.

Source: Google's MoveNet: `prediction_to_single_instance_keypoints` and
    `prediction_to_keypoints_argmax` of TensorFlow's object detection API; the former as computed by
    the published TFLite graph.
Checked against: `tests/parity/movenet_reference.py`, literal float64 loops of the single-person
    decoding.
"""

from __future__ import annotations

import numpy as np

# Cells; added to a distance before dividing by it.
DISTANCE_OFFSET = 1.8
# Maximum distance of a joint from its regressed position, relative to the person's longer side.
MAX_DISTANCE_RATIO = 0.3
# Cells; lower limit of that maximum distance.
MIN_MAX_DISTANCE = 2.0


def most_central(centers: np.ndarray) -> np.ndarray:
    """Returns the cell of the most central person, [1, 2] (x, y) int64.

    It is the cell with the highest value / (d + 1.8), where d is the distance in cells to the
    middle (w/2, h/2) of the map.

    Args:
        centers: Probabilities of centres, [h, w].
    """
    height, width = centers.shape
    return _best(centers, np.array([[width / 2, height / 2]]))


def peaks(centers: np.ndarray, threshold: float, max_peaks: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the local maxima: cells that are not exceeded by any of their eight neighbours.

    If neighbouring cells are equal, the first one in row-major order is the peak.

    Args:
        centers: Probabilities of centres, [h, w].
        threshold: Minimum value of a peak, inclusive.
        max_peaks: Maximum number of peaks to return, those with the highest values.

    Returns:
        Cells [P, 2] (x, y) int64 and their values [P], highest value first.

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
    order = np.argsort(-centers[y, x], kind="stable")[:max_peaks]
    return np.stack([x, y], axis=-1)[order], centers[y, x][order]


def within_person(points: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Returns where to search for the joints of each person, so that those of others are not found.

    The result is for `nearby`.

    Args:
        points: Regressed joints, [P, K, 2] (x, y) in cells.
        size: (width, height) of the maps in cells.

    Returns:
        The points clipped to the map, [P, K, 2] in cells; and the maximum distance from them,
        [P, 1] in cells: `MAX_DISTANCE_RATIO` times the longer side of the box around the person's
        points, but at least `MIN_MAX_DISTANCE`.
    """
    longer_side = np.ptp(points, axis=1).max(axis=-1)
    max_distance = np.maximum(MAX_DISTANCE_RATIO * longer_side, MIN_MAX_DISTANCE)
    return np.clip(points, 0, np.array(size) - 1), max_distance[:, None]


def nearby(
    heatmaps: np.ndarray, points: np.ndarray, max_distance: np.ndarray | float = np.inf
) -> np.ndarray:
    """Returns the cells of the joints of P people, [P, K, 2] (x, y) int64, around expected points.

    Each is the cell with the highest value / (d + 1.8), where d is its distance in cells to the
    point of the joint.

    Args:
        heatmaps: Probabilities of joints, [K, h, w].
        points: Expected positions of the joints, [P, K, 2] (x, y) in cells.
        max_distance: Maximum distance from the points in cells, a scalar or an array that
            broadcasts to [P, K].
    """
    if not len(points):
        return np.zeros(points.shape, np.int64)
    distances = np.broadcast_to(max_distance, points.shape[:2])
    return np.stack(
        [
            _best(heatmaps, of_person, limits)
            for of_person, limits in zip(points, distances, strict=True)
        ]
    )


def _best(
    maps: np.ndarray, points: np.ndarray, max_distance: np.ndarray | float = np.inf
) -> np.ndarray:
    """Returns the cell of each map with the highest value / (distance to its point + 1.8), [M, 2].

    Args:
        maps: M maps, [M, h, w].
        points: A point for each map, [M, 2] (x, y) in cells.
        max_distance: Maximum distance from the point in cells, a scalar or [M].
    """
    height, width = maps.shape[-2:]
    dx = np.arange(width) - points[:, 0, None]
    dy = np.arange(height) - points[:, 1, None]
    distance = np.hypot(dx[:, None, :], dy[:, :, None])  # [M, h, w]
    weighted = np.where(
        distance <= np.reshape(max_distance, (-1, 1, 1)),
        maps / (distance + DISTANCE_OFFSET),
        -np.inf,
    )
    index = weighted.reshape(len(points), -1).argmax(axis=-1)
    return np.stack([index % width, index // width], axis=-1)
