"""Readers of COCO's person keypoints, of other files in COCO's format, and of detected boxes.

    D/{train,val}2017/*.jpg   D/annotations/person_keypoints_{train,val}2017.json

D is the folder of the data set.

Source: COCO (Lin et al., ECCV 2014). Which people are left out and how boxes are clipped: HRNet's
    `coco.py`.
Checked against: The counts of small real subsets (tests/data/test_coco.py); a data set that exists
    in MPII's and in COCO's layout gives the same points.
"""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from paddle_pose.environment import argument
from paddle_pose.errors import InputError
from paddle_pose.geometry import box_window
from paddle_pose.io import coco_json, coco_records
from paddle_pose.io.annotated_sizes import AnnotatedSizes
from paddle_pose.io.coco_records import boxes_hint
from paddle_pose.io.image_names import located
from paddle_pose.io.json_fields import field
from paddle_pose.io.json_files import read_json
from paddle_pose.skeletons import COCO_17, Skeleton
from paddle_pose.structures import AnnotatedImage, Person, Sample

_log = logging.getLogger("paddle_pose")

SPLITS = ("train", "val")
PERSON = 1  # id of COCO's category "person"
LAYOUT = (
    "expected D/train2017/*.jpg, D/val2017/*.jpg and "
    "D/annotations/person_keypoints_{train,val}2017.json"
)


