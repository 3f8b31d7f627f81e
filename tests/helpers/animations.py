"""Animated PNGs and GIFs for the tests, with frames of any position and disposal."""

import struct
import zlib

Frame = tuple[tuple[int, int, int, int], int, int, int, int, int]
"""RGBA colour, left, top, width and height in px, and what the file's format calls the disposal."""


def apng(size: tuple[int, int], *frames: Frame) -> bytes:
    """Returns an animated PNG of 0.1 s per frame."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)

    chunks = [chunk(b"IHDR", struct.pack(">2I5B", *size, 8, 6, 0, 0, 0))]
    chunks.append(chunk(b"acTL", struct.pack(">2I", len(frames), 0)))
    number = 0
    for n, (colour, left, top, width, height, disposal) in enumerate(frames):
        place = struct.pack(">5I2H2B", number, width, height, left, top, 100, 1000, disposal, 1)
        pixels = zlib.compress((b"\0" + bytes(colour) * width) * height)
        chunks.append(chunk(b"fcTL", place))
        if n:
            number += 1
            pixels = struct.pack(">I", number) + pixels
        chunks.append(chunk(b"fdAT" if n else b"IDAT", pixels))
        number += 1
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks) + chunk(b"IEND", b"")


def gif(size: tuple[int, int], *frames: Frame) -> bytes:
    """Returns an animated GIF of 0.1 s per frame."""
    colours = [(0, 0, 0), *dict.fromkeys(frame[0][:3] for frame in frames)]
    table = b"".join(bytes(colour) for colour in colours).ljust(3 * 128, b"\0")
    content = b"GIF89a" + struct.pack("<2H3B", *size, 0xF6, 0, 0) + table
    for (*colour, alpha), left, top, width, height, disposal in frames:
        number = colours.index(tuple(colour)) if alpha else 0
        content += struct.pack("<3sBHBB", b"!\xf9\4", disposal << 2 | 1, 10, 0, 0)
        content += struct.pack("<B4HB", 0x2C, left, top, width, height, 0)
        # LZW with codes of 8 bits: code 128 clears the table of patterns before codes get longer.
        rows = b"".join(b"\x80" + bytes([number]) * width for _ in range(height)) + b"\x81"
        blocks = [rows[n : n + 255] for n in range(0, len(rows), 255)]
        content += b"\7" + b"".join(bytes([len(block)]) + block for block in blocks) + b"\0"
    return content + b";"
