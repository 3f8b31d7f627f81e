"""Peaks between cells, read from the shape of the heatmap round its highest cell, for all maps at once.

Source: Zhang et al., "Distribution-Aware Coordinate Representation" (CVPR 2020) for `dark`; Huang et al., "The Devil is in
    the Details" (CVPR 2020) for `udp`, with the padding and rescaling of `dark` as in mmpose 1.x.
Checked against: `tests/parity/reference.py`, literal float64 loops of both.
Differs: a map whose smoothed form has no positive cell says nothing about its peak, which then stays on its cell.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

# As published: what keeps UDP's Hessian invertible, the resolution of float32.
_REACH = 2  # cells from the highest one to the farthest that a difference reads
_EPSILON = float(np.finfo(np.float32).eps)


def kernel_size(sigma: float) -> int:
    """Returns how many cells wide the smoothing is: the published 11 for sigma 2 and 17 for sigma 3.

    Example:
        >>> [kernel_size(sigma) for sigma in (1.0, 2.0, 3.0)]
        [5, 11, 17]
    """
    return 2 * max(1, round(3 * sigma - 1)) + 1


def dark_offset(heatmaps: np.ndarray, cells: np.ndarray, kernel: int) -> np.ndarray:
    """Takes one Newton step on the logarithm of the smoothed maps, which is a parabola where they are Gaussian.

    As published, peaks in the two cells next to a border (px <= 1 or px >= w-2, likewise y), and those where the Hessian is
    singular, stay where they are; the length of a step is not limited.

    Args:
        heatmaps: [N, K, h, w].
        cells: [N, K, 2] the highest cells (x, y).
        kernel: side of the smoothing Gaussian in cells, odd.

    Returns:
        [N, K, 2] float64 in cells, to add to `cells`.

    Example:
        >>> from paddle_pose.codecs.gaussian import draw_exact
        >>> blob = draw_exact(np.array([[9.3, 10.6]]), (20, 20), sigma=2.0)[None]
        >>> dark_offset(blob, np.array([[[9.0, 11.0]]]), kernel=11).round(2)
        array([[[ 0.3, -0.4]]])
    """
    at, smooth = _logarithms(heatmaps, cells, kernel, floor=1e-10, ceiling=np.inf)
    x, y = cells[..., 0], cells[..., 1]
    height, width = heatmaps.shape[-2:]
    slope = np.stack([at(1, 0) - at(-1, 0), at(0, 1) - at(0, -1)], axis=-1) / 2
    xx = (at(2, 0) - 2 * at(0, 0) + at(-2, 0)) / 4
    yy = (at(0, 2) - 2 * at(0, 0) + at(0, -2)) / 4
    xy = (at(1, 1) - at(-1, 1) - at(1, -1) + at(-1, -1)) / 4
    inside = (x > 1) & (x < width - 2) & (y > 1) & (y < height - 2)
    return _newton_step(slope, xx, xy, yy, smooth & inside)


def udp_offset(heatmaps: np.ndarray, cells: np.ndarray, kernel: int) -> np.ndarray:
    """Takes UDP's Newton step: as `dark_offset`, with nearer differences and no rule for the border.

    Args:
        heatmaps: [N, K, h, w].
        cells: [N, K, 2] the highest cells (x, y).
        kernel: side of the smoothing Gaussian in cells, odd.

    Returns:
        [N, K, 2] float64 in cells, to add to `cells`.
    """
    at, smooth = _logarithms(heatmaps, cells, kernel, floor=1e-3, ceiling=50.0)
    slope = np.stack([at(1, 0) - at(-1, 0), at(0, 1) - at(0, -1)], axis=-1) / 2
    xx = at(1, 0) - 2 * at(0, 0) + at(-1, 0) + _EPSILON
    yy = at(0, 1) - 2 * at(0, 0) + at(0, -1) + _EPSILON
    xy = (at(1, 1) - at(1, 0) - at(0, 1) + 2 * at(0, 0) - at(-1, 0) - at(0, -1) + at(-1, -1)) / 2
    return _newton_step(slope, xx, xy, yy, smooth)


def _logarithms(
    heatmaps: np.ndarray, cells: np.ndarray, kernel: int, floor: float, ceiling: float
) -> tuple[Callable[[int, int], np.ndarray], np.ndarray]:
    """Smooths the maps, scales them back to their old height and takes the logarithm round the cells.

    Returns:
        A function (dx, dy) -> [N, K] of the logarithm that far, at most 2 cells, from the cells; beyond the map it goes on as
        at its edge. And [N, K] bool: whether a positive cell is left after smoothing.
    """
    weights = cv2.getGaussianKernel(kernel, 0)[
        :, 0
    ]  # its sigma follows from its size, as published
    near = _smoothed_near(heatmaps, cells, weights)  # [N, K, 5, 5]
    heights = heatmaps[(*_grid(heatmaps), *_rows_columns(cells))]
    factor, usable = np.ones_like(near[..., 0, 0]), heights > 0
    # Scaling adds a constant to the logarithm, which no difference sees, unless a value is cut off at the floor or the ceiling.
    cut = ~((near.min(axis=(-2, -1)) >= floor) & (heights <= ceiling)) & usable
    if cut.any():
        rows, columns = (_band(weights, length) for length in heatmaps.shape[-2:])
        smooth = rows @ np.asarray(heatmaps[cut], np.float64) @ columns.T  # [M, h, w]
        highest = smooth.max(axis=(-2, -1))
        usable[cut] = highest > 0
        factor[cut] = heights[cut] / np.where(highest > 0, highest, 1.0)
    logarithms = np.log(np.clip(near * factor[..., None, None], floor, ceiling))
    height, width = heatmaps.shape[-2:]
    (y, x), (batch, joint) = _rows_columns(cells), _grid(heatmaps)

    def at(dx: int, dy: int) -> np.ndarray:
        row, column = (
            np.clip(y + dy, 0, height - 1) - y + _REACH,
            np.clip(x + dx, 0, width - 1) - x + _REACH,
        )
        values: np.ndarray = logarithms[batch, joint, row, column]
        return values

    return at, usable


def _smoothed_near(heatmaps: np.ndarray, cells: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Returns the maps smoothed by a separable kernel, [N, K, 5, 5] float64 round the cells; beyond a map there is nothing."""
    height, width = heatmaps.shape[-2:]
    reach = _REACH + len(weights) // 2
    steps = np.arange(-reach, reach + 1)
    rows, columns = (place[..., None] + steps for place in _rows_columns(cells))  # [N, K, R]
    batch, joint = (index[..., None, None] for index in _grid(heatmaps))
    around = heatmaps[
        batch,
        joint,
        np.clip(rows, 0, height - 1)[..., None],
        np.clip(columns, 0, width - 1)[..., None, :],
    ]
    there = ((rows >= 0) & (rows < height))[..., None] & ((columns >= 0) & (columns < width))[
        ..., None, :
    ]
    smoothing = sliding_window_view(np.pad(weights, 2 * _REACH), len(steps))[::-1]  # [5, R]
    smoothed: np.ndarray = smoothing @ np.where(there, around, 0.0).astype(np.float64) @ smoothing.T
    return smoothed


