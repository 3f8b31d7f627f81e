"""Opens files of video and sound with PyAV; FFmpeg's errors become errors that name the file."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from paddle_pose.environment import needed
from paddle_pose.errors import InputError

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.filter.context import FilterContext
    from av.filter.graph import Graph
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_ATTACHED_PICTURE = 0x400  # AV_DISPOSITION_ATTACHED_PIC: the cover of an album
DEFAULT_STREAM = 0x1  # AV_DISPOSITION_DEFAULT


def pyav() -> ModuleType:
    """Returns the module `av` (the package PyAV), imported at the first call.

    Raises:
        MissingDependencyError: If PyAV is not installed.
    """
    return needed("av", "av>=14.2")


@contextlib.contextmanager
def errors_of(path: Path) -> Iterator[None]:
    """Turns the errors of FFmpeg inside the block into errors that name the file.

    Args:
        path: File that the block reads or writes.

    Raises:
        OSError: If the operating system reports the error; its `filename` is the path.
        InputError: If FFmpeg reports another error.
    """
    try:
        yield
    except pyav().FFmpegError as error:
        if isinstance(error, MemoryError):
            raise
        if isinstance(error, OSError):
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise InputError(f"{path}: FFmpeg reports: {error.strerror}") from error


def address(path: Path) -> str:
    """Returns a path as text in which FFmpeg does not interpret colons and percent signs."""
    return f"file:{path}"


def open_media(path: Path) -> InputContainer:
    """Returns PyAV's container of a file with video or sound; the caller must close it.

    Args:
        path: Path of the file.

    Raises:
        FileNotFoundError: If the file does not exist.
        OSError: If the file cannot be read.
        InputError: If the file has no format that FFmpeg knows, or its index is missing.
        MissingDependencyError: If PyAV is not installed.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: not found")
    with errors_of(path):
        try:
            # A title in another encoding than UTF-8 is no reason to refuse a video.
            container: InputContainer = pyav().open(address(path), metadata_errors="replace")
        except ValueError as error:  # FFmpeg's "invalid data"
            raise InputError(f"{path}: not a video that can be decoded; is it complete?") from error
    return container


def picture_stream(container: InputContainer, path: Path) -> VideoStream:
    """Returns the video stream of a file that is to be read.

    Of several streams it is the one with the most pixels among those marked as default, or among
    all if none is marked. The cover image of a sound file is not a video stream.

    Args:
        container: Result of `open_media`.
        path: Path of the file, for messages.

    Raises:
        InputError: If the file has no video stream, or its codec cannot be decoded.
    """
    streams = [
        stream
        for stream in container.streams.video
        if not stream.disposition.value & _ATTACHED_PICTURE
    ]
    if not streams:
        kinds = ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"
        raise InputError(f"{path}: no video stream; the file contains {kinds}")
    readable = [stream for stream in streams if stream.codec_context is not None]
    if not readable:
        raise InputError(
            f"{path}: PyAV {pyav().__version__} cannot decode the codec of this video; convert it: "
            f'ffmpeg -i "{path.name}" -c:v libx264 -pix_fmt yuv420p converted.mp4'
        )
    return max(
        readable,
        key=lambda stream: (
            stream.disposition.value & DEFAULT_STREAM,
            stream.codec_context.width * stream.codec_context.height,
        ),
    )


def time_of(frame: VideoFrame, stream: VideoStream) -> float | None:
    """Returns the time of a frame in seconds, as the container states it; None if it does not.

    The times of a file need not start at 0, see `first_time`.

    Args:
        frame: Decoded frame.
        stream: Stream that contains the frame.
    """
    time = frame.dts if frame.pts is None else frame.pts
    return None if time is None else float(time * stream.time_base)


def first_time(path: Path) -> float:
    """Returns the time of a video's first frame in seconds, as its container states it.

    It is 0 if the file is a video none of whose frames can be decoded.

    Args:
        path: Path of the video.

    Raises:
        FileNotFoundError: If the file does not exist.
        InputError: If FFmpeg cannot open the file, or it has no video stream.
    """
    with open_media(path) as container:
        stream = picture_stream(container, path)
        for packet in container.demux(stream):
            try:
                frames = packet.decode()
            except pyav().FFmpegError:
                continue
            if frames:
                return time_of(frames[0], stream) or 0.0
    return 0.0


def add_filters(
    graph: Graph, source: FilterContext, filters: Sequence[tuple[str, str]]
) -> FilterContext:
    """Adds a chain of filters to a graph of FFmpeg filters, and configures the graph.

    Args:
        graph: Graph that contains only `source`; changed in place.
        source: Filter that frames are pushed into.
        filters: (name, options) of each filter in order, as on the command line of `ffmpeg`, such
            as ("scale", "640:480").

    Returns:
        The last filter, from which the filtered frames are pulled.
    """
    last = source
    for name, options in filters:
        following = graph.add(name, options or None)
        last.link_to(following)
        last = following
    graph.configure()
    return last
