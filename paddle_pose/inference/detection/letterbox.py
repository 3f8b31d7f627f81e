"""Preprocessing of detectors: an image is resized with its aspect ratio, padded and normalised.

Source: nanodet (RangiLyu), YOLOX (Megvii), RTMDet (mmdetection) and Ultralytics, each for its own
    constants.
Checked against: stored inputs and boxes of NanoDet and YOLOX (tests/parity/test_detectors.py).
    RTMDet and Ultralytics follow their sources; no file of theirs was available.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np


@dataclass(frozen=True)
class Placement:
    """Scale and position of an image in the input of a network.

    Attributes:
        scale: Input px per image px.
        offset: (x, y) of the image's upper left corner in input px.
    """

    scale: float
    offset: tuple[int, int]

    def to_image(self, corners: np.ndarray) -> np.ndarray:
        """Returns corners (x0, y0, x1, y1) in image px, [D, 4].

        Args:
            corners: (x0, y0, x1, y1) in input px, [D, 4].

        Example:
            >>> Placement(0.5, (0, 10)).to_image(np.array([[5.0, 15.0, 10.0, 20.0]]))
            array([[10., 10., 20., 20.]])
        """
        in_image: np.ndarray = (corners - np.tile(self.offset, 2)) / self.scale
        return in_image


@dataclass(frozen=True)
class Preprocessing:
    """Preprocessing of one family of detectors: a function from an image to the network's input.

    The image is resized with its aspect ratio so that it just fits, padded, and normalised.

    Attributes:
        channels: Order of the input's channels.
        mean: Mean 0..255 that is subtracted from each channel, in the order of `channels`.
        deviation: Divisor of each channel after that, in the order of `channels`.
        pad: Value 0..255 of the padding in all channels, which is normalised like the image.
        position: Position of the image in the input: at the upper left, or in the middle.
        rounding: Rounding of the resized image's sides to whole px.
    """

    channels: Literal["BGR", "RGB"]
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    deviation: tuple[float, float, float] = (1.0, 1.0, 1.0)
    pad: int = 114
    position: Literal["top left", "centre"] = "top left"
    rounding: Literal["nearest", "down"] = "nearest"

    def __str__(self) -> str:
        is_scaled = self.deviation != (1.0, 1.0, 1.0)
        scaled = "normalised" if any(self.mean) else "0..1"
        values = scaled if is_scaled else "0..255"
        return f"{self.channels} {values}, padded with {self.pad} ({self.position})"

    def __call__(
        self, image: np.ndarray, input_size: tuple[int, int]
    ) -> tuple[np.ndarray, Placement]:
        """Returns the network's input, float32 [1, 3, H, W], and the image's placement in it.

        Args:
            image: uint8 RGB [h, w, 3].
            input_size: (width, height) of the network's input in px.
        """
        canvas, placement = self.canvas(image, input_size)
        if self.channels == "BGR":
            canvas = canvas[..., ::-1]
        mean = np.array(self.mean, np.float32)[:, None, None]
        deviation = np.array(self.deviation, np.float32)[:, None, None]
        channels = np.ascontiguousarray(canvas.transpose(2, 0, 1))
        return ((channels - mean) / deviation)[None], placement

    def canvas(
        self, image: np.ndarray, input_size: tuple[int, int]
    ) -> tuple[np.ndarray, Placement]:
        """Returns the resized and padded image, uint8 RGB [H, W, 3], and the image's placement.

        Args:
            image: uint8 RGB [h, w, 3].
            input_size: (width, height) of the network's input in px.

        Example:
            >>> image = np.zeros((50, 100, 3), np.uint8)
            >>> canvas, placement = YOLOX_PREPROCESSING.canvas(image, (64, 64))
            >>> canvas.shape, int(canvas[31, 0, 0]), int(canvas[32, 0, 0]), placement
            ((64, 64, 3), 0, 114, Placement(scale=0.64, offset=(0, 0)))
        """
        height, width = image.shape[:2]
        scale = min(input_size[0] / width, input_size[1] / height)
        rounded = int if self.rounding == "down" else round
        inner = (max(1, rounded(width * scale)), max(1, rounded(height * scale)))
        offset = (0, 0)
        if self.position == "centre":  # an odd pixel of padding is at the right and below
            offset = ((input_size[0] - inner[0]) // 2, (input_size[1] - inner[1]) // 2)
        canvas = np.full((input_size[1], input_size[0], 3), self.pad, np.uint8)
        resized = cv2.resize(image, inner, interpolation=cv2.INTER_LINEAR)
        canvas[offset[1] : offset[1] + inner[1], offset[0] : offset[0] + inner[0]] = resized
        return canvas, Placement(scale, offset)


_BGR_MEAN = (103.53, 116.28, 123.675)
_BGR_DEVIATION = (57.375, 57.12, 58.395)
NANODET_PREPROCESSING = Preprocessing("BGR", _BGR_MEAN, _BGR_DEVIATION, pad=0)
YOLOX_PREPROCESSING = Preprocessing("BGR", rounding="down")
RTMDET_PREPROCESSING = Preprocessing("BGR", _BGR_MEAN, _BGR_DEVIATION, rounding="down")
ULTRALYTICS_PREPROCESSING = Preprocessing("RGB", deviation=(255.0, 255.0, 255.0), position="centre")
