"""Reads files of several images: animations (WebP, PNG, AVIF) and TIFFs of several pages.

An animated GIF is recognised here and read by `videos`: FFmpeg, unlike Pillow, does not remove a
frame that states no disposal when the one before it asked to be removed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from paddle_pose.errors import InputError
from paddle_pose.io import image_kinds, images
from paddle_pose.io.limits import check_pixels

USUAL_SECONDS = 0.1
"""Duration of a frame that states none, or less than 0.02 s: what browsers show."""

_MIN_SECONDS = 0.02
_JPEG = b"\xff\xd8\xff"


def contents(path: Path) -> tuple[Literal["image", "animation", "pages"], list[int]]:
    """Returns whether a file contains an image, an animation or pages, and the images' numbers.

    A file that cannot be read is reported as one image; the error is raised when it is read.

    Args:
        path: Path of an existing image file.

    Returns:
        what: "image", "animation" (WebP, PNG, AVIF or GIF), or "pages" (TIFF of several pages).
        numbers: Numbers of the frames or pages in the file, from 0, as `read_page` takes them;
            previews and masks in a TIFF file are left out.
    """
    try:
        with _opened(path) as header:
            numbers = images.image_numbers(header)
            if len(numbers) == 1 or header is None:
                return "image", [0]
            return "pages" if header.format == "TIFF" else "animation", numbers
    except (InputError, OSError):
        return "image", [0]


def read_animation(path: Path) -> Iterator[tuple[np.ndarray, float, float]]:
    """Yields the frames of an animation one by one, as `videos.read_video` does.

    All frames are decoded twice, since the mean rate is yielded with the first frame already.

    Args:
        path: Path of an animated WebP, PNG or AVIF file.

    Yields:
        pixels: uint8 RGB [h, w, 3].
        seconds: Time in seconds since the first frame.
        rate: Mean number of frames per second of the animation, the same for all frames.

    Raises:
        FileNotFoundError: If the file does not exist.
        InputError: If the file is not an animation or is too large; or, after the last frame that
            can be decoded, if the file is cut short.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: not found")
    with _opened(path) as header:
        numbers = images.image_numbers(header)
        if header is None or len(numbers) == 1:
            raise InputError(f"{path}: not an animation that can be decoded; is it complete?")
        images.check_size(header.size, path)
        check_pixels(header.size, path.stat().st_size, path)
        durations = []
        for number in numbers:
            if not (_seek(header, number) and _load(header)):
                break
            seconds = header.info.get("duration", 0) / 1000
            durations.append(seconds if seconds >= _MIN_SECONDS else USUAL_SECONDS)
        begins = 0.0
        for number, duration in zip(numbers, durations, strict=False):
            if not (_seek(header, number) and _load(header)):
                break
            yield images.rgb(header), begins, len(durations) / sum(durations)
            begins += duration
    if len(durations) < len(numbers):
        raise InputError(
            f"{path}: ends after {len(durations)} of {len(numbers)} frames; is it complete?"
        )


def read_page(path: Path, number: int) -> np.ndarray:
    """Returns a page of a TIFF file, rotated upright as its metadata states, uint8 RGB [h, w, 3].

    Args:
        path: Path of a TIFF file of several pages.
        number: Number of the page in the file, from 0, as `contents` returns it.

    Raises:
        FileNotFoundError: If the file does not exist.
        InputError: If the page cannot be decoded, or has more than `images.MAX_PIXELS` pixels.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: not found")
    with _opened(path) as header:
        if header is not None and _seek(header, number):
            images.check_size(header.size, f"{path}, page {number + 1}")
            check_pixels(header.size, path.stat().st_size, f"{path}, page {number + 1}")
            if images.is_within_limit_of_pillow(header) and _load(header):
                return images.rgb(header)
    pixels = images.tiff_page(path, number)
    if pixels is None:
        raise InputError(f"{path}: page {number + 1} cannot be decoded; is it complete?")
    return pixels


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image | None]:
    """Yields an image whose header is read; None for unknown formats.

    For JPEG and HEIC it is None, too: they are read as one image.
    """
    with path.open("rb") as file:
        head = file.read(image_kinds.HEAD)
        is_single = head.startswith(_JPEG) or image_kinds.recognize(head) == image_kinds.HEIC
        yield None if is_single else images.open_header(file, head, path)


def _seek(header: Image.Image, number: int) -> bool:
    """Moves to an image of a file; returns whether there is one."""
    try:
        header.seek(number)
    except images.PILLOW_ERRORS:
        return False
    return True


def _load(header: Image.Image) -> bool:
    """Decodes the image that a file is at; returns whether that could be done."""
    before = getattr(header, "_prev_im", None) if header.format == "PNG" else None
    kept = None if before is None else before.copy()
    try:
        header.load()
    except images.PILLOW_ERRORS:
        return False
    # Pillow draws a frame of a PNG over the one before it, which the next frame may ask for again.
    if kept is not None:
        header._prev_im = kept  # type: ignore[attr-defined]
    return True
