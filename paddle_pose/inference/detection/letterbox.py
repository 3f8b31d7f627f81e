"""How an image becomes the input of a detector: resized with its proportions, padded, normalised.

Source: nanodet (RangiLyu), YOLOX (Megvii), RTMDet (mmdetection), Ultralytics, each for its own constants.
Checked against: stored inputs and boxes (tests/parity/test_detectors.py) for NanoDet and YOLOX; RTMDet and Ultralytics follow
    their sources, no file of theirs was at hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np


@dataclass(frozen=True)
class Placement:
    """The place of an image on the input.

    Attributes:
        scale: Input px of one image px.
        offset: (x, y) of the image's upper left corner in input px.
    """

    scale: float
    offset: tuple[int, int]

    def to_image(self, corners: np.ndarray) -> np.ndarray:
        """Returns corners [D, 4] (x0, y0, x1, y1) in image px of those in input px.

        Example:
            >>> Placement(0.5, (0, 10)).to_image(np.array([[5.0, 15.0, 10.0, 20.0]]))
            array([[10., 10., 20., 20.]])
        """
        in_image: np.ndarray = (corners - np.tile(self.offset, 2)) / self.scale
        return in_image


@dataclass(frozen=True)
class Preprocessing:
    """The convention of a family of detectors for its input.

    Attributes:
        channels: Order of the input's channels.
        mean: Subtracted from the values 0..255, in that order.
        deviation: Divisor of the differences, in that order.
        pad: Value 0..255 of the padding, which is normalised too.
        position: Place of the image on the input.
        rounding: Rounding of the resized image's sides to whole px.
    """

    channels: Literal["BGR", "RGB"]
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    deviation: tuple[float, float, float] = (1.0, 1.0, 1.0)
    pad: int = 114
    position: Literal["top left", "centre"] = "top left"
    rounding: Literal["nearest", "down"] = "nearest"

    def __str__(self) -> str:
        values = (
            "0..255"
            if self.deviation == (1.0, 1.0, 1.0)
            else "0..1"
            if not any(self.mean)
            else "normalised"
        )
        return f"{self.channels} {values}, padded with {self.pad} ({self.position})"

    def __call__(
        self, image: np.ndarray, input_size: tuple[int, int]
    ) -> tuple[np.ndarray, Placement]:
        """Returns the input, float32 [1, 3, H, W], and the image's place on it.

        Args:
            image: uint8 RGB [h, w, 3].
            input_size: (W, H).
        """
        canvas, placement = self.canvas(image, input_size)
        if self.channels == "BGR":
            canvas = canvas[..., ::-1]
        mean, deviation = (
            np.array(values, np.float32)[:, None, None] for values in (self.mean, self.deviation)
        )
        channels = np.ascontiguousarray(canvas.transpose(2, 0, 1))
        return ((channels - mean) / deviation)[None], placement

    def canvas(
        self, image: np.ndarray, input_size: tuple[int, int]
    ) -> tuple[np.ndarray, Placement]:
        """Returns the padded image, uint8 RGB [H, W, 3], and the image's place on it; arguments as above.

        Example:
            >>> canvas, placement = YOLOX_PREPROCESSING.canvas(np.zeros((50, 100, 3), np.uint8), (64, 64))
            >>> canvas.shape, int(canvas[31, 0, 0]), int(canvas[32, 0, 0]), placement
            ((64, 64, 3), 0, 114, Placement(scale=0.64, offset=(0, 0)))
        """
        height, width = image.shape[:2]
        scale = min(input_size[0] / width, input_size[1] / height)
        whole = int if self.rounding == "down" else round
        inner = (max(1, whole(width * scale)), max(1, whole(height * scale)))
        offset = (0, 0)
        if self.position == "centre":  # half a pixel goes right and down
            offset = ((input_size[0] - inner[0]) // 2, (input_size[1] - inner[1]) // 2)
        canvas = np.full((input_size[1], input_size[0], 3), self.pad, np.uint8)
        resized = cv2.resize(image, inner, interpolation=cv2.INTER_LINEAR)
        canvas[offset[1] : offset[1] + inner[1], offset[0] : offset[0] + inner[0]] = resized
        return canvas, Placement(scale, offset)


_BGR_MEAN, _BGR_DEVIATION = (103.53, 116.28, 123.675), (57.375, 57.12, 58.395)
NANODET_PREPROCESSING = Preprocessing("BGR", _BGR_MEAN, _BGR_DEVIATION, pad=0)
YOLOX_PREPROCESSING = Preprocessing("BGR", rounding="down")
RTMDET_PREPROCESSING = Preprocessing("BGR", _BGR_MEAN, _BGR_DEVIATION, rounding="down")
ULTRALYTICS_PREPROCESSING = Preprocessing("RGB", deviation=(255.0, 255.0, 255.0), position="centre")
