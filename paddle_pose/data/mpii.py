"""Reader of MPII in the layout that HRNet, mmpose and txyugood's PaddlePose share.

    D/images/*.jpg
    D/annotations/mpii_{train,val,trainval,test}.json
    D/annotations/mpii_gt_val.mat

D is the folder of the data set. The JSON files are lists of records, one for each person:
{"image": file name, "center": [x, y], "scale": height of the person / 200 px, "joints": 16 lists
[x, y], "joints_vis": 16 numbers, 0 if not labelled}, in 1-based image px.

Only this module converts 1-based pixels to 0-based ones, and a centre and a scale to a box.

Source: HRNet's `mpii.py` and its JSON files; the .mat file is pytorch-pose's
    `detections_our_format.mat`.
Checked against: The published counts (22,246 and 2,958 samples) and the published crops
    (tests/data/test_mpii.py).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from paddle_pose.environment import argument
from paddle_pose.errors import InputError
from paddle_pose.io.image_names import located
from paddle_pose.io.json_fields import field
from paddle_pose.io.json_files import read_json
from paddle_pose.io.matlab_files import read_variables
from paddle_pose.skeletons import MPII_16, Skeleton
from paddle_pose.structures import AnnotatedImage, Person

_log = logging.getLogger("paddle_pose")

SPLITS = ("train", "val", "trainval", "test")
JOINT_KEYS = ("joints", "gt_joints")
VISIBLE_KEYS = ("joints_vis", "joints_visible")
# Samples and images of the published JSON files.
PUBLISHED_COUNTS = {"train": (22246, 14679), "val": (2958, 2729), "trainval": (25204, 17408)}
LAYOUT = (
    "expected D/images/*.jpg, D/annotations/mpii_{train,val}.json and D/annotations/mpii_gt_val.mat"
)
# The JSON and the .mat file round differently: neck and head_top may differ by one or two pixels.
_MAX_MEDIAN_DISTANCE_PX = 3.0


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """Content of `mpii_gt_val.mat`: the ground truth of N validation people.

    Attributes:
        keypoints: Joints of each person in MPII's order, [N, 16, 2] float64 in 0-based image px.
        labelled: Whether each joint is annotated, [N, 16] bool.
        head_sizes: 0.6 x the diagonal of each person's head box, [N] float64 in px.
    """

    keypoints: np.ndarray
    labelled: np.ndarray
    head_sizes: np.ndarray


def read_ground_truth(path: Path) -> GroundTruth:
    """Returns the ground truth of the validation split, in 0-based image px.

    Args:
        path: Path of `mpii_gt_val.mat` (also distributed as `gt_valid.mat`).

    Raises:
        FileNotFoundError: If the file is missing.
        InputError: If the file is not MPII's ground truth (the message names the variable), or a
            labelled joint or a head box is invalid.
        MissingDependencyError: If SciPy is not installed.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: not found; {LAYOUT} for {argument('--dataset_root D', 'data')}"
        )
    shapes = {"headboxes_src": (2, 2), "jnt_missing": (16,), "pos_gt_src": (16, 2)}
    content = read_variables(path, tuple(shapes), "get the file again").arrays
    found = {key: array.shape for key, array in content.items()}
    count = found.get("headboxes_src", ())[-1:]
    for key, shape in shapes.items():
        if found.get(key) != (*shape, *count):
            got = f"shape {found[key]}" if key in found else "no such array of numbers"
            raise InputError(
                f"{path}: variable {key!r} must have shape {(*shape, 'N')}, got {got}; expected "
                "MPII's mpii_gt_val.mat"
            )
    boxes = content["headboxes_src"].astype(np.float64)
    truth = GroundTruth(
        keypoints=content["pos_gt_src"].astype(np.float64).transpose(2, 0, 1) - 1.0,
        labelled=content["jnt_missing"].T == 0,
        head_sizes=0.6 * np.linalg.norm(boxes[1] - boxes[0], axis=0),
    )
    finite = np.isfinite(truth.keypoints).all(axis=2) | ~truth.labelled  # [N, 16]
    valid = finite.all(axis=1) & np.isfinite(truth.head_sizes) & (truth.head_sizes > 0)
    if not valid.all():
        raise InputError(
            f"{path}: person {valid.argmin()} has an empty head box, or a labelled joint whose "
            "coordinates are not finite numbers"
        )
    return truth


