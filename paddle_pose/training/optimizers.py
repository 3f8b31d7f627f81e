"""Optimizers, and the learning rate as a function of the step: targets of the specs in `configs.specs`.

Source: mmpose 0.x `hourglass52_mpii_*` (Adam without weight decay, linear warm-up, two drops).
Differs: the original Paddle project wraps its schedule in `LinearWarmup`, which starts to count when the warm-up ends, so that
    its drops came 500 iterations late; here a milestone is counted from the start of training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, pi

import paddle

from paddle_pose.errors import InputError

_NORMS = (
    paddle.nn.BatchNorm1D,
    paddle.nn.BatchNorm2D,
    paddle.nn.BatchNorm3D,
    paddle.nn.SyncBatchNorm,
    paddle.nn.InstanceNorm1D,
    paddle.nn.InstanceNorm2D,
    paddle.nn.InstanceNorm3D,
    paddle.nn.GroupNorm,
    paddle.nn.LayerNorm,
)


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


def warmup_factor(step: int, warmup: int, start: float) -> float:
    """Returns what a linear warm-up multiplies a 0-based step's rate with: `start` at step 0, 1 from `warmup` on."""
    return 1.0 if step >= warmup else start + (1 - start) * step / warmup


def gradient_clip(clip_norm: float = 0.0, clip_value: float = 0.0) -> paddle.nn.ClipGradBase | None:
    """Returns what limits the gradients of an optimizer, or None.

    Args:
        clip_norm: Limit of the Euclidean norm of all gradients together; 0 sets none.
        clip_value: Limit of the absolute value of every number; 0 sets none.

    Raises:
        InputError: If a limit is negative, or both are given.
    """
    if min(clip_norm, clip_value) < 0 or (clip_norm and clip_value):
        raise InputError(
            f"clip_norm={clip_norm}, clip_value={clip_value}: expected one positive limit at most"
        )
    if clip_norm:
        return paddle.nn.ClipGradByGlobalNorm(clip_norm)
    return paddle.nn.ClipGradByValue(clip_value) if clip_value else None


def adam(
    model: paddle.nn.Layer,
    *,
    grad_clip: paddle.nn.ClipGradBase | None = None,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
    weight_decay: float = 0.0,
) -> paddle.optimizer.Adam:
    """Returns Adam over the model's parameters that train; the trainer sets its learning rate at every step.

    Args:
        model: Network to train.
        grad_clip: Limit of the gradients, see `gradient_clip`.
        beta1: Decay of the mean of gradients.
        beta2: Decay of the mean of squared gradients.
        epsilon: Number that is added to the denominator.
        weight_decay: Factor of the weights that is added to their gradients; 0 adds nothing.
    """
    return paddle.optimizer.Adam(
        learning_rate=0.0,
        beta1=beta1,
        beta2=beta2,
        epsilon=epsilon,
        parameters=trained_parameters(model),
        weight_decay=weight_decay or None,
        grad_clip=grad_clip,
    )


def adamw(
    model: paddle.nn.Layer,
    *,
    grad_clip: paddle.nn.ClipGradBase | None = None,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
    weight_decay: float = 0.01,
    decay_norms_and_biases: bool = True,
) -> paddle.optimizer.AdamW:
    """Returns Adam with decoupled weight decay, likewise.

    Args:
        model: Network to train.
        grad_clip: Limit of the gradients, see `gradient_clip`.
        beta1: Decay of the mean of gradients.
        beta2: Decay of the mean of squared gradients.
        epsilon: Number that is added to the denominator.
        weight_decay: Share of a parameter that is subtracted per step, times the learning rate.
        decay_norms_and_biases: Whether parameters of normalisations and biases decay too.
    """
    spared = set() if decay_norms_and_biases else norms_and_biases(model)
    return paddle.optimizer.AdamW(
        learning_rate=0.0,
        beta1=beta1,
        beta2=beta2,
        epsilon=epsilon,
        parameters=trained_parameters(model),
        weight_decay=weight_decay,
        apply_decay_param_fun=lambda name: name not in spared,
        grad_clip=grad_clip,
    )


def rmsprop(
    model: paddle.nn.Layer,
    *,
    grad_clip: paddle.nn.ClipGradBase | None = None,
    rho: float = 0.95,
    epsilon: float = 1e-6,
    momentum: float = 0.0,
    weight_decay: float = 0.0,
) -> paddle.optimizer.RMSProp:
    """Returns RMSProp, likewise.

    Args:
        model: Network to train.
        grad_clip: Limit of the gradients, see `gradient_clip`.
        rho: Decay of the mean of squared gradients.
        epsilon: Number that is added to that mean, under the root.
        momentum: Factor of the previous step.
        weight_decay: Factor of the weights that is added to their gradients; 0 adds nothing.
    """
    return paddle.optimizer.RMSProp(
        learning_rate=0.0,
        rho=rho,
        epsilon=epsilon,
        momentum=momentum,
        parameters=trained_parameters(model),
        weight_decay=weight_decay or None,
        grad_clip=grad_clip,
    )


def trained_parameters(model: paddle.nn.Layer) -> list[paddle.Tensor]:
    """Returns the parameters of a model that are not frozen, in the model's order."""
    return [parameter for parameter in model.parameters() if not parameter.stop_gradient]


def norms_and_biases(model: paddle.nn.Layer) -> set[str]:
    """Returns Paddle's names of the parameters of normalisation layers, and of all biases.

    Source: mmengine's `DefaultOptimWrapperConstructor` with `norm_decay_mult=0` and `bias_decay_mult=0`.

    Example:
        >>> model = paddle.nn.Sequential(paddle.nn.Linear(2, 2), paddle.nn.LayerNorm(2))
        >>> {model[0].bias.name, model[1].weight.name, model[1].bias.name} == norms_and_biases(model)
        True
    """
    found = set()
    for layer in model.sublayers(include_self=True):
        for name, parameter in layer.named_parameters(include_sublayers=False):
            if isinstance(layer, _NORMS) or name == "bias":
                found.add(parameter.name)
    return found
