"""Writes weights files that others read: `.safetensors`, and `.pdparams` as `paddle.save` makes it.

Source: safetensors 0.8; ``paddle.save`` of a state_dict (paddle/framework/io.py, 3.3): a pickle of
    {name: numpy array} in protocol 4.
Checked against: `paddle.load`, `safetensors` and `read.read_weights` give back what was written.
Differs: no table of Paddle's internal parameter names, which `paddle.load` drops again.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from paddle_pose.environment import needed
from paddle_pose.errors import InputError
from paddle_pose.io import atomic


def _as_safetensors(tensors: dict[str, np.ndarray]) -> bytes:
    content: bytes = needed("safetensors.numpy", "safetensors>=0.4.3", "train").save(tensors)
    return content


def _pickled(tensors: dict[str, np.ndarray]) -> bytes:
    return pickle.dumps(tensors, protocol=4)


_FORMATS: dict[str, Callable[[dict[str, np.ndarray]], bytes]] = {
    ".safetensors": _as_safetensors,
    ".pdparams": _pickled,
    ".pdopt": _pickled,
}


def write_weights(path: str | os.PathLike[str], tensors: Mapping[str, np.ndarray]) -> None:
    """Writes named tensors; the file is complete or, after an error, as it was before.

    Args:
        path: the file, whose extension decides the format; its folder is made if it is missing and
            an older file is replaced.
        tensors: name -> array.

    Raises:
        InputError: If the extension is none of .safetensors, .pdparams, .pdopt.
        MissingDependencyError: If the package safetensors is needed and not installed.
        OSError: If it cannot be written.

    Example:
        >>> import tempfile
        >>> from paddle_pose.weights.read import read_weights
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_weights(f"{folder}/model.pdparams", {"bias": np.ones(2, np.float32)})
        ...     read_weights(f"{folder}/model.pdparams")
        {'bias': array([1., 1.], dtype=float32)}
    """
    path = Path(path)
    if path.suffix not in _FORMATS:
        raise InputError(
            f"{path}: weights are written as {' or '.join(_FORMATS)}; choose one of these extensions"
        )
    # a view of other memory order would be written as its memory, not as its numbers
    content = _FORMATS[path.suffix](
        {name: np.array(tensor, order="C") for name, tensor in tensors.items()}
    )
    atomic.write_bytes(path, content, sync=True)
