"""Reads images: decoding, the orientation, and messages about broken files.

The EXIF data of a file may ask for a rotation. An image for prediction is always turned; one of a
data set is turned if its annotations refer to the turned image, see `annotated_sizes`.

OpenCV decodes first, Pillow what OpenCV cannot. Where the package simplejpeg is installed, it decodes
JPEG files, to the same bytes in 0.9 of OpenCV's time. Transparency is dropped: a transparent pixel has
the colour that is stored for it. TIFF and GIF are decoded by Pillow first, since OpenCV changes the
colours of transparent pixels there.
"""

from __future__ import annotations

import functools
import io
import logging
import struct
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import IO, TypeAlias

import cv2
import numpy as np
from PIL import Image, ImageOps

from paddle_pose.environment import argument, needed
from paddle_pose.errors import InputError, MissingDependencyError
from paddle_pose.io import atomic, image_kinds
from paddle_pose.io.image_names import why_missing
from paddle_pose.io.limits import check_pixels
from paddle_pose.structures import UprightRule

MAX_PIXELS = (2**31 - 1) // 3
"""Most pixels of an image. OpenCV's warp counts an image's bytes, three for each pixel, in a signed
32-bit number, and crashes where that overflows."""

_SUFFIXES = (".jpg", ".jpeg", ".png", ".apng", ".bmp", ".webp", ".tif", ".tiff")
# Formats that Pillow reads. Not EPS: Pillow would run Ghostscript.
_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "JPEG2000", "PPM")
_WITH_ORIENTATION = ("JPEG", "MPO", "PNG", "WEBP", "AVIF", "TIFF")
_ORIENTATION = 274  # this and the next are tags of TIFF and EXIF
_WIDTH = 256
_HEIGHT = 257
_SUBFILE_TYPE = 254
_SUB_IFDS = 330
_DNG_VERSION = 50706
_PREVIEW_OR_MASK = 1 | 4  # bits of the subfile type
_JPEG = b"\xff\xd8\xff"
_JPEG_END = b"\xff\xd9"
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_END = b"IEND"
_START_OF_SCAN = 0xDA
_INVERSE = (1, 1, 2, 3, 4, 5, 8, 7, 6)  # turns back, by EXIF orientation
_REDUCED = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
_COLOR_RGB: int = getattr(cv2, "IMREAD_COLOR_RGB", 0)  # from OpenCV 4.11 on
# What Pillow raises for damaged files: its decoders do not agree on one class. Warnings are errors
# where Python is told so.
PILLOW_ERRORS = (
    OSError,
    RuntimeError,
    SyntaxError,
    ValueError,
    LookupError,
    TypeError,
    ArithmeticError,
    EOFError,
    struct.error,
    Image.DecompressionBombError,
    Warning,
)
_log = logging.getLogger("paddle_pose")
_warned: set[tuple[str, str]] = set()
_warned_lock = threading.Lock()

ImageInput: TypeAlias = str | Path | np.ndarray | Image.Image
"""An image for the Python API: a file's path, a uint8 RGB array [h, w, 3], or a PIL image."""


