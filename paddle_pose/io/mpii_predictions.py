"""Reads predicted keypoints for MPII of any program: `preds` in a .mat or .h5 file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from paddle_pose.errors import InputError
from paddle_pose.io.matlab_files import read_variables

_KEY = "preds"


def read_predictions(path: Path, people: int) -> np.ndarray:
    """Returns the predicted keypoints in the variable `preds` of a file.

    The axes may be in the order [N, 16, 2], [2, 16, N] or [16, 2, N].

    Args:
        path: Path of a .mat file of any version, or of an .h5 file.
        people: Number N of people in the ground truth, which the file must have, too.

    Returns:
        [N, 16, 2] float64 (x, y), in the order of the ground truth. Values are unchanged: by MPII's
        convention they are image px that start at 1.

    Raises:
        FileNotFoundError: If the file does not exist.
        InputError: If the file is neither a MATLAB nor an HDF5 file, or `preds` is missing, has
            another shape or number of people, or contains a value that is not a finite number.
        MissingDependencyError: If SciPy, or for HDF5 files h5py, is not installed.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: not found")
    content = read_variables(path, (_KEY,), "expected a MATLAB or HDF5 file with 'preds'")
    if _KEY not in content.names:
        raise InputError(f"{path}: no variable {_KEY!r}; it has {list(content.names)!s:.300}")
    if _KEY in content.others:
        raise InputError(f"{path}: {_KEY!r} does not hold numbers but {content.others[_KEY]}")
    preds = content.arrays[_KEY]
    if preds.ndim == 3 and preds.shape[0] == 2 != preds.shape[2]:
        preds = preds.transpose(2, 1, 0)  # HDF5 states MATLAB's axes in reverse order
    elif preds.ndim == 3 and preds.shape[:2] == (16, 2):
        preds = preds.transpose(2, 0, 1)
    if preds.ndim != 3 or preds.shape[1:] != (16, 2):
        raise InputError(
            f"{path}: {_KEY!r} has shape {preds.shape}; expected [N, 16, 2], [2, 16, N] or"
            " [16, 2, N]"
        )
    if len(preds) != people:
        raise InputError(
            f"{path}: {_KEY!r} holds {len(preds)} people, the ground truth {people}; "
            "both must list the same people in the same order"
        )
    if not np.isfinite(preds).all():
        bad = int((~np.isfinite(preds)).any(axis=(1, 2)).argmax())
        raise InputError(f"{path}: person {bad} has a coordinate that is NaN or infinite")
    return preds.astype(np.float64)
