"""COCO's annotation file: read, and everything in it checked that makes an AP of -1 or 0 later.

Source: the format of COCO's person keypoints (Lin et al., ECCV 2014).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

LISTS = ("images", "annotations", "categories")


def read_json(path: Path) -> Any:
    """Returns what a JSON file holds.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not JSON.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: not found")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as problem:
        raise ValueError(f"{path}: not valid JSON ({problem}); is the file complete?") from problem


def read(source: str | Path | Mapping[str, Any]) -> tuple[dict[str, list[dict[str, Any]]], str]:
    """Returns the three lists of an annotation file, ids checked, and the name for messages.

    Args:
        source: the file, or what it holds.

    Returns:
        {"images", "annotations", "categories"}, and the file's name.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a COCO file, an id is no integer, or an annotation's image is not listed.
    """
    where = "annotations" if isinstance(source, Mapping) else str(source)
    content = source if isinstance(source, Mapping) else read_json(Path(source))
    if not isinstance(content, Mapping) or not all(isinstance(content.get(key), list) for key in LISTS):
        got = sorted(content) if isinstance(content, Mapping) else type(content).__name__
        raise ValueError(f"{where}: expected COCO's lists {', '.join(LISTS)}, got {got}")
    for key in LISTS:
        for n, record in enumerate(content[key]):
            if not isinstance(record, Mapping):
                raise ValueError(f"{where}: {key}[{n}] must be a record, got {type(record).__name__}")
            check_id(record, "id", f"{where}: {key}[{n}]")
    known = {image["id"] for image in content["images"]}
    for n, annotation in enumerate(content["annotations"]):
        for key in ("image_id", "category_id"):
            check_id(annotation, key, f"{where}: annotations[{n}]")
        if annotation["image_id"] not in known:
            raise ValueError(f"{where}: annotations[{n}]: image {annotation['image_id']} is not in the list of images")
    return {key: content[key] for key in LISTS}, where


def check_id(record: Mapping[str, Any], key: str, where: str) -> int:
    """Returns an id.

    Raises:
        ValueError: If it is missing or no integer: "1" and 1 are different ids to COCO's evaluation.
    """
    value = record.get(key)
    if type(value) is not int:
        raise ValueError(f"{where}: key {key!r} must be an integer, got {value!r}; ids are matched by value and type")
    return value
