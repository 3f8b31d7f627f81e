"""The optimizer, and the learning rate as a function of the step.

Source: mmpose 0.x `hourglass52_mpii_*` (Adam without weight decay, linear warm-up, two drops).
Differs: the original Paddle project wraps its schedule in `LinearWarmup`, which starts to count when the warm-up ends, so that
    its drops came 500 iterations late; here a milestone is counted from the start of training.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import cos, pi
from typing import Literal

import paddle

from paddle_pose.errors import InputError


@dataclass(frozen=True)
class StepSchedule:
    """Linear warm-up, then a factor at every milestone.

    Attributes:
        base: learning rate after the warm-up.
        milestones: steps at which the rate is multiplied by `gamma`, counted from the start of training.
        gamma: that factor.
        warmup: steps of the warm-up.
        warmup_start: factor of the rate at step 0.

    Example:
        >>> schedule = StepSchedule(1.0, milestones=(100,), gamma=0.1, warmup=10, warmup_start=0.0)
        >>> [schedule(step) for step in (0, 5, 10, 99, 100)]
        [0.0, 0.5, 1.0, 1.0, 0.1]
    """

    base: float
    milestones: Sequence[int] = ()
    gamma: float = 0.1
    warmup: int = 0
    warmup_start: float = 0.001

    def __call__(self, step: int) -> float:
        """Returns the learning rate of a 0-based step."""
        rate = self.base * self.gamma ** sum(step >= milestone for milestone in self.milestones)
        return rate * warmup_factor(step, self.warmup, self.warmup_start)


@dataclass(frozen=True)
class CosineSchedule:
    """Linear warm-up, then half a cosine down to zero.

    Source: Loshchilov & Hutter, SGDR, ICLR 2017, one cycle.

    Attributes:
        base: learning rate at the cosine's top.
        total: steps of the training.
        warmup: steps of the warm-up, counted within the cosine.
        warmup_start: factor of the rate at step 0.

    Example:
        >>> schedule = CosineSchedule(1.0, total=100)
        >>> [round(schedule(step), 3) for step in (0, 25, 50, 99)]
        [1.0, 0.854, 0.5, 0.0]
    """

    base: float
    total: int
    warmup: int = 0
    warmup_start: float = 0.001

    def __call__(self, step: int) -> float:
        """Returns the learning rate of a 0-based step; 0 from `total` on."""
        rate = self.base * (1 + cos(pi * min(step / self.total, 1.0))) / 2
        return rate * warmup_factor(step, self.warmup, self.warmup_start)


def schedule(
    kind: Literal["steps", "cosine"],
    base: float,
    steps_per_epoch: int,
    epochs: int,
    milestones: Sequence[int],
    gamma: float,
    warmup: int,
    warmup_start: float,
) -> Callable[[int], float]:
    """Returns the learning rate as a function of the step, from a recipe that counts in epochs.

    Args:
        kind: after the warm-up: drops at the milestones, or a cosine down to zero at the end.
        base: learning rate after the warm-up.
        steps_per_epoch: turns epochs into steps.
        epochs: of the whole training.
        milestones: epochs at which the rate is multiplied by `gamma`.
        gamma: that factor.
        warmup: steps of the warm-up.
        warmup_start: factor of the rate at step 0.
    """
    if kind == "cosine":
        return CosineSchedule(base, epochs * steps_per_epoch, warmup, warmup_start)
    return StepSchedule(base, [epoch * steps_per_epoch for epoch in milestones], gamma, warmup, warmup_start)


def warmup_factor(step: int, warmup: int, start: float) -> float:
    """Returns what a linear warm-up multiplies a 0-based step's rate with: `start` at step 0, 1 from `warmup` on."""
    return 1.0 if step >= warmup else start + (1 - start) * step / warmup


def adam(model: paddle.nn.Layer, clip_norm: float = 0.0, clip_value: float = 0.0) -> paddle.optimizer.Adam:
    """Returns Adam over the model's parameters that train; the trainer sets its learning rate at every step.

    Args:
        model: to train.
        clip_norm: scales all gradients together until their Euclidean norm is at most this; 0 does not.
        clip_value: cuts every number of a gradient to +- this; 0 does not.

    Raises:
        InputError: If a limit is negative, or both are given.
    """
    if min(clip_norm, clip_value) < 0 or (clip_norm and clip_value):
        raise InputError(f"clip_norm={clip_norm}, clip_value={clip_value}: expected one positive limit at most")
    clip = None
    if clip_norm:
        clip = paddle.nn.ClipGradByGlobalNorm(clip_norm)
    elif clip_value:
        clip = paddle.nn.ClipGradByValue(clip_value)
    trained = [parameter for parameter in model.parameters() if not parameter.stop_gradient]
    return paddle.optimizer.Adam(learning_rate=0.0, parameters=trained, grad_clip=clip)
