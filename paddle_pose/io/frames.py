"""What poses are looked for in: images, folders, patterns, videos and cameras, as one stream of frames."""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from paddle_pose.io import images, videos


@dataclass(frozen=True)
class Source:
    """A file or a camera.

    Attributes:
        kind: what it is.
        path: the file; of a camera its number.
        name: where what is made of it goes: its path below the folder that was named, without suffix.
    """

    kind: Literal["image", "video", "camera"]
    path: Path
    name: Path


@dataclass(frozen=True, eq=False)
class Frame:
    """An image to look at.

    Attributes:
        source: where it comes from.
        pixels: uint8 RGB [h, w, 3], upright.
        index: its number in the source, from 0.
        seconds: since the beginning of a video or camera; 0 for an image.
        rate: mean frames per second of its video; 0 for an image.
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
    """Returns what is named, each file once, sorted within a folder or pattern.

    Args:
        places: images, videos, folders (with all below them), patterns such as `holiday/**/*.jpg`, numbers of cameras.
        leave_out: a folder whose contents are not looked for: where drawings of an earlier run are.

    Raises:
        FileNotFoundError: If a place does not exist, a folder holds neither images nor videos, or nothing fits a pattern.
    """
    found: dict[Path, Source] = {}
    for place in places:
        path = Path(place)
        if path.is_dir():
            new = [_of_file(file, file.relative_to(path)) for file in _inside(path, leave_out)]
            if not new:
                kinds = ", ".join(images.SUFFIXES + videos.SUFFIXES)
                raise FileNotFoundError(f"{place}: no image or video in this folder ({kinds})")
        elif path.is_file():
            new = [_of_file(path, Path(path.name))]
        elif place.isdigit():
            new = [Source("camera", path, Path(f"camera_{place}"))]
        elif glob.has_magic(place):
            files = [
                Path(file)
                for file in sorted(glob.glob(place, recursive=True))
                if Path(file).is_file()
            ]
            new = [_of_file(file, Path(file.name)) for file in files]
            if not new:
                raise FileNotFoundError(f"{place}: no file fits this pattern")
        else:
            raise FileNotFoundError(
                f"{place}: not found; expected an image, video, folder, pattern or a camera's number"
            )
        for source in new:
            found.setdefault(source.path, source)
    return list(found.values())


def frames(sources: Iterable[Source], failed: Callable[[str], None]) -> Iterator[Frame]:
    """Yields all frames, one in memory at a time.

    Args:
        sources: in this order.
        failed: told what is wrong with a source that cannot be read, or not to its end; the next one follows.
    """
    for source in sources:
        try:
            yield from read(source)
        except (ValueError, OSError) as problem:
            failed(str(problem))


def read(source: Source) -> Iterator[Frame]:
    """Yields the frames of a source.

    Args:
        source: Image, video or camera.

    Raises:
        FileNotFoundError: If there is no such file.
        InputError: If it cannot be read, or not to its end.
    """
    return _READERS[source.kind](source)


def count(sources: Iterable[Source]) -> int | None:
    """Returns how many frames there are to come, as the videos announce; None if a camera is among them."""
    total = 0
    for source in sources:
        if source.kind == "camera":
            return None
        total += 1 if source.kind == "image" else videos.length(source.path)
    return total


def _inside(folder: Path, leave_out: Path | None) -> list[Path]:
    left_out = None if leave_out is None else leave_out.resolve()
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in images.SUFFIXES + videos.SUFFIXES
        and not path.name.startswith(".")  # files of macOS, drafts of a run that was killed
        and path.is_file()
        and left_out not in path.resolve().parents
    ]


def _of_file(path: Path, below: Path) -> Source:
    return Source(
        "video" if path.suffix.lower() in videos.SUFFIXES else "image", path, below.with_suffix("")
    )


def _image(source: Source) -> Iterator[Frame]:
    yield Frame(source, images.read_upright(source.path))


def _video(source: Source) -> Iterator[Frame]:
    for index, (pixels, seconds, rate) in enumerate(videos.read_video(source.path)):
        yield Frame(source, pixels, index, seconds, rate)


def _camera(source: Source) -> Iterator[Frame]:
    for index, (pixels, seconds, rate) in enumerate(videos.read_camera(int(str(source.path)))):
        yield Frame(source, pixels, index, seconds, rate)


_READERS = {"image": _image, "video": _video, "camera": _camera}
