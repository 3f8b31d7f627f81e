"""Unpacks untrusted archives: only regular files, only below the folder, and resumable.

Source: the known attacks by tar and zip files (absolute names, `..`, links, devices, archives that
    unpack to enormous sizes); no published code.
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
MAX_BYTES = 200 * 10**9  # unpacked; MPII, the largest data set supported, has 13 GB of images
MAX_MEMBERS = 10**6  # COCO's images of 2017 are 290,000 files
MAX_RATIO = 100.0  # unpacked / packed size; annotations in JSON reach 10, images 1
_RATIO_COUNTS_FROM = 200 * 10**6  # unpacked bytes; below it the ratio is not checked
_SPARE_BYTES = 64 * 10**6  # left free on the disk

Place = Callable[[str], str | None]
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Extracted:
    """Numbers of files that one call of `extract` handled.

    Attributes:
        written: Number of files unpacked by this call.
        kept: Number of files that existed already with the right size.
        macos: Number of entries `._*`, `__MACOSX` and `.DS_Store`, which are left out.
        ignored: Number of files for which the argument `place` of `extract` returned None.
    """

    written: int = 0
    kept: int = 0
    macos: int = 0
    ignored: int = 0


def is_archive(path: Path) -> bool:
    """Returns whether `extract` reads a file, by its suffix: .tar, .tar.gz, .tar.xz, .zip, ...

    Args:
        path: Path of the file, which need not exist.
    """
    return path.name.lower().endswith(SUFFIXES)


def is_macos_litter(name: str) -> bool:
    """Returns whether a member is one of the files that macOS adds to archives.

    Args:
        name: Name of the member, with `/` between folders.

    Example:
        >>> names = ("mpii/images/._1.jpg", "__MACOSX/a", "a/.DS_Store", "mpii/1.jpg")
        >>> [is_macos_litter(name) for name in names]
        [True, True, True, False]
    """
    parts = PurePosixPath(name).parts
    return any(part.startswith("._") or part in ("__MACOSX", ".DS_Store") for part in parts)


def checked_name(name: str) -> str:
    """Returns a member's name as a relative path with `/` between folders.

    Args:
        name: Name of the member, as the archive states it.

    Raises:
        InputError: If the name is absolute, or contains `..`, a drive letter, a backslash or a
            control character.

    Example:
        >>> checked_name("./mpii//images/1.jpg")
        'mpii/images/1.jpg'
    """
    parts = name.split("/")
    problem = ""
    if name.startswith("/"):
        problem = "an absolute name"
    elif ".." in parts:
        problem = "a name that leaves the folder with '..'"
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
    """Unpacks a tar (also compressed) or zip file; each file is written completely or not at all.

    Existing files of the right size are kept, so that another call continues an interrupted one.

    Args:
        archive: Archive to unpack.
        folder: Folder to unpack into; it is created if missing.
        place: Function from a member's name (relative, with `/` between folders, see
            `checked_name`) to the path below `folder` at which the file is written, or None to
            leave it out. The default keeps the name.
        progress: Function that receives a line of text, such as "mpii.tar.gz: 40 %, 900 files
            written", about once a second; None for silence.
        max_bytes: Largest unpacked size of all members together in bytes; a larger archive is
            refused.
        max_ratio: Largest ratio of unpacked to packed size; an archive above it is refused, unless
            it unpacks to less than 200 MB.

    Returns:
        The numbers of files that were written, kept and left out.

    Raises:
        FileNotFoundError: If the archive does not exist.
        InputError: If the archive is damaged, exceeds a limit, contains two different files for one
            path, or contains a link, a device, a file with a password or a name that `checked_name`
            refuses. The message names the member; files unpacked before it stay.
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
    # A continued run needs less than the archive's size; hidden files are drafts and locks.
    if all(path.name.startswith(".") for path in folder.iterdir()):
        _check_room(folder, packed)
    for number, (member, position) in enumerate(members(archive), 1):
        try:
            if number > MAX_MEMBERS:
                raise InputError(f"it has more than {MAX_MEMBERS:,} members")
            name = checked_name(member.name)
            if not name and member.kind == "file":
                raise InputError("a member has no name")
            if member.kind not in ("file", "folder"):
                raise InputError(f"member {member.name!r} is a {member.kind}")
            total += member.size
            if total > max_bytes or total > max(_RATIO_COUNTS_FROM, max_ratio * packed):
                raise InputError(
                    f"with member {member.name!r} it unpacks to {total:,} bytes, from a file of"
                    f" {packed:,} bytes"
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
                f"{archive.name}: {100 * position // max(1, packed)} %, {counts['written']} files"
                " written"
            )
    return Extracted(**counts)


def holds(path: Path, size: int) -> bool:
    """Returns whether a path is a regular file, not a link, with a given size.

    Args:
        path: Path, which need not exist.
        size: Expected size in bytes.
    """
    try:
        status = path.lstat()
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and status.st_size == size


def make_folder(path: Path, root: Path) -> None:
    """Creates a folder and its missing parents, unless they exist.

    Args:
        path: Folder to create: `root`, or a folder below it.
        root: Folder from which on links are refused.

    Raises:
        InputError: If one of the folders from `root` to `path` is a file, or a link, which could
            lead anywhere.
    """
    below = [path, *path.parents]
    for folder in reversed(below[: below.index(root) + 1]):
        if folder.is_symlink():
            raise InputError(
                f"{folder}: is a link; give the real folder, so that nothing is written elsewhere"
            )
        if folder.exists() and not folder.is_dir():
            raise InputError(f"{folder}: is a file where a folder is needed; move it away")
    path.mkdir(parents=True, exist_ok=True)


def write_whole(path: Path, source: IO[bytes], size: int) -> None:
    """Writes a file completely, or not at all.

    Args:
        path: File to write; an existing file is replaced.
        source: Binary stream to copy from.
        size: Number of bytes to copy.

    Raises:
        InputError: If `path` is a folder.
        EOFError: If `source` contains fewer than `size` bytes.
        OSError: If the disk has no room for the file.
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
    """Makes sure that the disk of a path has room.

    Args:
        path: File or folder on the disk.
        size: Number of bytes to write.

    Raises:
        OSError: If too little is free.
    """
    free = shutil.disk_usage(path if path.is_dir() else path.parent).free
    if free < size + _SPARE_BYTES:
        raise OSError(
            errno.ENOSPC,
            f"no room: {free:,} bytes are free, {size + _SPARE_BYTES:,} are needed",
            str(path),
        )
