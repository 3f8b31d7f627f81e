"""Reads COCO's person keypoints, files of any joints in its format, and files of detected people.

    D/{train,val}2017/*.jpg   D/annotations/person_keypoints_{train,val}2017.json

Source: COCO (Lin et al., ECCV 2014); what is left out and how boxes are clipped: HRNet's `coco.py`.
Checked against: the counts of small real subsets (tests/data/test_coco.py); another data set in both MPII's and
    COCO's layout gives the same points.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from paddle_pose.environment import argument
from paddle_pose.errors import InputError
from paddle_pose.geometry import box_window
from paddle_pose.io import coco_json
from paddle_pose.io.json_fields import field
from paddle_pose.skeletons import COCO_17, Skeleton
from paddle_pose.structures import AnnotatedImage, Person, Sample

_log = logging.getLogger("paddle_pose")

SPLITS = ("train", "val")
PERSON = 1  # COCO's category
LAYOUT = "expected D/train2017/*.jpg, D/val2017/*.jpg and D/annotations/person_keypoints_{train,val}2017.json"


def annotation_file(root: str | Path, split: str) -> Path:
    """Returns the annotation file of a split.

    Raises:
        FileNotFoundError: If it is missing.
        InputError: If there is no such split.
    """
    if split not in SPLITS:
        raise InputError(
            f"COCO has no split {split!r} with keypoints; expected one of {', '.join(SPLITS)}"
        )
    path = Path(root) / "annotations" / f"person_keypoints_{split}2017.json"
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: not found; {LAYOUT} for {argument('--dataset_root D', 'data')}"
        )
    return path


def split_files(
    root: str | Path | None, split: str, own: str | None, folder: str | None
) -> tuple[Path, Path]:
    """Returns a split's annotation file, and the folder of its images.

    Args:
        root: a folder in the layout above; None takes the other two.
        split: "train" or "val".
        own: an annotation file.
        folder: of the images that it names.

    Raises:
        FileNotFoundError: If there is no such file or folder.
        InputError: If nothing says where they are.
    """
    if root is not None:
        return annotation_file(root, split), Path(root) / f"{split}2017"
    annotations = argument(f"--{split}_annotations FILE", f"data.{split}_annotations")
    folder_of_images = argument("--images DIR", "data.images")
    if own is None or folder is None:
        missing = annotations if own is None else folder_of_images
        root_name = argument("--dataset_root D", "data")
        raise InputError(
            f"{missing} is missing: give it, or {root_name}, a folder in COCO's layout"
        )
    if not Path(own).is_file():
        raise FileNotFoundError(f"{own}: not found; {annotations} says where it is now")
    if not Path(folder).is_dir():
        raise FileNotFoundError(
            f"{folder}: no such folder of images; {folder_of_images} says where it is now"
        )
    return Path(own), Path(folder)


def read_coco(root: str | Path, split: str, skeleton: Skeleton = COCO_17) -> list[AnnotatedImage]:
    """Reads one split of the layout above; see `read_annotations`.

    Args:
        root: the folder D.
        split: "train" or "val".
        skeleton: of the keypoints returned.

    Raises:
        FileNotFoundError: If a file is missing.
        InputError: If a record is not as expected, or nobody is left.
    """
    return read_annotations(annotation_file(root, split), Path(root) / f"{split}2017", skeleton)


def read_annotations(
    path: Path, folder: Path, skeleton: Skeleton = COCO_17
) -> list[AnnotatedImage]:
    """Reads a file in COCO's format and prints its counts, also of what is left out.

    Args:
        path: the annotation file.
        folder: where its images are.
        skeleton: of the keypoints returned. The joints that the file's categories name are matched with it by name, those
            that the file does not have are unlabelled; a file without names has the skeleton's joints.

    Returns:
        All images, those without people too, in the file's order. Left out, as published, are people without a labelled
        joint, without an area, or with an empty box after clipping. Crowds and people without a labelled joint stay in
        their image, both marked as crowds: regions where nobody knows; framing makes no sample of them.

    Raises:
        FileNotFoundError: If the file is missing.
        InputError: If a record is not as expected (the message names file, record and key), or nobody is left.
    """
    content, _ = coco_json.read(path)
    records, shared = coco_json.in_skeleton(content, str(path), skeleton)
    people: dict[int, list[Person]] = {image["id"]: [] for image in content["images"]}
    sizes = {
        image["id"]: image_size(image, f"{path}: images[{n}]")
        for n, image in enumerate(content["images"])
    }
    left_out = dict.fromkeys(("crowd", "no labelled joint", "no area", "empty box"), 0)
    count = 0
    for n, record in enumerate(records):
        where = f"{path}: annotations[{n}] (id {record['id']})"
        person = _person(record, sizes[record["image_id"]], where)
        reason = _reason_to_leave_out(person)
        if reason is None:
            count += 1
        else:
            left_out[reason] += 1
        if reason in (None, "crowd", "no labelled joint"):
            people[record["image_id"]].append(replace(person, crowd=reason is not None))
    _log.info(f"=> num_images: {len(people)}")
    _log.info(f"=> load {count} samples")
    counts = ", ".join(f"{number} {reason}" for reason, number in left_out.items())
    _log.info(f"=> left out as published: {counts}")
    if shared:
        _log.info(f"=> {shared} are in {skeleton.name}")
    if not count:
        fix = f"; {coco_json.AREA_HINT}" if left_out["no area"] else ""
        raise InputError(f"{path}: nobody is left of {len(records)} annotations: {counts}{fix}")
    return [
        AnnotatedImage(
            image["id"], folder / image["file_name"], tuple(people[image["id"]]), sizes[image["id"]]
        )
        for image in content["images"]
    ]


def read_detections(
    path: str | Path,
    images: Iterable[AnnotatedImage],
    input_size: tuple[int, int],
    context: float = 1.25,
    category: int | None = PERSON,
) -> list[Sample]:
    """Reads detected people: COCO's list of {image_id, category_id, bbox, score}, and prints its counts.

    Args:
        path: the file, e.g. `COCO_val2017_detections_AP_H_56_person.json`.
        images: where the images are.
        input_size: (width, height) of the network's input, whose aspect the windows take.
        context: how many times the box the window is.
        category: whose boxes to take; None takes all.

    Returns:
        A sample per box in the file's order, without persons, with the detector's score. Left out are other categories, boxes
        of images that are not among `images`, and empty boxes.

    Raises:
        FileNotFoundError: If there is no such file.
        InputError: If a record is not as expected, or no box is left.
    """
    records = coco_json.read_json(Path(path))
    if not isinstance(records, list) or not all(isinstance(record, Mapping) for record in records):
        raise InputError(f"{path}: expected a list of {{image_id, category_id, bbox, score}}")
    paths = {image.image_id: image.path for image in images}
    left_out = dict.fromkeys(("no person", "of another image", "empty box"), 0)
    samples = []
    for n, record in enumerate(records):
        where = f"{path}: record {n}"
        image_id = coco_json.check_id(record, "image_id", where)
        x, y, width, height = map(float, field(record, ("bbox",), (4,), where))
        score = float(field(record, ("score",), (), where))
        if coco_json.check_id(record, "category_id", where) != category and category is not None:
            left_out["no person"] += 1
        elif image_id not in paths:
            left_out["of another image"] += 1
        elif not (width > 0 and height > 0):
            left_out["empty box"] += 1
        else:
            window = box_window((x, y, width, height), input_size, context)
            samples.append(Sample(image_id, paths[image_id], window, (), score))
    counts = ", ".join(f"{number} {reason}" for reason, number in left_out.items())
    _log.info(f"=> load {len(samples)} detected boxes")
    _log.info(f"=> left out: {counts}")
    if not samples:
        raise InputError(
            f"{path}: no box is left of {len(records)}: {counts}; does it belong to these annotations?"
        )
    return samples


def image_size(image: Mapping[str, Any], where: str) -> tuple[float, float]:
    """Returns (width, height) in px of a record of the list of images, after checking that it names a file.

    Raises:
        InputError: If a key is missing or wrong.
    """
    if not isinstance(image.get("file_name"), str) or not image["file_name"]:
        raise InputError(
            f"{where}: key 'file_name' must name the image, got {image.get('file_name')!r}"
        )
    return float(field(image, ("width",), (), where)), float(field(image, ("height",), (), where))


def _person(record: Mapping[str, Any], size: tuple[float, float], where: str) -> Person:
    points = field(record, ("keypoints",), (len(record["keypoints"]),), where).reshape(-1, 3)
    if not np.isin(points[:, 2], (0, 1, 2)).all():
        raise InputError(
            f"{where}: key 'keypoints' holds x, y, v with v one of 0, 1, 2; got {points[:, 2].tolist()}"
        )
    x, y, width, height = map(float, field(record, ("bbox",), (4,), where))
    # As published: the last pixel belongs to the box, so a clipped box is one pixel smaller than the annotated one.
    left, top = max(0.0, x), max(0.0, y)
    right = min(size[0] - 1, left + max(0.0, width - 1))
    bottom = min(size[1] - 1, top + max(0.0, height - 1))
    return Person(
        keypoints=points[:, :2],
        visible=points[:, 2].astype(np.int64),
        box=(left, top, right - left, bottom - top),
        annotation_id=record["id"],
        area=float(field(record, ("area",), (), where)) if "area" in record else 0.0,
        crowd=bool(record.get("iscrowd", 0)),
    )


def _reason_to_leave_out(person: Person) -> str | None:
    if person.crowd:
        return "crowd"
    if not person.visible.any():
        return "no labelled joint"
    if not person.area > 0:
        return "no area"
    width, height = person.box[2:]
    return "empty box" if min(width, height) < 0 or max(width, height) == 0 else None
