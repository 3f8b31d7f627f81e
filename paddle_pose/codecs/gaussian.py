"""Gaussian blobs on a grid, drawn for all joints at once.

Source: SimpleBaseline's target generation (Xiao et al., ECCV 2018), which HRNet and mmpose's MSRAHeatmap share.
    The window round an exact centre is that of Huang et al., "The Devil is in the Details" (CVPR 2020).
Checked against: `tests/parity/reference.py`, literal loops over joints in float64.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

Sigma = float | np.ndarray
"""Standard deviation in cells: one for all joints, or [K]."""


def draw_rounded(
    centers: np.ndarray, size: tuple[int, int], sigma: Sigma
) -> tuple[np.ndarray, np.ndarray]:
    """Draws each Gaussian round the cell nearest to its centre, cut off at 3 sigma.

    Args:
        centers: [K, 2] (x, y) in cells, any place.
        size: (width, height) of the maps in cells.
        sigma: standard deviation in cells, one or [K].

    Returns:
        maps [K, height, width] float32 with peak 1, and inside [K] bool: False where the blob's window misses the map.

    Example:
        >>> maps, inside = draw_rounded(np.array([[1.2, 0.9], [99.0, 0.0]]), (3, 2), sigma=1.0)
        >>> maps[0].round(2)
        array([[0.37, 0.61, 0.37],
               [0.61, 1.  , 0.61]], dtype=float32)
        >>> inside
        array([ True, False])
    """
    cells = _rounded(centers)
    inside = reaches(cells, size, sigma)
    if np.ndim(sigma):
        return _product(cells, size, sigma, cells), inside
    # One width for all joints, at whole cells: few different profiles, and most rows are empty.
    width, height = size
    steps = np.arange(-int(_radius(sigma)), int(_radius(sigma)) + 1)
    columns = _profiles(width, float(sigma))[
        cells[:, 0].clip(-steps[-1] - 1, width + steps[-1]).astype(np.intp)
    ]
    rows = cells[:, 1, None].astype(np.intp) + steps  # [K, 2 radius + 1]
    joint, step = np.nonzero((rows >= 0) & (rows < height))
    maps = np.zeros((len(cells), height, width), np.float32)
    maps[joint, rows[joint, step]] = _gaussian(steps, sigma)[step, None] * columns[joint]
    return maps, inside


def draw_windowed(
    centers: np.ndarray, size: tuple[int, int], sigma: Sigma
) -> tuple[np.ndarray, np.ndarray]:
    """Draws each Gaussian round its exact centre in the window of `draw_rounded` (the target of UDP).

    Args:
        centers: [K, 2] (x, y) in cells, any place.
        size: (width, height) of the maps in cells.
        sigma: standard deviation in cells, one or [K].

    Returns:
        maps [K, height, width] float32 and inside [K] bool, as of `draw_rounded`.
    """
    centers = np.asarray(centers, np.float64)
    cells = _rounded(centers)
    return _product(centers, size, sigma, cells), reaches(cells, size, sigma)


def draw_exact(centers: np.ndarray, size: tuple[int, int], sigma: Sigma) -> np.ndarray:
    """Draws each Gaussian round its exact sub-cell centre over the whole map (the unbiased target of DARK).

    Args:
        centers: [K, 2] (x, y) in cells.
        size: (width, height) of the maps in cells.
        sigma: standard deviation in cells, one or [K].

    Returns:
        maps [K, height, width] float32.

    Source: Zhang et al., "Distribution-Aware Coordinate Representation" (CVPR 2020).
    """
    return _product(np.asarray(centers, np.float64), size, sigma, None)


def reaches(centers: np.ndarray, size: tuple[int, int], sigma: Sigma) -> np.ndarray:
    """Returns [K] bool: whether the window of 3 sigma round each centre [K, 2] in cells meets the map.

    As published, the window's far edge is exclusive, so one that ends at cell -1 still counts.
    """
    radius = _radius(sigma)
    meets: np.ndarray = np.all(
        (centers - radius < np.array(size)) & (centers + radius + 1 >= 0), axis=1
    )
    return meets


def _rounded(centers: np.ndarray) -> np.ndarray:
    # As published: int() truncates towards zero, so centres left of or above the map land one cell too high.
    return np.trunc(np.asarray(centers, np.float64) + 0.5)


def _radius(sigma: Sigma) -> np.ndarray:
    """Returns the windows' reach in whole cells, [] or [K, 1]."""
    radius = np.trunc(3 * np.asarray(sigma, np.float64))
    return radius if radius.ndim == 0 else radius[:, None]


def _gaussian(steps: np.ndarray, sigma: Sigma) -> np.ndarray:
    """Returns the height of a Gaussian at distances in cells."""
    heights: np.ndarray = np.exp(-(steps**2) / (2 * np.square(sigma)))
    return heights


@lru_cache(maxsize=16)
def _profiles(length: int, sigma: float) -> np.ndarray:
    """Returns one-dimensional windowed Gaussians [length + 2 radius + 2, length] float32 round whole cells.

    Number c is the one round cell c; negative numbers count from the end as usual. The outermost two are empty.
    """
    reach = length + int(_radius(sigma))
    places = np.arange(-reach, reach + 1)
    line = np.where(np.abs(places) <= _radius(sigma), _gaussian(places, sigma), 0.0)
    stretches = np.lib.stride_tricks.sliding_window_view(
        line.astype(np.float32), length
    )  # round cells reach ... -radius - 1
    return np.roll(stretches[::-1], -int(_radius(sigma)) - 1, axis=0)


def _product(
    centers: np.ndarray, size: tuple[int, int], sigma: Sigma, cells: np.ndarray | None
) -> np.ndarray:
    """Returns the Gaussians [K, height, width] float32, each the product of two one-dimensional ones."""
    profiles = []
    for axis, length in enumerate(size):
        places = np.arange(length)[None, :]
        values = _gaussian(places - centers[:, axis, None], np.reshape(sigma, (-1, 1)))
        if cells is not None:
            values = np.where(np.abs(places - cells[:, axis, None]) <= _radius(sigma), values, 0.0)
        profiles.append(values)
    columns, rows = profiles
    maps: np.ndarray = (rows[:, :, None] * columns[:, None, :]).astype(np.float32)
    return maps
