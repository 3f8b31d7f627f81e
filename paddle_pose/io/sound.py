"""Copies the sound of a video into the video that is drawn from it."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from paddle_pose.io.media import (
    DEFAULT_STREAM,
    add_filters,
    first_time,
    open_media,
    pyav,
)

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer, OutputContainer
    from av.packet import Packet

_log = logging.getLogger("paddle_pose")

COPIED = ("aac", "mp3", "mp3float", "opus", "libopus", "flac")  # what browsers play in an MP4
AAC_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 88200, 96000)


def open_sound(source: Path, output: OutputContainer) -> Sound | None:
    """Returns the sound of a video, ready to be written into an MP4; None if it has no sound.

    Sound that cannot be decoded is left out, which is logged; None is returned then, too.

    Args:
        source: Path of the video.
        output: PyAV's container of the MP4 that is being written; a stream is added to it.
    """
    try:
        start = first_time(source)
        container = open_media(source)
    except (OSError, ValueError) as error:
        _log.warning("%s; the drawing has no sound", error)
        return None
    streams = container.streams.audio
    readable = [stream for stream in streams if stream.codec_context is not None]
    if not readable:
        if streams:
            _log.warning(
                "%s: PyAV %s cannot decode its sound, which is left out of the drawing",
                source,
                pyav().__version__,
            )
        container.close()
        return None
    chosen = max(readable, key=lambda stream: stream.disposition.value & DEFAULT_STREAM)
    return Sound(source, container, chosen, start, output)


class Sound:
    """Copies the sound of a video into an MP4 while the frames of the MP4 are written.

    AAC, MP3, Opus and FLAC are copied, other sound is encoded as AAC. Call `write_until` with the
    time of each frame, and `close` after the last one.

    Args:
        source: Path of the video, for messages.
        container: PyAV's container of the video; `close` closes it.
        stream: Audio stream of `container` to copy.
        start: Time of the video's first frame in seconds, as its container states it, see
            `media.first_time`.
        output: PyAV's container of the MP4 that is being written; a stream is added to it.
    """

    def __init__(
        self,
        source: Path,
        container: InputContainer,
        stream: AudioStream,
        start: float,
        output: OutputContainer,
    ) -> None:
        self._source = source
        self._container = container
        self._stream = stream
        self._output = output
        self._start = round(start / stream.time_base)
        self._packets: Iterator[Packet] = container.demux(stream)
        self._next: Packet | None = None
        self._last_dts: int | None = None
        self._has_logged = False
        self._copy: AudioStream | None = None
        self._encoder: _AacEncoder | None = None
        if stream.codec_context.name in COPIED:
            # Before PyAV 18, this looks for an encoder of the decoder's name.
            with contextlib.suppress(ValueError):
                self._copy = output.add_stream_from_template(stream)
        if self._copy is None:
            self._encoder = _AacEncoder(stream, output)

    def write_until(self, seconds: float) -> None:
        """Writes the sound that begins before a time and has not been written yet.

        Args:
            seconds: Time in seconds since the first frame of the video.

        Raises:
            FFmpegError: If the output cannot be written.
        """
        limit = self._start + seconds / self._stream.time_base
        while (packet := self._packet_before(limit)) is not None:
            self._write(self._converted(packet))

    def close(self) -> None:
        """Writes the sound that the encoder has buffered, and closes the container of the video.

        Raises:
            FFmpegError: If the output cannot be written.
        """
        self._container.close()
        if self._encoder is not None:
            self._write(self._encoder.finish())

    def _write(self, packets: list[Packet]) -> None:
        """Writes packets but for those that the format refuses, as it may damaged ones."""
        for packet in packets:
            try:
                self._output.mux(packet)
            except pyav().FFmpegError as error:
                if isinstance(error, OSError | MemoryError):  # as on a full disk
                    raise
                self._tell(f"a part of the sound is left out ({error.strerror})")

    def _packet_before(self, limit: float) -> Packet | None:
        """Returns the next packet of the source if it begins before a time, in its own units."""
        while self._next is None:
            try:
                self._next = next(self._packets, None)
            except IndexError:  # PyAV ends so where a damaged file seemed to begin another stream
                self._packets = iter(())
            except pyav().FFmpegError as error:
                self._packets = iter(())
                self._tell(f"the sound ends where it cannot be read ({error.strerror})")
            if self._next is None:
                return None
            if self._next.pts is None:  # the mark of the end, or a packet without a time
                self._next = None
        if self._next.pts >= limit:
            return None
        packet, self._next = self._next, None
        return packet

    def _converted(self, packet: Packet) -> list[Packet]:
        """Returns a packet of the source as packets of the output."""
        if self._encoder is not None:
            try:
                return self._encoder.encode(packet.decode(), self._start)
            except pyav().FFmpegError as error:
                self._tell(f"a part of the sound is left out ({error.strerror})")
                return []
        end = packet.pts + (packet.duration or 0)
        if packet.dts is None or end <= self._start:
            return []
        if self._last_dts is not None and packet.dts <= self._last_dts:
            return []  # MP4 takes no step back in time, as where recordings were joined
        self._last_dts = packet.dts
        packet.pts -= self._start
        packet.dts -= self._start
        packet.stream = self._copy
        return [packet]

    def _tell(self, what: str) -> None:
        """Logs once what is wrong with the sound; where the file is damaged, its picture warns."""
        if not self._has_logged:
            self._has_logged = True
            _log.info("%s: %s", self._source, what)


class _AacEncoder:
    """Turns decoded sound into AAC that begins at time 0 and has no gaps.

    Args:
        stream: Sound that is decoded.
        output: MP4 that the stream of the encoder is added to.
    """

    def __init__(self, stream: AudioStream, output: OutputContainer) -> None:
        context = stream.codec_context
        self._time_base = stream.time_base
        self._rate = context.sample_rate if context.sample_rate in AAC_RATES else 48_000
        self._layout = "mono" if context.layout.nb_channels == 1 else "stereo"
        self._stream: AudioStream = output.add_stream("aac", rate=self._rate)
        self._stream.codec_context.layout = self._layout
        self._look: tuple[str, str, int] | None = None
        self._samples = 0  # that were encoded

    def encode(self, frames: list[AudioFrame], start: int) -> list[Packet]:
        """Returns the packets of AAC that the encoder has completed.

        Args:
            frames: Decoded sound.
            start: Time that becomes 0, in units of the frames' `time_base`.
        """
        packets = []
        for frame in frames:
            look = (frame.format.name, frame.layout.name, frame.sample_rate)
            if look != self._look:
                packets += self._finish_filters()
                self._build_filters(*look)
                self._look = look
            if frame.pts is not None:
                frame.pts -= start
            self._buffer.push(frame)
            packets += self._ready()
        return packets

    def finish(self) -> list[Packet]:
        """Returns the remaining packets of the encoder; call it once, after the last `encode`."""
        return [*self._finish_filters(), *self._stream.encode(None)]

    def _build_filters(self, sample_format: str, layout: str, rate: int) -> None:
        """Makes filters for frames of one form, which go on with silence after what was encoded."""
        self._graph = pyav().filter.Graph()
        self._buffer = self._graph.add_abuffer(
            sample_rate=rate, format=sample_format, layout=layout, time_base=self._time_base
        )
        self._sink = add_filters(
            self._graph,
            self._buffer,
            [
                ("aresample", f"{self._rate}:async=1:first_pts={self._samples}"),
                ("aformat", f"fltp:{self._rate}:{self._layout}"),
                ("asetnsamples", "n=1024:p=0"),
                ("abuffersink", ""),
            ],
        )

    def _finish_filters(self) -> list[Packet]:
        """Returns packets of what the filters still hold."""
        if self._look is None:
            return []
        self._buffer.push(None)
        return self._ready()

    def _ready(self) -> list[Packet]:
        """Returns packets of what the filters have finished."""
        packets: list[Packet] = []
        while True:
            try:
                frame = self._sink.pull()
            except (BlockingIOError, EOFError):
                return packets
            self._samples += frame.samples
            packets += self._stream.encode(frame)