def read(
    path: Path, reduction: int = 1, upright_rule: UprightRule | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Returns an image of a data set: as it is stored, or as its EXIF data ask, by a rule.

    Of an animation or a TIFF file of several pages the first image is read. A rotation that is
    ignored, further images, and a file that is cut short are logged, once per file.

    Args:
        path: Path of the image file.
        reduction: Divisor r of the size, 1, 2, 4 or 8: a JPEG is decoded to 1/r of its width and
            height, each pixel the mean of r x r. Other formats are always read at full size.
        upright_rule: Function that returns whether annotations refer to the rotated image, called
            if the EXIF data ask for a rotation, such as `annotated_sizes.AnnotatedSizes`. None
            always returns the stored image.

    Returns:
        pixels: uint8 RGB [h, w, 3].
        matrix: [2, 3], maps (x, y, 1) in image px, those of the stored or of the rotated image, to
            px of `pixels`.

    Raises:
        FileNotFoundError: If the file does not exist.
        InputError: If the file is not an image that can be decoded, or has more than `MAX_PIXELS`
            pixels.
    """
    file = _open(path)
    orientation = file.orientation
    is_upright = False
    if orientation != 1 and upright_rule is not None:
        is_upright = upright_rule(path, file.size, orientation)
    elif orientation != 1:
        _warn_once(
            path,
            f"its EXIF data asks for a rotation (orientation {orientation}), which is ignored:"
            " annotations are taken as pixels of the stored file. If people lie on their side,"
            " rotate the file and its annotations.",
        )
    several = len(image_numbers(file.header))
    if several > 1:
        _warn_once(path, f"it holds {several} images; the first one is read")
    if not file.content.startswith(_JPEG):
        reduction = 1
    pixels = _decode(file, reduction, upright=is_upright)
    # The centre of the first pixel lies between those of the pixels that it is the mean of.
    shift = np.full(2, -(reduction - 1) / 2 / reduction)
    if is_upright and reduction > 1:
        # Where an axis is reversed this holds at its end, and the pixel there may be the mean of
        # fewer pixels.
        size = file.size[::-1] if orientation >= 5 else file.size
        at_end = np.subtract(pixels.shape[1::-1], 1) - np.subtract(size, 1) / reduction - shift
        shift = np.where(_reversed_axes(orientation), at_end, shift)
    return pixels, np.array([[1 / reduction, 0, shift[0]], [0, 1 / reduction, shift[1]]])


def read_upright(path: str | Path) -> np.ndarray:
    """Returns an image as a viewer shows it: rotated and mirrored as its EXIF data states.

    Args:
        path: Path of the image file; of an animation or a TIFF file of several pages the first
            image is read.

    Returns:
        uint8 RGB [h, w, 3].

    Raises:
        FileNotFoundError: If the file does not exist.
        InputError: If the file is not an image that can be decoded, or has more than `MAX_PIXELS`
            pixels.
    """
    return _decode(_open(Path(path)), upright=True)


def as_pixels(image: ImageInput) -> np.ndarray:
    """Returns the pixels of a path, an array or a PIL image, rotated as its EXIF data states.

    Args:
        image: Path of an image file, uint8 RGB array [h, w, 3], or PIL image of any mode.

    Returns:
        uint8 RGB [h, w, 3].

    Raises:
        FileNotFoundError: If the file does not exist.
        InputError: If the image cannot be decoded, has more than `MAX_PIXELS` pixels, or is an
            array of another type or shape; the message states how to convert it.

    Example:
        >>> as_pixels(Image.new("L", (3, 2))).shape
        (2, 3, 3)
    """
    if isinstance(image, str | Path):
        return read_upright(image)
    if isinstance(image, Image.Image):
        return _of_pillow(image)
    if not isinstance(image, np.ndarray):
        raise InputError(
            "expected a path, a uint8 RGB array [h, w, 3] or a PIL image, got"
            f" {type(image).__name__}"
        )
    if image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3:
        if not image.size:
            raise InputError(f"the image is empty: {list(image.shape)}")
        check_size(image.shape[1::-1], "the image")
        return image
    if image.dtype == np.uint16:
        hint = 'values of 0 to 65535 become such an array by (image // 257).astype("uint8")'
    elif image.dtype != np.uint8:
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
    """Returns (width, height) in px of an image as it is stored, without decoding its pixels.

    A rotation in the EXIF data is not applied, as in `read` without a rule.

    Args:
        path: Path of the image file.

    Raises:
        FileNotFoundError: If the file does not exist.
        InputError: If the file is not an image whose size can be read.
    """
    return stored_form(path)[0]


def stored_form(path: Path) -> tuple[tuple[int, int], int]:
    """Returns the size of an image as it is stored, and the rotation that its EXIF data ask for.

    The pixels are not decoded, except those of HEIC, and of a PNG whose EXIF data follow them.

    Args:
        path: Path of the image file.

    Returns:
        size: (width, height) in px of the stored image.
        orientation: EXIF orientation, 1 to 8; 1 (no rotation) also for other values, and for
            formats that decoders turn by themselves.

    Raises:
        FileNotFoundError: If the file does not exist.
        InputError: If the file is not an image whose size can be read.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: not found")
    with path.open("rb") as file:
        head = file.read(image_kinds.HEAD)
        content = head + file.read() if head.startswith(_PNG) else head
        file.seek(0)
        header = open_header(file, head, path)
        if header is None:
            raise InputError(f"{path}: not an image whose size can be read")
        orientation = _orientation(header, content)
        return _stored_size(header), orientation


def write(path: Path, pixels: np.ndarray) -> None:
    """Writes an image file.

    Args:
        path: Path of the file; its suffix determines the format. An existing file is replaced.
        pixels: uint8 RGB [h, w, 3].

    Raises:
        OSError: If the file cannot be written.
    """
    done, content = cv2.imencode(path.suffix, pixels[..., ::-1])
    if not done:
        raise OSError(f"{path}: OpenCV cannot write this kind of image")
    atomic.write_bytes(path, content.tobytes())


def check_present(paths: Iterable[Path]) -> None:
    """Raises an error if images are missing; called before a long run begins.

    Args:
        paths: Paths of the image files.

    Raises:
        FileNotFoundError: If files are missing; the message states the first one and their number.
    """
    wanted = set(paths)
    present: set[Path] = set()
    for folder in {path.parent for path in wanted}:
        if folder.is_dir():
            present.update(folder.iterdir())
    missing = sorted(wanted - present)
    if missing:
        raise FileNotFoundError(
            f"{missing[0]}: not found ({len(missing)} of {len(wanted)} images are missing)"
            f"{why_missing(missing[0])}; was the archive unpacked completely, and does"
            f" {argument('--dataset_root', 'data')} point at it?"
        )


def exif_orientation(content: bytes) -> int:
    """Returns the EXIF orientation (1 to 8) of an encoded image; 1 (upright) if it states none.

    Args:
        content: Bytes of the file, or of its beginning.
    """
    try:
        return _orientation(open_header(io.BytesIO(content), content[: image_kinds.HEAD]), content)
    except InputError:
        return 1


@functools.cache
def suffixes() -> tuple[str, ...]:
    """Returns the suffixes of images that the installed packages can read, such as ".jpg"."""
    Image.init()
    found = list(_SUFFIXES)
    if "AVIF" in Image.OPEN or cv2.haveImageWriter("a.avif"):
        found.append(".avif")
    if cv2.haveImageWriter("a.jp2"):
        found.append(".jp2")
    if image_kinds.can_read_heic():
        found += [".heic", ".heif", ".hif"]
    return tuple(found)


def check_size(size: tuple[int, ...], name: str | Path) -> None:
    """Raises an error if an image has more than `MAX_PIXELS` pixels.

    Args:
        size: (width, height) of the image in px.
        name: Name of the image in the message.

    Raises:
        InputError: If the image has more pixels.
    """
    width, height = size
    if width * height > MAX_PIXELS:
        raise InputError(
            f"{name}: {width} x {height} px; at most {MAX_PIXELS:,} px can be processed. Scale the"
            " image down, or cut it into parts"
        )


def open_header(file: IO[bytes], head: bytes, path: str | Path = "the image") -> Image.Image | None:
    """Returns a PIL image whose header has been read; None if Pillow does not know the format.

    The pixels are decoded later, except those of HEIC. `Image.open` is not called, because it warns
    of large images or refuses them, by limits that apply to the whole process.

    Args:
        file: Binary stream of the encoded image; it must stay open until the pixels are decoded.
        head: First `image_kinds.HEAD` bytes of the image.
        path: Name of the image in messages.

    Raises:
        InputError: If the file is of a kind that cannot be read, see `image_kinds.REMEDIES`; the
            message states the kind and what to do.
    """
    kind = image_kinds.recognize(head)
    if kind == image_kinds.HEIC:
        return _open_heic(file, path)
    if kind is not None and kind != image_kinds.AVIF:
        raise _unreadable(path, kind)
    Image.init()
    for name in _FORMATS:
        factory, accept = Image.OPEN.get(name, (None, None))
        # Of a format without its library, `accept` returns a message.
        if factory is None or accept is None or accept(head[:16]) is not True:
            continue
        file.seek(0)
        try:
            header: Image.Image = factory(file, "")
        except PILLOW_ERRORS:
            return None  # decoding says what is wrong
        if _is_raw(header):
            raise _unreadable(path, image_kinds.RAW)
        return header
    return None


def image_numbers(header: Image.Image | None) -> list[int]:
    """Returns the numbers of the frames of an animation or of the pages of a TIFF file; else [0].

    The numbers start at 0 and are those that PIL's `seek` takes. The still image of an animated
    PNG that is not part of the animation is left out, and so are previews and masks in a TIFF file.

    Args:
        header: Image as returned by `open_header`, at its first frame or page; None gives [0].
    """
    if header is None or header.format not in ("GIF", "WEBP", "PNG", "AVIF", "TIFF"):
        return [0]  # JPEGs may hold previews and other views of the same moment
    try:
        numbers = list(range(getattr(header, "n_frames", 1)))
        if len(numbers) > 1 and header.format == "TIFF":
            numbers = [number for number in numbers if _is_page(header, number)]
            header.seek(0)
    except PILLOW_ERRORS:
        return [0]  # decoding says what is wrong
    if getattr(header, "default_image", False):
        del numbers[0]
    return numbers or [0]


def rgb(image: Image.Image) -> np.ndarray:
    """Returns the pixels of a PIL image of any mode, uint8 RGB [h, w, 3].

    Values of more than 8 bits are scaled to 0..255, not clipped.

    Args:
        image: PIL image whose pixels can be decoded.
    """
    if image.mode[0] in "IF":  # one channel of 16 or 32 bits, which Pillow would cut off at 255
        return _three_channels(_as_8_bits(np.asarray(image)))
    if image.mode in ("P", "PA", "LA", "La", "RGBa"):  # may be transparent
        return np.array(np.asarray(image.convert("RGBA"))[..., :3])
    return np.array(image.convert("RGB"))


@dataclass(frozen=True)
class _File:
    """An encoded image.

    Attributes:
        path: The file.
        content: Bytes of the file; the end of a JPEG that is cut short is added.
        header: The image before decoding; None where Pillow does not know the format.
        is_cut: Whether its end is missing.
        size: (width, height) in px as it is stored; (0, 0) without a header.
        orientation: EXIF orientation, 1 to 8.
    """

    path: Path
    content: bytes
    header: Image.Image | None
    is_cut: bool
    size: tuple[int, int]
    orientation: int


def _open(path: Path) -> _File:
    """Returns an image file, of a kind and a size that can be decoded.

    Raises:
        FileNotFoundError: If there is no such file.
        InputError: If it is empty, or of another kind or size.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: not found")
    content = path.read_bytes()
    if not content:
        raise InputError(f"{path}: the file is empty")
    is_cut = _is_cut(content)
    if is_cut and content.startswith(_JPEG):
        # Without an end decoders leave out the last rows, and a progressive JPEG altogether.
        content += _JPEG_END
    header = open_header(io.BytesIO(content), content[: image_kinds.HEAD], path)
    if header is not None:
        check_size(header.size, path)
        check_pixels(header.size, len(content), path)
    size = (0, 0) if header is None else _stored_size(header)
    return _File(path, content, header, is_cut, size, _orientation(header, content))


def _decode(file: _File, reduction: int = 1, *, upright: bool) -> np.ndarray:
    """Returns the pixels, uint8 RGB [h, w, 3].

    Args:
        file: Image to decode.
        reduction: Number r: each pixel is the mean of r x r stored ones.
        upright: Whether they are rotated as the EXIF data ask; otherwise they are as stored.

    Raises:
        InputError: If nothing of the image can be decoded.
    """
    readers = [_with_simplejpeg, _with_opencv, _with_pillow]
    header = file.header
    by_pillow = header is not None and (
        header.format in ("TIFF", "GIF", "HEIF") and is_within_limit_of_pillow(header)
    )
    if file.is_cut or by_pillow:
        readers.reverse()
    for reader in readers:
        pixels = reader(file, reduction)
        if pixels is not None:
            check_size(pixels.shape[1::-1], file.path)
            is_turned = header is not None and header.format == "TIFF"  # both decoders turn it
            if upright == is_turned:
                return pixels
            return _turned(pixels, file.orientation if upright else _INVERSE[file.orientation])
    if image_kinds.recognize(file.content) == image_kinds.AVIF and file.header is None:
        raise _unreadable(file.path, image_kinds.AVIF)
    raise InputError(f"{file.path}: not an image that can be decoded; is it complete?")


def _with_simplejpeg(file: _File, reduction: int) -> np.ndarray | None:
    """Returns what simplejpeg decodes; None where it is missing or has an objection to the file."""
    package = _simplejpeg()
    if package is None or file.header is None or file.header.format not in ("JPEG", "MPO"):
        return None
    if file.is_cut:
        return None
    width, height = file.size
    try:
        pixels: np.ndarray = package.decode_jpeg(
            file.content,
            min_height=-(-height // reduction),
            min_width=-(-width // reduction),
            min_factor=reduction,
        )
    except ValueError:
        return None
    return pixels


@functools.cache
def _simplejpeg() -> ModuleType | None:
    """Returns the package simplejpeg; None if it is not installed."""
    try:
        return needed("simplejpeg", "simplejpeg>=1.8", "train")
    except MissingDependencyError:
        return None


def _with_opencv(file: _File, reduction: int) -> np.ndarray | None:
    """Returns what OpenCV decodes; None where it cannot."""
    if _has_a_forged_length(file.content):
        return None  # OpenCV would allocate it
    flags = _REDUCED[reduction] | cv2.IMREAD_IGNORE_ORIENTATION
    is_rgb = _COLOR_RGB != 0 and file.content.startswith(_JPEG)
    if is_rgb:  # libjpeg returns the channels in either order, in the same time
        flags = flags & ~cv2.IMREAD_COLOR | _COLOR_RGB
    if file.content.startswith(_TIFF):
        flags |= cv2.IMREAD_ANYDEPTH  # OpenCV does not scale floating-point values to 8 bits
    try:
        pixels = cv2.imdecode(np.frombuffer(file.content, np.uint8), flags)
    except cv2.error:
        return None
    if pixels is None or is_rgb:
        return pixels
    return _as_8_bits(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB))


def _has_a_forged_length(content: bytes) -> bool:
    """Returns whether a chunk of a PNG states more than twice as many bytes as the file has."""
    if not content.startswith(_PNG):
        return False
    start = len(_PNG)
    while start + 8 <= len(content):
        length = int.from_bytes(content[start : start + 4], "big")
        if length > 2 * len(content):
            return True
        start += length + 12  # length, kind and checksum
    return False


def tiff_page(path: Path, number: int) -> np.ndarray | None:
    """Returns a page of a TIFF file decoded by OpenCV, uint8 RGB [h, w, 3]; None if it fails.

    Args:
        path: Path of a TIFF file of several pages.
        number: Number of the page in the file, from 0.
    """
    try:
        done, pages = cv2.imreadmulti(
            str(path), number, 1, flags=cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH
        )
    except cv2.error:
        return None
    return _as_8_bits(cv2.cvtColor(pages[0], cv2.COLOR_BGR2RGB)) if done else None


def is_within_limit_of_pillow(header: Image.Image) -> bool:
    """Returns whether Pillow decodes an image without a warning or an error about its size.

    Args:
        header: Image as returned by `open_header`.
    """
    limit = Image.MAX_IMAGE_PIXELS
    return limit is None or header.size[0] * header.size[1] <= limit


def _with_pillow(file: _File, reduction: int) -> np.ndarray | None:
    """Returns what Pillow decodes; None where it decodes nothing."""
    if file.header is None:
        return None
    try:
        _load(file.header, str(file.path), file.is_cut)
        pixels = rgb(file.header)
    except PILLOW_ERRORS:
        return None
    return pixels if reduction == 1 else np.array(Image.fromarray(pixels).reduce(reduction))


def _of_pillow(image: Image.Image) -> np.ndarray:
    """Returns the pixels of a PIL image, turned as its EXIF data asks.

    Raises:
        InputError: If it cannot be decoded, or is too large.
    """
    name = str(getattr(image, "filename", "") or "the image")
    check_size(image.size, name)
    try:
        _load(image, name)
        return rgb(ImageOps.exif_transpose(image))
    except InputError:
        raise
    except PILLOW_ERRORS as problem:
        raise InputError(f"{name}: not an image that Pillow can decode ({problem})") from problem


def _load(image: Image.Image, name: str, is_cut: bool = False) -> None:
    """Decodes an image in place; logs a warning where its end is missing.

    Pillow has a setting that accepts incomplete files, but for the whole process.

    Args:
        image: Image whose header is read.
        name: Name of the image in messages.
        is_cut: Whether its end is known to be missing.

    Raises:
        InputError: If nothing of it can be decoded.
    """
    try:
        image.load()
    except PILLOW_ERRORS:
        is_cut = True
        # Nothing is left to decode: what has been decoded stays.
        image.tile = []  # type: ignore[attr-defined]
        image.load()
    if not is_cut:
        return
    height, empty = image.size[1], _num_empty_rows(image)
    if empty == height:
        raise InputError(f"{name}: not an image that can be decoded; is it complete?")
    rows = f"{empty} of its {height} rows are empty" if empty else "no row of it is empty"
    _warn_once(name, f"the image is not complete ({rows}); what can be decoded is used")


def _num_empty_rows(image: Image.Image) -> int:
    """Returns how many rows are empty at the bottom of an incomplete image; of a BMP at its top."""
    fill = 128 if image.format in ("JPEG", "MPO") else 0
    pixels = np.asarray(image)
    full = np.flatnonzero((pixels != fill).reshape(len(pixels), -1).any(axis=1))
    # Everything is black where a decoder stopped before it filled in anything.
    if not len(full) or not pixels.any():
        return len(pixels)
    return int(max(full[0], len(pixels) - 1 - full[-1]))


def _is_cut(content: bytes) -> bool:
    """Returns whether the end of a JPEG or PNG is missing."""
    if content.startswith(_JPEG):
        return content.rfind(_JPEG_END) < _start_of_scan(content)
    return content.startswith(_PNG) and _PNG_END not in content


def _start_of_scan(content: bytes) -> int:
    """Returns where the pixels of a JPEG begin: previews before them have an end of their own."""
    place = 2
    while content[place : place + 1] == b"\xff" and place + 4 <= len(content):
        if content[place + 1] == _START_OF_SCAN:
            break
        is_fill = content[place + 1] == 0xFF
        place += 1 if is_fill else 2 + int.from_bytes(content[place + 2 : place + 4], "big")
    return place


def _open_heic(file: IO[bytes], path: str | Path) -> Image.Image:
    """Returns a HEIC image, turned: its rotation is part of the format, and the decoder applies it.

    Raises:
        InputError: If it cannot be decoded, is too large, or the decoder is not installed.
    """
    try:
        pi_heif = needed("pi_heif", "pi-heif", "heic")
    except MissingDependencyError as problem:
        raise _unreadable(path, image_kinds.HEIC) from problem
    file.seek(0)
    try:
        opened = pi_heif.open_heif(file)
        check_size(opened.size, path)
        image: Image.Image = opened.to_pillow()
    except InputError:
        raise
    except PILLOW_ERRORS as problem:
        raise InputError(
            f"{path}: a {image_kinds.HEIC} that cannot be decoded; is it complete? ({problem})"
        ) from problem
    image.format = "HEIF"
    return image


def _is_page(header: Image.Image, number: int) -> bool:
    """Moves to an image of a TIFF; returns whether it is neither a preview nor a mask."""
    try:
        header.seek(number)
    except PILLOW_ERRORS:
        return True  # reading it says what is wrong
    kind = getattr(header, "tag_v2", {}).get(_SUBFILE_TYPE, 0)
    return not (isinstance(kind, int) and kind & _PREVIEW_OR_MASK)


def _is_raw(header: Image.Image) -> bool:
    """Returns whether a TIFF is a camera's raw file (DNG, NEF, ARW): readers see its preview."""
    tags = getattr(header, "tag_v2", {})
    return _DNG_VERSION in tags or (tags.get(_SUBFILE_TYPE) == 1 and _SUB_IFDS in tags)


def _stored_size(header: Image.Image) -> tuple[int, int]:
    """Returns (width, height) in px as stored: that of a TIFF may count as turned in `size`."""
    tags = getattr(header, "tag_v2", {}) if header.format == "TIFF" else {}
    width, height = tags.get(_WIDTH), tags.get(_HEIGHT)
    if isinstance(width, int) and isinstance(height, int):
        return width, height
    return header.size


def _orientation(header: Image.Image | None, content: bytes) -> int:
    """Returns the EXIF orientation, 1..8; 1 where there is none or an unknown one."""
    if header is None or header.format not in _WITH_ORIENTATION:
        return 1
    try:
        if header.format == "TIFF":
            tag = getattr(header, "tag_v2", {}).get(_ORIENTATION, 1)
            return tag if isinstance(tag, int) and 1 <= tag <= 8 else 1
        if header.format == "PNG" and "exif" not in header.info and b"eXIf" in content:
            header.load()  # its EXIF data follow the pixels
        exif = Image.Exif()
        exif.load(header.info.get("exif", b""))
        orientation = int(exif.get(_ORIENTATION, 1))
    except PILLOW_ERRORS:
        return 1
    return orientation if 1 <= orientation <= 8 else 1


def _turned(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Returns stored pixels as they are to be seen.

    Source: EXIF 2.3, tag 274: where the first row and column of the stored image are.
    """
    if orientation >= 5:
        pixels = pixels.transpose(1, 0, 2)
    x, y = _reversed_axes(orientation)
    return np.ascontiguousarray(pixels[:: -1 if y else 1, :: -1 if x else 1])


def _reversed_axes(orientation: int) -> tuple[bool, bool]:
    """Returns whether x and y of the turned image run against the axes of the stored one."""
    return orientation in (2, 3, 6, 7), orientation in (3, 4, 7, 8)


def _as_8_bits(values: np.ndarray) -> np.ndarray:
    """Returns values of any type as uint8, scaled by their range.

    That is 0..65535 for uint16; for other types 0..65535 where a value is above 255, 0..1 where all
    are floating-point numbers up to 1, otherwise 0..255.
    """
    if values.dtype == np.uint8:
        return values
    numbers = np.nan_to_num(values.astype(np.float32), posinf=0.0, neginf=0.0)
    largest = numbers.max(initial=0)
    if values.dtype == np.uint16 or largest > 255:
        scale = 1 / 257
    else:
        scale = 255.0 if values.dtype.kind == "f" and largest <= 1 else 1.0
    scaled: np.ndarray = np.clip(np.rint(numbers * scale), 0, 255).astype(np.uint8)
    return scaled


def _three_channels(grey: np.ndarray) -> np.ndarray:
    """Returns a grey image [h, w] as [h, w, 3]."""
    return np.repeat(grey[..., None], 3, axis=2)


def _unreadable(path: str | Path, kind: str) -> InputError:
    """Returns the error for a file of a kind that cannot be read."""
    return InputError(f"{path}: a {kind}, which cannot be read here; {image_kinds.REMEDIES[kind]}")


def _warn_once(path: str | Path, text: str) -> None:
    """Logs a warning about a file, once in this process."""
    with _warned_lock:
        is_new = (str(path), text) not in _warned
        _warned.add((str(path), text))
    if is_new:
        _log.warning("%s: %s", path, text)
