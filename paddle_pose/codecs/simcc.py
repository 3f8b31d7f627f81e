"""SimCC codec: a vector of bins per joint and axis, one person per window (RTMPose).

Source: Li et al., SimCC, ECCV 2022; Jiang et al., RTMPose, 2023, as MMPose 1.3.2 computes it:
    Gaussian targets around rounded bins, the highest bin of each axis, DARK's refinement on the
    vectors as an option.
Checked against: encoded targets, decoded keypoints and the flip test of MMPose 1.3.2
    (tests/parity/test_rtmpose_parity.py).
Differs: in nothing; the flip test reverses the bins without a shift, so that a mirrored joint is
    half a px away from the exact mirror image, as published.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import cv2
import numpy as np

from paddle_pose.codecs.base import Codec, Maps, OutputSpec, Sigma
from paddle_pose.errors import InputError
from paddle_pose.ranges import Range, Side
from paddle_pose.skeletons import COCO_17, Skeleton
from paddle_pose.structures import Poses

_NAMES = ("simcc_x", "simcc_y")
_AXES = ("W", "H")
_FAR = -1e6  # bins; far outside every vector
_MIN_LOG, _MAX_LOG = 1e-3, 50.0  # limits of values whose logarithm is taken, as published


@dataclass(frozen=True)
class SimCCCodec(Codec):
    """Codec between the keypoints of one person and two vectors of bins for each joint.

    Attributes:
        skeleton: Skeleton that defines the K joints.
        input_size: (width, height) of the network's input in px.
        split_ratio: Bins per input px.
        sigma: Standard deviations (x, y) of the target Gaussians in bins.
        decode_by: Decoding method: "argmax" takes the highest bin of each axis, "dark" locates the
            peak of a parabola fitted to the logarithm of the smoothed vector. It can be changed
            without training again.
        outputs: Names of the network's outputs in their order in exported files.

    Raises:
        InputError: If the value of a field lies outside its range, or the sides of the input are
            not whole numbers of bins.

    Example:
        >>> codec = SimCCCodec(input_size=(64, 96))
        >>> maps = codec.encode(np.full((1, 17, 2), 33.0), np.ones((1, 17)))
        >>> maps["simcc_x"].shape, maps["simcc_y"].shape, float(maps["simcc_x"][0, 66])
        ((17, 128), (17, 192), 1.0)
        >>> poses = codec.decode({name: maps[name][None] for name in codec.outputs})
        >>> poses[0].keypoints[0, 0]
        array([33., 33.])
    """

    kind: ClassVar[str] = "simcc"

    skeleton: Skeleton = COCO_17
    input_size: tuple[Side, Side] = (192, 256)
    split_ratio: Annotated[float, Range(0, 16, exclusive_min=True)] = 2.0
    sigma: tuple[Sigma, Sigma] = (4.9, 5.66)
    decode_by: Literal["argmax", "dark"] = "argmax"
    outputs: tuple[str, ...] = _NAMES

    def __post_init__(self) -> None:
        """Checks the values of the fields and that bins and px fit."""
        super().__post_init__()
        if any(side * self.split_ratio % 1 for side in self.input_size):
            raise InputError(
                f"codec.input_size={self.input_size} times codec.split_ratio={self.split_ratio} "
                "is not a whole number of bins"
            )

    @property
    def bins(self) -> tuple[int, int]:
        """Number of bins of the vectors (x, y)."""
        width, height = self.input_size
        return round(width * self.split_ratio), round(height * self.split_ratio)

    def encode(
        self, keypoints: np.ndarray, visible: np.ndarray, boxes: np.ndarray | None = None
    ) -> Maps:
        """Returns the targets of one person.

        Args:
            keypoints: Keypoints of the person, [1, K, 2] in input px.
            visible: Visibility of the keypoints, [1, K]; 0 if not labelled.
            boxes: Ignored.

        Returns:
            "simcc_x" [K, bins of x], "simcc_y" [K, bins of y] and "weights" [K], float32. A joint
            that is not labelled has rows of zeros, and its visibility (at most 1) for a weight; so
            has one whose Gaussian, cut off at 3 sigma, misses an axis, with weight 0.

        Raises:
            InputError: If there is not exactly one person with K joints.
        """
        maps = self.encode_batch([keypoints], [visible])
        return {name: values[0] for name, values in maps.items()}

    def encode_batch(
        self,
        keypoints: Sequence[np.ndarray],
        visible: Sequence[np.ndarray],
        boxes: Sequence[np.ndarray | None] | None = None,
    ) -> Maps:
        """Returns the targets of N samples, each as returned by `encode`.

        Args:
            keypoints: Keypoints of each sample, [1, K, 2] in input px.
            visible: Visibility of each sample's keypoints, [1, K]; 0 if not labelled.
            boxes: Ignored.

        Returns:
            "simcc_x" [N, K, bins of x], "simcc_y" [N, K, bins of y] and "weights" [N, K], float32.

        Raises:
            InputError: If a sample does not have exactly one person with K joints.
        """
        self._check_one_person(keypoints)
        visibility = np.concatenate(visible).astype(np.float64)  # [N, K]
        labelled = visibility >= 0.5
        # The coordinates of unlabelled joints may have any value, including NaN.
        points = np.where(labelled[..., None], np.concatenate(keypoints), _FAR)
        centers = np.round(points * self.split_ratio)  # half to even, as published
        inside = labelled & self._reaches(centers)
        vectors = {
            name: self._gaussians(centers[..., axis], axis) * inside[..., None].astype(np.float32)
            for axis, name in enumerate(_NAMES)
        }
        weights = np.where(labelled & ~inside, 0.0, visibility.clip(max=1.0))
        return {**vectors, "weights": weights.astype(np.float32)}

    def decode(self, maps: Mapping[str, np.ndarray]) -> list[Poses]:
        """Returns the poses at the highest bins.

        Args:
            maps: "simcc_x" [N, K, bins of x] and "simcc_y" [N, K, bins of y].

        Returns:
            N `Poses` with one person each, in input px. The score of a joint is the smaller one of
            the two highest values; it can be negative and can exceed 1. A joint with a score of 0
            or less is placed at bin -1 of both axes, as in the published code.

        Raises:
            InputError: If the vectors have a different shape.
        """
        vectors = [np.asarray(maps[name]) for name in _NAMES]
        self._check_shapes(dict(zip(_NAMES, (values.shape for values in vectors), strict=True)))
        bins = np.stack([values.argmax(axis=-1) for values in vectors], axis=-1)  # [N, K, 2]
        scores = np.minimum(*(values.max(axis=-1) for values in vectors)).astype(np.float64)
        places = np.where(scores[..., None] > 0, bins, -1).astype(np.float64)
        if self.decode_by == "dark":
            for axis, values in enumerate(vectors):
                places[..., axis] += dark_offset(values, places[..., axis], self.sigma[axis])
        keypoints = places / self.split_ratio
        return [
            Poses(*one)
            for one in zip(
                keypoints[:, None], scores[:, None], scores.mean(axis=1, keepdims=True), strict=True
            )
        ]

    def mirror(self, maps: Maps, shift: bool) -> Maps:
        """Returns the vectors of mirrored images, transformed back to the original images.

        Left and right joints change places and the bins of x are reversed.

        Args:
            maps: "simcc_x" and "simcc_y" of images mirrored pixel by pixel (x -> W-1-x).
            shift: Ignored: the published flip test shifts nothing.
        """
        order = list(self.skeleton.flip)
        return {
            "simcc_x": maps["simcc_x"][:, order, ::-1],
            "simcc_y": maps["simcc_y"][:, order],
        }

    def output_spec(self, shapes: Mapping[str, tuple[int, ...]]) -> tuple[OutputSpec, ...]:
        """Returns the descriptions of the two vectors.

        Args:
            shapes: Shapes of "simcc_x" and "simcc_y" as for `decode`.

        Raises:
            InputError: If a shape does not match the codec.
        """
        self._check_shapes(shapes)
        return tuple(
            OutputSpec(
                name=name,
                axes=("N", "K", axis),
                meaning=f"the highest bin of a vector is the joint's {name[-1]}; its score is the "
                "smaller one of the highest values of x and y",
                split_ratio=self.split_ratio,
            )
            for name, axis in zip(_NAMES, _AXES, strict=True)
        )

    def describe(self) -> str:
        """Returns the decoding method, `decode_by`."""
        return f"SimCC {self.decode_by}"

    def visualize(self, maps: Mapping[str, np.ndarray]) -> Maps:
        """Returns an image for each joint: the product of its two vectors, 1 = highest.

        Args:
            maps: "simcc_x" [K, bins of x] and "simcc_y" [K, bins of y] of one image.
        """
        columns, rows = (np.clip(np.asarray(maps[name]), 0.0, None) for name in _NAMES)
        images = rows[:, :, None] * columns[:, None, :]
        highest = images.max(axis=(1, 2), keepdims=True)
        images = images / np.maximum(highest, 1e-6) * np.minimum(highest, 1.0)
        return dict(zip(self.skeleton.joints, images.astype(np.float32), strict=True))

    def _reaches(self, centers: np.ndarray) -> np.ndarray:
        """Returns [N, K] bool: whether the Gaussians around bins [N, K, 2] meet both vectors."""
        radius = 3 * np.array(self.sigma)
        meets = (centers - radius < np.array(self.bins)) & (centers + radius + 1 >= 0)
        reaches: np.ndarray = meets.all(axis=-1)
        return reaches

    def _gaussians(self, centers: np.ndarray, axis: int) -> np.ndarray:
        """Returns Gaussians [N, K, bins] float32 with peak 1 around bins [N, K] of an axis."""
        steps = np.arange(self.bins[axis]) - centers[..., None]
        values: np.ndarray = np.exp(-(steps**2) / (2 * self.sigma[axis] ** 2))
        return values.astype(np.float32)

    def _check_shapes(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Raises InputError if the shapes of the vectors are not [N, K, bins]."""
        for name, bins in zip(_NAMES, self.bins, strict=True):
            shape = tuple(shapes[name])
            if len(shape) != 3 or shape[1:] != (self.skeleton.num_joints, bins):
                raise InputError(
                    f"expected {name} of shape [N, {self.skeleton.num_joints}, {bins}], got "
                    f"{list(shape)}"
                )


