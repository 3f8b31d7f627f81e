"""Writing files so that a file under its final name is always complete."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(path: Path, *, sync: bool = False, concurrent: bool = True) -> Iterator[Path]:
    """Yields the path of a temporary file, the draft, and renames it when the block ends.

    If the block raises an error, the draft is removed, a file under the final name stays as it was,
    and the error passes on. A device or a pipe under the final name, such as /dev/stdout, is
    written to directly.

    Args:
        path: Final path of the file; an existing file is replaced. Missing folders are created.
        sync: Whether to flush the draft to the disk (fsync) before it is renamed, so that it
            survives a power failure.
        concurrent: Whether several processes or threads may write the file at the same time. False
            always gives the draft the same name, so that the next run replaces the draft of a
            killed one.

    Yields:
        The path of the draft, in the folder of `path` and with the same suffix. The block must
        write the whole file to it.

    Raises:
        OSError: If the file cannot be written; its `filename` is the final name, not the draft's.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with replacing(Path(folder, "a.txt")) as draft:
        ...         _ = draft.write_text("whole")
        ...     [file.name for file in Path(folder).iterdir()]
        ['a.txt']
    """
    if is_device(path):
        yield path
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    own = f".{uuid.uuid4().hex[:8]}" if concurrent else ""
    draft = path.with_name(f".{path.stem}{own}.part{path.suffix}")
    draft.unlink(missing_ok=True)  # it might be a link
    try:
        yield draft
        if sync:
            with draft.open("r+b") as file:
                os.fsync(file.fileno())
        os.replace(draft, path)
    except BaseException as error:
        draft.unlink(missing_ok=True)
        if (
            isinstance(error, OSError)
            and error.errno is not None
            and error.filename in (None, str(draft))
        ):
            error.filename = str(path)
        raise


def is_device(path: Path) -> bool:
    """Returns whether a path is a device or a pipe, such as /dev/stdout.

    Args:
        path: Path, which need not exist.
    """
    return path.exists() and not path.is_file() and not path.is_dir()


def write_text(path: Path, text: str, *, sync: bool = False, concurrent: bool = True) -> None:
    """Writes a text file in UTF-8, completely or not at all; an existing file is replaced.

    Args:
        path: Path of the file; missing folders are created.
        text: Content of the file. Parts of file names that are not valid UTF-8 become escapes.
        sync: Whether to flush the file to the disk first, see `replacing`.
        concurrent: Whether others may write the file at the same time, see `replacing`.

    Raises:
        OSError: If the file cannot be written.
    """
    with replacing(path, sync=sync, concurrent=concurrent) as draft:
        draft.write_text(text, encoding="utf-8", errors="backslashreplace")


def write_bytes(path: Path, content: bytes, *, sync: bool = False, concurrent: bool = True) -> None:
    """Writes a binary file, completely or not at all; an existing file is replaced.

    Args:
        path: Path of the file; missing folders are created.
        content: Content of the file.
        sync: Whether to flush the file to the disk first, see `replacing`.
        concurrent: Whether others may write the file at the same time, see `replacing`.

    Raises:
        OSError: If the file cannot be written.
    """
    with replacing(path, sync=sync, concurrent=concurrent) as draft:
        draft.write_bytes(content)
