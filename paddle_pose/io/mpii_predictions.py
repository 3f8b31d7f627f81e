"""Reads anybody's predicted keypoints for MPII: `preds` in a .mat or .h5 file, in whatever order of axes."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from paddle_pose.environment import needed
from paddle_pose.errors import InputError

_KEY = "preds"


def read_predictions(path: Path, people: int) -> np.ndarray:
    """Reads `preds`.

    Args:
        path: .mat (any version) or .h5.
        people: N, how many the ground truth has.

    Returns:
        [N, 16, 2] float64, as they are in the file: MPII's convention is 1-based image px.

    Raises:
        FileNotFoundError: If there is no such file.
        InputError: If it is no such file, has no `preds`, or another number of people.
        MissingDependencyError: If SciPy or h5py is not installed.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: not found")
    hdf5 = needed("h5py", "h5py>=3.8", "train")
    matlab = needed("scipy.io", "scipy>=1.10", "train")
    try:
        content: Any = _hdf5(hdf5, path) if hdf5.is_hdf5(path) else matlab.loadmat(path)
    except Exception as problem:  # SciPy has a dozen kinds for broken files, IndexError among them
        raise InputError(f"{path}: neither a MATLAB nor an HDF5 file ({problem})") from problem
    if _KEY not in content:
        names = [name for name in content if not name.startswith("__")]
        raise InputError(f"{path}: no variable {_KEY!r}; it has {names}")
    preds = np.asarray(content[_KEY])
    if preds.dtype.kind not in "fiu":
        raise InputError(f"{path}: {_KEY!r} does not hold numbers but {preds.dtype}")
    if (
        preds.ndim == 3 and preds.shape[0] == 2 != preds.shape[2]
    ):  # MATLAB's own axis order, reversed in HDF5
        preds = preds.transpose(2, 1, 0)
    elif preds.ndim == 3 and preds.shape[:2] == (16, 2):
        preds = preds.transpose(2, 0, 1)
    if preds.ndim != 3 or preds.shape[1:] != (16, 2):
        raise InputError(
            f"{path}: {_KEY!r} has shape {preds.shape}; expected [N, 16, 2], [2, 16, N] or [16, 2, N]"
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
    """Returns the arrays of an HDF5 file, read with the package h5py."""
    with hdf5.File(path) as file:
        return {name: value[()] for name, value in file.items() if isinstance(value, hdf5.Dataset)}
