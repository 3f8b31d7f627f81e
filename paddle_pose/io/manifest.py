"""The manifest of a checkpoint: the size and SHA-256 of each of its files, by which damage is noticed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from paddle_pose.errors import InputError
from paddle_pose.io.checksum import sha256_of

MANIFEST = "manifest.json"
_REMEDY = f"take another checkpoint, or copy it again; after a change made on purpose, delete the {MANIFEST} beside it"


def write(folder: Path, versions: Mapping[str, str]) -> None:
    """Writes the manifest of the files in a folder.

    Args:
        folder: Folder of the checkpoint.
        versions: Versions by package of what wrote the files.
    """
    files = {
        path.name: _fingerprint(path) for path in sorted(folder.iterdir()) if path.name != MANIFEST
    }
    text = json.dumps({"files": files, "versions": dict(versions)}, indent=2) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")


def check(folder: Path) -> None:
    """Makes sure that a checkpoint is whole.

    Raises:
        FileNotFoundError: If the manifest, or a file that it lists, is missing.
        InputError: If a file is not as it was written.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise FileNotFoundError(f"{path}: not found; {folder} is no complete checkpoint")
    try:
        files = dict(json.loads(path.read_text(encoding="utf-8"))["files"])
    except (KeyError, TypeError, ValueError) as problem:
        raise InputError(
            f"{path}: damaged, it does not list the checkpoint's files ({problem!r})"
        ) from problem
    for name, written in files.items():
        if not (folder / name).is_file():
            raise FileNotFoundError(
                f"{folder / name}: not found, although {MANIFEST} lists it; damaged checkpoint"
            )
        _compare(folder / name, written)


def check_file(path: Path) -> None:
    """Makes sure that a file is as the manifest beside it says; one that no manifest lists is not checked.

    Raises:
        InputError: If the file is not as it was written, or the manifest cannot be read.
    """
    manifest = path.with_name(MANIFEST)
    if not manifest.is_file():
        return
    try:
        content = json.loads(manifest.read_text(encoding="utf-8"))
    except ValueError as problem:
        raise InputError(
            f"{manifest}: damaged ({problem}), so that {path} cannot be checked; {_REMEDY}"
        ) from problem
    files = (
        content.get("files") if isinstance(content, dict) else None
    )  # others have files of this name, too
    if isinstance(files, dict) and path.name in files:
        _compare(path, files[path.name], f"; {_REMEDY}")


def _compare(path: Path, written: object, remedy: str = "") -> None:
    found = _fingerprint(path)
    if found != written:
        raise InputError(f"{path}: damaged: it is {found}, was written as {written}{remedy}")


def _fingerprint(path: Path) -> str:
    """Returns a file's size and SHA-256."""
    return f"{path.stat().st_size} bytes, sha256 {sha256_of(path)}"
