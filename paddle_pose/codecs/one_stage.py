"""Codec of networks that detect people and their joints in one pass (YOLO-pose, RTMO, MultiPose).

Such networks are files of other programs that this project runs and does not train. Their outputs
differ; `inference.foreign_pose` brings them into the form that is decoded here.

Source: the usual post-processing of YOLO-pose (Maji et al., CVPR 2022): candidates above a score,
    greedy NMS of their boxes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from paddle_pose.codecs.base import Codec, Maps, OutputSpec
from paddle_pose.codecs.nms import nms
from paddle_pose.errors import InputError
from paddle_pose.ranges import Range, Share, Side
from paddle_pose.skeletons import COCO_17, Skeleton
from paddle_pose.structures import Poses

_BOX = ("x0", "y0", "x1", "y1", "score")
_JOINT = ("x", "y", "score")


@dataclass(frozen=True)
class OneStageCodec(Codec):
    """Decoder of candidates with a box, a score and K joints each; it encodes nothing.

    Attributes:
        skeleton: Skeleton that defines the K joints.
        input_size: (width, height) of the network's input in px.
        min_score: Score that a person must exceed.
        nms_iou: IoU of two boxes above which the person with the lower score is left out; 1 leaves
            out nobody, for networks that did it themselves.
        max_persons: Highest number of people in a window, those with the highest scores.
        border: Grey level of input px outside the image, with which the network was trained.
        outputs: Names of the network's outputs in their order.

    Raises:
        InputError: If the value of a field lies outside its range.

    Example:
        >>> codec = OneStageCodec(input_size=(64, 64))
        >>> rows = np.zeros((1, 2, 56))
        >>> rows[0, :, :5] = [[8, 8, 40, 60, 0.9], [8, 8, 40, 59, 0.8]]
        >>> (poses,) = codec.decode({"people": rows})
        >>> poses.person_scores, poses.keypoints.shape
        (array([0.9]), (1, 17, 2))
    """

    kind: ClassVar[str] = "one_stage"
    trainable: ClassVar[bool] = False

    skeleton: Skeleton = COCO_17
    input_size: tuple[Side, Side] = (640, 640)
    min_score: Share = 0.25
    nms_iou: Share = 0.7
    max_persons: Annotated[int, Range(1, 1000)] = 20
    border: Annotated[int, Range(0, 255)] = 114
    outputs: tuple[str, ...] = ("people",)

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
        raise InputError("codec one_stage reads outputs of networks that this project cannot train")

    def decode(self, maps: Mapping[str, np.ndarray]) -> list[Poses]:
        """Returns the people above `min_score` after NMS, highest score first.

        Args:
            maps: "people" [N, A, 5 + 3K] of A candidates: (x0, y0, x1, y1) of the box in input px,
                its score, then x, y and score of each joint.

        Returns:
            N `Poses` in input px with the boxes. The score of a person is that of the box.

        Raises:
            InputError: If the candidates have a different shape.
        """
        people = np.asarray(maps["people"], np.float64)
        self._check_shape(people.shape)
        return [self._poses(rows[rows[:, 4] > self.min_score]) for rows in people]

    def mirror(self, maps: Maps, shift: bool) -> Maps:
        """Raises an error: the candidates of two images cannot be averaged.

        Args:
            maps: Ignored.
            shift: Ignored.

        Raises:
            InputError: Always.
        """
        raise InputError(
            "no flip test: people of an image and of its mirror image cannot be averaged; leave "
            "val.flip at false"
        )

    def output_spec(self, shapes: Mapping[str, tuple[int, ...]]) -> tuple[OutputSpec, ...]:
        """Returns the description of the candidates.

        Args:
            shapes: Shape (N, A, 5 + 3K) of "people".

        Raises:
            InputError: If the shape does not match the codec.
        """
        self._check_shape(shapes["people"])
        joints = self.skeleton.joints
        columns = (*_BOX, *(f"{joint} {value}" for joint in joints for value in _JOINT))
        return (OutputSpec("people", ("N", "P", "C"), unit="input px", columns=columns),)

    def describe(self) -> str:
        """Returns the decoding method with its thresholds."""
        return f"score above {self.min_score}, NMS above IoU {self.nms_iou}"

    def _poses(self, rows: np.ndarray) -> Poses:
        """Returns the people of candidates [M, 5 + 3K]."""
        kept = rows[nms(rows[:, :4], rows[:, 4], self.nms_iou)[: self.max_persons]]
        joints = kept[:, 5:].reshape(-1, self.skeleton.num_joints, 3)
        boxes = np.hstack([kept[:, :2], kept[:, 2:4] - kept[:, :2]])
        return Poses(joints[..., :2], joints[..., 2], kept[:, 4], boxes=boxes)

    def _check_shape(self, shape: tuple[int, ...]) -> None:
        """Raises InputError if the shape of the candidates is not [N, A, 5 + 3K]."""
        columns = len(_BOX) + 3 * self.skeleton.num_joints
        if len(shape) != 3 or shape[2] != columns:
            raise InputError(f"expected people of shape [N, A, {columns}], got {list(shape)}")