def read_mpii(root: str | Path, split: str, skeleton: Skeleton = MPII_16) -> list[AnnotatedImage]:
    """Returns one split of a data set in MPII's layout; logs the number of images and of people.

    Args:
        root: Folder of the data set, with "images", "annotations/mpii_{split}.json" and, for "val",
            "annotations/mpii_gt_val.mat".
        split: "train", "val", "trainval" or "test" (which has no joints).
        skeleton: Skeleton of the returned keypoints. Joints are matched by name, and joints that
            MPII does not have are unlabelled.

    Returns:
        Images in the order of their first record, without sizes; the image files are not read. A
        person's `annotation_id` is the position of the record in the JSON file. Keypoints and boxes
        are in 0-based image px. The box is the square of 200 px x scale around the centre, moved
        down by 15 px x scale. In "val", keypoints and head sizes come from the .mat file; in the
        other splits head sizes are NaN.

    Raises:
        FileNotFoundError: If an annotation file is missing.
        InputError: If a record is invalid (the message names the file, the record and the key), the
            JSON and the .mat file do not list the same people, `split` has another value, or the
            skeleton has no joint in common with MPII.
        MissingDependencyError: If SciPy is not installed, which "val" needs.

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
        AnnotatedImage(n, located(truth_files(root)[1], name), tuple(group))
        for n, (name, group) in enumerate(by_name.items())
    ]


def truth_files(root: str | Path) -> tuple[Path, Path]:
    """Returns the paths of the validation split's ground truth and of the folder of all images.

    Args:
        root: Folder of the data set; the paths need not exist.
    """
    return Path(root) / "annotations" / "mpii_gt_val.mat", Path(root) / "images"


def _load(path: Path) -> list[dict[str, Any]]:
    """Returns the records of a JSON file.

    Raises:
        InputError: If the file is not a list of records, or the list is empty.
    """
    records = read_json(path, "the file may be incomplete, get it again")
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise InputError(f"{path}: expected a list of records, got {type(records).__name__}")
    if not records:
        raise InputError(f"{path}: the list of records is empty; expected at least one person")
    return records


def _person(record: dict[str, Any], position: int, path: Path, split: str) -> Person:
    """Returns the person of a record, in MPII's skeleton and 0-based image px."""
    where = f"{path}: record {position}"
    if not isinstance(record.get("image"), str) or not record["image"]:
        raise InputError(
            f"{where}: key 'image' must be the image's file name, got {record.get('image')!r}"
        )
    where += f" ({record['image']})"
    center = field(record, ("center",), (2,), where)
    scale = float(field(record, ("scale",), (), where))
    if scale <= 0:
        raise InputError(
            f"{where}: key 'scale' must be positive (the person's height / 200 px), got {scale}"
        )
    joints = np.zeros((MPII_16.num_joints, 2))
    visible = np.zeros(MPII_16.num_joints)
    if split != "test":
        joints = field(record, JOINT_KEYS, (MPII_16.num_joints, 2), where) - 1.0
        visible = field(record, VISIBLE_KEYS, (MPII_16.num_joints,), where)
    side = 200.0 * scale
    # As published: the centre is moved down, towards the legs, and then converted to 0-based px.
    x, y = center[0] - 1.0, center[1] + 15.0 * scale - 1.0
    return Person(
        keypoints=joints,
        visible=(visible > 0).astype(np.int64),
        box=(float(x - side / 2), float(y - side / 2), side, side),
        annotation_id=position,
    )


def _with_ground_truth(persons: list[Person], path: Path, mat: Path) -> list[Person]:
    """Returns the people with keypoints and head sizes of the .mat file.

    Args:
        persons: People of the JSON file, in its order.
        path: Path of the JSON file, for messages.
        mat: Path of the .mat file.

    Raises:
        InputError: If the .mat file does not list the same people in the same order.
    """
    truth = read_ground_truth(mat)
    if len(truth.head_sizes) != len(persons):
        raise InputError(
            f"{mat} contains {len(truth.head_sizes)} people, but {path} {len(persons)}; both "
            "files must be from the same release"
        )
    matched = []
    for n, person in enumerate(persons):
        both_labelled = (person.visible > 0) & truth.labelled[n]
        distances = np.linalg.norm(person.keypoints - truth.keypoints[n], axis=1)[both_labelled]
        if len(distances) and np.median(distances) > _MAX_MEDIAN_DISTANCE_PX:
            raise InputError(
                f"{path}: record {n} lies {np.median(distances):.1f} px from person {n} of {mat}; "
                "the two files must list the same people in the same order, both 1-based"
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
