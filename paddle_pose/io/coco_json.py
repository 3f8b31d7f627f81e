"""Reads COCO's annotation file, and checks what would later cause an AP of -1 or 0.

Source: the format of COCO's person keypoints (Lin et al., ECCV 2014).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from paddle_pose.errors import InputError
from paddle_pose.io.json_files import read_json
from paddle_pose.skeletons import Skeleton

LISTS = ("images", "annotations", "categories")
AREA_HINT = (
    "OKS is relative to the area of the person's segment in px^2. Without segments, 0.53 x box"
    " width x box height is the usual estimate"
)


def read(source: str | Path | Mapping[str, Any]) -> tuple[dict[str, list[dict[str, Any]]], str]:
    """Returns the three lists of an annotation file, after their ids are checked.

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
    where = "annotations" if isinstance(source, Mapping) else str(source)
    content = source if isinstance(source, Mapping) else read_json(Path(source))
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


def joint_names(content: Mapping[str, Any], where: str) -> tuple[str, ...]:
    """Returns the names of the joints that the categories state, in the order of the keypoints.

    Args:
        content: Content of the annotation file, as returned by `read`.
        where: Name of the file in messages.

    Returns:
        The names; empty if no category states them.

    Raises:
        InputError: If categories state different joints, or a value that is not a list of names.
    """
    found: dict[tuple[str, ...], int] = {}
    for n, category in enumerate(content["categories"]):
        names = category.get("keypoints") or []
        if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
            raise InputError(
                f"{where}: categories[{n}]: key 'keypoints' must list the joints' names, got"
                f" {names!r}"
            )
        if names:
            found.setdefault(tuple(names), n)
    if len(found) > 1:
        raise InputError(
            f"{where}: categories {', '.join(map(str, found.values()))} have different keypoints;"
            " expected one skeleton: put each kind of object into a separate file"
        )
    return next(iter(found), ())


def in_skeleton(
    content: Mapping[str, Any], where: str, skeleton: Skeleton
) -> tuple[list[dict[str, Any]], str]:
    """Returns the annotations with their keypoints in the order of a skeleton.

    Joints are matched by name; joints that the file lacks are unlabelled. The keypoints of a file
    without names of joints are assumed to be in the skeleton's order already.

    Args:
        content: Content of the file, as returned by `read`.
        where: Name of the file in messages.
        skeleton: Skeleton of K joints; the file may lack some of them.

    Returns:
        annotations: Copies of the annotations, whose "keypoints" are 3 K numbers: x and y in image
            px and the visibility (0, 1 or 2) of each joint.
        shared: Sentence on the joints that file and skeleton have in common, see `Skeleton.shared`.

    Raises:
        InputError: If file and skeleton have no joint in common, or an annotation's keypoints are
            not three numbers for each joint of the file.
    """
    names = joint_names(content, where) or skeleton.joints
    shared, slots = skeleton.shared(names, where), skeleton.slots(names)
    moved = []
    for n, record in enumerate(content["annotations"]):
        numbers = record.get("keypoints", [0] * 3 * len(names))
        if not isinstance(numbers, list | tuple) or len(numbers) != 3 * len(names):
            got = f"{len(numbers)} numbers" if isinstance(numbers, list | tuple) else repr(numbers)
            raise InputError(
                f"{where}: annotations[{n}] (id {record['id']}): key 'keypoints' must hold 3"
                f" numbers for each of the {len(names)} joints {', '.join(names)}:"
                f" {3 * len(names)}, got {got}"
            )
        triples = [numbers[3 * slot : 3 * slot + 3] if slot >= 0 else (0, 0, 0) for slot in slots]
        moved.append({**record, "keypoints": [number for triple in triples for number in triple]})
    return moved, shared


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
        raise InputError(
            f"{where}: key {key!r} must be an integer, got {value!r}; ids are matched by value and"
            " type"
        )
    return value
