"""Small MP4 videos for the tests, also rotated or with a variable frame rate."""

import struct
from pathlib import Path

import numpy as np

from paddle_pose.io.videos import VideoWriter

PARENTS = (b"moov", b"trak", b"mdia", b"minf", b"stbl")
ROTATED = {
    90: (0, 1, -1, 0),
    180: (-1, 0, 0, -1),
    270: (0, -1, 1, 0),
}  # degrees clockwise: a, b, c, d of the matrix


def frames(count: int, size: tuple[int, int] = (64, 48)) -> list[np.ndarray]:
    """Returns grey frames of increasing brightness, red at the left."""
    images = []
    for n in range(count):
        pixels = np.full((size[1], size[0], 3), 20 + 10 * n % 200, np.uint8)
        pixels[:, : size[0] // 4] = (220, 0, 0)
        images.append(pixels)
    return images


def write(path: Path, count: int = 5, size: tuple[int, int] = (64, 48), rate: float = 10.0) -> Path:
    """Writes a video of `frames`."""
    writer = VideoWriter(path, size, rate)
    for pixels in frames(count, size):
        writer.write(pixels)
    writer.close()
    return path


def turn(path: Path, degrees: int, size: tuple[int, int] = (64, 48)) -> None:
    """Sets the rotation of a video in place, as a phone does that was held upright.

    Args:
        path: Video to change.
        degrees: Clockwise rotation for players, a key of `ROTATED`.
        size: (width, height) of the stored frames in px.
    """
    content = bytearray(path.read_bytes())
    matrix = content.index(b"tkhd") + 44
    a, b, c, d = ROTATED[degrees]
    shift = (size[1] if degrees != 270 else 0, size[0] if degrees != 90 else 0)
    numbers = (a << 16, b << 16, 0, c << 16, d << 16, 0, shift[0] << 16, shift[1] << 16, 1 << 30)
    content[matrix : matrix + 36] = struct.pack(">9i", *numbers)
    path.write_bytes(content)


def set_durations(path: Path, factors: list[int]) -> None:
    """Multiplies the duration of frame n by factors[n] in place, for a variable frame rate."""
    content = bytearray(path.read_bytes())
    start = content.index(b"stts") - 4
    (size,) = struct.unpack_from(">I", content, start)
    _, duration = struct.unpack_from(">II", content, start + 16)
    entries = b"".join(struct.pack(">II", 1, factor * duration) for factor in factors)
    table = struct.pack(">I4sII", 16 + len(entries), b"stts", 0, len(factors)) + entries
    for parent in PARENTS:
        place = content.index(parent) - 4
        struct.pack_into(
            ">I", content, place, struct.unpack_from(">I", content, place)[0] + len(table) - size
        )
    for header, offset in (
        (b"mdhd", 20),
        (b"mvhd", 20),
        (b"tkhd", 24),
        (b"elst", 12),
    ):  # headers with the total duration
        place = content.index(header) + offset
        (whole,) = struct.unpack_from(">I", content, place)
        struct.pack_into(">I", content, place, whole * sum(factors) // len(factors))
    content[start : start + size] = table
    path.write_bytes(content)
