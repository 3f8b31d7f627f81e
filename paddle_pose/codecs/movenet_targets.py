"""Building blocks of MoveNet's targets: blobs, vectors around a cell, and weights of regions.

Source: CenterNet (Zhou et al., 2019) for Gaussians merged by their maximum; the kernel of
    fire717/movenet.pytorch.
Checked against: `tests/codecs/test_movenet.py`, maps calculated by hand.
Differs: from fire717/movenet.pytorch, whose kernel ends one cell early to the right and at the
    bottom, and which adds up the blobs of several people, which moves their peaks.
"""

from __future__ import annotations

import numpy as np

from paddle_pose.codecs import gaussian


def blobs(cells: np.ndarray, size: tuple[int, int], sigmas: np.ndarray) -> np.ndarray:
    """Returns Gaussians around cells, with value 1 there and cut off at 3 sigma, [M, h, w] float32.

    Args:
        cells: Cells of the peaks, [M, 2] (x, y), integer values.
        size: (width, height) of the maps in cells.
        sigmas: Standard deviations, [M] in cells.
    """
    return gaussian.draw_rounded(cells, size, sigmas)[0]


def fire717_blobs(cells: np.ndarray, size: tuple[int, int], radii: np.ndarray) -> np.ndarray:
    """Returns fire717's blobs exp(-3 d / r) within squares of 2 r + 1 cells, [M, h, w] float32.

    They are not Gaussians: d is the distance in cells from the peak, not its square.

    Args:
        cells: Cells of the peaks, [M, 2] (x, y), integer values.
        size: (width, height) of the maps in cells.
        radii: Radii r, [M] in cells.
    """
    dx, dy = (np.abs(np.arange(length) - cells[:, axis, None]) for axis, length in enumerate(size))
    radius = radii[:, None]
    values = np.exp(-3 * np.hypot(dx[:, None, :], dy[:, :, None]) / radius[..., None])
    blobs: np.ndarray = (values * (dx <= radius)[:, None, :] * (dy <= radius)[:, :, None]).astype(
        np.float32
    )
    return blobs


def merge_by_maximum(maps: np.ndarray, included: np.ndarray) -> np.ndarray:
    """Returns the maximum of maps over all people, [C, h, w]; zero without people.

    Args:
        maps: Maps of all people with values of 0 or more, [P * C, h, w]: the C maps of each person
            in turn.
        included: Whether a map is included, [P, C] bool.
    """
    merged: np.ndarray = (
        (maps * included.reshape(-1, 1, 1))
        .reshape(*included.shape, *maps.shape[1:])
        .max(axis=0, initial=0.0)
    )
    return merged


