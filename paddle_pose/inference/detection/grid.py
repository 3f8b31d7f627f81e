"""The cells of a detector's output: one row for each position of each stride, the finest stride first, row by row."""

from __future__ import annotations

import numpy as np

STRIDES = (8, 16, 32)


def count_cells(input_size: tuple[int, int], strides: tuple[int, ...] = STRIDES) -> int:
    """Returns the number of cells.

    Args:
        input_size: (width, height) of the network's input.
        strides: Input px from a cell to its neighbour, of each map; a map's sides are rounded up.

    Example:
        >>> count_cells((416, 416)), count_cells((416, 416), (8, 16, 32, 64))
        (3549, 3598)
    """
    return sum(-(-input_size[0] // stride) * -(-input_size[1] // stride) for stride in strides)


def grid_cells(
    input_size: tuple[int, int], strides: tuple[int, ...] = STRIDES
) -> tuple[np.ndarray, np.ndarray]:
    """Returns (column, row) of every cell [n, 2] float64, and its stride [n, 1]; arguments as `count_cells`.

    Example:
        >>> cells, strides = grid_cells((16, 8), (8,))
        >>> cells.tolist(), strides.tolist()
        ([[0.0, 0.0], [1.0, 0.0]], [[8.0], [8.0]])
    """
    cells, sizes = [], []
    for stride in strides:
        rows, columns = np.mgrid[: -(-input_size[1] // stride), : -(-input_size[0] // stride)]
        cells.append(np.stack([columns.ravel(), rows.ravel()], axis=1).astype(np.float64))
        sizes.append(np.full((rows.size, 1), float(stride)))
    return np.concatenate(cells), np.concatenate(sizes)
