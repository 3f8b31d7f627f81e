"""One training step: forward, backward, a look at the numbers, and the optimizer if they are good."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import paddle

from paddle_pose.errors import InputError
from paddle_pose.training.non_finite_guard import NonFiniteGuard, StepHealth
from paddle_pose.training.process_group import ProcessGroup
from paddle_pose.training.run_state import State
from paddle_pose.training.seeds import seed_step

Tensors = Mapping[str, paddle.Tensor]
Loss = Callable[[Tensors, Tensors], dict[str, paddle.Tensor]]
DrawTargets = Callable[..., Tensors]
"""Keypoints in input px, visible and, for several people per image, boxes of a batch -> the targets that the loss takes."""


@dataclass(frozen=True)
class Stepped:
    """What a step leaves for the log.

    Attributes:
        outputs: the network's maps of the last part of the batch.
        targets: of that part.
        health: loss, its terms and gradient over the whole batch, and whether they were good.
    """

    outputs: Tensors
    targets: Tensors
    health: StepHealth


class Step:
    """Trains a network on one batch, in one or several processes, at once or in parts."""

    def __init__(
        self,
        state: State,
        loss: Loss,
        schedule: Callable[[int], float],
        seed: int = 0,
        accumulate: int = 1,
        process_group: ProcessGroup | None = None,
        draw_targets: DrawTargets | None = None,
    ) -> None:
        """Takes what a step changes and how.

        Args:
            state: is changed in place.
            loss: named terms from (outputs, targets); their sum is minimised.
            schedule: learning rate of a 0-based step.
            seed: of whatever is random in a step.
            accumulate: parts in which a batch is looked at before the weights move, for batches that a device has no room for;
                a loss that divides by what it counts does so in each part.
            process_group: the processes that train.
            draw_targets: draws targets on the device from a batch's keypoints; None takes the batch's targets.

        Raises:
            InputError: If a batch shall have less than one part.
        """
        if accumulate < 1:
            raise InputError(f"accumulate={accumulate}: a batch has one part or more")
        self._state, self._loss, self._schedule = state, loss, schedule
        self._seed, self._accumulate, self._process_group = (
            seed,
            accumulate,
            process_group or ProcessGroup(),
        )
        self._network, self._draw_targets = self._process_group.parallel(state.model), draw_targets

    def begin(self) -> None:
        """Prepares for steps after anything else was done with the network."""
        self._state.model.train()
        self._guard = NonFiniteGuard(self._state.model, self._process_group)

    def __call__(self, batch: Mapping[str, Any]) -> Stepped:
        """Trains on a batch: "image" and "targets", or "keypoints" and "visible" to draw these from."""
        state, progress = self._state, self._state.progress
        state.optimizer.set_lr(self._schedule(progress.step))
        seed_step(self._seed, progress.step, self._process_group.rank)
        stepped = self._look(batch)
        finite = stepped.health.finite
        if finite:
            state.optimizer.step()
            if state.ema is not None:
                state.ema.update()
        else:
            self._guard.undo()
        state.precision.update(finite)
        state.optimizer.clear_grad()
        progress.batch, progress.step = progress.batch + 1, progress.step + 1
        progress.idle += stepped.health.gradient == 0
        progress.skipped += not finite
        progress.skipped_in_a_row = 0 if finite else progress.skipped_in_a_row + 1
        if finite:
            progress.add(stepped.health)
        return stepped

    def _look(self, batch: Mapping[str, Any]) -> Stepped:
        """Computes the gradients of a batch."""
        precision, size = self._state.precision, len(batch["image"])
        parts = min(self._accumulate, size)
        sums: dict[str, paddle.Tensor] = {}
        for n in range(parts):
            part = _sliced(batch, n * size // parts, (n + 1) * size // parts)
            draw = self._draw_targets
            people = [part[name] for name in ("keypoints", "visible", "boxes") if name in part]
            targets = draw(*people) if draw else part["targets"]
            with self._process_group.accumulating(self._network, more=n + 1 < parts):
                outputs = precision.run(self._network, part["image"])
                terms = self._loss(outputs, targets)
                if parts > 1:  # each part counts by its images
                    terms = {
                        name: term * (len(part["image"]) / size) for name, term in terms.items()
                    }
                precision.backward(paddle.add_n(list(terms.values())))
            sums = {
                name: sums[name] + term.detach() if name in sums else term.detach()
                for name, term in terms.items()
            }
        precision.unscale(self._state.model.parameters())
        return Stepped(outputs, targets, self._guard.check(paddle.add_n(list(sums.values())), sums))


def _sliced(values: Any, start: int, end: int) -> Any:
    """Returns a part of a batch: every tensor in it from `start` to `end`."""
    if isinstance(values, Mapping):
        return {name: _sliced(value, start, end) for name, value in values.items()}
    return values if end - start == len(values) else values[start:end]
