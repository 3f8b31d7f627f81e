"""Checks the image files of a data set: there, complete, decodable, upright."""

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
from paddle_pose.errors import InputError
from paddle_pose.io.images import exif_orientation
from paddle_pose.progress import ProgressFactory, no_progress

_SAMPLE = 200  # images decoded with "sample"
_HEAD = 1 << 16  # bytes that hold an image's size and EXIF data
_THREADS = 4

DECODE = ("all", "sample", "none")
_TEXTS = {
    "missing_image": ("error", "images that are not there", "unpack the archive again, completely"),
    "empty_image": (
        "error",
        "images of zero bytes",
        "unpack them again; the disk may have been full",
    ),
    "unreadable": ("error", "images that cannot be read", "check the files and their permissions"),
    "corrupt_image": ("error", "images that cannot be decoded", "unpack them again"),
    "truncated_image": (
        "error",
        "images that end too early (grey below)",
        "unpack or download them again",
    ),
    "exif_rotated": (
        "warning",
        "images with an EXIF rotation: annotations are taken as pixels of the stored file",
        "if people lie on their side, rotate the files and remove the EXIF data",
    ),
}


def check_images(
    folder: Path, names: Sequence[str], decode: str = "all", progress: ProgressFactory = no_progress
) -> tuple[dict[str, tuple[int, int]], list[Finding], int]:
    """Checks the images that records name.

    Args:
        folder: Folder of the images.
        names: Names of the images, each once.
        decode: Images whose pixels are decoded: "all", "sample" (200 of them) or "none".
        progress: Makes the progress over the images.

    Returns:
        (width, height) px of the stored files, the findings, and the number of images that were decoded.

    Raises:
        InputError: If `decode` is unknown.
    """
    if decode not in DECODE:
        raise InputError(f"decode is {decode!r}; expected one of {', '.join(DECODE)}")
    present = _listing(folder)
    chosen = set(names)
    if decode != "all":
        step = max(1, -(-len(names) // _SAMPLE))
        chosen = set(names[::step]) if decode == "sample" else set()
    found: dict[str, list[str]] = {}
    sizes: dict[str, tuple[int, int]] = {}
    with ThreadPoolExecutor(min(_THREADS, os.cpu_count() or 1)) as pool:
        results = pool.map(lambda name: _check(folder / name, name in chosen, present), names)
        show = progress(len(names), "images")
        for count, (name, (code, details, size)) in enumerate(zip(names, results, strict=True), 1):
            if size:
                sizes[name] = size
            if code:
                found.setdefault(code, []).append(name + (f": {details}" if details else ""))
            show(count)
    findings = [
        Finding(
            severity, code, str(folder), text, fix, len(found[code]), len(names), tuple(found[code])
        )
        for code, (severity, text, fix) in _TEXTS.items()
        if code in found
    ]
    top = {name.split("/")[0] for name in names}
    unlisted = sorted(name for name in present - top if not name.startswith("."))
    if unlisted:
        findings.append(
            Finding(
                severity="note",
                code="unlisted",
                file=str(folder),
                text="files that no record names",
                fix="nothing has to be done; published sets have images without labelled people",
                count=len(unlisted),
                total=len(present),
                examples=tuple(unlisted),
            )
        )
    litter = sorted(name for name in present if name.startswith("._"))
    if litter:
        findings.append(
            Finding(
                severity="note",
                code="macos_files",
                file=str(folder),
                text="macOS files (._*), which are no images",
                fix="delete them",
                count=len(litter),
                total=len(present),
                examples=tuple(litter),
            )
        )
    return sizes, findings, len(chosen & set(sizes))


def _listing(folder: Path) -> set[str]:
    try:
        return set(os.listdir(folder))
    except OSError:
        return set()


def _check(path: Path, decode: bool, present: set[str]) -> tuple[str, str, tuple[int, int] | None]:
    """Returns (code or "", details, size or None)."""
    try:
        if not path.is_file():
            alike = [name for name in present if name.lower() == path.name.lower()]
            return "missing_image", f"there is {alike[0]}" if alike else "", None
        with path.open("rb") as file:
            content = file.read() if decode else file.read(_HEAD)
            if not decode:
                file.seek(-min(64, os.fstat(file.fileno()).st_size), os.SEEK_END)
            tail = content[-64:] if decode else file.read()
        if not content:
            return "empty_image", "", None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of odd EXIF data and of huge images
            with Image.open(path) as image:
                size, is_jpeg = image.size, image.format in ("JPEG", "MPO")
            orientation = exif_orientation(content)
    except (UnidentifiedImageError, Image.DecompressionBombError, SyntaxError, ValueError):
        return "corrupt_image", "not an image", None
    except OSError as problem:
        return "unreadable", problem.strerror or str(problem), None
    if is_jpeg and b"\xff\xd9" not in tail and _ends_early(path):
        return "truncated_image", "", size
    if decode and not _decodes(content):
        return "corrupt_image", "", size
    return (
        ("exif_rotated", f"orientation {orientation}", size) if orientation != 1 else ("", "", size)
    )


def _ends_early(path: Path) -> bool:
    """Whether a JPEG without an end mark lacks rows, not just the mark."""
    try:
        with Image.open(io.BytesIO(path.read_bytes())) as image:
            image.load()
    except (OSError, SyntaxError, ValueError):
        return True
    return False


def _decodes(content: bytes) -> bool:
    try:
        flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
        return cv2.imdecode(np.frombuffer(content, np.uint8), flags) is not None
    except cv2.error:
        return False
