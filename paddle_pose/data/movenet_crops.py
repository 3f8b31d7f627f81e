"""Reads the single-person crops that the original MoveNet trains on; `prepare_coco.py` makes them.

    D/imgs/*.jpg (both splits)   D/train2017.json   D/val2017.json

Coordinates are fractions of the crop.

Source: `make_coco_data_17keypooints.py` of the original MoveNet projects (fire717/movenet.pytorch and
    its Paddle port).
Checked against: the source's points through crop and back (tests/data/test_movenet_crops.py).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from paddle_pose.data import coco
from paddle_pose.environment import command
from paddle_pose.errors import InputError
from paddle_pose.io import coco_json
from paddle_pose.io.json_fields import field
from paddle_pose.skeletons import COCO_17
from paddle_pose.structures import AnnotatedImage, Person

_log = logging.getLogger("paddle_pose")

FOLDERS = ("", "cropped", "croped")  # as published: one of the original projects writes "croped"
# How far round another person's joint nothing is learnt, in sides of the crop: 4 of the original's 48 cells, its smallest blob.
OTHERS_REACH = 4 / 48
LAYOUT = "expected D/imgs/*.jpg with D/train2017.json and D/val2017.json (D may hold them in a folder cropped or croped)"


def annotation_file(root: str | Path, split: str) -> Path:
    """Returns the JSON of a split.

    Raises:
        FileNotFoundError: If it is missing.
        InputError: If there is no such split.
    """
    if split not in coco.SPLITS:
        raise InputError(
            f"MoveNet's crops have no split {split!r}; expected one of {', '.join(coco.SPLITS)}"
        )
    paths = [Path(root) / folder / f"{split}2017.json" for folder in FOLDERS]
    existing = [path for path in paths if path.is_file()]
    if not existing:
        raise FileNotFoundError(
            f"{paths[0]}: not found; {LAYOUT}; {command('prepare_coco')} makes it from COCO"
        )
    return existing[0]


def read_movenet_crops(root: str | Path, split: str) -> list[AnnotatedImage]:
    """Reads one split of the crops, ours or the original's, and prints its counts.

    Args:
        root: the folder of `LAYOUT`.
        split: "train" or "val".

    Returns:
        An image per record, in the file's order and with its position as id. Its first person is the one it was cropped for.
        The file does not say which joint belongs to whom of the others, so they cannot be people to learn from: a square round
        each of their joints and centres, `OTHERS_REACH` of the side to every direction, follows as a crowd, which losses mask.
        Lost against COCO are the others' identity and the areas of OKS.

    Raises:
        FileNotFoundError: If a file is missing.
        InputError: If a record is not as expected (the message names file, record and key), or there is none.
    """
    path = annotation_file(root, split)
    records = coco_json.read_json(path)
    if (
        not isinstance(records, list)
        or not records
        or not all(isinstance(record, Mapping) for record in records)
    ):
        raise InputError(
            f"{path}: expected a list of {{img_name, keypoints, center, bbox, other_centers, other_keypoints}}"
        )
    folder = path.parent / "imgs"
    folder = folder if folder.is_dir() else path.parent
    annotated = [
        _annotated(n, record, folder, f"{path}: record {n}") for n, record in enumerate(records)
    ]
    _log.info(f"=> num_images: {len(annotated)}")
    _log.info(f"=> load {len(annotated)} samples")
    regions = sum(len(image.persons) - 1 for image in annotated)
    _log.info(f"=> {regions} joints and centres of other people are masked")
    return annotated


def _annotated(n: int, record: Mapping[str, Any], folder: Path, where: str) -> AnnotatedImage:
    name, joints = record.get("img_name"), COCO_17.num_joints
    if not isinstance(name, str) or not name:
        raise InputError(f"{where}: key 'img_name' must name the image, got {name!r}")
    points = field(record, ("keypoints",), (3 * joints,), where).reshape(joints, 3)
    if not np.isin(points[:, 2], (0, 1, 2)).all():
        raise InputError(
            f"{where}: key 'keypoints' holds x, y, v with v one of 0, 1, 2; got {points[:, 2].tolist()}"
        )
    left, top, right, bottom = field(record, ("bbox",), (4,), where)
    lists = record.get("other_keypoints")
    if (
        not isinstance(lists, list)
        or len(lists) != joints
        or not all(isinstance(points, list) for points in lists)
    ):
        raise InputError(f"{where}: key 'other_keypoints' must hold {joints} lists of [x, y]")
    centers = record.get("other_centers")
    listed = [
        *(centers if isinstance(centers, list) else [centers]),
        *(point for points in lists for point in points),
    ]
    others = field({"other_*": listed or np.zeros((0, 2))}, ("other_*",), (len(listed), 2), where)
    size = np.array(stored_size(folder / name), np.float64)
    box = (left * size[0], top * size[1], (right - left) * size[0], (bottom - top) * size[1])
    target = Person(points[:, :2] * size, points[:, 2].astype(np.int64), box, n)
    nowhere = np.zeros((joints, 2)), np.zeros(joints, np.int64)
    regions = [(*(point - OTHERS_REACH) * size, *2 * OTHERS_REACH * size) for point in others]
    crowds = [Person(*nowhere, region, n, crowd=True) for region in regions]
    return AnnotatedImage(n, folder / name, (target, *crowds))


def stored_size(path: Path) -> tuple[int, int]:
    """Returns (width, height) of a crop in px, without decoding its pixels.

    Raises:
        FileNotFoundError: If it is missing.
        InputError: If it is not an image.
    """
    try:
        with Image.open(path) as image:
            return image.size
    except FileNotFoundError as problem:
        raise FileNotFoundError(f"{path}: not found; {LAYOUT}") from problem
    except (OSError, SyntaxError, ValueError) as problem:
        raise InputError(
            f"{path}: not an image that can be read ({problem}); delete it and make it again"
        ) from problem
