"""Cells of a detector's output: their number and order."""

import numpy as np
import pytest

from paddle_pose.inference.detection.grid import count_cells, grid_cells


@pytest.mark.parametrize(
    ("size", "cells"),
    [((640, 640), 8400), ((416, 416), 3549), ((192, 192), 756), ((320, 256), 1680)],
)
def test_counts_are_the_published_ones(size, cells):
    assert count_cells(size) == cells
    assert len(grid_cells(size)[0]) == cells


def test_cells_are_row_by_row_with_the_smallest_stride_first():
    cells, strides = grid_cells((40, 20), (8, 16))
    assert strides.ravel().tolist() == [8.0] * 15 + [16.0] * 6
    assert cells[:6].tolist() == [[0, 0], [1, 0], [2, 0], [3, 0], [4, 0], [0, 1]]
    assert np.array_equal(cells[15:], [[0, 0], [1, 0], [2, 0], [0, 1], [1, 1], [2, 1]])
