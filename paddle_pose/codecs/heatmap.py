"""One heatmap per joint, one person per window: Hourglass, HRNet and SimpleBaseline.

Source: SimpleBaseline (Xiao et al., ECCV 2018): Gaussian targets, argmax, and a quarter cell towards the higher neighbour;
    DARK (Zhang et al., CVPR 2020): exact targets and its refinement; UDP (Huang et al., CVPR 2020): its alignment.
Checked against: `tests/parity/reference.py`, literal float64 loops of the published encoders and decoders.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from paddle_pose.codecs import gaussian, refine
from paddle_pose.codecs.base import Codec, Maps, OutputSpec, Sigma, Stride
from paddle_pose.errors import InputError
from paddle_pose.ranges import Side
from paddle_pose.skeletons import MPII_16, Skeleton
from paddle_pose.structures import Poses

Refinement = Literal["argmax", "quarter", "dark"]
_FAR = -1e6  # input px


@dataclass(frozen=True)
class HeatmapCodec(Codec):
    """Keypoints of one person <-> K heatmaps.

    Attributes:
        skeleton: the K joints.
        input_size: (width, height) of the network's input in px.
        stride: input px per cell.
        sigma: standard deviation of the targets in cells.
        decode_by: "argmax" reads the highest cell, "quarter" moves a quarter cell towards the higher neighbour, "dark" finds
            the peak of the Gaussian round it, see `refine`. It may be changed without training anew.
        alignment: how windows, input px and cells correspond, see `Window.to_input`. "udp" puts the corner cells on the corner
            px, draws targets round exact centres, refines by UDP's formula and needs no shift in the flip test.
        unbiased: draw the targets round exact centres over the whole map, as DARK does.
        joint_sigmas: draw wider targets where the skeleton's sigmas are wider; their mean stays `sigma`.

    Raises:
        InputError: If a value lies outside its range, the input is not a whole number of cells, or "udp" has fewer than two of
            them.

    Example:
        >>> codec = HeatmapCodec(input_size=(64, 64))
        >>> maps = codec.encode(np.full((1, 16, 2), 33.0), np.ones((1, 16)))
        >>> maps["heatmaps"].shape, float(maps["heatmaps"][0, 8, 8])
        ((16, 16, 16), 1.0)
        >>> codec.decode({"heatmaps": maps["heatmaps"][None, None]})[0].keypoints[0, 0]
        array([32., 32.])
    """

    kind: ClassVar[str] = "heatmap"
    device_targets: ClassVar[str | None] = "paddle_pose.training.device_targets:HeatmapTargets"
    graph_decoder: ClassVar[str | None] = "paddle_pose.exporting.decoding:HeatmapKeypoints"

    skeleton: Skeleton = MPII_16
    input_size: tuple[Side, Side] = (256, 256)
    stride: Stride = 4
    sigma: Sigma = 2.0
    decode_by: Refinement = "quarter"
    alignment: Literal["published", "udp"] = "published"
    outputs: tuple[str, ...] = ("heatmaps",)
    unbiased: bool = False
    joint_sigmas: bool = False

    def __post_init__(self) -> None:
        """Checks the sizes."""
        super().__post_init__()
        if any(side % self.stride for side in self.input_size):
            raise InputError(
                f"the input size {self.input_size} is not a multiple of the heatmap's stride {self.stride}"
            )
        if self.alignment == "udp" and min(self.map_size) < 2:
            raise InputError(
                f"the input size {self.input_size} gives a map of one cell; alignment 'udp' needs at least two each way"
            )

    @property
    def map_size(self) -> tuple[int, int]:
        """(width, height) of a heatmap in cells."""
        return self.input_size[0] // self.stride, self.input_size[1] // self.stride

    @property
    def cell_size(self) -> np.ndarray:
        """(x, y) input px from one cell to the next."""
        udp = self.alignment == "udp"
        cell_size: np.ndarray = (np.array(self.input_size) - udp) / (np.array(self.map_size) - udp)
        return cell_size

    @property
    def sigmas(self) -> np.ndarray:
        """[K] standard deviations of the targets in cells."""
        relative = (
            np.array(self.skeleton.sigmas)
            if self.joint_sigmas
            else np.ones(self.skeleton.num_joints)
        )
        sigmas: np.ndarray = self.sigma * relative / relative.mean()
        return sigmas

    def encode(
        self, keypoints: np.ndarray, visible: np.ndarray, boxes: np.ndarray | None = None
    ) -> Maps:
        """Draws one person's targets.

        Args:
            keypoints: [1, K, 2] in input px.
            visible: [1, K], 0 where not labelled.
            boxes: not used.

        Returns:
            "heatmaps" [K, h, w] float32 and "weights" [K] float32: 0 for joints that are not labelled or whose blob lies
            outside the map; their maps are empty.

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
        """Draws the targets of N samples at once, each as `encode` does: "heatmaps" [N, K, h, w] and "weights" [N, K].

        Raises:
            InputError: If a sample has not exactly one person with K joints.
        """
        joints = self.skeleton.num_joints
        strange = next(
            (np.shape(one) for one in keypoints if np.shape(one) != (1, joints, 2)), None
        )
        if strange is not None:
            raise InputError(
                f"a heatmap codec encodes one person, keypoints [1, {joints}, 2]; got {strange}"
            )
        labelled = np.concatenate(visible).ravel() > 0  # [N K]
        sigmas = np.tile(self.sigmas, len(keypoints)) if self.joint_sigmas else self.sigma
        # An unlabelled joint's coordinates may be anything, NaN included; far away, nothing is drawn of it.
        points = np.concatenate(keypoints).reshape(-1, 2)
        centers = np.where(labelled[:, None], points, _FAR) / self.cell_size
        if self.unbiased:
            maps = gaussian.draw_exact(centers, self.map_size, sigmas)
            inside = gaussian.reaches(centers, self.map_size, sigmas)
        else:
            draw = gaussian.draw_windowed if self.alignment == "udp" else gaussian.draw_rounded
            maps, inside = draw(centers, self.map_size, sigmas)
        maps[labelled & ~inside] = 0
        weights = (labelled & inside).astype(np.float32)
        return {
            "heatmaps": maps.reshape(-1, joints, *maps.shape[1:]),
            "weights": weights.reshape(-1, joints),
        }

    def decode(self, maps: Mapping[str, np.ndarray]) -> list[Poses]:
        """Reads the last stage's heatmaps.

        Args:
            maps: "heatmaps" [N, S, K, h, w].

        Returns:
            N Poses of one person each in input px; scores are the heights of the peaks. A joint whose map has no positive
            cell is put at (0, 0), as published, with that map's height as its score.

        Raises:
            InputError: If the heatmaps have another shape.
        """
        heatmaps = np.asarray(maps["heatmaps"])
        self._check_shape(heatmaps.shape)
        heatmaps = heatmaps[:, -1]  # [N, K, h, w]
        cells, scores = peaks(heatmaps)
        if self.decode_by == "quarter":
            cells = cells + quarter_offset(heatmaps, cells)
        elif self.decode_by == "dark":
            offset = refine.udp_offset if self.alignment == "udp" else refine.dark_offset
            cells = cells + offset(heatmaps, cells, refine.kernel_size(self.sigma))
        keypoints = np.where(scores[..., None] > 0, cells, 0.0) * self.cell_size
        return [
            Poses(*one)
            for one in zip(
                keypoints[:, None], scores[:, None], scores.mean(axis=1, keepdims=True), strict=True
            )
        ]

    def output_spec(self, shapes: Mapping[str, tuple[int, ...]]) -> tuple[OutputSpec, ...]:
        """Returns what the heatmaps contain.

        Args:
            shapes: "heatmaps" (N, S, K, h, w).

        Raises:
            InputError: If the heatmaps have another shape.
        """
        self._check_shape(shapes["heatmaps"])
        x, y = self.cell_size.tolist()
        spec = OutputSpec(
            name="heatmaps",
            axes=("N", "S", "K", "h", "w"),
            meaning="N batch, S stage (read the last), K joints, h, w; the cell (x, y) lies at (x, y) * cell in input px; the "
            "highest cell of a map is the joint, its value the score",
            stride=self.stride,
            cell=(x, y),
        )
        return (spec,)

    def describe(self) -> str:
        """Returns `decode_by`."""
        return self.decode_by

    def visualize(self, maps: Mapping[str, np.ndarray]) -> Maps:
        """Returns the last stage's heatmaps by the joints' names.

        Args:
            maps: "heatmaps" [S, K, h, w] of one image.
        """
        return dict(zip(self.skeleton.joints, np.asarray(maps["heatmaps"])[-1], strict=True))

    def mirror(self, maps: Maps, shift: bool) -> Maps:
        """Returns the heatmaps of mirrored images in the unmirrored frame.

        Args:
            maps: "heatmaps" [N, S, K, h, w] of images mirrored pixel by pixel (x -> W-1-x).
            shift: move the result one cell to the right, as published (the true misalignment is (stride-1)/stride cells);
                column 0 stays. Under "udp" mirrored maps fit as they are and are never moved.
        """
        heatmaps = maps["heatmaps"][:, :, list(self.skeleton.flip), :, ::-1]
        if shift and self.alignment == "published":
            heatmaps = np.concatenate([heatmaps[..., :1], heatmaps[..., :-1]], axis=-1)
        return {"heatmaps": heatmaps}

    def _check_shape(self, shape: tuple[int, ...]) -> None:
        """Refuses heatmaps of another shape than [N, S, K, h, w]."""
        width, height = self.map_size
        expected = (self.skeleton.num_joints, height, width)
        if len(shape) != 5 or shape[2:] != expected:
            raise InputError(f"expected heatmaps [N, S, {expected}], got {list(shape)}")


