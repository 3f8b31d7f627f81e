"""Reads videos and cameras frame by frame, upright and with their times; writes videos.

Files are read and written with PyAV, so that frames, times and rates are those of `ffmpeg`: turned
and mirrored as the container asks, interlaced ones as they are. Cameras are read with OpenCV, which
opens them by number on every system: FFmpeg has another format, and other names, on each.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from paddle_pose.errors import InputError, MissingDependencyError
from paddle_pose.io.media import (
    add_filters,
    address,
    errors_of,
    open_media,
    picture_stream,
    pyav,
    time_of,
)
from paddle_pose.io.sound import Sound, open_sound

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_log = logging.getLogger("paddle_pose")

SUFFIXES = (
    ".mp4",
    ".m4v",
    ".mov",
    ".avi",
    ".mkv",
    ".webm",
    ".mpg",
    ".mpeg",
    ".wmv",
    ".flv",
    ".3gp",
    ".mts",
    ".gif",
)
USUAL_RATE = 30.0  # frames per second where the container states none
H264_ENCODERS = ("libx264", "libopenh264")
ENCODER_OPTIONS = {
    "libx264": {"preset": "veryfast", "crf": "20"},
    "libopenh264": {"b": "8000000"},
    "mpeg4": {"flags": "+qscale", "global_quality": str(3 * 118)},  # quality 3 x FF_QP2LAMBDA
}
_BT709 = 1  # AVCOL_SPC_BT709, AVCOL_PRI_BT709, AVCOL_TRC_BT709
_LIMITED = 1  # AVCOL_RANGE_MPEG
_CONTIGUOUS = ("matroska", "flv", "avi")  # formats that write one packet behind the other
_LOST_BYTES = 1024  # between two of their packets: what was there cannot be read
_MAX_READ_ERRORS = 100  # one after another; then the rest of a damaged file is given up


def length(path: Path) -> int:
    """Returns the number of frames that a video states, for a progress bar; 0 if it is unreadable.

    The true number may differ, since the video is not decoded.

    Args:
        path: Path of the video.
    """
    try:
        with open_media(path) as container:
            stream = picture_stream(container, path)
            seconds = _announced(container, stream)
            return stream.frames if seconds is None else round(seconds * mean_rate(stream))
    except (ValueError, OSError, MissingDependencyError):
        return 0


def mean_rate(stream: VideoStream) -> float:
    """Returns the mean number of frames per second that a container states, or a usual number.

    Args:
        stream: Video stream of an open container.
    """
    average, base = (float(rate or 0) for rate in (stream.average_rate, stream.base_rate))
    if 0 < base < average / 2:  # an AVI may count its clock instead of its frames
        average = base
    return average if 0 < average < 1000 else USUAL_RATE


def read_video(path: Path) -> Iterator[tuple[np.ndarray, float, float]]:
    """Yields the frames of a video one by one.

    Damaged parts are skipped, which is logged once. Frames of another size are scaled to the size
    of the first frame.

    Args:
        path: Path of the video.

    Yields:
        pixels: uint8 RGB [h, w, 3], rotated and mirrored as the container states.
        seconds: Time in seconds since the first frame, as the container states it.
        rate: Mean number of frames per second of the video, the same for all frames.

    Raises:
        FileNotFoundError: If the file does not exist.
        InputError: If the video contains no frame; or, after its last frame, if it is shorter than
            its container states.
        MissingDependencyError: If PyAV is not installed.
    """
    with errors_of(path), open_media(path) as container:
        yield from _Reader(path, container).frames()


class _Reader:
    """Reads an open video.

    Args:
        path: Its path, for messages.
        container: The file, open.
    """

    def __init__(self, path: Path, container: InputContainer) -> None:
        self._path = path
        self._container = container
        self._stream = picture_stream(container, path)
        self._stream.thread_type = "AUTO"
        self._rate = mean_rate(self._stream)
        self._picture_end = 0.0  # time of the container, in s, at which the packets end
        self._any_end = 0.0  # of all streams
        self._damaged_at: float | None = None
        self._has_warned = False
        self._is_cut = False

    def frames(self) -> Iterator[tuple[np.ndarray, float, float]]:
        """Yields what `read_video` yields, and raises what it raises."""
        clock = _Clock(self._stream, self._rate)
        upright = _Upright()
        count = 0
        seconds = longest = 0.0
        for frame in self._decoded():
            before, seconds = seconds, clock.seconds(frame)
            longest = max(longest, seconds - before)
            if frame.is_corrupt:
                self._damaged_at = clock.zero + seconds
            elif self._damaged_at is not None and clock.zero + seconds > self._damaged_at:
                self._warn(clock.zero)
            yield upright(frame), seconds, self._rate
            count += 1
        if not count:
            raise InputError(f"{self._path}: no frame could be read; is it a video, and complete?")
        announced = self._expected_end() - clock.zero
        # The last frame may last as long as another one did.
        if seconds + max(longest, 1 / self._rate) < announced - 1:
            raise InputError(
                f"{self._path}: ends after {count} frames, at {seconds:.1f} of {announced:.1f} s; "
                "is it complete?"
            )
        if self._is_cut:
            self._damaged_at = self._picture_end
        self._warn(clock.zero)

    def _decoded(self) -> Iterator[VideoFrame]:
        """Yields the frames that can be decoded."""
        held: Packet | None = None
        for packet in self._packets():
            if held is not None:
                yield from self._frames_of(held)
            held = packet
        # A file that was cut ends with half a packet: its error would cost the frames that other
        # threads of the decoder still hold.
        if held is not None and held.is_corrupt:
            self._is_cut = True
        elif held is not None:
            yield from self._frames_of(held)
        yield from self._frames_of(None)

    def _frames_of(self, packet: Packet | None) -> list[VideoFrame]:
        """Returns the frames that a packet completes, or the end (None); none if it is damaged."""
        if packet is not None and packet.is_corrupt:
            self._damaged_at = self._picture_end
        try:
            frames: list[VideoFrame] = self._stream.decode(packet)
        except pyav().FFmpegError:
            self._damaged_at = self._picture_end
            return []
        return frames

    def _packets(self) -> Iterator[Packet]:
        """Yields the packets of the picture; those of other streams tell how far the file goes."""
        errors = 0
        end_in_file: int | None = None
        is_contiguous = self._container.format.name.split(",")[0] in _CONTIGUOUS
        packets = self._container.demux()
        while True:
            try:
                packet = next(packets, None)
            except IndexError:  # PyAV ends so where a damaged file seemed to begin another stream
                return
            except pyav().FFmpegError:
                errors += 1
                self._damaged_at = self._picture_end
                if errors > _MAX_READ_ERRORS:
                    return
                packets = self._container.demux()
                continue
            if packet is None:
                return
            errors = 0
            if not packet.size:  # the mark of the end
                continue
            if is_contiguous and packet.pos is not None:
                if end_in_file is not None and packet.pos - end_in_file > _LOST_BYTES:
                    self._note_gap(end_in_file)
                end_in_file = packet.pos + packet.size
            self._note_end(packet)
            if packet.stream.index == self._stream.index:
                yield packet

    def _note_gap(self, start: int) -> None:
        """Records bytes that belong to no packet: damage, unless an AVI has its indices there."""
        with self._path.open("rb") as file:
            file.seek(start + start % 2)
            chunk = file.read(4)
        if chunk not in (b"JUNK", b"LIST", b"RIFF", b"idx1") and not chunk.startswith(b"ix"):
            self._damaged_at = self._picture_end

    def _note_end(self, packet: Packet) -> None:
        """Keeps how far the packets go."""
        begin = packet.dts if packet.pts is None else packet.pts
        if begin is None or packet.time_base is None:
            return
        end = float((begin + (packet.duration or 0)) * packet.time_base)
        self._any_end = max(self._any_end, end)
        if packet.stream.index == self._stream.index:
            self._picture_end = max(self._picture_end, end)

    def _expected_end(self) -> float:
        """Returns when the picture should end, in s of the container's time.

        Where only the whole file has a duration, it may be that of the sound: then a packet reaches
        it, and the picture ends with its own last packet.
        """
        seconds = _announced(self._container, self._stream)
        if seconds is None:
            return self._picture_end
        announced = seconds + _start_of(self._stream)
        is_cut = self._any_end < announced - 1
        return announced if self._stream.frames or is_cut else self._picture_end

    def _warn(self, zero: float) -> None:
        """Says once that the file is damaged, if it is.

        Args:
            zero: The container's time of the first frame, in s.
        """
        if self._damaged_at is not None and not self._has_warned:
            self._has_warned = True
            _log.warning(
                "%s: damaged at %.1f s; what cannot be decoded is passed over",
                self._path,
                max(0.0, self._damaged_at - zero),
            )


def _announced(container: InputContainer, stream: VideoStream) -> float | None:
    """Returns how many seconds of picture a container announces; None where it does not."""
    if container.format.name == "avi" and stream.frames and stream.average_rate:
        return float(stream.frames / stream.average_rate)  # its header's, even of a cut file
    if stream.frames and stream.duration is not None:  # it has a table of the frames
        return float(stream.duration * stream.time_base)
    if container.duration is None:
        return None
    return float(container.duration + (container.start_time or 0)) / 1e6 - _start_of(stream)


def _start_of(stream: VideoStream) -> float:
    """Returns when a container says that a stream begins, in s."""
    return 0.0 if stream.start_time is None else float(stream.start_time * stream.time_base)


class _Clock:
    """Tells the times of frames, which never go back.

    A container without times of frames (AVI) makes FFmpeg guess them from the order of decoding. Of
    its two guesses the one that went back less often is taken.

    Source: FFmpeg's `guess_correct_pts` (libavcodec/decode.c).

    Args:
        stream: Stream of the frames.
        rate: Frames per second where a frame has no time.

    Attributes:
        zero: Time of the container, in s, of the first frame.
    """

    def __init__(self, stream: VideoStream, rate: float) -> None:
        self.zero = 0.0
        self._stream = stream
        self._period = 1 / rate
        self._last: float | None = None
        self._last_of = {"pts": -(1 << 62), "dts": -(1 << 62)}
        self._faults = {"pts": 0, "dts": 0}

    def seconds(self, frame: VideoFrame) -> float:
        """Returns the time of a frame in seconds since the first frame; times strictly increase.

        Args:
            frame: Decoded frame; call it once per frame, in order.
        """
        if self._last is None:
            self.zero = time_of(frame, self._stream) or 0.0
        times = {"pts": frame.pts, "dts": frame.dts}
        for kind, value in times.items():
            if value is not None:
                self._faults[kind] += value <= self._last_of[kind]
                self._last_of[kind] = value
        is_right = self._faults["pts"] <= self._faults["dts"] or times["dts"] is None
        chosen = times["pts"] if is_right and times["pts"] is not None else times["dts"]
        stated = None if chosen is None else float(chosen * self._stream.time_base) - self.zero
        if self._last is None:
            self._last = 0.0
        elif stated is not None and stated > self._last:
            self._last = stated
        else:
            self._last += self._period
        return self._last


class _Upright:
    """Turns decoded frames into pixels, upright and of one size, with FFmpeg's filters."""

    def __init__(self) -> None:
        self._matrix: np.ndarray | None = None
        self._size: tuple[int, int] | None = None
        self._key: tuple[object, ...] = ()

    def __call__(self, frame: VideoFrame) -> np.ndarray:
        """Returns a frame as uint8 RGB [h, w, 3].

        Args:
            frame: Decoded frame.
        """
        matrix = frame.side_data.get("DISPLAYMATRIX")
        if matrix is not None:
            self._matrix = np.frombuffer(bytes(matrix), np.int32).reshape(3, 3)
        look = (frame.width, frame.height, frame.format.name, frame.colorspace, frame.color_range)
        turns = _turns(self._matrix)
        if (look, turns) != self._key:
            self._key = (look, turns)
            self._build(frame, turns)
        self._source.push(frame)
        pixels: np.ndarray = self._sink.pull().to_ndarray()
        return pixels

    def _build(self, frame: VideoFrame, turns: tuple[str, ...]) -> None:
        """Makes the filters for frames like this one."""
        size = (frame.width, frame.height)
        if "transpose" in turns:
            size = size[::-1]
        self._size = self._size or size
        self._graph = pyav().filter.Graph()
        self._source = self._graph.add(
            "buffer",
            f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}:time_base=1/1000"
            f":colorspace={frame.colorspace}:range={frame.color_range}",
        )
        filters = [(turn, "") for turn in turns]
        if size != self._size:
            filters.append(("scale", f"{self._size[0]}:{self._size[1]}"))
        filters += [("format", "rgb24"), ("buffersink", "")]
        self._sink = add_filters(self._graph, self._source, filters)


