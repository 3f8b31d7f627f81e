"""One checkpoint: a folder that is complete or absent, proves itself by hashes, and is never executed.

folder/model.pdparams   the weights, loadable by plain `paddle.load`
folder/model.pdopt      optimizer moments by the parameters' structured names; absent before the first step
folder/ema.pdparams     averaged weights, where the run averages
folder/state.json       position, best value, and all else that is only numbers
folder/config.json      the config, so that evaluation needs no flags
folder/manifest.json    size and SHA-256 of every other file, and the versions that wrote them; written last
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
    aside: Path | None = None,
) -> None:
    """Writes a checkpoint beside its place, then renames it into place.

    Args:
        folder: of the checkpoint.
        tensors: name -> array by the stem and extension of their file; a file without tensors is left out.
        state: content of state.json.
        config_json: text of config.json.
        aside: where an older checkpoint at `folder` is moved to; None deletes it.

    Raises:
        OSError: If it cannot be written; the older checkpoint stays.
    """
    fresh, old = _beside(folder, ".writing"), _beside(folder, ".old")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        fresh.mkdir(parents=True)
        for name, arrays in tensors.items():
            if arrays:
                write_weights(fresh / name, arrays)
        (fresh / "config.json").write_text(config_json, encoding="utf-8")
        (fresh / "state.json").write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")
        seal(fresh)
        for path in (*fresh.iterdir(), fresh):
            _sync(path)
    except OSError as problem:
        shutil.rmtree(fresh, ignore_errors=True)
        older = "the one that was there stays" if folder.exists() else "there was none before"
        raise OSError(
            f"checkpoint {folder} cannot be written ({problem.strerror or problem}); {older}"
        ) from problem
    if folder.exists():  # else a save was cut short here, and what is aside is all there is until the next line is done
        place = aside or old
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(place, ignore_errors=True)
        os.replace(folder, place)
        _sync(place.parent)
    os.replace(fresh, folder)
    _sync(folder.parent)
    shutil.rmtree(old, ignore_errors=True)


def restore(folder: Path) -> None:
    """Puts an older checkpoint back that a save had moved out of the way when it was cut short."""
    old = _beside(folder, ".old")
    if old.is_dir() and not folder.exists():
        os.replace(old, folder)


def seal(folder: Path) -> None:
    """Writes the manifest of the files in a folder."""
    versions = {
        "paddle_pose": __version__,
        "paddle": paddle.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }
    manifest.write(folder, versions)


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Says in which values two mappings differ, a line each.

    Example:
        >>> differences({"a": 1, "b": (2, 3)}, {"a": 1, "b": (2, 4), "c": 5})
        ['b: [2, 3] in the checkpoint, [2, 4] now', 'c: nothing in the checkpoint, 5 now']
    """
    was, now = (
        {k: json.dumps(v, sort_keys=True) for k, v in values.items()} for values in (old, new)
    )
    return [
        f"{key}: {was.get(key, 'nothing')} in the checkpoint, {now.get(key, 'nothing')} now"
        for key in {**was, **now}
        if was.get(key) != now.get(key)
    ]


def put(model: paddle.nn.Layer, tensors: dict[str, np.ndarray], source: Path) -> None:
    """Sets every tensor of a model, each used exactly once, under its own or a published name.

    Args:
        model: to fill.
        tensors: name -> array.
        source: their file, for the message.

    Raises:
        InputError: If a tensor is missing, left over or misshapen.
    """
    own = model.state_dict()
    try:
        fitted = convert_names(tensors, {name: tuple(value.shape) for name, value in own.items()})
    except ValueError as problem:
        raise InputError(f"{source}: {problem}") from problem
    model.set_state_dict(
        {name: paddle.to_tensor(value).astype(own[name].dtype) for name, value in fitted.items()}
    )


def _beside(folder: Path, suffix: str) -> Path:
    return folder.with_name(folder.name + suffix)


def _sync(path: Path) -> None:
    """Makes sure that a file, or a folder's entries, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
