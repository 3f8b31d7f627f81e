"""Training loss on SimCC vectors.

Source: Jiang et al., RTMPose, 2023; MMPose 1.3.2 (`KLDiscretLoss` and the PCK in its log).
Checked against: loss values and six training steps of MMPose 1.3.2
    (tests/parity/test_rtmpose_parity.py).
"""

from collections.abc import Mapping

import paddle
import paddle.nn.functional as F
from paddle import Tensor

from paddle_pose.errors import InputError

_NAMES = ("simcc_x", "simcc_y")


class SimCCLoss:
    """Kullback-Leibler divergence between predicted and target distributions over SimCC's bins.

    A bin is 1 / `split_ratio` of an input px, see `codecs.simcc.SimCCCodec`.

    Both vectors are multiplied by `beta` and turned into distributions by softmax. The divergence
    is averaged over the bins, multiplied by the joint's weight, summed over samples, joints and the
    two axes, and divided by the number of joints, but not by the batch size: as published, the loss
    grows with the batch.

    Args:
        beta: Factor of predictions and targets before the softmax.

    Example:
        >>> maps = {name: paddle.eye(4).unsqueeze(0) for name in ("simcc_x", "simcc_y")}
        >>> targets = {**maps, "weights": paddle.ones([1, 4])}
        >>> round(SimCCLoss()(maps, targets)["simcc_loss"].item(), 6)
        0.0
    """

    def __init__(self, beta: float = 10.0) -> None:
        self.beta = beta
        self.measures = {"acc_pose": simcc_accuracy}

    def __call__(
        self, outputs: Mapping[str, Tensor], targets: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """Returns {"simcc_loss": float32 scalar}.

        Args:
            outputs: Predictions, {"simcc_x": [N, K, bins of x], "simcc_y": [N, K, bins of y]}.
            targets: Targets of the same shapes, and "weights" [N, K].

        Raises:
            InputError: If the shapes do not match.
        """
        _check_shapes(outputs, targets)
        weights = targets["weights"].astype("float32")
        total = paddle.zeros([])
        for name in _NAMES:
            predicted = F.log_softmax(outputs[name].astype("float32") * self.beta, axis=-1)
            expected = targets[name].astype("float32") * self.beta
            log_expected = F.log_softmax(expected, axis=-1)
            divergence = log_expected.exp() * (log_expected - predicted)  # N, K, bins
            total = total + (divergence.mean(axis=-1) * weights).sum()
        return {"simcc_loss": total / weights.shape[1]}


def simcc_accuracy(outputs: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Tensor:
    """Returns the accuracy in a training batch that training logs call `acc_pose`; it is not PCK.

    A joint with a positive weight is correct if its highest bins are less than 0.05 of the input's
    sides away from those of the target, as a Euclidean distance. The share of correct joints is
    computed per joint, then averaged over the joints that have a label in the batch.

    Args:
        outputs: Predictions, {"simcc_x": [N, K, bins of x], "simcc_y": [N, K, bins of y]}.
        targets: Targets of the same names and shapes, and "weights" [N, K]; 0 is not labelled.

    Returns:
        Scalar 0..1; 0 if no joint is labelled.

    Raises:
        InputError: If the shapes do not match.
    """
    _check_shapes(outputs, targets)
    with paddle.no_grad():
        steps = [
            (outputs[name].argmax(axis=-1) - targets[name].argmax(axis=-1)).astype("float32")
            / outputs[name].shape[-1]
            for name in _NAMES
        ]
        distance = paddle.stack(steps, axis=-1).norm(axis=-1)  # N, K
        labelled = (targets["weights"] > 0).astype("float32")
        hits = ((distance < 0.05).astype("float32") * labelled).sum(axis=0)  # K
        labels = labelled.sum(axis=0)  # K
        shares = hits / labels.clip(min=1.0)
        return shares.sum() / (labels > 0).astype("float32").sum().clip(min=1.0)


def _check_shapes(outputs: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> None:
    """Raises InputError if predictions and targets do not have the same shapes."""
    for name in _NAMES:
        if outputs[name].shape != targets[name].shape:
            raise InputError(
                f"{name} has shape {outputs[name].shape}, its target {targets[name].shape}"
            )
    if targets["weights"].shape != outputs["simcc_x"].shape[:2]:
        raise InputError(
            f"the weights have shape {targets['weights'].shape}; expected "
            f"{outputs['simcc_x'].shape[:2]}, one for each joint"
        )
