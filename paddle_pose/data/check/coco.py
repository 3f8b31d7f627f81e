"""Check of annotation files in COCO's format, of people or of other objects.

Each finding names the file, the records or images, and the fix.

Source: The format of COCO's person keypoints, and the mistakes that give an AP of -1 or 0: ids of
    mixed types, missing areas, and joints in another order. The thresholds are below.
Checked against: Real subsets of COCO and synthetic people, which pass, and one damaged copy for
    each kind of damage (tests/data/check/test_coco.py).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from paddle_pose.data.check.compare import shared_images
from paddle_pose.data.check.findings import Finding, Report, sorted_findings
from paddle_pose.data.check.geometry import check_sides
from paddle_pose.data.check.images import check_images, check_rotations
from paddle_pose.data.check.split import ERROR_IF_FREQUENT, Split, read_json
from paddle_pose.data.skeleton_file import no_flip_reason
from paddle_pose.io.coco_json import AREA_HINT, LISTS, joint_names
from paddle_pose.progress import ProgressFactory, no_progress
from paddle_pose.skeletons import COCO_17, Skeleton, mirror_pairs_by_name

LIMITS = (
    "Not detectable from these files: single people whose left and right joints are all swapped; "
    "keypoints that count from 1 instead of 0."
)
_MAX_OUTSIDE_PX = 5.0  # beyond the edge of the image
_MAX_OUTSIDE_BOX = 0.5  # beyond the edge of the box, as a fraction of its size
# Sentences on invalid records by the code of their finding: (what was found and expected, the fix).
_TEXTS = {
    "id_type": (
        "Some ids ('id', 'image_id', 'category_id') are not integers; COCO's evaluation matches "
        'ids by value and type, so that "1" and 1 are different ids.',
        "Write ids as integers, without quotes.",
    ),
    "duplicate_id": (
        "Some ids occur more than once; expected a unique id for each image and each annotation.",
        "Number the images and the annotations again.",
    ),
    "unknown_image": (
        "Some annotations have an 'image_id' that is not in the list 'images'.",
        "Correct 'image_id', or add the image to the list 'images'.",
    ),
    "joint_count": (
        "Some records have 'keypoints' that are not three numbers for each joint.",
        "Write x, y, v for each joint, and 0, 0, 0 for a missing one.",
    ),
    "not_numbers": (
        "Some values are not finite numbers.",
        "Write 'keypoints' and 'bbox' (x, y, width, height) as plain JSON numbers.",
    ),
    "visibility": (
        "Some records have 'keypoints' whose v is not 0 (not labelled), 1 (labelled, hidden) or 2 "
        "(labelled, visible).",
        "Write v as one of these numbers.",
    ),
    "normalised": (
        "Some people have all their joints within one pixel; expected px of the stored image, not "
        "fractions of its size.",
        "Multiply the keypoints by the width and height of the image.",
    ),
    "area": (
        f"Some people have labelled joints but no 'area'. {AREA_HINT}.",
        "Write the area of each person in px^2 as 'area'.",
    ),
    "no_name": (
        "Some images have no file name in 'file_name'.",
        "Write the image's file name in 'file_name'.",
    ),
}


@np.errstate(over="ignore", invalid="ignore")  # extreme numbers are reported as findings
def check_coco(
    files: Mapping[str, tuple[Path, Path]],
    skeleton: Skeleton | None = None,
    decode: str = "all",
    progress: ProgressFactory = no_progress,
) -> Report:
    """Returns the report on a data set in COCO's format.

    Missing and damaged files are findings of the report and raise no errors.

    Args:
        files: {split: (path of its annotation file, folder of its images)} for "train", "val" or
            both.
        skeleton: Skeleton of the network to train; None uses the joints that the files name, or
            COCO's if they name none.
        decode: Images whose pixels are decoded: "all", "sample" (up to 200 in each folder) or
            "none".
        progress: Function that creates a progress display for the images of a folder, see
            `progress.ProgressFactory`.

    Raises:
        InputError: If `decode` has another value.
    """
    findings: list[Finding] = []
    contents: dict[str, Mapping[str, Any]] = {}
    for name, (path, _) in files.items():
        content, problems = _read(path)
        findings += problems
        if content is not None:
            contents[name] = content
    forms = {}
    num_decoded = 0
    for folder in dict.fromkeys(folder for name, (_, folder) in files.items() if name in contents):
        lists = [contents[name]["images"] for name in contents if files[name][1] == folder]
        names = [_file_name(image) for images in lists for image in images]
        unique = list(dict.fromkeys(name for name in names if name))
        forms[folder], problems, number = check_images(folder, unique, decode, progress)
        findings += problems
        num_decoded += number
    splits: dict[str, Split] = {}
    counts = {}
    for name, content in contents.items():
        path, folder = files[name]
        joints, problems = _check_joints(content, path, skeleton)
        findings += [*problems, *_check_mirror_pairs(joints, path, skeleton)]
        splits[name], problems = _read_split(content, name, path, joints)
        findings += problems
        stated = {_file_name(image): _size(image) for image in content["images"]}
        annotated = {
            name: (float(size[0]), float(size[1]))
            for name, size in stated.items()
            if np.isfinite(size).all()
        }
        sizes, problems = check_rotations(forms[folder], path, annotated)
        findings += [*problems, *_check_sizes(content, path, sizes)]
        findings += _check_people(splits[name], content, joints)
        counts[name] = (len(splits[name]), len(content["images"]))
    if len(splits) == 2 and len({folder for _, folder in files.values()}) == 1:
        findings += shared_images(splits["train"], splits["val"])
    roots = ", ".join(str(path) for path, _ in files.values())
    return Report(
        root=roots,
        counts=counts,
        decoded=num_decoded,
        findings=sorted_findings(findings),
        published={},
        limits=LIMITS,
    )


def _read(path: Path) -> tuple[Mapping[str, Any] | None, list[Finding]]:
    """Returns the content of an annotation file and no finding, or None and why it is unusable."""
    if not path.exists():
        return None, [
            Finding(
                severity="error",
                code="missing_file",
                file=str(path),
                text="The annotation file does not exist.",
                fix="Give the path of the file, or a folder D in COCO's layout: "
                "D/annotations/person_keypoints_{train,val}2017.json and D/{train,val}2017/*.jpg.",
            )
        ]
    content, findings = read_json(path)
    if findings:
        return None, findings
    lists = [content.get(key) for key in LISTS] if isinstance(content, dict) else []
    if not lists or not all(
        isinstance(part, list) and all(isinstance(record, dict) for record in part)
        for part in lists
    ):
        return None, [
            Finding(
                severity="error",
                code="not_coco",
                file=str(path),
                text=f"The file is not in COCO's format: expected an object with the lists "
                f"{', '.join(LISTS)}, each of objects.",
                fix="Convert the file to COCO's format. A plain list of records is in MPII's "
                "layout: check it with --dataset mpii.",
            )
        ]
    return content, []


def _file_name(image: Mapping[str, Any]) -> str:
    """Returns the file name of a record of the list images; "" if it has none."""
    name = image.get("file_name")
    return name if isinstance(name, str) else ""


def _check_joints(
    content: Mapping[str, Any], path: Path, skeleton: Skeleton | None
) -> tuple[tuple[str, ...], list[Finding]]:
    """Returns the names of the joints in a file, and findings on how they differ from a skeleton's.

    Args:
        content: Content of the annotation file.
        path: Path of the annotation file.
        skeleton: Skeleton of the network to train; None compares nothing.
    """
    default = (skeleton or COCO_17).joints
    try:
        names = joint_names(content, str(path))
        shared = "" if skeleton is None or not names else skeleton.shared(names, str(path))
    except ValueError as problem:
        return default, [
            Finding(
                severity="error",
                code="joint_names",
                file=str(path),
                text=f"The names of the joints cannot be used: {problem}.",
                fix="Write the same names in the category's 'keypoints' as in the skeleton.",
            )
        ]
    findings = []
    if not names:
        names = default
        findings.append(
            Finding(
                severity="note",
                code="no_joint_names",
                file=str(path),
                text="The categories name no joints; keypoints are taken to be in the order "
                f"{', '.join(names)}.",
                fix="Write the names of the joints in the category's 'keypoints'.",
            )
        )
    missing = []
    if skeleton is not None:
        slots = skeleton.slots(names)
        missing = [joint for joint, slot in zip(skeleton.joints, slots, strict=True) if slot < 0]
    if missing:
        findings.append(
            Finding(
                severity="warning",
                code="joints_missing",
                file=str(path),
                text=f"The file lacks joints of the skeleton, which are not learned: "
                f"{', '.join(missing)}.",
                fix="Add the joints to the file, or use a skeleton without them.",
                count=len(missing),
            )
        )
    if shared:
        findings.append(
            Finding(
                severity="note",
                code="joints_left_out",
                file=str(path),
                text=f"Only {shared} are in the skeleton.",
                fix="Nothing has to be done if this is intended; else add the joints to the "
                "skeleton.",
            )
        )
    return names, findings


def _read_split(
    content: Mapping[str, Any], name: str, path: Path, joints: tuple[str, ...]
) -> tuple[Split, list[Finding]]:
    """Returns the readable part of an annotation file, and findings on the rest.

    Args:
        content: Content of the annotation file.
        name: Name of the split.
        path: Path of the annotation file.
        joints: Names of the joints of the file's keypoints.
    """
    problems: dict[str, list[str]] = {code: [] for code in _TEXTS}
    # File names by the repr of an image's id, so that 1 and "1" are different ids.
    listed: dict[str, str] = {}
    annotation_ids: set[str] = set()

    def check_ids(
        record: Mapping[str, Any], where: str, keys: tuple[str, ...], others: Collection[str]
    ) -> None:
        """Checks that the values of `keys` are integers and that "id" is not one of the others."""
        wrong = [key for key in keys if type(record.get(key)) is not int]
        problems["id_type"] += [f"{where}: {key} {record.get(key)!r}" for key in wrong]
        if repr(record.get("id")) in others:
            problems["duplicate_id"].append(f"{where}: id {record.get('id')!r}")

    for n, image in enumerate(content["images"]):
        where = f"images[{n}] ({_file_name(image) or 'no name'})"
        check_ids(image, where, ("id",), listed)
        listed[repr(image.get("id"))] = _file_name(image)
        if not _file_name(image):
            problems["no_name"].append(where)
    records = content["annotations"]
    count = len(records)
    images = [""] * count
    points = np.full((count, len(joints), 2), np.nan)
    flags = np.zeros((count, len(joints)))
    boxes = np.array([_box(record) for record in records]).reshape(-1, 4)
    for n, record in enumerate(records):
        images[n] = listed.get(repr(record.get("image_id")), "")
        where = f"record {n} ({images[n] or 'no image'})"
        check_ids(record, where, ("id", "image_id", "category_id"), annotation_ids)
        annotation_ids.add(repr(record.get("id")))
        if repr(record.get("image_id")) not in listed:
            problems["unknown_image"].append(f"{where}: image_id {record.get('image_id')!r}")
        if np.isnan(boxes[n]).any():
            problems["not_numbers"].append(f"{where}: bbox")
        keypoints = record.get("keypoints", [0] * 3 * len(joints))
        numbers = _numbers(keypoints, 3 * len(joints))
        if numbers is None:
            if isinstance(keypoints, list) and len(keypoints) != 3 * len(joints):
                problems["joint_count"].append(
                    f"{where}: {len(keypoints)} numbers instead of {3 * len(joints)}"
                )
            else:
                problems["not_numbers"].append(f"{where}: keypoints")
            continue
        rows = numbers.reshape(-1, 3)
        if not np.isin(rows[:, 2], (0, 1, 2)).all():
            problems["visibility"].append(where)
        points[n] = rows[:, :2]
        flags[n] = rows[:, 2]
        if flags[n].any() and np.abs(points[n][flags[n] > 0]).max() <= 1:
            problems["normalised"].append(where)
        area = record.get("area", 0)
        has_area = type(area) in (int, float) and area > 0
        if (rows[:, 2] > 0).any() and not record.get("iscrowd") and not has_area:
            problems["area"].append(f"{where}: {record.get('area', 'missing')}")
    split = Split(
        name=name,
        path=path,
        images=images,
        joints=points,
        labelled=flags > 0,
        center=boxes[:, :2] + boxes[:, 2:] / 2,
        scale=boxes[:, 2:].max(axis=1, initial=0) / 200,
    )
    findings = [
        Finding(
            severity="error",
            code=code,
            file=str(path),
            text=_TEXTS[code][0],
            fix=_TEXTS[code][1],
            count=len(examples),
            total=max(count, len(examples)),
            examples=tuple(examples),
        )
        for code, examples in problems.items()
        if examples
    ]
    return split, findings


def _numbers(value: Any, count: int) -> np.ndarray | None:
    """Returns a list of `count` finite numbers as an array; None if `value` is something else."""
    if (
        not isinstance(value, list)
        or len(value) != count
        or not all(type(v) in (int, float) for v in value)
    ):
        return None
    numbers = np.array([float(v) if abs(v) < 1e300 else np.inf for v in value])
    return numbers if np.isfinite(numbers).all() else None


def _check_mirror_pairs(
    joints: tuple[str, ...], path: Path, skeleton: Skeleton | None
) -> list[Finding]:
    """Returns a finding if training does not mirror images, since mirror pairs are not known.

    Args:
        joints: Names of the joints of the file.
        path: Path of the annotation file.
        skeleton: Skeleton of the network to train; None takes that of the file's joints.
    """
    pairs, one_sided = mirror_pairs_by_name(joints)
    can_flip = skeleton.can_flip if skeleton is not None else pairs and not one_sided
    if can_flip:
        return []
    return [
        Finding(
            severity="warning",
            code="mirror_pairs",
            file=str(path),
            text=f"In training, {no_flip_reason(one_sided)}.",
            fix="Rename the joints, such as left_eye and right_eye, or give the skeleton file.",
            count=len(one_sided) or len(joints),
            total=len(joints),
            examples=tuple(one_sided or joints),
        )
    ]


def _check_sizes(
    content: Mapping[str, Any], path: Path, sizes: Mapping[str, tuple[int, int]]
) -> list[Finding]:
    """Returns a finding on images whose size differs from what an annotation file states, if any.

    Args:
        content: Content of the annotation file.
        path: Path of the annotation file.
        sizes: (width, height) in px by file name, of the images that could be opened.
    """
    differing = [
        f"{_file_name(image)}: {stated}, the image has {sizes[_file_name(image)]}"
        for image in content["images"]
        if _file_name(image) in sizes
        and (stated := (image.get("width"), image.get("height"))) != sizes[_file_name(image)]
    ]
    if not differing:
        return []
    return [
        Finding(
            severity="error",
            code="image_size",
            file=str(path),
            text="Some records of images state another width and height than those of the image, in "
            "whose pixels keypoints are.",
            fix="Use the original images of these annotations; the images were resized or belong "
            "to other annotations.",
            count=len(differing),
            total=len(content["images"]),
            examples=tuple(differing),
        )
    ]


def _check_people(
    split: Split, content: Mapping[str, Any], joints: tuple[str, ...]
) -> list[Finding]:
    """Returns findings on labels, boxes, and left and right of the readable people.

    Args:
        split: Readable part of the annotation file.
        content: Content of the annotation file.
        joints: Names of the joints of the split.
    """
    records = content["annotations"]
    crowd = np.array([bool(record.get("iscrowd")) for record in records], bool)
    labelled = split.labelled.sum(axis=1)
    miscounted = [
        n
        for n, record in enumerate(records)
        if record.get("num_keypoints", int(labelled[n])) != int(labelled[n])
    ]
    findings = split.findings(
        severity="warning",
        code="num_keypoints",
        rows=miscounted,
        text="Some records have a 'num_keypoints' that is not the number of joints with v > 0.",
        fix="Correct 'num_keypoints'. This project counts the joints itself, but other programs "
        "leave out people whose 'num_keypoints' is 0.",
    )
    findings += split.findings(
        severity="note",
        code="nothing_labelled",
        rows=np.flatnonzero((labelled == 0) & ~crowd),
        text="Some people (crowds excluded) have no labelled joint.",
        fix="Nothing has to be done; they are left out.",
    )
    boxes = np.array([_box(record) for record in records]).reshape(-1, 4)
    empty = (boxes[:, 2:] <= 0).any(axis=1) & (labelled > 0)
    findings += split.findings(
        severity=ERROR_IF_FREQUENT,
        code="empty_box",
        rows=np.flatnonzero(empty),
        text="Some people with labelled joints have a 'bbox' with a width or height of 0 or less.",
        fix="Write 'bbox' as x, y, width, height in px.",
    )
    stated = {repr(image.get("id")): _size(image) for image in content["images"]}
    sizes = np.array(
        [stated.get(repr(record.get("image_id")), _size({})) for record in records]
    ).reshape(-1, 1, 2)
    above = split.points < -_MAX_OUTSIDE_PX
    below = split.points > sizes - 1 + _MAX_OUTSIDE_PX
    findings += split.findings(
        severity=ERROR_IF_FREQUENT,
        code="joint_outside_image",
        rows=np.flatnonzero((above | below).any(axis=(1, 2))),
        text=f"Some records have a labelled joint more than {_MAX_OUTSIDE_PX:.0f} px outside their "
        "image.",
        fix="Check 'image_id', and that the image was not resized; write missing joints as "
        "0, 0, 0.",
    )
    corner, size = boxes[:, None, :2], boxes[:, None, 2:]
    above = split.points < corner - _MAX_OUTSIDE_BOX * size
    below = split.points > corner + (1 + _MAX_OUTSIDE_BOX) * size
    findings += split.findings(
        severity=ERROR_IF_FREQUENT,
        code="joint_outside_box",
        rows=np.flatnonzero((above | below).any(axis=(1, 2)) & ~empty),
        text="Some records have a labelled joint outside their 'bbox' by more than half its size.",
        fix="Write 'bbox' as x and y of the upper left corner, width and height in px; else "
        "correct the joint.",
    )
    ones = (1.0,) * len(joints)
    skeleton = Skeleton(
        name="file", joints=joints, mirror_pairs=(), limbs=(), sigmas=ones, weights=ones
    )
    return [*findings, *check_sides(split, skeleton), *_check_eyes(split, joints)]


def _check_eyes(split: Split, joints: tuple[str, ...]) -> list[Finding]:
    """Returns a finding if the eyes show that left and right are swapped.

    The right eye of an upright person, if both are visible, is on the left in the image.

    Args:
        split: Readable part of the annotation file.
        joints: Names of the joints of the split.
    """
    if not {"left_eye", "right_eye"} <= set(joints):
        return []
    right, left = (split.points[:, joints.index(f"{side}_eye"), 0] for side in ("right", "left"))
    known = np.isfinite(right + left)
    swapped = right > left
    share = float(swapped[known].mean()) if known.any() else 0.0
    if known.sum() < 10 or share < 0.5:
        return []
    return split.findings(
        severity="error",
        code="sides_swapped",
        rows=np.flatnonzero(known & swapped),
        text=f"Left and right are swapped: {100 * share:.0f} % of the right eyes are to the right "
        "of the left eyes in the image; expected the person's own left and right.",
        fix="Check the order of the joints and their names in the category's 'keypoints'.",
    )


def _box(record: Mapping[str, Any]) -> np.ndarray:
    """Returns the bbox [4] of a record; NaN if it is not four finite numbers."""
    numbers = _numbers(record.get("bbox"), 4)
    return np.full(4, np.nan) if numbers is None else numbers


def _size(image: Mapping[str, Any]) -> np.ndarray:
    """Returns (width, height) [2] of a record of images; NaN if they are not finite numbers."""
    numbers = _numbers([image.get("width"), image.get("height")], 2)
    return np.full(2, np.nan) if numbers is None else numbers