def dark_offset(vectors: np.ndarray, bins: np.ndarray, sigma: float) -> np.ndarray:
    """Returns DARK's offset on vectors: one Newton step on the logarithm of the smoothed values.

    Args:
        vectors: Vectors, [N, K, bins].
        bins: Highest bin of each vector, [N, K]; -1 where there is none.
        sigma: Standard deviation of the target Gaussians in bins; it gives the smoothing kernel.

    Returns:
        Offsets to add to `bins`, [N, K] float64.

    Example:
        >>> blob = np.exp(-((np.arange(64) - 20.3) ** 2) / (2 * 4.9**2))[None, None]
        >>> dark_offset(blob, np.array([[20.0]]), sigma=4.9).round(2)
        array([[0.3]])
    """
    size = int((20 * sigma - 7) // 3)
    size -= size % 2 == 0
    flat = np.asarray(vectors, np.float32).reshape(-1, vectors.shape[-1])
    kernel = cv2.getGaussianKernel(size, 0, cv2.CV_32F)  # OpenCV's own width for this size
    identity = np.ones(1, np.float32)
    smooth = cv2.sepFilter2D(flat, -1, kernel, identity, borderType=cv2.BORDER_CONSTANT)
    highest = smooth.max(axis=-1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        smooth = smooth * (flat.max(axis=-1, keepdims=True) / highest)
    logarithms = np.log(np.clip(smooth, _MIN_LOG, _MAX_LOG).astype(np.float64))
    padded = np.pad(logarithms, ((0, 0), (2, 2)), mode="edge")
    rows = np.arange(len(flat))
    at = np.maximum(bins, 0).reshape(-1).astype(np.intp) + 2
    before, here, after = (padded[rows, at + step] for step in (-1, 0, 1))
    far_before, far_after = (padded[rows, at + step] for step in (-2, 2))
    first = (after - before) / 2
    second = 1e-9 + (far_after - 2 * here + far_before) / 4
    offsets: np.ndarray = np.where(bins >= 0, (-first / second).reshape(bins.shape), 0.0)
    return offsets