def annotation_file(root: str | Path, split: str) -> Path:
    """Returns the path of a split's annotation file, which is not read.

    Args:
        root: Folder of the data set, with "annotations/person_keypoints_{train,val}2017.json".
        split: "train" or "val".

    Raises:
        FileNotFoundError: If the file is missing.
        InputError: If `split` has another value.
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
    root: str | Path | None, split: str, annotations: str | None, image_folder: str | None
) -> tuple[Path, Path]:
    """Returns the paths of a split's annotation file and of the folder of its images.

    Args:
        root: Folder of a data set in COCO's layout, as for `read_coco`; None uses `annotations` and
            `image_folder` instead.
        split: "train" or "val".
        annotations: Path of an annotation file in COCO's format; not used if `root` is given.
        image_folder: Folder of the images that `annotations` names; not used if `root` is given.

    Raises:
        FileNotFoundError: If the annotation file, or `image_folder`, does not exist.
        InputError: If neither `root` nor both of the others are given, or `root` has no such split.
    """
    if root is not None:
        return annotation_file(root, split), Path(root) / f"{split}2017"
    annotations_name = argument(f"--{split}_annotations FILE", f"data.{split}_annotations")
    images_name = argument("--images DIR", "data.images")
    if annotations is None or image_folder is None:
        missing = annotations_name if annotations is None else images_name
        root_name = argument("--dataset_root D", "data")
        raise InputError(
            f"{missing} is missing: give it, or {root_name}, a folder in COCO's layout"
        )
    if not Path(annotations).is_file():
        raise FileNotFoundError(
            f"{annotations}: annotation file not found; give its path with {annotations_name}"
        )
    if not Path(image_folder).is_dir():
        raise FileNotFoundError(
            f"{image_folder}: folder of images not found; give its path with {images_name}"
        )
    return Path(annotations), Path(image_folder)


def read_coco(root: str | Path, split: str, skeleton: Skeleton = COCO_17) -> list[AnnotatedImage]:
    """Returns one split of a data set in COCO's layout; see `read_annotations`.

    Args:
        root: Folder of the data set, with "annotations/person_keypoints_{train,val}2017.json" and
            the images in "train2017" and "val2017".
        split: "train" or "val".
        skeleton: Skeleton of the returned keypoints, whose joints are matched by name.

    Returns:
        All images of the split, in the order of the annotation file. The image files are not read.

    Raises:
        FileNotFoundError: If the annotation file is missing.
        InputError: If `split` has another value, a record is invalid, or no person is left.
    """
    return read_annotations(annotation_file(root, split), Path(root) / f"{split}2017", skeleton)


def read_annotations(
    path: Path,
    folder: Path,
    skeleton: Skeleton = COCO_17,
    *,
    boxes_from_keypoints: bool = False,
) -> list[AnnotatedImage]:
    """Returns the images and people of a file in COCO's format; logs the numbers of both.

    Args:
        path: Path of the annotation file.
        folder: Folder of the images, which are not read.
        skeleton: Skeleton of the returned keypoints. Joints that the file's categories name are
            matched by name, and joints that the file does not have are unlabelled. If the
            categories name no joints, the file must have the skeleton's joints in its order.
        boxes_from_keypoints: Whether people without a box or an area get those round their labelled
            joints; see `coco_records.examine`.

    Returns:
        All images in the order of the file, also those without people, with their sizes. Keypoints
        and boxes are in 0-based image px; boxes are clipped to the image. As published, people
        without an area, or whose box is empty after clipping, are left out. Crowds and people
        without a labelled joint are kept in their image with `crowd=True`: regions without reliable
        labels, for which framing creates no sample.

    Raises:
        FileNotFoundError: If the annotation file is missing.
        InputError: If a record is invalid (the message names file, record and key), no joint is in
            common with the skeleton, or no person is left.
    """
    file = coco_records.read(path, skeleton.joints, boxes_from_keypoints=boxes_from_keypoints)
    images, counts, shared = annotated_images(file, folder, skeleton)
    _log.info(f"=> num_images: {len(images)}")
    _log.info(f"=> load {counts.used} samples")
    _log.info(f"=> left out as published: {counts}")
    if shared:
        _log.info(f"=> {shared} are in {skeleton.name}")
    return images


@dataclass(frozen=True)
class Counts:
    """Numbers of annotations.

    Attributes:
        used: Number of people who are used.
        left_out: {reason: number} of the others.
    """

    used: int
    left_out: Mapping[str, int]

    def __str__(self) -> str:
        """Returns the numbers of the annotations that are left out."""
        return ", ".join(f"{number} {reason}" for reason, number in self.left_out.items())


def annotated_images(
    file: coco_records.AnnotationFile, folder: Path, skeleton: Skeleton
) -> tuple[list[AnnotatedImage], Counts, str]:
    """Returns the images and people of an annotation file, as `read_annotations` does, and counts.

    Args:
        file: Content of the annotation file, in which all images have sizes.
        folder: Folder of the images, which are not read.
        skeleton: Skeleton of the returned keypoints.

    Returns:
        images: All images in the order of the file.
        counts: Numbers of people who are used, and who are left out.
        shared: Text on the joints that file and skeleton have in common, see `Skeleton.shared`.

    Raises:
        InputError: If no joint is in common with the skeleton, or no person is left.
    """
    records, shared = file.in_skeleton(skeleton)
    sizes = {image.id: image.size for image in file.images}
    people: dict[int, list[Person]] = {image.id: [] for image in file.images}
    left_out = dict.fromkeys(("crowd", "no labelled joint", "no area", "empty box"), 0)
    used = 0
    for record in records:
        person = _person(record, sizes[record.image_id])
        reason = _exclusion_reason(person)
        if reason is None:
            used += 1
        else:
            left_out[reason] += 1
        if reason in (None, "crowd", "no labelled joint"):
            people[record.image_id].append(replace(person, crowd=reason is not None))
    counts = Counts(used, left_out)
    if not used:
        hint = f"; {coco_json.AREA_HINT}; {boxes_hint()}" if left_out["no area"] else ""
        raise InputError(
            f"{file.where}: no usable person among {len(records)} annotations; left out: "
            f"{counts}{hint}"
        )
    paths = {image.id: located(folder, image.file_name) for image in file.images}
    upright_rule = AnnotatedSizes({paths[n]: size for n, size in sizes.items()}, file.where)
    images = [
        AnnotatedImage(
            image.id,
            paths[image.id],
            tuple(people[image.id]),
            sizes[image.id],
            upright_rule,
        )
        for image in file.images
    ]
    return images, counts, shared


def unlabelled_joints(people: Iterable[Person], skeleton: Skeleton) -> tuple[str, ...]:
    """Returns the names of the joints that nobody has labelled.

    Args:
        people: People of the training split with the skeleton's joints; crowds do not count.
        skeleton: Skeleton of the network to train.
    """
    labelled = np.zeros(skeleton.num_joints, bool)
    for person in people:
        if not person.crowd:
            labelled |= person.visible > 0
    return tuple(name for name, known in zip(skeleton.joints, labelled, strict=True) if not known)


def nearest_name(name: str, others: Sequence[str]) -> str:
    """Returns the most similar one of other names; "" if none is similar.

    Args:
        name: Name of a joint.
        others: Names to choose from.
    """
    return next(iter(difflib.get_close_matches(name, others, n=1, cutoff=0.7)), "")


def check_learned(path: Path, people: Iterable[Person], skeleton: Skeleton) -> None:
    """Raises an error if a network cannot learn a joint, because nobody has labelled it.

    Args:
        path: Path of the training split's annotation file; it is read to find similar names.
        people: People of the training split with the skeleton's joints.
        skeleton: Skeleton of the network to train.

    Raises:
        InputError: If a joint of the skeleton is not labelled.
    """
    unlabelled = unlabelled_joints(people, skeleton)
    if not unlabelled:
        return
    joints = coco_records.read_categories(path)[0] or skeleton.joints
    slots = dict(zip(skeleton.joints, skeleton.slots(joints), strict=True))
    others = [joint for index, joint in enumerate(joints) if index not in slots.values()]
    missing = []
    for name in unlabelled:
        nearest = nearest_name(name, others)
        absent = "not in the file" + (f"; nearest: {nearest}" if nearest else "")
        missing.append(name if slots[name] >= 0 else f"{name} ({absent})")
    skeleton_name = argument("--skeleton FILE", "codec.skeleton")
    anyway = argument("-o data.unlabelled_joints=allow", "data.unlabelled_joints='allow'")
    raise InputError(
        f"{path}: nobody has labelled {', '.join(missing)}, so that the network cannot learn it; "
        f"correct the names, use a skeleton without these joints ({skeleton_name}), or give "
        f"{anyway} to train anyway"
    )


def read_detections(
    path: str | Path,
    images: Iterable[AnnotatedImage],
    input_size: tuple[int, int],
    context: float = 1.25,
    category: int | None = PERSON,
) -> list[Sample]:
    """Returns one sample per detected box of a file in COCO's results format; logs the counts.

    Args:
        path: Path of a JSON file with a list of {"image_id": int, "category_id": int, "bbox": [x,
            y, width, height] in image px, "score": float}, for example
            `COCO_val2017_detections_AP_H_56_person.json`.
        images: Annotated images; they give the path of each image id.
        input_size: (width, height) of the network's input in px; windows get its aspect ratio.
        context: Factor on the box, as for `framing.one_per_person`.
        category: Category id of the boxes to return; None returns those of all categories.

    Returns:
        Samples in the order of the file, each with a window in image px, the score of the file and
        no persons. Boxes of other categories, boxes of images that are not in `images`, and boxes
        whose width or height is not positive are left out.

    Raises:
        FileNotFoundError: If the file is missing.
        InputError: If a record is invalid (the message names file, record and key), or no box is
            left.
    """
    records = read_json(Path(path))
    if not isinstance(records, list) or not all(isinstance(record, Mapping) for record in records):
        raise InputError(
            f"{path}: expected a list of objects with the keys image_id, category_id, bbox, score"
        )
    listed = {image.image_id: image for image in images}
    left_out = dict.fromkeys(("other category", "unknown image", "empty box"), 0)
    samples = []
    for n, record in enumerate(records):
        where = f"{path}: record {n}"
        image_id = coco_json.check_id(record, "image_id", where)
        x, y, width, height = map(float, field(record, ("bbox",), (4,), where))
        score = float(field(record, ("score",), (), where))
        if coco_json.check_id(record, "category_id", where) != category and category is not None:
            left_out["other category"] += 1
        elif image_id not in listed:
            left_out["unknown image"] += 1
        elif not (width > 0 and height > 0):
            left_out["empty box"] += 1
        else:
            window = box_window((x, y, width, height), input_size, context)
            image = listed[image_id]
            samples.append(
                Sample(image_id, image.path, window, (), score, upright_rule=image.upright_rule)
            )
    counts = ", ".join(f"{number} {reason}" for reason, number in left_out.items())
    _log.info(f"=> load {len(samples)} detected boxes")
    _log.info(f"=> left out: {counts}")
    if not samples:
        raise InputError(
            f"{path}: no usable box among {len(records)} records; left out: {counts}. Give the "
            "detections of the images that the annotation file lists"
        )
    return samples


def _person(record: coco_records.PersonRecord, size: tuple[float, float]) -> Person:
    """Returns the person of a record; `size` is the (width, height) of its image in px."""
    x, y, width, height = record.box
    # As published: the last pixel belongs to the box, so the clipped box is one pixel smaller than
    # the annotated one.
    left, top = max(0.0, x), max(0.0, y)
    right = min(size[0] - 1, left + max(0.0, width - 1))
    bottom = min(size[1] - 1, top + max(0.0, height - 1))
    return Person(
        keypoints=record.keypoints[:, :2],
        visible=record.keypoints[:, 2].astype(np.int64),
        box=(left, top, right - left, bottom - top),
        annotation_id=record.id,
        area=record.area,
        crowd=record.crowd,
    )


def _exclusion_reason(person: Person) -> str | None:
    """Returns why a person is left out of training and evaluation; None if it is used."""
    if person.crowd:
        return "crowd"
    if not person.visible.any():
        return "no labelled joint"
    if not person.area > 0:
        return "no area"
    width, height = person.box[2:]
    return "empty box" if min(width, height) < 0 or max(width, height) == 0 else None