def peaks(heatmaps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Finds the highest cell of every map.

    Args:
        heatmaps: [N, K, h, w].

    Returns:
        cells [N, K, 2] float64 (x, y) and heights [N, K] float64.
    """
    flat = heatmaps.reshape(*heatmaps.shape[:2], -1)
    index = flat.argmax(axis=-1)
    heights = np.take_along_axis(flat, index[..., None], axis=-1)[..., 0]
    cells = np.stack([index % heatmaps.shape[-1], index // heatmaps.shape[-1]], axis=-1)
    return cells.astype(np.float64), heights.astype(np.float64)


def quarter_offset(heatmaps: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Returns [N, K, 2]: a quarter cell towards the higher neighbour in x and in y.

    As published, peaks within one cell of the border (px <= 1 or px >= w-1, likewise y) stay where they are.
    """
    n, k, h, w = heatmaps.shape
    x, y = cells[..., 0].astype(int), cells[..., 1].astype(int)
    movable = (x > 1) & (x < w - 1) & (y > 1) & (y < h - 1)
    x, y = np.clip(x, 1, w - 2), np.clip(y, 1, h - 2)
    batch, joint = np.arange(n)[:, None], np.arange(k)[None, :]
    slope_x = heatmaps[batch, joint, y, x + 1] - heatmaps[batch, joint, y, x - 1]
    slope_y = heatmaps[batch, joint, y + 1, x] - heatmaps[batch, joint, y - 1, x]
    shifts: np.ndarray = np.sign(np.stack([slope_x, slope_y], axis=-1)) * 0.25 * movable[..., None]
    return shifts
