"""Check of annotation files in COCO's format, of people or of other objects.

Each finding names the file, the records or images, and the fix. Records are read by
`io.coco_records`, as training and evaluation read them: what it refuses is an error here. A file
without errors is then read to the end, as a training does.

Source: The format of COCO's person keypoints, and the mistakes that give an AP of -1 or 0: ids of
    mixed types, missing areas, and joints in another order. The thresholds are below.
Checked against: Real subsets of COCO and synthetic people, which pass, and one damaged copy for
    each kind of damage (tests/data/check/test_coco.py); the verdict of training on a table of odd
    files (tests/data/check/test_verdict.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from paddle_pose.data import coco
from paddle_pose.data.check.compare import shared_images
from paddle_pose.data.check.coordinates import check_coordinates
from paddle_pose.data.check.findings import Finding, Report, sorted_findings
from paddle_pose.data.check.geometry import check_sides
from paddle_pose.data.check.images import check_images, check_rotations
from paddle_pose.data.check.split import ERROR_IF_FREQUENT, Split, read_json
from paddle_pose.data.skeleton_file import no_flip_reason, no_names_rule
from paddle_pose.errors import InputError
from paddle_pose.io import coco_records
from paddle_pose.io.coco_json import AREA_HINT
from paddle_pose.metrics import coco_ap
from paddle_pose.progress import ProgressFactory, no_progress
from paddle_pose.skeletons import COCO_17, Skeleton, mirror_pairs_by_name

LIMITS = (
    "Not detectable from these files: single people whose left and right joints are all swapped; "
    "keypoints that count from 1 instead of 0."
)
_MAX_OUTSIDE_PX = 5.0  # beyond the edge of the image
_MAX_OUTSIDE_BOX = 0.5  # beyond the edge of the box, as a fraction of its size
# Sentences on records by the code of their problem: (what was found and expected, the fix).
_TEXTS = {
    "not_coco": (
        "The file is not in COCO's format: expected an object with the lists images, annotations, "
        "categories, each of objects.",
        "Convert the file to COCO's format. A plain list of records is in MPII's layout: check it "
        "with --dataset mpii.",
    ),
    "joint_names": (
        "The names of the joints cannot be used.",
        "Write the same names, each once, in the key 'keypoints' of all categories.",
    ),
    "limbs": (
        "Some pairs in the key 'skeleton' of a category are not positions of two joints, counted "
        "from 1. They only serve drawings.",
        "Nothing has to be done, or correct the pairs.",
    ),
    "id_type": (
        "Some ids ('id', 'image_id', 'category_id') are not integers; COCO's evaluation matches "
        'ids by value and type, so that "1" and 1 are different ids.',
        "Write ids as integers, without quotes.",
    ),
    "duplicate_id": (
        "Some ids occur more than once; expected a unique id for each image and each annotation.",
        "Number the images and the annotations again.",
    ),
    "duplicate_file": (
        "Some image files are listed more than once; expected each file once, since the people of "
        "one record are unlabelled in the other.",
        "Give all people of an image file the same 'image_id', and delete the other records.",
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
        "Some values are not finite numbers; texts and booleans are none.",
        "Write 'keypoints', 'bbox' (x, y, width, height) and 'area' as plain JSON numbers, without "
        "quotes.",
    ),
    "visibility": (
        "Some records have 'keypoints' whose v is not 0 (not labelled), 1 (labelled, hidden) or 2 "
        "(labelled, visible).",
        "Write v as one of these numbers.",
    ),
    "iscrowd": (
        "Some records have an 'iscrowd' that is not 0 or 1.",
        "Write 1 for regions with many people, else 0, as numbers.",
    ),
    "no_box": (
        "Some records have no 'bbox'.",
        "Write 'bbox' as x, y, width, height in px, or give --boxes_from_keypoints, which takes it "
        "from the labelled joints.",
    ),
    "negative_box": (
        "Some records have a 'bbox' with a negative width or height.",
        "Write 'bbox' as x and y of the upper left corner, width and height in px.",
    ),
    "no_name": (
        "Some images have no file name in 'file_name'.",
        "Write the image's file name in 'file_name'.",
    ),
    "no_size": (
        "Some images have no 'width' or 'height'; expected numbers of px above 0.",
        "Write the width and height of the image in px.",
    ),
}
# Sentences on people by the code of their finding, see `_TEXTS`.
_NORMALISED = (
    "Some people have all their joints within one pixel; expected px of the stored image, not "
    "fractions of its size.",
    "Multiply the keypoints by the width and height of the image.",
)
_AREA_FIX = (
    "Write the area of each person in px^2 as 'area', or give --boxes_from_keypoints, which takes "
    "it from the box, or from the labelled joints."
)


@dataclass(frozen=True, eq=False)
class _Part:
    """One split while it is checked.

    Attributes:
        name: Name of the split.
        path: Path of its annotation file.
        folder: Folder of its images.
        content: Content of the annotation file.
        file: Content as typed records.
        problems: Problems of the content.
    """

    name: str
    path: Path
    folder: Path
    content: Mapping[str, Any]
    file: coco_records.AnnotationFile
    problems: Sequence[coco_records.Problem]

    @property
    def is_refused(self) -> bool:
        """Whether training and evaluation refuse the file because of a record."""
        return any(problem.refused for problem in self.problems)


@np.errstate(over="ignore", invalid="ignore")  # extreme numbers are reported as findings
def check_coco(
    files: Mapping[str, tuple[Path, Path]],
    skeleton: Skeleton | None = None,
    decode: str = "all",
    progress: ProgressFactory = no_progress,
    *,
    names_skeleton: bool = False,
    boxes_from_keypoints: bool = False,
) -> Report:
    """Returns the report on a data set in COCO's format.

    Missing and damaged files are findings of the report and raise no errors.

    Args:
        files: {split: (path of its annotation file, folder of its images)} for "train", "val" or
            both.
        skeleton: Skeleton of the network to train; None takes that of a training without this
            choice, see `names_skeleton`.
        decode: Images whose pixels are decoded: "all", "sample" (up to 200 in each folder) or
            "none".
        progress: Function that creates a progress display for the images of a folder, see
            `progress.ProgressFactory`.
        names_skeleton: Whether the training file names the joints of the network, as for annotation
            files that are given one by one; False takes COCO's 17 joints, as for a folder.
        boxes_from_keypoints: Whether people without a box or an area get those round their labelled
            joints; see `coco_records.examine`.

    Raises:
        InputError: If `decode` has another value.
    """
    findings: list[Finding] = []
    parts: list[_Part] = []
    for name, (path, folder) in files.items():
        content, problems = _read(path)
        findings += problems
        if problems:
            continue
        file, odd = coco_records.examine(
            content,
            str(path),
            (skeleton or COCO_17).joints,
            boxes_from_keypoints=boxes_from_keypoints,
        )
        findings += _problem_findings(odd, content, path)
        if file is not None:
            parts.append(_Part(name, path, folder, content, file, odd))
    forms = {}
    num_decoded = 0
    for folder in dict.fromkeys(part.folder for part in parts):
        images = [image for part in parts if part.folder == folder for image in part.file.images]
        unique = list(dict.fromkeys(image.file_name for image in images if image.file_name))
        forms[folder], problems, number = check_images(folder, unique, decode, progress)
        findings += problems
        num_decoded += number
    network, problems = _network_skeleton(parts, skeleton, names_skeleton)
    findings += problems
    splits: dict[str, Split] = {}
    counts = {}
    for part in parts:
        split = splits[part.name] = _split(part)
        unnamed = any(f.code == "no_joint_names" and f.file == str(part.path) for f in findings)
        findings += _check_joints(part, skeleton, is_known=unnamed)
        stated_skeleton = skeleton if skeleton is not None or names_skeleton else COCO_17
        findings += _check_mirror_pairs(part.file.joints, part.path, stated_skeleton)
        stated = {
            image.file_name: image.size
            for image in part.file.images
            if np.isfinite(image.size).all()
        }
        sizes, problems = check_rotations(forms[part.folder], part.path, stated)
        findings += [*problems, *_check_sizes(part.content, part.path, sizes)]
        findings += _check_people(split, part)
        areas = _check_areas(split, part, boxes_from_keypoints)
        findings += areas
        if network is not None and not part.is_refused:
            scored = part.name != "train" and not any(one.severity == "error" for one in areas)
            findings += _check_reading(part, network, scored, boxes_from_keypoints)
        counts[part.name] = (len(split), len(part.file.images))
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


def _read(path: Path) -> tuple[Any, list[Finding]]:
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
    return read_json(path)


def _problem_findings(
    problems: Sequence[coco_records.Problem], content: Any, path: Path
) -> list[Finding]:
    """Returns one finding for each kind of problem of an annotation file."""
    findings = []
    name_of = _record_names(content)
    for code, refused in dict.fromkeys((problem.code, problem.refused) for problem in problems):
        chosen = [problem for problem in problems if problem.code == code]
        text, fix = _TEXTS[code]
        # Problems of whole files and of categories are few, and say more than the kind does.
        details = [problem for problem in chosen if problem.part in ("", "categories")]
        if details:
            text = f"{text} {details[0].message(path.name)}."
        examples = tuple(
            f"{name_of(problem)}: {problem.brief}"
            for problem in chosen
            if problem.part in ("images", "annotations")
        )
        count = max(len(examples), 1)
        total = max(count, len(content["annotations"])) if examples else 1
        findings.append(
            Finding(
                severity="error" if refused else "note",
                code=code,
                file=str(path),
                text=text,
                fix=fix,
                count=count,
                total=total,
                examples=examples,
            )
        )
    return findings


def _record_names(content: Any) -> Callable[[coco_records.Problem], str]:
    """Returns a function that names a problem's record, such as "record 3 (1.jpg)"."""
    names: dict[str, str] = {}
    if isinstance(content, Mapping) and isinstance(content.get("images"), list):
        for image in content["images"]:
            if isinstance(image, Mapping):
                names.setdefault(repr(image.get("id")), _file_name(image))

    def name_of(problem: coco_records.Problem) -> str:
        record = content[problem.part][problem.index]
        if problem.part == "images":
            return f"images[{problem.index}] ({_file_name(record) or 'no name'})"
        name = names.get(repr(record.get("image_id")))
        return f"record {problem.index} ({name or 'no image'})"

    return name_of


