"""Keeps numbers that are no numbers out of a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import paddle

from paddle_pose.training.process_group import ProcessGroup


@dataclass(frozen=True)
class StepHealth:
    """What a step's numbers are.

    Attributes:
        loss: that was minimised.
        gradient: Euclidean norm over all parameters.
        finite: whether the step may be taken.
        terms: Values of the loss's terms by name.
    """

    loss: float
    gradient: float
    finite: bool
    terms: Mapping[str, float] = field(default_factory=dict)


def non_finite(files: Mapping[str, Mapping[str, np.ndarray]]) -> str | None:
    """Returns the name of the first tensor that holds a number that is not finite; None where there is none.

    A good gradient does not make a good step: the optimizer's own numbers may overflow, which only the weights show.

    Args:
        files: the tensors of a checkpoint by file.

    Example:
        >>> non_finite({"model.pdparams": {"weight": np.ones(2), "bias": np.array([0.0, np.nan])}})
        'bias of model.pdparams'
    """
    for file, arrays in files.items():
        for name, array in arrays.items():
            if not np.isfinite(array).all():
                return f"{name} of {file}"
    return None


class NonFiniteGuard:
    """Looks at every step between backward and the optimizer, and takes a bad forward back.

    Loss, its terms, gradient and running statistics are looked at in one transfer from the device. Weights and moments are
    safe since the optimizer is not called; batch normalisation has already put the bad batch into its running statistics, so
    they are kept in one flat copy.
    """

    def __init__(self, model: paddle.nn.Layer, process_group: ProcessGroup | None = None) -> None:
        """Takes a network whose numbers are good, and the processes that have to judge alike."""
        self._process_group = process_group or ProcessGroup()
        self._parameters = list(model.parameters())
        names = ("_mean", "_variance")  # as Paddle calls them in every batch normalisation
        self._statistics = [
            t for name, t in model.state_dict().items() if name.rpartition(".")[2] in names
        ]
        self._good = self._flat()

    def check(
        self, loss: paddle.Tensor, terms: Mapping[str, paddle.Tensor] | None = None
    ) -> StepHealth:
        """Looks at a step after backward.

        Args:
            loss: scalar.
            terms: Scalars by name that the loss is the sum of.
        """
        terms = terms or {}
        with paddle.no_grad():
            squares = [
                parameter.grad.astype("float32").square().sum()
                for parameter in self._parameters
                if parameter.grad is not None
            ]
            gradient = paddle.add_n(squares).sqrt() if squares else paddle.zeros([])
            after = self._flat()
            scalars = [value.astype("float32") for value in (loss, *terms.values())]
            values = self._process_group.mean(
                paddle.stack([gradient, after.sum(), *scalars])
            ).numpy()
        finite = bool(np.isfinite(values).all())
        if finite:
            self._good = after
        gradient_norm, _, total, *parts = values.tolist()
        return StepHealth(total, gradient_norm, finite, dict(zip(terms, parts, strict=True)))

    def undo(self) -> None:
        """Gives the running statistics the values they had before the last forward."""
        start = 1
        for tensor in self._statistics:
            tensor.set_value(self._good[start : start + tensor.size].reshape(tensor.shape))
            start += tensor.size

    def _flat(self) -> paddle.Tensor:
        with paddle.no_grad():
            return paddle.concat(
                [paddle.zeros([1]), *(tensor.reshape([-1]) for tensor in self._statistics)]
            )
