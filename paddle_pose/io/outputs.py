"""Records which files a command wrote into a folder, so that it changes no other files there."""

from __future__ import annotations

import contextlib
import json
import logging
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from paddle_pose.environment import argument
from paddle_pose.errors import InputError
from paddle_pose.io import atomic
from paddle_pose.io.checksum import sha256_of
from paddle_pose.io.json_files import parse_json

_log = logging.getLogger("paddle_pose")

RECORD = ".paddle_pose_written.jsonl"
# Recorded checksums that are kept for each file: a killed run may have recorded the checksum of a
# file that it did not put in place.
_KEPT = 4


class Outputs:
    """A folder that a command writes into.

    The file `RECORD` in the folder lists the checksum of every file that was written. A checksum is
    recorded before the file takes its final name, so that a process that is killed at any moment
    leaves no file without a record. A path is *foreign*, and neither replaced nor removed, if it is
    a link, or a file that is not recorded or was changed since.

    Args:
        folder: Folder of the files; it is created with the first file.
        command: Name of the command; files that another command wrote are foreign.
        keep: Paths that are neither replaced nor removed, even if the command wrote them, such as
            its inputs.
        flag: Flag by which the user chooses another folder, for messages.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = Path(folder, "mine.txt").write_text("written by hand")
        ...     outputs = Outputs(Path(folder), "predict")
        ...     [outputs.claim(Path(folder, name)).name for name in ("mine.txt", "new.txt")]
        ['mine_2.txt', 'new.txt']
    """

    def __init__(
        self, folder: Path, command: str, keep: Iterable[Path] = (), flag: str = "--output"
    ) -> None:
        self._folder = folder
        self._command = command
        self._flag = flag
        self._keep = {path.resolve() for path in keep}
        self._claimed: set[Path] = set()
        self._written: set[str] = set()
        self._known = self._checksums()

    def claim(self, path: Path) -> Path:
        """Returns a path that the command may write to, and reserves it; write by `replacing`.

        Args:
            path: Wanted path in the folder.

        Returns:
            `path`. If it is reserved by an earlier call or foreign, a number is appended to the
            file's stem: a.jpg becomes a_2.jpg, a_3.jpg and so on, until the path is neither.

        Raises:
            InputError: If a folder between the output folder and the file is a link or a file.
        """
        place, number = path, 1
        while place in self._claimed or not self._may_replace(place):
            number += 1
            place = path.with_name(f"{path.stem}_{number}{path.suffix}")
        self._claimed.add(place)
        return place

    def check(self, paths: Iterable[Path]) -> None:
        """Raises an error if the command may not write to paths; `claim` renames instead.

        Args:
            paths: Paths in the folder.

        Raises:
            InputError: If one of the paths is a folder or foreign.
        """
        for path in paths:
            if not self._may_replace(path):
                kind = "a link" if path.is_symlink() else "a folder" if path.is_dir() else "a file"
                raise InputError(
                    f"{path}: {kind} that {self._command} did not write, or that was changed since,"
                    " is not replaced; move it away, or name another place with"
                    f" {argument(self._flag)}"
                )

    @contextlib.contextmanager
    def replacing(self, path: Path) -> Iterator[Path]:
        """Yields the path of a draft, as `atomic.replacing` does, and records the file.

        Args:
            path: Final path in the folder, returned by `claim` or passed to `check` before.

        Raises:
            InputError: If the path has become foreign while the block ran.
            OSError: If the file cannot be written.
        """
        with atomic.replacing(path) as draft:
            yield draft
            if draft != path:  # otherwise it is a device or a pipe
                if not self._may_replace(path):
                    # Another run of the command may have written it meanwhile.
                    self._known = self._checksums()
                self.check([path])
                self._record(path, sha256_of(draft))

    def put(self, draft: Path, path: Path) -> None:
        """Moves a complete file to its final path and records it, instead of `replacing`.

        Args:
            draft: Path of the complete file, on the same disk.
            path: Final path in the folder, returned by `claim` or passed to `check` before.

        Raises:
            InputError: If the path has become foreign.
            OSError: If the file cannot be moved.
        """
        with self.replacing(path) as place:
            os.replace(draft, place)

    def remove_old(self, suffixes: Iterable[str]) -> None:
        """Removes files that earlier runs of the command wrote and this run did not.

        Files that were changed since are kept. A log line names up to three that were removed, or
        states how many. Call it after all files of this run are written.

        Args:
            suffixes: Suffixes of the files to remove, such as ".jpg"; others are kept.
        """
        removed = []
        for name in self._known:
            path = self._folder / name
            if name not in self._written and path.suffix in suffixes and self._is_own(path):
                path.unlink()
                removed.append(name)
        if removed:
            names = ", ".join(sorted(removed)) if len(removed) <= 3 else len(removed)
            _log.info(
                f"Files of earlier runs removed from {self._folder}: {names}; "
                f"another {argument(self._flag)} keeps them"
            )

    def _may_replace(self, path: Path) -> bool:
        """Returns whether a path does not exist, is a device, or is a file of the command.

        Raises:
            InputError: If a folder on the way to it is a link or a file.
        """
        for parent in path.relative_to(self._folder).parents[:-1]:
            way = self._folder / parent
            if way.is_symlink() or (way.exists() and not way.is_dir()):
                raise InputError(
                    f"{way}: expected a folder for {path.name}, got"
                    f" {'a link' if way.is_symlink() else 'a file'}; name another place with"
                    f" {argument(self._flag)}"
                )
        if not os.path.lexists(path):
            return True
        return atomic.is_device(path) or self._is_own(path)

    def _is_own(self, path: Path) -> bool:
        """Returns whether a path is a file that the command wrote, unchanged and not to be kept."""
        resolved = path.resolve()
        # True also where a folder on the way to the path is a link.
        is_link = resolved != self._folder.resolve() / self._name(path)
        if is_link or not path.is_file() or resolved in self._keep:
            return False
        checksums = self._known.get(self._name(path), ())
        return bool(checksums) and sha256_of(path) in checksums

    def _name(self, path: Path) -> str:
        """Returns the name of a path in the record."""
        return path.relative_to(self._folder).as_posix()

    def _checksums(self) -> dict[str, list[str]]:
        """Returns the recorded checksums of the command's files, oldest first, by name."""
        found: dict[str, list[str]] = {}
        for command, name, checksum in self._read():
            if command == self._command:
                found.setdefault(name, []).append(checksum)
        return found

    def _read(self) -> list[tuple[str, str, str]]:
        """Returns the record's entries (command, name, checksum); incomplete lines are left out."""
        path = self._folder / RECORD
        if not path.is_file():
            return []
        found = []
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            with contextlib.suppress(ValueError, KeyError, TypeError):
                record = parse_json(line, path)
                if not Path(record["file"]).is_absolute():
                    found.append(
                        (str(record["command"]), str(record["file"]), str(record["sha256"]))
                    )
        return found

    def _record(self, path: Path, checksum: str) -> None:
        """Adds an entry to the record.

        Before the first entry of a run, old entries and those of removed files are dropped.

        Args:
            path: Path in the folder.
            checksum: SHA-256 of the file.
        """
        record = self._folder / RECORD
        if not self._written:
            kept: dict[tuple[str, str], list[str]] = {}
            for command, name, known in self._read():
                if os.path.lexists(self._folder / name):
                    kept.setdefault((command, name), []).append(known)
            lines = [
                _line(*key, known)
                for key, all_known in kept.items()
                for known in all_known[-_KEPT:]
            ]
            atomic.write_text(record, "".join(lines))
        self._written.add(self._name(path))
        self._known.setdefault(self._name(path), []).append(checksum)
        with record.open("a", encoding="utf-8") as file:
            file.write(_line(self._command, self._name(path), checksum))


def _line(command: str, name: str, checksum: str) -> str:
    """Returns an entry of the record as a line of JSON."""
    return json.dumps({"command": command, "file": name, "sha256": checksum}) + "\n"