def _band(weights: np.ndarray, length: int) -> np.ndarray:
    """Returns the matrix [length, length] that smooths by weights of odd length; beyond the ends there is nothing.

    Example:
        >>> _band(np.array([1.0, 2.0, 1.0]), 3)
        array([[2., 1., 0.],
               [1., 2., 1.],
               [0., 1., 2.]])
    """
    reach = len(weights) // 2
    windows = sliding_window_view(np.pad(weights, length - 1), length)
    return windows[reach : reach + length][::-1]


def _rows_columns(cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns y and x of cells [N, K, 2] as integers [N, K]."""
    return cells[..., 1].astype(np.intp), cells[..., 0].astype(np.intp)


def _grid(heatmaps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the indices [N, 1] and [1, K] that name every map."""
    return np.arange(len(heatmaps))[:, None], np.arange(heatmaps.shape[1])[None, :]


def _newton_step(
    slope: np.ndarray, xx: np.ndarray, xy: np.ndarray, yy: np.ndarray, usable: np.ndarray
) -> np.ndarray:
    """Returns minus the inverse Hessian times the slope [N, K, 2], zero where not usable or singular."""
    determinant = xx * yy - xy * xy
    usable = usable & (determinant != 0)
    determinant = np.where(usable, determinant, 1.0)
    step_x = (xy * slope[..., 1] - yy * slope[..., 0]) / determinant
    step_y = (xy * slope[..., 0] - xx * slope[..., 1]) / determinant
    return np.where(usable[..., None], np.stack([step_x, step_y], axis=-1), 0.0)
