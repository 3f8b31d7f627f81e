"""Optimizers and learning rate schedules, which the specs in `configs.specs` configure.

Source: mmpose 0.x `hourglass52_mpii_*` (Adam without weight decay, linear warm-up, two milestones).
Differs: txyugood's Paddle project wraps its schedule in `LinearWarmup`, which counts from the end
    of the warm-up, so that its milestones are 500 iterations late; here milestones are counted from
    the start of the training.
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
    """Learning rate that is multiplied by a factor at every milestone, after a linear warm-up.

    Attributes:
        base: Learning rate after the warm-up.
        milestones: Steps at which the rate is multiplied by `gamma`, counted from the start of the
            training.
        gamma: Factor of the rate at every milestone.
        warmup: Number of warm-up steps.
        warmup_start: Factor of the rate at step 0.

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
    """Learning rate with a linear warm-up that decreases along half a cosine.

    Source: Loshchilov & Hutter, SGDR, ICLR 2017, one cycle; RTMPose's recipe for a constant part
    before the cosine, which ends at 5 %.

    Attributes:
        base: Learning rate before the cosine, without the factor of the warm-up.
        total: Number of steps of the training.
        warmup: Number of warm-up steps, which are part of `total`.
        warmup_start: Factor of the rate at step 0.
        flat: Fraction of `total` after which the cosine begins.
        end: Factor of the rate from step `total` on.

    Example:
        >>> schedule = CosineSchedule(1.0, total=100)
        >>> [round(schedule(step), 3) for step in (0, 25, 50, 99)]
        [1.0, 0.854, 0.5, 0.0]
        >>> schedule = CosineSchedule(1.0, total=100, flat=0.5, end=0.05)
        >>> [round(schedule(step), 3) for step in (0, 50, 75, 100, 101)]
        [1.0, 1.0, 0.525, 0.05, 0.05]
    """

    base: float
    total: int
    warmup: int = 0
    warmup_start: float = 0.001
    flat: float = 0.0
    end: float = 0.0

    def __call__(self, step: int) -> float:
        """Returns the learning rate of a 0-based step."""
        begin = self.flat * self.total
        share = min(max(step - begin, 0.0) / max(self.total - begin, 1.0), 1.0)
        factor = self.end + (1 - self.end) * (1 + cos(pi * share)) / 2
        return self.base * factor * warmup_factor(step, self.warmup, self.warmup_start)


def warmup_factor(step: int, warmup: int, start: float) -> float:
    """Returns the factor of the learning rate in a linear warm-up.

    Args:
        step: 0-based step.
        warmup: Number of warm-up steps; the factor is 1 from this step on.
        start: Factor at step 0.
    """
    return 1.0 if step >= warmup else start + (1 - start) * step / warmup


def gradient_clip(clip_norm: float = 0.0, clip_value: float = 0.0) -> paddle.nn.ClipGradBase | None:
    """Returns the gradient clipping of an optimizer; None if both limits are 0.

    Args:
        clip_norm: Maximum Euclidean norm of all gradients together; 0 for no limit.
        clip_value: Maximum absolute value of every element of the gradients; 0 for no limit.

    Raises:
        InputError: If a limit is negative, or both are given.
    """
    if min(clip_norm, clip_value) < 0 or (clip_norm and clip_value):
        raise InputError(
            f"clip_norm={clip_norm}, clip_value={clip_value}: expected at most one positive limit"
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
    """Returns an Adam optimizer for the trainable parameters of a model.

    Its learning rate is 0; the trainer sets it before every step.

    Args:
        model: Network to train.
        grad_clip: Gradient clipping, see `gradient_clip`; None for no clipping.
        beta1: Decay of the mean of the gradients.
        beta2: Decay of the mean of the squared gradients.
        epsilon: Number added to the denominator.
        weight_decay: L2 regularisation: `weight_decay * weight` is added to every gradient; 0 adds
            nothing.
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
    """Returns an AdamW optimizer (decoupled weight decay) for the trainable parameters of a model.

    Its learning rate is 0; the trainer sets it before every step.

    Args:
        model: Network to train.
        grad_clip: Gradient clipping, see `gradient_clip`; None for no clipping.
        beta1: Decay of the mean of the gradients.
        beta2: Decay of the mean of the squared gradients.
        epsilon: Number added to the denominator.
        weight_decay: Decoupled weight decay: `learning_rate * weight_decay * weight` is subtracted
            in every step.
        decay_norms_and_biases: Whether weight decay applies to the parameters of normalisation
            layers and to biases.
    """
    not_decayed = set() if decay_norms_and_biases else norms_and_biases(model)
    return paddle.optimizer.AdamW(
        learning_rate=0.0,
        beta1=beta1,
        beta2=beta2,
        epsilon=epsilon,
        parameters=trained_parameters(model),
        weight_decay=weight_decay,
        apply_decay_param_fun=lambda name: name not in not_decayed,
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
    """Returns an RMSProp optimizer for the trainable parameters of a model.

    Its learning rate is 0; the trainer sets it before every step.

    Args:
        model: Network to train.
        grad_clip: Gradient clipping, see `gradient_clip`; None for no clipping.
        rho: Decay of the mean of the squared gradients.
        epsilon: Number added to that mean under the square root.
        momentum: Factor of the previous update that is added to the current one.
        weight_decay: L2 regularisation: `weight_decay * weight` is added to every gradient; 0 adds
            nothing.
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
    """Returns the trainable parameters of a model, in the model's order."""
    return [parameter for parameter in model.parameters() if not parameter.stop_gradient]


def norms_and_biases(model: paddle.nn.Layer) -> set[str]:
    """Returns Paddle's names (`parameter.name`) of all normalisation parameters and all biases.

    Source: mmengine's `DefaultOptimWrapperConstructor` with `norm_decay_mult=0` and
        `bias_decay_mult=0`.

    Example:
        >>> model = paddle.nn.Sequential(paddle.nn.Linear(2, 2), paddle.nn.LayerNorm(2))
        >>> expected = {model[0].bias.name, model[1].weight.name, model[1].bias.name}
        >>> norms_and_biases(model) == expected
        True
    """
    names = set()
    for layer in model.sublayers(include_self=True):
        for name, parameter in layer.named_parameters(include_sublayers=False):
            if isinstance(layer, _NORMS) or name == "bias":
                names.add(parameter.name)
    return names
