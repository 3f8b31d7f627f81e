"""Downloads files that belong together, each from its own URL or all from one archive."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from paddle_pose.errors import InputError
from paddle_pose.io.archives import extract, is_archive
from paddle_pose.io.checksum import sha256_of
from paddle_pose.io.download import Progress, RemoteFile, address_of, download

MAX_ARCHIVE_BYTES = 2 * 10**9  # unpacked; the npm package of models has 173 MB
_log = logging.getLogger("paddle_pose")


def download_files(
    files: Sequence[RemoteFile],
    folder: Path,
    *,
    archive: RemoteFile | None = None,
    copies: Sequence[Path] = (),
    progress: Progress | None = None,
    timeout: float = 30.0,
    pause: float = 1.0,
) -> list[Path]:
    """Downloads files that belong together into a folder, unless they exist there.

    Each file is downloaded from its own URL, see `download.download`. Where that fails, or the
    checksum differs, the missing files are unpacked from the archive, whose size is logged first.
    The archive stays in the folder, since it may contain other files that are needed later.

    Args:
        files: Files to download.
        folder: Folder for the files; it is created if missing.
        archive: Archive on a server that contains files of these names, in any of its folders; None
            if there is none.
        copies: Paths of local copies, in any order and under any names (they are recognised by
            their checksums), or of folders or archives that contain the files under their names.
            Files in the folder of a copy are used, too, if they have the names. Copies are verified
            and copied; nothing is downloaded then.
        progress: Function that receives the progress of each download, see `download.download`;
            None for silence.
        timeout: Seconds without data after which an attempt ends.
        pause: Seconds before the second attempt.

    Returns:
        The paths of the verified files, in the order of `files`.

    Raises:
        FileNotFoundError: If a copy does not exist, or the copies lack a file.
        InputError: If a checksum does not match, or an archive is damaged or a member of it is
            refused; such a file never gets the final name.
        ConnectionError: If no server can be reached; the message states where to put the files.
    """
    wanted = [file for file in files if not (folder / file.file_name).exists()]
    if wanted and copies:
        _take_copies(files, folder, copies)
    unreachable: RemoteFile | None = None
    for file in wanted if archive is not None and not copies else ():
        try:
            download(file, folder, progress=progress, timeout=timeout, pause=pause)
        except (ConnectionError, InputError):  # the URL may offer a newer file
            unreachable = file
            break
    if unreachable is not None and archive is not None:
        size = f"{archive.size / 1e6:.1f} MB" if archive.size else "of unknown size"
        _log.info(
            f"=> {address_of(unreachable)} cannot be downloaded: downloading the archive"
            f" {address_of(archive)} instead, {size}; it stays in {folder} for other models"
        )
        packed = download(archive, folder, progress=progress, timeout=timeout, pause=pause)
        _unpack(packed, [file for file in wanted if not (folder / file.file_name).exists()], folder)
    return [
        download(file, folder, progress=progress, timeout=timeout, pause=pause) for file in files
    ]


def _take_copies(files: Sequence[RemoteFile], folder: Path, copies: Sequence[Path]) -> None:
    """Copies the files that are missing in a folder from other files, folders and archives.

    Args:
        files: Files that belong together.
        folder: Folder for the files.
        copies: Copies of the files, see `download_files`.

    Raises:
        FileNotFoundError: If a copy does not exist, or the copies lack a file.
        InputError: If a checksum does not match, or an archive is damaged.
    """
    plain: list[Path] = []
    wanted = left = [file for file in files if not (folder / file.file_name).exists()]
    # A wanted file may have the suffix of an archive itself, such as .pth.tar.
    are_archives = any(is_archive(Path(file.file_name)) for file in wanted)
    for copy in copies:
        if copy.is_dir():
            plain += may_be_in(copy, wanted)
        elif not copy.is_file():
            raise FileNotFoundError(
                f"{copy}: no such file; expected copies of {_names(wanted)}, or a folder with them"
            )
        elif is_archive(copy) and not are_archives:
            _unpack(copy, wanted, folder)
            left = [file for file in wanted if not (folder / file.file_name).exists()]
        else:
            plain.append(copy)
            beside = [copy.with_name(file.file_name) for file in wanted]
            plain += [path for path in beside if len(files) > 1 and path != copy and path.is_file()]
    if len(files) == len(left) == len(plain) == 1:
        # The copy may have any name; `download` reports a wrong checksum.
        download(left[0], folder, from_file=plain[0])
        return
    checksums = {path: sha256_of(path) for path in plain} if left else {}
    for file in left:
        named = [path for path in plain if path.name == file.file_name]
        same = [
            path
            for path in plain
            if file.sha256 and checksums[path].startswith(file.sha256.lower())
        ]
        if not named and not same:
            raise FileNotFoundError(
                f"{', '.join(map(str, copies))}: no copy of {file.file_name} among them;"
                f" {file.name} needs {_names(files)}"
            )
        download(file, folder, from_file=(same or named)[0])


def may_be_in(folder: Path, wanted: Sequence[RemoteFile]) -> list[Path]:
    """Returns the paths of files in a folder that have the name or the size of a wanted file.

    Args:
        folder: Folder with copies; its subfolders are not searched.
        wanted: Descriptions of the files to look for.
    """
    names, sizes = {file.file_name for file in wanted}, {file.size for file in wanted}
    files = [path for path in sorted(folder.iterdir()) if path.is_file()]
    return [path for path in files if path.name in names or path.stat().st_size in sizes]


def _unpack(packed: Path, wanted: Sequence[RemoteFile], folder: Path) -> None:
    """Unpacks wanted files from an archive into a folder, each after its checksum is verified.

    Args:
        packed: Archive, which may lack some of the files.
        wanted: Files to unpack.
        folder: Folder for the files.

    Raises:
        InputError: If the archive is damaged, or a checksum does not match.
    """
    names = {file.file_name for file in wanted}

    def place(member: str) -> str | None:
        name = PurePosixPath(member).name
        return name if name in names else None

    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".unpacking_", dir=folder) as drafts:
        extract(packed, Path(drafts), place=place, max_bytes=MAX_ARCHIVE_BYTES)
        for file in wanted:
            draft = Path(drafts, file.file_name)
            if draft.is_file():
                download(file, folder, from_file=draft)


def _names(files: Sequence[RemoteFile]) -> str:
    """Returns the names of files for a message."""
    return " and ".join(file.file_name for file in files)
