"""What training minimises: named terms computed from a network's maps and a codec's targets.

Source: Newell et al. 2016 (mean squared error of every stage); Xiao et al., Simple Baselines, ECCV
2018 (`JointsMSELoss`, `acc_pose`); MMPose (the normalisation); fire717/movenet.pytorch and its
    Paddle port (`MoveNetLoss`, "mse"); CenterNet (Zhou et al., 2019; "focal").
Checked against: training steps of two published networks (tests/parity), and results worked out by
hand, and gradients that masks must stop (tests/models/test_losses.py).
Differs: the original MoveNet has no masks. Its regressions and offsets count at one cell of one
    person, here wherever the targets' weights say so, and their mean runs over the whole batch, not
    joint by joint. Its bone term linked the seven points of another data set.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import paddle
from paddle import Tensor

from paddle_pose.errors import InputError

_EPSILON = 1e-4  # as published: what a probability stays away from 0 and 1, and an empty mean from a division by zero


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
        self.measures = {"acc_pose": acc_pose}

    def __call__(
        self, outputs: Mapping[str, Tensor], targets: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """Returns {"heatmap_loss": float32 scalar}.

        Args:
            outputs: {"heatmaps": [N, S, K, h, w]}.
            targets: {"heatmaps": [N, K, h, w], "weights": [N, K]}.

        Raises:
            InputError: If the shapes do not belong together, or there is not one weight per joint.
        """
        maps, wanted, weights = _matching(outputs, targets)
        if self.joint_weights:
            if len(self.joint_weights) != weights.shape[1]:
                raise InputError(
                    f"{len(self.joint_weights)} joint weights for heatmaps of {weights.shape[1]} joints"
                )
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
        InputError: If the shapes do not belong together.
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


def _matching(
    outputs: Mapping[str, Tensor], targets: Mapping[str, Tensor]
) -> tuple[Tensor, Tensor, Tensor]:
    """Returns heatmaps, target heatmaps and weights; no broadcast hides a mistake in them."""
    maps, wanted, weights = outputs["heatmaps"], targets["heatmaps"], targets["weights"]
    shape = list(maps.shape)
    fits = len(shape) == 5 and list(wanted.shape) == [shape[0], *shape[2:]]
    if not fits or list(weights.shape) != [shape[0], shape[2]]:
        raise InputError(
            f"predicted heatmaps {shape}, target heatmaps {list(wanted.shape)} and weights"
            f" {list(weights.shape)} do not match; expected [N, S, K, h, w], [N, K, h, w], [N, K]"
        )
    return maps, wanted, weights


def acc_pose_of_maps(outputs: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Tensor:
    """Returns the share of joints found where there may be several people: `acc_pose` of MoveNet's training logs.

    A joint that somebody has in an image is found when its highest cell lies on somebody's blob, at half its height or more;
    where that cell does not count, it is left out. The share is taken joint by joint, then averaged over them.

    Args:
        outputs: {"heatmaps": [N, K, h, w]}.
        targets: {"heatmaps": [N, K, h, w], "heatmap_weights": [N, K, h, w]}.

    Returns:
        Scalar 0..1; 0 without any label.
    """
    with paddle.no_grad():
        flat, wanted, counts = (
            maps.astype("float32").flatten(start_axis=2)  # N, K, hw
            for maps in (outputs["heatmaps"], targets["heatmaps"], targets["heatmap_weights"])
        )
        cell = flat.argmax(axis=-1, keepdim=True)  # N, K, 1
        there, counted = (
            maps.take_along_axis(cell, axis=-1).squeeze(-1) for maps in (wanted, counts)
        )  # N, K
        labelled = (wanted.max(axis=-1) > 0).astype("float32") * counted  # N, K
        hits = (there >= 0.5).astype("float32") * labelled  # N, K
        labels = labelled.sum(axis=0)  # K
        shares = hits.sum(axis=0) / labels.clip(min=1.0)  # K
        return shares.sum() / (labels > 0).astype("float32").sum().clip(min=1.0)


class MoveNetLoss:
    """Errors of centres, heatmaps, regressions and offsets, each where its targets' weights count.

    "mse": the sum over a map of (k t + 1) (p - t)^2, its mean over images and joints. "focal": -(1 - p)^2 log p at the
    peaks and -(1 - t)^4 p^2 log(1 - p) elsewhere, per peak. Regressions and offsets: |x| + |y| of the error, per taught cell.

    Args:
        error: Error of centres and heatmaps.
        peak_weight: k.
        center: Weight of the centres' term.
        heatmap: Of the heatmaps'.
        regression: Of the regressions'.
        offset: Of the offsets'.
        bone: Of the bones': the distance between predicted and true differences of the heatmaps of a limb's two joints, over
            the cells in which both joints count; its mean over limbs, divided by the number of images.
        limbs: Pairs of joints.

    Example:
        >>> maps = {"centers": (1, 1), "heatmaps": (1, 2), "regressions": (2, 4), "offsets": (2, 4)}
        >>> outputs = {name: paddle.full([1, channels, 8, 8], 0.5) for name, (_, channels) in maps.items()}
        >>> weights = {f"{name[:-1]}_weights": paddle.ones([1, c // n, 8, 8]) for name, (n, c) in maps.items()}
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
        self._blobs = self._mse if error == "mse" else _focal
        self._peak_weight, self._bone, self._limbs = peak_weight, bone, list(limbs)
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
        """Returns "center_loss", "heatmap_loss", "regression_loss", "offset_loss" and, if it counts, "bone_loss".

        Args:
            outputs: "centers" [N, 1, h, w] and "heatmaps" [N, K, h, w] as probabilities, "regressions" and "offsets"
                [N, 2K, h, w].
            targets: The same, and "center_weights" [N, 1, h, w], "heatmap_weights", "regression_weights" and
                "offset_weights" [N, K, h, w].

        Raises:
            InputError: If the shapes do not belong together.
        """
        terms = {}
        for name, weight in self._weights.items():
            predicted, wanted = outputs[f"{name}s"].astype("float32"), targets[f"{name}s"]
            counts, of_pairs = targets[f"{name}_weights"], name in ("regression", "offset")
            shape = list(predicted.shape)
            expected = [shape[0], shape[1] // (1 + of_pairs), *shape[2:]]
            if list(wanted.shape) != shape or list(counts.shape) != expected:
                raise InputError(
                    f"{name}s: predicted {shape}, target {list(wanted.shape)} and weights {list(counts.shape)} do not "
                    f"match; expected weights {expected}"
                )
            error = (
                _pairs(predicted, wanted, counts)
                if of_pairs
                else self._blobs(predicted, wanted, counts)
            )
            terms[f"{name}_loss"] = weight * error
        if self._bone:
            terms["bone_loss"] = self._bone * self._bones(
                outputs["heatmaps"].astype("float32"), targets
            )
        return terms

    def _mse(self, predicted: Tensor, wanted: Tensor, counts: Tensor) -> Tensor:
        error = (
            (self._peak_weight * wanted + 1) * (predicted - wanted).square() * counts
        )  # N, C, h, w
        return error.sum() / (error.shape[0] * error.shape[1])

    def _bones(self, heatmaps: Tensor, targets: Mapping[str, Tensor]) -> Tensor:
        counts = targets["heatmap_weights"]  # N, K, h, w
        error = heatmaps - targets["heatmaps"]  # N, K, h, w
        first, second = (paddle.to_tensor(joints) for joints in zip(*self._limbs, strict=True))
        between = error.index_select(first, axis=1) - error.index_select(second, axis=1)
        # A limb counts in the cells in which both of its joints do.
        between = between * counts.index_select(first, axis=1) * counts.index_select(second, axis=1)
        squared = between.square().sum(axis=[0, 2, 3])  # L
        # the root's slope at 0 is infinite
        return (squared + _EPSILON**2).sqrt().mean() / heatmaps.shape[0]


def _focal(predicted: Tensor, wanted: Tensor, counts: Tensor) -> Tensor:
    # The value is cut off as published, its slope is not: a peak that was given up for certain could never come back.
    p = predicted + (predicted.clip(_EPSILON, 1 - _EPSILON) - predicted).detach()
    peak = (wanted == 1).astype("float32") * counts
    at_peaks = (1 - p).square() * p.log() * peak
    elsewhere = (1 - wanted).pow(4) * p.square() * (1 - p).log() * (counts - peak)
    return -(at_peaks + elsewhere).sum() / peak.sum().clip(min=1.0)


def _pairs(predicted: Tensor, wanted: Tensor, counts: Tensor) -> Tensor:
    error = (predicted - wanted).abs() * counts.repeat_interleave(2, axis=1)  # N, 2K, h, w
    return error.sum() / (counts.sum() + _EPSILON)
