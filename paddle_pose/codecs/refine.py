"""Sub-cell refinement of heatmap peaks by DARK and UDP, for all maps at once.

Source: Zhang et al., "Distribution-Aware Coordinate Representation" (CVPR 2020) for `dark_offset`;
    Huang et al., "The Devil is in the Details" (CVPR 2020) for `udp_offset`, with the padding and
    rescaling of DARK as in mmpose 1.x.
Checked against: `tests/parity/reference.py`, literal float64 loops of both.
Differs: if a map has no positive cell after smoothing, its peak is not refined.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

_REACH = 2  # cells; maximum distance from the peak used by the finite differences
_EPSILON = float(np.finfo(np.float32).eps)  # added to UDP's second derivatives, as in the source


def kernel_size(sigma: float) -> int:
    """Returns the size in cells of the kernel that smooths heatmaps before refinement; it is odd.

    The size is 11 for sigma 2 and 17 for sigma 3, as published.

    Args:
        sigma: Standard deviation of the target Gaussians in cells.

    Example:
        >>> [kernel_size(sigma) for sigma in (1.0, 2.0, 3.0)]
        [5, 11, 17]
    """
    return 2 * max(1, round(3 * sigma - 1)) + 1


def dark_offset(heatmaps: np.ndarray, cells: np.ndarray, kernel: int) -> np.ndarray:
    """Returns DARK's offset: one Newton step on the logarithm of the smoothed heatmaps.

    The logarithm of a Gaussian is a parabola, for which one step is exact. As in the published
    code, the offset is 0 for peaks near the border (x <= 1 or x >= w-2, likewise y) and if the
    Hessian is singular; the length of the step is not limited.

    Args:
        heatmaps: Heatmaps, [N, K, h, w].
        cells: Highest cell of each heatmap, [N, K, 2] (x, y), integer values, see `heatmap.peaks`.
        kernel: Size of the Gaussian smoothing kernel in cells, odd, see `kernel_size`.

    Returns:
        Offsets to add to `cells`, [N, K, 2] (x, y) float64 in cells.

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
    """Returns UDP's offset: a Newton step as in `dark_offset`, from differences of adjacent cells.

    Peaks near the border are refined as well.

    Args:
        heatmaps: Heatmaps, [N, K, h, w].
        cells: Highest cell of each heatmap, [N, K, 2] (x, y), integer values, see `heatmap.peaks`.
        kernel: Size of the Gaussian smoothing kernel in cells, odd, see `kernel_size`.

    Returns:
        Offsets to add to `cells`, [N, K, 2] (x, y) float64 in cells.
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
    """Returns the logarithm of the smoothed heatmaps around the cells.

    Smoothing is followed by scaling each heatmap back to its previous maximum.

    Args:
        heatmaps: Heatmaps, [N, K, h, w].
        cells: Highest cell of each heatmap, [N, K, 2] (x, y).
        kernel: Size of the Gaussian smoothing kernel in cells, odd.
        floor: Smaller values are replaced by this before taking the logarithm.
        ceiling: Larger values are replaced by this before taking the logarithm.

    Returns:
        A function (dx, dy) -> [N, K] that returns the logarithm at an offset of at most 2 cells
        from the cells; beyond the border of the map it returns that of the nearest cell. And [N, K]
        bool: whether the heatmap has a positive cell after smoothing.
    """
    # The standard deviation follows from the size of the kernel, as in the published code.
    weights = cv2.getGaussianKernel(kernel, 0)[:, 0]
    near = _smoothed_near(heatmaps, cells, weights)  # [N, K, 5, 5]
    peak_values = heatmaps[(*_grid(heatmaps), *_rows_columns(cells))]
    usable = peak_values > 0
    factor = np.ones_like(near[..., 0, 0])
    # Scaling adds a constant to the logarithm, which cancels in every difference. The factor is
    # needed only if a value is clipped at the floor or the ceiling.
    clipped = ~((near.min(axis=(-2, -1)) >= floor) & (peak_values <= ceiling)) & usable
    if clipped.any():
        rows, columns = (_smoothing_matrix(weights, length) for length in heatmaps.shape[-2:])
        smoothed = rows @ np.asarray(heatmaps[clipped], np.float64) @ columns.T  # [M, h, w]
        maximum = smoothed.max(axis=(-2, -1))
        usable[clipped] = maximum > 0
        factor[clipped] = peak_values[clipped] / np.where(maximum > 0, maximum, 1.0)
    logarithms = np.log(np.clip(near * factor[..., None, None], floor, ceiling))
    height, width = heatmaps.shape[-2:]
    y, x = _rows_columns(cells)
    batch, joint = _grid(heatmaps)

    def at(dx: int, dy: int) -> np.ndarray:
        row = np.clip(y + dy, 0, height - 1) - y + _REACH
        column = np.clip(x + dx, 0, width - 1) - x + _REACH
        values: np.ndarray = logarithms[batch, joint, row, column]
        return values

    return at, usable


def _smoothed_near(heatmaps: np.ndarray, cells: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Returns 5 x 5 cells of the smoothed heatmaps around the given cells, [N, K, 5, 5] float64.

    Args:
        heatmaps: Heatmaps, [N, K, h, w]; they are zero beyond their borders.
        cells: Cells, [N, K, 2] (x, y).
        weights: Weights of the separable smoothing kernel, of odd length.
    """
    height, width = heatmaps.shape[-2:]
    reach = _REACH + len(weights) // 2
    steps = np.arange(-reach, reach + 1)
    rows, columns = (index[..., None] + steps for index in _rows_columns(cells))  # [N, K, R]
    batch, joint = (index[..., None, None] for index in _grid(heatmaps))
    around = heatmaps[
        batch,
        joint,
        np.clip(rows, 0, height - 1)[..., None],
        np.clip(columns, 0, width - 1)[..., None, :],
    ]
    row_on_map = (rows >= 0) & (rows < height)
    column_on_map = (columns >= 0) & (columns < width)
    on_map = row_on_map[..., None] & column_on_map[..., None, :]
    smoothing = sliding_window_view(np.pad(weights, 2 * _REACH), len(steps))[::-1]  # [5, R]
    values = np.where(on_map, around, 0.0).astype(np.float64)
    smoothed: np.ndarray = smoothing @ values @ smoothing.T
    return smoothed


