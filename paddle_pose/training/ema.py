"""Exponential moving average of the weights, which is evaluated in addition to the weights.

Source: Polyak & Juditsky, SIAM J. Control Optim. 30(4), 1992; the increasing decay is that of
    TensorFlow's `ExponentialMovingAverage(num_updates=...)`: min(decay, (1 + n) / (10 + n)) at the
    n-th update.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import paddle

from paddle_pose.errors import InputError

Tensors = Callable[[], Mapping[str, paddle.Tensor]]


class Ema:
    """Average of all floating-point tensors of a network's state: weights and running statistics.

    It starts with the values at the time of construction.

    Args:
        tensors: Function that returns the current float32 tensors of the network by name.
        decay: Factor of the old average in an update; smaller in the first updates, see the module.

    Attributes:
        updates: Number of updates so far.

    Raises:
        InputError: If the decay is not between 0 and 1.
    """

    def __init__(self, tensors: Tensors, decay: float) -> None:
        if not 0 < decay < 1:
            raise InputError(f"ema={decay}: expected a decay between 0 and 1, such as 0.999")
        self._tensors = tensors
        self._decay = decay
        self.updates = 0
        self._average = {
            name: tensor.detach().clone()
            for name, tensor in tensors().items()
            if tensor.is_floating_point()
        }

    def update(self) -> None:
        """Updates the average with the current tensors of the network."""
        self.updates += 1
        share = 1 - min(self._decay, (1 + self.updates) / (10 + self.updates))
        with paddle.no_grad():
            current = self._tensors()
            for name, average in self._average.items():
                average.lerp_(current[name], share)

    @property
    def average(self) -> Mapping[str, paddle.Tensor]:
        """Averaged tensors by name."""
        return self._average

    def load(self, arrays: Mapping[str, np.ndarray], updates: int) -> None:
        """Restores the average from a checkpoint.

        Args:
            arrays: Averaged tensors by name.
            updates: Number of updates that they contain.

        Raises:
            InputError: If the names are those of another network.
        """
        if arrays.keys() != self._average.keys():
            raise InputError("the averaged weights in ema.pdparams are not those of this network")
        for name, array in arrays.items():
            self._average[name].set_value(array)
        self.updates = updates

    @contextmanager
    def in_place_of(self, model: paddle.nn.Layer) -> Iterator[None]:
        """Returns a context in which a network has the averaged values instead of its own.

        Args:
            model: Network whose tensors are averaged; its own values are restored at the end.
        """
        state = model.state_dict()
        own = {name: state[name].clone() for name in self._average}
        try:
            for name, tensor in self._average.items():
                state[name].set_value(tensor.astype(state[name].dtype))
            yield
        finally:
            for name, tensor in own.items():
                state[name].set_value(tensor)
