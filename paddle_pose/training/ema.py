"""Exponential moving average of the weights, which is evaluated in addition to the weights.

Source: Polyak & Juditsky, SIAM J. Control Optim. 30(4), 1992; the increasing decay is that of
    TensorFlow's `ExponentialMovingAverage(num_updates=...)`: min(decay, (1 + n) / (10 + n)) at the
    n-th update. With `gamma`, it is that of mmdetection's `ExpMomentumEMA`, which RTMPose uses:
    decay * (1 - exp(-n / gamma)).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import paddle

from paddle_pose.errors import InputError
from paddle_pose.training.flat import flat

Tensors = Callable[[], Mapping[str, paddle.Tensor]]


class Ema:
    """Average of all floating-point tensors of a network's state: weights and running statistics.

    The average starts with the values of the tensors when the object is created.

    Args:
        tensors: Function that returns the network's own tensors by name, such as
            `precision.full_precision`; optimizer and forward pass must change them in place. It is
            called here, and again at the first update after it and after each `load`.
        decay: Factor of the old average in an update; smaller in the first updates, see the module.
        gamma: Number of updates after which the decay has risen to 63 % of `decay`; 0 for
            TensorFlow's rule, see the module.

    Attributes:
        updates: Number of updates so far.
        values: Values of all averaged tensors, flattened, one after another, [n] float32.

    Raises:
        InputError: If the decay is not between 0 and 1.
    """

    def __init__(self, tensors: Tensors, decay: float, gamma: int = 0) -> None:
        if not 0 < decay < 1:
            raise InputError(f"ema={decay}: expected a decay between 0 and 1, such as 0.999")
        self._tensors = tensors
        self._decay = decay
        self._gamma = gamma
        self.updates = 0
        current = {name: tensor for name, tensor in tensors().items() if tensor.is_floating_point()}
        self._shapes = {name: tuple(tensor.shape) for name, tensor in current.items()}
        with paddle.no_grad():
            self.values = flat(current.values())
        self._current: list[paddle.Tensor] = []

    def update(self) -> None:
        """Updates the average with the current tensors of the network; call it after each step."""
        self.updates += 1
        if self._gamma:
            share = 1 - self._decay * (1 - math.exp(-self.updates / self._gamma))
        else:
            share = 1 - min(self._decay, (1 + self.updates) / (10 + self.updates))
        if not self._current:  # not earlier: the optimizer makes float32 copies in its first step
            current = self._tensors()
            self._current = [current[name] for name in self._shapes]
        with paddle.no_grad():
            self.values.scale_(1 - share)
            self.values.add_(flat(self._current).scale_(share))

    @property
    def average(self) -> Mapping[str, paddle.Tensor]:
        """Averaged tensors by name, until the next update."""
        sizes = [math.prod(shape) for shape in self._shapes.values()]
        parts = paddle.split(self.values, sizes)
        return {
            name: part.reshape(shape)
            for (name, shape), part in zip(self._shapes.items(), parts, strict=True)
        }

    def load(self, arrays: Mapping[str, np.ndarray], updates: int) -> None:
        """Restores the average from a checkpoint.

        Args:
            arrays: Averaged tensors by name, as `average` had them.
            updates: Number of updates of the average, as the attribute `updates` had it.

        Raises:
            InputError: If names or shapes differ from those of this network's tensors.
        """
        if {name: array.shape for name, array in arrays.items()} != self._shapes:
            raise InputError("the averaged weights in ema.pdparams are not those of this network")
        with paddle.no_grad():
            self.values = flat(paddle.to_tensor(arrays[name]) for name in self._shapes)
        self.updates = updates
        self._current = []

    @contextmanager
    def in_place_of(self, model: paddle.nn.Layer) -> Iterator[None]:
        """Returns a context in which a network has the averaged values instead of its own.

        Args:
            model: Network whose tensors are averaged; its own values are restored at the end.
        """
        state = model.state_dict()
        own = {name: state[name].clone() for name in self._shapes}
        try:
            for name, tensor in self.average.items():
                state[name].set_value(tensor.astype(state[name].dtype))
            yield
        finally:
            for name, tensor in own.items():
                state[name].set_value(tensor)
