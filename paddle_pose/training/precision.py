"""Mixed precision training. All code that depends on the precision is in this file.

Source: Micikevicius et al., Mixed Precision Training, ICLR 2018 (float32 master weights, loss
    scaling); growth and backoff of the scale are the defaults of `paddle.amp.GradScaler`.
Differs: the scale is stored as plain numbers, so that checkpoints contain it and tests need no GPU.
    The code for GPUs follows Paddle's documented API; this project has not measured it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Literal

import paddle

from paddle_pose.environment import argument
from paddle_pose.errors import InputError
from paddle_pose.models.layers import Normalize


@dataclass
class LossScale:
    """Factor of the loss that prevents float16 gradients from underflowing to zero.

    It is halved when gradients overflow, and doubled after enough steps without overflow.

    Attributes:
        value: Current factor.
        good: Number of steps without overflow since the factor last changed.
        grow_every: Number of steps without overflow after which the factor is doubled.

    Example:
        >>> scale = LossScale(8.0, grow_every=2)
        >>> [scale.update(finite) or scale.value for finite in (False, True, True, True)]
        [4.0, 4.0, 8.0, 8.0]
    """

    value: float = 65536.0
    good: int = 0
    grow_every: int = 2000

    def update(self, finite: bool) -> None:
        """Adapts the factor after a step.

        Args:
            finite: Whether the gradients of the step were finite.
        """
        self.good = self.good + 1 if finite else 0
        if not finite:
            self.value = max(self.value / 2, 1.0)
        elif self.good == self.grow_every:
            self.value *= 2
            self.good = 0


class Precision:
    """Runs a network in float32 or with Paddle's automatic mixed precision.

    Args:
        level: Level of `paddle.amp`: "O0" computes in float32, "O1" casts the inputs of listed
            operators, "O2" casts the whole network.
        dtype: Half-precision type of levels "O1" and "O2".

    Attributes:
        scale: Loss scale; None unless the type is float16.

    Raises:
        InputError: If half precision is requested on a device on which Paddle would ignore it.
    """

    def __init__(
        self,
        level: Literal["O0", "O1", "O2"] = "O0",
        dtype: Literal["float16", "bfloat16"] = "float16",
    ) -> None:
        if level != "O0" and not paddle.get_device().startswith("gpu"):
            raise InputError(
                f"{argument('--amp', 'train.amp')} {level} needs a GPU: on {paddle.get_device()}"
                " Paddle ignores it and computes in float32; remove it"
            )
        self._level = level
        self._dtype = dtype
        self.scale = LossScale() if level != "O0" and dtype == "float16" else None

    def prepare(
        self, model: paddle.nn.Layer, optimizer: paddle.optimizer.Optimizer
    ) -> tuple[paddle.nn.Layer, paddle.optimizer.Optimizer]:
        """Returns model and optimizer as they are to be used for training.

        At level "O2" the weights are in half precision, with float32 master copies in the
        optimizer; images are still normalised in float32, as half precision would round the
        factors. At other levels both are returned unchanged.

        Args:
            model: Network to train.
            optimizer: Optimizer of its parameters.
        """
        if self._level != "O2":
            return model, optimizer
        return paddle.amp.decorate(
            model,
            optimizer,
            level="O2",
            dtype=self._dtype,
            master_weight=True,
            master_grad=True,
            excluded_layers=[Normalize],
        )

    def run(self, model: paddle.nn.Layer, image: paddle.Tensor) -> Mapping[str, paddle.Tensor]:
        """Returns the maps of a network by name, as float32 at every level.

        Evaluations need it as well as training: Paddle refuses half-precision weights and float32
        images outside of `auto_cast`.

        Args:
            model: Network to run.
            image: Batch of images, uint8 [N, H, W, 3].
        """
        if self._level == "O0":
            return model(image)
        with paddle.amp.auto_cast(level=self._level, dtype=self._dtype):
            outputs = model(image)
        return {name: maps.astype("float32") for name, maps in outputs.items()}

    def backward(self, loss: paddle.Tensor) -> None:
        """Adds the gradients of a loss, times the loss scale, to those of the parameters.

        Call `unscale` after the last `backward` of a step, and `update` at its end.

        Args:
            loss: Scalar.
        """
        (loss if self.scale is None else loss * self.scale.value).backward()

    def unscale(self, parameters: Iterable[paddle.Tensor]) -> None:
        """Divides the gradients of parameters by the loss scale; without one, nothing changes."""
        if self.scale is not None:
            with paddle.no_grad():
                for parameter in parameters:
                    if parameter.grad is not None:
                        parameter.grad.scale_(1 / self.scale.value)

    def update(self, finite: bool) -> None:
        """Adapts the loss scale after a step whose gradients were finite or not."""
        if self.scale is not None:
            self.scale.update(finite)

    def state(self) -> dict[str, float]:
        """Returns the loss scale for a checkpoint, in JSON's types; empty without a scale."""
        return asdict(self.scale) if self.scale is not None else {}

    def load(self, state: Mapping[str, float]) -> None:
        """Restores the loss scale from the values that `state` returned."""
        if self.scale is not None and state:
            self.scale = LossScale(state["value"], int(state["good"]), int(state["grow_every"]))


def full_precision(
    model: paddle.nn.Layer, optimizer: paddle.optimizer.Optimizer
) -> dict[str, paddle.Tensor]:
    """Returns the tensors of a network by name, each in the highest precision available.

    Training changes the returned tensors in place; they are not copies.

    Args:
        model: Network, possibly with half-precision weights.
        optimizer: Optimizer with the float32 master copies of those weights, which are returned in
            their place.
    """
    masters = optimizer.state_dict().get("master_weights", {})
    return {name: masters.get(tensor.name, tensor) for name, tensor in model.state_dict().items()}


def float32(
    model: paddle.nn.Layer, optimizer: paddle.optimizer.Optimizer
) -> dict[str, paddle.Tensor]:
    """Returns the state of a network by name, as float32; see `full_precision`.

    Args:
        model: Network, possibly with half-precision weights.
        optimizer: Optimizer with the float32 master copies of those weights.
    """
    half = (paddle.float16, paddle.bfloat16)
    return {
        name: tensor.astype("float32") if tensor.dtype in half else tensor
        for name, tensor in full_precision(model, optimizer).items()
    }
