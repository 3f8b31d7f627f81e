"""Saving and loading a run: one folder per checkpoint, complete or absent, never executed.

folder/model.pdparams   the weights, loadable by plain `paddle.load`
folder/model.pdopt      optimizer moments by the parameters' structured names
folder/state.json       epoch, step, best value
folder/config.json      the config, so that evaluation needs no flags
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import paddle

from paddle_pose.weights.names import convert_names
from paddle_pose.weights.read import read_weights


def save(
    folder: Path,
    model: paddle.nn.Layer,
    optimizer: paddle.optimizer.Optimizer | None,
    state: dict[str, Any],
    config_json: str,
) -> None:
    """Writes a checkpoint beside its place, then renames it into place.

    Args:
        folder: of the checkpoint; an older one there is replaced.
        model: whose weights are saved.
        optimizer: whose moments are saved, or None.
        state: what `load` gives back; JSON values.
        config_json: text of config.json.

    Raises:
        OSError: If it cannot be written; the older checkpoint stays.
    """
    fresh = folder.with_name(folder.name + ".writing")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    paddle.save(model.state_dict(), str(fresh / "model.pdparams"))
    if optimizer is not None:
        paddle.save(_moments(model, optimizer), str(fresh / "model.pdopt"))
    (fresh / "config.json").write_text(config_json, encoding="utf-8")
    (fresh / "state.json").write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")
    for path in (*fresh.iterdir(), fresh):
        _sync(path)
    old = folder.with_name(folder.name + ".old")
    if folder.exists():  # else a save was cut short here, and `old` is all there is until the next line is done
        shutil.rmtree(old, ignore_errors=True)
        os.replace(folder, old)
    os.replace(fresh, folder)
    _sync(folder.parent)
    shutil.rmtree(old, ignore_errors=True)


def find(folder: Path) -> Path | None:
    """Returns the checkpoint at `folder`, or the one set aside when saving was cut short; None without either."""
    for candidate in (folder, folder.with_name(folder.name + ".old")):
        if (candidate / "state.json").is_file() and (candidate / "model.pdparams").is_file():
            return candidate
    return None


def load(folder: Path, model: paddle.nn.Layer, optimizer: paddle.optimizer.Optimizer) -> dict[str, Any]:
    """Puts a checkpoint's weights and moments in place and returns its state.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a file is broken or belongs to another network.
    """
    put(model, read_weights(folder / "model.pdparams"), folder / "model.pdparams")
    _put_moments(model, optimizer, read_weights(folder / "model.pdopt"))
    return json.loads((folder / "state.json").read_text(encoding="utf-8"))


def put(model: paddle.nn.Layer, tensors: dict[str, np.ndarray], source: Path) -> None:
    """Sets every tensor of a model, each used exactly once, under its own or a published name.

    Args:
        model: to fill.
        tensors: name -> array.
        source: their file, for the message.

    Raises:
        ValueError: If a tensor is missing, left over or misshapen.
    """
    shapes = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    try:
        fitted = convert_names(tensors, shapes)
    except ValueError as problem:
        raise ValueError(f"{source}: {problem}") from problem
    model.set_state_dict({name: paddle.to_tensor(value) for name, value in fitted.items()})


def _moments(model: paddle.nn.Layer, optimizer: paddle.optimizer.Optimizer) -> dict[str, paddle.Tensor]:
    """Returns optimizer tensors by structured name, since Paddle's own names depend on what was built before."""
    state = optimizer.state_dict()
    return {
        f"{name}/{key[len(parameter.name) + 1 :]}": value
        for name, parameter in model.named_parameters()
        for key, value in state.items()
        if key.startswith(parameter.name + "_")
    }


def _put_moments(
    model: paddle.nn.Layer,
    optimizer: paddle.optimizer.Optimizer,
    tensors: dict[str, np.ndarray],
) -> None:
    names = {name: parameter.name for name, parameter in model.named_parameters()}
    state = {}
    for key, value in tensors.items():
        name, _, suffix = key.rpartition("/")
        if name not in names:
            raise ValueError(f"optimizer state for {name!r}, which this network does not have")
        state[f"{names[name]}_{suffix}"] = paddle.to_tensor(value)
    optimizer.set_state_dict(state)


def _sync(path: Path) -> None:
    """Makes sure that a file, or a folder's entries, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
