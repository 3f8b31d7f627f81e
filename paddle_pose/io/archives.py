"""Unpacks an archive that a stranger made: nothing outside the folder, nothing but files, and an interrupted run goes on.

Source: the attacks of tar and zip files that are known (absolute names, `..`, links, devices, bombs); no published code.
"""

from __future__ import annotations

import errno
import re
import shutil
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from paddle_pose.errors import InputError
from paddle_pose.io import atomic
from paddle_pose.io.archive_members import CHUNK, damage_explained, members

SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip")
MAX_BYTES = 200 * 10**9  # MPII, the largest we know, has 13 GB of images
MAX_RATIO = 100.0  # unpacked / packed; annotations in JSON reach 10, images 1
_RATIO_COUNTS_FROM = 200 * 10**6  # bytes; a small file may be as compressible as it likes
_SPARE_BYTES = 64 * 10**6  # left free on the disk

Place = Callable[[str], str | None]
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Extracted:
    """What one run did.

    Attributes:
        written: files unpacked by this run.
        kept: files that were there already with the right size.
        macos: `._*`, `__MACOSX` and `.DS_Store` entries left out.
        ignored: files that `place` did not want.
    """

    written: int = 0
    kept: int = 0
    macos: int = 0
    ignored: int = 0


def is_archive(path: Path) -> bool:
    """Tells by its name whether a file is an archive that `extract` reads."""
    return path.name.lower().endswith(SUFFIXES)


def is_macos_litter(name: str) -> bool:
    """Tells the files that macOS adds to every archive.

    Example:
        >>> [is_macos_litter(n) for n in ("mpii/images/._1.jpg", "__MACOSX/a", "a/.DS_Store", "mpii/1.jpg")]
        [True, True, True, False]
    """
    parts = PurePosixPath(name).parts
    return any(part.startswith("._") or part in ("__MACOSX", ".DS_Store") for part in parts)


def checked_name(name: str) -> str:
    """Returns a member's name as a relative path with `/`, or refuses it.

    Raises:
        InputError: If it is absolute, climbs with `..`, names a drive, or holds a backslash or a control character.

    Example:
        >>> checked_name("./mpii//images/1.jpg")
        'mpii/images/1.jpg'
    """
    parts = name.split("/")
    problem = ""
    if name.startswith("/"):
        problem = "an absolute name"
    elif ".." in parts:
        problem = "a name that climbs out with '..'"
    elif any(re.match(r"[A-Za-z]:", part) for part in parts):
        problem = "a name with a drive letter"
    elif "\\" in name or any(ord(letter) < 32 for letter in name):
        problem = "a name with a backslash or control character"
    if problem:
        raise InputError(f"member {name!r} has {problem}")
    return "/".join(part for part in parts if part not in ("", "."))


def extract(
    archive: Path,
    folder: Path,
    *,
    place: Place = lambda name: name,
    progress: Progress | None = None,
    max_bytes: int = MAX_BYTES,
    max_ratio: float = MAX_RATIO,
) -> Extracted:
    """Unpacks a tar (also compressed) or zip file, each file whole or not at all.

    Files that are there with the right size stay, so that calling it again goes on where an earlier run ended.

    Args:
        archive: the file.
        folder: where to; made if it is missing.
        place: from a member's checked name to the path below `folder`, or None to leave it out.
        progress: called about once a second with a line of text.
        max_bytes: refuses an archive that unpacks to more.
        max_ratio: refuses an archive that unpacks to more than so many times its own size.

    Raises:
        FileNotFoundError: If there is no such archive.
        InputError: If it is damaged, or a member is hostile; the message names it. What was unpacked before stays.
        OSError: If the disk is full.
    """
    if not archive.is_file():
        raise FileNotFoundError(f"{archive}: not found; give the path of the archive")
    packed = archive.stat().st_size
    seen: dict[str, int] = {}
    counts = {"written": 0, "kept": 0, "macos": 0, "ignored": 0}
    total = 0
    reported = time.monotonic()
    make_folder(folder, folder)
    # A run that goes on needs less than the archive's size; hidden files are drafts and locks.
    if all(path.name.startswith(".") for path in folder.iterdir()):
        _check_room(folder, packed)
    for member, position in members(archive):
        try:
            name = checked_name(member.name)
            if member.kind not in ("file", "folder"):
                raise InputError(f"member {member.name!r} is a {member.kind}")
            total += member.size
            if total > max_bytes or total > max(_RATIO_COUNTS_FROM, max_ratio * packed):
                raise InputError(
                    f"member {member.name!r} brings it to {total:,} bytes, from a file of {packed:,}"
                )
        except ValueError as problem:
            raise InputError(
                f"{archive}: refused, {problem}; get the data set from where it is published"
            ) from problem
        if member.kind == "folder":
            continue
        target = None if is_macos_litter(name) else place(name)
        if target is None:
            counts["macos" if is_macos_litter(name) else "ignored"] += 1
            continue
        if seen.setdefault(target, member.size) != member.size:
            raise InputError(
                f"{archive}: holds two different files for {target}; the second is {member.name!r}"
            )
        path = folder / checked_name(target)
        make_folder(path.parent, folder)
        if holds(path, member.size):
            counts["kept"] += 1
        else:
            with damage_explained(archive, sum(counts.values())):
                source = member.open()
            if source is None:
                raise InputError(f"{archive}: member {member.name!r} cannot be read")
            with source, damage_explained(archive, counts["written"] + counts["kept"]):
                write_whole(path, source, member.size)
            counts["written"] += 1
        if progress and time.monotonic() - reported > 1:
            reported = time.monotonic()
            progress(
                f"{archive.name}: {100 * position // max(1, packed)} %, {counts['written']} files written"
            )
    return Extracted(**counts)


def holds(path: Path, size: int) -> bool:
    """Whether a regular file, no link, of this size (bytes) is there."""
    try:
        status = path.lstat()
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and status.st_size == size


def make_folder(path: Path, root: Path) -> None:
    """Makes `path`, which is `root` or lies below it.

    Raises:
        InputError: If one of the folders from `root` down is a link (it could lead anywhere) or a file.
    """
    below = [path, *path.parents]
    for folder in reversed(below[: below.index(root) + 1]):
        if folder.is_symlink():
            raise InputError(
                f"{folder}: is a link; give the real folder, so that nothing is written somewhere else"
            )
        if folder.exists() and not folder.is_dir():
            raise InputError(f"{folder}: is a file where a folder is needed; move it away")
    path.mkdir(parents=True, exist_ok=True)


def write_whole(path: Path, source: IO[bytes], size: int) -> None:
    """Writes `size` bytes, the file whole or not at all.

    Raises:
        InputError: If `source` holds fewer bytes.
        OSError: If the disk has no room for it.
    """
    _check_room(path, size)
    if path.is_dir() and not path.is_symlink():
        raise InputError(f"{path}: is a folder where a file is needed; move it away")
    left = size
    with atomic.replacing(path, concurrent=False) as draft, draft.open("xb") as file:
        while left and (chunk := source.read(min(left, CHUNK))):
            file.write(chunk)
            left -= len(chunk)
        if left:
            raise EOFError(f"{left:,} of {size:,} bytes of {path.name} are missing")


def _check_room(path: Path, size: int) -> None:
    free = shutil.disk_usage(path if path.is_dir() else path.parent).free
    if free < size + _SPARE_BYTES:
        raise OSError(
            errno.ENOSPC,
            f"no room: {free:,} bytes are free, {size:,} and some to spare are needed",
            str(path),
        )
