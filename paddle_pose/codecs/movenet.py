"""MoveNet codec: any number of people per window, as centres, heatmaps, regressions and offsets.

A joint at input px x lies in the cell floor(x / stride), its offset is x / stride - cell, and it is
decoded as (cell + offset) * stride. (Google's (k + offset) / S, relative to a square input, is the
same point.) A regression points from the cell of the person's centre to the cell of the joint, not
to the sub-cell position of the joint. Decoding the encoded targets therefore gives the exact
keypoints.

Source: Google's MoveNet (blog of 2021, the published TFLite graph, TensorFlow's object detection
    API): the meaning of the maps and the decoding of a single person. fire717/movenet.pytorch and
    its Paddle port on AI Studio: the kernel "fire717", the box centre as the person's centre, and
    regressions that are written to several cells around the centre.
Checked against: `tests/parity/movenet_reference.py`, decoding of a single person in literal float64
    loops; encode -> decode.
Differs: from fire717/movenet.pytorch, whose defects are corrected:
    - There, an unlabelled joint set its whole channel to zero and was trained as absent. Here, the
      loss ignores it in the box of its person. Crowds and people without a labelled joint are
      ignored in the same way; there, they were trained as background.
    - There, the regressions around a centre were mirrored for centres in the left or upper half,
      and offsets were in the wrong row (Paddle port), so that only a single cell was correct or
      used.
    - There, regressions and offsets of all people but the target were zero, although decoding uses
      them if another person is closer to the middle of the map. Here, all people are encoded.
    - There, keypoints were rounded to whole px before the offsets were computed. Here, offsets are
      exact and not multiples of a quarter.
    - There, the right and lower edges of the blobs were missing, and the blobs of several people
      were added up, which moves the peaks. Here, blobs are complete and merged by their maximum.
    - There, decoding truncated regressions towards zero, so that joints to the left of or above the
      centre were one cell too high; heatmap values below 0.1 were set to zero and such joints
      returned as (-1, -1). Here, as in Google's decoding, every joint has a position and a score.
    - There, 48 cells and 17 joints were hard-coded.
    As in Google's multi-person release, people are the peaks of the centres, and a joint is
    searched for around its regressed position with the weighting of the single-person decoding,
    within 0.3 x the longer side of the regressed person. (The release predicts this size with two
    more heads.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np

from paddle_pose.codecs import movenet_maps as maps_of
from paddle_pose.codecs import movenet_search as search
from paddle_pose.codecs import movenet_targets as targets
from paddle_pose.codecs.base import Codec, Maps, OutputSpec, Radius, Sigma, Stride
from paddle_pose.errors import InputError
from paddle_pose.ranges import Range, Share, Side
from paddle_pose.skeletons import COCO_17, Skeleton
from paddle_pose.structures import Poses


@dataclass(frozen=True)
class MoveNetCodec(Codec):
    """Codec between the keypoints of P people and centres, heatmaps, regressions and offsets.

    Attributes:
        skeleton: Skeleton that defines the K joints.
        input_size: (width, height) of the network's input in px.
        stride: Input px per cell.
        kernel: Shape of the target blobs: "gaussian", or "fire717" for exp(-3 d / r) at distance d,
            with a radius r of 4, 5 or 6 cells that depends on the size of the person (one more for
            centres).
        sigma: Standard deviation of the Gaussians in cells for a person that fills the window; it
            decreases with the square root of the area of the person's box.
        min_sigma: Lower limit of that standard deviation in cells.
        center: Definition of a person's centre: "box", the centre of the visible part of the box,
            or "keypoints", the mean of the keypoints (Google).
        regression_unit: Unit of the regressions: "cell", or "map" for fractions of the map's width
            and height (the article on AI Studio).
        regression_radius: Radius in cells around a centre within which its regressions are trained.
            The single-person decoding may select a cell up to 2.24 cells (sigma 2) away from the
            centre of a person that is not in the middle of the window.
        offset_radius: Radius in cells around a joint within which its offset is trained.
        max_persons: Maximum number of people that decoding returns; 1 uses Google's single-person
            decoding, which always returns a person.
        center_threshold: Minimum value of a centre that counts as a person; not used if
            `max_persons` is 1.
        outputs: Names of the network's outputs in their order in exported files.

    Raises:
        InputError: If the value of a field lies outside its range, the input size is not a multiple
            of the stride, or `min_sigma` exceeds `sigma`.

    Example:
        >>> codec = MoveNetCodec(input_size=(96, 64), max_persons=6)
        >>> keypoints = np.random.default_rng(0).uniform(0, 60, (1, 17, 2))
        >>> maps = codec.encode(keypoints, np.ones((1, 17)))
        >>> [maps[name].shape for name in codec.outputs]
        [(1, 16, 24), (17, 16, 24), (34, 16, 24), (34, 16, 24)]
        >>> (poses,) = codec.decode({name: maps[name][None] for name in codec.outputs})
        >>> bool(np.allclose(poses.keypoints, keypoints, atol=1e-5))
        True
    """

    kind: ClassVar[str] = "movenet"
    graph_decoder: ClassVar[str | None] = "paddle_pose.exporting.decoding:MoveNetKeypoints"
    device_targets: ClassVar[str | None] = "paddle_pose.training.movenet_targets:MoveNetTargets"

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
    outputs: tuple[str, ...] = maps_of.NAMES

    def __post_init__(self) -> None:
        """Checks the values of the fields."""
        super().__post_init__()
        if any(side % self.stride for side in self.input_size):
            raise InputError(
                f"codec.input_size={self.input_size} is not a multiple of "
                f"codec.stride={self.stride}"
            )
        if self.min_sigma > self.sigma:
            raise InputError(
                f"codec.min_sigma={self.min_sigma} exceeds codec.sigma={self.sigma}; expected "
                "min_sigma <= sigma"
            )

    @property
    def map_size(self) -> tuple[int, int]:
        """(width, height) of a map in cells."""
        return self.input_size[0] // self.stride, self.input_size[1] // self.stride

    @property
    def _unit(self) -> np.ndarray:
        """Cells per unit of the regressions, [2] (x, y)."""
        return np.array(self.map_size if self.regression_unit == "map" else (1, 1), np.float64)

    def encode(
        self, keypoints: np.ndarray, visible: np.ndarray, boxes: np.ndarray | None = None
    ) -> Maps:
        """Returns the targets of all people in a window.

        People are encoded from the smallest to the largest box area; a cell that belongs to two of
        them gets the values of the larger one. A keypoint outside the window counts as not
        labelled. The box of a person without a labelled keypoint in the window (a crowd, or a
        person who was not annotated) is a region to ignore.

        Args:
            keypoints: Keypoints of the people, [P, K, 2] in input px.
            visible: Visibility of the keypoints, [P, K]; 0 if not labelled.
            boxes: Person boxes, [P, 4] (x, y, width, height) in input px; None uses the boxes
                around the labelled keypoints.

        Returns:
            Target maps, and their weights (0 or 1) in the loss, as float32:

            - "centers" and "center_weights", [1, h, w]. The weight is 0 in regions to ignore,
              except on the blobs of centres.
            - "heatmaps" and "heatmap_weights", [K, h, w]. The weight is 0 in regions to ignore and,
              for each joint, in the boxes of people whose joint is not labelled, except on the
              blobs of labelled joints.
            - "regressions" [2K, h, w], x and y of each joint in turn: the joint's cell minus the
              cell that holds the value, in the unit `regression_unit`; and "regression_weights"
              [K, h, w]. The weight is 1 around the centres, where the joint is labelled.
            - "offsets" [2K, h, w], x and y of each joint in turn: the joint minus the cell that
              holds the value, in cells; and "offset_weights"
              [K, h, w]. The weight is 1 around the joints.

        Raises:
            InputError: If the shapes of the arrays do not match.
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
                f"expected keypoints [P, {joints}, 2], visible [P, {joints}] and boxes [P, 4], "
                f"got {shapes}"
            )
        labelled = np.asarray(visible) > 0
        # The coordinates of unlabelled joints may have any value, including NaN.
        points = np.where(labelled[..., None], keypoints, -1.0) / self.stride
        corners = targets.bounding_boxes(points, labelled)
        if boxes is not None:
            boxes = np.asarray(boxes, np.float64) / self.stride
            corners = np.hstack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]])
        order = np.argsort(targets.areas(corners), kind="stable")
        points = points[order]
        labelled = labelled[order]
        corners = corners[order]
        cells = np.floor(points)
        known = labelled & targets.on_map(cells, self.map_size)  # [P, K]
        is_target = known.any(axis=1)  # [P]
        centers = self._center_cells(points, known, corners)
        centers = np.where(is_target[:, None], centers, -1.0)  # [P, 2]
        draw, center_widths, widths = self._kernel(targets.bounding_boxes(points, known), corners)
        center_blobs = draw(centers, self.map_size, center_widths)
        joint_blobs = draw(cells.reshape(-1, 2), self.map_size, np.repeat(widths, joints))
        center_map = targets.merge_by_maximum(center_blobs, is_target[:, None])
        heatmaps = targets.merge_by_maximum(joint_blobs, known)
        # The regressions of all joints of a person start at the person's centre.
        anchors = np.repeat(centers[:, None], joints, axis=1)
        regressions, regression_weights = targets.vectors_around(
            anchors, cells, known, self.map_size, radius=self.regression_radius
        )
        offsets, offset_weights = targets.vectors_around(
            cells, points, known, self.map_size, radius=self.offset_radius
        )
        regions = targets.covered_cells(corners, self.map_size)
        return {
            "centers": center_map,
            "center_weights": targets.region_weights(regions, ~is_target[:, None], center_map),
            "heatmaps": heatmaps,
            "heatmap_weights": targets.region_weights(regions, ~known, heatmaps),
            "regressions": self._scaled(regressions, 1 / self._unit),
            "regression_weights": regression_weights,
            "offsets": offsets,
            "offset_weights": offset_weights,
        }

    def decode(self, maps: Mapping[str, np.ndarray]) -> list[Poses]:
        """Returns the people in each of N windows.

        Args:
            maps: "centers" [N, 1, h, w] and "heatmaps" [N, K, h, w] as probabilities; "regressions"
                and "offsets" [N, 2K, h, w].

        Returns:
            N `Poses` in input px, highest person score first; exactly one person each if
            `max_persons` is 1. The score of a joint is the value of its heatmap at its cell. The
            score of a person is the mean over the joints, multiplied by the value of the centre if
            `max_persons` > 1.

        Raises:
            InputError: If a map has a different shape.
        """
        joints = self.skeleton.num_joints
        width, height = self.map_size
        arrays = {name: np.asarray(maps[name], np.float64) for name in maps_of.NAMES}
        self._check_shapes({name: values.shape for name, values in arrays.items()})
        regressions = self._scaled(arrays["regressions"], self._unit)
        vector_shape = (len(regressions), joints, 2, height, width)
        samples = zip(
            arrays["centers"][:, 0],
            arrays["heatmaps"],
            regressions.reshape(vector_shape),
            arrays["offsets"].reshape(vector_shape),
            strict=True,
        )
        return [self._people(*sample) for sample in samples]

    def output_spec(self, shapes: Mapping[str, tuple[int, ...]]) -> tuple[OutputSpec, ...]:
        """Returns the descriptions of the four maps, in the order of `outputs`.

        Args:
            shapes: Shapes of the maps by name, as for `decode`.

        Raises:
            InputError: If a shape does not match the codec.
        """
        self._check_shapes(shapes)
        unit = "map side" if self.regression_unit == "map" else "cell"
        channels = {"centers": "1", "heatmaps": "K", "regressions": "2K", "offsets": "2K"}
        units = {"regressions": unit, "offsets": "cell"}
        return tuple(
            OutputSpec(
                name=name,
                axes=("N", channels[name], "h", "w"),
                meaning=maps_of.MEANINGS[name],
                unit=units.get(name),
                stride=self.stride,
                cell=(float(self.stride), float(self.stride)),
            )
            for name in self.outputs
        )

    def describe(self) -> str:
        """Returns a text with the maximum number of people and the threshold of their centres."""
        if self.max_persons == 1:
            return "the most central person"
        return f"up to {self.max_persons} people with a centre above {self.center_threshold:g}"

    def visualize(self, maps: Mapping[str, np.ndarray]) -> Maps:
        """Returns images of the centres, every heatmap, and the lengths of regressions and offsets.

        Args:
            maps: Maps of one image by name, as for `decode` without the batch axis N.

        Returns:
            Images [h, w] with values from 0 to 1 by title: "centers", the name of each joint,
            "regressions" and "offsets". The images of the latter two are the mean length of the
            vectors of all joints in each cell, divided by the largest one.
        """
        return maps_of.images(maps, self.skeleton)

    def mirror(self, maps: Maps, shift: bool) -> Maps:
        """Returns the maps of mirrored images, transformed back to the original images.

        This is exact for images mirrored pixel by pixel (x -> W-1-x): with s = `stride`, cell c
        becomes w-1-c and an offset o becomes (s-1)/s - o, so that decoding returns the mirrored
        keypoints. The result equals the encoded original for joints at whole px; a joint in the
        last px of a cell, with an offset above (s-1)/s, lies in the neighbouring cell of the
        mirrored image.

        Args:
            maps: "centers", "heatmaps", "regressions" and "offsets" as for `decode`, of images
                mirrored pixel by pixel.
            shift: Ignored: the cells of the mirrored maps are aligned already.

        Returns:
            Maps of the same names and shapes.
        """
        return maps_of.mirrored(maps, self.skeleton, self.stride)

    def _check_shapes(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Raises InputError if the maps do not have the shapes stated in `decode`."""
        joints = self.skeleton.num_joints
        width, height = self.map_size
        channels = {
            "centers": 1,
            "heatmaps": joints,
            "regressions": 2 * joints,
            "offsets": 2 * joints,
        }
        for name, count in channels.items():
            if shapes[name] != (shapes["centers"][0], count, height, width):
                raise InputError(
                    f"expected {name} of shape [N, {count}, {height}, {width}], "
                    f"got {list(shapes[name])}"
                )

    def _center_cells(
        self, points: np.ndarray, known: np.ndarray, corners: np.ndarray
    ) -> np.ndarray:
        """Returns the cells [P, 2] of the people's centres, clipped to the map.

        Args:
            points: Keypoints, [P, K, 2] in cells.
            known: Whether a keypoint is labelled and lies on the map, [P, K] bool.
            corners: Person boxes, [P, 4] (left, top, right, bottom) in cells.
        """
        size = np.array(self.map_size)
        if self.center == "box":
            centers = np.clip(corners.reshape(-1, 2, 2), 0, size).mean(axis=1)
        else:
            count = np.maximum(known.sum(axis=1), 1)[:, None]
            centers = (points * known[..., None]).sum(axis=1) / count
        cells: np.ndarray = np.clip(np.floor(centers), 0, size - 1)
        return cells

    def _kernel(
        self, joint_corners: np.ndarray, corners: np.ndarray
    ) -> tuple[Callable[..., np.ndarray], np.ndarray, np.ndarray]:
        """Returns the function that draws blobs, and the widths [P] in cells at centres and joints.

        Args:
            joint_corners: Boxes around each person's joints on the map, [P, 4] (left, top, right,
                bottom) in cells.
            corners: Person boxes, [P, 4] in cells.
        """
        boxes = corners if self.kernel == "gaussian" else joint_corners
        area = targets.areas(boxes) / np.prod(self.map_size)
        if self.kernel == "gaussian":
            sigmas = np.clip(self.sigma * np.sqrt(area), self.min_sigma, self.sigma)
            return targets.blobs, sigmas, sigmas
        radii = 4.0 + (area >= 0.16) + (area >= 0.3)
        return targets.fire717_blobs, radii + 1, radii

    def _scaled(self, regressions: np.ndarray, factor: np.ndarray) -> np.ndarray:
        """Returns regressions [..., 2K, h, w] multiplied by a factor [2] (x, y)."""
        factors = np.tile(factor, self.skeleton.num_joints)[:, None, None]
        scaled: np.ndarray = (regressions * factors).astype(regressions.dtype)
        return scaled

    def _people(
        self,
        centers: np.ndarray,
        heatmaps: np.ndarray,
        regressions: np.ndarray,
        offsets: np.ndarray,
    ) -> Poses:
        """Returns the people in the maps of one sample.

        Args:
            centers: Centres, [h, w].
            heatmaps: Heatmaps, [K, h, w].
            regressions: Regressions, [K, 2, h, w] in cells.
            offsets: Offsets, [K, 2, h, w] in cells.
        """
        if self.max_persons == 1:
            center_cells = search.most_central(centers)
            center_scores = np.ones(1)
        else:
            center_cells, center_scores = search.peaks(
                centers, self.center_threshold, self.max_persons
            )
        vectors = regressions[:, :, center_cells[:, 1], center_cells[:, 0]].transpose(2, 0, 1)
        joints = center_cells[:, None] + vectors  # [P, K, 2]
        if self.max_persons == 1:
            cells = search.nearby(heatmaps, joints)
        else:
            points, max_distance = search.within_person(joints, self.map_size)
            cells = search.nearby(heatmaps, points, max_distance)
        x = cells[..., 0]
        y = cells[..., 1]
        joint = np.arange(len(heatmaps))
        scores = heatmaps[joint, y, x]
        person_scores = center_scores * scores.mean(axis=1)
        order = np.argsort(-person_scores, kind="stable")
        keypoints = (cells + offsets[joint, :, y, x]) * self.stride
        return Poses(keypoints[order], scores[order], person_scores[order])
