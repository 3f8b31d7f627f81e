"""What MoveNet's targets are drawn from: blobs on cells, values spread round a cell, and the cells that boxes touch.

Source: CenterNet (Zhou et al., 2019) for Gaussians merged by their maximum; the kernel of fire717/movenet.pytorch.
Checked against: `tests/codecs/test_movenet.py`, maps worked out by hand.
Differs: the original's kernel stops one cell early to the right and below, and adds people up, which moves their peaks.
"""

from __future__ import annotations

import numpy as np

from paddle_pose.codecs import gaussian


def blobs(cells: np.ndarray, size: tuple[int, int], sigmas: np.ndarray) -> np.ndarray:
    """Draws Gaussians with their peak, exactly 1, on a cell; cut off at 3 sigma.

    Args:
        cells: [M, 2] (x, y), whole numbers.
        size: (width, height) of the maps in cells.
        sigmas: [M] in cells.

    Returns:
        [M, h, w] float32.
    """
    return gaussian.draw_rounded(cells, size, sigmas)[0]


def fire717_blobs(cells: np.ndarray, size: tuple[int, int], radii: np.ndarray) -> np.ndarray:
    """Draws the original's kernel exp(-3 d / r) in the square of 2 r + 1 cells round a cell; no Gaussian.

    Args:
        cells: [M, 2] (x, y), whole numbers.
        size: (width, height) of the maps in cells.
        radii: [M] in cells, r.

    Returns:
        [M, h, w] float32.
    """
    across, down = (
        np.abs(np.arange(length) - cells[:, axis, None]) for axis, length in enumerate(size)
    )
    reach = radii[:, None]
    values = np.exp(-3 * np.hypot(across[:, None, :], down[:, :, None]) / reach[..., None])
    blobs: np.ndarray = (
        values * (across <= reach)[:, None, :] * (down <= reach)[:, :, None]
    ).astype(np.float32)
    return blobs


def highest(maps: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Merges people by their highest value.

    Args:
        maps: [P * C, h, w], the C maps of each person in turn.
        counts: [P, C] bool: which of them to take.

    Returns:
        [C, h, w]; zero where there is nobody.
    """
    highest: np.ndarray = (
        (maps * counts.reshape(-1, 1, 1))
        .reshape(*counts.shape, *maps.shape[1:])
        .max(axis=0, initial=0.0)
    )
    return highest


def spread(
    anchors: np.ndarray,
    points: np.ndarray,
    known: np.ndarray,
    size: tuple[int, int],
    radius: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Writes into every cell near an anchor how far it is from there to the anchor's point.

    Where several people reach a cell, the nearest anchor decides, and among equally near ones the last person.

    Args:
        anchors: [P, K, 2] (x, y) whole cells; those outside the map are left out.
        points: [P, K, 2] (x, y) in cells.
        known: [P, K] bool: whether there is anything to learn; a cell of an anchor without it has weight 0.
        size: (width, height) of the maps in cells.
        radius: how far from its anchor a value is written, in cells; 0 is the anchor's cell alone.

    Returns:
        [2K, h, w] float32, x and y of each joint in turn, and weights [K, h, w] float32.

    Example:
        >>> values, weights = spread(np.array([[[1, 0]]]), np.array([[[2.5, 0]]]), np.array([[True]]), (4, 1), radius=1)
        >>> values[0], weights[0]
        (array([[2.5, 1.5, 0.5, 0. ]], dtype=float32), array([[1., 1., 1., 0.]], dtype=float32))
    """
    joints, (width, height) = known.shape[1], size
    side = np.arange(-int(radius), int(radius) + 1)
    steps = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    squared = (steps**2).sum(axis=1)
    steps, squared = steps[squared <= radius**2], squared[squared <= radius**2]
    places = anchors[:, :, None].astype(np.int64) + steps  # [P, K, D, 2]
    person, joint, step = np.nonzero(on_map(places, size) & on_map(anchors, size)[:, :, None])
    # The last value written to a cell stays: far ones first, and within a distance person by person.
    order = np.lexsort((person, -squared[step]))
    person, joint, step = person[order], joint[order], step[order]
    place = places[person, joint, step]
    x, y = place[:, 0], place[:, 1]
    values = np.zeros((joints, 2, height, width), np.float32)
    weights = np.zeros((joints, height, width), np.float32)
    told = known[person, joint]
    values[joint, :, y, x] = np.where(told[:, None], points[person, joint] - place, 0.0)
    weights[joint, y, x] = told
    return values.reshape(2 * joints, height, width), weights


def touched(corners: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Returns [P, h, w] bool: the cells that boxes touch.

    Args:
        corners: [P, 4] (left, top, right, bottom) in cells.
        size: (width, height) of the map in cells.
    """
    masks = []
    for axis, length in enumerate(size):
        first, last = np.floor(corners[:, axis, None]), np.floor(corners[:, axis + 2, None])
        masks.append(np.array((first <= np.arange(length)) & (np.arange(length) <= last)))
    across, down = masks
    regions: np.ndarray = down[:, :, None] & across[:, None, :]
    return regions


def outside(regions: np.ndarray, unknown: np.ndarray, maps: np.ndarray) -> np.ndarray:
    """Returns weights [C, h, w] float32: 0 where a person's region has something unknown, but 1 on what is drawn.

    Args:
        regions: [P, h, w] bool.
        unknown: [P, C] bool.
        maps: [C, h, w] targets.
    """
    hidden = np.tensordot(
        unknown.T.astype(np.float32), regions.astype(np.float32), axes=1
    )  # [C, h, w]
    weights: np.ndarray = ((hidden == 0) | (maps > 0)).astype(np.float32)
    return weights


def areas(corners: np.ndarray) -> np.ndarray:
    """Returns the areas [P] of boxes [P, 4] (left, top, right, bottom); 0 where right or bottom comes first."""
    box_areas: np.ndarray = np.prod(np.maximum(corners[:, 2:] - corners[:, :2], 0.0), axis=1)
    return box_areas


def around(points: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Returns the boxes [P, 4] (left, top, right, bottom) round those points [P, K, 2] that count; (-1, -1, -1, -1) of none."""
    first = np.where(counts[..., None], points, np.inf).min(axis=1)
    last = np.where(counts[..., None], points, -np.inf).max(axis=1)
    return np.where(np.any(counts, axis=1, keepdims=True), np.hstack([first, last]), -1.0)


def on_map(cells: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Returns [...] bool for cells [..., 2]."""
    inside: np.ndarray = np.all((cells >= 0) & (cells < np.array(size)), axis=-1)
    return inside


def lengths(moves: np.ndarray) -> np.ndarray:
    """Returns the mean length over joints of moves [2K, h, w], as [h, w] with 1 for the longest."""
    mean = np.hypot(moves[0::2], moves[1::2]).mean(axis=0)
    relative: np.ndarray = mean / max(float(mean.max()), 1e-6)
    return relative