def _file_name(image: Mapping[str, Any]) -> str:
    """Returns the file name of a record of the list images; "" if it has none."""
    name = image.get("file_name")
    return name if isinstance(name, str) else ""


def _network_skeleton(
    parts: Sequence[_Part], skeleton: Skeleton | None, names_skeleton: bool
) -> tuple[Skeleton | None, list[Finding]]:
    """Returns the skeleton of the network that a training would use, and why there is none."""
    if skeleton is not None or not names_skeleton or not parts:
        return skeleton or COCO_17, []
    chosen = next((part for part in parts if part.name == "train"), parts[0])
    if chosen.name == "train" and not chosen.file.named:
        problem = Finding(
            severity="error",
            code="no_joint_names",
            file=str(chosen.path),
            text="The categories name no joints, so that a training does not know the network's.",
            fix=f"{no_names_rule()[0].upper()}{no_names_rule()[1:]}.",
        )
        return None, [problem]
    try:
        return _skeleton_of(chosen.file.joints), []
    except InputError as problem:
        return None, [_joint_names_finding(problem, chosen.path)]


def _skeleton_of(joints: tuple[str, ...]) -> Skeleton:
    """Returns a skeleton with these joints.

    Raises:
        InputError: If names repeat.
    """
    ones = (1.0,) * len(joints)
    return Skeleton(
        name="file", joints=joints, mirror_pairs=(), limbs=(), sigmas=ones, weights=ones
    )


