"""Creation of the single-person crops that fire717's MoveNet trains on, from a COCO folder.

    O/imgs/*.jpg (both splits)   O/train2017.json   O/val2017.json

O is the folder of the crops. Images with more than 3 annotations, including crowds, are left out.
In the others, each person with 8 or more labelled joints gets a square crop. Its side is w + h,
where (w, h) is the size of the union of the person's box and labelled joints, and it is black
outside the image. Coordinates are fractions of the square. `movenet_crops.py` reads the crops.

Source: `make_coco_data_17keypooints.py` of fire717/movenet.pytorch and of its Paddle port.
Checked against: The written keys, ranges and images (tests/data/test_prepare_coco.py), and the
    keypoints of COCO, compared after cropping and reading (tests/data/test_movenet_crops.py).
Differs: Squares start at whole pixels, so that cropping copies pixels. Joints of other people are
    listed under their own joint (until 2022 the source listed all of them under the last one). An
    unlabelled joint is written as 0, 0, 0.
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
from paddle_pose.io import archives, atomic, coco_records, images
from paddle_pose.io.annotated_sizes import AnnotatedSizes
from paddle_pose.io.image_names import located
from paddle_pose.io.locks import locked
from paddle_pose.progress import Progress, ProgressFactory, no_progress
from paddle_pose.skeletons import COCO_17

_log = logging.getLogger("paddle_pose")

MAX_ANNOTATIONS = 3
MIN_JOINTS = 8


@dataclass(frozen=True)
class Crop:
    """The square crop of one person in an image, before it is written.

    Attributes:
        source: Path of the image.
        source_size: (width, height) of the image in px, as annotated.
        corner: (x, y) of the square's upper left pixel in image px; it may be outside the image.
        side: Side of the square in image px, which is also that of the written crop.
        record: Record of the crop for the JSON file, with fractions of the square: {"img_name":
            file name of the crop, "keypoints": 51 numbers x, y, v, "center": [x, y], "bbox": [left,
            top, right, bottom], "other_centers": points [x, y], "other_keypoints": 17 lists of
            points [x, y]}.
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
    """Creates the single-person crops that MoveNet trains on from a COCO folder.

    A crop is a JPEG file of the square around one person, in the resolution of the image; see the
    module for its size and for who is left out. A call after an interrupted one continues it; a
    call after a complete one changes nothing. If two processes prepare the same folder, the second
    one waits for the first.

    Args:
        root: Folder of COCO, with "annotations/person_keypoints_{train,val}2017.json" and the
            images in "train2017" and "val2017".
        output: Folder of the crops, created if it is missing; gets "imgs", "train2017.json" and
            "val2017.json", which `read_movenet_crops` reads.
        splits: Splits to create: "train", "val" or both.
        progress: Function that creates a progress display for the crops of a split, see
            `progress.ProgressFactory`.

    Returns:
        Number of crops of all requested splits, whether this call wrote them or they existed.

    Raises:
        FileNotFoundError: If an annotation file or an image is missing.
        InputError: If a split is unknown, a record or an image is invalid, two images would give
            crops of the same name, no person of a split can be used, or `output` is a link or a
            file.
        OSError: If a file cannot be written, for example because the disk is full.
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
            raise InputError(f"{root}: no usable person in split {split!r}; left out: {counts}")
        for crop in crops:
            name = crop.record["img_name"]
            if names.setdefault(name, crop.source) != crop.source:
                raise InputError(
                    f"{names[name]} and {crop.source} would both give the crop {name}; rename one "
                    "of the two images and its record"
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
                f"=> {path}: {len(crops)} people; {written} images written, {kept} already existed"
            )
    return len(names)


def plan_crops(root: str | Path, split: str) -> tuple[list[Crop], dict[str, int]]:
    """Returns the crops of one split, and how many images and people are left out.

    Args:
        root: Folder of COCO, as for `prepare_coco`; only the annotation file is read.
        split: "train" or "val".

    Returns:
        One crop per usable person, in the order of the images in the annotation file; and
        {reason: number}. The four reasons state what is counted: "images without people", "images
        with more than 3 annotations", "crowds" and "people with fewer than 8 labelled joints".

    Raises:
        FileNotFoundError: If the annotation file is missing.
        InputError: If `split` has another value, or a record is invalid; the message names file,
            record and key.
    """
    path = coco.annotation_file(root, split)
    file = coco_records.read(path)
    records, shared = file.in_skeleton(COCO_17)
    if shared:
        _log.info(f"=> {path}: {shared} are in {COCO_17.name}")
    people: dict[int, list[tuple[np.ndarray, np.ndarray, bool]]] = {
        image.id: [] for image in file.images
    }
    for record in records:
        people[record.image_id].append((record.keypoints, np.array(record.box), record.crowd))
    reasons = ("images without people", f"images with more than {MAX_ANNOTATIONS} annotations")
    left_out = dict.fromkeys(
        (*reasons, "crowds", f"people with fewer than {MIN_JOINTS} labelled joints"), 0
    )
    empty, many, crowds, few = left_out
    crops = []
    for image in file.images:
        group = people[image.id]
        source = located(Path(root) / f"{split}2017", image.file_name)
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
            name = f"{source.stem}_{index}.jpg"
            crops.append(_crop(source, image.size, name, joints, box, others))
    return crops, left_out


def _crop(
    source: Path,
    size: tuple[float, float],
    name: str,
    joints: np.ndarray,
    box: np.ndarray,
    others: Sequence[tuple[np.ndarray, np.ndarray]],
) -> Crop:
    """Returns the crop of one person.

    Args:
        source: Path of the image.
        size: (width, height) of the image in px, as annotated.
        name: File name of the crop.
        joints: Keypoints of the person as annotated, [17, 3] (x, y, v) in image px.
        box: Box of the person as annotated, [4] (x, y, width, height) in image px.
        others: (joints, box) of the other people in the image.
    """
    corners = np.array([box[:2], box[:2] + box[2:]])
    extent = np.concatenate([corners, joints[joints[:, 2] > 0, :2]])
    low, high = extent.min(axis=0), extent.max(axis=0)
    side = max(1, round(float((high - low).sum())))
    corner = np.round((low + high - side) / 2)

    def inside(points: np.ndarray) -> np.ndarray:
        """Returns those of the points [n, 2] that are in the square, as fractions of its side."""
        fractions = (points - corner) / side
        kept: np.ndarray = fractions[((fractions >= 0) & (fractions <= 1)).all(axis=-1)]
        return kept

    labelled = joints[:, 2:] > 0
    fractions = np.column_stack([(joints[:, :2] - corner) / side, joints[:, 2]])
    keypoints = np.where(labelled, fractions, 0.0)
    centers = np.array([other_box[:2] + other_box[2:] / 2 for _, other_box in others])
    other_joints = [
        inside(np.array([other[k, :2] for other, _ in others if other[k, 2] > 0]).reshape(-1, 2))
        for k in range(COCO_17.num_joints)
    ]
    record = {
        "img_name": name,
        "keypoints": _rounded(keypoints.ravel()),
        "center": _rounded((corners.mean(axis=0) - corner) / side),
        "bbox": _rounded(((corners - corner) / side).ravel()),
        "other_centers": _rounded(inside(centers.reshape(-1, 2))),
        "other_keypoints": [_rounded(points) for points in other_joints],
    }
    return Crop(source, size, (int(corner[0]), int(corner[1])), side, record)


def _rounded(numbers: np.ndarray) -> list[Any]:
    """Returns an array as a list of numbers with six decimals."""
    rounded: list[Any] = np.round(numbers, 6).tolist()
    return rounded


def write_images(
    crops: Sequence[Crop], folder: Path, progress: Progress = lambda done: None
) -> tuple[int, int]:
    """Writes the crops that do not exist yet as JPEG files, each atomically.

    Args:
        crops: Crops from `plan_crops`; those of one image follow each other.
        folder: Folder of the JPEG files, created if it is missing.
        progress: Function that receives the number of crops processed so far, after each one.

    Returns:
        The number of crops written, and the number of crops that already existed with the right
        size.

    Raises:
        FileNotFoundError: If a source image is missing.
        InputError: If a source image cannot be decoded or has another size than annotated, an
            existing crop cannot be read, or `folder` is a link or a file.
        OSError: If a file cannot be written, for example because the disk is full.
    """
    archives.make_folder(folder, folder)
    present = {path.name for path in folder.iterdir()}
    upright_rule = AnnotatedSizes(
        {crop.source: crop.source_size for crop in crops}, "the annotations of these images"
    )
    written = kept = 0
    for source, group in groupby(crops, key=lambda crop: crop.source):
        pixels = None
        for crop in group:
            target = folder / crop.record["img_name"]
            if target.name in present and stored_size(target) == (crop.side, crop.side):
                kept += 1
            else:
                if pixels is None:
                    pixels, _ = images.read(source, upright_rule=upright_rule)
                    if pixels.shape[1::-1] != crop.source_size:
                        got = "{} x {}".format(*pixels.shape[1::-1])
                        expected = "{:g} x {:g}".format(*crop.source_size)
                        raise InputError(
                            f"{source}: the image is {got} px, but its annotation states "
                            f"{expected} px; restore the image that belongs to the annotation"
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
    """Writes the JSON file of a split; a file that already has this content is not rewritten.

    Args:
        crops: Crops of the split, whose records are written as a list.
        path: Path of the JSON file; its folder exists.

    Raises:
        OSError: If the file cannot be written.
    """
    content = json.dumps([crop.record for crop in crops]).encode()
    if not (archives.holds(path, len(content)) and path.read_bytes() == content):
        atomic.write_bytes(path, content, concurrent=False)
