"""One training step: forward, backward, a check for non-finite values, and the optimizer."""

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
DrawTargets = Callable[[paddle.Tensor, paddle.Tensor, paddle.Tensor], Tensors]
"""Function that draws the targets of a batch on the device that trains.

It receives keypoints [N, P, K, 2] (x, y) in input px, visible [N, P, K] (0 where not labelled) and
boxes [N, P, 4] (x, y, width, height) in input px, and returns {name: targets [N, ...] float32}.
"""


@dataclass(frozen=True)
class StepResult:
    """Result of a training step, for the log.

    Attributes:
        outputs: Outputs of the network for the last part of the batch (see `accumulate` of `Step`)
            by name, [n, ...] float32.
        targets: Targets of the same part by name, [n, ...] float32.
        health: Loss, its terms and the gradient norm over the whole batch, and whether they are
            finite.
    """

    outputs: Tensors
    targets: Tensors
    health: StepHealth


class Step:
    """Trains a network on one batch, optionally in several processes or with gradient accumulation.

    Args:
        state: State of the training; changed in place.
        loss: Function of (outputs, targets) that returns {name: scalar}, whose sum is minimised.
        schedule: Function that returns the learning rate of a 0-based step.
        seed: Seed of all random values in a step.
        accumulate: Number of parts into which a batch is split for gradient accumulation, when the
            device has not enough memory for the whole batch. A loss that divides by a count (such
            as that of labelled cells) divides by the count in each part.
        process_group: Processes that train together; None for this process alone.
        draw_targets: Function that computes the targets on the device, see `DrawTargets`; None if
            batches contain their targets.

    Raises:
        InputError: If `accumulate` is less than 1.
    """

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
        if accumulate < 1:
            raise InputError(f"accumulate={accumulate}: expected 1 or more parts of a batch")
        self._state = state
        self._loss = loss
        self._schedule = schedule
        self._seed = seed
        self._accumulate = accumulate
        self._process_group = process_group or ProcessGroup()
        self._network = self._process_group.parallel(state.model)
        self._draw_targets = draw_targets

    def begin(self) -> None:
        """Switches the network to training mode and records its parameters and statistics.

        Call it before the first step, and again after each evaluation or load of a checkpoint.
        """
        self._state.model.train()
        self._parameters = [
            parameter for parameter in self._state.model.parameters() if not parameter.stop_gradient
        ]
        self._guard = NonFiniteGuard(self._state.model, self._process_group)

    def __call__(self, batch: Mapping[str, Any]) -> StepResult:
        """Trains on one batch, and returns what the log needs.

        If loss, gradients or running statistics are not finite, the step is skipped: the weights
        are not changed, and the running statistics are restored.

        Args:
            batch: Tensors by name: "image", uint8 [N, H, W, 3], and either "targets", a dict of
                [N, ...], or with `draw_targets` its arguments "keypoints", "visible" and "boxes".
        """
        state = self._state
        progress = state.progress
        state.optimizer.set_lr(self._schedule(progress.step))
        seed_step(self._seed, progress.step, self._process_group.rank)
        result = self._compute_gradients(batch)
        finite = result.health.finite
        if finite:
            state.optimizer.step()
            if state.ema is not None:
                state.ema.update()
        else:
            self._guard.undo()
        state.precision.update(finite)
        state.optimizer.clear_grad()
        progress.batch += 1
        progress.step += 1
        progress.idle += result.health.gradient == 0
        progress.skipped += not finite
        progress.skipped_in_a_row = 0 if finite else progress.skipped_in_a_row + 1
        if finite:
            progress.add(result.health)
        return result

    def _compute_gradients(self, batch: Mapping[str, Any]) -> StepResult:
        """Runs forward and backward for a batch, in parts, and checks the values."""
        precision = self._state.precision
        size = len(batch["image"])
        parts = min(self._accumulate, size)
        sums: dict[str, paddle.Tensor] = {}
        for n in range(parts):
            part = _sliced(batch, n * size // parts, (n + 1) * size // parts)
            draw = self._draw_targets
            targets = (
                draw(part["keypoints"], part["visible"], part["boxes"]) if draw else part["targets"]
            )
            with self._process_group.accumulating(self._network, more=n + 1 < parts):
                outputs = precision.run(self._network, part["image"])
                terms = self._loss(outputs, targets)
                if parts > 1:  # each part is weighted by its number of images
                    terms = {
                        name: term * (len(part["image"]) / size) for name, term in terms.items()
                    }
                precision.backward(paddle.add_n(list(terms.values())))
            sums = {
                name: sums[name] + term.detach() if name in sums else term.detach()
                for name, term in terms.items()
            }
        precision.unscale(self._parameters)
        health = self._guard.check(paddle.add_n(list(sums.values())), sums)
        return StepResult(outputs, targets, health)


def _sliced(values: Any, start: int, end: int) -> Any:
    """Returns the samples `start` to `end` of a batch: a tensor or a nested dict of tensors."""
    if isinstance(values, Mapping):
        return {name: _sliced(value, start, end) for name, value in values.items()}
    return values if end - start == len(values) else values[start:end]
