"""Reads COCO's annotation file, and checks what would later cause an AP of -1 or 0.

Source: the format of COCO's person keypoints (Lin et al., ECCV 2014).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from paddle_pose.errors import InputError
from paddle_pose.io.json_files import read_json

LISTS = ("images", "annotations", "categories")
ID_HINT = "ids are matched by value and type"
AREA_HINT = (
    "OKS is relative to the area of the person's segment in px^2. Without segments, 0.53 x box"
    " width x box height is the usual estimate"
)


def load(source: str | Path | Mapping[str, Any]) -> tuple[Any, str]:
    """Returns the unchecked content of an annotation file, and its name for messages.

    Args:
        source: Path of the annotation file, or its content, whose name is "annotations".

    Raises:
        FileNotFoundError: If the file does not exist.
        InputError: If the file is not valid JSON.
    """
    if isinstance(source, Mapping):
        return source, "annotations"
    return read_json(Path(source)), str(source)


def read(source: str | Path | Mapping[str, Any]) -> tuple[dict[str, list[dict[str, Any]]], str]:
    """Returns the three lists of an annotation file of any objects, after their ids are checked.

    `coco_records.read` reads the records of people.

    Args:
        source: Path of the annotation file, or its content.

    Returns:
        content: {"images": [...], "annotations": [...], "categories": [...]}, lists of records.
        where: Name of the file for messages.

    Raises:
        FileNotFoundError: If the file does not exist.
        InputError: If the file is not in COCO's format, an id is not an integer, or an annotation's
            image is not in the list of images.
    """
    content, where = load(source)
    if not isinstance(content, Mapping) or not all(
        isinstance(content.get(key), list) for key in LISTS
    ):
        got = sorted(content) if isinstance(content, Mapping) else type(content).__name__
        raise InputError(f"{where}: expected COCO's lists {', '.join(LISTS)}, got {got}")
    for key in LISTS:
        for n, record in enumerate(content[key]):
            if not isinstance(record, Mapping):
                raise InputError(
                    f"{where}: {key}[{n}] must be a record, got {type(record).__name__}"
                )
            check_id(record, "id", f"{where}: {key}[{n}]")
    known = {image["id"] for image in content["images"]}
    for n, annotation in enumerate(content["annotations"]):
        for key in ("image_id", "category_id"):
            check_id(annotation, key, f"{where}: annotations[{n}]")
        if annotation["image_id"] not in known:
            raise InputError(
                f"{where}: annotations[{n}]: image {annotation['image_id']} is not in the list of"
                " images"
            )
    return {key: content[key] for key in LISTS}, where


def check_id(record: Mapping[str, Any], key: str, where: str) -> int:
    """Returns the id under a key of a record.

    Args:
        record: Record of the annotation file.
        key: Key of the id.
        where: Name of the file and the record in messages.

    Raises:
        InputError: If the id is missing or not an integer. The text "1" is refused, because COCO's
            evaluation treats "1" and 1 as different ids.
    """
    value = record.get(key)
    if type(value) is not int:
        raise InputError(f"{where}: {id_rule(key)}, got {value!r}; {ID_HINT}")
    return value


def id_rule(key: str) -> str:
    """Returns the sentence on what an id must be.

    Args:
        key: Key of the id.
    """
    return f"key {key!r} must be an integer"
