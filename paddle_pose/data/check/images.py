"""Check of the image files of a data set: present, complete, decodable and upright."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image

from paddle_pose.data.check.findings import Finding
from paddle_pose.environment import usable_cores
from paddle_pose.errors import InputError
from paddle_pose.io import images
from paddle_pose.io.annotated_sizes import FIRST_THAT_SWAPS, decided_by_sides, majority
from paddle_pose.io.image_names import located, why_missing
from paddle_pose.io.limits import check_pixels
from paddle_pose.progress import ProgressFactory, no_progress

_SAMPLE_SIZE = 200  # images decoded with "sample"
_NUM_THREADS = 4
_MAX_EXPLAINED = 20  # missing images for which the nearest file is searched

DECODE = ("all", "sample", "none")
# Severity, what was found and expected, and the fix, by the code of the finding.
_TEXTS = {
    "missing_image": (
        "error",
        "Some images that records name do not exist.",
        "If the nearest file is in another folder, write its path below --images as the record's "
        "name, or name its folder with --images; else unpack the complete archive again. The case "
        "of file names counts.",
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
}
_ROTATED = "Some images have an EXIF rotation. "
_IF_LYING = "If people lie on their side, rotate the files and remove the EXIF data."
_NOTHING = "Nothing has to be done."
# The same for images with an EXIF rotation.
_ROTATION_TEXTS = {
    "exif_upright": (
        "note",
        _ROTATED + "The annotations state width and height of the rotated images, and are taken as "
        "pixels of these.",
        _NOTHING,
    ),
    "exif_stored": (
        "note",
        _ROTATED + "The annotations state width and height of the stored files, and are taken as "
        "pixels of these, without the rotation.",
        _NOTHING,
    ),
    "exif_rotated": (
        "warning",
        _ROTATED + "Annotations are taken as pixels of the stored file, without the rotation.",
        _IF_LYING,
    ),
    "exif_unclear_upright": (
        "warning",
        _ROTATED + "Width and height do not tell whether the annotations refer to the rotated "
        "image; they are read rotated, as most of the other images in this file.",
        _IF_LYING,
    ),
    "exif_unclear": (
        "warning",
        _ROTATED + "Width and height do not tell whether the annotations refer to the rotated "
        "image; they are read as stored, because most of the other images in this file do not "
        "say otherwise.",
        _IF_LYING,
    ),
}
Forms = Mapping[str, tuple[tuple[int, int], int]]
"""((width, height) in px as stored, EXIF orientation) of images by file name."""


def check_images(
    folder: Path, names: Sequence[str], decode: str = "all", progress: ProgressFactory = no_progress
) -> tuple[dict[str, tuple[tuple[int, int], int]], list[Finding], int]:
    """Returns sizes and orientations of the images that records name, and findings on them.

    Args:
        folder: Folder of the images.
        names: File names of the images relative to the folder, each once.
        decode: Images whose pixels are decoded: "all", "sample" (up to 200, evenly spaced in
            `names`) or "none". Of the others, only the first bytes are read.
        progress: Function that creates a progress display for the images, see
            `progress.ProgressFactory`.

    Returns:
        {file name: ((width, height) in px as stored, EXIF orientation)} of the images that could be
        opened, see `images.stored_form`; the findings; and the number of images that were decoded.

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
    forms: dict[str, tuple[tuple[int, int], int]] = {}
    with ThreadPoolExecutor(min(_NUM_THREADS, usable_cores())) as pool:
        results = pool.map(lambda name: _check(located(folder, name), name in chosen), names)
        show = progress(len(names), "images")
        for count, (name, (code, details, form)) in enumerate(zip(names, results, strict=True), 1):
            if form:
                forms[name] = form
            if code == "missing_image" and len(examples.get(code, ())) < _MAX_EXPLAINED:
                details = why_missing(folder / name).removeprefix("; ")
            if code:
                examples.setdefault(code, []).append(name + (f": {details}" if details else ""))
            show(count)
    findings = _findings(_TEXTS, examples, folder, len(names))
    top = {re.split(r"[\\/]", name)[0] for name in names}
    beside = {f"{Path(name).stem}.json" for name in top}  # where labelme saves its points
    unlisted = sorted(name for name in present - top - beside if not name.startswith("."))
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
    return forms, findings, len(chosen & set(forms))


