"""Lists the members of a tar or zip file, and detects archives that are damaged or incomplete."""

from __future__ import annotations

import bz2
import gzip
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

from paddle_pose.errors import InputError

CHUNK = 1 << 20  # bytes read at once
MAX_HEADER_BYTES = 1 << 20  # of an entry that only describes the next one, such as a long name
# What the libraries raise for damaged archives; NotImplementedError for unknown methods.
_DAMAGE = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError),
    *(NotImplementedError, RuntimeError, ValueError, LookupError, OverflowError, struct.error),
)
_DESCRIBES_NEXT = (
    *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
    *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
)
_COMPRESSED: dict[bytes, Callable[[Any], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
}


@dataclass(frozen=True)
class Member:
    """One entry of an archive.

    Attributes:
        name: Name that the archive states, unchecked: it may be absolute or contain "..".
        size: Unpacked size in bytes that the archive states, unchecked.
        kind: "file" or "folder"; otherwise a description of an entry that is refused, such as a
            link or a device.
        open: Function without arguments that returns a binary stream of the content, or None for an
            entry without content. Call and read it before the next member is taken: a tar file is
            read in one pass.
    """

    name: str
    size: int
    kind: str
    open: Callable[[], IO[bytes] | None]


def members(archive: Path) -> Iterator[tuple[Member, int]]:
    """Yields the entries of an archive in the order in which they are stored.

    Folders, links and devices are yielded, too, see `Member.kind`.

    Args:
        archive: Path of a tar file, plain or compressed by gzip, bzip2 or xz, or of a zip file.

    Yields:
        member: The entry.
        position: Number of bytes of the archive (compressed) up to this entry. Progress is the
            ratio of `position` to the size of the archive.

    Raises:
        FileNotFoundError: If the archive does not exist.
        InputError: If the archive is damaged or incomplete.
    """
    with archive.open("rb") as file, damage_explained(archive, 0):
        is_zip = zipfile.is_zipfile(file) and not archive.name.lower().endswith(
            (".tar", ".tar.gz", ".tgz")
        )
        file.seek(0)
        yield from _zip_members(file) if is_zip else _tar_members(file)


def _tar_members(file: IO[bytes]) -> Iterator[tuple[Member, int]]:
    start = file.read(6)
    file.seek(0)
    opened = next(
        (opener for magic, opener in _COMPRESSED.items() if start.startswith(magic)), None
    )
    # tarfile's own decompression treats a truncated stream as complete; gzip, bz2 and lzma raise.
    content = _Tail(opened(file) if opened else file)
    with tarfile.open(fileobj=content, mode="r|", tarinfo=_TarInfo) as tar:  # type: ignore[call-overload]
        for info in tar:
            tar.members = []  # tarfile keeps all entries, of which there may be millions
            kind = (
                "file"
                if info.isreg()
                else "folder"
                if info.isdir()
                else "device, fifo or unknown entry"
            )
            if info.issym() or info.islnk():
                kind = f"link (to {info.linkname!r})"
            yield Member(info.name, info.size, kind, partial(tar.extractfile, info)), file.tell()
        # tarfile also stops without an error at a header that it cannot read, so what follows the
        # last member must be zeros.
        while rest := tar.fileobj.read(CHUNK):
            if any(rest):
                raise tarfile.ReadError("an entry's header cannot be read")
        if any(content.tail) or not content.tail:
            raise EOFError("the end mark is missing")


class _TarInfo(tarfile.TarInfo):
    """An entry of a tar file; one that describes the next entry may not be large.

    tarfile reads such an entry into memory at once, and compressed zeros can have any size.
    """

    def _proc_member(self, archive: tarfile.TarFile) -> Any:
        if self.size > MAX_HEADER_BYTES and self.type in _DESCRIBES_NEXT:
            raise tarfile.ReadError(f"a header of {self.size:,} bytes")
        return super()._proc_member(archive)  # type: ignore[misc]


class _Tail:
    """A stream that keeps the last 512 bytes read: a complete tar file ends with zeros.

    Args:
        file: Stream to read from.
    """

    def __init__(self, file: Any) -> None:
        self.file = file
        self.tail = b""

    def read(self, size: int) -> bytes:
        """Returns up to `size` bytes."""
        content: bytes = self.file.read(size)
        self.tail = (self.tail + content)[-512:]
        return content


def _zip_members(file: IO[bytes]) -> Iterator[tuple[Member, int]]:
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            mode = stat.S_IFMT(info.external_attr >> 16)
            # `orig_filename` is the name in the file; zipfile has cleaned `filename`. Some programs
            # of Windows separate folders with backslashes, which the format does not allow.
            name = info.orig_filename.replace("\\", "/")
            kind = "folder" if name.endswith("/") else "file"
            if mode not in (0, stat.S_IFREG, stat.S_IFDIR):
                kind = "link" if mode == stat.S_IFLNK else "device, fifo or unknown entry"
            elif info.flag_bits & 1:
                kind = "file that asks for a password"
            yield (
                Member(name, info.file_size, kind, partial(archive.open, info)),
                info.header_offset + info.compress_size,
            )


class damage_explained:  # noqa: N801 (reads as a function)
    """Context manager that turns errors of the archive libraries into an `InputError`.

    Args:
        archive: Path of the archive, for the message.
        files: Number of files unpacked so far, for the message.

    Raises:
        InputError: If the block raises an error that a damaged archive causes.
    """

    def __init__(self, archive: Path, files: int) -> None:
        self.archive = archive
        self.files = files

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, problem: BaseException | None, trace: object) -> None:
        # An OSError with an error number comes from the disk or the system, not from the archive.
        is_own = isinstance(problem, InputError)
        if (
            isinstance(problem, _DAMAGE)
            and not is_own
            and not (isinstance(problem, OSError) and problem.errno is not None)
        ):
            raise InputError(
                f"{self.archive}: damaged or incomplete after {self.files} files ({problem}); "
                "download it again and repeat the command: what was unpacked stays"
            ) from problem
