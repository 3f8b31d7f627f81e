"""Opens and parses JSON: the one place where bytes become text and text becomes values."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from paddle_pose.errors import InputError
from paddle_pose.io.limits import check_json

_HINT = "is the file complete?"
# Bytes of frequent letters, by the name of an encoding that is older than UTF-8: the first plane of
# GB 2312, of Big5 and of JIS X 0208 with its kana, and accented letters beside Latin ones.
_FREQUENT = {
    "GBK": re.compile(rb"[\xb0-\xd7][\xa1-\xfe]"),
    "Big5": re.compile(rb"[\xa4-\xc6][\x40-\x7e\xa1-\xfe]"),
    "Shift_JIS": re.compile(rb"[\x82\x83\x88-\x97][\x40-\x7e\x80-\xfc]"),
    "Windows-1251": re.compile(rb"[\xc0-\xff]{2,}"),
    "Windows-1252": re.compile(rb"(?<![\x80-\xff])[\xc0-\xff](?![\x80-\xff])"),
}
_MIN_FREQUENT = 0.75  # share of the bytes above 127 that must belong to frequent letters
_SAMPLE_BYTES = 1 << 20


def read_json(path: Path, hint: str = _HINT) -> Any:
    """Returns the content of a JSON file in UTF-8, UTF-16 or UTF-32, with or without a mark.

    Args:
        path: Path of the file.
        hint: End of the message about a file that is not JSON: what to do.

    Raises:
        FileNotFoundError: If the file does not exist.
        InputError: If the file is empty, in another encoding, or not valid JSON.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: not found")
    return parse_json(path.read_bytes(), path, hint)


def parse_json(content: bytes | str, where: str | Path, hint: str = _HINT) -> Any:
    """Returns the value of a JSON text.

    Args:
        content: The text, or its bytes as for `decode`.
        where: Name of the file, and the line if there are several texts, for messages.
        hint: End of the message about a text that is not JSON: what to do.

    Raises:
        InputError: If the text is empty, in another encoding, or not valid JSON, or exceeds a limit
            of `limits.check_json`.
    """
    if not content or content.isspace():
        raise InputError(f"{where}: the file is empty, expected JSON; {hint}")
    text = decode(content, where, hint) if isinstance(content, bytes) else content
    try:
        check_json(text)
        return json.loads(text.removeprefix("\ufeff"))
    except InputError as problem:
        raise InputError(f"{where}: {problem}; {hint}") from problem
    except (ValueError, RecursionError) as problem:
        raise InputError(f"{where}: not valid JSON ({problem}); {hint}") from problem


def decode(content: bytes, where: str | Path, hint: str = _HINT) -> str:
    """Returns the text of bytes in UTF-8, UTF-16 or UTF-32, without a byte order mark.

    UTF-16 and UTF-32 are recognised by the mark, or by the zeros among the first four bytes, as
    the JSON standard states (RFC 4627, section 3).

    Args:
        content: The bytes.
        where: Name of the file for messages.
        hint: End of the message about bytes that end inside a letter: what to do.

    Raises:
        InputError: If the bytes are in another encoding; the message names the likely one and how
            to convert the file.
    """
    encoding = json.detect_encoding(content)
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as problem:
        if not encoding.startswith("utf-8") or problem.reason == "unexpected end of data":
            raise InputError(
                f"{where}: ends inside a letter, or is damaged ({problem}); {hint}"
            ) from problem
        line = content.count(b"\n", 0, problem.start) + 1
        likely = _likely_encoding(content)
        remedy = f"iconv -f {likely or 'ENCODING'} -t UTF-8 FILE > NEW_FILE"
        raise InputError(
            f"{where}: not UTF-8 (byte {problem.start}, line {line})"
            + (f"; it looks like {likely}" if likely else "")
            + f"; convert it with `{remedy}`, or save it as UTF-8 with a text editor"
        ) from problem


def _likely_encoding(content: bytes) -> str | None:
    """Returns the encoding in which most letters beyond ASCII are frequent ones; None for none."""
    sample = content[:_SAMPLE_BYTES]
    total = sum(byte > 127 for byte in sample)
    best, best_share = None, _MIN_FREQUENT
    for encoding, frequent in _FREQUENT.items():
        try:
            content.decode(encoding)
        except UnicodeDecodeError:
            continue
        found = b"".join(frequent.findall(sample))
        share = sum(byte > 127 for byte in found) / max(1, total)
        if share > best_share:
            best, best_share = encoding, share
    return best
