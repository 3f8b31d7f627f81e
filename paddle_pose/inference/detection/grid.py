"""Cells of a detector's output: those of all strides, the smallest stride first, row by row."""

from __future__ import annotations

import numpy as np

STRIDES = (8, 16, 32)
"""Strides of the three maps of most detectors: input px from one cell to the next."""


def count_cells(input_size: tuple[int, int], strides: tuple[int, ...] = STRIDES) -> int:
    """Returns the number of cells of all maps of a detector.

    Args:
        input_size: (width, height) of the network's input in px.
        strides: Stride of each map in input px; the sides of a map are those of the input divided
            by the stride, rounded up.

    Example:
        >>> count_cells((416, 416)), count_cells((416, 416), (8, 16, 32, 64))
        (3549, 3598)
    """
    return sum(-(-input_size[0] // stride) * -(-input_size[1] // stride) for stride in strides)


def grid_cells(
    input_size: tuple[int, int], strides: tuple[int, ...] = STRIDES
) -> tuple[np.ndarray, np.ndarray]:
    """Returns (column, row) of every cell, float64 [n, 2], and its stride, float64 [n, 1].

    The maps come in the order of `strides`; the cells of a map come row by row, from the upper left
    one. Columns and rows are counted from 0, strides are in input px.

    Args:
        input_size: (width, height) of the network's input in px.
        strides: Stride of each map in input px; the sides of a map are those of the input divided
            by the stride, rounded up.

    Example:
        >>> cells, strides = grid_cells((16, 8), (8,))
        >>> cells.tolist(), strides.tolist()
        ([[0.0, 0.0], [1.0, 0.0]], [[8.0], [8.0]])
    """
    cells = []
    strides_of_cells = []
    for stride in strides:
        rows, columns = np.mgrid[: -(-input_size[1] // stride), : -(-input_size[0] // stride)]
        cells.append(np.stack([columns.ravel(), rows.ravel()], axis=1).astype(np.float64))
        strides_of_cells.append(np.full((rows.size, 1), float(stride)))
    return np.concatenate(cells), np.concatenate(strides_of_cells)
