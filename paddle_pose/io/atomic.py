"""Writing files so that a file under its final name is always complete."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(path: Path, *, sync: bool = False) -> Iterator[Path]:
    """Yields a path to write to; the file written there takes the final name when the block ends without an error.

    After an error nothing is left, and what was under the final name stays as it was.

    Args:
        path: Final name of the file. Missing folders are made.
        sync: Whether the file is on the disk, and not only in the system's cache, before it takes its name.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with replacing(Path(folder, "a.txt")) as draft:
        ...         _ = draft.write_text("whole")
        ...     [file.name for file in Path(folder).iterdir()]
        ['a.txt']
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.stem}.{uuid.uuid4().hex[:8]}.part{path.suffix}")
    try:
        yield draft
        if sync:
            with draft.open("rb") as file:
                os.fsync(file.fileno())
        os.replace(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str, *, sync: bool = False) -> None:
    """Writes a text file in UTF-8, whole or not at all; see `replacing`."""
    with replacing(path, sync=sync) as draft:
        draft.write_text(text, encoding="utf-8")


def write_bytes(path: Path, content: bytes, *, sync: bool = False) -> None:
    """Writes a binary file, whole or not at all; see `replacing`."""
    with replacing(path, sync=sync) as draft:
        draft.write_bytes(content)