def _joint_names_finding(problem: Exception, path: Path) -> Finding:
    """Returns the finding that the names of the joints cannot be used."""
    return Finding(
        severity="error",
        code="joint_names",
        file=str(path),
        text=f"The names of the joints cannot be used: {problem}.",
        fix="Write the same names in the category's 'keypoints' as in the skeleton.",
    )


def _check_joints(part: _Part, skeleton: Skeleton | None, *, is_known: bool) -> list[Finding]:
    """Returns findings on how the joints of a file differ from those of a given skeleton.

    Args:
        part: Split with the file.
        skeleton: Skeleton of the network; None compares nothing.
        is_known: Whether there is a finding already that the file names no joints.
    """
    findings = []
    file = part.file
    if not file.named and not is_known:
        findings.append(
            Finding(
                severity="note",
                code="no_joint_names",
                file=str(part.path),
                text="The categories name no joints; keypoints are taken to be in the order "
                f"{', '.join(file.joints)}.",
                fix="Write the names of the joints in the category's 'keypoints'.",
            )
        )
    if skeleton is None:
        return findings
    try:
        shared = skeleton.shared(file.joints, str(part.path))
    except InputError as problem:
        return [*findings, _joint_names_finding(problem, part.path)]
    if part.name != "train":
        findings += _missing_joints(part, skeleton, "warning")
    if shared:
        findings.append(
            Finding(
                severity="note",
                code="joints_left_out",
                file=str(part.path),
                text=f"Only {shared} are in the skeleton.",
                fix="Nothing has to be done if this is intended; else add the joints to the "
                "skeleton.",
            )
        )
    return findings


