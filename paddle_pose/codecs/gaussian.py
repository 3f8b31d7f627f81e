"""Draws Gaussians on a grid, for all joints at once.

Centres and sizes are in cells; the cell (x, y) has its centre at (x, y). The *window* of a Gaussian
is the square of trunc(3 sigma) cells to each side of a cell, outside which the Gaussian is cut off.

Source: SimpleBaseline's target generation (Xiao et al., ECCV 2018), also used by HRNet and by
    mmpose's MSRAHeatmap. Gaussians around exact centres within a window: Huang et al., "The Devil
    is in the Details" (CVPR 2020).
Checked against: `tests/parity/reference.py`, literal loops over joints in float64.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

Sigma = float | np.ndarray
"""Standard deviation in cells: a scalar for all joints, or an array [K]."""


def draw_rounded(
    centers: np.ndarray, size: tuple[int, int], sigma: Sigma
) -> tuple[np.ndarray, np.ndarray]:
    """Returns Gaussians centred on the cell nearest to each centre, cut off by the cell's window.

    Args:
        centers: Centres, [K, 2] (x, y) in cells; they may lie outside the map.
        size: (width, height) of the maps in cells.
        sigma: Standard deviation in cells: a scalar, or [K].

    Returns:
        Maps [K, height, width] float32 with value 1 at the cell; and the result of `overlaps_map`
        for the cells, [K] bool.

    Example:
        >>> maps, inside = draw_rounded(np.array([[1.2, 0.9], [99.0, 0.0]]), (3, 2), sigma=1.0)
        >>> maps[0].round(2)
        array([[0.37, 0.61, 0.37],
               [0.61, 1.  , 0.61]], dtype=float32)
        >>> inside
        array([ True, False])
    """
    cells = _rounded(centers)
    inside = overlaps_map(cells, size, sigma)
    if np.ndim(sigma):
        return _product(cells, size, sigma, cells), inside
    # With one sigma and integer centres there are few different rows, and most are empty.
    width, height = size
    radius = int(_radius(sigma))
    columns = cells[:, 0].clip(-radius - 1, width + radius).astype(np.intp)
    rows = cells[:, 1, None].astype(np.intp) + np.arange(-radius, radius + 1)  # [K, 2 radius + 1]
    joint, step = np.nonzero((rows >= 0) & (rows < height))
    maps = np.zeros((len(cells) * height, width), np.float32)
    choices = _rows(width, float(sigma))
    chosen = step * choices.shape[1] + columns[joint] % choices.shape[1]
    maps[joint * height + rows[joint, step]] = choices.reshape(-1, width).take(chosen, axis=0)
    return maps.reshape(-1, height, width), inside


def draw_windowed(
    centers: np.ndarray, size: tuple[int, int], sigma: Sigma
) -> tuple[np.ndarray, np.ndarray]:
    """Returns Gaussians around exact centres, cut off as by `draw_rounded` (UDP's targets).

    Args:
        centers: Centres, [K, 2] (x, y) in cells; they may lie outside the map.
        size: (width, height) of the maps in cells.
        sigma: Standard deviation in cells: a scalar, or [K].

    Returns:
        Maps [K, height, width] float32 with values of at most 1; and the result of `overlaps_map`
        for the cells nearest to the centres, [K] bool.
    """
    centers = np.asarray(centers, np.float64)
    cells = _rounded(centers)
    return _product(centers, size, sigma, cells), overlaps_map(cells, size, sigma)


def draw_exact(centers: np.ndarray, size: tuple[int, int], sigma: Sigma) -> np.ndarray:
    """Returns Gaussians around exact centres over the whole map (DARK's unbiased targets).

    Args:
        centers: Centres, [K, 2] (x, y) in cells.
        size: (width, height) of the maps in cells.
        sigma: Standard deviation in cells: a scalar, or [K].

    Returns:
        Maps [K, height, width] float32 with values of at most 1.

    Source: Zhang et al., "Distribution-Aware Coordinate Representation" (CVPR 2020).
    """
    return _product(np.asarray(centers, np.float64), size, sigma, None)


def overlaps_map(centers: np.ndarray, size: tuple[int, int], sigma: Sigma) -> np.ndarray:
    """Returns whether the window around each centre overlaps the map, [K] bool.

    As in the published code, a window whose last cell is -1, directly to the left of or above the
    map, still counts as overlapping.

    Args:
        centers: Centres, [K, 2] (x, y) in cells.
        size: (width, height) of the maps in cells.
        sigma: Standard deviation in cells: a scalar, or [K].
    """
    radius = _radius(sigma)
    overlaps: np.ndarray = np.all(
        (centers - radius < np.array(size)) & (centers + radius + 1 >= 0), axis=1
    )
    return overlaps


def _rounded(centers: np.ndarray) -> np.ndarray:
    # As in the published code: int() truncates towards zero, so centres to the left of or above the
    # map are rounded to a cell that is one too high.
    return np.trunc(np.asarray(centers, np.float64) + 0.5)


def _radius(sigma: Sigma) -> np.ndarray:
    """Returns the radius of the windows in whole cells, [] or [K, 1]."""
    radius = np.trunc(3 * np.asarray(sigma, np.float64))
    return radius if radius.ndim == 0 else radius[:, None]


def _gaussian(steps: np.ndarray, sigma: Sigma) -> np.ndarray:
    """Returns the values of an unnormalised Gaussian at distances in cells."""
    values: np.ndarray = np.exp(-(steps**2) / (2 * np.square(sigma)))
    return values


@lru_cache(maxsize=16)
def _rows(length: int, sigma: float) -> np.ndarray:
    """Returns the rows of windowed Gaussians, [2 radius + 1, length + 2 radius + 2, length] float32.

    Element (r, c) is the row r - radius below the centre of a Gaussian around column c; negative
    columns count from the end, as usual in NumPy. The two columns that are furthest outside the map
    have empty rows.
    """
    radius = int(_radius(sigma))
    reach = length + radius
    positions = np.arange(-reach, reach + 1)
    line = np.where(np.abs(positions) <= _radius(sigma), _gaussian(positions, sigma), 0.0)
    # The windows of the line are the Gaussians around cells reach, reach - 1, ..., -radius - 1.
    windows = np.lib.stride_tricks.sliding_window_view(line.astype(np.float32), length)
    profiles = np.roll(windows[::-1], -radius - 1, axis=0)
    heights = _gaussian(np.arange(-radius, radius + 1), sigma)
    return (heights[:, None, None] * profiles).astype(np.float32)


def _product(
    centers: np.ndarray, size: tuple[int, int], sigma: Sigma, cells: np.ndarray | None
) -> np.ndarray:
    """Returns the Gaussians [K, height, width] float32, each as the product of two 1-D Gaussians.

    Args:
        centers: Centres, [K, 2] (x, y) in cells.
        size: (width, height) of the maps in cells.
        sigma: Standard deviation in cells: a scalar, or [K].
        cells: Integer centres of the windows that cut off the Gaussians, [K, 2]; None does not cut
            them off.
    """
    profiles = []
    for axis, length in enumerate(size):
        positions = np.arange(length)[None, :]
        values = _gaussian(positions - centers[:, axis, None], np.reshape(sigma, (-1, 1)))
        if cells is not None:
            in_window = np.abs(positions - cells[:, axis, None]) <= _radius(sigma)
            values = np.where(in_window, values, 0.0)
        profiles.append(values)
    columns, rows = profiles
    maps: np.ndarray = (rows[:, :, None] * columns[:, None, :]).astype(np.float32)
    return maps
