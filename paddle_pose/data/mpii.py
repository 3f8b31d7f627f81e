"""Reads MPII in the layout that HRNet, mmpose and the original Paddle project share.

    D/images/*.jpg   D/annotations/mpii_{train,val,trainval,test}.json   D/annotations/mpii_gt_val.mat

Here and only here 1-based pixels become 0-based, and a centre with a scale becomes a box.

Source: HRNet's `mpii.py` and its json files; the .mat is pytorch-pose's `detections_our_format.mat`.
Checked against: the published counts (22,246 / 2,958 samples) and the published crops (tests/data/test_mpii.py).
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from paddle_pose.environment import argument, needed
from paddle_pose.errors import InputError
from paddle_pose.io.json_fields import field
from paddle_pose.skeletons import MPII_16, Skeleton
from paddle_pose.structures import AnnotatedImage, Person

_log = logging.getLogger("paddle_pose")

SPLITS = ("train", "val", "trainval", "test")
JOINT_KEYS = ("joints", "gt_joints")
VISIBLE_KEYS = ("joints_vis", "joints_visible")
# Samples and images of the published json files.
PUBLISHED_COUNTS = {"train": (22246, 14679), "val": (2958, 2729), "trainval": (25204, 17408)}
LAYOUT = (
    "expected D/images/*.jpg, D/annotations/mpii_{train,val}.json and D/annotations/mpii_gt_val.mat"
)
# json and mat round differently: neck and head_top may differ by a pixel or two.
_SAME_POINT_PX = 3.0


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """What `mpii_gt_val.mat` holds.

    Attributes:
        keypoints: [N, 16, 2] float64, 0-based image px.
        labelled: [N, 16] bool.
        head_sizes: [N] float64 px, 0.6 x the head box's diagonal.
    """

    keypoints: np.ndarray
    labelled: np.ndarray
    head_sizes: np.ndarray


def read_ground_truth(path: Path) -> GroundTruth:
    """Reads the validation ground truth of the .mat file.

    Args:
        path: `mpii_gt_val.mat` (also named `gt_valid.mat`).

    Raises:
        FileNotFoundError: If it is missing.
        InputError: If it is no such file; the message names the variable.
        MissingDependencyError: If SciPy is not installed.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: not found; {LAYOUT} for {argument('--dataset_root D', 'data')}"
        )
    matlab = needed("scipy.io", "scipy>=1.10", "train")
    try:
        content = matlab.loadmat(path)
    except Exception as problem:  # SciPy has a dozen kinds for broken files, IndexError among them
        raise InputError(f"{path}: not a MATLAB file that SciPy reads ({problem})") from problem
    count = np.shape(content.get("headboxes_src"))[-1:]
    shapes = {"headboxes_src": (2, 2), "jnt_missing": (16,), "pos_gt_src": (16, 2)}
    for key, shape in shapes.items():
        if np.shape(content.get(key)) != (*shape, *count):
            got = f"shape {np.shape(content[key])}" if key in content else "no such variable"
            raise InputError(
                f"{path}: variable {key!r} must have shape {(*shape, 'N')}, got {got}; is this mpii_gt_val.mat?"
            )
    boxes = content["headboxes_src"].astype(np.float64)
    truth = GroundTruth(
        keypoints=content["pos_gt_src"].astype(np.float64).transpose(2, 0, 1) - 1.0,
        labelled=content["jnt_missing"].T == 0,
        head_sizes=0.6 * np.linalg.norm(boxes[1] - boxes[0], axis=0),
    )
    measured = np.isfinite(truth.keypoints).all(axis=2) | ~truth.labelled  # [N, 16]
    good = measured.all(axis=1) & np.isfinite(truth.head_sizes) & (truth.head_sizes > 0)
    if not good.all():
        raise InputError(
            f"{path}: person {good.argmin()} has an empty head box, or a labelled joint without numbers"
        )
    return truth


