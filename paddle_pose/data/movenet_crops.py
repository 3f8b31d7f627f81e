"""The single-person crops that the original MoveNet trains on: planned from COCO's annotations, written, and read.

    O/imgs/*.jpg (both splits)   O/train2017.json   O/val2017.json

An image with more than 3 annotations, crowds counted, is left out; in the others everybody with 8 labelled joints or more
gets a square of side w + h round the union (w, h) of box and labelled joints, black outside the image. Coordinates are
fractions of the square.

Source: `make_coco_data_17keypooints.py` of the original MoveNet projects (fire717/movenet.pytorch and its Paddle port).
Checked against: the written keys, ranges and images, and the source's points through crop and back
    (tests/data/test_movenet_crops.py).
Differs: squares start at whole pixels, so that a crop copies pixels; other people's joints stand in their own joint's list
    (until 2022 the original put all of them into the last one); an unlabelled joint is 0, 0, 0.
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from paddle_pose import geometry
from paddle_pose.data import coco
from paddle_pose.errors import InputError
from paddle_pose.io import archives, coco_json, images
from paddle_pose.io.records import field
from paddle_pose.skeletons import COCO_17
from paddle_pose.structures import AnnotatedImage, Person

_log = logging.getLogger("paddle_pose")

MAX_ANNOTATIONS, MIN_JOINTS = 3, 8
FOLDERS = ("", "cropped", "croped")  # as published: one of the original projects writes "croped"
# How far round another person's joint nothing is learnt, in sides of the crop: 4 of the original's 48 cells, its smallest blob.
OTHERS_REACH = 4 / 48
LAYOUT = (
    "expected D/imgs/*.jpg with D/train2017.json and D/val2017.json (D may hold them in a folder cropped or croped)"
)


@dataclass(frozen=True)
class Crop:
    """One person's square of an image.

    Attributes:
        source: the image.
        source_size: (width, height) in px, as annotated.
        corner: (x, y) of the square's upper left pixel in the image; may lie outside of it.
        side: px.
        record: what the JSON says of it.
    """

    source: Path
    source_size: tuple[float, float]
    corner: tuple[int, int]
    side: int
    record: dict[str, Any]


def plan(root: str | Path, split: str) -> tuple[list[Crop], dict[str, int]]:
    """Returns the crops of one split of COCO, in the order of the list of images, and how much is left out and why.

    Args:
        root: COCO's folder.
        split: "train" or "val".

    Raises:
        FileNotFoundError: If the annotation file is missing.
        InputError: If a record is not as expected.
    """
    path = coco.annotation_file(root, split)
    content, _ = coco_json.read(path)
    people: dict[int, list[tuple[np.ndarray, np.ndarray, bool]]] = {image["id"]: [] for image in content["images"]}
    for n, record in enumerate(content["annotations"]):
        where = f"{path}: annotations[{n}] (id {record['id']})"
        joints = field(record, ("keypoints",), (3 * COCO_17.num_joints,), where).reshape(-1, 3)
        people[record["image_id"]].append((joints, field(record, ("bbox",), (4,), where), bool(record.get("iscrowd"))))
    reasons = ("images without people", f"images with more than {MAX_ANNOTATIONS} annotations")
    left_out = dict.fromkeys((*reasons, "crowds", f"people with fewer than {MIN_JOINTS} labelled joints"), 0)
    empty, many, crowds, few = left_out
    crops = []
    for n, image in enumerate(content["images"]):
        size, group = coco.image_size(image, f"{path}: images[{n}]"), people[image["id"]]
        source = Path(root) / f"{split}2017" / image["file_name"]
        if not group or len(group) > MAX_ANNOTATIONS:
            left_out[many if group else empty] += 1
            continue
        for index, (joints, box, crowd) in enumerate(group):
            if crowd or (joints[:, 2] > 0).sum() < MIN_JOINTS:
                left_out[crowds if crowd else few] += 1
                continue
            others = [(other, other_box) for m, (other, other_box, _) in enumerate(group) if m != index]
            crops.append(_crop(source, size, f"{source.stem}_{index}.jpg", joints, box, others))
    return crops, left_out


def _crop(
    source: Path,
    size: tuple[float, float],
    name: str,
    joints: np.ndarray,
    box: np.ndarray,
    others: Sequence[tuple[np.ndarray, np.ndarray]],
) -> Crop:
    """Returns the square of `joints` [17, 3] and `box` (x, y, width, height); `others` are the same of the other people."""
    corners = np.array([box[:2], box[:2] + box[2:]])
    extent = np.concatenate([corners, joints[joints[:, 2] > 0, :2]])
    low, high = extent.min(axis=0), extent.max(axis=0)
    side = max(1, round(float((high - low).sum())))
    corner = np.round((low + high - side) / 2)

    def inside(points: np.ndarray) -> np.ndarray:
        fractions = (points - corner) / side
        return fractions[((fractions >= 0) & (fractions <= 1)).all(axis=-1)]

    labelled = joints[:, 2:] > 0
    keypoints = np.where(labelled, np.column_stack([(joints[:, :2] - corner) / side, joints[:, 2]]), 0.0)
    centers = np.array([other_box[:2] + other_box[2:] / 2 for _, other_box in others]).reshape(-1, 2)
    other_joints = [
        inside(np.array([other[k, :2] for other, _ in others if other[k, 2] > 0]).reshape(-1, 2))
        for k in range(COCO_17.num_joints)
    ]
    record = {
        "img_name": name,
        "keypoints": _rounded(keypoints.ravel()),
        "center": _rounded((corners.mean(axis=0) - corner) / side),
        "bbox": _rounded(((corners - corner) / side).ravel()),
        "other_centers": _rounded(inside(centers)),
        "other_keypoints": [_rounded(points) for points in other_joints],
    }
    return Crop(source, size, (int(corner[0]), int(corner[1])), side, record)


def _rounded(numbers: np.ndarray) -> list[Any]:
    return np.round(numbers, 6).tolist()


def write_images(
    crops: Sequence[Crop], folder: Path, progress: Callable[[int], None] = lambda done: None
) -> tuple[int, int]:
    """Writes the crops that are not there yet, each whole or not at all.

    Args:
        crops: of `plan`, those of one image together.
        folder: made if it is missing.
        progress: called with the number of crops done.

    Returns:
        How many were written, and how many were there with the right size.

    Raises:
        FileNotFoundError: If an image of the source is missing.
        InputError: If one cannot be decoded, or has another size than annotated.
        OSError: If the disk is full.
    """
    archives.make_folder(folder, folder)
    there = {path.name for path in folder.iterdir()}
    written = kept = 0
    for source, group in groupby(crops, key=lambda crop: crop.source):
        pixels = None
        for crop in group:
            target = folder / crop.record["img_name"]
            if target.name in there and _size(target) == (crop.side, crop.side):
                kept += 1
            else:
                if pixels is None:
                    pixels, _ = images.read(source)
                    if pixels.shape[1::-1] != crop.source_size:
                        got = "{} x {}".format(*pixels.shape[1::-1])
                        raise InputError(f"{source}: is {got} px, annotated as {crop.source_size}; is it COCO's file?")
                x, y = crop.corner
                square = geometry.warp(pixels, np.array([[1.0, 0, -x], [0, 1, -y]]), (crop.side, crop.side))
                content = cv2.imencode(".jpg", square[..., ::-1])[1].tobytes()
                archives.write_whole(target, io.BytesIO(content), len(content))
                written += 1
            progress(written + kept)
    return written, kept


def write_records(crops: Sequence[Crop], path: Path) -> None:
    """Writes the JSON of a split, whole or not at all; a file that says the same already stays untouched."""
    content = json.dumps([crop.record for crop in crops]).encode()
    if not (archives.holds(path, len(content)) and path.read_bytes() == content):
        archives.write_whole(path, io.BytesIO(content), len(content))


def annotation_file(root: str | Path, split: str) -> Path:
    """Returns the JSON of a split.

    Raises:
        FileNotFoundError: If it is missing.
        InputError: If there is no such split.
    """
    if split not in coco.SPLITS:
        raise InputError(f"MoveNet's crops have no split {split!r}; expected one of {', '.join(coco.SPLITS)}")
    paths = [Path(root) / folder / f"{split}2017.json" for folder in FOLDERS]
    found = next((path for path in paths if path.is_file()), None)
    if found is None:
        raise FileNotFoundError(f"{paths[0]}: not found; {LAYOUT}; scripts/prepare_coco.py makes it from COCO")
    return found


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
    if not isinstance(records, list) or not records or not all(isinstance(record, Mapping) for record in records):
        raise InputError(
            f"{path}: expected a list of {{img_name, keypoints, center, bbox, other_centers, other_keypoints}}"
        )
    folder = path.parent / "imgs"
    folder = folder if folder.is_dir() else path.parent
    annotated = [_annotated(n, record, folder, f"{path}: record {n}") for n, record in enumerate(records)]
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
        raise InputError(f"{where}: key 'keypoints' holds x, y, v with v one of 0, 1, 2; got {points[:, 2].tolist()}")
    left, top, right, bottom = field(record, ("bbox",), (4,), where)
    lists = record.get("other_keypoints")
    if not isinstance(lists, list) or len(lists) != joints or not all(isinstance(points, list) for points in lists):
        raise InputError(f"{where}: key 'other_keypoints' must hold {joints} lists of [x, y]")
    found = record.get("other_centers")
    found = [*(found if isinstance(found, list) else [found]), *(point for points in lists for point in points)]
    others = field({"other_*": found or np.zeros((0, 2))}, ("other_*",), (len(found), 2), where)
    size = np.array(_size(folder / name), np.float64)
    box = (left * size[0], top * size[1], (right - left) * size[0], (bottom - top) * size[1])
    target = Person(points[:, :2] * size, points[:, 2].astype(np.int64), box, n)
    nowhere = np.zeros((joints, 2)), np.zeros(joints, np.int64)
    regions = [(*(point - OTHERS_REACH) * size, *2 * OTHERS_REACH * size) for point in others]
    crowds = [Person(*nowhere, region, n, crowd=True) for region in regions]
    return AnnotatedImage(n, folder / name, (target, *crowds))


def _size(path: Path) -> tuple[int, int]:
    """Returns (width, height) of an image's file, whose pixels are not decoded."""
    try:
        with Image.open(path) as image:
            return image.size
    except FileNotFoundError as problem:
        raise FileNotFoundError(f"{path}: not found; {LAYOUT}") from problem
    except (OSError, SyntaxError, ValueError) as problem:
        raise InputError(f"{path}: not an image that can be read ({problem}); delete it and make it again") from problem
