"""Gaussian blobs on a grid, drawn for all joints at once.

Source: SimpleBaseline's target generation (Xiao et al., ECCV 2018), which HRNet and mmpose's MSRAHeatmap share.
Checked against: `tests/parity/reference.py`, a literal loop over joints in float64.
"""

from __future__ import annotations

import numpy as np


def draw_rounded(centers: np.ndarray, size: tuple[int, int], sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """Draws each Gaussian round the cell nearest to its centre, cut off at 3 sigma.

    Args:
        centers: [K, 2] (x, y) in cells, any place.
        size: (width, height) of the maps in cells.
        sigma: standard deviation in cells.

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
    # As published: int() truncates towards zero, so centres left of or above the map land one cell too high.
    cells = np.trunc(np.asarray(centers, np.float64) + 0.5)  # [K, 2]
    radius = int(3 * sigma)
    # As published: the far edge is exclusive, so a window that ends at cell -1 still counts as inside.
    inside = np.all((cells - radius < np.array(size)) & (cells + radius + 1 >= 0), axis=1)
    columns, rows = (_profile(cells[:, axis], size[axis], sigma, radius) for axis in (0, 1))
    return (rows[:, :, None] * columns[:, None, :]).astype(np.float32), inside


def draw_exact(centers: np.ndarray, size: tuple[int, int], sigma: float) -> np.ndarray:
    """Draws each Gaussian round its exact sub-cell centre over the whole map (the unbiased target of DARK).

    Args:
        centers: [K, 2] (x, y) in cells.
        size: (width, height) of the maps in cells.
        sigma: standard deviation in cells.

    Returns:
        maps [K, height, width] float32.

    Source: Zhang et al., "Distribution-Aware Coordinate Representation" (CVPR 2020).
    """
    centers = np.asarray(centers, np.float64)
    columns, rows = (_profile(centers[:, axis], size[axis], sigma, None) for axis in (0, 1))
    return (rows[:, :, None] * columns[:, None, :]).astype(np.float32)


def _profile(centers: np.ndarray, length: int, sigma: float, radius: int | None) -> np.ndarray:
    """Returns the one-dimensional Gaussians [K, length]; a blob is the product of two of them."""
    distance = np.arange(length)[None, :] - centers[:, None]
    values = np.exp(-(distance**2) / (2 * sigma**2))
    return values if radius is None else np.where(np.abs(distance) <= radius, values, 0.0)