def _turns(matrix: np.ndarray | None) -> tuple[str, ...]:
    """Returns the names of the filters that bring a frame upright, by the nearest quarter turn.

    Args:
        matrix: Display matrix [3, 3] of the container: a row (x, y, 1) times it is a place on the
            screen; None for none.
    """
    if matrix is None:
        return ()
    (a, b), (c, d) = matrix[:2, :2].tolist()
    if abs(b) > abs(a):  # x becomes y
        mirrored = {"hflip": c < 0, "vflip": b < 0}
        return ("transpose", *(name for name, is_on in mirrored.items() if is_on))
    mirrored = {"hflip": a < 0, "vflip": d < 0}
    return tuple(name for name, is_on in mirrored.items() if is_on)


def open_camera(number: int) -> cv2.VideoCapture:
    """Returns OpenCV's capture of a camera; the caller must release it.

    Args:
        number: Number of the camera; 0 is the first one.

    Raises:
        InputError: If there is no such camera, or it does not respond.
    """
    capture = cv2.VideoCapture(number)
    if not capture.isOpened():
        raise InputError(
            f"camera {number} cannot be opened: is it connected, allowed, and not in use? 0 is the "
            "first"
        )
    return capture


def read_camera(number: int) -> Iterator[tuple[np.ndarray, float, float]]:
    """Yields the frames of a camera in the form of `read_video`.

    The iterator ends when the camera stops sending frames; the caller may stop iterating at any
    time. Times are seconds of the system's clock since the first frame.

    Args:
        number: Number of the camera; 0 is the first one.

    Raises:
        InputError: If there is no such camera, or it sends no frame.
    """
    capture = open_camera(number)
    reported = float(capture.get(cv2.CAP_PROP_FPS))
    frequency, began = reported if 0 < reported < 1000 else USUAL_RATE, None
    try:
        while True:
            is_read, pixels = capture.read()
            if not is_read:
                break
            now = time.monotonic()
            began = now if began is None else began
            yield cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), now - began, frequency
    finally:
        capture.release()
    raise InputError(f"camera {number} sends no {'more ' if began is not None else ''}images")


