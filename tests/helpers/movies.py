"""Tiny videos for the tests: drawn frames, turned like a phone's, in any format, and with sound."""

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from paddle_pose.io.videos import VideoWriter

TURNED = {
    "90": (0, 1, -1, 0),
    "180": (-1, 0, 0, -1),
    "270": (0, -1, 1, 0),
    "mirrored": (-1, 0, 0, 1),
    "upside down": (1, 0, 0, -1),
    "mirrored 90": (0, 1, 1, 0),
    "mirrored 270": (0, -1, -1, 0),
}  # degrees clockwise: a, b, c, d of the matrix


def frames(count: int, size: tuple[int, int] = (64, 48)) -> list[np.ndarray]:
    """Grey frames that get brighter, red at the left."""
    images = []
    for n in range(count):
        pixels = np.full((size[1], size[0], 3), 20 + 10 * n % 200, np.uint8)
        pixels[:, : size[0] // 4] = (220, 0, 0)
        images.append(pixels)
    return images


def write(
    path: Path,
    count: int = 5,
    size: tuple[int, int] = (64, 48),
    rate: float = 10.0,
    times: Sequence[float] | None = None,
) -> Path:
    """Writes a video of `frames` as the project does, at a rate or with times of their own."""
    writer = VideoWriter(path, size, rate)
    for n, pixels in enumerate(frames(count, size)):
        writer.write(pixels, None if times is None else times[n])
    writer.close()
    return path


def encode(
    path: Path,
    images: Sequence[np.ndarray],
    codec: str = "libx264",
    *,
    pix_fmt: str = "yuv420p",
    rate: Fraction | int = 10,
    sound: str | None = None,
    sound_seconds: float | None = None,
    colours: tuple[int, int] | None = None,
    options: dict[str, str] | None = None,
    file_options: dict[str, str] | None = None,
) -> Path:
    """Writes a video with any encoder of FFmpeg, in the format that the file's suffix says.

    Args:
        path: File to write.
        images: uint8 RGB [h, w, 3] each.
        codec: Encoder of the frames.
        pix_fmt: Pixel format of the file.
        rate: Frames per second.
        sound: Encoder of a tone beside the frames; None for silence.
        sound_seconds: Duration of the tone; None for that of the frames.
        colours: Matrix and range that the file states and the conversion uses, in FFmpeg's numbers;
            None for neither.
        options: Options of the encoder.
        file_options: Options of the format.
    """
    height, width = images[0].shape[:2]
    with av.open(str(path), "w", container_options=file_options or {}) as output:
        quick = {"deadline": "realtime", "cpu-used": "8"} if codec == "libvpx" else {}
        stream = output.add_stream(codec, rate=rate, options={**quick, **(options or {})})
        stream.width, stream.height = width, height
        stream.pix_fmt = pix_fmt
        if colours is not None:
            stream.codec_context.colorspace, stream.codec_context.color_range = colours
        tone = None if sound is None else output.add_stream(sound, rate=48_000, bit_rate=128_000)
        for n, pixels in enumerate(images):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            if colours is None:
                frame = frame.reformat(format=pix_fmt)
            else:
                frame = frame.reformat(
                    format=pix_fmt, dst_colorspace=colours[0], dst_color_range=colours[1]
                )
                frame.colorspace, frame.color_range = colours
            frame.pts, frame.time_base = n, 1 / Fraction(rate)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
        if tone is not None:
            seconds = len(images) / rate if sound_seconds is None else sound_seconds
            samples = np.sin(np.arange(int(48_000 * seconds)) * 0.06) * 9000
            for start in range(0, len(samples), 1024):
                part = samples[start : start + 1024].astype(np.int16)
                frame = av.AudioFrame.from_ndarray(part[None], format="s16", layout="mono")
                frame.sample_rate, frame.pts = 48_000, start
                output.mux(tone.encode(frame))
            output.mux(tone.encode(None))
    return path


def noise(count: int, size: tuple[int, int] = (64, 48)) -> list[np.ndarray]:
    """Frames of coarse noise, so that every packet holds some hundred bytes."""
    random = np.random.default_rng(0)
    cells = (count, size[1] // 8, size[0] // 8, 3)
    coarse = random.integers(0, 256, cells, np.uint8)
    return list(coarse.repeat(8, axis=1).repeat(8, axis=2))


def turn(path: Path, turned: str | int, size: tuple[int, int] = (64, 48)) -> None:
    """Asks players to turn the video, as a phone does that was held upright, or to mirror it.

    Args:
        path: MP4 that is changed.
        turned: Degrees clockwise, or another key of `TURNED`.
        size: (width, height) of the frames.
    """
    content = bytearray(path.read_bytes())
    matrix = content.index(b"tkhd") + 44
    a, b, c, d = TURNED[str(turned)]
    shift = (size[0] * (a < 0) + size[1] * (c < 0), size[0] * (b < 0) + size[1] * (d < 0))
    numbers = (a << 16, b << 16, 0, c << 16, d << 16, 0, shift[0] << 16, shift[1] << 16, 1 << 30)
    content[matrix : matrix + 36] = struct.pack(">9i", *numbers)
    path.write_bytes(content)


def overwrite(path: Path, start: float, length: int) -> None:
    """Zeroes bytes of a file.

    Args:
        path: File that is changed.
        start: Position of the first byte, as a fraction of the file's length.
        length: Number of bytes.
    """
    content = bytearray(path.read_bytes())
    at = int(len(content) * start)
    content[at : at + length] = bytes(length)
    path.write_bytes(content)


def cut(path: Path, kept: float) -> None:
    """Cuts a file after a part of the whole."""
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
