"""Codec of Google's MoveNet MultiPose: up to six people in a whole image, with their boxes.

The network is a MoveNet with two more maps, which give the box of a person at the person's centre.
It is a published network that this project runs and does not train. The input follows the aspect
ratio of the image: its long side is constant, and the image lies at its top left.

Source: the graph of MultiPose Lightning, version 1, as a TensorFlow.js file: the arithmetic of
    `people`, in float32 as there.
Checked against: outputs of that graph for photos (tests/parity/test_multipose_parity.py); a literal
    restatement in loops (tests/codecs/test_movenet_multipose.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil
from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from paddle_pose.codecs import movenet_maps as maps_of
from paddle_pose.codecs.base import Codec, Maps, OutputSpec
from paddle_pose.errors import InputError
from paddle_pose.geometry import Window, whole_image_window
from paddle_pose.ranges import Range, Share, Side
from paddle_pose.skeletons import COCO_17, Skeleton
from paddle_pose.structures import Poses

PEOPLE = "people"
"""Name of the output of a file whose graph decodes."""
NUM_CANDIDATES = 6
"""Number of people that the graph returns, however low their scores are."""
MAX_PEAK_DIFFERENCE = 1.0132789611816406e-06
"""Difference from the maximum of its neighbourhood below which a cell is a peak."""
NEIGHBOURHOOD = 5  # cells; side of the square around a cell in which a peak is the maximum
SPREAD = 0.300048828125
"""Twice the variance of the weights of joints, relative to the shorter side of the maps."""
MIN_COUNTED_SCORE = 0.126953125
"""Score above which a joint counts in the score of its person."""
STRIDE = 4  # input px per cell
MULTIPLE = 32  # px; the sides of an input are multiples of it

_NAMES = (*maps_of.NAMES, "box_sizes", "box_offsets")
_MEANINGS = {
    **maps_of.MEANINGS,
    "regressions": "x, y of the first joint, x, y of the second joint, ...: vector from the cell "
    "of a person's centre to the joint",
    "box_sizes": "width and height of the box of the person whose centre lies in the cell; "
    "negative values count as 0",
    "box_offsets": "x, y: vector from the cell of a person's centre to the middle of the box",
}
_BOX_COLUMNS = ("box y0", "box x0", "box y1", "box x1", "person score")


@dataclass(frozen=True)
class MultiPoseCodec(Codec):
    """Decoder of the maps of MoveNet MultiPose; it encodes nothing.

    Attributes:
        skeleton: Skeleton that defines the K joints.
        input_size: (width, height) of the network's input in px, multiples of 32. Unless
            `fixed_size` is set, an image becomes an input whose long side is the longer one of
            these, and whose other side is the smallest multiple of 32 that holds the image.
        fixed_size: Whether every image becomes an input of `input_size`, as in exported files.
        max_persons: Maximum number of people that decoding returns, those with the highest scores.
        min_score: Lowest score of a person that decoding returns; with 0 there are always
            `max_persons` people.
        outputs: Names of the network's outputs in their order: the six maps, or "people" for a file
            whose graph decodes.

    Raises:
        InputError: If the value of a field lies outside its range, or a side of `input_size` is no
            multiple of 32.

    Example:
        >>> codec = MultiPoseCodec()
        >>> codec.size_of(codec.image_window((640, 427)))
        (256, 192)
    """

    kind: ClassVar[str] = "movenet_multipose"
    by_area: ClassVar[bool] = True
    trainable: ClassVar[bool] = False
    graph_decoder: ClassVar[str | None] = "paddle_pose.exporting.decoding:MultiPosePeople"

    skeleton: Skeleton = COCO_17
    input_size: tuple[Side, Side] = (256, 256)
    fixed_size: bool = False
    max_persons: Annotated[int, Range(1, NUM_CANDIDATES)] = NUM_CANDIDATES
    min_score: Share = 0.1
    outputs: tuple[str, ...] = _NAMES

    def __post_init__(self) -> None:
        """Checks the values of the fields."""
        super().__post_init__()
        if any(side % MULTIPLE for side in self.input_size):
            raise InputError(
                f"codec.input_size={self.input_size}: expected multiples of {MULTIPLE}"
            )
        if sorted(self.outputs) != sorted(_NAMES) and self.outputs != (PEOPLE,):
            raise InputError(
                f"codec.outputs={self.outputs}: expected {', '.join(_NAMES)} in any order, or "
                f"{PEOPLE}"
            )

    @property
    def is_decoded(self) -> bool:
        """Whether the network's output are people that its graph decoded, instead of maps."""
        return self.outputs == (PEOPLE,)

    @property
    def sizes_vary(self) -> bool:
        """Whether the size of an input depends on the aspect ratio of its window."""
        return not (self.fixed_size or self.is_decoded)

    def size_of(self, window: Window) -> tuple[int, int]:
        """Returns the (width, height) in px of the input that a window becomes.

        Unless the size is fixed, the long side is that of `input_size`, and the other one the
        multiple of 32 that is closest to the aspect ratio of the window.

        Args:
            window: Window in image px.
        """
        if not self.sizes_vary:
            return self.input_size
        scale = max(self.input_size) / max(window.size)
        width, height = (max(1, round(side * scale / MULTIPLE)) * MULTIPLE for side in window.size)
        return width, height

    def image_window(
        self, image_size: tuple[float, float], fit: Literal["letterbox", "stretch"] = "letterbox"
    ) -> Window:
        """Returns the window of a whole image, in image px, with the image at the top left.

        Args:
            image_size: (width, height) of the image in px.
            fit: "letterbox" pads at the right and at the bottom; "stretch" does not pad.

        Raises:
            InputError: If `fit` has another value.
        """
        if fit != "letterbox":
            return whole_image_window(image_size, self.input_size, fit)
        size = self.input_size
        if self.sizes_vary:
            scale = max(size) / max(image_size)
            width, height = (
                max(1, ceil(round(side * scale) / MULTIPLE)) * MULTIPLE for side in image_size
            )
        else:
            scale = min(size[0] / image_size[0], size[1] / image_size[1])
            width, height = size
        return Window((width / scale / 2, height / scale / 2), (width / scale, height / scale))

    @property
    def image_placement(self) -> str:
        """Text for the export metadata that states `image_window` in words."""
        text = "the whole image lies at the top left of the input, scaled as large as it fits"
        if self.sizes_vary:
            text = (
                "the whole image lies at the top left of the input, scaled to a long side of "
                f"{max(self.input_size)} px; the other side of the input is the smallest multiple "
                f"of {MULTIPLE} that holds the image, rounded to whole px"
            )
        return text

    def with_fixed_size(self) -> MultiPoseCodec:
        """Returns the codec for a file whose input has one size, `input_size`."""
        return replace(self, fixed_size=True)

    def encode(
        self, keypoints: np.ndarray, visible: np.ndarray, boxes: np.ndarray | None = None
    ) -> Maps:
        """Raises an error, since networks of this kind are not trained.

        Args:
            keypoints: Ignored.
            visible: Ignored.
            boxes: Ignored.

        Raises:
            InputError: Always.
        """
        raise InputError(
            "codec movenet_multipose decodes a published network, which is not trained"
        )

    def people(self, maps: Mapping[str, np.ndarray]) -> np.ndarray:
        """Returns the six people of each window as Google's graph returns them.

        Args:
            maps: The six maps by name, see `decode`.

        Returns:
            float32 [N, 6, 3K + 5], highest peak of the centres first. A row is y, x and score of
            each of the K joints, y0, x0, y1, x1 of the box, and the score of the person. y and x
            are fractions of the input's height and width. Only boxes are clipped to the input.

        Raises:
            InputError: If a map has a different shape.
        """
        arrays = {name: np.asarray(maps[name], np.float32) for name in _NAMES}
        self._check_shapes({name: values.shape for name, values in arrays.items()})
        joints = self.skeleton.num_joints
        height, width = arrays["centers"].shape[-2:]
        pairs = (-1, joints, 2, height, width)
        samples = zip(
            arrays["centers"][:, 0],
            arrays["heatmaps"],
            arrays["regressions"].reshape(pairs)[:, :, ::-1],
            arrays["offsets"].reshape(pairs)[:, :, ::-1],
            arrays["box_sizes"][:, ::-1],
            arrays["box_offsets"][:, ::-1],
            strict=True,
        )
        rows = np.zeros((len(arrays["centers"]), NUM_CANDIDATES, 3 * joints + 5), np.float32)
        for n, sample in enumerate(samples):
            rows[n] = _rows(*sample)
        return rows

    def decode(self, maps: Mapping[str, np.ndarray]) -> list[Poses]:
        """Returns the people in each of N windows that have at least `min_score`.

        Args:
            maps: "centers" [N, 1, h, w] and "heatmaps" [N, K, h, w] as probabilities; "regressions"
                and "offsets" [N, 2K, h, w], "box_sizes" and "box_offsets" [N, 2, h, w]; h and w of
                any size. Or, if `outputs` says so, "people" [N, P, 3K + 5], see the method
                `people`.

        Returns:
            N `Poses` in input px with boxes, highest person score first. The score of a joint is
            the highest weighted value of its heatmap at its cell, for any of the six people; that
            of a person is the centre times the mean of the joint scores above 0.127.

        Raises:
            InputError: If an output has a different shape.
        """
        if self.is_decoded:
            rows = np.asarray(maps[PEOPLE], np.float32)
            self._check_rows(rows.shape)
            width, height = self.input_size
        else:
            rows = self.people(maps)
            height, width = (side * STRIDE for side in np.shape(maps["centers"])[-2:])
        return [self._poses(people, (width, height)) for people in rows.astype(np.float64)]

    def mirror(self, maps: Maps, shift: bool) -> Maps:
        """Returns the maps of mirrored images, transformed back to the original images.

        See `MoveNetCodec.mirror`; boxes are mirrored in the same way.

        Args:
            maps: The six maps by name, as for `decode`, of images mirrored pixel by pixel.
            shift: Ignored: the cells of the mirrored maps are aligned already.

        Returns:
            Maps of the same names and shapes.

        Raises:
            InputError: If the network's output are people, which cannot be averaged.
        """
        if self.is_decoded:
            raise InputError(
                "no flip test: people of an image and of its mirror image cannot be averaged; leave "
                "val.flip at false, or export without decoding"
            )
        box_offsets = maps["box_offsets"][..., ::-1].copy()
        box_offsets[:, 0] = (STRIDE - 1) / STRIDE - box_offsets[:, 0]
        return {
            **maps_of.mirrored(maps, self.skeleton, STRIDE),
            "box_sizes": maps["box_sizes"][..., ::-1],
            "box_offsets": box_offsets,
        }

    def output_spec(self, shapes: Mapping[str, tuple[int, ...]]) -> tuple[OutputSpec, ...]:
        """Returns the descriptions of the six maps, or of the people, in the order of `outputs`.

        Args:
            shapes: Shapes of the outputs by name, as for `decode`.

        Raises:
            InputError: If a shape does not match the codec.
        """
        if self.is_decoded:
            self._check_rows(shapes[PEOPLE])
            return (people_spec(self.skeleton),)
        self._check_shapes(shapes)
        channels = {"centers": "1", "heatmaps": "K", "regressions": "2K", "offsets": "2K"}
        return tuple(
            OutputSpec(
                name=name,
                axes=("N", channels.get(name, "2"), "h", "w"),
                meaning=_MEANINGS[name],
                unit=None if name in ("centers", "heatmaps") else "cell",
                stride=STRIDE,
                cell=(float(STRIDE), float(STRIDE)),
            )
            for name in self.outputs
        )

    def describe(self) -> str:
        """Returns a text with the size of the input, the number of people and their lowest score."""
        width, height = self.input_size
        size = f"long side {max(width, height)} px" if self.sizes_vary else f"{width}x{height} px"
        return (
            f"{size}, up to {self.max_persons} people with a score of at least {self.min_score:g}"
        )

    def visualize(self, maps: Mapping[str, np.ndarray]) -> Maps:
        """Returns images of the centres, every heatmap, and the lengths of regressions and offsets.

        Args:
            maps: Maps of one image by name, as for `decode` without the batch axis N.

        Returns:
            Images [h, w] with values from 0 to 1 by title, see `movenet_maps.images`; for people an
            image of their rows.
        """
        if self.is_decoded:
            return super().visualize(maps)
        return maps_of.images(maps, self.skeleton)

    def _poses(self, rows: np.ndarray, size: tuple[int, int]) -> Poses:
        """Returns the people of rows [P, 3K + 5] in input px of an input of a (width, height)."""
        scores = rows[:, -1]
        order = np.argsort(-scores, kind="stable")[: self.max_persons]
        rows = rows[order[scores[order] >= self.min_score]]
        joints = rows[:, :-5].reshape(len(rows), self.skeleton.num_joints, 3)
        corners = rows[:, -5:-1].reshape(len(rows), 2, 2)[..., ::-1] * size
        return Poses(
            joints[..., 1::-1] * size,
            joints[..., 2],
            rows[:, -1],
            boxes=np.hstack([corners[:, 0], corners[:, 1] - corners[:, 0]]),
        )

    def _check_shapes(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Raises InputError if the maps do not have the shapes stated in `decode`."""
        joints = self.skeleton.num_joints
        channels = (1, joints, 2 * joints, 2 * joints, 2, 2)
        common = tuple(shapes["centers"])
        for name, count in zip(_NAMES, channels, strict=True):
            expected = (*common[:1], count, *common[2:])
            if len(common) != 4 or tuple(shapes[name]) != expected:
                raise InputError(
                    f"expected {name} of shape [N, {count}, h, w] with the sizes of centers "
                    f"{list(common)}, got {list(shapes[name])}"
                )

    def _check_rows(self, shape: tuple[int, ...]) -> None:
        """Raises InputError if the shape of people is not [N, P, 3K + 5]."""
        columns = 3 * self.skeleton.num_joints + 5
        if len(shape) != 3 or shape[2] != columns:
            raise InputError(f"expected {PEOPLE} of shape [N, P, {columns}], got {list(shape)}")


def people_spec(skeleton: Skeleton) -> OutputSpec:
    """Returns the description of people that a graph decoded, [N, P, 3K + 5].

    Args:
        skeleton: Skeleton of the K joints.
    """
    joints = (f"{joint} {value}" for joint in skeleton.joints for value in ("y", "x", "score"))
    return OutputSpec(
        name=PEOPLE,
        axes=("N", "P", "C"),
        meaning="people in the order of the peaks of their centres; y and x are fractions of the "
        "input's height and width, see columns",
        unit="fraction",
        columns=(*joints, *_BOX_COLUMNS),
    )


def _rows(
    centers: np.ndarray,
    heatmaps: np.ndarray,
    regressions: np.ndarray,
    offsets: np.ndarray,
    box_sizes: np.ndarray,
    box_offsets: np.ndarray,
) -> np.ndarray:
    """Returns the people in the maps of one sample, [6, 3K + 5] float32; see `people`.

    Args:
        centers: Centres, [h, w] float32.
        heatmaps: Heatmaps, [K, h, w].
        regressions: Regressions, [K, 2, h, w] (y, x) in cells.
        offsets: Offsets, [K, 2, h, w] (y, x) in cells.
        box_sizes: Heights and widths of boxes, [2, h, w] in cells.
        box_offsets: Vectors (y, x) to the middles of boxes, [2, h, w] in cells.
    """
    height, width = centers.shape
    size = np.array([height, width], np.float32)
    peaks, center_scores = _peaks(centers)
    y, x = peaks.T
    middles = peaks.astype(np.float32) + box_offsets[:, y, x].T
    halves = np.maximum(box_sizes[:, y, x].T, 0) * np.float32(0.5)
    low = np.clip(middles - halves, 0, size)  # [P, 2]
    high = np.clip(middles + halves, 0, size)
    vectors = regressions[:, :, y, x].transpose(2, 0, 1)  # [P, K, 2]
    points = peaks[:, None].astype(np.float32) + vectors
    cells = np.stack(
        [
            _best_cells(heatmaps, *box)
            for box in zip(points, *(np.ceil(x).astype(np.int64) for x in (low, high)), strict=True)
        ]
    )  # [P, K, 2]
    # A joint's score is the highest weighted value at its cell, for any of the people.
    joint = np.arange(len(heatmaps))
    y, x = np.moveaxis(cells, -1, 0)  # [P, K]
    distances = (
        cells[None].astype(np.float32) - points[:, None]
    )  # Q, P, K, 2: person who weights, person, joint
    inside = ((cells >= low[:, None, None]) & (cells < high[:, None, None])).all(axis=-1)
    weighted = heatmaps[joint, y, x] * _weights(distances[..., 0], distances[..., 1], size)
    scores = (weighted * inside).max(axis=0)  # [P, K]
    counted = scores > np.float32(MIN_COUNTED_SCORE)
    person_scores = (center_scores[:, None] * scores * counted).sum(axis=1)
    person_scores /= np.maximum(counted.sum(axis=1), 1)
    located = (cells.astype(np.float32) + offsets[joint, :, y, x]) / size
    joints = np.concatenate([located, scores[..., None]], axis=-1).reshape(NUM_CANDIDATES, -1)
    return np.hstack([joints, low / size, high / size, person_scores[:, None]]).astype(np.float32)


def _peaks(centers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the cells [6, 2] (y, x) int64 of the highest peaks and their values [6].

    A cell counts with its value if it is a peak, otherwise with 0; of equal ones the first in
    row-major order comes first.

    Args:
        centers: Probabilities of centres, [h, w] float32.
    """
    reach = NEIGHBOURHOOD // 2
    highest = np.pad(centers, reach, constant_values=-np.inf)
    for axis in range(2):
        highest = sliding_window_view(highest, NEIGHBOURHOOD, axis=axis).max(axis=-1)
    is_peak = np.abs(centers - highest) < MAX_PEAK_DIFFERENCE
    values = np.where(is_peak, centers, np.float32(0)).reshape(-1)
    order = np.argsort(-values, kind="stable")[:NUM_CANDIDATES]
    return np.stack(np.unravel_index(order, centers.shape), axis=-1), values[order]


def _best_cells(
    heatmaps: np.ndarray, points: np.ndarray, first: np.ndarray, end: np.ndarray
) -> np.ndarray:
    """Returns the cells of a person's joints, [K, 2] (y, x) int64.

    Each is the cell in the person's box with the highest weighted value, of equal ones the first in
    row-major order; (0, 0) if all weighted values are 0.

    Args:
        heatmaps: Probabilities of joints, [K, h, w] float32.
        points: Regressed joints, [K, 2] (y, x) in cells.
        first: First row and column in the person's box, [2] int64.
        end: Row and column after the last ones in the box, [2] int64.
    """
    cells = np.zeros((len(heatmaps), 2), np.int64)
    if (first >= end).any():
        return cells
    size = np.array(heatmaps.shape[1:], np.float32)
    dy = np.arange(first[0], end[0], dtype=np.float32)[:, None] - points[:, 0, None, None]
    dx = np.arange(first[1], end[1], dtype=np.float32) - points[:, 1, None, None]
    region = heatmaps[:, first[0] : end[0], first[1] : end[1]]
    values = (region * _weights(dy, dx, size)).reshape(len(heatmaps), -1)
    best = values.argmax(axis=1)
    found = values[np.arange(len(values)), best] > 0
    rows, columns = np.divmod(best, end[1] - first[1])
    cells[found] = np.stack([rows + first[0], columns + first[1]], axis=-1)[found]
    return cells


def _weights(dy: np.ndarray, dx: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Returns the weights of cells at a distance from a regressed joint, float32.

    They underflow to 0 as in float32: then a cell does not count.

    Args:
        dy: Distances along y in cells, float32.
        dx: Distances along x in cells, float32, of a shape that broadcasts with `dy`.
        size: (h, w) of the maps in cells, [2] float32.
    """
    exponents = (dy * dy + dx * dx) / (np.float32(SPREAD) * size.min())
    weights: np.ndarray = np.exp(-exponents.astype(np.float64)).astype(np.float32)
    return weights
