"""Check of the image files of a data set: present, complete, decodable and upright."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from paddle_pose.data.check.findings import Finding
from paddle_pose.environment import usable_cores
from paddle_pose.errors import InputError
from paddle_pose.io.images import exif_orientation
from paddle_pose.progress import ProgressFactory, no_progress

_SAMPLE_SIZE = 200  # images decoded with "sample"
_HEADER_BYTES = 1 << 16  # they contain an image's size and EXIF data
_NUM_THREADS = 4

DECODE = ("all", "sample", "none")
# Severity, what was found and expected, and the fix, by the code of the finding.
_TEXTS = {
    "missing_image": (
        "error",
        "Some images that records name do not exist.",
        "Unpack the complete archive again; the case of file names counts.",
    ),
    "empty_image": (
        "error",
        "Some image files have a size of zero bytes.",
        "Unpack them again; the disk may have been full.",
    ),
    "unreadable": (
        "error",
        "Some image files cannot be read.",
        "Check the files, their disk and your permission to read them.",
    ),
    "corrupt_image": (
        "error",
        "Some image files cannot be decoded.",
        "Unpack or download them again.",
    ),
    "truncated_image": (
        "error",
        "Some JPEG files end before the last row of their image.",
        "Unpack or download them again.",
    ),
    "exif_rotated": (
        "warning",
        "Some images have an EXIF rotation; annotations are taken as pixels of the stored file, "
        "without the rotation.",
        "If people lie on their side, rotate the files and remove the EXIF data.",
    ),
}


def check_images(
    folder: Path, names: Sequence[str], decode: str = "all", progress: ProgressFactory = no_progress
) -> tuple[dict[str, tuple[int, int]], list[Finding], int]:
    """Returns the sizes of the images that records name, and findings on them.

    Args:
        folder: Folder of the images.
        names: File names of the images relative to the folder, each once.
        decode: Images whose pixels are decoded: "all", "sample" (up to 200, evenly spaced in
            `names`) or "none". Of the others, only the first bytes are read.
        progress: Function that creates a progress display for the images, see
            `progress.ProgressFactory`.

    Returns:
        {file name: (width, height) in px as stored, without EXIF rotation} of the images that could
        be opened; the findings; and the number of images that were decoded.

    Raises:
        InputError: If `decode` is unknown.
    """
    if decode not in DECODE:
        raise InputError(f"decode is {decode!r}; expected one of {', '.join(DECODE)}")
    present = _listing(folder)
    chosen = set(names)
    if decode != "all":
        step = max(1, -(-len(names) // _SAMPLE_SIZE))
        chosen = set(names[::step]) if decode == "sample" else set()
    examples: dict[str, list[str]] = {}
    sizes: dict[str, tuple[int, int]] = {}
    with ThreadPoolExecutor(min(_NUM_THREADS, usable_cores())) as pool:
        results = pool.map(lambda name: _check(folder / name, name in chosen, present), names)
        show = progress(len(names), "images")
        for count, (name, (code, details, size)) in enumerate(zip(names, results, strict=True), 1):
            if size:
                sizes[name] = size
            if code:
                examples.setdefault(code, []).append(name + (f": {details}" if details else ""))
            show(count)
    findings = [
        Finding(
            severity=severity,
            code=code,
            file=str(folder),
            text=text,
            fix=fix,
            count=len(examples[code]),
            total=len(names),
            examples=tuple(examples[code]),
        )
        for code, (severity, text, fix) in _TEXTS.items()
        if code in examples
    ]
    top = {name.split("/")[0] for name in names}
    unlisted = sorted(name for name in present - top if not name.startswith("."))
    if unlisted:
        findings.append(
            Finding(
                severity="note",
                code="unlisted",
                file=str(folder),
                text="Some files in the folder of images are not named by any record.",
                fix="Nothing has to be done; published data sets have images without labelled "
                "people.",
                count=len(unlisted),
                total=len(present),
                examples=tuple(unlisted),
            )
        )
    macos_files = sorted(name for name in present if name.startswith("._"))
    if macos_files:
        findings.append(
            Finding(
                severity="note",
                code="macos_files",
                file=str(folder),
                text="Some files were added by macOS (._*); they are not images.",
                fix="Delete them.",
                count=len(macos_files),
                total=len(present),
                examples=tuple(macos_files),
            )
        )
    return sizes, findings, len(chosen & set(sizes))


def _listing(folder: Path) -> set[str]:
    """Returns the names in a folder; none if it cannot be read."""
    try:
        return set(os.listdir(folder))
    except OSError:
        return set()


def _check(path: Path, decode: bool, present: set[str]) -> tuple[str, str, tuple[int, int] | None]:
    """Checks one image.

    Args:
        path: Path of the image.
        decode: Whether to decode its pixels.
        present: Names in its folder, to find names that differ in case only.

    Returns:
        Code of the finding ("" for none), its details, and (width, height) in px of the stored
        image (None if it could not be opened).
    """
    try:
        if not path.is_file():
            similar = [name for name in present if name.lower() == path.name.lower()]
            return "missing_image", f"there is {similar[0]}" if similar else "", None
        with path.open("rb") as file:
            content = file.read() if decode else file.read(_HEADER_BYTES)
            if not decode:
                file.seek(-min(64, os.fstat(file.fileno()).st_size), os.SEEK_END)
            tail = content[-64:] if decode else file.read()
        if not content:
            return "empty_image", "", None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of unusual EXIF data and of huge images
            with Image.open(path) as image:
                size = image.size
                is_jpeg = image.format in ("JPEG", "MPO")
            orientation = exif_orientation(content)
    except (UnidentifiedImageError, Image.DecompressionBombError, SyntaxError, ValueError):
        return "corrupt_image", "not an image", None
    except OSError as problem:
        return "unreadable", problem.strerror or str(problem), None
    if is_jpeg and b"\xff\xd9" not in tail and _lacks_rows(path):
        return "truncated_image", "", size
    if decode and not _decodes(content):
        return "corrupt_image", "", size
    if orientation != 1:
        return "exif_rotated", f"orientation {orientation}", size
    return "", "", size


def _lacks_rows(path: Path) -> bool:
    """Returns whether a JPEG without an end marker lacks rows, and not only the marker."""
    try:
        with Image.open(io.BytesIO(path.read_bytes())) as image:
            image.load()
    except (OSError, SyntaxError, ValueError):
        return True
    return False


def _decodes(content: bytes) -> bool:
    """Returns whether OpenCV decodes the content of an image file."""
    try:
        flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
        return cv2.imdecode(np.frombuffer(content, np.uint8), flags) is not None
    except cv2.error:
        return False
