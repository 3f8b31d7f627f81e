"""What a person detector is, and the one that runs a network: letterbox, network, decoder, suppression."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

import numpy as np

from paddle_pose.errors import InputError
from paddle_pose.inference.detection.letterbox import Preprocessing
from paddle_pose.inference.detection.nms import nms

MAX_PEOPLE = 20  # of an image, the best ones; this project's choice

Network = Callable[[np.ndarray], Mapping[str, np.ndarray]]
"""float32 [1, 3, H, W] -> outputs by name."""


class Detections(NamedTuple):
    """The people of one image, best first.

    Attributes:
        boxes: [D, 4] float64 (x, y, width, height) in image px; width and height are positive.
        scores: [D] float64, 0..1.
    """

    boxes: np.ndarray
    scores: np.ndarray


Detector = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""A function from a uint8 RGB image [h, w, 3] to the boxes [D, 4] (x, y, width, height) in image px of its people and their
scores [D], the best first; `Detections` is such a pair."""


class BoxDecoder(Protocol):
    """The convention of a family of networks: how their outputs are read."""

    @property
    def min_score(self) -> float:
        """Score that a person must exceed unless another is asked for."""

    @property
    def nms_iou(self) -> float | None:
        """IoU above which the worse of two boxes is suppressed; None where the network has done it."""

    def decode(
        self, outputs: Mapping[str, np.ndarray], input_size: tuple[int, int]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns all candidates: corners [M, 4] (x0, y0, x1, y1) in input px, and scores [M] of being a person.

        Args:
            outputs: Outputs of the network for one image, by name.
            input_size: (width, height) of its input.
        """


class PersonDetector:
    """A detector made of a network and the conventions of its family.

    Args:
        network: Function from float32 [1, 3, H, W] to the outputs by name; an ONNX file or any other engine.
        input_size: (width, height) of the network's input.
        preprocessing: Convention of the family for its input.
        decoder: Convention of the family for its outputs.
        min_score: Score that a person must exceed; None takes the decoder's.
        nms_iou: IoU above which the worse of two boxes is suppressed; None takes the decoder's.
        max_people: Largest number of people, the best ones.

    Attributes:
        min_score: Score that a person must exceed.
        nms_iou: IoU above which the worse of two boxes is suppressed; None where the network has done it.

    The other arguments are attributes of the same names.

    Raises:
        InputError: If `min_score` or `nms_iou` is outside 0..1, or `max_people` below 1.

    Example:
        >>> from paddle_pose.inference.detection.letterbox import YOLOX_PREPROCESSING
        >>> from paddle_pose.inference.detection.ready_boxes import EndToEndDecoder
        >>> def network(images):
        ...     return {"output": np.array([[[16.0, 8, 32, 64, 0.9, 0], [0, 0, 8, 8, 0.1, 0]]])}
        >>> detector = PersonDetector(network, (64, 64), YOLOX_PREPROCESSING, EndToEndDecoder())
        >>> detector(np.zeros((128, 128, 3), np.uint8)).boxes
        array([[ 32.,  16.,  32., 112.]])
    """

    def __init__(
        self,
        network: Network,
        input_size: tuple[int, int],
        preprocessing: Preprocessing,
        decoder: BoxDecoder,
        *,
        min_score: float | None = None,
        nms_iou: float | None = None,
        max_people: int = MAX_PEOPLE,
    ) -> None:
        self.decoder = decoder
        self.min_score = decoder.min_score if min_score is None else min_score
        self.max_people = max_people
        self.nms_iou = decoder.nms_iou if nms_iou is None else nms_iou
        self.network = network
        self.input_size = input_size
        self.preprocessing = preprocessing
        for name, value in (("min_score", self.min_score), ("nms_iou", self.nms_iou)):
            if value is not None and not 0 <= value <= 1:
                raise InputError(f"{name} is {value}, expected a number from 0 to 1")
        if max_people < 1:
            raise InputError(f"max_people is {max_people}, expected at least 1")

    def __call__(self, image: np.ndarray) -> Detections:
        """Returns the people of an image, best first.

        Args:
            image: uint8 RGB [h, w, 3].

        Raises:
            InputError: If the image is not uint8 [h, w, 3].
        """
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
            raise InputError(
                f"expected an image as uint8 RGB [h, w, 3], got {image.dtype} {list(image.shape)}"
            )
        pixels, placement = self.preprocessing(image, self.input_size)
        corners, scores = self.decoder.decode(self.network(pixels), self.input_size)
        sure = scores > self.min_score  # False for NaN
        corners = placement.to_image(np.asarray(corners[sure], np.float64))
        scores = np.asarray(scores[sure], np.float64)
        corners = np.clip(corners, 0, np.tile(image.shape[1::-1], 2))
        whole = (corners[:, 2:] > corners[:, :2]).all(axis=1)
        corners, scores = corners[whole], scores[whole]
        order = (
            np.argsort(-scores, kind="stable")
            if self.nms_iou is None
            else nms(corners, scores, self.nms_iou)
        )
        best = order[: self.max_people]
        corners = corners[best]
        return Detections(
            np.hstack([corners[:, :2], corners[:, 2:] - corners[:, :2]]), scores[best]
        )
