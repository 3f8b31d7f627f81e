"""Recognises the kind of a file by its first bytes, with a hint for kinds that cannot be read."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from types import MappingProxyType

HEIC = "HEIC image"
AVIF = "AVIF image"
RAW = "camera raw file"
HEAD = 1024
"""Number of bytes from the beginning of a file that `recognize` needs."""

REMEDIES: Mapping[str, str] = MappingProxyType(
    {
        HEIC: "pip install pi-heif, or convert it to JPEG",
        AVIF: "pip install -U pillow (11.3 or newer), or convert it to JPEG",
        RAW: "develop it into a JPEG",
        "JPEG XL image": "convert it to JPEG",
        "JPEG 2000 image": "convert it to JPEG",
        "Photoshop file": "export it as PNG",
        "SVG drawing": "export it as PNG",
        "PDF document": "export its pages as PNG",
        "MP4 video": "give it the suffix .mp4",
        "web page": "fetch the image itself",
    }
)
"""Hints for files that cannot be read, such as "export it as PNG", by the kind of the file."""

_SUFFIXES = {
    ".heic": HEIC,
    ".heif": HEIC,
    ".hif": HEIC,
    ".avif": AVIF,
    ".jxl": "JPEG XL image",
    ".jp2": "JPEG 2000 image",
    ".psd": "Photoshop file",
    ".svg": "SVG drawing",
    ".pdf": "PDF document",
    **dict.fromkeys((".cr2", ".cr3", ".nef", ".arw", ".dng", ".raf", ".orf", ".rw2"), RAW),
}
_BEGINNINGS = {
    b"\xff\x0a": "JPEG XL image",
    b"\x00\x00\x00\x0cJXL \r\n\x87\n": "JPEG XL image",
    b"8BPS": "Photoshop file",
    b"%PDF": "PDF document",
    b"FUJIFILMCCD-RAW": RAW,
    b"IIU\x00": RAW,  # Panasonic
    b"IIRO": RAW,  # Olympus
    b"IIRS": RAW,
    b"MMOR": RAW,
}
_CANON_RAW = b"CR"  # after the header of a TIFF
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_AVIF_BRANDS = {b"avif", b"avis"}
_MP4_BRANDS = {b"isom", b"iso2", b"mp41", b"mp42", b"avc1", b"qt  ", b"M4V "}


def recognize(content: bytes) -> str | None:
    """Returns the kind of a file, a key of `REMEDIES`; None for JPEG, PNG and unknown files.

    Args:
        content: First bytes of the file: `HEAD` or more, or the whole file if it is shorter.

    Example:
        >>> recognize(b"%PDF-1.7")
        'PDF document'
    """
    for beginning, kind in _BEGINNINGS.items():
        if content.startswith(beginning):
            return kind
    if content[:2] in (b"II", b"MM") and content[8:10] == _CANON_RAW:
        return RAW
    if content[4:8] == b"ftyp":
        return _of_brands(content)
    text = content[:HEAD].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html")):
        return "web page"
    if text.startswith(b"<") and b"<svg" in text:
        return "SVG drawing"
    return None


def of_suffix(suffix: str) -> str | None:
    """Returns the kind of file that a suffix stands for, a key of `REMEDIES`; None for others.

    Args:
        suffix: Suffix in lower case with the dot, such as ".psd".
    """
    return _SUFFIXES.get(suffix)


def can_read_heic() -> bool:
    """Returns whether the package that decodes HEIC is installed."""
    return importlib.util.find_spec("pi_heif") is not None


def _of_brands(content: bytes) -> str | None:
    """Returns the kind of a file of ISO's base media format by the brands that it lists."""
    end = min(int.from_bytes(content[:4], "big"), len(content))
    brands = {content[8:12]} | {content[place : place + 4] for place in range(16, end, 4)}
    if brands & _AVIF_BRANDS:
        return AVIF
    if brands & _HEIC_BRANDS:
        return HEIC
    if b"crx " in brands:
        return RAW
    return "MP4 video" if brands & _MP4_BRANDS else None
