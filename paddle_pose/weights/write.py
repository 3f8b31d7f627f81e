"""Writes weights files: `.safetensors`, and `.pdparams` and `.pdopt` as `paddle.save` does.

Source: safetensors 0.8; ``paddle.save`` of a state_dict (paddle/framework/io.py, 3.3): a pickle of
    {name: numpy array} in protocol 4.
Checked against: `paddle.load`, `safetensors` and `read.read_weights` return what was written.
Differs: there is no table of Paddle's internal parameter names; `paddle.load` ignores it anyway.
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
    """Writes named tensors to a weights file; after an error an older file is unchanged.

    Args:
        path: Path of the file; its extension decides the format. A missing folder is created, an
            older file is replaced.
        tensors: Arrays by name; each keeps its shape and dtype.

    Raises:
        InputError: If the extension is none of .safetensors, .pdparams, .pdopt.
        MissingDependencyError: If the package safetensors is needed and not installed.
        OSError: If the file cannot be written.

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
            f"{path}: weights are written as {' or '.join(_FORMATS)}; choose one of these "
            "extensions"
        )
    # Without a C-ordered copy, safetensors would write the memory of a view in another order.
    content = _FORMATS[path.suffix](
        {name: np.array(tensor, order="C") for name, tensor in tensors.items()}
    )
    atomic.write_bytes(path, content, sync=True)