def _missing_joints(part: _Part, skeleton: Skeleton, severity: str) -> list[Finding]:
    """Returns a finding on joints of the network's skeleton that a file does not have."""
    joints = part.file.joints
    slots = skeleton.slots(joints)
    missing = [joint for joint, slot in zip(skeleton.joints, slots, strict=True) if slot < 0]
    if not missing:
        return []
    others = [joint for index, joint in enumerate(joints) if index not in slots]
    similar = {joint: coco.nearest_name(joint, others) for joint in missing}
    nearest = ", ".join(f"{name} for {joint}" for joint, name in similar.items() if name)
    return [
        Finding(
            severity=severity,
            code="joints_missing",
            file=str(part.path),
            text=f"The file lacks joints of the skeleton, which are not learned: "
            f"{', '.join(missing)}." + (f" The nearest names are {nearest}." if nearest else ""),
            fix="Correct the names, add the joints to the file, or use a skeleton without them."
            + (
                " A training stops; -o data.unlabelled_joints=allow trains anyway."
                if severity == "error"
                else ""
            ),
            count=len(missing),
        )
    ]


def _check_reading(
    part: _Part, network: Skeleton, scored: bool, boxes_from_keypoints: bool
) -> list[Finding]:
    """Returns findings on why a file with valid records is refused for a network's skeleton.

    The training split is read as a training reads it, the validation split also as its evaluation
    does.

    Args:
        part: Split whose records are valid.
        network: Skeleton of the network.
        scored: Whether the file is also read as the ground truth of AP.
        boxes_from_keypoints: See `check_coco`.
    """
    try:
        images, _, _ = coco.annotated_images(part.file, part.folder, network)
        if scored:
            coco_ap.people_who_count(part.file, network, without_area=boxes_from_keypoints)
    except InputError as problem:
        return [
            Finding(
                severity="error",
                code="refused",
                file=str(part.path),
                text="A training cannot use the file: "
                f"{str(problem).removeprefix(f'{part.path}: ')}.",
                fix="Correct what the sentence names.",
            )
        ]
    if part.name != "train":
        return []
    findings = _missing_joints(part, network, "error")
    people = [person for image in images for person in image.persons]
    unlearned = coco.unlabelled_joints(people, network)
    unlabelled = [
        joint
        for joint, slot in zip(network.joints, network.slots(part.file.joints), strict=True)
        if slot >= 0 and joint in unlearned
    ]
    if unlabelled:
        findings.append(
            Finding(
                severity="error",
                code="joints_unlabelled",
                file=str(part.path),
                text=f"Nobody has labelled {', '.join(unlabelled)}; the network cannot learn what "
                "no record shows, and a training stops.",
                fix="Label these joints, or use a skeleton without them: --skeleton FILE. "
                "-o data.unlabelled_joints=allow trains anyway.",
                count=len(unlabelled),
                total=network.num_joints,
            )
        )
    return findings