def vectors_around(
    anchors: np.ndarray,
    points: np.ndarray,
    known: np.ndarray,
    size: tuple[int, int],
    radius: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Returns, for every cell near an anchor, the vector from the cell to the anchor's point.

    If the anchors of several people are near a cell, the nearest one is used; of equally near ones,
    that of the last person.

    Args:
        anchors: Anchor cells, [P, K, 2] (x, y), integer values; anchors outside the map are
            skipped.
        points: Point of each anchor, [P, K, 2] (x, y) in cells.
        known: Whether the point is known, [P, K] bool; cells near an anchor whose point is not
            known get weight 0.
        size: (width, height) of the maps in cells.
        radius: Maximum distance of a cell from its anchor, in cells; 0 is only the cell of the
            anchor.

    Returns:
        Vectors [2K, h, w] float32 in cells, x and y of each joint in turn; and weights [K, h, w]
        float32: 1 in cells that have a vector, else 0.

    Example:
        >>> anchors, points = np.array([[[1, 0]]]), np.array([[[2.5, 0]]])
        >>> vectors, weights = vectors_around(anchors, points, np.array([[True]]), (4, 1), radius=1)
        >>> vectors[0], weights[0]
        (array([[2.5, 1.5, 0.5, 0. ]], dtype=float32), array([[1., 1., 1., 0.]], dtype=float32))
    """
    joints = known.shape[1]
    width, height = size
    side = np.arange(-int(radius), int(radius) + 1)
    steps = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    squared = (steps**2).sum(axis=1)
    in_radius = squared <= radius**2
    steps, squared = steps[in_radius], squared[in_radius]
    cells = anchors[:, :, None].astype(np.int64) + steps  # [P, K, D, 2]
    indices = np.nonzero(on_map(cells, size) & on_map(anchors, size)[:, :, None])
    # A later value replaces an earlier one: sort by decreasing distance, then by person.
    order = np.lexsort((indices[0], -squared[indices[2]]))
    person, joint, step = (index[order] for index in indices)
    cell = cells[person, joint, step]
    x, y = cell[:, 0], cell[:, 1]
    vectors = np.zeros((joints, 2, height, width), np.float32)
    weights = np.zeros((joints, height, width), np.float32)
    is_known = known[person, joint]
    vectors[joint, :, y, x] = np.where(is_known[:, None], points[person, joint] - cell, 0.0)
    weights[joint, y, x] = is_known
    return vectors.reshape(2 * joints, height, width), weights


def covered_cells(corners: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Returns the cells that each box covers at least in part, [P, h, w] bool.

    Args:
        corners: Boxes, [P, 4] (left, top, right, bottom) in cells.
        size: (width, height) of the map in cells.
    """
    masks = []
    for axis, length in enumerate(size):
        first, last = np.floor(corners[:, axis, None]), np.floor(corners[:, axis + 2, None])
        masks.append(np.array((first <= np.arange(length)) & (np.arange(length) <= last)))
    columns, rows = masks
    regions: np.ndarray = rows[:, :, None] & columns[:, None, :]
    return regions


def region_weights(regions: np.ndarray, unknown: np.ndarray, maps: np.ndarray) -> np.ndarray:
    """Returns the weights of target maps in the loss, [C, h, w] float32.

    A weight is 0 in the region of each person that has `unknown` True for the map, except where the
    map has a positive target, and 1 elsewhere.

    Args:
        regions: Cells of the region of each person, [P, h, w] bool, as of `covered_cells`.
        unknown: Whether the content of a map is unknown for a person, [P, C] bool, for example
            because the joint of the map is not labelled.
        maps: Target maps, [C, h, w].
    """
    count = np.tensordot(unknown.T.astype(np.float32), regions.astype(np.float32), axes=1)
    weights: np.ndarray = ((count == 0) | (maps > 0)).astype(np.float32)
    return weights


def areas(corners: np.ndarray) -> np.ndarray:
    """Returns the areas of boxes, [P], in the squared unit of the boxes.

    Args:
        corners: Boxes, [P, 4] (left, top, right, bottom); the area is 0 if right < left or
            bottom < top.
    """
    box_areas: np.ndarray = np.prod(np.maximum(corners[:, 2:] - corners[:, :2], 0.0), axis=1)
    return box_areas


def bounding_boxes(points: np.ndarray, included: np.ndarray) -> np.ndarray:
    """Returns the bounding box of each person's points, [P, 4] (left, top, right, bottom).

    Args:
        points: Points, [P, K, 2] (x, y) in any unit, which is also that of the boxes.
        included: Whether a point is included, [P, K] bool; without any, the box is (-1, -1, -1,
            -1).
    """
    low = np.where(included[..., None], points, np.inf).min(axis=1)
    high = np.where(included[..., None], points, -np.inf).max(axis=1)
    return np.where(np.any(included, axis=1, keepdims=True), np.hstack([low, high]), -1.0)


def on_map(cells: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Returns whether cells lie on the map, [...] bool.

    Args:
        cells: Cells, [..., 2] (x, y), integer values.
        size: (width, height) of the map in cells.
    """
    inside: np.ndarray = np.all((cells >= 0) & (cells < np.array(size)), axis=-1)
    return inside


def relative_lengths(vectors: np.ndarray) -> np.ndarray:
    """Returns the mean length of the joints' vectors in each cell, [h, w], scaled to at most 1.

    The lengths are divided by their maximum over the map.

    Args:
        vectors: Vectors, [2K, h, w]: x and y of each joint in turn.
    """
    mean = np.hypot(vectors[0::2], vectors[1::2]).mean(axis=0)
    relative: np.ndarray = mean / max(float(mean.max()), 1e-6)
    return relative
