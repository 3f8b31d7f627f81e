"""Heatmap codec: a heatmap per joint and a person per window (Hourglass, HRNet, SimpleBaseline).

Source: SimpleBaseline (Xiao et al., ECCV 2018): Gaussian targets, argmax decoding and the shift by
    a quarter cell towards the higher neighbour; DARK (Zhang et al., CVPR 2020): targets around
    exact centres and its refinement; UDP (Huang et al., CVPR 2020): its alignment; PaddleDetection
    at 666f597: its blur of 3 cells, and "udp_warp".
Checked against: `tests/parity/reference.py`, literal float64 loops of the published encoders and
    decoders.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np

from paddle_pose.codecs import gaussian, refine
from paddle_pose.codecs.base import Codec, Maps, OutputSpec, Sigma, Stride
from paddle_pose.errors import InputError
from paddle_pose.ranges import Range, Side
from paddle_pose.skeletons import MPII_16, Skeleton
from paddle_pose.structures import Poses

Refinement = Literal["argmax", "quarter", "dark"]
_FAR = -1e6  # input px; far outside every map


@dataclass(frozen=True)
class HeatmapCodec(Codec):
    """Codec between the keypoints of one person and K heatmaps.

    Attributes:
        skeleton: Skeleton that defines the K joints.
        input_size: (width, height) of the network's input in px.
        stride: Input px per cell.
        sigma: Standard deviation of the target Gaussians in cells.
        decode_by: Decoding method: "argmax" takes the highest cell, "quarter" shifts this cell by a
            quarter cell towards the higher neighbour in x and in y, "dark" locates the peak of a
            Gaussian fitted around the cell, see `refine`. The method can be changed without
            training again.
        alignment: Convention that maps windows to input px and cells, see `Window.to_input`.
            "published" and "udp_warp" place a cell at `stride` times its index; they differ in the
            warp of the image only ("udp_warp" is PaddleDetection's `use_udp`). "udp" places the
            corner cells on the corner px, draws targets around exact centres, refines "dark" with
            UDP's formula and needs no shift in the flip test.
        outputs: Names of the network's outputs in their order in exported files.
        unbiased: Whether the targets are drawn around exact centres over the whole map, as in DARK.
        joint_sigmas: Whether the standard deviation of each joint's target is proportional to the
            skeleton's sigma of the joint; the mean over the joints stays `sigma`.
        dark_blur: Size in cells of the Gaussian kernel with which "dark" smooths a heatmap before
            it fits, an odd number: 3 in PaddleDetection for every sigma. 0 derives it from `sigma`
            as DARK's authors do, see `refine.kernel_size`.

    Raises:
        InputError: If the value of a field lies outside its range, the input size is not a multiple
            of the stride, `dark_blur` is even, or a map has fewer than two cells in a direction
            with alignment "udp".

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
    alignment: Literal["published", "udp", "udp_warp"] = "published"
    outputs: tuple[str, ...] = ("heatmaps",)
    unbiased: bool = False
    joint_sigmas: bool = False
    dark_blur: Annotated[int, Range(0, 63)] = 0

    def __post_init__(self) -> None:
        """Checks the values of the fields and the size of the maps."""
        super().__post_init__()
        if any(side % self.stride for side in self.input_size):
            raise InputError(
                f"codec.input_size={self.input_size} is not a multiple of "
                f"codec.stride={self.stride}"
            )
        if self.dark_blur and self.dark_blur % 2 == 0:
            raise InputError(
                f"codec.dark_blur={self.dark_blur} is even; expected an odd number of cells, or 0 "
                "for the size that follows from codec.sigma"
            )
        if self.alignment == "udp" and min(self.map_size) < 2:
            raise InputError(
                f"codec.input_size={self.input_size} with codec.stride={self.stride} gives maps of "
                f"{self.map_size} cells; alignment 'udp' needs at least two cells in each direction"
            )

    @property
    def map_size(self) -> tuple[int, int]:
        """(width, height) of a heatmap in cells."""
        return self.input_size[0] // self.stride, self.input_size[1] // self.stride

    @property
    def cell_size(self) -> np.ndarray:
        """Distance in input px between neighbouring cells, [2] (x, y) float64."""
        udp = self.alignment == "udp"
        cell_size: np.ndarray = (np.array(self.input_size) - udp) / (np.array(self.map_size) - udp)
        return cell_size

    @property
    def sigmas(self) -> np.ndarray:
        """Standard deviations of the target Gaussians, [K] in cells."""
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
        """Returns the targets of one person.

        Args:
            keypoints: Keypoints of the person, [1, K, 2] in input px.
            visible: Visibility of the keypoints, [1, K]; 0 if not labelled.
            boxes: Ignored.

        Returns:
            {"heatmaps": [K, h, w], "weights": [K]}, float32. A heatmap is a Gaussian with values
            from 0 to 1. A weight is 1, or 0 for joints that are not labelled or whose Gaussian lies
            outside the map; the heatmaps of these joints are zero.

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
            keypoints: Keypoints of each of N > 0 samples, [1, K, 2] in input px.
            visible: Visibility of each sample's keypoints, [1, K]; 0 if not labelled.
            boxes: Ignored.

        Returns:
            {"heatmaps": [N, K, h, w], "weights": [N, K]}, float32.

        Raises:
            InputError: If a sample does not have exactly one person with K joints.
        """
        joints = self.skeleton.num_joints
        self._check_one_person(keypoints)
        labelled = np.concatenate(visible).ravel() > 0  # [N K]
        sigmas = np.tile(self.sigmas, len(keypoints)) if self.joint_sigmas else self.sigma
        # The coordinates of unlabelled joints may have any value, including NaN. They are replaced
        # by a point far outside the map, so that nothing is drawn.
        points = np.concatenate(keypoints).reshape(-1, 2)
        centers = np.where(labelled[:, None], points, _FAR) / self.cell_size
        if self.unbiased:
            maps = gaussian.draw_exact(centers, self.map_size, sigmas)
            inside = gaussian.overlaps_map(centers, self.map_size, sigmas)
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
        """Returns the poses decoded from the heatmaps of the last stage.

        Args:
            maps: {"heatmaps": [N, S, K, h, w]}.

        Returns:
            N `Poses` with one person each, in input px. The score of a joint is the maximum of its
            heatmap, the score of the person the mean over the joints. A joint whose heatmap has no
            positive value is placed at (0, 0), as in the published code.

        Raises:
            InputError: If the heatmaps have a different shape.
        """
        heatmaps = np.asarray(maps["heatmaps"])
        self._check_shape(heatmaps.shape)
        heatmaps = heatmaps[:, -1]  # [N, K, h, w]
        cells, scores = peaks(heatmaps)
        if self.decode_by == "quarter":
            cells = cells + quarter_offset(heatmaps, cells)
        elif self.decode_by == "dark":
            offset = refine.udp_offset if self.alignment == "udp" else refine.dark_offset
            kernel = self.dark_blur or refine.kernel_size(self.sigma)
            cells = cells + offset(heatmaps, cells, kernel)
        keypoints = np.where(scores[..., None] > 0, cells, 0.0) * self.cell_size
        return [
            Poses(*one)
            for one in zip(
                keypoints[:, None], scores[:, None], scores.mean(axis=1, keepdims=True), strict=True
            )
        ]

    def output_spec(self, shapes: Mapping[str, tuple[int, ...]]) -> tuple[OutputSpec, ...]:
        """Returns the description of the heatmaps.

        Args:
            shapes: {"heatmaps": (N, S, K, h, w)}.

        Raises:
            InputError: If the shape does not match the codec.
        """
        self._check_shape(shapes["heatmaps"])
        x, y = self.cell_size.tolist()
        spec = OutputSpec(
            name="heatmaps",
            axes=("N", "S", "K", "h", "w"),
            meaning="N batch, S stage (read the last), K joints, h, w; the cell (x, y) lies at "
            "(x, y) * cell in input px; the highest cell of a map is the joint, its value the "
            "score",
            stride=self.stride,
            cell=(x, y),
        )
        return (spec,)

    def describe(self) -> str:
        """Returns the decoding method, such as "quarter" or "dark (blur 3)".

        The blur of "dark" is stated only where it does not follow from `sigma`.
        """
        blur = self.decode_by == "dark" and self.dark_blur
        return f"{self.decode_by} (blur {self.dark_blur})" if blur else self.decode_by

    def visualize(self, maps: Mapping[str, np.ndarray]) -> Maps:
        """Returns the heatmaps of the last stage, {name of the joint: [h, w]}.

        Args:
            maps: {"heatmaps": [S, K, h, w]} of one image, or its targets, [K, h, w].
        """
        heatmaps = np.asarray(maps["heatmaps"])
        last = heatmaps.reshape(-1, self.skeleton.num_joints, *heatmaps.shape[-2:])[-1]
        return dict(zip(self.skeleton.joints, last, strict=True))

    def mirror(self, maps: Maps, shift: bool) -> Maps:
        """Returns the heatmaps of mirrored images, transformed back to the original images.

        Args:
            maps: {"heatmaps": [N, S, K, h, w]} of images mirrored pixel by pixel (x -> W-1-x).
            shift: Whether the result is shifted by one cell to the right, as in the published flip
                test; column 0 is kept. The exact misalignment is (stride-1)/stride cells. With
                alignment "udp" mirrored maps are aligned already and are never shifted.

        Returns:
            {"heatmaps": [N, S, K, h, w]}.
        """
        heatmaps = maps["heatmaps"][:, :, list(self.skeleton.flip), :, ::-1]
        if shift and self.alignment != "udp":
            heatmaps = np.concatenate([heatmaps[..., :1], heatmaps[..., :-1]], axis=-1)
        return {"heatmaps": heatmaps}

    def _check_shape(self, shape: tuple[int, ...]) -> None:
        """Raises InputError if the shape of the heatmaps is not [N, S, K, h, w]."""
        width, height = self.map_size
        joints = self.skeleton.num_joints
        if len(shape) != 5 or shape[2:] != (joints, height, width):
            raise InputError(
                f"expected heatmaps of shape [N, S, {joints}, {height}, {width}], got {list(shape)}"
            )


def peaks(heatmaps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the highest cell of each heatmap and its value; of equal cells, the first by rows.

    Args:
        heatmaps: Heatmaps, [N, K, h, w].

    Returns:
        Cells [N, K, 2] float64 (x, y) and their values [N, K] float64.
    """
    flat = heatmaps.reshape(*heatmaps.shape[:2], -1)
    index = flat.argmax(axis=-1)
    values = np.take_along_axis(flat, index[..., None], axis=-1)[..., 0]
    cells = np.stack([index % heatmaps.shape[-1], index // heatmaps.shape[-1]], axis=-1)
    return cells.astype(np.float64), values.astype(np.float64)


def quarter_offset(heatmaps: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Returns the offsets of peaks by a quarter cell towards the higher neighbours.

    As in the published code, the offset is 0 for peaks near the border (x <= 1 or x >= w-1,
    likewise y).

    Args:
        heatmaps: Heatmaps, [N, K, h, w].
        cells: Highest cell of each heatmap, [N, K, 2] (x, y).

    Returns:
        Offsets to add to `cells`, [N, K, 2] (x, y) in cells: each -0.25, 0 or 0.25.
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
