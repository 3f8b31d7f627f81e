"""Reads arrays of MATLAB and HDF5 files in a child process, see `isolated`."""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from paddle_pose.errors import InputError
from paddle_pose.io import isolated
from paddle_pose.io.limits import Budget

PACKAGES = {"scipy": "scipy>=1.10", "h5py": "h5py>=3.8"}
SECONDS = 120.0  # reading MPII's ground truth takes 0.3
_SIGNATURE = b"\x89HDF\r\n\x1a\n"  # at byte 0, 512, 1024, 2048, ... of an HDF5 file


@dataclass(frozen=True)
class Variables:
    """Variables of a file.

    Attributes:
        names: Names of all variables of the file.
        arrays: Arrays of numbers by name, of those that were asked for and exist.
        others: Descriptions of variables that were asked for, but are not arrays of numbers.
    """

    names: tuple[str, ...]
    arrays: dict[str, np.ndarray]
    others: dict[str, str]


def read_variables(path: Path, names: Sequence[str], fix: str) -> Variables:
    """Returns variables of a MATLAB file of any version, or datasets of an HDF5 file.

    Only the named ones are read. In an HDF5 file they must be datasets of the file itself: links
    and data in other files are refused.

    Args:
        path: Path of the file.
        names: Names of the variables to read.
        fix: Instruction for a file that cannot be read, for messages.

    Raises:
        InputError: If the file is neither a MATLAB nor an HDF5 file, or reading it needs more time
            than `SECONDS`, or more memory than `limits.Budget` allows.
        MissingDependencyError: If SciPy or h5py, which HDF5 files need, is not installed.
    """
    value, arrays = isolated.call(
        f"{__name__}:load",
        path,
        {"names": list(names)},
        memory=Budget(path.stat().st_size).limit,
        seconds=SECONDS,
        fix=fix,
        packages=PACKAGES,
    )
    return Variables(tuple(value["names"]), arrays, value["others"])


def list_variables(path: Path, fix: str) -> tuple[str, ...]:
    """Returns the names of the variables of a file; see `read_variables`.

    Args:
        path: Path of the file.
        fix: Instruction for a file that cannot be read, for messages.
    """
    return read_variables(path, (), fix).names


def load(path: Path, names: Sequence[str], limit: int) -> isolated.Result:
    """Returns what `read_variables` does; it runs in the child process.

    Args:
        path: Path of the file.
        names: Names of the variables to read.
        limit: Bytes that may be allocated.
    """
    found = _load_hdf5(path, names, limit) if is_hdf5(path) else _load_mat(path, names, limit)
    all_names, arrays = found
    numbers = {name: array for name, array in arrays.items() if array.dtype.kind in "biuf"}
    others = {name: str(array.dtype) for name, array in arrays.items() if name not in numbers}
    return {"names": all_names, "others": others}, numbers


def is_hdf5(path: Path) -> bool:
    """Returns whether a file is an HDF5 file, which MATLAB files of version 7.3 are.

    Args:
        path: Path of the file.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        for start in (0, *(512 << n for n in range(max(1, size).bit_length()))):
            stream.seek(start)
            if start + len(_SIGNATURE) <= size and stream.read(len(_SIGNATURE)) == _SIGNATURE:
                return True
    return False


def _load_mat(path: Path, names: Sequence[str], limit: int) -> tuple[list[str], dict[str, Any]]:
    """Returns the names of all variables of a file of SciPy, and the wanted ones."""
    matlab: Any = importlib.import_module("scipy.io")
    isolated.limit_memory(limit)
    found = [name for name, _, _ in matlab.whosmat(path)]
    wanted = [name for name in names if name in found]
    content = matlab.loadmat(path, variable_names=wanted) if wanted else {}
    return found, {name: np.asarray(content[name]) for name in wanted}


def _load_hdf5(path: Path, names: Sequence[str], limit: int) -> tuple[list[str], dict[str, Any]]:
    """Returns the names of all entries of an HDF5 file, and the wanted datasets."""
    hdf5: Any = importlib.import_module("h5py")
    isolated.limit_memory(limit)
    arrays = {}
    with hdf5.File(path, "r") as file:
        found = list(file)
        for name in names:
            if name not in found:
                continue
            if not isinstance(file.get(name, getlink=True), hdf5.HardLink):
                raise InputError(f"{path}: {name!r} is a link; expected the dataset itself")
            dataset = file[name]
            if not isinstance(dataset, hdf5.Dataset):
                raise InputError(f"{path}: {name!r} is a group; expected a dataset")
            if dataset.external or dataset.is_virtual:
                raise InputError(
                    f"{path}: the numbers of {name!r} are in other files; expected one file with "
                    "all of them"
                )
            if dataset.dtype.kind not in "biuf":
                arrays[name] = np.zeros(0, object)
                continue
            count = math.prod(dataset.shape or (0,))
            if 4 * count * dataset.dtype.itemsize > limit:
                raise InputError(
                    f"{path}: {name!r} has shape {dataset.shape}, too large for a file of its size"
                )
            arrays[name] = dataset[()]
    return found, arrays
