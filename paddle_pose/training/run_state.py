"""The state of a run that training steps change, and how checkpoints save and restore it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import paddle

from paddle_pose.errors import InputError
from paddle_pose.io import manifest
from paddle_pose.io.json_files import read_json
from paddle_pose.training import checkpoint
from paddle_pose.training.ema import Ema
from paddle_pose.training.non_finite_guard import StepHealth
from paddle_pose.training.precision import Precision, float32
from paddle_pose.weights.read import read_weights

Arrays = dict[str, np.ndarray]


@dataclass
class Progress:
    """Progress of a run.

    Attributes:
        epoch: Number of completed epochs.
        batch: Number of batches trained in the current epoch.
        step: Number of batches trained in total.
        best: Values of the evaluation with the highest monitored value so far by name, with its
            "epoch" and the evaluated "weights" ("live" or "averaged").
        skipped: Number of steps that were skipped because of non-finite values.
        skipped_in_a_row: Number of skipped steps since the last one that was not skipped.
        idle: Number of steps in the current epoch whose gradients were all zero.
        replaced: Number of samples that were replaced because their image could not be read, in the
            main process.
        averaged: Number of steps since the last log line, without skipped ones. It is saved so that
            the next log line of a resumed run is that of an uninterrupted run.
        sums: Sums of "loss", "grad_norm" and the loss terms over the `averaged` steps, by name.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    best: dict[str, Any] = field(default_factory=dict)
    skipped: int = 0
    skipped_in_a_row: int = 0
    idle: int = 0
    replaced: int = 0
    averaged: int = 0
    sums: dict[str, float] = field(default_factory=dict)

    def add(self, health: StepHealth) -> None:
        """Adds loss, gradient norm and terms of a finite step to the means of the next log line."""
        values = _values(health)
        if self.sums.keys() != values.keys():  # first step, or a forced resume with another loss
            self.averaged = 0
            self.sums = dict.fromkeys(values, 0.0)
        self.averaged += 1
        self.sums = {name: total + values[name] for name, total in self.sums.items()}

    def take_means(self, last: StepHealth) -> dict[str, float]:
        """Returns the means of loss, gradient norm and loss terms by name, and resets them.

        Args:
            last: Values of the last step, returned if no step was added since the last call.
        """
        means = {name: total / self.averaged for name, total in self.sums.items()}
        self.averaged = 0
        self.sums = {}
        return means or _values(last)


@dataclass
class State:
    """Everything that a training step changes.

    Attributes:
        model: Network that is trained.
        optimizer: Optimizer of the network's parameters.
        precision: Precision of the computation, with the loss scale.
        ema: Average of the weights; None if they are not averaged.
        progress: Progress of the run.
    """

    model: paddle.nn.Layer
    optimizer: paddle.optimizer.Optimizer
    precision: Precision
    ema: Ema | None
    progress: Progress = field(default_factory=Progress)

    def files(self) -> dict[str, Arrays]:
        """Returns the arrays of a checkpoint: {file name: {tensor name: array}}.

        Files are "model.pdparams", "model.pdopt" and, with averaged weights, "ema.pdparams".
        """
        return {
            "model.pdparams": arrays(float32(self.model, self.optimizer)),
            "model.pdopt": moments(self.model, self.optimizer),
            "ema.pdparams": arrays(self.ema.average) if self.ema is not None else {},
        }

    def tensors(self) -> list[paddle.Tensor]:
        """Returns the tensors that evaluations use: those of the network, then their averages."""
        return [
            *self.model.state_dict().values(),
            *([self.ema.values] if self.ema is not None else []),
        ]

    def scalars(self) -> dict[str, Any]:
        """Returns the rest of the state for state.json, in JSON's types."""
        return {
            "progress": asdict(self.progress),
            "loss_scale": self.precision.state(),
            "ema_updates": self.ema.updates if self.ema is not None else 0,
        }

    def load(self, folder: Path, scalars: Mapping[str, Any]) -> None:
        """Restores the state from a checkpoint.

        Args:
            folder: Folder of a complete checkpoint.
            scalars: Result of the method `scalars` that was saved in the checkpoint.

        Raises:
            InputError: If the checkpoint belongs to another network.
        """
        path = folder / "model.pdparams"
        checkpoint.set_weights(self.model, read_weights(path), path)
        moments_file = folder / "model.pdopt"  # does not exist before the first step
        set_moments(
            self.model, self.optimizer, read_weights(moments_file) if moments_file.exists() else {}
        )
        if self.ema is not None:  # without saved averages they start from the saved weights
            averages = folder / "ema.pdparams"
            self.ema.load(
                read_weights(averages if averages.exists() else path), scalars["ema_updates"]
            )
        self.precision.load(scalars["loss_scale"])
        self.progress = Progress(**scalars["progress"])


