"""Any number of people in one window: a centre, a heatmap, a regression and an offset for each of them (MoveNet).

Cells: a joint at input px x lies in cell floor(x / stride) at the offset x / stride - cell, and is read at
(cell + offset) * stride; so Google's (k + offset) / S of a square is (k + offset) * stride in it. A regression leads from the
person's centre cell to the joint's cell, not to its sub-cell place: with it, what is encoded is decoded exactly.

Source: Google's MoveNet (blog of 2021, the published TFLite graph, TensorFlow's object detection API): the single-person rule
    and what the maps mean. fire717/movenet.pytorch and its Paddle port, "the original": the kernel "fire717", the centre of
    the box, regressions that are written round the centre.
Checked against: `tests/parity/movenet_reference.py`, the single-person rule in literal float64 loops; encode -> decode.
Differs: from the original, whose defects are not kept:
    - an unlabelled joint blanked its whole channel and was trained as absent; here it is masked, and within its own person
      only. Crowds and people without a labelled joint are masked too; the original trained on them as background;
    - the regressions written round a centre were mirrored for centres in the left or upper half; offsets lay in the wrong row
      (Paddle port); both were right, or read, at one cell only;
    - regressions and offsets of everybody but the target were zero, although decoding reads them where another person is more
      central; here everybody is encoded;
    - rounding to whole px before offsets were taken is gone: they are exact, not multiples of a quarter;
    - blobs lacked their right and lower edge, and of several people they were added up, which moves peaks; the highest counts;
    - decoding cut regressions off towards zero, so that joints left of or above the centre came out one cell too high;
      heatmaps below 0.1 were zeroed and joints reported as (-1, -1); here, as in Google's, every joint has a place and a score;
    - 48 cells and 17 joints were written into the code.
    From Google's multi-person release: people are the peaks of the centres, and a joint is looked for round its regression
    with the weight of the single-person rule, no further away than 0.3 x the longer side of the regressed person. (The
    release takes its extent from two more heads.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np

from paddle_pose.codecs import movenet_search as search
from paddle_pose.codecs import movenet_targets as targets
from paddle_pose.codecs.base import Codec, Maps, OutputSpec, Radius, Sigma, Stride
from paddle_pose.errors import InputError
from paddle_pose.ranges import Range, Share, Side
from paddle_pose.skeletons import COCO_17, Skeleton
from paddle_pose.structures import Poses

_NAMES = ("centers", "heatmaps", "regressions", "offsets")
_MEANINGS = {
    "centers": "probability of a person's centre in a cell",
    "heatmaps": "K joints, probability of one in a cell",
    "regressions": "x, y of the first joint, x, y of the second, ...: from a centre's cell to a joint's cell, in units of "
    "the codec's regression_unit",
    "offsets": "likewise, from a joint's cell to the joint, which lies at (cell + offset) * stride in input px",
}


@dataclass(frozen=True)
class MoveNetCodec(Codec):
    """P people's keypoints <-> centres, heatmaps, regressions and offsets.

    Attributes:
        skeleton: the K joints.
        input_size: (width, height) of the network's input in px.
        stride: input px per cell.
        kernel: shape of the targets' blobs: "gaussian", or the original's exp(-3 d / r) with its radius r of 4, 5 or 6 cells by
            the person's size (one more for centres).
        sigma: of the Gaussians in cells, for a person who fills the window; a smaller one's shrink with the box.
        min_sigma: down to this.
        center: of a person: of the box in the window, or the mean of the keypoints (Google's).
        regression_unit: cells, or parts of the map's width and height (the original article's).
        regression_radius: how far round a centre its regressions are taught, in cells. The single-person rule stops up to
            2.24 cells (sigma 2) from an off-centre person's centre, towards the middle.
        offset_radius: how far round a joint its offset is taught, in cells.
        max_persons: decoding finds this many at most; 1 takes Google's single-person rule, which always answers.
        center_threshold: lowest centre that is a person, where there may be several.
        outputs: names of the network's maps in their order in exported files.

    Raises:
        InputError: If a value lies outside its range, or the input is not a whole number of cells.

    Example:
        >>> codec = MoveNetCodec(input_size=(96, 64), max_persons=6)
        >>> keypoints = np.random.default_rng(0).uniform(0, 60, (1, 17, 2))
        >>> maps = codec.encode(keypoints, np.ones((1, 17)))
        >>> {name: maps[name].shape for name in codec.outputs}
        {'centers': (1, 16, 24), 'heatmaps': (17, 16, 24), 'regressions': (34, 16, 24), 'offsets': (34, 16, 24)}
        >>> (poses,) = codec.decode({name: maps[name][None] for name in codec.outputs})
        >>> bool(np.allclose(poses.keypoints, keypoints, atol=1e-5))
        True
    """

    kind: ClassVar[str] = "movenet"
    graph_decoder: ClassVar[str | None] = "paddle_pose.exporting.decoding:MoveNetKeypoints"

    skeleton: Skeleton = COCO_17
    input_size: tuple[Side, Side] = (192, 192)
    stride: Stride = 4
    kernel: Literal["gaussian", "fire717"] = "gaussian"
    sigma: Sigma = 2.0
    min_sigma: Sigma = 1.0
    center: Literal["box", "keypoints"] = "box"
    regression_unit: Literal["cell", "map"] = "cell"
    regression_radius: Radius = 2.5
    offset_radius: Radius = 2.0
    max_persons: Annotated[int, Range(1, 1000)] = 1
    center_threshold: Share = 0.1
    outputs: tuple[str, ...] = _NAMES

    def __post_init__(self) -> None:
        """Checks the values."""
        super().__post_init__()
        if any(side % self.stride for side in self.input_size):
            raise InputError(
                f"the input size {self.input_size} is not a multiple of the maps' stride {self.stride}"
            )
        if self.min_sigma > self.sigma:
            raise InputError(f"expected min_sigma <= sigma, got {self.min_sigma} and {self.sigma}")

    @property
    def map_size(self) -> tuple[int, int]:
        """(width, height) of a map in cells."""
        return self.input_size[0] // self.stride, self.input_size[1] // self.stride

    @property
    def _unit(self) -> np.ndarray:
        """[2] cells per unit of the regressions."""
        return np.array(self.map_size if self.regression_unit == "map" else (1, 1), np.float64)

    def encode(
        self, keypoints: np.ndarray, visible: np.ndarray, boxes: np.ndarray | None = None
    ) -> Maps:
        """Draws everybody's targets, from the smallest to the largest person: what two claim is the larger one's.

        A keypoint outside the window counts as not labelled. Who has no labelled keypoint in it is a region to leave alone: a
        crowd, or somebody nobody annotated.

        Args:
            keypoints: [P, K, 2] in input px.
            visible: [P, K], 0 where not labelled.
            boxes: [P, 4] (x, y, width, height) in input px; None takes them round the labelled keypoints.

        Returns:
            float32 maps and what they count for, 0 or 1:
            "centers", "center_weights" [1, h, w]: 0 in a region to leave alone;
            "heatmaps", "heatmap_weights" [K, h, w]: 0 there and, joint by joint, in the box of a person whose joint is not
            labelled; but 1 on the blobs of labelled joints;
            "regressions" [2K, h, w], "regression_weights" [K, h, w]: round the centres, x and y of each joint in turn;
            "offsets" [2K, h, w], "offset_weights" [K, h, w]: round the joints.

        Raises:
            InputError: If the arrays do not belong together.
        """
        people = len(keypoints)
        shapes = (
            np.shape(keypoints),
            np.shape(visible),
            (people, 4) if boxes is None else np.shape(boxes),
        )
        joints = self.skeleton.num_joints
        if shapes != ((people, joints, 2), (people, joints), (people, 4)):
            raise InputError(
                f"expected keypoints [P, {joints}, 2], visible [P, {joints}] and boxes [P, 4], got {shapes}"
            )
        labelled = np.asarray(visible) > 0
        # An unlabelled joint's coordinates may be anything, NaN included.
        points = np.where(labelled[..., None], keypoints, -1.0) / self.stride
        corners = targets.around(points, labelled)
        if boxes is not None:
            boxes = np.asarray(boxes, np.float64) / self.stride
            corners = np.hstack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]])
        order = np.argsort(targets.areas(corners), kind="stable")
        points, labelled, corners = points[order], labelled[order], corners[order]
        cells = np.floor(points)
        known = labelled & targets.on_map(cells, self.map_size)  # [P, K]
        drawn = known.any(axis=1)  # [P]
        centers = np.where(
            drawn[:, None], self._center_cells(points, known, corners), -1.0
        )  # [P, 2]
        draw, center_widths, widths = self._kernel(targets.around(points, known), corners)
        center_map = targets.highest(draw(centers, self.map_size, center_widths), drawn[:, None])
        heatmaps = targets.highest(
            draw(cells.reshape(-1, 2), self.map_size, np.repeat(widths, joints)), known
        )
        # A person's centre is the anchor of all its joints' regressions.
        anchors = np.repeat(centers[:, None], joints, axis=1)
        moves, moves_known = targets.spread(
            anchors, cells, known, self.map_size, self.regression_radius
        )
        offsets, offsets_known = targets.spread(
            cells, points, known, self.map_size, self.offset_radius
        )
        regions = targets.touched(corners, self.map_size)
        return {
            "centers": center_map,
            "center_weights": targets.outside(regions, ~drawn[:, None], center_map),
            "heatmaps": heatmaps,
            "heatmap_weights": targets.outside(regions, ~known, heatmaps),
            "regressions": self._scaled(moves, 1 / self._unit),
            "regression_weights": moves_known,
            "offsets": offsets,
            "offset_weights": offsets_known,
        }

    def decode(self, maps: Mapping[str, np.ndarray]) -> list[Poses]:
        """Finds people.

        Args:
            maps: "centers" [N, 1, h, w] and "heatmaps" [N, K, h, w] as probabilities, "regressions" and "offsets"
                [N, 2K, h, w].

        Returns:
            N Poses in input px, best first. Scores are the heatmaps' at the joints' cells. A person's score is their mean,
            where there may be several times the centre's.

        Raises:
            InputError: If a map has another shape.
        """
        joints, (width, height) = self.skeleton.num_joints, self.map_size
        wanted = {name: np.asarray(maps[name], np.float64) for name in _NAMES}
        self._check_shapes({name: values.shape for name, values in wanted.items()})
        regressions = self._scaled(wanted["regressions"], self._unit)
        pairs = (len(regressions), joints, 2, height, width)
        moves, offsets = regressions.reshape(pairs), wanted["offsets"].reshape(pairs)
        return [
            self._people(*of_one)
            for of_one in zip(
                wanted["centers"][:, 0], wanted["heatmaps"], moves, offsets, strict=True
            )
        ]

    def output_spec(self, shapes: Mapping[str, tuple[int, ...]]) -> tuple[OutputSpec, ...]:
        """Returns what the four maps contain.

        Args:
            shapes: Shapes of the maps as for `decode`.

        Raises:
            InputError: If a map has another shape.
        """
        self._check_shapes(shapes)
        unit = "map side" if self.regression_unit == "map" else "cell"
        channels = {"centers": "1", "heatmaps": "K", "regressions": "2K", "offsets": "2K"}
        units = {"regressions": unit, "offsets": "cell"}
        return tuple(
            OutputSpec(
                name=name,
                axes=("N", channels[name], "h", "w"),
                meaning=_MEANINGS[name],
                unit=units.get(name),
                stride=self.stride,
                cell=(float(self.stride), float(self.stride)),
            )
            for name in self.outputs
        )

    def describe(self) -> str:
        """Returns how many people are found, and from which centre on."""
        if self.max_persons == 1:
            return "the most central person"
        return f"up to {self.max_persons} people with a centre above {self.center_threshold:g}"

    def visualize(self, maps: Mapping[str, np.ndarray]) -> Maps:
        """Returns one image's centres, every joint's heatmap, and how far its regressions and offsets lead (1 = furthest)."""
        heatmaps = dict(zip(self.skeleton.joints, np.asarray(maps["heatmaps"]), strict=True))
        moves = {
            name: targets.lengths(np.asarray(maps[name])) for name in ("regressions", "offsets")
        }
        return {"centers": np.asarray(maps["centers"])[0], **heatmaps, **moves}

    def mirror(self, maps: Maps, shift: bool) -> Maps:
        """Returns the maps of mirrored images in the unmirrored frame.

        For images mirrored pixel by pixel (x -> W-1-x) this is exact: cell c becomes w-1-c, the place in it (s-1)/s minus
        itself (s px in a cell), and decoding finds the same places. `encode` agrees for joints at whole px; one within the last
        px of a cell, between s-1 and s, lies in the neighbouring cell of the mirrored image.

        Args:
            maps: "centers", "heatmaps", "regressions" and "offsets" as for `decode`.
            shift: changes nothing; cells mirror onto cells here.
        """
        joints, (width, height) = self.skeleton.num_joints, self.map_size
        order = list(self.skeleton.flip)

        def pairs(name: str) -> np.ndarray:
            return maps[name].reshape(-1, joints, 2, height, width)[:, order, ..., ::-1]

        moves, offsets = pairs("regressions").copy(), pairs("offsets").copy()
        moves[:, :, 0] *= -1
        offsets[:, :, 0] = (self.stride - 1) / self.stride - offsets[:, :, 0]
        return {
            "centers": maps["centers"][..., ::-1],
            "heatmaps": maps["heatmaps"][:, order, :, ::-1],
            "regressions": moves.reshape(maps["regressions"].shape),
            "offsets": offsets.reshape(maps["offsets"].shape),
        }

    def _check_shapes(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Refuses maps of other shapes than those of `decode`."""
        joints, (width, height) = self.skeleton.num_joints, self.map_size
        channels = {
            "centers": 1,
            "heatmaps": joints,
            "regressions": 2 * joints,
            "offsets": 2 * joints,
        }
        for name, count in channels.items():
            if shapes[name] != (shapes["centers"][0], count, height, width):
                raise InputError(
                    f"expected {name} {['N', count, height, width]}, got {list(shapes[name])}"
                )

    def _center_cells(
        self, points: np.ndarray, known: np.ndarray, corners: np.ndarray
    ) -> np.ndarray:
        """Returns the cells [P, 2] of people's centres, moved onto the map."""
        size = np.array(self.map_size)
        if self.center == "box":
            places = np.clip(corners.reshape(-1, 2, 2), 0, size).mean(axis=1)
        else:
            count = np.maximum(known.sum(axis=1), 1)[:, None]
            places = (points * known[..., None]).sum(axis=1) / count
        cells: np.ndarray = np.clip(np.floor(places), 0, size - 1)
        return cells

    def _kernel(
        self, seen: np.ndarray, corners: np.ndarray
    ) -> tuple[Callable[..., np.ndarray], np.ndarray, np.ndarray]:
        """Returns how blobs are drawn, and the widths [P] of centres and of joints, from the boxes of joints and of people."""
        boxes = corners if self.kernel == "gaussian" else seen
        area = targets.areas(boxes) / np.prod(self.map_size)
        if self.kernel == "gaussian":
            sigmas = np.clip(self.sigma * np.sqrt(area), self.min_sigma, self.sigma)
            return targets.blobs, sigmas, sigmas
        radii = 4.0 + (area >= 0.16) + (area >= 0.3)
        return targets.fire717_blobs, radii + 1, radii

    def _scaled(self, moves: np.ndarray, factor: np.ndarray) -> np.ndarray:
        """Returns regressions [..., 2K, h, w] times a factor for x and one for y."""
        factors = np.tile(factor, self.skeleton.num_joints)[:, None, None]
        scaled: np.ndarray = (moves * factors).astype(moves.dtype)
        return scaled

    def _people(
        self, centers: np.ndarray, heatmaps: np.ndarray, moves: np.ndarray, offsets: np.ndarray
    ) -> Poses:
        """Returns the people in one sample's maps: [h, w], [K, h, w], [K, 2, h, w], [K, 2, h, w]."""
        if self.max_persons == 1:
            cells, chances = search.most_central(centers), np.ones(1)
        else:
            cells, chances = search.peaks(centers, self.center_threshold, self.max_persons)
        joints = cells[:, None] + moves[:, :, cells[:, 1], cells[:, 0]].transpose(
            2, 0, 1
        )  # [P, K, 2]
        if self.max_persons == 1:
            found = search.nearby(heatmaps, joints)
        else:
            found = search.nearby(heatmaps, *search.within_person(joints, self.map_size))
        slots, x, y = np.arange(len(heatmaps)), found[..., 0], found[..., 1]
        scores = heatmaps[slots, y, x]
        person_scores = chances * scores.mean(axis=1)
        order = np.argsort(-person_scores, kind="stable")
        keypoints = (found + offsets[slots, :, y, x]) * self.stride
        return Poses(keypoints[order], scores[order], person_scores[order])
