"""Writes and checks a checkpoint's manifest, the size and SHA-256 of each of its files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from paddle_pose.errors import InputError
from paddle_pose.io.checksum import sha256_of
from paddle_pose.io.json_files import read_json

MANIFEST = "manifest.json"
_HINT = (
    "take another checkpoint, or copy it again; after a change made on purpose, delete the"
    f" {MANIFEST} beside it"
)


def write(folder: Path, versions: Mapping[str, str]) -> None:
    """Writes manifest.json, which lists size and SHA-256 of all other files in a folder.

    Call it after all other files are written.

    Args:
        folder: Folder of the checkpoint.
        versions: Versions of the packages that wrote the files, by the name of the package.
    """
    files = {
        path.name: fingerprint(path) for path in sorted(folder.iterdir()) if path.name != MANIFEST
    }
    text = json.dumps({"files": files, "versions": dict(versions)}, indent=2) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")


def check(folder: Path) -> None:
    """Raises an error if a checkpoint is incomplete or damaged.

    Args:
        folder: Folder of the checkpoint, with the manifest that `write` wrote.

    Raises:
        FileNotFoundError: If the manifest, or a file that it lists, is missing.
        InputError: If a file differs from its size or checksum in the manifest.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise FileNotFoundError(f"{path}: not found; {folder} is no complete checkpoint")
    try:
        files = dict(read_json(path)["files"])
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
    """Raises an error if a file differs from the manifest in the same folder.

    A file that no manifest lists is not checked.

    Args:
        path: Path of the file.

    Raises:
        InputError: If the file differs from its size or checksum in the manifest, or the manifest
            cannot be read.
    """
    manifest = path.with_name(MANIFEST)
    if not manifest.is_file():
        return
    content = read_json(manifest, f"{path} cannot be checked; {_HINT}")
    # Other programs also write files of this name, with another content.
    files = content.get("files") if isinstance(content, dict) else None
    if isinstance(files, dict) and path.name in files:
        _compare(path, files[path.name], f"; {_HINT}")


def fingerprint(path: Path) -> str:
    """Returns a file's size and SHA-256, as manifests state them.

    Args:
        path: Path of the file.
    """
    return f"{path.stat().st_size} bytes, sha256 {sha256_of(path)}"


def _compare(path: Path, written: object, hint: str = "") -> None:
    """Makes sure that a file has the size and checksum with which it was written.

    Raises:
        InputError: If it has not.
    """
    found = fingerprint(path)
    if found != written:
        raise InputError(f"{path}: damaged: it is {found}, was written as {written}{hint}")
