"""All of a run that a step changes, and how it becomes files and comes back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import paddle

from paddle_pose.errors import InputError
from paddle_pose.io import manifest
from paddle_pose.training import checkpoint
from paddle_pose.training.ema import Ema
from paddle_pose.training.non_finite_guard import StepHealth
from paddle_pose.training.precision import Precision, float32
from paddle_pose.weights.read import read_weights

Arrays = dict[str, np.ndarray]


@dataclass
class Progress:
    """Where a run stands.

    Attributes:
        epoch: epochs done.
        batch: batches trained in the epoch after them.
        step: batches trained in all.
        best: the evaluation with the highest monitored value so far, its epoch, and which weights it looked with.
        skipped: steps that were left out since their numbers were not finite.
        skipped_in_a_row: how many of them just now.
        idle: steps of this epoch that had nothing to learn from.
        replaced: samples whose image could not be read, so that another took their place; those of the first process.
        averaged: steps since the last log line, without those left out: part of the state, so that a resumed run's next line is
            that of one which was left alone.
        sums: of their numbers by name.
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
        """Adds a step to what the next log line shows the mean of."""
        values = _numbers(health)
        if self.sums.keys() != values.keys():  # none yet, or a forced resume with another loss
            self.averaged, self.sums = 0, dict.fromkeys(values, 0.0)
        self.averaged += 1
        self.sums = {name: total + values[name] for name, total in self.sums.items()}

    def take_means(self, last: StepHealth) -> dict[str, float]:
        """Returns the means of loss, gradient norm and terms since the last call by name, and begins anew.

        Args:
            last: Numbers of the last step, returned where no step was added.
        """
        means = {name: total / self.averaged for name, total in self.sums.items()}
        self.averaged, self.sums = 0, {}
        return means or _numbers(last)


@dataclass
class State:
    """What is trained and where it stands.

    Attributes:
        model: the network.
        optimizer: of its parameters.
        precision: how it computes.
        ema: average of its weights, if there is one.
        progress: where the run stands.
    """

    model: paddle.nn.Layer
    optimizer: paddle.optimizer.Optimizer
    precision: Precision
    ema: Ema | None
    progress: Progress = field(default_factory=Progress)

    def files(self) -> dict[str, Arrays]:
        """Returns the tensors of a checkpoint by file."""
        return {
            "model.pdparams": arrays(float32(self.model, self.optimizer)),
            "model.pdopt": moments(self.model, self.optimizer),
            "ema.pdparams": arrays(self.ema.average) if self.ema is not None else {},
        }

    def tensors(self) -> list[paddle.Tensor]:
        """Returns all that is looked with: the network's tensors, and their averages."""
        return [
            *self.model.state_dict().values(),
            *(self.ema.average.values() if self.ema is not None else ()),
        ]

    def numbers(self) -> dict[str, Any]:
        """Returns the rest, in JSON's types."""
        return {
            "progress": asdict(self.progress),
            "loss_scale": self.precision.state(),
            "ema_updates": self.ema.updates if self.ema is not None else 0,
        }

    def load(self, folder: Path, numbers: Mapping[str, Any]) -> None:
        """Puts everything in place.

        Args:
            folder: of a whole checkpoint.
            numbers: what `numbers` said when it was made.

        Raises:
            InputError: If it belongs to another network.
        """
        path = folder / "model.pdparams"
        checkpoint.put(self.model, read_weights(path), path)
        moments_file = folder / "model.pdopt"  # absent before the first step
        put_moments(
            self.model, self.optimizer, read_weights(moments_file) if moments_file.exists() else {}
        )
        if self.ema is not None:  # a checkpoint without averages begins them with its weights
            averages = folder / "ema.pdparams"
            self.ema.load(
                read_weights(averages if averages.exists() else path), numbers["ema_updates"]
            )
        self.precision.load(numbers["loss_scale"])
        self.progress = Progress(**numbers["progress"])


def _numbers(health: StepHealth) -> dict[str, float]:
    return {"loss": health.loss, "grad_norm": health.gradient, **health.terms}


def arrays(tensors: Mapping[str, paddle.Tensor]) -> Arrays:
    """Returns tensors as arrays, in the same order."""
    return {name: tensor.numpy() for name, tensor in tensors.items()}


def moments(model: paddle.nn.Layer, optimizer: paddle.optimizer.Optimizer) -> Arrays:
    """Returns optimizer tensors by structured name, since Paddle's own names depend on what was built before.

    "conv.weight/moment1_0" and the like; "conv.weight/master" is the float32 copy of a half-precision weight.
    """
    state = optimizer.state_dict()
    masters = state.get("master_weights", {})
    found: Arrays = {}
    for name, parameter in model.named_parameters():
        prefix = parameter.name + "_"
        own = {
            key.removeprefix(prefix): value
            for key, value in state.items()
            if key.startswith(prefix)
        }
        if parameter.name in masters:
            own["master"] = masters[parameter.name]
        found |= {f"{name}/{suffix}": value.numpy() for suffix, value in own.items()}
    return found


def put_moments(
    model: paddle.nn.Layer, optimizer: paddle.optimizer.Optimizer, tensors: Mapping[str, np.ndarray]
) -> None:
    """Gives an optimizer what `moments` returned.

    Raises:
        InputError: If a name is not one of the model's.
    """
    names = {name: parameter.name for name, parameter in model.named_parameters()}
    state: dict[str, Any] = {"master_weights": {}}
    for key, value in tensors.items():
        name, _, suffix = key.rpartition("/")
        if name not in names:
            raise InputError(f"optimizer state for {name!r}, which this network does not have")
        if suffix == "master":
            state["master_weights"][names[name]] = paddle.to_tensor(value)
        else:
            state[f"{names[name]}_{suffix}"] = paddle.to_tensor(value)
    optimizer.set_state_dict(state)


def read_numbers(folder: Path) -> dict[str, Any]:
    """Returns the state.json of a checkpoint after making sure that all of it is whole.

    Raises:
        FileNotFoundError: If a file is missing.
        InputError: If a file is damaged.
    """
    manifest.check(folder)
    return json.loads((folder / "state.json").read_text(encoding="utf-8"))
