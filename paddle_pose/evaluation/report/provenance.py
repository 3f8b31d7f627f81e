"""Where a report comes from: date, version, command, and its files with their checksums.

A report is made to be passed on, so it names files without the folders of its author's computer.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path, PurePosixPath, PureWindowsPath

from paddle_pose import __version__
from paddle_pose.io.checksum import sha256_of

# A path from the root of a file system up to its last part.
_ABSOLUTE = re.compile(r"""(?<![\w.:/\\~-])(?:~?/|[A-Za-z]:[/\\])(?:[^\s'"(),;/\\]+[/\\])+""")

# Text in brackets, which is one path even if there are spaces in it.
_BRACKETS = re.compile(r"\(([^()]*)\)")


@dataclass(frozen=True)
class Provenance:
    """Where a report comes from.

    Attributes:
        made: Date and time, UTC, such as "2026-01-31 12:00 UTC".
        version: Version of this package.
        command: Command that evaluated the predictions; "" if unknown.
        files: (name without folders, SHA-256) of each file by its role, such as "predictions".
    """

    made: str
    version: str
    command: str = ""
    files: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def provenance(files: Mapping[str, Path], command: str = "") -> Provenance:
    """Returns the provenance of a report that is made now.

    Args:
        files: Files that the report depends on, by their role; missing ones are left out.
        command: Command that evaluated the predictions; "" if unknown.
    """
    return Provenance(
        made=f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC",
        version=f"paddle_pose {__version__}",
        command=command_without_folders(command),
        files={
            role: (path.name, sha256_of(path)) for role, path in files.items() if path.is_file()
        },
    )


def without_folders(text: str) -> str:
    """Returns a text whose absolute paths are replaced by their last parts.

    Args:
        text: Text that is a path or contains some; relative paths are kept.

    Example:
        >>> without_folders("detected (/home/me/boxes.json)"), without_folders("data/mpii")
        ('detected (boxes.json)', 'data/mpii')
    """
    for kind in (PurePosixPath, PureWindowsPath):
        if kind(text).is_absolute():
            return kind(text).name or text
    text = _BRACKETS.sub(lambda found: f"({without_folders(found[1])})", text)
    return _ABSOLUTE.sub("", text)


def command_without_folders(command: str) -> str:
    """Returns a command line whose absolute paths are replaced by their last parts.

    Args:
        command: Command line as it is typed into a shell.

    Example:
        >>> command_without_folders("val --results '/home/me/my files/a.mat' --output=/tmp/out")
        'val --results a.mat --output=out'
    """
    try:
        words = shlex.split(command)
    except ValueError:
        return without_folders(command)
    shown = []
    for word in words:
        flag, separator, value = word.partition("=")
        is_flag = word.startswith("-") and separator
        shown.append(f"{flag}={without_folders(value)}" if is_flag else without_folders(word))
    return shlex.join(shown)
