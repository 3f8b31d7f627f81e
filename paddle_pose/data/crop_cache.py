"""Readers of images: whole, at a reduced size, or as crops that are cached on disk.

A reader returns pixels, and the matrix from image px to these pixels. A window is therefore warped
to the same place by all readers; they differ in speed and by small differences of grey levels.
Evaluation reads whole images; training may read less.
"""

from __future__ import annotations

import functools
import hashlib
import logging
import math
import struct
import threading
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
"""Function (sample, window to show, in image px) -> (pixels, matrix).

The pixels are uint8 RGB [h, w, 3], or [h, w, 4] with a fourth channel without a meaning: the image
of the sample, or a part of it that contains the window as far as the image does, at any size. The
matrix [2, 3] maps image px to px of this array.
A reader may raise FileNotFoundError or InputError for the image.
"""

_log = logging.getLogger("paddle_pose")


def read_whole(sample: Sample, window: Window) -> tuple[np.ndarray, np.ndarray]:
    """Returns all pixels of a sample's image, and the matrix from image px to them; see `Reader`.

    Args:
        sample: Sample whose image is read.
        window: Ignored.

    Raises:
        FileNotFoundError: If the image is missing.
        InputError: If the image cannot be decoded.
    """
    return images.read(sample.image_path, upright_rule=sample.upright_rule)


