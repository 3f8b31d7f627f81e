"""Image files whose EXIF data ask for the rotation that gives the image as it was."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

# How upright pixels become those to store, by EXIF orientation (EXIF 2.3, tag 274).
_TO_STORED = {
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.transpose(1, 0, 2),
    6: lambda pixels: np.rot90(pixels, 1),
    7: lambda pixels: pixels[::-1, ::-1].transpose(1, 0, 2),
    8: lambda pixels: np.rot90(pixels, -1),
}


def rotate_file(path: Path, orientation: int) -> None:
    """Replaces an image file by one that shows the same, but is stored rotated.

    Args:
        path: Path of a file without a rotation, of a format without loss.
        orientation: EXIF orientation of the new file, 2 to 8.
    """
    pixels = np.asarray(Image.open(path).convert("RGB"))
    exif = Image.Exif()
    exif[274] = orientation
    options = {"lossless": True} if path.suffix == ".webp" else {}
    stored = np.ascontiguousarray(_TO_STORED[orientation](pixels))
    Image.fromarray(stored).save(path, exif=exif, **options)


def convert(annotations: Path, folder: Path, suffix: str) -> None:
    """Converts the images of an annotation file to another format without loss.

    Args:
        annotations: Path of a file in COCO's format, which is changed, too.
        folder: Folder of its images.
        suffix: Suffix of the new files, such as ".webp".
    """
    content = json.loads(annotations.read_text(encoding="utf-8"))
    options = {"lossless": True} if suffix == ".webp" else {}
    for image in content["images"]:
        old = folder / image["file_name"]
        new = old.with_suffix(suffix)
        if old.suffix == suffix:
            continue
        Image.open(old).convert("RGB").save(new, **options)
        old.unlink()
        image["file_name"] = new.name
    annotations.write_text(json.dumps(content), encoding="utf-8")
