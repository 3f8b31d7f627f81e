"""An exponential moving average of the weights, evaluated beside the weights themselves.

Source: Polyak & Juditsky, SIAM J. Control Optim. 30(4), 1992; the growing decay is TensorFlow's
    `ExponentialMovingAverage(num_updates=...)`: min(decay, (1 + n) / (10 + n)) at the n-th update.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import paddle

from paddle_pose.errors import InputError

Tensors = Callable[[], Mapping[str, paddle.Tensor]]


class Ema:
    """Averages whatever a network's state holds in floating point: weights and running statistics.

    Attributes:
        updates: how many steps have entered the average.
    """

    def __init__(self, tensors: Tensors, decay: float) -> None:
        """Starts with what is there.

        Args:
            tensors: the live float32 tensors by name.
            decay: share of the old average at a step, reached gradually.

        Raises:
            InputError: If the decay is not between 0 and 1.
        """
        if not 0 < decay < 1:
            raise InputError(f"ema={decay}: expected a decay between 0 and 1, such as 0.999")
        self._tensors, self._decay, self.updates = tensors, decay, 0
        self._average = {
            n: tensor.detach().clone()
            for n, tensor in tensors().items()
            if tensor.is_floating_point()
        }

    def update(self) -> None:
        """Takes the live tensors in."""
        self.updates += 1
        share = 1 - min(self._decay, (1 + self.updates) / (10 + self.updates))
        with paddle.no_grad():
            live = self._tensors()
            for name, average in self._average.items():
                average.lerp_(live[name], share)

    @property
    def average(self) -> Mapping[str, paddle.Tensor]:
        """Returns the averages by name."""
        return self._average

    def load(self, arrays: Mapping[str, np.ndarray], updates: int) -> None:
        """Continues with the averages of a checkpoint.

        Raises:
            InputError: If they are of another network.
        """
        if arrays.keys() != self._average.keys():
            raise InputError("the averaged weights in ema.pdparams are not those of this network")
        for name, array in arrays.items():
            self._average[name].set_value(array)
        self.updates = updates

    @contextmanager
    def in_place_of(self, model: paddle.nn.Layer) -> Iterator[None]:
        """Lets a network look with the averages, and gives it back its own values afterwards."""
        state = model.state_dict()
        own = {name: state[name].clone() for name in self._average}
        try:
            for name, tensor in self._average.items():
                state[name].set_value(tensor.astype(state[name].dtype))
            yield
        finally:
            for name, tensor in own.items():
                state[name].set_value(tensor)