@dataclass(frozen=True)
class ReducedReader:
    """Reader that decodes a JPEG at a half, a quarter or an eighth of its size for large windows.

    Images of other formats are read whole.

    Attributes:
        input_size: (width, height) of the network's input in px. An image is reduced only as long
            as the window keeps at least one image pixel per input pixel.

    Example:
        >>> ReducedReader((256, 256)).reduction(Window((0.0, 0.0), (800.0, 800.0)))
        2
    """

    input_size: tuple[int, int]

    def reduction(self, window: Window) -> int:
        """Returns the factor by which width and height are reduced for a window: 1, 2, 4 or 8.

        Args:
            window: Window to show, in image px.
        """
        detail = min(side / px for side, px in zip(window.size, self.input_size, strict=True))
        return max(factor for factor in (1, 2, 4, 8) if factor <= max(1.0, detail))

    def __call__(self, sample: Sample, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """Returns the reduced image, uint8 RGB [h, w, 3], and the matrix [2, 3] to its pixels.

        Args:
            sample: Sample whose image is read.
            window: Window to show, in image px; it gives the reduction only.

        Raises:
            FileNotFoundError: If the image is missing.
            InputError: If the image cannot be decoded.
        """
        return images.read(sample.image_path, self.reduction(window), sample.upright_rule)


class CropCache:
    """Reader that stores a crop around each sample's window on disk, and reads the crop afterwards.

    A crop covers `MARGIN` times the width and height of the sample's window, around the same
    centre, with up to `DETAIL` pixels per input pixel. It is stored uncompressed with JPEG's chroma
    subsampling (4:2:0, three bytes for two pixels), which is read in a fraction of the time that
    decoding takes; only the part that a window shows is converted to RGB. A window that exceeds its
    sample's crop is read from the image.

    Files are written atomically, and their names depend on the modification time and size of the
    image. Several processes may therefore share a folder, and a changed image is read again. The
    first access to a sample returns the stored crop, too, so that training does not depend on what
    the folder already contained, as long as `max_bytes` is enough for all crops.

    Args:
        folder: Folder of the crops, created if it is missing. It may be shared by processes and
            kept between runs.
        input_size: (width, height) of the network's input in px.
        max_bytes: Largest size in bytes of all crops in the folder together; samples whose crops do
            not fit are read from their images, and a warning is logged once.

    Attributes:
        MARGIN: Size of a crop relative to the sample's window.
        DETAIL: Largest number of stored pixels per input pixel, along each axis.

    Raises:
        OSError: If the folder cannot be created.
    """

    MARGIN = 2.0
    DETAIL = 1.25
    # Magic; width and height in px; nothing; matrix [2, 3] from image px to stored px by rows. The
    # pixels follow in NV12 layout: Y [h, w], then U and V [h/2, w/2, 2], then zeros up to a multiple
    # of 8 bytes.
    _HEADER = struct.Struct("<4s2I4x6d")
    # Sum of the 64-bit words before it, at the end of the file: it finds files that are cut short,
    # and changed or empty blocks, in a tenth of the time of a CRC.
    _CHECKSUM = struct.Struct("<Q")
    _MAGIC = b"PPC4"
    _RECOUNT_INTERVAL = 256  # written files after which those of other processes are counted again

    def __init__(self, folder: Path, input_size: tuple[int, int], max_bytes: float) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._input_size = input_size
        self._max_bytes = max_bytes
        self._direct = ReducedReader(input_size)
        self._lock = threading.Lock()
        self._num_written = 0
        self._reported_full = False
        self._bytes = self._bytes_on_disk()

    def __call__(self, sample: Sample, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """Returns pixels that contain a window, and the matrix from image px to them; see `Reader`.

        Several threads may call this at the same time.

        Args:
            sample: Sample whose crop is used; its `window` gives the crop.
            window: Window to show, in image px; beyond the crop the image is read instead.

        Raises:
            FileNotFoundError: If the image is missing.
            InputError: If the image cannot be decoded.
            OSError: If the crop cannot be written.
        """
        region = sample.window.scaled(self.MARGIN)
        if not _inside(window, region):
            return self._direct(sample, window)
        path = self._path(sample)
        stored = self._load(path, window)
        if stored is not None:
            return stored
        if not self._has_room():
            return self._direct(sample, window)
        content = self._crop(sample, region)
        self._store(path, content)
        return self._unpack(content, path, window)

    def _path(self, sample: Sample) -> Path:
        """Returns the path of a sample's crop.

        Raises:
            FileNotFoundError: If the image is missing.
        """
        image = sample.image_path
        try:
            status = image.stat()
        except FileNotFoundError as problem:
            raise FileNotFoundError(f"{image}: not found") from problem
        window = sample.window
        source = (
            _resolved(image.parent),
            image.name,
            status.st_mtime_ns,
            status.st_size,
            window.center,
            window.size,
            None if sample.upright_rule is None else sample.upright_rule.annotated_size(image),
        )
        shape = (self._input_size, self.MARGIN, self.DETAIL, self._MAGIC)
        name = hashlib.sha256(repr((source, shape)).encode()).hexdigest()[:32]
        return self._folder / name[:2] / f"{name}.crop"

    def _crop(self, sample: Sample, region: Window) -> bytes:
        """Returns the content of a crop's file.

        Args:
            sample: Sample whose image is read.
            region: Upright part of the image to store, in image px.
        """
        stored_size = tuple(round(self.MARGIN * self.DETAIL * px) for px in self._input_size)
        reduction = ReducedReader((stored_size[0], stored_size[1])).reduction(region)
        pixels, image_to_pixels = images.read(sample.image_path, reduction, sample.upright_rule)
        detail = min(
            1.0, stored_size[0] / (region.size[0] * image_to_pixels[0, 0])
        )  # never enlarged
        left, top, right, bottom = _bounds(region, image_to_pixels)
        left, right = _even_range(left, right, pixels.shape[1])
        top, bottom = _even_range(top, bottom, pixels.shape[0])
        part = np.ascontiguousarray(pixels[top:bottom, left:right])
        if not part.size:
            # The region is outside the image: store four black pixels; the warp fills the rest of
            # a window with black, too.
            part = np.zeros((2, 2, 3), np.uint8)
            left = top = -3
        height, width = part.shape[:2]
        size = (max(2, 2 * round(width * detail / 2)), max(2, 2 * round(height * detail / 2)))
        small = part
        if size != (width, height):
            small = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
        scale_x, scale_y = size[0] / width, size[1] / height
        pixels_to_part = np.array([[1.0, 0, -left], [0, 1, -top]])
        part_to_small = np.array([[scale_x, 0, (scale_x - 1) / 2], [0, scale_y, (scale_y - 1) / 2]])
        image_to_part = geometry.compose(pixels_to_part, image_to_pixels)
        image_to_small = geometry.compose(part_to_small, image_to_part)
        header = self._HEADER.pack(self._MAGIC, *size, *image_to_small.ravel())
        content = header + _to_planes(small)
        content += bytes(-len(content) % self._CHECKSUM.size)
        return content + self._CHECKSUM.pack(_sum_of_words(content))

    def _unpack(self, content: bytes, path: Path, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """Returns the part of a stored crop that a window shows, and the matrix to its pixels.

        Args:
            content: Content of the crop's file.
            path: Path of the file, for the message.
            window: Window to show, in image px.

        Returns:
            pixels: uint8 [h, w, 4]: RGB, and a channel without a meaning.
            matrix: [2, 3] from image px to `pixels`.

        Raises:
            InputError: If the file is damaged.
        """
        start, end = self._HEADER.size, len(content) - self._CHECKSUM.size
        magic, width, height, *numbers = (
            self._HEADER.unpack_from(content) if end > start else (b"", 0, 0)
        )
        count = width * height * 3 // 2
        is_complete = magic == self._MAGIC and end == start + count + -(start + count) % 8
        if not is_complete or self._CHECKSUM.unpack_from(content, end) != (
            _sum_of_words(memoryview(content)[:end]),
        ):
            raise InputError(f"{path}: this file of the crop cache is damaged")
        image_to_stored = np.array(numbers).reshape(2, 3)
        left, top, right, bottom = _bounds(window, image_to_stored)
        # Bilinear interpolation reads one more px. Four pixels have one colour.
        left, right = _even_part(left - 1, right + 1, width)
        top, bottom = _even_part(top - 1, bottom + 1, height)
        planes = np.frombuffer(content, np.uint8, count, start)
        grey = planes[: width * height].reshape(height, width)
        colour = planes[width * height :].reshape(height // 2, width // 2, 2)
        pixels = cv2.cvtColorTwoPlane(
            grey[top:bottom, left:right],
            colour[top // 2 : bottom // 2, left // 2 : right // 2],
            cv2.COLOR_YUV2RGBA_NV12,
        )
        image_to_stored[:, 2] -= left, top
        return pixels, image_to_stored

    def _load(self, path: Path, window: Window) -> tuple[np.ndarray, np.ndarray] | None:
        """Returns what `_unpack` returns; None if the file is missing or damaged."""
        try:
            return self._unpack(path.read_bytes(), path, window)
        except FileNotFoundError:
            return None
        except ValueError as problem:
            _log.warning("%s; it is created again", problem)
            return None

    def _has_room(self) -> bool:
        """Returns whether another crop may be stored; logs once that the cache is full."""
        with self._lock:
            if self._bytes > self._max_bytes and not self._reported_full:
                # A crop that two processes wrote at the same time was counted twice.
                self._bytes = self._bytes_on_disk()
            if self._bytes <= self._max_bytes:
                return True
            if not self._reported_full:
                _log.warning(
                    "%s: the crop cache is full at %.1f GB; further samples are read from "
                    "their images",
                    self._folder,
                    self._bytes / 1e9,
                )
                self._reported_full = True
            return False

    def _store(self, path: Path, content: bytes) -> None:
        """Writes a crop's file atomically and counts its bytes."""
        atomic.write_bytes(path, content)
        with self._lock:
            self._bytes += len(content)
            self._num_written += 1
            if self._num_written % self._RECOUNT_INTERVAL == 0:
                self._bytes = self._bytes_on_disk()

    def _bytes_on_disk(self) -> int:
        """Returns the size of all crops in the folder; hidden files are unfinished ones."""
        return sum(file.stat().st_size for file in self._folder.glob("*/[!.]*.crop"))


@functools.lru_cache(maxsize=256)
def _resolved(folder: Path) -> str:
    """Returns the path of a folder without symbolic links."""
    return str(folder.resolve())


def _sum_of_words(content: bytes | memoryview) -> int:
    """Returns the sum of the 64-bit words of a content, modulo 2^64; its length is a multiple."""
    return int(np.frombuffer(content, "<u8").sum(dtype=np.uint64))


def _to_planes(pixels: np.ndarray) -> bytes:
    """Returns an image in NV12 layout: Y [h, w], then U and V [h/2, w/2, 2].

    Args:
        pixels: uint8 RGB [h, w, 3] with even h and w.
    """
    height, width = pixels.shape[:2]
    planes = cv2.cvtColor(pixels, cv2.COLOR_RGB2YUV_I420)
    # OpenCV uses the colour of the first of four pixels, which shifts the colours by half a pixel;
    # the mean of the four does not.
    mean = (
        cv2.resize(pixels, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
        .repeat(2, axis=0)
        .repeat(2, axis=1)
    )
    colours = cv2.cvtColor(mean, cv2.COLOR_RGB2YUV_I420)[height:]
    return planes[:height].tobytes() + colours.reshape(2, -1).T.tobytes()


def _even_range(first: int, last: int, end: int) -> tuple[int, int]:
    """Returns the range [first, last) clipped to [0, end), extended by one if its length is odd.

    It stays odd only if there is no pixel left on either side.
    """
    first, last = max(0, first), min(last, end)
    if (last - first) % 2 and last < end:
        last += 1
    elif (last - first) % 2 and first > 0:
        first -= 1
    return first, max(first, last)


def _even_part(first: int, last: int, end: int) -> tuple[int, int]:
    """Returns the part [first, last) of [0, end), extended to even limits; at least 2 px long.

    `end` is even.
    """
    first = min(max(0, first), end - 2) // 2 * 2
    return first, max(first + 2, min(end, last + last % 2))


def _reach(window: Window) -> np.ndarray:
    """Returns half the width and height, in image px, of the upright box around a window."""
    angle = math.radians(window.rotation)
    across, along = abs(math.cos(angle)) / 2, abs(math.sin(angle)) / 2
    width, height = window.size
    return np.array((across * width + along * height, along * width + across * height))


def _inside(window: Window, region: Window) -> bool:
    """Returns whether an upright region contains a window, with 1 px to spare for interpolation."""
    offset = np.abs(np.subtract(window.center, region.center)) + _reach(window)
    return bool((offset + 1.0 <= np.divide(region.size, 2)).all())


def _bounds(window: Window, image_to_pixels: np.ndarray) -> tuple[int, int, int, int]:
    """Returns the pixels that the upright box around a window touches.

    Args:
        window: Window in image px.
        image_to_pixels: [2, 3] from image px to the pixels, without rotation.

    Returns:
        (left, top, right, bottom) in pixels; right and bottom are exclusive.
    """
    reach = _reach(window)
    ends = geometry.move(np.array([window.center - reach, window.center + reach]), image_to_pixels)
    (left, top), (right, bottom) = np.floor(ends[0]), np.ceil(ends[1]) + 1
    return int(left), int(top), int(right), int(bottom)
