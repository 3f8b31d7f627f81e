"""Readers: how much of an image is read for a window on it.

A reader answers pixels and the matrix from image px to them, so that every reader shows the same place; they differ in speed
and in the last grey levels. Evaluation reads whole images; training may read less.
"""

from __future__ import annotations

import hashlib
import logging
import struct
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from paddle_pose import geometry
from paddle_pose.errors import InputError
from paddle_pose.geometry import Window
from paddle_pose.io import atomic, images
from paddle_pose.structures import Sample

Reader = Callable[[Sample, Window], tuple[np.ndarray, np.ndarray]]
"""(sample, the window to be shown, in image px) -> uint8 RGB [h, w, 3] and [2, 3] from image px to these pixels."""

_log = logging.getLogger("paddle_pose")


def read_whole(sample: Sample, window: Window) -> tuple[np.ndarray, np.ndarray]:
    """Reads the whole image: the reader of evaluation."""
    return images.read(sample.image_path)


@dataclass(frozen=True)
class ReducedReader:
    """Decodes a JPEG at a half, a quarter or an eighth of its size where the window has the pixels to spare.

    Attributes:
        input_size: (width, height) of the network's input; at least one pixel is read for each of its px.

    Example:
        >>> ReducedReader((256, 256)).reduction(Window((0.0, 0.0), (800.0, 800.0)))
        2
    """

    input_size: tuple[int, int]

    def reduction(self, window: Window) -> int:
        """Returns 1, 2, 4 or 8."""
        detail = min(side / px for side, px in zip(window.size, self.input_size, strict=True))
        return max(factor for factor in (1, 2, 4, 8) if factor <= max(1.0, detail))

    def __call__(self, sample: Sample, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """Reads the image for a window."""
        return images.read(sample.image_path, self.reduction(window))


class CropCache:
    """Keeps generous crops round the samples' own windows on disk, and reads them instead of the images.

    A crop shows `MARGIN` times the sample's window with `DETAIL` pixels for each px of the input, stored as JPEG stores
    colours (4:2:0) but not compressed: three bytes for two pixels, read in a fraction of the time that decoding takes. A window
    that looks beyond its sample's crop is read from the image. Every file appears whole or not at all, under a name that
    depends on the image's own time and size, so several processes may share a folder and a changed image is read anew.
    The first sight of a sample shows the stored crop too: what a training sees does not depend on what the folder held,
    as long as the folder may hold all of it.
    """

    MARGIN, DETAIL = 2.0, 1.25
    _HEADER = struct.Struct(
        "<4s6d2I"
    )  # magic; [2, 3] image px -> stored px by rows; width and height in px
    _CHECKSUM = struct.Struct("<I")  # CRC-32 of all that is before it, at the end
    _MAGIC = b"PPC3"
    _COUNT_AGAIN = 256  # files written before those of other processes are counted again

    def __init__(self, folder: Path, input_size: tuple[int, int], max_bytes: float) -> None:
        """Takes the folder, made where it is missing.

        Args:
            folder: of the crops; may be shared and kept between runs.
            input_size: (width, height) of the network's input.
            max_bytes: of all crops together; what does not fit is read from the images.

        Raises:
            OSError: If the folder cannot be made.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._input_size, self._max_bytes = folder, input_size, max_bytes
        self._direct = ReducedReader(input_size)
        self._lock, self._written, self._reported_full = threading.Lock(), 0, False
        self._bytes = self._bytes_on_disk()

    def __call__(self, sample: Sample, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """Reads what a window shows, from the sample's crop where that holds it."""
        region = sample.window.scaled(self.MARGIN)
        if not _inside(window, region):
            return self._direct(sample, window)
        path = self._path(sample)
        stored = self._load(path)
        if stored is not None:
            return stored
        if not self._has_room():
            return self._direct(sample, window)
        content = self._crop(sample, region)
        self._store(path, content)
        return self._unpacked(content, path)

    def _path(self, sample: Sample) -> Path:
        """Returns the file of a sample's crop."""
        image = sample.image_path
        try:
            status = image.stat()
        except FileNotFoundError as problem:
            raise FileNotFoundError(f"{image}: not found") from problem
        window = sample.window
        source = (
            str(image.resolve()),
            status.st_mtime_ns,
            status.st_size,
            window.center,
            window.size,
        )
        shape = (self._input_size, self.MARGIN, self.DETAIL, self._MAGIC)
        name = hashlib.sha256(repr((source, shape)).encode()).hexdigest()[:32]
        return self._folder / name[:2] / f"{name}.crop"

    def _crop(self, sample: Sample, region: Window) -> bytes:
        """Returns a file's content."""
        stored_size = tuple(round(self.MARGIN * self.DETAIL * px) for px in self._input_size)
        reduction = ReducedReader((stored_size[0], stored_size[1])).reduction(region)
        pixels, image_to_pixels = images.read(sample.image_path, reduction)
        detail = min(
            1.0, stored_size[0] / (region.size[0] * image_to_pixels[0, 0])
        )  # never enlarged
        left, top, right, bottom = _bounds(region, image_to_pixels)
        (left, right), (top, bottom) = (
            _even(left, right, pixels.shape[1]),
            _even(top, bottom, pixels.shape[0]),
        )
        part = np.ascontiguousarray(pixels[top:bottom, left:right])
        if not part.size:  # the region lies beside the image: four black pixels, everything else is black round them
            part, left, top = np.zeros((2, 2, 3), np.uint8), -3, -3
        height, width = part.shape[:2]
        size = (max(2, 2 * round(width * detail / 2)), max(2, 2 * round(height * detail / 2)))
        small = (
            cv2.resize(part, size, interpolation=cv2.INTER_AREA)
            if size != (width, height)
            else part
        )
        across, down = size[0] / width, size[1] / height
        to_part = np.array([[1.0, 0, -left], [0, 1, -top]])
        to_small = np.array([[across, 0, (across - 1) / 2], [0, down, (down - 1) / 2]])
        matrix = geometry.compose(to_small, geometry.compose(to_part, image_to_pixels))
        content = (
            self._HEADER.pack(self._MAGIC, *matrix.ravel(), *size) + _to_planes(small).tobytes()
        )
        return content + self._CHECKSUM.pack(zlib.crc32(content))

    def _unpacked(self, content: bytes, path: Path) -> tuple[np.ndarray, np.ndarray]:
        """Returns a file's pixels and matrix.

        Raises:
            InputError: If the file is damaged.
        """
        start, end = self._HEADER.size, len(content) - self._CHECKSUM.size
        magic, *numbers, width, height = (
            self._HEADER.unpack_from(content) if end > start else (b"", 0, 0)
        )
        is_whole = magic == self._MAGIC and end == start + width * height * 3 // 2
        if not is_whole or self._CHECKSUM.unpack_from(content, end) != (
            zlib.crc32(memoryview(content)[:end]),
        ):
            raise InputError(f"{path}: a damaged file of the crop cache")
        planes = np.frombuffer(content, np.uint8, end - start, start).reshape(-1, width)
        return cv2.cvtColor(planes, cv2.COLOR_YUV2RGB_I420), np.array(numbers).reshape(2, 3)

    def _load(self, path: Path) -> tuple[np.ndarray, np.ndarray] | None:
        """Returns what a file holds; None where it is missing or damaged, so that it is made again."""
        try:
            return self._unpacked(path.read_bytes(), path)
        except FileNotFoundError:
            return None
        except ValueError as problem:
            _log.warning("%s; it is made again", problem)
            return None

    def _has_room(self) -> bool:
        """Tells whether another crop may be stored; says so once where not."""
        with self._lock:
            if self._bytes > self._max_bytes and not self._reported_full:
                self._bytes = (
                    self._bytes_on_disk()
                )  # a crop that two processes made at once was counted twice
            if self._bytes <= self._max_bytes:
                return True
            if not self._reported_full:
                _log.warning(
                    "%s: full at %.1f GB; what is not in it is read as usual",
                    self._folder,
                    self._bytes / 1e9,
                )
                self._reported_full = True
            return False

    def _store(self, path: Path, content: bytes) -> None:
        atomic.write_bytes(path, content)
        with self._lock:
            self._bytes += len(content)
            self._written += 1
            if self._written % self._COUNT_AGAIN == 0:
                self._bytes = self._bytes_on_disk()

    def _bytes_on_disk(self) -> int:
        return sum(
            file.stat().st_size for file in self._folder.glob("*/[!.]*.crop")
        )  # without drafts


def _to_planes(pixels: np.ndarray) -> np.ndarray:
    """Returns RGB [h, w, 3], h and w even, as planes [h * 3 / 2, w] of Y, U, V."""
    height, width = pixels.shape[:2]
    planes = cv2.cvtColor(pixels, cv2.COLOR_RGB2YUV_I420)
    # OpenCV takes the colour of the first of four pixels; the mean of the four lies where the four lie
    mean = (
        cv2.resize(pixels, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
        .repeat(2, axis=0)
        .repeat(2, axis=1)
    )
    planes[height:] = cv2.cvtColor(mean, cv2.COLOR_RGB2YUV_I420)[height:]
    return planes


def _even(first: int, last: int, end: int) -> tuple[int, int]:
    """Returns a range of pixels within 0 .. end, longer by one where its length was odd and there is room."""
    first, last = max(0, first), min(last, end)
    if (last - first) % 2 and last < end:
        last += 1
    elif (last - first) % 2 and first > 0:
        first -= 1
    return first, max(first, last)


def _corners(window: Window) -> np.ndarray:
    """Returns the corners [4, 2] of a window in image px."""
    unit = np.array([[0.0, 0], [1, 0], [1, 1], [0, 1]])
    return geometry.move(unit, window.to_image((1, 1)))


def _inside(window: Window, region: Window) -> bool:
    """Tells whether an upright region shows everything that a window shows, with a pixel to spare for interpolation."""
    offset = np.abs(_corners(window) - np.array(region.center))
    return bool((offset + 1.0 <= np.array(region.size) / 2).all())


def _bounds(region: Window, image_to_pixels: np.ndarray) -> tuple[int, int, int, int]:
    """Returns the first and one past the last pixel (left, top, right, bottom) that an upright region touches."""
    corners = geometry.move(_corners(region), image_to_pixels)
    (left, top), (right, bottom) = np.floor(corners.min(axis=0)), np.ceil(corners.max(axis=0)) + 1
    return int(left), int(top), int(right), int(bottom)
