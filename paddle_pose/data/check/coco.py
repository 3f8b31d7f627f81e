"""Checks annotation files in COCO's format, of people or of anything else; every finding names file, record and fix.

Source: the format of COCO's person keypoints; the pitfalls that make an AP of -1 or 0: ids of mixed types, no area, joints in
    another order. Thresholds: below.
Checked against: real subsets of COCO and synthetic people, which pass, and one damaged copy for every kind of damage
    (tests/data/check/test_coco.py).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from paddle_pose.data.check.compare import shared_images
from paddle_pose.data.check.findings import Finding, Report, sorted_findings
from paddle_pose.data.check.geometry import check_sides
from paddle_pose.data.check.images import check_images
from paddle_pose.data.check.split import Split, read_json
from paddle_pose.io.coco_json import AREA_HINT, LISTS, joint_names
from paddle_pose.progress import ProgressFactory, no_progress
from paddle_pose.skeletons import COCO_17, Skeleton

LIMITS = (
    "Cannot be told from these files: whether single people have all their sides swapped; whether keypoints count from 1 "
    "instead of 0."
)
_OUTSIDE_PX = 5.0  # beyond the image's edge
_OUTSIDE_BOX = 0.5  # of the box's size, beyond its edge
_BAD = {
    "id_type": (
        "ids that are no integers",
        'write them without quotes: "1" and 1 are different ids to COCO\'s evaluation',
    ),
    "duplicate_id": (
        "ids that are there twice",
        "number images and annotations anew, each with an id of its own",
    ),
    "unknown_image": (
        "annotations whose image is not in the list of images",
        "mend image_id, or list the image",
    ),
    "joint_count": (
        "keypoints that are not three numbers for each joint",
        "write x, y, v for every joint; 0, 0, 0 if missing",
    ),
    "not_numbers": ("values that are no numbers, NaN or infinite", "write plain numbers"),
    "visibility": (
        "keypoints whose v is none of 0, 1, 2",
        "0: not labelled, 1: labelled, 2: labelled and seen",
    ),
    "normalised": (
        "people whose joints all lie within one pixel",
        "write px of the stored image, not shares of its size",
    ),
    "area": ("people with labelled joints but no area", AREA_HINT),
    "no_name": ("images without a file name", "write the image's name in 'file_name'"),
}


@np.errstate(over="ignore", invalid="ignore")  # absurd numbers are findings
def check_coco(
    files: Mapping[str, tuple[Path, Path]],
    skeleton: Skeleton | None = None,
    decode: str = "all",
    progress: ProgressFactory = no_progress,
) -> Report:
    """Checks a data set in COCO's format; damage is reported, never raised.

    Args:
        files: Annotation file and folder of images of "train", "val" or both.
        skeleton: Skeleton of the network to train; None takes the joints that the files name, or COCO's.
        decode: Images whose pixels are decoded: "all", "sample" (200 of them) or "none".
        progress: Makes the progress over the images.

    Raises:
        InputError: If `decode` is unknown.
    """
    findings: list[Finding] = []
    contents: dict[str, Mapping[str, Any]] = {}
    for name, (path, _) in files.items():
        content, problems = _read(path)
        findings += problems
        if content is not None:
            contents[name] = content
    sizes, decoded = {}, 0
    for folder in dict.fromkeys(folder for name, (_, folder) in files.items() if name in contents):
        here = [contents[name]["images"] for name in contents if files[name][1] == folder]
        names = list(
            dict.fromkeys(
                _file_name(image) for images in here for image in images if _file_name(image)
            )
        )
        sizes[folder], problems, number = check_images(folder, names, decode, progress)
        findings, decoded = findings + problems, decoded + number
    splits: dict[str, Split] = {}
    counts = {}
    for name, content in contents.items():
        path, folder = files[name]
        joints, problems = _joints(content, path, skeleton)
        split, damage = _split(content, name, path, joints)
        findings += [
            *problems,
            *damage,
            *_sizes(content, path, sizes[folder]),
            *_people(split, content, joints),
        ]
        splits[name], counts[name] = split, (len(split), len(content["images"]))
    if len(splits) == 2 and len({folder for _, folder in files.values()}) == 1:
        findings += shared_images(splits["train"], splits["val"])
    roots = ", ".join(str(path) for path, _ in files.values())
    return Report(roots, counts, decoded, sorted_findings(findings), {}, LIMITS)


def _read(path: Path) -> tuple[Mapping[str, Any] | None, list[Finding]]:
    if not path.exists():
        fix = "COCO's layout is D/annotations/person_keypoints_{train,val}2017.json and D/{train,val}2017/*.jpg"
        return None, [Finding("error", "missing_file", str(path), "not there", fix)]
    content, findings = read_json(path)
    if findings:
        return None, findings
    lists = [content.get(key) for key in LISTS] if isinstance(content, dict) else []
    if not lists or not all(
        isinstance(part, list) and all(isinstance(r, dict) for r in part) for part in lists
    ):
        text, fix = (
            f"is not an object with the lists {', '.join(LISTS)} of records",
            "MPII's layout is a plain list",
        )
        return None, [Finding("error", "not_coco", str(path), text, fix)]
    return content, []


def _file_name(image: Mapping[str, Any]) -> str:
    name = image.get("file_name")
    return name if isinstance(name, str) else ""


def _joints(
    content: Mapping[str, Any], path: Path, skeleton: Skeleton | None
) -> tuple[tuple[str, ...], list[Finding]]:
    """Returns the joints of the file's keypoints, and how they differ from the network's."""
    try:
        names = joint_names(content, str(path))
        shared = "" if skeleton is None or not names else skeleton.shared(names, str(path))
    except ValueError as problem:
        fix = "the names in the category's 'keypoints' and in the skeleton must be the same"
        fallback = (skeleton or COCO_17).joints
        return fallback, [Finding("error", "joint_names", str(path), str(problem), fix)]
    findings = []
    if not names:
        names = (skeleton or COCO_17).joints
        text = f"the categories name no joints: the order is taken to be {', '.join(names)}"
        findings.append(
            Finding(
                "note",
                "no_joint_names",
                str(path),
                text,
                "write them into the category's 'keypoints'",
            )
        )
    unlabelled = (
        [
            joint
            for joint, slot in zip(skeleton.joints, skeleton.slots(names), strict=True)
            if slot < 0
        ]
        if skeleton
        else []
    )
    if unlabelled:
        text = f"joints of the skeleton that are not in the file: {', '.join(unlabelled)}"
        findings.append(
            Finding(
                "warning",
                "joints_missing",
                str(path),
                text,
                "they are not learned",
                len(unlabelled),
            )
        )
    if shared:
        text = f"only {shared} are in the skeleton"
        findings.append(
            Finding(
                "note",
                "joints_left_out",
                str(path),
                text,
                "nothing has to be done if it is meant so",
            )
        )
    return names, findings


def _split(
    content: Mapping[str, Any], name: str, path: Path, joints: tuple[str, ...]
) -> tuple[Split, list[Finding]]:
    """Returns the people as far as they can be read, and the records that cannot."""
    bad: dict[str, list[str]] = {code: [] for code in _BAD}
    listed: dict[str, str] = {}  # images by what is written as their id: 1 and "1" are two
    seen: set[str] = set()

    def check_ids(
        record: Mapping[str, Any], where: str, keys: tuple[str, ...], others: Collection[str]
    ) -> None:
        wrong = [key for key in keys if type(record.get(key)) is not int]
        bad["id_type"] += [f"{where}: {key} {record.get(key)!r}" for key in wrong]
        if repr(record.get("id")) in others:
            bad["duplicate_id"].append(f"{where}: id {record.get('id')!r}")

    for n, image in enumerate(content["images"]):
        where = f"images[{n}] ({_file_name(image) or 'no name'})"
        check_ids(image, where, ("id",), listed)
        listed[repr(image.get("id"))] = _file_name(image)
        if not _file_name(image):
            bad["no_name"].append(where)
    records = content["annotations"]
    count = len(records)
    images, points, flags = (
        [""] * count,
        np.full((count, len(joints), 2), np.nan),
        np.zeros((count, len(joints))),
    )
    boxes = np.array([_box(record) for record in records]).reshape(-1, 4)
    for n, record in enumerate(records):
        images[n] = listed.get(repr(record.get("image_id")), "")
        where = f"record {n} ({images[n] or 'no image'})"
        check_ids(record, where, ("id", "image_id", "category_id"), seen)
        seen.add(repr(record.get("id")))
        if repr(record.get("image_id")) not in listed:
            bad["unknown_image"].append(f"{where}: image_id {record.get('image_id')!r}")
        if np.isnan(boxes[n]).any():
            bad["not_numbers"].append(f"{where}: bbox")
        written = record.get("keypoints", [0] * 3 * len(joints))
        triples = _numbers(written, 3 * len(joints))
        if triples is None:
            counted = isinstance(written, list) and len(written) != 3 * len(joints)
            problem = (
                f"{len(written)} numbers instead of {3 * len(joints)}" if counted else "keypoints"
            )
            bad["joint_count" if counted else "not_numbers"].append(f"{where}: {problem}")
            continue
        rows = triples.reshape(-1, 3)
        if not np.isin(rows[:, 2], (0, 1, 2)).all():
            bad["visibility"].append(where)
        points[n], flags[n] = rows[:, :2], rows[:, 2]
        if flags[n].any() and np.abs(points[n][flags[n] > 0]).max() <= 1:
            bad["normalised"].append(where)
        area = record.get("area", 0)
        if (
            (rows[:, 2] > 0).any()
            and not record.get("iscrowd")
            and not (type(area) in (int, float) and area > 0)
        ):
            bad["area"].append(f"{where}: {record.get('area', 'missing')}")
    center, size = boxes[:, :2] + boxes[:, 2:] / 2, boxes[:, 2:].max(axis=1, initial=0)
    split = Split(name, path, images, points, flags > 0, center, size / 200)
    return split, [
        Finding(
            "error",
            code,
            str(path),
            *_BAD[code],
            count=len(named),
            total=max(count, len(named)),
            examples=tuple(named),
        )
        for code, named in bad.items()
        if named
    ]


def _numbers(value: Any, count: int) -> np.ndarray | None:
    """Returns that many finite numbers, or None."""
    if (
        not isinstance(value, list)
        or len(value) != count
        or not all(type(v) in (int, float) for v in value)
    ):
        return None
    numbers = np.array([float(v) if abs(v) < 1e300 else np.inf for v in value])
    return numbers if np.isfinite(numbers).all() else None


def _sizes(
    content: Mapping[str, Any], path: Path, sizes: Mapping[str, tuple[int, int]]
) -> list[Finding]:
    """Compares the sizes that the file states with those of the images."""
    differing = [
        f"{_file_name(image)}: {stated}, the image has {sizes[_file_name(image)]}"
        for image in content["images"]
        if _file_name(image) in sizes
        and (stated := (image.get("width"), image.get("height"))) != sizes[_file_name(image)]
    ]
    if not differing:
        return []
    text = "images whose width and height are not the image's"
    fix = "the images were resized or belong to other annotations: keypoints are pixels of the stored file"
    return [
        Finding(
            "error",
            "image_size",
            str(path),
            text,
            fix,
            len(differing),
            len(content["images"]),
            tuple(differing),
        )
    ]


def _people(split: Split, content: Mapping[str, Any], joints: tuple[str, ...]) -> list[Finding]:
    records = content["annotations"]
    crowd = np.array([bool(record.get("iscrowd")) for record in records], bool)
    labelled = split.labelled.sum(axis=1)
    miscounted = [
        n
        for n, record in enumerate(records)
        if record.get("num_keypoints", int(labelled[n])) != int(labelled[n])
    ]
    findings = split.found(
        "warning",
        "num_keypoints",
        miscounted,
        "records whose num_keypoints is not the number of labelled joints",
        "count v > 0; this project counts itself, others leave people with 0 out",
    )
    text, fix = (
        "people without a labelled joint (crowds aside)",
        "nothing has to be done: they are left out",
    )
    findings += split.found(
        "note", "nothing_labelled", np.flatnonzero((labelled == 0) & ~crowd), text, fix
    )
    boxes = np.array([_box(record) for record in records]).reshape(-1, 4)
    empty = (boxes[:, 2:] <= 0).any(axis=1) & (labelled > 0)
    findings += split.found(
        "share",
        "empty_box",
        np.flatnonzero(empty),
        "boxes without an area",
        "write x, y, width, height",
    )
    stated = {repr(image.get("id")): _size(image) for image in content["images"]}
    sizes = np.array(
        [stated.get(repr(record.get("image_id")), _size({})) for record in records]
    ).reshape(-1, 1, 2)
    outside = ((split.points < -_OUTSIDE_PX) | (split.points > sizes - 1 + _OUTSIDE_PX)).any(
        axis=(1, 2)
    )
    text = f"records with a labelled joint more than {_OUTSIDE_PX:.0f} px outside the image"
    fix = "does the image belong to the record, and was it resized? A missing joint is 0, 0, 0"
    findings += split.found("share", "joint_outside_image", np.flatnonzero(outside), text, fix)
    low, size = boxes[:, None, :2], boxes[:, None, 2:]
    astray = (
        (split.points < low - _OUTSIDE_BOX * size)
        | (split.points > low + (1 + _OUTSIDE_BOX) * size)
    ).any(axis=(1, 2))
    text = "records with a labelled joint farther outside the box than half its size"
    fix = "bbox is x, y of the upper left corner, width and height in px; or the joint is wrong"
    findings += split.found(
        "share", "joint_outside_box", np.flatnonzero(astray & ~empty), text, fix
    )
    named = Skeleton("file", joints, (), (), (1.0,) * len(joints), (1.0,) * len(joints))
    return [*findings, *check_sides(split, named), *_swapped(split, joints)]


def _swapped(split: Split, joints: tuple[str, ...]) -> list[Finding]:
    """Whoever shows both eyes has the right one on the left of the image, unless upside down."""
    if not {"left_eye", "right_eye"} <= set(joints):
        return []
    right, left = (split.points[:, joints.index(f"{side}_eye"), 0] for side in ("right", "left"))
    known, turned = np.isfinite(right + left), right > left
    share = float(turned[known].mean()) if known.any() else 0.0
    if known.sum() < 10 or share < 0.5:
        return []
    text = f"left and right are swapped: {100 * share:.0f} % of the right eyes are to the right of the left eyes"
    fix = "left is the person's own left; check the order of the joints and the category's names"
    return split.found("error", "sides_swapped", np.flatnonzero(known & turned), text, fix)


def _box(record: Mapping[str, Any]) -> np.ndarray:
    numbers = _numbers(record.get("bbox"), 4)
    return np.full(4, np.nan) if numbers is None else numbers


def _size(image: Mapping[str, Any]) -> np.ndarray:
    numbers = _numbers([image.get("width"), image.get("height")], 2)
    return np.full(2, np.nan) if numbers is None else numbers
