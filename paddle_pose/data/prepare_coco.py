"""Makes the single-person crops that the original MoveNet trains on, from a COCO folder.

    O/imgs/*.jpg (both splits)   O/train2017.json   O/val2017.json

An image with more than 3 annotations, crowds counted, is left out; in the others everybody with 8
labelled joints or more gets a square of side w + h round the union (w, h) of box and labelled joints,
black outside the image. Coordinates are fractions of the square. `movenet_crops.py` reads them.

Source: `make_coco_data_17keypooints.py` of the original MoveNet projects (fire717/movenet.pytorch and
    its Paddle port).
Checked against: the written keys, ranges and images, and the source's points through crop and back
    (tests/data/test_prepare_coco.py, tests/data/test_movenet_crops.py).
Differs: squares start at whole pixels, so that a crop copies pixels; other people's joints stand in
    their own joint's list (until 2022 the original put all of them into the last one); an unlabelled
    joint is 0, 0, 0.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from paddle_pose import geometry
from paddle_pose.data import coco
from paddle_pose.data.movenet_crops import stored_size
from paddle_pose.errors import InputError
from paddle_pose.io import archives, atomic, coco_json, images
from paddle_pose.io.json_fields import field
from paddle_pose.io.locks import locked
from paddle_pose.progress import Progress, ProgressFactory, no_progress
from paddle_pose.skeletons import COCO_17

_log = logging.getLogger("paddle_pose")

MAX_ANNOTATIONS = 3
MIN_JOINTS = 8


@dataclass(frozen=True)
class Crop:
    """One person's square of an image.

    Attributes:
        source: Path of the image.
        source_size: (width, height) of the image in px, as annotated.
        corner: (x, y) of the square's upper left pixel in the image; may lie outside of it.
        side: Side of the square in px.
        record: Record of the crop in the JSON file.
    """

    source: Path
    source_size: tuple[float, float]
    corner: tuple[int, int]
    side: int
    record: dict[str, Any]


def prepare_coco(
    root: Path,
    output: Path,
    splits: Sequence[str] = coco.SPLITS,
    *,
    progress: ProgressFactory = no_progress,
) -> int:
    """Makes the crops of a COCO folder.

    An interrupted run goes on when it is called again; called once more, it changes nothing. Two processes that prepare one
    folder do so one after the other.

    Args:
        root: COCO's folder.
        output: Folder of the crops, made if it is missing.
        splits: Splits to make: "train", "val" or both.
        progress: Makes the progress over the crops of a split.

    Returns:
        The number of crops.

    Raises:
        FileNotFoundError: If an annotation file or an image is missing.
        InputError: If a file is not what it should be, or nobody is left of a split.
        OSError: If the disk is full.
    """
    plans = {split: plan_crops(root, split) for split in dict.fromkeys(splits)}
    names: dict[str, Path] = {}
    for split, (crops, left_out) in plans.items():
        counts = ", ".join(f"{number} {reason}" for reason, number in left_out.items())
        _log.info(
            f"=> {split}: {len(crops)} people in {len({crop.source for crop in crops})} images"
        )
        _log.info(f"=> left out as published: {counts}")
        if not crops:
            raise InputError(f"{root}: nobody is left of split {split!r}: {counts}")
        for crop in crops:
            name = crop.record["img_name"]
            if names.setdefault(name, crop.source) != crop.source:
                raise InputError(
                    f"{names[name]} and {crop.source} would both be cropped into {name}; rename one"
                )
    images.check_present(crop.source for crops, _ in plans.values() for crop in crops)
    archives.make_folder(output, output)
    with locked(output, what="this data set", wait=True):
        for split, (crops, _) in plans.items():
            written, kept = write_images(
                crops, output / "imgs", progress(len(crops), f"{split} crops")
            )
            path = output / f"{split}2017.json"
            write_records(crops, path)
            _log.info(
                f"=> {path}: {len(crops)} people; {written} images written, {kept} were there already"
            )
    return len(names)


def plan_crops(root: str | Path, split: str) -> tuple[list[Crop], dict[str, int]]:
    """Returns the crops of one split, in the order of its images, and how much is left out and why.

    Args:
        root: COCO's folder.
        split: "train" or "val".

    Raises:
        FileNotFoundError: If the annotation file is missing.
        InputError: If a record is not as expected.
    """
    path = coco.annotation_file(root, split)
    content, _ = coco_json.read(path)
    people: dict[int, list[tuple[np.ndarray, np.ndarray, bool]]] = {
        image["id"]: [] for image in content["images"]
    }
    for n, record in enumerate(content["annotations"]):
        where = f"{path}: annotations[{n}] (id {record['id']})"
        joints = field(record, ("keypoints",), (3 * COCO_17.num_joints,), where).reshape(-1, 3)
        people[record["image_id"]].append(
            (joints, field(record, ("bbox",), (4,), where), bool(record.get("iscrowd")))
        )
    reasons = ("images without people", f"images with more than {MAX_ANNOTATIONS} annotations")
    left_out = dict.fromkeys(
        (*reasons, "crowds", f"people with fewer than {MIN_JOINTS} labelled joints"), 0
    )
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
            others = [
                (other, other_box) for m, (other, other_box, _) in enumerate(group) if m != index
            ]
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
        kept: np.ndarray = fractions[((fractions >= 0) & (fractions <= 1)).all(axis=-1)]
        return kept

    labelled = joints[:, 2:] > 0
    keypoints = np.where(
        labelled, np.column_stack([(joints[:, :2] - corner) / side, joints[:, 2]]), 0.0
    )
    centers = np.array([other_box[:2] + other_box[2:] / 2 for _, other_box in others]).reshape(
        -1, 2
    )
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
    rounded: list[Any] = np.round(numbers, 6).tolist()
    return rounded


def write_images(
    crops: Sequence[Crop], folder: Path, progress: Progress = lambda done: None
) -> tuple[int, int]:
    """Writes the crops that are not there yet, each whole or not at all.

    Args:
        crops: Crops from `plan_crops`, those of one image together.
        folder: Folder of the crops, made if it is missing.
        progress: Receives the number of crops that are done.

    Returns:
        How many were written, and how many were there with the right size.

    Raises:
        FileNotFoundError: If an image of the source is missing.
        InputError: If one cannot be decoded, or has another size than annotated.
        OSError: If the disk is full.
    """
    archives.make_folder(folder, folder)
    present = {path.name for path in folder.iterdir()}
    written = kept = 0
    for source, group in groupby(crops, key=lambda crop: crop.source):
        pixels = None
        for crop in group:
            target = folder / crop.record["img_name"]
            if target.name in present and stored_size(target) == (crop.side, crop.side):
                kept += 1
            else:
                if pixels is None:
                    pixels, _ = images.read(source)
                    if pixels.shape[1::-1] != crop.source_size:
                        got = "{} x {}".format(*pixels.shape[1::-1])
                        raise InputError(
                            f"{source}: is {got} px, annotated as {crop.source_size}; is it COCO's file?"
                        )
                x, y = crop.corner
                square = geometry.warp(
                    pixels, np.array([[1.0, 0, -x], [0, 1, -y]]), (crop.side, crop.side)
                )
                content = cv2.imencode(".jpg", square[..., ::-1])[1].tobytes()
                atomic.write_bytes(target, content, concurrent=False)
                written += 1
            progress(written + kept)
    return written, kept


def write_records(crops: Sequence[Crop], path: Path) -> None:
    """Writes the JSON of a split; a file with the same content stays untouched."""
    content = json.dumps([crop.record for crop in crops]).encode()
    if not (archives.holds(path, len(content)) and path.read_bytes() == content):
        atomic.write_bytes(path, content, concurrent=False)
