"""Limits of what a file may make the program do: memory, nesting, and the length of numbers.

Every limit is far above what real files need. A file that exceeds one is refused with a message
before the memory is used, instead of ending the process or raising an error that nobody expects.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np

from paddle_pose.errors import InputError

MEMORY_FACTOR = 8  # memory that the content of a file may need, in multiples of its size,
MEMORY_SPARE = 400 * 10**6  # and bytes in addition, so that small files have no tight limit
MAX_JSON_DEPTH = 100  # nested lists and objects; annotations have 6, graphs of TensorFlow.js 9
_JSON_CONTAINER = 64  # bytes of an empty list or dict in Python
PIXELS_OF_ANY_FILE = 64 * 10**6  # of an image; a file with more must have at least
MAX_PIXELS_PER_BYTE = 64  # one byte for so many pixels; photographs have 2 to 20
_STRING_OR_NUMBER = re.compile(
    r'"[^"\\]*(?:\\.[^"\\]*)*"|-?[0-9]+(\.[0-9]+(?:[eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)?',
    re.DOTALL,
)
_ESCAPED = re.compile(rb"\\.", re.DOTALL)
_STRINGS = re.compile(rb'"[^"]*"')
_NO_STRUCTURE = bytes(set(range(256)) - set(b'[]{}"'))
_SAME_DIGITS = bytes.maketrans(b"123456789E", b"000000000e")
_MAYBE_LARGE = (b"0" * 19, b"e000", b"e+000")  # in text whose digits are all replaced by 0
_CHUNK = 1 << 16  # brackets that are counted at once


class Budget:
    """Memory that the content of one file may need.

    Args:
        size: Size of the file in bytes; the content may need `MEMORY_FACTOR` times as much and
            `MEMORY_SPARE` bytes in addition.

    Attributes:
        limit: Bytes that may be used in all.
        left: Bytes that may still be used.
    """

    __slots__ = ("left", "limit")

    def __init__(self, size: int) -> None:
        self.limit = self.left = MEMORY_FACTOR * size + MEMORY_SPARE

    def use(self, count: int) -> None:
        """Uses a part of the memory.

        Args:
            count: Number of bytes, at least 0.

        Raises:
            InputError: If less is left.
        """
        self.left -= count
        if self.left < 0:
            raise InputError(
                f"its content needs more than {self.limit / 1e6:,.0f} MB of memory, which no file "
                "of its size should need"
            )


def check_json(text: str) -> None:
    """Raises an error if JSON text is nested too deeply, or its numbers or its size are too large.

    NaN and infinity are accepted, as `json.loads` accepts them: readers check their own numbers.

    Args:
        text: JSON text, which need not be valid.

    Raises:
        InputError: If the text is nested more deeply than `MAX_JSON_DEPTH`, contains an integer
            beyond 64 bits or a number beyond float64, or consists of so many lists and objects that
            they need more memory than `Budget` allows.

    Example:
        >>> check_json('{"a": [1, 2.5]}')
        >>> check_json("[" * 200_000)
        Traceback (most recent call last):
        ...
        paddle_pose.errors.InputError: lists and objects are nested 200,000 deep, at most 100 are \
supported
    """
    data = text.encode("utf-8", "surrogatepass")
    depth, containers = _nesting(data)
    if depth > MAX_JSON_DEPTH:
        raise InputError(
            f"lists and objects are nested {depth:,} deep, at most {MAX_JSON_DEPTH} are supported"
        )
    Budget(len(data)).use(containers * _JSON_CONTAINER)
    digits = data.translate(_SAME_DIGITS)
    # Looking at every number takes as long as parsing, so only where there may be a large one.
    if any(part in digits for part in _MAYBE_LARGE):
        for match in _STRING_OR_NUMBER.finditer(text):
            if match[0][0] != '"':
                _check_number(match[0], is_integer=match[1] is None)


def _nesting(data: bytes) -> tuple[int, int]:
    """Returns how deep the lists and objects of a JSON text are nested, and their number."""
    structure = _ESCAPED.sub(b"", data) if b"\\" in data else data
    codes = np.frombuffer(_STRINGS.sub(b"", structure.translate(None, _NO_STRUCTURE)), np.uint8)
    deepest = depth = containers = 0
    for start in range(0, len(codes), _CHUNK):
        part = codes[start : start + _CHUNK]
        is_open = (part == ord("[")) | (part == ord("{"))
        depths = depth + np.cumsum(np.where(is_open, 1, -1))
        deepest = max(deepest, int(depths.max()))
        depth = int(depths[-1])
        containers += int(is_open.sum())
    return deepest, containers


def _check_number(text: str, is_integer: bool) -> None:
    """Raises InputError for an integer beyond 64 bits or a number beyond float64."""
    if not is_integer:
        is_too_large = math.isinf(float(text))
    else:
        # Converting many digits is slow.
        is_too_large = len(text) > 21 or not -(2**63) <= int(text) < 2**64
    if is_too_large:
        raise InputError(
            f"the number {text[:24]}{'…' * (len(text) > 24)} of {len(text):,} characters is too "
            f"large for {'64 bits' if is_integer else 'float64'}"
        )


def check_pixels(size: tuple[int, ...], file_size: int, name: str | Path) -> None:
    """Raises an error if an image states many more pixels than its file can contain.

    Decoders allocate the stated size before they find out.

    Args:
        size: (width, height) that the file states, in px.
        file_size: Size of the file in bytes.
        name: Name of the image in the message.

    Raises:
        InputError: If the image has more than `PIXELS_OF_ANY_FILE` pixels, and more than
            `MAX_PIXELS_PER_BYTE` of them for each byte.

    Example:
        >>> check_pixels((6000, 4000), 9_000, "photo.jpg")
    """
    width, height = size
    if width * height > max(PIXELS_OF_ANY_FILE, MAX_PIXELS_PER_BYTE * file_size):
        raise InputError(
            f"{name}: states {width} x {height} px, but has only {file_size:,} bytes; damaged, or"
            " an image made to use up the memory. Scale it down if it is neither"
        )
