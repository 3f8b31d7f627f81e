"""The optimizer, and the learning rate as a function of the step.

Source: mmpose 0.x `hourglass52_mpii_*` (Adam without weight decay, linear warm-up, two drops).
Differs: the original Paddle project wraps its schedule in `LinearWarmup`, which starts to count when the warm-up ends, so that
    its drops came 500 iterations late; here a milestone is counted from the start of training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import paddle


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
        if step < self.warmup:
            done = step / self.warmup
            rate *= self.warmup_start + (1 - self.warmup_start) * done
        return rate


def adam(model: paddle.nn.Layer) -> paddle.optimizer.Adam:
    """Returns Adam over the model's parameters; the trainer sets its learning rate at every step."""
    return paddle.optimizer.Adam(learning_rate=0.0, parameters=model.parameters())
