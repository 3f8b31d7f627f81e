"""Computes the checksum by which files are compared."""

from __future__ import annotations

import hashlib
from pathlib import Path

_CHUNK = 1 << 20  # bytes read at once


def sha256_of(path: Path) -> str:
    """Returns the SHA-256 of a file in hexadecimal; the file is read in parts.

    Args:
        path: File to read.

    Raises:
        FileNotFoundError: If the file does not exist.
    """
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