def _smoothing_matrix(weights: np.ndarray, length: int) -> np.ndarray:
    """Returns the matrix [length, length] that smooths a vector, which is zero beyond its ends.

    Args:
        weights: Weights of the smoothing kernel, of odd length.
        length: Length of the vector.

    Example:
        >>> _smoothing_matrix(np.array([1.0, 2.0, 1.0]), 3)
        array([[2., 1., 0.],
               [1., 2., 1.],
               [0., 1., 2.]])
    """
    reach = len(weights) // 2
    windows = sliding_window_view(np.pad(weights, length - 1), length)
    return windows[reach : reach + length][::-1]


def _rows_columns(cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns y and x of cells [N, K, 2] (x, y), each as integers [N, K]."""
    return cells[..., 1].astype(np.intp), cells[..., 0].astype(np.intp)


def _grid(heatmaps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the indices [N, 1] and [1, K] that select every map."""
    return np.arange(len(heatmaps))[:, None], np.arange(heatmaps.shape[1])[None, :]


def _newton_step(
    slope: np.ndarray, xx: np.ndarray, xy: np.ndarray, yy: np.ndarray, usable: np.ndarray
) -> np.ndarray:
    """Returns the Newton step, minus the inverse Hessian times the gradient, [N, K, 2] (x, y).

    Args:
        slope: Gradient, [N, K, 2] (x, y).
        xx: Second derivative in x, [N, K].
        xy: Mixed second derivative, [N, K].
        yy: Second derivative in y, [N, K].
        usable: [N, K] bool; the step is 0 where it is False or the Hessian is singular.
    """
    determinant = xx * yy - xy * xy
    usable = usable & (determinant != 0)
    determinant = np.where(usable, determinant, 1.0)
    step_x = (xy * slope[..., 1] - yy * slope[..., 0]) / determinant
    step_y = (xy * slope[..., 0] - xx * slope[..., 1]) / determinant
    return np.where(usable[..., None], np.stack([step_x, step_y], axis=-1), 0.0)
