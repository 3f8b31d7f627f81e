"""Detection of steps with NaN or infinite values, which must not change the network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import paddle

from paddle_pose.training.flat import flat
from paddle_pose.training.process_group import ProcessGroup


@dataclass(frozen=True)
class StepHealth:
    """Loss and gradient of a training step, and whether the step may be applied.

    Attributes:
        loss: Value of the loss that is minimised.
        gradient: Euclidean norm of the gradients of all parameters.
        finite: Whether loss, gradients and running statistics are finite, so that the optimizer may
            take the step.
        terms: Values of the loss's terms by name.
    """

    loss: float
    gradient: float
    finite: bool
    terms: Mapping[str, float] = field(default_factory=dict)


def non_finite(files: Mapping[str, Mapping[str, np.ndarray]]) -> str | None:
    """Returns the name of the first tensor with a NaN or infinite value; None if all are finite.

    Finite gradients are not sufficient: the optimizer's moments may overflow, which is only visible
    in the moments and in the weights after the step.

    Args:
        files: Arrays of a checkpoint: {file name: {tensor name: array}}.

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
    """Checks each training step for non-finite values before the optimizer is called.

    Call `check` after the backward pass. If its result is not finite, do not call the optimizer but
    `undo`, and clear the gradients: weights and moments are then unchanged, and `undo` restores the
    running statistics of batch normalisations, which the forward pass has updated already. Loss,
    terms, gradients and running statistics are checked with one transfer from the device.

    Args:
        model: Network that is trained; its running statistics must be finite.
        process_group: Processes that train together and must come to the same result; None for this
            process alone.
    """

    def __init__(self, model: paddle.nn.Layer, process_group: ProcessGroup | None = None) -> None:
        self._process_group = process_group or ProcessGroup()
        self._parameters = [
            parameter for parameter in model.parameters() if not parameter.stop_gradient
        ]
        names = ("_mean", "_variance")  # Paddle's names in every batch normalisation
        self._statistics = [
            tensor
            for name, tensor in model.state_dict().items()
            if name.rpartition(".")[2] in names
        ]
        self._last_finite = self._flat_statistics()

    def check(
        self, loss: paddle.Tensor, terms: Mapping[str, paddle.Tensor] | None = None
    ) -> StepHealth:
        """Returns loss and gradient norm of a step, averaged over all processes.

        Call it after the backward pass, with unscaled gradients (see `Precision.unscale`). If all
        values are finite, the running statistics are remembered for `undo`.

        Args:
            loss: Scalar that is minimised.
            terms: Scalars by name whose sum is the loss; None if they are not reported.
        """
        terms = terms or {}
        with paddle.no_grad():
            gradients = [
                gradient
                for parameter in self._parameters
                if (gradient := parameter.grad) is not None
            ]
            # Paddle's norm adds up a vector in order on a CPU: it is slow, and 4 % too small for 34
            # million values.
            norm = flat(gradients).square().sum().sqrt() if gradients else paddle.zeros([])
            statistics = self._flat_statistics()
            scalars = [value.astype("float32") for value in (loss, *terms.values())]
            values = self._process_group.mean(
                paddle.stack([norm, statistics.sum(), *scalars])
            ).numpy()
        finite = bool(np.isfinite(values).all())
        if finite:
            self._last_finite = statistics
        gradient_norm, _, total, *parts = values.tolist()
        return StepHealth(
            loss=total,
            gradient=gradient_norm,
            finite=finite,
            terms=dict(zip(terms, parts, strict=True)),
        )

    def undo(self) -> None:
        """Restores the running means and variances of batch normalisations after a bad step.

        They get their values after the last finite step, or at the creation of the guard if there
        was none. Gradients and the loss scale are not touched.
        """
        start = 1
        for tensor in self._statistics:
            values = self._last_finite[start : start + tensor.size]
            tensor.set_value(values.reshape(tensor.shape))
            start += tensor.size

    def _flat_statistics(self) -> paddle.Tensor:
        """Returns a 0 (so that the result is not empty) and all running statistics as a vector."""
        with paddle.no_grad():
            return flat([paddle.zeros([1]), *self._statistics])
