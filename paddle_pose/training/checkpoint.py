"""One checkpoint: a folder that is either complete or does not exist, and is verified by hashes.

folder/model.pdparams   weights, which `paddle.load` can read
folder/model.pdopt      optimizer moments by the parameters' names in the network; absent before the
                        first step
folder/ema.pdparams     averaged weights, if the run averages them
folder/state.json       progress, best values, and the rest of the state
folder/config.json      config, so that evaluation needs no flags
folder/manifest.json    size and SHA-256 of every other file, and the versions of the packages that
                        wrote them; written last

Reading one never executes code from it.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import paddle

from paddle_pose import __version__
from paddle_pose.errors import InputError
from paddle_pose.io import manifest
from paddle_pose.weights.names import convert_names
from paddle_pose.weights.write import write_weights


def save(
    folder: Path,
    tensors: Mapping[str, Mapping[str, np.ndarray]],
    state: Mapping[str, Any],
    config_json: str,
    move_old_to: Path | None = None,
) -> None:
    """Writes a checkpoint to a temporary folder beside its final one, then renames it.

    Args:
        folder: Folder of the checkpoint.
        tensors: Arrays of each file: {file name: {tensor name: array}}, such as {"model.pdparams":
            {"conv.weight": ...}}; a file without arrays is not written.
        state: Content of state.json, in JSON's types.
        config_json: Text of config.json.
        move_old_to: New path of an existing checkpoint at `folder`; None deletes that checkpoint.

    Raises:
        OSError: If the checkpoint cannot be written; an existing one is kept.
    """
    new = _sibling(folder, ".writing")
    old = _sibling(folder, ".old")
    shutil.rmtree(new, ignore_errors=True)
    try:
        new.mkdir(parents=True)
        for name, arrays in tensors.items():
            if arrays:
                write_weights(new / name, arrays)
        (new / "config.json").write_text(config_json, encoding="utf-8")
        (new / "state.json").write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")
        write_manifest(new)
        for path in (*new.iterdir(), new):
            _sync(path)
    except OSError as problem:
        shutil.rmtree(new, ignore_errors=True)
        existing = "the existing one is kept" if folder.exists() else "there is no earlier one"
        raise OSError(
            f"checkpoint {folder} cannot be written ({problem.strerror or problem}); {existing}"
        ) from problem
    # If `folder` does not exist, an earlier save may have been killed after moving it: `old` is
    # then the only checkpoint and must not be deleted before `new` is renamed.
    if folder.exists():
        target = move_old_to or old
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(target, ignore_errors=True)
        os.replace(folder, target)
        _sync(target.parent)
    os.replace(new, folder)
    _sync(folder.parent)
    shutil.rmtree(old, ignore_errors=True)


def restore(folder: Path) -> None:
    """Moves an older checkpoint back if a save was killed between moving it and replacing it.

    Args:
        folder: Folder of the checkpoint.
    """
    old = _sibling(folder, ".old")
    if old.is_dir() and not folder.exists():
        os.replace(old, folder)


def write_manifest(folder: Path) -> None:
    """Writes manifest.json, with size and hash of all files in a folder and package versions.

    Args:
        folder: Folder of the checkpoint; all other files must be written already.
    """
    versions = {
        "paddle_pose": __version__,
        "paddle": paddle.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }
    manifest.write(folder, versions)


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Returns one line of text per key whose value differs between two mappings.

    Args:
        old: JSON values of a checkpoint by name, such as its identity (see `Trainer`).
        new: JSON values of the current run by name.

    Example:
        >>> differences({"a": 1, "b": (2, 3)}, {"a": 1, "b": (2, 4), "c": 5})
        ['b: [2, 3] in the checkpoint, [2, 4] now', 'c: nothing in the checkpoint, 5 now']
    """
    before, now = (
        {key: json.dumps(value, sort_keys=True) for key, value in values.items()}
        for values in (old, new)
    )
    return [
        f"{key}: {before.get(key, 'nothing')} in the checkpoint, {now.get(key, 'nothing')} now"
        for key in {**before, **now}
        if before.get(key) != now.get(key)
    ]


def set_weights(model: paddle.nn.Layer, tensors: dict[str, np.ndarray], source: Path) -> None:
    """Sets all tensors of a network; every array must be used exactly once.

    Args:
        model: Network whose tensors are set in place.
        tensors: Arrays by name, either the network's own names or those of a published file.
        source: Path of the file of the arrays, for error messages.

    Raises:
        InputError: If an array is missing, superfluous or of the wrong shape.
    """
    own = model.state_dict()
    try:
        fitted = convert_names(tensors, {name: tuple(value.shape) for name, value in own.items()})
    except ValueError as problem:
        raise InputError(f"{source}: {problem}") from problem
    model.set_state_dict(
        {name: paddle.to_tensor(value).astype(own[name].dtype) for name, value in fitted.items()}
    )


def _sibling(folder: Path, suffix: str) -> Path:
    """Returns the path of a folder with a suffix added to its name."""
    return folder.with_name(folder.name + suffix)


def _sync(path: Path) -> None:
    """Flushes a file, or the entries of a folder, to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