def read_mpii(root: str | Path, split: str, skeleton: Skeleton = MPII_16) -> list[AnnotatedImage]:
    """Reads one split and prints its counts, and which joints are left out for another skeleton.

    Args:
        root: the folder D of the layout above.
        split: "train", "val", "trainval" or "test" (which has no joints).
        skeleton: of the keypoints returned; its joints that MPII does not have are unlabelled.

    Returns:
        Images in the order of their first record. A person's `annotation_id` is its record's position in the file;
        keypoints and boxes are 0-based image px; the box is the square of 200 px x scale round the centre, moved down by
        15 px x scale. In "val", keypoints and head sizes come from the .mat file.

    Raises:
        FileNotFoundError: If a file is missing.
        InputError: If a record is not as expected; the message names the file, the record and the key. If the skeleton has
            no joint of MPII.

    Source: HRNet's `mpii.py` (centre, scale, 0-based).
    """
    root = Path(root)
    path = root / "annotations" / f"mpii_{split}.json"
    if split not in SPLITS:
        raise InputError(f"MPII has no split {split!r}; expected one of {', '.join(SPLITS)}")
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: not found; {LAYOUT} for {argument('--dataset_root D', 'data')}"
        )
    records = _load(path)
    persons = [_person(record, n, path, split) for n, record in enumerate(records)]
    if split == "val":
        persons = _with_ground_truth(persons, path, truth_files(root)[0])
    shared = skeleton.shared(MPII_16.joints, MPII_16.name)
    persons = [person.in_slots(skeleton.slots(MPII_16.joints)) for person in persons]
    by_name: dict[str, list[Person]] = {}
    for record, person in zip(records, persons, strict=True):
        by_name.setdefault(record["image"], []).append(person)
    _log.info(f"=> num_images: {len(by_name)}")
    _log.info(f"=> load {len(persons)} samples")
    if shared:
        _log.info(f"=> {shared} are in {skeleton.name}")
    return [
        AnnotatedImage(n, truth_files(root)[1] / name, tuple(group))
        for n, (name, group) in enumerate(by_name.items())
    ]


def truth_files(root: str | Path) -> tuple[Path, Path]:
    """Returns the file of the validation split's truth, and the folder of all images."""
    return Path(root) / "annotations" / "mpii_gt_val.mat", Path(root) / "images"


def _load(path: Path) -> list[dict[str, Any]]:
    try:
        records = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as problem:
        raise InputError(f"{path}: not valid JSON ({problem}); is the file complete?") from problem
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise InputError(f"{path}: expected a list of records, got {type(records).__name__}")
    if not records:
        raise InputError(f"{path}: the list is empty; there is nothing to read")
    return records


def _person(record: dict[str, Any], position: int, path: Path, split: str) -> Person:
    where = f"{path}: record {position}"
    if not isinstance(record.get("image"), str) or not record["image"]:
        raise InputError(f"{where}: key 'image' must name the image, got {record.get('image')!r}")
    where += f" ({record['image']})"
    center = field(record, ("center",), (2,), where)
    scale = float(field(record, ("scale",), (), where))
    if scale <= 0:
        raise InputError(f"{where}: key 'scale' must be positive (height / 200 px), got {scale}")
    joints, visible = np.zeros((MPII_16.num_joints, 2)), np.zeros(MPII_16.num_joints)
    if split != "test":
        joints = field(record, JOINT_KEYS, (MPII_16.num_joints, 2), where) - 1.0
        visible = field(record, VISIBLE_KEYS, (MPII_16.num_joints,), where)
    side = 200.0 * scale
    # As published: the centre is moved down, towards the legs, then made 0-based.
    x, y = center[0] - 1.0, center[1] + 15.0 * scale - 1.0
    return Person(
        keypoints=joints,
        visible=(visible > 0).astype(np.int64),
        box=(float(x - side / 2), float(y - side / 2), side, side),
        annotation_id=position,
    )


def _with_ground_truth(persons: list[Person], path: Path, mat: Path) -> list[Person]:
    """Takes keypoints and head sizes from the .mat, which must list the same people in the same order."""
    truth = read_ground_truth(mat)
    if len(truth.head_sizes) != len(persons):
        raise InputError(
            f"{mat} holds {len(truth.head_sizes)} people and {path} {len(persons)}; they belong to different releases"
        )
    matched = []
    for n, person in enumerate(persons):
        both = (person.visible > 0) & truth.labelled[n]
        apart = np.linalg.norm(person.keypoints - truth.keypoints[n], axis=1)[both]
        if len(apart) and np.median(apart) > _SAME_POINT_PX:
            raise InputError(
                f"{path}: record {n} lies {np.median(apart):.1f} px from person {n} of {mat}; the two files "
                "must list the same people in the same order, both 1-based"
            )
        matched.append(
            Person(
                keypoints=truth.keypoints[n],
                visible=truth.labelled[n].astype(np.int64),
                box=person.box,
                annotation_id=person.annotation_id,
                head_size=float(truth.head_sizes[n]),
            )
        )
    return matched
