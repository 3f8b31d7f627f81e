"""A small valid data set in COCO's format, and a table of ways to make its files odd."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from paddle_pose.skeletons import COCO_17

SIZE = (240, 200)
# Fractions of a box at which the joints of an upright person are, in COCO's order.
_POSE = np.array(
    [
        *[(0.5, 0.1), (0.55, 0.05), (0.45, 0.05), (0.6, 0.1), (0.4, 0.1)],
        *[(0.75, 0.25), (0.25, 0.25), (0.85, 0.4), (0.15, 0.4), (0.95, 0.52), (0.05, 0.52)],
        *[(0.65, 0.55), (0.35, 0.55), (0.65, 0.75), (0.35, 0.75), (0.65, 0.97), (0.35, 0.97)],
    ]
)

Damage = Callable[[dict[str, Any]], dict[str, Any] | None]


def content(split: str) -> dict[str, Any]:
    """Returns the content of a valid annotation file: three images with two people each."""
    first = 1 if split == "train" else 1001
    images, annotations = [], []
    for n in range(3):
        image_id = first + n
        name = f"{split}{n}.png"
        images.append({"id": image_id, "file_name": name, "width": SIZE[0], "height": SIZE[1]})
        for k in range(2):
            box = [20.0 + 110 * k + 5 * n, 30.0 - 5 * n, 80.0, 150.0 + n]
            points = np.array(box[:2]) + _POSE * box[2:]
            numbers = np.column_stack([points, np.full(17, 2)]).ravel().round(2).tolist()
            annotations.append(
                {
                    "id": 10 * image_id + k,
                    "image_id": image_id,
                    "category_id": 1,
                    "iscrowd": 0,
                    "area": 5000.0,
                    "bbox": box,
                    "num_keypoints": 17,
                    "keypoints": numbers,
                }
            )
    limbs = [[1, 2], [1, 3], [6, 7]]
    categories = [{"id": 1, "name": "person", "keypoints": list(COCO_17.joints), "skeleton": limbs}]
    return {"images": images, "annotations": annotations, "categories": categories}


def write(folder: Path, damages: dict[str, Damage]) -> dict[str, Path]:
    """Writes both annotation files and the images, and returns the files' paths by split.

    Args:
        folder: Folder of the files; the images are in its subfolder "images".
        damages: Function that changes the content of a split's file in place, or returns a new one.
    """
    (folder / "images").mkdir(parents=True, exist_ok=True)
    paths = {}
    for split in ("train", "val"):
        one = content(split)
        for image in one["images"]:
            path = folder / "images" / image["file_name"]
            cv2.imwrite(str(path), np.zeros((SIZE[1], SIZE[0], 3), np.uint8))
        if split in damages:
            one = damages[split](one) or one
        paths[split] = folder / f"{split}.json"
        paths[split].write_text(json.dumps(one), encoding="utf-8")
    return paths


def change(part: str, index: int | None = 0, **values: Any) -> Damage:
    """Returns a damage that sets keys of a record; index None changes all records of the list."""

    def damage(one: dict[str, Any]) -> None:
        records = one[part] if index is None else [one[part][index]]
        for record in records:
            for key, value in values.items():
                record[key] = copy.deepcopy(value(record[key]) if callable(value) else value)

    return damage


def drop(part: str, key: str, index: int | None = 0) -> Damage:
    """Returns a damage that deletes a key of a record; index None changes all records."""

    def damage(one: dict[str, Any]) -> None:
        for record in one[part] if index is None else [one[part][index]]:
            del record[key]

    return damage


def section(key: str, value: Any) -> Damage:
    """Returns a damage that replaces a list of the file."""
    return lambda one: {**one, key: value}


def as_text(value: Any) -> Any:
    """Returns a number or a list of numbers with the numbers as texts."""
    return [as_text(part) for part in value] if isinstance(value, list) else str(value)


def append(part: str, **changes: Any) -> Damage:
    """Returns a damage that appends a changed copy of the first record of a list."""

    def damage(one: dict[str, Any]) -> None:
        one[part].append({**copy.deepcopy(one[part][0]), **changes})

    return damage


def several(*damages: Damage) -> Damage:
    """Returns a damage that applies several ones."""

    def damage(one: dict[str, Any]) -> None:
        for apply in damages:
            apply(one)

    return damage


_HALF = [[0, 1], [0, 2], [5, 6]]
_NAN = float("nan")


def _null_where_unlabelled(numbers: list[float]) -> list[Any]:
    return [None, None, 0, *numbers[3:]]


ACCEPTED: dict[str, Damage] = {
    "as it is": lambda one: None,
    "no iscrowd": drop("annotations", "iscrowd", None),
    "iscrowd null": change("annotations", None, iscrowd=None),
    "iscrowd false": change("annotations", None, iscrowd=False),
    "iscrowd true": change("annotations", iscrowd=True),
    "iscrowd 0.0": change("annotations", iscrowd=0.0),
    "keypoints null": change("annotations", keypoints=None, num_keypoints=0),
    "keypoints empty": change("annotations", keypoints=[], num_keypoints=0),
    "no keypoints": drop("annotations", "keypoints"),
    "all v 0": change("annotations", keypoints=[0] * 51),
    "null where nothing is labelled": change("annotations", keypoints=_null_where_unlabelled),
    "NaN where nothing is labelled": change(
        "annotations", keypoints=lambda numbers: [_NAN, _NAN, 0, *numbers[3:]]
    ),
    "num_keypoints of another number": change("annotations", None, num_keypoints=3),
    "num_keypoints as text": change("annotations", None, num_keypoints="17"),
    "segmentation odd": change("annotations", None, segmentation={"counts": 3, "size": "x"}),
    "unknown keys": change("annotations", None, attributes={"occluded": None}, score="high"),
    "sizes as float": change("images", None, width=240.0, height=200.0),
    "limbs from 0": change("categories", skeleton=_HALF),
    "limbs outside": change("categories", skeleton=[[1, 2], [3, 99], [-1, 2], [4]]),
    "limbs of wrong types": change("categories", skeleton=[["a", None], 3, {}, [1.5, 2]]),
    "skeleton is a number": change("categories", skeleton=3),
    "skeleton null": change("categories", skeleton=None),
    "two categories with the same joints": several(
        append("categories", id=2, name="player"), change("annotations", -1, category_id=2)
    ),
    "category without joints": append("categories", id=2, name="ball", keypoints=None),
    "category that is not listed": change("annotations", None, category_id=7),
    "info of wrong type": section("info", 3),
}
"""Odd files that are read, by name."""

REFUSED: dict[str, Damage] = {
    "iscrowd text 0": change("annotations", iscrowd="0"),
    "iscrowd 2": change("annotations", iscrowd=2),
    "iscrowd list": change("annotations", iscrowd=[]),
    "bbox as texts": change("annotations", bbox=as_text),
    "bbox one text": change("annotations", bbox=lambda box: "10 20 30 40"),
    "bbox null": change("annotations", bbox=None),
    "no bbox": drop("annotations", "bbox"),
    "bbox with null": change("annotations", bbox=lambda box: [None, *box[1:]]),
    "bbox with bool": change("annotations", bbox=lambda box: [True, *box[1:]]),
    "bbox of three": change("annotations", bbox=lambda box: box[:3]),
    "bbox empty": change("annotations", bbox=[]),
    "bbox nested": change("annotations", bbox=lambda box: [box]),
    "bbox object": change("annotations", bbox={"x": 1, "y": 2, "w": 3, "h": 4}),
    "bbox NaN": change("annotations", bbox=lambda box: [_NAN, *box[1:]]),
    "bbox negative": change("annotations", bbox=lambda box: [*box[:2], -box[2], box[3]]),
    "area text": change("annotations", area=as_text),
    "area bool": change("annotations", area=True),
    "area list": change("annotations", area=lambda area: [area]),
    "area negative": change("annotations", area=-5.0),
    "area NaN": change("annotations", area=_NAN),
    "area infinite": change("annotations", area=float("inf")),
    "keypoints as texts": change("annotations", keypoints=as_text),
    "keypoints one text": change("annotations", keypoints="1,2,2"),
    "keypoints nested": change(
        "annotations", keypoints=lambda numbers: [numbers[k : k + 3] for k in range(0, 51, 3)]
    ),
    "keypoints too short": change("annotations", keypoints=lambda numbers: numbers[:-3]),
    "keypoints without v": change("annotations", keypoints=lambda numbers: [1.0] * 34),
    "keypoints object": change("annotations", keypoints={"nose": [1, 2, 2]}),
    "keypoints 0": change("annotations", keypoints=0),
    "keypoints false": change("annotations", keypoints=False),
    "keypoints with null": change("annotations", keypoints=lambda n: [None, *n[1:]]),
    "keypoints with NaN": change("annotations", keypoints=lambda n: [_NAN, *n[1:]]),
    "keypoints beyond all images": change("annotations", keypoints=lambda n: [1e10, *n[1:]]),
    "bbox beyond all images": change("annotations", bbox=lambda box: [-1e308, *box[1:]]),
    "width beyond all images": change("images", width=1e12),
    "keypoints with bool": change("annotations", keypoints=lambda n: [True, *n[1:]]),
    "v 3": change("annotations", keypoints=lambda n: [*n[:2], 3, *n[3:]]),
    "v 0.9": change("annotations", keypoints=lambda n: [*n[:2], 0.9, *n[3:]]),
    "id text": change("annotations", id="7"),
    "id null": change("annotations", id=None),
    "no id": drop("annotations", "id"),
    "id float": change("annotations", id=7.0),
    "id bool": change("annotations", id=True),
    "id list": change("annotations", id=[7]),
    "id twice": append("annotations"),
    "image_id text": change("annotations", image_id=as_text),
    "image_id float": change("annotations", image_id=float),
    "image_id unknown": change("annotations", image_id=5),
    "no image_id": drop("annotations", "image_id"),
    "category_id text": change("annotations", category_id="1"),
    "category_id float": change("annotations", category_id=1.0),
    "no category_id": drop("annotations", "category_id"),
    "image id twice": append("images", file_name="other.png"),
    "image id text": change("images", id=as_text),
    "image record twice": append("images"),
    "image file twice": append("images", id=99),
    "image file twice in other words": lambda one: one["images"].append(
        {**one["images"][0], "id": 99, "file_name": f"./{one['images'][0]['file_name']}"}
    ),
    "no file_name": drop("images", "file_name"),
    "file_name number": change("images", file_name=3),
    "file_name empty": change("images", file_name=""),
    "file_name with null": change("images", file_name="a\0.png"),
    "width text": change("images", width="240"),
    "width null": change("images", width=None),
    "no height": drop("images", "height"),
    "width 0": change("images", width=0),
    "width negative": change("images", width=-240),
    "width bool": change("images", width=True),
    "images null": section("images", None),
    "images object": section("images", {}),
    "no people": section("annotations", []),
    "no images": section("images", []),
    "annotations null": section("annotations", None),
    "annotations object": section("annotations", {"1": {}}),
    "annotations of texts": section("annotations", ["a"]),
    "categories null": section("categories", None),
    "categories text": section("categories", "person"),
    "category id text": change("categories", id="1"),
    "joint names repeat": change("categories", keypoints=["nose"] * 17),
    "joint names are numbers": change("categories", keypoints=list(range(17))),
    "joint names are a text": change("categories", keypoints="nose"),
    "categories with other joints": append("categories", id=2, keypoints=["a", "b"]),
    "a list": lambda one: [1],  # type: ignore[list-item, return-value]
    "everybody is a crowd": change("annotations", None, iscrowd=1),
    "nobody is labelled": change("annotations", None, keypoints=None),
    "no areas": drop("annotations", "area", None),
}
"""Odd files that are refused, by name."""