def check_rotations(
    forms: Forms, file: Path, annotated: Mapping[str, tuple[float, float]] | None = None
) -> tuple[dict[str, tuple[int, int]], list[Finding]]:
    """Returns the sizes of images as their annotations measure them, and findings on rotations.

    What counts is decided as when the images are read, see `annotated_sizes.AnnotatedSizes`.

    Args:
        forms: Stored sizes and EXIF orientations by file name, as `check_images` returns them.
        file: Path of the annotation file, for the findings.
        annotated: (width, height) in px that the annotation file states, by file name; None if
            annotation files of this kind state none.

    Returns:
        sizes: {file name: (width, height) in px}, of the stored or of the rotated image.
        findings: Findings on images with an EXIF rotation.
    """
    decisions = {
        name: decided_by_sides((annotated or {}).get(name), stored, orientation)
        for name, (stored, orientation) in forms.items()
        if orientation != 1 and (annotated is None or name in annotated)
    }
    is_upright, _, _ = majority(decisions.values())
    unclear = "exif_unclear_upright" if is_upright else "exif_unclear"
    codes = {
        True: "exif_upright",
        False: "exif_stored",
        None: "exif_rotated" if annotated is None else unclear,
    }
    examples: dict[str, list[str]] = {}
    sizes = {name: stored for name, (stored, _) in forms.items()}
    for name, one in decisions.items():
        examples.setdefault(codes[one], []).append(f"{name}: orientation {forms[name][1]}")
        is_turned = is_upright if one is None else one
        if is_turned and forms[name][1] >= FIRST_THAT_SWAPS:
            sizes[name] = sizes[name][::-1]
    total = sum(annotated is None or name in annotated for name in forms)
    return sizes, _findings(_ROTATION_TEXTS, examples, file, total)


def _findings(
    texts: Mapping[str, tuple[str, str, str]],
    examples: Mapping[str, Sequence[str]],
    file: Path,
    total: int,
) -> list[Finding]:
    """Returns the findings of those codes that have examples."""
    return [
        Finding(
            severity=severity,
            code=code,
            file=str(file),
            text=text,
            fix=fix,
            count=len(examples[code]),
            total=total,
            examples=tuple(examples[code]),
        )
        for code, (severity, text, fix) in texts.items()
        if code in examples
    ]


def _listing(folder: Path) -> set[str]:
    """Returns the names in a folder; none if it cannot be read."""
    try:
        return set(os.listdir(folder))
    except OSError:
        return set()


def _check(path: Path, decode: bool) -> tuple[str, str, tuple[tuple[int, int], int] | None]:
    """Checks one image.

    Args:
        path: Path of the image.
        decode: Whether to decode its pixels.

    Returns:
        Code of the finding ("" for none), its details, and size and orientation of the image as
        stored (None if it could not be opened).
    """
    try:
        if not path.is_file():
            return "missing_image", "", None
        with path.open("rb") as file:
            is_jpeg = file.read(2) == b"\xff\xd8"
            size = os.fstat(file.fileno()).st_size
            file.seek(-min(64, size), os.SEEK_END)
            tail = file.read()
        if not size:
            return "empty_image", "", None
        form = images.stored_form(path)
        check_pixels(form[0], size, path)
    except InputError as problem:
        return "corrupt_image", str(problem).removeprefix(f"{path}: "), None
    except OSError as problem:
        return "unreadable", problem.strerror or str(problem), None
    if is_jpeg and b"\xff\xd9" not in tail and _lacks_rows(path):
        return "truncated_image", "", form
    if decode:
        try:
            images.read_upright(path)
        except InputError:
            return "corrupt_image", "", form
    return "", "", form


def _lacks_rows(path: Path) -> bool:
    """Returns whether a JPEG without an end marker lacks rows, and not only the marker."""
    try:
        with Image.open(io.BytesIO(path.read_bytes())) as image:
            image.load()
    except Image.DecompressionBombError:  # Pillow's own limit; that of `images` has been checked
        return False
    except (OSError, SyntaxError, ValueError):
        return True
    return False
