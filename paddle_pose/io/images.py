"""Reads images: decoding, the stored orientation, and what to say when a file is missing or broken."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
from PIL import Image, ImageOps

from paddle_pose.environment import argument
from paddle_pose.errors import InputError
from paddle_pose.io import atomic

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
_ORIENTATION = 274
_JPEG = b"\xff\xd8\xff"
_REDUCED = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
_log = logging.getLogger("paddle_pose")
_rotated_seen: set[Path] = set()

ImageInput: TypeAlias = str | Path | np.ndarray | Image.Image
"""An image for the Python API: a file's path, a uint8 RGB array [h, w, 3], or a PIL image."""


def read(path: Path, reduction: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Reads a data set's image as it is stored: coordinates in annotations are pixels of the stored file.

    A file whose EXIF data asks for a rotation is not turned; it is named in the log once.

    Args:
        path: of the image.
        reduction: 1, 2, 4 or 8: a JPEG is decoded at this fraction of its size, each pixel the mean of so many squared;
            other kinds of images are always read whole.

    Returns:
        uint8 RGB [h, w, 3], and the [2, 3] matrix from image px to pixels of the array.

    Raises:
        FileNotFoundError: If there is no such file.
        InputError: If it is not an image that can be decoded.
    """
    content = _bytes(path)
    orientation = exif_orientation(content)
    if orientation != 1 and path not in _rotated_seen:
        _rotated_seen.add(path)
        _log.warning(
            "%s: its EXIF data asks for a rotation (orientation %d), which is ignored: annotations are taken as "
            "pixels of the stored file. If people lie on their side, rotate the file and its annotations.",
            path,
            orientation,
        )
    if not content.startswith(_JPEG):
        reduction = 1
    pixels = _decode(content, path, _REDUCED[reduction] | cv2.IMREAD_IGNORE_ORIENTATION)
    # the centre of the first pixel lies between those of the pixels that it is the mean of
    shift = -(reduction - 1) / 2 / reduction
    return pixels, np.array([[1 / reduction, 0, shift], [0, 1 / reduction, shift]])


def read_upright(path: str | Path) -> np.ndarray:
    """Reads anybody's image the way a viewer shows it: turned as its EXIF data asks.

    Returns:
        uint8 RGB [h, w, 3].

    Raises:
        FileNotFoundError: If there is no such file.
        InputError: If it is not an image that can be decoded.
    """
    path = Path(path)
    return _decode(_bytes(path), path, cv2.IMREAD_COLOR)


def as_pixels(image: ImageInput) -> np.ndarray:
    """Returns the pixels of an image that is given as a path, an array or a PIL image, turned as its EXIF data asks.

    Args:
        image: Path of a file, uint8 RGB [h, w, 3], or PIL image of any mode.

    Returns:
        uint8 RGB [h, w, 3].

    Raises:
        FileNotFoundError: If there is no such file.
        InputError: If the file cannot be decoded, or an array has another type or shape; says how to change it.

    Example:
        >>> as_pixels(Image.new("L", (3, 2))).shape
        (2, 3, 3)
    """
    if isinstance(image, str | Path):
        return read_upright(image)
    if isinstance(image, Image.Image):
        return np.array(ImageOps.exif_transpose(image).convert("RGB"))
    if (
        isinstance(image, np.ndarray)
        and image.dtype == np.uint8
        and image.ndim == 3
        and image.shape[2] == 3
    ):
        if image.size:
            return image
        raise InputError(f"the image is empty: {list(image.shape)}")
    if not isinstance(image, np.ndarray):
        raise InputError(
            f"expected a path, a uint8 RGB array [h, w, 3] or a PIL image, got {type(image).__name__}"
        )
    if image.dtype != np.uint8:
        hint = 'values of 0 to 1 become such an array by (image * 255).round().astype("uint8")'
    elif image.ndim == 4:
        hint = "pass several images as a list: list(images)"
    elif image.ndim == 2 or image.shape[-1] == 1:
        hint = "grey images become such an array by cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)"
    elif image.shape[-1] == 4:
        hint = "drop the transparency: image[..., :3]"
    else:
        hint = "channels come last: image.transpose(1, 2, 0)"
    raise InputError(
        f"expected a uint8 RGB array [h, w, 3], got {image.dtype} {list(image.shape)}; {hint}"
    )


def stored_size(path: Path) -> tuple[int, int]:
    """Returns (width, height) of an image as it is stored, from its first bytes.

    Raises:
        FileNotFoundError: If there is no such file.
        InputError: If it is not an image.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: not found")
    try:
        with Image.open(path) as image:
            return image.size
    except (OSError, SyntaxError, Image.DecompressionBombError) as problem:
        raise InputError(f"{path}: not an image whose size can be read ({problem})") from problem


def write(path: Path, pixels: np.ndarray) -> None:
    """Writes uint8 RGB [h, w, 3]; the suffix of the path chooses the format.

    Raises:
        OSError: If the file cannot be written.
    """
    done, content = cv2.imencode(path.suffix, pixels[..., ::-1])
    if not done:
        raise OSError(f"{path}: OpenCV cannot write this kind of image")
    atomic.write_bytes(path, content.tobytes())


def check_present(paths: Iterable[Path]) -> None:
    """Makes sure that every image is there before a long run begins.

    Raises:
        FileNotFoundError: Naming the first missing file and their number.
    """
    wanted = set(paths)
    present: set[Path] = set()
    for folder in {path.parent for path in wanted}:
        if folder.is_dir():
            present.update(folder.iterdir())
    missing = sorted(wanted - present)
    if missing:
        raise FileNotFoundError(
            f"{missing[0]}: not found ({len(missing)} of {len(wanted)} images are missing); "
            f"was the archive unpacked completely, and does {argument('--dataset_root', 'data')} point at it?"
        )


def exif_orientation(content: bytes) -> int:
    """Returns the EXIF orientation (1..8) of an encoded image; 1 where it says nothing."""
    if b"Exif" not in content[:4096]:
        return 1
    try:
        with Image.open(io.BytesIO(content)) as image:
            return int(image.getexif().get(_ORIENTATION, 1))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return 1  # no image, or one beyond Pillow's limit: decoding it will say so


def _bytes(path: Path) -> bytes:
    if not path.is_file():
        raise FileNotFoundError(f"{path}: not found")
    content = path.read_bytes()
    if not content:
        raise InputError(f"{path}: the file is empty")
    return content


def _decode(content: bytes, path: Path, flags: int) -> np.ndarray:
    try:
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except cv2.error as problem:
        raise InputError(f"{path}: cannot be decoded ({problem.err})") from problem
    if pixels is None:
        raise InputError(f"{path}: not an image that can be decoded; is it complete?")
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
