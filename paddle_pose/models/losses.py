"""Training losses: named terms computed from a network's maps and a codec's targets.

Source: Newell et al. 2016 (mean squared error of every stage); Xiao et al., Simple Baselines, ECCV
    2018 (`JointsMSELoss`, `acc_pose`); MMPose (the normalisation); fire717/movenet.pytorch and its
    Paddle port (`MoveNetLoss`, "mse"); CenterNet (Zhou et al., 2019; "focal").
Checked against: training steps of two published networks (tests/parity); results calculated by
    hand, and zero gradients where a mask is 0 (tests/models/test_losses.py).
Differs: fire717's loss has no masks. Its regressions and offsets are compared at one cell of one
    person, here at all cells where the targets' weights are not 0, and their mean is taken over the
    whole batch instead of joint by joint. Its bone term connects the seven points of another data
    set.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import paddle
from paddle import Tensor

from paddle_pose.errors import InputError

# As published: distance of clipped probabilities from 0 and 1, and the number added to the
# denominator of a mean that may be empty.
_EPSILON = 1e-4


class JointsMSELoss:
    """Mean squared difference between predicted and target heatmaps, summed over the stages.

    The loss of one stage is `scale * mean over N, K, h, w of (weight * (predicted - target)) ** 2`.
    An unlabelled joint (weight 0) is included in the number that the mean divides by, and has no
    gradient. A batch without labelled joints has loss 0 and no gradient.

    For weights 0 and 1 the published losses differ in the scale only: it is 1 in MMPose and
    txyugood's Hourglass, 0.5 in HRNet and SimpleBaseline. HRNet, SimpleBaseline and txyugood square
    other weights, as here; MMPose does not.

    Args:
        scale: Factor of the loss.
        squared_weights: Whether the squared error is multiplied by the square of the weight (True)
            or by the weight itself (False, as in MMPose).
        joint_weights: Factor of the target weight of each of the K joints; with `squared_weights`
            it is squared, too, so 1.5 becomes 2.25. Empty, as published, weights all joints
            equally.

    Attributes:
        measures: {"acc_pose": function of (outputs, targets)}, see `acc_pose`.

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
        self.measures = {"acc_pose": acc_pose}

    def __call__(
        self, outputs: Mapping[str, Tensor], targets: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """Returns {"heatmap_loss": float32 scalar}.

        Args:
            outputs: Predictions, {"heatmaps": [N, S, K, h, w]} for S stages.
            targets: Targets, {"heatmaps": [N, K, h, w], "weights": [N, K]}; a weight of 0 marks an
                unlabelled joint.

        Raises:
            InputError: If the shapes do not match, or there is not one joint weight per joint.
        """
        maps, target, weights = _checked_heatmaps(outputs, targets)
        if self.joint_weights:
            if len(self.joint_weights) != weights.shape[1]:
                raise InputError(
                    f"{len(self.joint_weights)} joint weights for heatmaps of"
                    f" {weights.shape[1]} joints: expected one weight per joint"
                )
            weights = weights * paddle.to_tensor(self.joint_weights, dtype="float32")  # N, K
        error = (maps.astype("float32") - target.unsqueeze(1)).square()  # N, S, K, h, w
        weights = weights.square() if self.squared_weights else weights  # N, K
        per_joint = error.mean(axis=[3, 4]) * weights.unsqueeze(1)  # N, S, K
        return {"heatmap_loss": self.scale * per_joint.mean(axis=[0, 2]).sum()}


def acc_pose(outputs: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Tensor:
    """Returns the accuracy in a training batch that training logs call `acc_pose`; it is not PCKh.

    A labelled joint is correct if the maximum of its map (last stage) is closer to that of the
    target than 0.5 * a tenth of the map, where x is divided by the map's width and y by its height.
    The share of correct joints is computed per joint, then averaged over the joints that have a
    label in the batch. Everything is computed on the device of the maps.

    Differs: HRNet and MMPose divide x by the map's height and y by its width, which is the same for
    square maps.

    Args:
        outputs: Predictions, {"heatmaps": [N, S, K, h, w]} for S stages.
        targets: Targets, {"heatmaps": [N, K, h, w], "weights": [N, K]}; a weight of 0 marks an
            unlabelled joint.

    Returns:
        Scalar 0..1; 0 if no joint is labelled.

    Raises:
        InputError: If the shapes do not match.
    """
    maps, target, weights = _checked_heatmaps(outputs, targets)
    height, width = target.shape[2:]
    with paddle.no_grad():
        tenth = paddle.to_tensor([width / 10, height / 10], dtype="float32")
        distance = ((_peaks(maps[:, -1]) - _peaks(target)) / tenth).norm(axis=-1)  # N, K
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


def _checked_heatmaps(
    outputs: Mapping[str, Tensor], targets: Mapping[str, Tensor]
) -> tuple[Tensor, Tensor, Tensor]:
    """Returns heatmaps, target heatmaps and weights, whose shapes match without broadcasting.

    Raises:
        InputError: If the shapes do not match.
    """
    maps = outputs["heatmaps"]
    target = targets["heatmaps"]
    weights = targets["weights"]
    shape = list(maps.shape)
    fits = len(shape) == 5 and list(target.shape) == [shape[0], *shape[2:]]
    if not fits or list(weights.shape) != [shape[0], shape[2]]:
        raise InputError(
            f"predicted heatmaps {shape}, target heatmaps {list(target.shape)} and weights"
            f" {list(weights.shape)} do not match; expected [N, S, K, h, w], [N, K, h, w], [N, K]"
        )
    return maps, target, weights


def acc_pose_of_maps(outputs: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Tensor:
    """Returns the accuracy in a training batch of images with several people: MoveNet's `acc_pose`.

    A joint type that is labelled for anyone in an image is correct if the maximum of its map lies
    where the target is 0.5 or more, so near that joint of any person. An image in which the weight
    at that maximum is 0 is not counted for this joint type. The share of correct images is computed
    per joint type, then averaged over the joint types that have a label in the batch.

    Args:
        outputs: Predictions, {"heatmaps": [N, K, h, w]}.
        targets: Targets, {"heatmaps": [N, K, h, w], "heatmap_weights": [N, K, h, w]}.

    Returns:
        Scalar 0..1; 0 if no joint is labelled.
    """
    with paddle.no_grad():
        flat, target, weights = (
            maps.astype("float32").flatten(start_axis=2)  # N, K, hw
            for maps in (outputs["heatmaps"], targets["heatmaps"], targets["heatmap_weights"])
        )
        cell = flat.argmax(axis=-1, keepdim=True)  # N, K, 1
        target_at_peak, weight_at_peak = (
            maps.take_along_axis(cell, axis=-1).squeeze(-1) for maps in (target, weights)
        )  # N, K
        labelled = (target.max(axis=-1) > 0).astype("float32") * weight_at_peak  # N, K
        hits = (target_at_peak >= 0.5).astype("float32") * labelled  # N, K
        labels = labelled.sum(axis=0)  # K
        shares = hits.sum(axis=0) / labels.clip(min=1.0)  # K
        return shares.sum() / (labels > 0).astype("float32").sum().clip(min=1.0)


class MoveNetLoss:
    """Losses of MoveNet's centres, heatmaps, regressions and offsets, with a mask for each.

    With prediction p and target t, the loss of centres and heatmaps is one of
        "mse": (k t + 1) (p - t)^2, summed over a map and averaged over images and channels;
        "focal": -(1 - p)^2 log p at peaks (t = 1) and -(1 - t)^4 p^2 log(1 - p) at other cells,
            summed and divided by the number of peaks.
    The loss of regressions and offsets is the L1 norm of the error (x, y), averaged over the cells
    with a weight.

    Args:
        error: Loss of centres and heatmaps, "mse" or "focal".
        peak_weight: k in the formula of "mse".
        center: Weight of the term "center_loss".
        heatmap: Weight of the term "heatmap_loss".
        regression: Weight of the term "regression_loss".
        offset: Weight of the term "offset_loss".
        bone: Weight of the term "bone_loss": for every limb, the L2 distance between the predicted
            and the target difference of its two joints' heatmaps, over the cells in which both
            joints have a weight; the mean over limbs, divided by the number of images. 0 omits the
            term.
        limbs: Pairs of joint indices, from 0 to K - 1; needed if `bone` is not 0.

    Raises:
        InputError: If `error` has another value, or there are no limbs for the bone term.

    Example:
        >>> outputs = {
        ...     "centers": paddle.full([1, 1, 8, 8], 0.5),
        ...     "heatmaps": paddle.full([1, 2, 8, 8], 0.5),
        ...     "regressions": paddle.full([1, 4, 8, 8], 0.5),
        ...     "offsets": paddle.full([1, 4, 8, 8], 0.5),
        ... }
        >>> weights = {
        ...     "center_weights": paddle.ones([1, 1, 8, 8]),
        ...     "heatmap_weights": paddle.ones([1, 2, 8, 8]),
        ...     "regression_weights": paddle.ones([1, 2, 8, 8]),
        ...     "offset_weights": paddle.ones([1, 2, 8, 8]),
        ... }
        >>> MoveNetLoss()(outputs, outputs | weights)["regression_loss"].item()
        0.0
    """

    def __init__(
        self,
        error: Literal["mse", "focal"] = "mse",
        peak_weight: float = 8.0,
        center: float = 1.0,
        heatmap: float = 1.0,
        regression: float = 1.0,
        offset: float = 1.0,
        bone: float = 0.0,
        limbs: Sequence[tuple[int, int]] = (),
    ) -> None:
        if error not in ("mse", "focal"):
            raise InputError(f"the loss's error is {error!r}; expected 'mse' or 'focal'")
        if bone and not limbs:
            raise InputError(f"the bone term has weight {bone}, but the skeleton has no limbs")
        self._map_error = self._mse if error == "mse" else _focal
        self._peak_weight = peak_weight
        self._bone = bone
        self._limbs = list(limbs)
        self.measures = {"acc_pose": acc_pose_of_maps}
        self._weights = {
            "center": center,
            "heatmap": heatmap,
            "regression": regression,
            "offset": offset,
        }

    def __call__(
        self, outputs: Mapping[str, Tensor], targets: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """Returns the terms of the loss by name, as float32 scalars that include their weights.

        The channels of regressions and offsets are x, y of the first joint, x, y of the second, and
        so on, in the units of the codec.

        Args:
            outputs: Predictions: "centers" [N, 1, h, w] and "heatmaps" [N, K, h, w], both
                probabilities; "regressions" and "offsets" [N, 2K, h, w].
            targets: Targets of the same names and shapes, and their weights: "center_weights"
                [N, 1, h, w]; "heatmap_weights", "regression_weights" and "offset_weights"
                [N, K, h, w].

        Returns:
            "center_loss", "heatmap_loss", "regression_loss", "offset_loss", and "bone_loss" if its
            weight is not 0.

        Raises:
            InputError: If the shapes do not match.
        """
        terms = {}
        for name, term_weight in self._weights.items():
            predicted = outputs[f"{name}s"].astype("float32")
            target = targets[f"{name}s"]
            weights = targets[f"{name}_weights"]
            is_vector = name in ("regression", "offset")  # two channels, x and y, per weight
            shape = list(predicted.shape)
            expected = [shape[0], shape[1] // (1 + is_vector), *shape[2:]]
            if list(target.shape) != shape or list(weights.shape) != expected:
                raise InputError(
                    f"{name}s: predicted {shape}, target {list(target.shape)} and weights"
                    f" {list(weights.shape)} do not match; expected weights {expected}"
                )
            error = (
                _l1_error(predicted, target, weights)
                if is_vector
                else self._map_error(predicted, target, weights)
            )
            terms[f"{name}_loss"] = term_weight * error
        if self._bone:
            heatmaps = outputs["heatmaps"].astype("float32")
            terms["bone_loss"] = self._bone * self._bone_error(heatmaps, targets)
        return terms

    def _mse(self, predicted: Tensor, target: Tensor, weights: Tensor) -> Tensor:
        """Returns the weighted squared error of a map, summed over cells, as a scalar."""
        scale = self._peak_weight * target + 1
        error = scale * (predicted - target).square() * weights  # N, C, h, w
        return error.sum() / (error.shape[0] * error.shape[1])

    def _bone_error(self, heatmaps: Tensor, targets: Mapping[str, Tensor]) -> Tensor:
        """Returns the L2 error of the differences between the heatmaps of a limb's two joints."""
        weights = targets["heatmap_weights"]  # N, K, h, w
        error = heatmaps - targets["heatmaps"]  # N, K, h, w
        first, second = (paddle.to_tensor(joints) for joints in zip(*self._limbs, strict=True))
        difference = error.index_select(first, axis=1) - error.index_select(second, axis=1)
        # A limb counts in the cells in which both of its joints do.
        both = weights.index_select(first, axis=1) * weights.index_select(second, axis=1)
        squared = (difference * both).square().sum(axis=[0, 2, 3])  # N, L, h, w -> L
        # The gradient of the square root is infinite at 0.
        return (squared + _EPSILON**2).sqrt().mean() / heatmaps.shape[0]


def _focal(predicted: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """Returns CenterNet's focal loss as a scalar."""
    # As published, the value is clipped, but its gradient is not: otherwise a peak predicted as 0
    # could never increase again.
    p = predicted + (predicted.clip(_EPSILON, 1 - _EPSILON) - predicted).detach()
    peak = (target == 1).astype("float32") * weights
    at_peaks = (1 - p).square() * p.log() * peak
    elsewhere = (1 - target).pow(4) * p.square() * (1 - p).log() * (weights - peak)
    return -(at_peaks + elsewhere).sum() / peak.sum().clip(min=1.0)


def _l1_error(predicted: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """Returns the weighted mean of |x| + |y| of the error of vectors [N, 2K, h, w] as a scalar."""
    error = (predicted - target).abs() * weights.repeat_interleave(2, axis=1)  # N, 2K, h, w
    return error.sum() / (weights.sum() + _EPSILON)
