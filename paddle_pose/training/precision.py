"""Computing in half precision: the only file that knows about it.

Source: Micikevicius et al., Mixed Precision Training, ICLR 2018 (float32 master weights, loss scaling); the growth and
    backoff of the scale are the defaults of `paddle.amp.GradScaler`.
Differs: the scale is kept here as plain numbers, so that a checkpoint holds it and tests reach it without a GPU. The GPU path
    follows Paddle's documented API; it has not been measured by this project.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Literal

import paddle

from paddle_pose.environment import argument
from paddle_pose.errors import InputError


@dataclass
class LossScale:
    """The factor that keeps float16 gradients above zero: halved when they overflow, doubled when they never do.

    Attributes:
        value: the factor.
        good: steps without overflow since it last changed.
        grow_every: so many of them double it.

    Example:
        >>> scale = LossScale(8.0, grow_every=2)
        >>> [scale.update(finite) or scale.value for finite in (False, True, True, True)]
        [4.0, 4.0, 8.0, 8.0]
    """

    value: float = 65536.0
    good: int = 0
    grow_every: int = 2000

    def update(self, finite: bool) -> None:
        """Takes in whether a step's gradients were finite."""
        self.good = self.good + 1 if finite else 0
        if not finite:
            self.value = max(self.value / 2, 1.0)
        elif self.good == self.grow_every:
            self.value, self.good = self.value * 2, 0


class Precision:
    """How a network is run, scaled and saved: in float32, or by Paddle's automatic mixed precision."""

    def __init__(
        self,
        level: Literal["O0", "O1", "O2"] = "O0",
        dtype: Literal["float16", "bfloat16"] = "float16",
    ) -> None:
        """Takes a level of `paddle.amp`: O0 is float32, O1 casts listed operators, O2 the network.

        Raises:
            InputError: If half precision is asked for where Paddle would ignore it.
        """
        if level != "O0" and not paddle.get_device().startswith("gpu"):
            raise InputError(
                f"{argument('--amp', 'train.amp')} {level} needs a GPU: on {paddle.get_device()} Paddle ignores it and "
                "computes in float32; leave it out"
            )
        self._level, self._dtype = level, dtype
        self.scale = LossScale() if level != "O0" and dtype == "float16" else None

    def prepare(
        self, model: paddle.nn.Layer, optimizer: paddle.optimizer.Optimizer
    ) -> tuple[paddle.nn.Layer, paddle.optimizer.Optimizer]:
        """Returns both ready to train: at O2 with half-precision weights and float32 masters."""
        if self._level != "O2":
            return model, optimizer
        return paddle.amp.decorate(
            model, optimizer, level="O2", dtype=self._dtype, master_weight=True, master_grad=True
        )

    def run(self, model: paddle.nn.Layer, image: paddle.Tensor) -> Mapping[str, paddle.Tensor]:
        """Returns a network's maps, in float32 whatever it computed in."""
        if self._level == "O0":
            return model(image)
        with paddle.amp.auto_cast(level=self._level, dtype=self._dtype):
            outputs = model(image)
        return {name: maps.astype("float32") for name, maps in outputs.items()}

    def backward(self, loss: paddle.Tensor) -> None:
        """Computes the gradients, scaled where the scale is in use."""
        (loss if self.scale is None else loss * self.scale.value).backward()

    def unscale(self, parameters: Iterable[paddle.Tensor]) -> None:
        """Divides the gradients by what they were scaled with."""
        if self.scale is not None:
            with paddle.no_grad():
                for parameter in parameters:
                    if parameter.grad is not None:
                        parameter.grad.scale_(1 / self.scale.value)

    def update(self, finite: bool) -> None:
        """Adapts the scale after a step."""
        if self.scale is not None:
            self.scale.update(finite)

    def state(self) -> dict[str, float]:
        """Returns what a checkpoint keeps."""
        return asdict(self.scale) if self.scale is not None else {}

    def load(self, state: Mapping[str, float]) -> None:
        """Continues with the scale of a checkpoint."""
        if self.scale is not None and state:
            self.scale = LossScale(state["value"], int(state["good"]), int(state["grow_every"]))


def float32(
    model: paddle.nn.Layer, optimizer: paddle.optimizer.Optimizer
) -> dict[str, paddle.Tensor]:
    """Returns a network's state by name, half-precision weights as their float32 masters in the optimizer."""
    masters = optimizer.state_dict().get("master_weights", {})
    state = {name: masters.get(tensor.name, tensor) for name, tensor in model.state_dict().items()}
    half = (paddle.float16, paddle.bfloat16)
    return {
        name: tensor.astype("float32") if tensor.dtype in half else tensor
        for name, tensor in state.items()
    }