def _split(part: _Part) -> Split:
    """Returns the readable part of an annotation file."""
    people = part.file.people
    joints = part.file.joints
    names = {image.id: image.file_name for image in part.file.images}
    keypoints = np.array([person.keypoints for person in people]).reshape(-1, len(joints), 3)
    boxes = _boxes(part)
    return Split(
        name=part.name,
        path=part.path,
        images=[names.get(person.image_id, "") for person in people],
        joints=keypoints[..., :2],
        labelled=keypoints[..., 2] > 0,
        center=boxes[:, :2] + boxes[:, 2:] / 2,
        scale=boxes[:, 2:].max(axis=1, initial=0) / 200,
    )


def _boxes(part: _Part) -> np.ndarray:
    """Returns the boxes [N, 4] (x, y, width, height) in image px; NaN if they are not readable."""
    return np.array([person.box for person in part.file.people], np.float64).reshape(-1, 4)


def _check_areas(split: Split, part: _Part, boxes_from_keypoints: bool) -> list[Finding]:
    """Returns a finding on labelled people without an area, if there are any."""
    people = part.file.people
    rows = [
        n
        for n, person in enumerate(people)
        if person.num_labelled and not person.crowd and person.area == 0
    ]
    if not rows:
        return []
    if boxes_from_keypoints:
        severity = "note"
        text = "Some people's labelled joints are at one point, so that they have no area."
        fix = "Nothing has to be done; they are left out. Else write 'bbox' and 'area'."
    else:
        severity = "warning" if part.name == "train" else "error"
        text = f"Some people have labelled joints but no 'area'. {AREA_HINT}."
        text += " A training leaves these people out." if severity == "warning" else ""
        fix = _AREA_FIX
    return [
        Finding(
            severity=severity,
            code="area",
            file=str(part.path),
            text=text,
            fix=fix,
            count=len(rows),
            total=len(people),
            examples=tuple(
                f"{name}: {people[n].stated_area}"
                for n, name in zip(rows, split.record_names(rows), strict=True)
            ),
        )
    ]


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


def _check_people(split: Split, part: _Part) -> list[Finding]:
    """Returns findings on labels, boxes, and left and right of the readable people.

    Args:
        split: Readable part of the annotation file.
        part: The annotation file.
    """
    records = part.content["annotations"]
    joints = part.file.joints
    people = part.file.people
    crowd = np.array([person.crowd for person in people], bool)
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
    findings += split.findings(
        severity="error",
        code="normalised",
        rows=_normalised(split),
        text=_NORMALISED[0],
        fix=_NORMALISED[1],
    )
    boxes = _boxes(part)
    empty = (boxes[:, 2:] <= 0).any(axis=1) & (labelled > 0)
    findings += split.findings(
        severity=ERROR_IF_FREQUENT,
        code="empty_box",
        rows=np.flatnonzero(empty),
        text="Some people with labelled joints have a 'bbox' with a width or height of 0 or less.",
        fix="Write 'bbox' as x, y, width, height in px.",
    )
    stated = {image.id: image.size for image in part.file.images}
    unknown = (np.nan, np.nan)
    sizes = np.array(
        [stated.get(person.image_id, unknown) for person in people], np.float64
    ).reshape(-1, 1, 2)
    # Not the boxes that are taken from the keypoints.
    written = np.array(
        [
            list(person.box) == record.get("bbox")
            for person, record in zip(people, records, strict=True)
        ],
        bool,
    ).reshape(-1, 1)
    coordinates = check_coordinates(split, np.where(written, boxes, np.nan), sizes[:, 0])
    findings += coordinates
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
    if not any(finding.code == "box_corners" for finding in coordinates):
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
    try:
        skeleton = _skeleton_of(joints)
    except InputError as problem:
        return [*findings, _joint_names_finding(problem, part.path)]
    return [*findings, *check_sides(split, skeleton), *_check_eyes(split, joints)]


def _normalised(split: Split) -> np.ndarray:
    """Returns the positions of the people whose labelled joints are all within one pixel."""
    largest = np.where(split.labelled, np.abs(split.joints).max(axis=2), 0.0).max(axis=1, initial=0)
    return np.flatnonzero(split.labelled.any(axis=1) & (largest <= 1))


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
