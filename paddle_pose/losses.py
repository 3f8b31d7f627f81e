"""What training minimises: named terms computed from a network's maps and a codec's targets.

Source: Newell et al. 2016 (mean squared error of every stage); Xiao et al., Simple Baselines, ECCV
2018 (`JointsMSELoss`, `acc_pose`); MMPose (the normalisation).
Checked against: six training steps of a published network (tests/parity), and results worked out by
hand.
"""

from collections.abc import Mapping, Sequence

import paddle
from paddle import Tensor


class JointsMSELoss:
    """Mean squared difference between predicted and target heatmaps, summed over the stages.

    One stage costs `scale * mean over N, K, h, w of (weight * (predicted - target)) ** 2`: an
    unlabelled joint (weight 0) counts in the mean and moves nothing. A batch without any labelled
    joint costs 0; no gradient flows.

    For weights 0 and 1 the published losses differ in the scale only: it is 1 in MMPose and the
    original Paddle Hourglass, 0.5 in HRNet and SimpleBaseline. HRNet, SimpleBaseline and the
    original square other weights, as here; MMPose does not.

    Args:
        scale: Factor of the loss.
        squared_weights: Whether a weight counts as its square (True) or as it is (MMPose).
        joint_weights: K factors of the targets' weights, squared with them: 1.5 counts 2.25. Empty,
            as published, leaves all joints equal.

    Example:
        >>> outputs = {"heatmaps": paddle.to_tensor([[[[[1.0, 0.0]], [[5.0, 5.0]]]]])}
        >>> weights = paddle.to_tensor([[1.0, 0.0]])
        >>> targets = {"heatmaps": paddle.zeros([1, 2, 1, 2]), "weights": weights}
        >>> JointsMSELoss()(outputs, targets)["heatmap_loss"].item()
        0.25
    """

    def __init__(
        self,
        scale: float = 1.0,
        squared_weights: bool = True,
        joint_weights: Sequence[float] = (),
    ) -> None:
        self.scale = scale
        self.squared_weights = squared_weights
        self.joint_weights = joint_weights

    def __call__(self, outputs: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Returns {"heatmap_loss": float32 scalar}.

        Args:
            outputs: {"heatmaps": [N, S, K, h, w]}.
            targets: {"heatmaps": [N, K, h, w], "weights": [N, K]}.

        Raises:
            ValueError: If the shapes do not belong together, or there is not one weight per joint.
        """
        maps, wanted, weights = _matching(outputs, targets)
        if self.joint_weights:
            if len(self.joint_weights) != weights.shape[1]:
                raise ValueError(f"{len(self.joint_weights)} joint weights for heatmaps of {weights.shape[1]} joints")
            weights = weights * paddle.to_tensor(self.joint_weights, dtype="float32")  # N, K
        error = (maps.astype("float32") - wanted.unsqueeze(1)).square()  # N, S, K, h, w
        weights = weights.square() if self.squared_weights else weights  # N, K
        per_joint = error.mean(axis=[3, 4]) * weights.unsqueeze(1)  # N, S, K
        return {"heatmap_loss": self.scale * per_joint.mean(axis=[0, 2]).sum()}


def acc_pose(outputs: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Tensor:
    """Returns the share of joints found in a training batch: `acc_pose` of training logs, not PCKh.

    A labelled joint is found when the maximum of its map (last stage) is nearer to the target's
    than 0.5 x a tenth of the map, each direction measured by its own side. The share is taken for
    every joint that has a label, then averaged over them. All of it runs on the maps' device.

    Differs: HRNet and MMPose measure x by the map's height and y by its width, which is the same
    for square maps.

    Args:
        outputs: {"heatmaps": [N, S, K, h, w]}.
        targets: {"heatmaps": [N, K, h, w], "weights": [N, K]}.

    Returns:
        Scalar 0..1; 0 without any label.

    Raises:
        ValueError: If the shapes do not belong together.
    """
    maps, wanted, weights = _matching(outputs, targets)
    height, width = wanted.shape[2:]
    with paddle.no_grad():
        tenth = paddle.to_tensor([width / 10, height / 10], dtype="float32")
        distance = ((_peaks(maps[:, -1]) - _peaks(wanted)) / tenth).norm(axis=-1)  # N, K
        labelled = (weights > 0).astype("float32")  # N, K
        hits = ((distance < 0.5).astype("float32") * labelled).sum(axis=0)  # K
        labels = labelled.sum(axis=0)  # K
        shares = hits / labels.clip(min=1.0)  # K
        return shares.sum() / (labels > 0).astype("float32").sum().clip(min=1.0)


def _peaks(maps: Tensor) -> Tensor:
    """Returns the (x, y) of the maxima of maps [N, K, h, w] as float32 [N, K, 2], in cells."""
    width = maps.shape[3]
    flat = maps.flatten(start_axis=2)  # N, K, hw
    index = flat.argmax(axis=-1)  # N, K
    peaks = paddle.stack([index % width, index // width], axis=-1).astype("float32")  # N, K, 2
    # As published: a map without a positive value has its peak at (-1, -1).
    return paddle.where(flat.max(axis=-1, keepdim=True) > 0, peaks, -paddle.ones_like(peaks))


def _matching(outputs: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Returns heatmaps, target heatmaps and weights; no broadcast hides a mistake in them."""
    maps, wanted, weights = outputs["heatmaps"], targets["heatmaps"], targets["weights"]
    shape = list(maps.shape)
    fits = len(shape) == 5 and list(wanted.shape) == [shape[0], *shape[2:]]
    if not fits or list(weights.shape) != [shape[0], shape[2]]:
        raise ValueError(
            f"predicted heatmaps {shape}, target heatmaps {list(wanted.shape)} and weights"
            f" {list(weights.shape)} do not match; expected [N, S, K, h, w], [N, K, h, w], [N, K]"
        )
    return maps, wanted, weights