def _values(health: StepHealth) -> dict[str, float]:
    """Returns the values of a step that log lines average, by name."""
    return {"loss": health.loss, "grad_norm": health.gradient, **health.terms}


def arrays(tensors: Mapping[str, paddle.Tensor]) -> Arrays:
    """Returns tensors as NumPy arrays by name, in the same order."""
    return {name: tensor.numpy() for name, tensor in tensors.items()}


def moments(model: paddle.nn.Layer, optimizer: paddle.optimizer.Optimizer) -> Arrays:
    """Returns the tensors of an optimizer by name.

    The names start with the parameter's name in the network, such as "conv.weight/moment1_0";
    "conv.weight/master" is the float32 copy of a half-precision weight. Paddle's own names are not
    used because they depend on the layers that the process has built before.

    Args:
        model: Network whose parameters are optimised.
        optimizer: Optimizer of these parameters.
    """
    state = optimizer.state_dict()
    masters = state.get("master_weights", {})
    own: dict[str, dict[str, paddle.Tensor]] = {p.name: {} for p in model.parameters()}
    for key, value in state.items():
        words = key.split("_")  # both the name of the parameter and the rest have underscores
        for count in range(len(words) - 1, 0, -1):
            owner = "_".join(words[:count])
            if owner in own:
                own[owner]["_".join(words[count:])] = value
                break
    arrays_by_name: Arrays = {}
    for name, parameter in model.named_parameters():
        tensors = own[parameter.name]
        if parameter.name in masters:
            tensors["master"] = masters[parameter.name]
        arrays_by_name |= {f"{name}/{suffix}": value.numpy() for suffix, value in tensors.items()}
    return arrays_by_name


def set_moments(
    model: paddle.nn.Layer, optimizer: paddle.optimizer.Optimizer, tensors: Mapping[str, np.ndarray]
) -> None:
    """Sets the tensors of an optimizer to saved values.

    Args:
        model: Network whose parameters are optimised.
        optimizer: Optimizer of these parameters; changed in place.
        tensors: Arrays by name, as `moments` returns them.

    Raises:
        InputError: If a name is not that of a parameter of the network.
    """
    names = {name: parameter.name for name, parameter in model.named_parameters()}
    state: dict[str, Any] = {"master_weights": {}}
    for key, value in tensors.items():
        name, _, suffix = key.rpartition("/")
        if name not in names:
            raise InputError(
                f"optimizer state for {name!r}, which is not a parameter of this network"
            )
        if suffix == "master":
            state["master_weights"][names[name]] = paddle.to_tensor(value)
        else:
            state[f"{names[name]}_{suffix}"] = paddle.to_tensor(value)
    optimizer.set_state_dict(state)


def read_state(folder: Path) -> dict[str, Any]:
    """Returns the content of a checkpoint's state.json, after verifying all of its files.

    Args:
        folder: Folder of the checkpoint.

    Raises:
        FileNotFoundError: If a file is missing.
        InputError: If a file is damaged.
    """
    manifest.check(folder)
    state: dict[str, Any] = read_json(folder / "state.json")
    return state
