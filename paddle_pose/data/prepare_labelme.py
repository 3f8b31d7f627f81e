"""Conversion of labelme's files of points to annotations in COCO's format.

    O/train.json   O/val.json

Every JSON file of labelme describes one image. A shape of the type "point" is a keypoint, named by
its label. Points with the same `group_id` belong to one person; in an image without ids, all points
do. A "rectangle" with the same `group_id` is the person's box; without one, the box is that of the
points, see `coco_records.MARGIN`. The flag "occluded" of a point gives the visibility 1. Other
shapes are left out.

Source: the format that labelme 5 writes (labelme/label_file.py).
Checked against: synthetic people, compared after conversion and reading
    (tests/data/test_prepare_labelme.py).
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from paddle_pose.environment import argument
from paddle_pose.errors import InputError
from paddle_pose.io import coco_records, images, json_fields, json_files
from paddle_pose.io.image_names import located
from paddle_pose.io.outputs import Outputs
from paddle_pose.structures import Box

_log = logging.getLogger("paddle_pose")

OCCLUDED = "occluded"
"""Flag of a point that can be labelled although something covers it."""


@dataclass(frozen=True)
class LabelledPerson:
    """The points of one person in a file of labelme.

    Attributes:
        points: (x, y, visibility 1 or 2) in image px by the name of the joint.
        box: Box (x, y, width, height) in image px of the rectangle; None if there is none.
    """

    points: dict[str, tuple[float, float, int]] = field(default_factory=dict)
    box: Box | None = None


@dataclass(frozen=True)
class LabelledImage:
    """A file of labelme.

    Attributes:
        path: Path of the image.
        size: (width, height) of the image in px, as labelled.
        persons: The people, in the order of their first shapes.
    """

    path: Path
    size: tuple[int, int]
    persons: list[LabelledPerson]


@dataclass(frozen=True)
class Converted:
    """What `prepare_labelme` wrote.

    Attributes:
        joints: Names of the joints, in the order of the keypoints.
        labelled: Number of people with each joint, by its name.
        images: Number of images by split.
        people: Number of people by split.
    """

    joints: tuple[str, ...]
    labelled: dict[str, int]
    images: dict[str, int]
    people: dict[str, int]


def prepare_labelme(
    folder: Path,
    output: Path,
    joints: Sequence[str] = (),
    val_fraction: float = 0.2,
    limbs: Sequence[tuple[str, str]] = (),
) -> Converted:
    """Writes train.json and val.json in COCO's format for the labelme files of a folder.

    Images are divided, not people: the images of val.json are distributed evenly over the sorted
    files. A video's frames look alike; put those for validation into a video of their own, and
    convert the two folders separately, with a fraction of 0 and 1.

    Args:
        folder: Folder of the labelme files and its subfolders; other JSON files are left out. The
            names in the annotations are relative to it.
        output: Folder of train.json and val.json, created if it is missing. A split without images
            is not written.
        joints: Names of the joints, in the order of the keypoints; other points are an error. Empty
            takes all labels, in the order in which they occur first.
        val_fraction: Fraction of the images in val.json, 0 to 1.
        limbs: Pairs of joints that drawings connect.

    Raises:
        FileNotFoundError: If there is no labelme file, or an image is missing.
        InputError: If a file is invalid, a person has two points of one name, a label is not one of
            `joints`, a limb is not of two of them, or a file exists that this function did not write.
        OSError: If a file cannot be written.
    """
    found = read_labelme(folder)
    images.check_present(image.path for image in found)
    labels = [name for image in found for person in image.persons for name in person.points]
    names = tuple(joints or dict.fromkeys(labels))
    unknown = next((name for name in labels if name not in names), None)
    if unknown is not None:
        raise InputError(
            f"{folder}: the label {unknown!r} is not one of the joints {', '.join(names)}; "
            "correct it in labelme, or add it to the joints"
        )
    not_joints = [name for pair in limbs for name in pair if name not in names]
    if not_joints:
        raise InputError(
            f"{argument('--limb', 'limbs')}: {not_joints[0]!r} is not one of the joints "
            f"{', '.join(names)}"
        )
    outputs = Outputs(output, "prepare_labelme")
    outputs.check(output / f"{split}.json" for split in ("train", "val"))
    splits: dict[str, list[LabelledImage]] = {"train": [], "val": []}
    for index, image in enumerate(found):
        is_val = int((index + 1) * val_fraction + 1e-9) > int(index * val_fraction + 1e-9)
        splits["val" if is_val else "train"].append(image)
    counts = {}
    for split, part in splits.items():
        content = coco_content(part, names, folder, limbs)
        counts[split] = len(content["annotations"])
        if part:
            path = output / f"{split}.json"
            with outputs.replacing(path) as draft:
                draft.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
            _log.info(f"=> {path}: {len(part)} images, {counts[split]} people")
    left_out = sum(len(image.persons) for image in found) - sum(counts.values())
    if left_out:
        _log.info(f"=> left out: {left_out} people with fewer than two points and without a box")
    labelled = {name: labels.count(name) for name in names}
    _log.info("=> labelled: " + ", ".join(f"{name} {n}" for name, n in labelled.items()))
    image_counts = {split: len(part) for split, part in splits.items()}
    return Converted(names, labelled, image_counts, counts)


def read_labelme(folder: Path) -> list[LabelledImage]:
    """Returns the images of the labelme files in a folder and its subfolders, sorted by file.

    Args:
        folder: Folder of the files. JSON files without labelme's "shapes" are left out.

    Raises:
        FileNotFoundError: If the folder has no labelme file.
        InputError: If a file is invalid.
    """
    contents = [
        (path, json_files.read_json(path))
        for path in sorted(folder.rglob("*.json"))
        if not path.name.startswith(".")
    ]
    labelme = [(path, one) for path, one in contents if isinstance(one, dict) and "shapes" in one]
    if len(labelme) < len(contents):
        _log.info(f"=> left out: {len(contents) - len(labelme)} JSON files that are not labelme's")
    if not labelme:
        raise FileNotFoundError(
            f"{folder}: no labelme file found (*.json with the key 'shapes'); labelme saves one "
            "beside each image"
        )
    return [_read_image(path, content) for path, content in labelme]


def coco_content(
    labelled: Sequence[LabelledImage],
    joints: Sequence[str],
    folder: Path,
    limbs: Sequence[tuple[str, str]] = (),
) -> dict[str, Any]:
    """Returns annotations in COCO's format, as a dict of JSON's types.

    Args:
        labelled: Images with their people. People without a box and with points at one place only
            are left out.
        joints: Names of the joints, in the order of the keypoints.
        folder: Folder that the file names are relative to.
        limbs: Pairs of names of joints.
    """
    records: list[dict[str, Any]] = []
    for image_id, image in enumerate(labelled, start=1):
        for person in image.persons:
            keypoints = np.array([person.points.get(name, (0.0, 0.0, 0)) for name in joints])
            box = person.box or coco_records.box_around(keypoints)
            if box is None or not person.points:
                continue
            records.append(
                {
                    "id": len(records) + 1,
                    "image_id": image_id,
                    "category_id": 1,
                    "iscrowd": 0,
                    "bbox": [round(value, 2) for value in box],
                    "area": round(coco_records.AREA_OF_BOX * box[2] * box[3], 2),
                    "keypoints": keypoints.round(2).ravel().tolist(),
                    "num_keypoints": len(person.points),
                }
            )
    sources = [
        {
            "id": image_id,
            "file_name": Path(os.path.relpath(image.path, folder)).as_posix(),
            "width": image.size[0],
            "height": image.size[1],
        }
        for image_id, image in enumerate(labelled, start=1)
    ]
    skeleton = [[joints.index(a) + 1, joints.index(b) + 1] for a, b in limbs]
    category = {"id": 1, "name": "person", "keypoints": list(joints), "skeleton": skeleton}
    return {"images": sources, "annotations": records, "categories": [category]}


def _read_image(path: Path, content: Mapping[str, Any]) -> LabelledImage:
    """Returns the image of a labelme file.

    Raises:
        InputError: If a value is missing or invalid; the message names file, shape and key.
    """
    where = str(path)
    name = content.get("imagePath")
    if not isinstance(name, str) or not name:
        raise InputError(f"{where}: key 'imagePath': expected the name of the image, got {name!r}")
    width, height = (
        int(json_fields.field(content, [key], (), where)) for key in ("imageWidth", "imageHeight")
    )
    shapes = content["shapes"]
    if not isinstance(shapes, list) or not all(isinstance(shape, dict) for shape in shapes):
        raise InputError(f"{where}: key 'shapes': expected a list of objects")
    persons: dict[Any, LabelledPerson] = {}
    for number, shape in enumerate(shapes):
        kind, group = shape.get("shape_type"), shape.get("group_id")
        if kind not in ("point", "rectangle"):
            continue
        if not isinstance(group, int | str | None):
            raise InputError(
                f"{where}: shapes[{number}]: key 'group_id': expected a whole number or null, got "
                f"{group!r}; correct it in labelme (Edit Label, Group ID)"
            )
        label, here = str(shape.get("label")), f"{where}: shapes[{number}] ({shape.get('label')!r})"
        person = persons.get(group, LabelledPerson())
        if kind == "point":
            x, y = json_fields.field(shape, ["points"], (1, 2), here)[0].tolist()
            if label in person.points:
                raise InputError(
                    f"{here}: the second point of this name with group_id {group}; give the points "
                    "of each person an id of their own in labelme (Edit Label, Group ID)"
                )
            flags = shape.get("flags")
            is_occluded = isinstance(flags, dict) and flags.get(OCCLUDED) is True
            point = (x, y, 1 if is_occluded else 2)
            persons[group] = LabelledPerson({**person.points, label: point}, person.box)
        else:
            corners = json_fields.field(shape, ["points"], (2, 2), here)
            (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
            box = (float(left), float(top), float(right - left), float(bottom - top))
            persons[group] = LabelledPerson(person.points, box)
    return LabelledImage(located(path.parent, name), (width, height), list(persons.values()))