@functools.cache
def encoder() -> str:
    """Returns FFmpeg's name of the encoder of written videos, such as "libx264".

    It encodes H.264 if PyAV has such an encoder, else MPEG-4 part 2, which is logged as a warning.

    Raises:
        MissingDependencyError: If PyAV is not installed.
    """
    for name in H264_ENCODERS:
        try:
            context = pyav().CodecContext.create(name, "w")
            context.width = context.height = 64
            context.pix_fmt, context.time_base = "yuv420p", Fraction(1, 30)
            context.open()
        except (pyav().FFmpegError, ValueError):  # it is not there, or its library is not
            continue
        return name
    _log.warning(
        "PyAV %s has no encoder for H.264 (%s): videos are written as MPEG-4 part 2, which "
        "browsers do not play",
        pyav().__version__,
        ", ".join(H264_ENCODERS),
    )
    return "mpeg4"


def codec() -> str:
    """Returns the codec of written videos as text, with the encoder in brackets, see `encoder`."""
    name = encoder()
    return f"{'H.264' if name in H264_ENCODERS else 'MPEG-4 part 2'} ({name})"


class VideoWriter:
    """Writes an MP4 video that browsers play (see `encoder`), as YUV 4:2:0 by BT.709.

    Call `write` for each frame, then `close`; the file is complete only after that.

    Args:
        path: Path of the file, with the suffix .mp4; missing folders are created.
        size: (width, height) of the frames in px. An odd last column or row is left out, as the
            format requires even sizes.
        rate: Mean number of frames per second, which the file states.
        sound: Path of the video whose sound is copied; None writes no sound.

    Attributes:
        written: Number of frames written so far.

    Raises:
        OSError: If the file cannot be written.
        InputError: If the encoder supports no video of this size.
        MissingDependencyError: If PyAV is not installed.
    """

    def __init__(
        self, path: Path, size: tuple[int, int], rate: float, sound: Path | None = None
    ) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._size = size
        self._rate = rate
        name = encoder()
        # MPEG-4 part 2 has at most 65,535 ticks in a second: there a frame is one tick.
        self._ticks = 1 if name == "mpeg4" else 20
        period = Fraction(1 / rate).limit_denominator(65_535)
        self.written = 0
        self._tick = -1
        self._held: Packet | None = None
        self._failure: Exception | None = None
        self._sound: Sound | None = None
        with errors_of(path):
            self._container = pyav().open(
                address(path),
                "w",
                format="mp4",
                container_options={"movflags": "+faststart", "strict": "unofficial"},
            )
            self._stream = self._container.add_stream(
                name, rate=1 / period, options=dict(ENCODER_OPTIONS[name])
            )
            context = self._stream.codec_context
            context.width, context.height = (side // 2 * 2 for side in size)
            context.pix_fmt = "yuv420p"
            context.time_base = period / self._ticks
            context.max_b_frames = 0  # packets are in the order of the frames
            context.colorspace = context.color_primaries = context.color_trc = _BT709
            context.color_range = _LIMITED
            if sound is not None:
                self._sound = open_sound(sound, self._container)
            self._container.start_encoding()

    def write(self, pixels: np.ndarray, seconds: float | None = None) -> None:
        """Adds a frame.

        Args:
            pixels: uint8 RGB [h, w, 3], of the writer's `size`.
            seconds: Time of the frame in seconds since the first frame, ascending; None takes the
                time of the previous frame plus 1 / `rate`.

        Raises:
            InputError: If the frame has another size.
            OSError: If the file cannot be written, as on a full disk.
        """
        if pixels.shape[1::-1] != self._size:
            raise InputError(
                f"{self._path}: a frame of {pixels.shape[1::-1]} px in a video of {self._size} px"
            )
        position = self.written if seconds is None else seconds * self._rate
        if abs(position - round(position)) < 0.1:  # containers round times, to ms
            position = round(position)
        self._tick = max(self._tick + 1, round(position * self._ticks))
        context = self._stream.codec_context
        even = np.ascontiguousarray(pixels[: context.height, : context.width])
        frame = pyav().VideoFrame.from_numpy_buffer(even, format="rgb24")
        frame = frame.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")
        frame.pts, frame.time_base = self._tick, context.time_base
        self.written += 1
        with self._failing():
            self._mux(self._stream.encode(frame))
            if self._sound is not None:
                self._sound.write_until((self._tick / self._ticks + 1) / self._rate)

    def close(self) -> None:
        """Completes and closes the file.

        Raises:
            OSError: If the file or an earlier frame could not be written, as on a full disk.
        """
        if self._failure is not None:
            raise self._failure
        with self._failing():
            self._mux(self._stream.encode(None))
            if self._held is not None:
                left = self.written * self._ticks - self._tick  # so that the mean rate is kept
                self._held.duration = left if left > 0 else self._ticks
                self._held.time_base = self._stream.codec_context.time_base
                self._container.mux(self._held)
            if self._sound is not None:
                self._sound.close()
            self._container.close()

    def _mux(self, packets: list[Packet]) -> None:
        """Writes packets but for the last one, which may turn out to be the last of the video."""
        for packet in packets:
            if self._held is not None:
                self._container.mux(self._held)
            self._held = packet

    @contextlib.contextmanager
    def _failing(self) -> Iterator[None]:
        """Gives the file up where the block fails, and names it."""
        try:
            with errors_of(self._path):
                yield
        except Exception as error:
            self._failure = error
            with contextlib.suppress(pyav().FFmpegError):
                self._container.close()
            raise
