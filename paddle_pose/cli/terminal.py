"""Escapes control characters in everything that a command prints.

Names of files, and texts in files or from servers, may contain sequences that move the cursor,
change the title or hide a part of a line. They are printed as escapes, as in Python's strings.
"""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterator
from typing import Any, TextIO

from paddle_pose.cli.logs import accept_all_letters

_CONTROLS = re.compile(
    # Control characters except for tabs and ends of lines, marks that change the direction of
    # text, and bytes of names that are not UTF-8.
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069\ud800-\udfff]"
)
_CURSOR = re.compile(r"(\x1b\[A)*")  # progress bars move the cursor up


def printable(text: str) -> str:
    r"""Returns text whose control characters are replaced by escapes.

    Args:
        text: Text of any origin; ends of lines and tabs are kept.

    Example:
        >>> print(printable(f"a{chr(27)}[2Jb"))
        a\x1b[2Jb
    """
    return _CONTROLS.sub(lambda match: _escape(match[0]), text)


def _escape(letter: str) -> str:
    """Returns the escape of a character; of a byte that is not UTF-8 that of the byte."""
    if "\udc80" <= letter <= "\udcff":
        return f"\\x{ord(letter) - 0xDC00:02x}"
    return letter.encode("unicode_escape", "surrogatepass").decode("ascii")


class _PrintableStream:
    """A text stream that writes `printable` text to another one.

    A carriage return at the beginning of a text is kept: progress bars begin with it.

    Args:
        stream: Stream to write to; all other attributes are those of this stream.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Writes text; returns its length."""
        if text.isascii() and text.isprintable():
            self._stream.write(text)
        elif not _CURSOR.fullmatch(text):
            start = text.startswith("\r") and not text.startswith("\r\n")
            self._stream.write(text[:start] + printable(text[start:]))
        else:
            self._stream.write(text)
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Writes several texts."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def escaped_controls() -> Iterator[None]:
    """Escapes control characters in all text that is written to stdout and stderr in the block.

    Letters that their encoding lacks are escaped, too, see `logs.accept_all_letters`.
    """
    accept_all_letters()
    streams: list[Any] = [sys.stdout, sys.stderr]
    # A program without a console has no streams.
    safe: list[Any] = [None if stream is None else _PrintableStream(stream) for stream in streams]
    sys.stdout, sys.stderr = safe
    try:
        yield
    finally:
        # A function that has replaced them since restores them itself.
        if sys.stdout is safe[0]:
            sys.stdout = streams[0]
        if sys.stderr is safe[1]:
            sys.stderr = streams[1]
