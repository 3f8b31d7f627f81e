"""Reader of the single-person crops that fire717's MoveNet trains on; see `prepare_coco.py`.

    D/imgs/*.jpg (both splits)   D/train2017.json   D/val2017.json

D is the folder of the data set. Coordinates in the files are fractions of the crop's width and
height.

Source: `make_coco_data_17keypooints.py` of fire717/movenet.pytorch and of its Paddle port.
Checked against: The keypoints of COCO, compared after cropping and reading
    (tests/data/test_movenet_crops.py).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from paddle_pose.data import coco
from paddle_pose.environment import command
from paddle_pose.errors import InputError
from paddle_pose.io import images
from paddle_pose.io.image_names import located
from paddle_pose.io.json_fields import field
from paddle_pose.io.json_files import read_json
from paddle_pose.skeletons import COCO_17
from paddle_pose.structures import AnnotatedImage, Person

_log = logging.getLogger("paddle_pose")

FOLDERS = ("", "cropped", "croped")  # as published: one of the two projects writes "croped"
# Half the side of the ignored square around another person's joint, as a fraction of the crop's
# side: 4 of the 48 cells of the source's map, the radius of its smallest blob.
IGNORED_RADIUS = 4 / 48
LAYOUT = (
    "expected D/imgs/*.jpg, D/train2017.json and D/val2017.json (also in a folder cropped or "
    "croped of D)"
)


def annotation_file(root: str | Path, split: str) -> Path:
    """Returns the path of a split's JSON file, which is not read.

    Args:
        root: Folder of the crops, with "train2017.json", "val2017.json" and "imgs" directly or in a
            folder "cropped" or "croped".
        split: "train" or "val".

    Raises:
        FileNotFoundError: If the file is missing.
        InputError: If `split` has another value.
    """
    if split not in coco.SPLITS:
        raise InputError(
            f"MoveNet's crops have no split {split!r}; expected one of {', '.join(coco.SPLITS)}"
        )
    paths = [Path(root) / folder / f"{split}2017.json" for folder in FOLDERS]
    existing = [path for path in paths if path.is_file()]
    if not existing:
        raise FileNotFoundError(
            f"{paths[0]}: not found; {LAYOUT}; {command('prepare_coco')} creates it from COCO"
        )
    return existing[0]


def read_movenet_crops(root: str | Path, split: str) -> list[AnnotatedImage]:
    """Returns one split of the crops, written by this project or by fire717's; logs the counts.

    Args:
        root: Folder of the crops, as for `annotation_file`.
        split: "train" or "val".

    Returns:
        One image per record, in the order of the JSON file, with the position of the record as id
        and without a size. Keypoints ([17, 2] in COCO's order) and boxes are in px of the crop. The
        first person is the one that the record describes. The file does not state which joint
        belongs to which of the other people, so that they cannot be used for training. Instead, a
        square around each of their joints and centres, which extends `IGNORED_RADIUS` of the crop's
        side to each direction, follows as a crowd, which losses mask. Compared with COCO, the
        identity of the other people and the areas for OKS are lost.

    Raises:
        FileNotFoundError: If the JSON file or an image is missing.
        InputError: If `split` has another value, a record is invalid (the message names file,
            record and key), there is no record, or an image cannot be read.
    """
    path = annotation_file(root, split)
    records = read_json(path)
    if (
        not isinstance(records, list)
        or not records
        or not all(isinstance(record, Mapping) for record in records)
    ):
        raise InputError(
            f"{path}: expected a list of objects with the keys img_name, keypoints, center, bbox, "
            "other_centers, other_keypoints"
        )
    folder = path.parent / "imgs"
    folder = folder if folder.is_dir() else path.parent
    annotated = [
        _annotated(n, record, folder, f"{path}: record {n}") for n, record in enumerate(records)
    ]
    _log.info(f"=> num_images: {len(annotated)}")
    _log.info(f"=> load {len(annotated)} samples")
    regions = sum(len(image.persons) - 1 for image in annotated)
    _log.info(f"=> {regions} joints and centres of other people are ignored")
    return annotated


def _annotated(n: int, record: Mapping[str, Any], folder: Path, where: str) -> AnnotatedImage:
    """Returns the image of record `n`; `where` names file and record in messages."""
    name = record.get("img_name")
    joints = COCO_17.num_joints
    if not isinstance(name, str) or not name:
        raise InputError(f"{where}: key 'img_name' must be the image's file name, got {name!r}")
    points = field(record, ("keypoints",), (3 * joints,), where).reshape(joints, 3)
    if not np.isin(points[:, 2], (0, 1, 2)).all():
        raise InputError(
            f"{where}: key 'keypoints' must hold x, y, v for each joint with v one of 0, 1, 2; "
            f"got v = {points[:, 2].tolist()}"
        )
    left, top, right, bottom = field(record, ("bbox",), (4,), where)
    lists = record.get("other_keypoints")
    if (
        not isinstance(lists, list)
        or len(lists) != joints
        or not all(isinstance(points, list) for points in lists)
    ):
        raise InputError(
            f"{where}: key 'other_keypoints' must hold {joints} lists of points [x, y], one list "
            "for each joint"
        )
    centers = record.get("other_centers")
    listed = [
        *(centers if isinstance(centers, list) else [centers]),
        *(point for points in lists for point in points),
    ]
    others = field({"other_*": listed or np.zeros((0, 2))}, ("other_*",), (len(listed), 2), where)
    size = np.array(stored_size(located(folder, name)), np.float64)
    box = (left * size[0], top * size[1], (right - left) * size[0], (bottom - top) * size[1])
    target = Person(points[:, :2] * size, points[:, 2].astype(np.int64), box, n)
    no_points = np.zeros((joints, 2))
    no_labels = np.zeros(joints, np.int64)
    regions = [(*(point - IGNORED_RADIUS) * size, *2 * IGNORED_RADIUS * size) for point in others]
    crowds = [Person(no_points, no_labels, region, n, crowd=True) for region in regions]
    return AnnotatedImage(n, located(folder, name), (target, *crowds))


def stored_size(path: Path) -> tuple[int, int]:
    """Returns (width, height) of a crop in px without decoding its pixels.

    Args:
        path: Path of the crop.

    Raises:
        FileNotFoundError: If the file is missing.
        InputError: If the file is not an image.
    """
    try:
        return images.stored_size(path)
    except FileNotFoundError as problem:
        raise FileNotFoundError(f"{path}: not found; {LAYOUT}") from problem
    except (OSError, ValueError) as problem:
        raise InputError(
            f"{path}: cannot be read as an image ({problem}); delete it and run "
            f"{command('prepare_coco')} again"
        ) from problem
