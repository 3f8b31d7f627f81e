"""The checksum by which files are told apart."""

from __future__ import annotations

import hashlib
from pathlib import Path

_CHUNK = 1 << 20


def sha256_of(path: Path) -> str:
    """Returns the SHA-256 of a file in hexadecimal, without holding the file in memory.

    Raises:
        FileNotFoundError: If there is no such file.
    """
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
