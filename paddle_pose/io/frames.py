"""Reads images, folders, patterns, videos and cameras as one stream of frames."""

from __future__ import annotations

import glob
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from paddle_pose.io import image_kinds, image_sequences, images, videos
from paddle_pose.io.image_names import why_missing

MAX_KINDS_LISTED = 8
_GIF = ".gif"  # a video or an image: its content decides

_log = logging.getLogger("paddle_pose")


@dataclass(frozen=True)
class Source:
    """An image, a page of a TIFF file, a video or a camera; `find` returns them.

    Attributes:
        kind: "image" (also a page), "video" (also an animated image) or "camera".
        path: Path of the file; for a camera its number as a path, such as `Path("0")`.
        name: Path of the results relative to the output folder, without suffix. It is the path of
            the file relative to the folder that `find` searched, or the name of a single file; a
            page has its number, from 1, at the end; a camera has "camera_" and its number.
        page: Index of the page in a TIFF file of several pages, from 0; None for other files.
    """

    kind: Literal["image", "video", "camera"]
    path: Path
    name: Path
    page: int | None = None


@dataclass(frozen=True, eq=False)
class Frame:
    """An image, or one frame of a video or camera, with its pixels.

    Attributes:
        source: Image, page, video or camera that the frame is read from.
        pixels: uint8 RGB [h, w, 3], rotated upright as the file's metadata states.
        index: Index of the frame in its source, or of the page in its TIFF file, from 0.
        seconds: Time in seconds since the first frame of a video or camera; 0 for an image.
        rate: Mean number of frames per second of the video or camera; 0 for an image.
    """

    source: Source
    pixels: np.ndarray
    index: int = 0
    seconds: float = 0.0
    rate: float = 0.0

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in px."""
        return self.pixels.shape[1], self.pixels.shape[0]


def find(places: Iterable[str], leave_out: Path | None = None) -> list[Source]:
    """Returns the images, videos and cameras at several places, each once.

    They are in the order of `places`, and sorted by path within a folder or pattern. The numbers of
    other files in a folder are logged by suffix, in one line.

    Args:
        places: Paths of images, videos and folders (searched with their subfolders, without hidden
            files), patterns such as "holiday/**/*.jpg", or numbers of cameras such as "0".
        leave_out: Folder that is not searched, such as that of earlier drawings; None searches all.

    Raises:
        FileNotFoundError: If a place does not exist, a folder contains neither images nor videos,
            or no file fits a pattern.
    """
    found: dict[tuple[Path, int | None], Source] = {}
    for place in places:
        path = Path(place)
        if path.is_dir():
            new = _of_folder(path, leave_out)
        elif path.is_file():
            new = _of_file(path, Path(path.name))
        elif place.isdigit():
            new = [Source("camera", path, Path(f"camera_{place}"))]
        elif glob.has_magic(place):
            files = [Path(file) for file in sorted(glob.glob(place, recursive=True))]
            new = [
                source
                for file in files
                if file.is_file()
                for source in _of_file(file, Path(file.name))
            ]
            if not new:
                raise FileNotFoundError(f"{place}: no file fits this pattern")
        else:
            raise FileNotFoundError(
                f"{place}: not found{why_missing(path)}; expected an image, video, folder, pattern"
                " or a camera's number"
            )
        for source in new:
            found.setdefault((source.path, source.page), source)
    return list(found.values())


def frames(sources: Iterable[Source], failed: Callable[[str], None]) -> Iterator[Frame]:
    """Yields the frames of several sources, one source after another; see `read`.

    Args:
        sources: Images, videos and cameras to read.
        failed: Function that receives the error message of a source that cannot be read or whose
            frames end early. The frames of the next source follow then; no error is raised.
    """
    for source in sources:
        try:
            yield from read(source)
        except (ValueError, OSError) as problem:
            failed(str(problem))


def read(source: Source) -> Iterator[Frame]:
    """Yields the frames of a source, with one in memory at a time.

    An image or a page is one frame. A camera is read until the caller stops iterating, or until the
    camera sends no more frames.

    Args:
        source: Image, page, video or camera, as `find` returns it.

    Raises:
        FileNotFoundError: If the file does not exist.
        InputError: If the source cannot be opened or decoded, or, after the last frame, if a video
            is shorter than its file states. Errors are raised when the iterator reaches them.
        MissingDependencyError: If the source is a video and PyAV is not installed.
    """
    if source.kind == "image":
        yield _image(source)
        return
    if source.kind == "camera":
        stream = videos.read_camera(int(str(source.path)))
    elif source.path.suffix.lower() in videos.SUFFIXES:
        stream = videos.read_video(source.path)
    else:
        stream = image_sequences.read_animation(source.path)
    for index, (pixels, seconds, rate) in enumerate(stream):
        yield Frame(source, pixels, index, seconds, rate)


def count(sources: Iterable[Source]) -> int | None:
    """Returns the total number of frames that the files state; None if there is a camera.

    The true number may differ: videos are not decoded, and one that cannot be read counts as 0.

    Args:
        sources: Images, videos and cameras, as `find` returns them.
    """
    total = 0
    for source in sources:
        if source.kind == "camera":
            return None
        if source.kind == "image":
            total += 1
        elif source.path.suffix.lower() in videos.SUFFIXES:
            total += videos.length(source.path)
        else:
            total += len(image_sequences.contents(source.path)[1])
    return total


def _of_folder(folder: Path, leave_out: Path | None) -> list[Source]:
    """Returns the sources in a folder, and logs what else is there.

    Raises:
        FileNotFoundError: If it holds neither images nor videos.
    """
    left_out = None if leave_out is None else leave_out.resolve()
    suffixes = (*images.suffixes(), *videos.SUFFIXES)
    found: list[Source] = []
    others: Counter[str] = Counter()
    for path in sorted(folder.rglob("*")):
        below = path.relative_to(folder)
        # hidden: files of macOS, folders of tools, drafts of a run that was killed
        is_hidden = any(part.startswith(".") for part in below.parts)
        if is_hidden or not path.is_file() or left_out in path.resolve().parents:
            continue
        suffix = path.suffix.lower()
        if suffix in suffixes:
            found += _of_file(path, below)
        else:
            others[suffix] += 1
    if not found:
        rest = f"; it holds {_listed(others)}" if others else ""
        raise FileNotFoundError(
            f"{folder}: no image or video in this folder ({', '.join(suffixes)}){rest}"
        )
    if others:
        has_images = any(image_kinds.of_suffix(suffix) for suffix in others)
        level = logging.WARNING if has_images else logging.INFO
        _log.log(level, "%s: not looked at: %s", folder, _listed(others))
    return found


def _listed(others: Counter[str]) -> str:
    """Returns numbers of files by suffix in words, kinds of images first.

    Example:
        >>> _listed(Counter({".txt": 12, ".psd": 1}))
        '1 .psd (Photoshop file: export it as PNG), 12 .txt'
    """
    kinds = {suffix: image_kinds.of_suffix(suffix) for suffix in others}
    order = sorted(others, key=lambda suffix: (kinds[suffix] is None, -others[suffix], suffix))
    words = []
    for suffix in order[:MAX_KINDS_LISTED]:
        kind = kinds[suffix]
        hint = "" if kind is None else f" ({kind}: {image_kinds.REMEDIES[kind]})"
        words.append(f"{others[suffix]} {suffix or 'without a suffix'}{hint}")
    rest = sum(others[suffix] for suffix in order[MAX_KINDS_LISTED:])
    return ", ".join([*words, f"{rest} of other kinds"] if rest else words)


def _of_file(path: Path, below: Path) -> list[Source]:
    """Returns a file as sources: one, or one for each page of a TIFF."""
    name = below.with_suffix("")
    suffix = path.suffix.lower()
    if suffix in videos.SUFFIXES and suffix != _GIF:
        return [Source("video", path, name)]
    what, numbers = image_sequences.contents(path)
    if what == "pages":
        return [
            Source("image", path, name.with_name(f"{name.name}_{count}"), page=number)
            for count, number in enumerate(numbers, start=1)
        ]
    return [Source("video" if what == "animation" else "image", path, name)]


def _image(source: Source) -> Frame:
    """Returns an image or a page as a frame."""
    if source.page is None:
        return Frame(source, images.read_upright(source.path))
    return Frame(source, image_sequences.read_page(source.path, source.page), source.page)
