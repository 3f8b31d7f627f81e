"""Reads predicted keypoints for MPII of any program: `preds` in a .mat or .h5 file."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from paddle_pose.environment import needed
from paddle_pose.errors import InputError

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
        MissingDependencyError: If SciPy or h5py is not installed.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: not found")
    hdf5 = needed("h5py", "h5py>=3.8", "train")
    matlab = needed("scipy.io", "scipy>=1.10", "train")
    try:
        content: Any = _hdf5(hdf5, path) if hdf5.is_hdf5(path) else matlab.loadmat(path)
    except Exception as problem:  # SciPy raises many classes for damaged files, such as IndexError
        raise InputError(f"{path}: neither a MATLAB nor an HDF5 file ({problem})") from problem
    if _KEY not in content:
        names = [name for name in content if not name.startswith("__")]
        raise InputError(f"{path}: no variable {_KEY!r}; it has {names}")
    preds = np.asarray(content[_KEY])
    if preds.dtype.kind not in "fiu":
        raise InputError(f"{path}: {_KEY!r} does not hold numbers but {preds.dtype}")
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


def _hdf5(hdf5: ModuleType, path: Path) -> dict[str, np.ndarray]:
    """Returns the arrays of an HDF5 file by name.

    Args:
        hdf5: The package h5py.
        path: File to read.
    """
    with hdf5.File(path) as file:
        return {name: value[()] for name, value in file.items() if isinstance(value, hdf5.Dataset)}
