"""Finds the files that the names in annotations mean, also names from other systems."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from urllib.parse import unquote

_MAX_LISTED = 50_000  # files compared with a missing one
_URL = re.compile(r"\b[a-z]{2,}:/+", re.IGNORECASE)


def located(folder: Path, name: str) -> Path:
    """Returns the path of a file that annotations name, which need not exist.

    A backslash, which separates folders on Windows, is taken as "/" if that file exists.

    Args:
        folder: Folder that the name is relative to.
        name: Name of the file as annotated.

    Example:
        >>> located(Path("photos"), "day/1.jpg").as_posix()
        'photos/day/1.jpg'
    """
    path = folder / name
    if "\\" in name and not path.exists():
        other = folder / name.replace("\\", "/")
        return other if other.exists() else path
    return path


def why_missing(path: Path) -> str:
    """Returns how a missing file's name may be wrong, for messages; "" if nothing is known.

    The nearest file has the same name apart from case, folder, suffix or Unicode form, or its name
    begins or ends with the missing one's, as that of an upload. It is searched below the nearest
    existing folder.

    Args:
        path: Path of a file that does not exist.

    Returns:
        Clauses such as "; the nearest file is day/1.JPG".
    """
    text = str(path)
    clauses = ""
    wanted = path.name
    if _URL.search(text):
        clauses += "; the name is a URL, expected the name of a file"
        # The name of the file may be the last value of a query, such as in /files?d=day/1.jpg.
        wanted = re.split(r"[/=]", unquote(re.sub(r"[?#][^/.]*$", "", text)))[-1]
    elif "\\" in path.name:
        clauses += "; the name has backslashes, as on Windows"
    wanted = re.split(r"[\\/]", wanted)[-1]
    folder = next((parent for parent in path.parents if parent.is_dir()), None)
    if folder is None or folder == Path(folder.anchor) != Path() or not wanted:
        return clauses  # not in the whole file system
    near = _nearest(folder, wanted)
    if near is not None:
        clauses += f"; the nearest file is {near.relative_to(folder).as_posix()} in {folder}"
    return clauses


def _nearest(folder: Path, wanted: str) -> Path | None:
    """Returns the file below a folder whose name is nearest; None if none is near."""
    name = _key(wanted)
    stem = name.rpartition(".")[0] or name
    best: tuple[int, Path] | None = None
    for path in islice(_files(folder), _MAX_LISTED):
        key = _key(path.name)
        other_stem = key.rpartition(".")[0] or key
        if key == name:
            return path
        distance = None
        if other_stem == stem:
            distance = 1
        elif key.endswith(("-" + name, "_" + name)) or name.endswith(("-" + key, "_" + key)):
            distance = 2
        if distance is not None and (best is None or distance < best[0]):
            best = distance, path
    return None if best is None else best[1]


def _files(folder: Path) -> Iterator[Path]:
    """Yields the files below a folder, in a fixed order."""
    for root, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            yield Path(root, name)


def _key(name: str) -> str:
    """Returns a file's name in the form in which names are compared."""
    return unicodedata.normalize("NFC", name).casefold()
