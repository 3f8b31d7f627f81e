"""Interface of a person detector, and the detector made of a network and a decoder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

import numpy as np

from paddle_pose.codecs.nms import nms
from paddle_pose.errors import InputError
from paddle_pose.inference.detection.letterbox import Preprocessing

MAX_PEOPLE = 20
"""Highest number of people in an image, those with the highest scores; this project's choice."""

Network = Callable[[np.ndarray], Mapping[str, np.ndarray]]
"""Function from the network's input, float32 [1, 3, H, W], to its outputs by name.

The values of the input are as `Preprocessing` prepares them; the outputs are those that the
detector's `BoxDecoder` takes.
"""


class Detections(NamedTuple):
    """The people in one image, highest score first.

    Attributes:
        boxes: (x, y, width, height) in image px, float64 [D, 4]; width and height are positive.
        scores: Scores 0..1 of the boxes, float64 [D].
    """

    boxes: np.ndarray
    scores: np.ndarray


Detector = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""Function from a uint8 RGB image [h, w, 3] to a pair, such as `Detections`, of its people.

The pair is boxes [D, 4] (x, y, width, height) in image px and scores [D], highest score first.
"""


class BoxDecoder(Protocol):
    """Decoder of the outputs of one family of detectors: networks with the same outputs."""

    @property
    def min_score(self) -> float:
        """Score 0..1 that a person must exceed by default."""

    @property
    def nms_iou(self) -> float | None:
        """IoU 0..1 above which the box with the lower score is suppressed.

        None if the network suppresses boxes itself.
        """

    def decode(
        self, outputs: Mapping[str, np.ndarray], input_size: tuple[int, int]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns all candidates: corners [M, 4] (x0, y0, x1, y1) in input px, and scores [M].

        Scores are those of the class of people, 0..1, in any order. `PersonDetector` applies the
        thresholds, suppression and clipping afterwards.

        Args:
            outputs: Outputs of the network for one image, by name, as the network returns them.
            input_size: (width, height) of the network's input in px.
        """


class PersonDetector:
    """Person detector made of a network, a preprocessing and a decoder; a `Detector`.

    The arguments are attributes of the same names.

    Args:
        network: Function from float32 [1, 3, H, W] to the outputs by name, of any engine.
        input_size: (width, height) of the network's input in px.
        preprocessing: Preprocessing that makes the network's input of an image.
        decoder: Decoder of the network's outputs.
        min_score: Score 0..1 that a person must exceed; None for `decoder.min_score`.
        nms_iou: IoU 0..1 above which the box with the lower score is suppressed; None for
            `decoder.nms_iou`, which is None if the network suppresses boxes itself.
        max_people: Highest number of people; those with the highest scores are kept.

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
        """Returns the people in an image, highest score first; boxes are clipped to the image.

        Args:
            image: uint8 RGB [h, w, 3].

        Raises:
            InputError: If the image is not uint8 [h, w, 3], or the decoder does not accept the
                network's outputs.
        """
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
            raise InputError(
                f"expected an image as uint8 RGB [h, w, 3], got {image.dtype} {list(image.shape)}"
            )
        pixels, placement = self.preprocessing(image, self.input_size)
        corners, scores = self.decoder.decode(self.network(pixels), self.input_size)
        is_above = scores > self.min_score  # False for NaN
        corners = placement.to_image(np.asarray(corners[is_above], np.float64))
        scores = np.asarray(scores[is_above], np.float64)
        corners = np.clip(corners, 0, np.tile(image.shape[1::-1], 2))
        not_empty = (corners[:, 2:] > corners[:, :2]).all(axis=1)
        corners = corners[not_empty]
        scores = scores[not_empty]
        order = (
            np.argsort(-scores, kind="stable")
            if self.nms_iou is None
            else nms(corners, scores, self.nms_iou)
        )
        best = order[: self.max_people]
        sizes = corners[best, 2:] - corners[best, :2]
        return Detections(np.hstack([corners[best, :2], sizes]), scores[best])
