"""Conversion of the official MPII release, `mpii_human_pose_v1_u12_1.mat`, to HRNet's records.

Source: The release's README (RELEASE.annolist, img_train, annorect, objpos, scale, annopoints);
    HRNet's record format.
Checked against: A release of synthetic people (tests/data/test_mpii_release.py); on the 2,958
    published validation people: 0.6 x the head box's diagonal = 25 x scale, and the integer limb
    joints that the JSON and the .mat file share.
Differs: The published JSON files contain 25,204 of the release's labelled people, selected by a
    list that the release does not contain. All people with joints, a centre and a scale are
    converted here.
"""

from __future__ import annotations

import importlib
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from paddle_pose.data.mpii import GroundTruth
from paddle_pose.environment import needed
from paddle_pose.errors import InputError
from paddle_pose.io import atomic, isolated
from paddle_pose.io.limits import MEMORY_SPARE
from paddle_pose.io.matlab_files import PACKAGES, list_variables
from paddle_pose.skeletons import MPII_16

Record = dict[str, Any]
"""Record of one person in HRNet's format.

{"joints_vis": 16 numbers 0 or 1, "joints": 16 lists [x, y] in 1-based image px ([-1, -1] if not
labelled), "image": file name, "scale": height of the person / 200 px, "center": [x, y]}; the first
two are absent for test images.
"""
# As published: neck and head_top are computed from the head box, and rounded differently in the
# JSON and the .mat file; all other joints are integers.
_LIMBS = np.array([n for n in range(MPII_16.num_joints) if n not in (8, 9)])
_MEMORY_FACTOR = 100  # structs need far more memory than the compressed file
_SECONDS = 900.0
# Names of the joints in `mpii_gt_val.mat`.
MAT_JOINTS = (
    "rank",
    "rkne",
    "rhip",
    "lhip",
    "lkne",
    "lank",
    "pelv",
    "thor",
    "neck",
    "head",
    "rwri",
    "relb",
    "rsho",
    "lsho",
    "lelb",
    "lwri",
)


@dataclass(frozen=True, eq=False)
class Release:
    """People of the official release.

    Attributes:
        trainval: Records of the N people in training images; see `Record`.
        head_boxes: Head box of each person of `trainval`, [N, 4] as x1, y1, x2, y2 in 1-based image
            px; NaN for people without a head box.
        test: Records of the people in test images, with image, centre and scale only.
        left_out: Number of people in training images that have no joints, no centre or no scale.
    """

    trainval: list[Record]
    head_boxes: np.ndarray
    test: list[Record]
    left_out: int


def is_release(path: Path) -> bool:
    """Returns whether a file is the official release: a .mat file with a variable RELEASE.

    Args:
        path: Path of the file; a file that is missing or cannot be read gives False.

    Raises:
        MissingDependencyError: If SciPy is not installed.
    """
    try:
        return "RELEASE" in list_variables(path, "")
    except (InputError, OSError):
        return False


def read_release(path: Path) -> Release:
    """Returns the people of the official release, in its order.

    Args:
        path: Path of `mpii_human_pose_v1_u12_1.mat`.

    Raises:
        FileNotFoundError: If the file is missing.
        InputError: If the file is not the official release, or an image in it has no name.
        MissingDependencyError: If SciPy is not installed.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: not found; expected mpii_human_pose_v1_u12_1.mat")
    people, arrays = isolated.call(
        f"{__name__}:load_release",
        path,
        {},
        memory=_MEMORY_FACTOR * path.stat().st_size + MEMORY_SPARE,
        seconds=_SECONDS,
        fix="download the release again",
        packages=PACKAGES,
    )
    boxes = arrays["head_boxes"]
    return Release(people["trainval"], boxes, people["test"], people["left_out"])


def load_release(path: Path, limit: int) -> isolated.Result:
    """Returns what `read_release` does; it runs in the child process.

    Args:
        path: Path of the release.
        limit: Bytes that may be allocated.

    Raises:
        InputError: As `read_release`.
    """
    matlab: Any = importlib.import_module("scipy.io")
    isolated.limit_memory(limit)
    try:
        release = matlab.loadmat(
            path, struct_as_record=False, squeeze_me=True, variable_names=["RELEASE"]
        )["RELEASE"]
        images, is_train = np.atleast_1d(release.annolist), np.atleast_1d(release.img_train)
    except MemoryError:
        raise
    except Exception as problem:  # SciPy raises a dozen classes for broken files
        raise InputError(
            f"{path}: not the official release ({problem}); expected a variable RELEASE with the "
            "fields annolist and img_train"
        ) from problem
    if len(images) != len(is_train):
        raise InputError(
            f"{path}: RELEASE.annolist has {len(images)} images, but RELEASE.img_train "
            f"{len(is_train)}; expected the same number. Download the release again"
        )
    trainval: list[Record] = []
    boxes: list[list[float]] = []
    test: list[Record] = []
    left_out = 0
    for number, (image, train) in enumerate(zip(images, is_train, strict=True)):
        name = getattr(getattr(image, "image", None), "name", None)
        if not isinstance(name, str) or not name:
            raise InputError(
                f"{path}: RELEASE.annolist({number + 1}).image.name must be the image's file name, "
                f"got {name!r}"
            )
        for person in _structs(getattr(image, "annorect", None)):
            record = _record(name, person, with_joints=bool(train))
            if record is None:
                left_out += int(bool(train))
            elif train:
                trainval.append(record)
                boxes.append([_number(person, key) for key in ("x1", "y1", "x2", "y2")])
            else:
                test.append(record)
    people = {"trainval": trainval, "test": test, "left_out": left_out}
    return people, {"head_boxes": np.array(boxes, np.float64).reshape(-1, 4)}


def split(
    trainval: Sequence[Record],
    *,
    truth: GroundTruth | None = None,
    val_records: Sequence[Record] | None = None,
) -> tuple[list[int], list[int]]:
    """Returns the training and the validation people of the release, divided as by Tompson et al.

    The release does not contain this division; one of two files that list the validation people
    gives it.

    Args:
        trainval: Records of the release, `Release.trainval`.
        truth: Content of `mpii_gt_val.mat`; takes precedence over `val_records`.
        val_records: Records of `mpii_val.json`; needed if `truth` is None.

    Returns:
        (training, validation): positions in `trainval` of the training people, without people in
        validation images, and of the validation people in the order of the given file.

    Raises:
        InputError: If neither file is given, or a validation person is not in the release.
    """
    if truth is not None:
        points, labelled = truth.keypoints + 1.0, truth.labelled
    elif val_records is not None:
        points, labelled = _joints(val_records)
    else:
        raise InputError("the split needs mpii_gt_val.mat or mpii_val.json; got neither")
    by_joints: dict[bytes, list[int]] = {}
    for n, record in enumerate(trainval):
        key = _key(np.array(record["joints"]), np.array(record["joints_vis"]) > 0)
        by_joints.setdefault(key, []).append(n)
    val: list[int] = []
    for n in range(len(points)):
        candidates = by_joints.get(_key(points[n], labelled[n]))
        if not candidates:
            raise InputError(
                f"validation person {n} is not in the release ({len(val)} of the {n} before it "
                "are); both files must be of the release mpii_human_pose_v1_u12"
            )
        val.append(candidates.pop(0))
    val_images = {trainval[n]["image"] for n in val}
    return [n for n, record in enumerate(trainval) if record["image"] not in val_images], val


def write_ground_truth(path: Path, records: Sequence[Record], head_boxes: np.ndarray) -> None:
    """Writes `mpii_gt_val.mat` for `data.mpii.read_ground_truth`, atomically.

    Args:
        path: Path of the file to write; an existing file is replaced.
        records: Records of N validation people, in the order in which the file lists them.
        head_boxes: Head boxes of these people, [N, 4] as x1, y1, x2, y2 in 1-based image px.

    Raises:
        InputError: If a person has no head box.
        MissingDependencyError: If SciPy is not installed.
        OSError: If the file cannot be written.
    """
    missing = np.flatnonzero(~np.isfinite(head_boxes).all(axis=1))
    if len(missing):
        raise InputError(
            f"{path}: validation person {missing[0]} of the release has no head box, which PCKh "
            "needs; choose validation people with head boxes"
        )
    joints, labelled = _joints(records)
    content = io.BytesIO()
    needed("scipy.io", "scipy>=1.10", "train").savemat(
        content,
        {
            "dataset_joints": np.array([MAT_JOINTS], object),
            "jnt_missing": (~labelled.T).astype(np.uint8),
            "pos_gt_src": np.where(labelled[..., None], joints, 0.0).transpose(1, 2, 0),
            "headboxes_src": head_boxes.reshape(-1, 2, 2).transpose(1, 2, 0),
        },
    )
    # The first 116 bytes are free text, in which SciPy writes the time. They are replaced so that
    # the same people give the same bytes.
    free_text = b"MATLAB 5.0 MAT-file, MPII validation".ljust(116)
    atomic.write_bytes(path, free_text + content.getvalue()[116:], concurrent=False)


def write_records(path: Path, records: Sequence[Record]) -> None:
    """Writes a JSON file with a list of records, atomically.

    Args:
        path: Path of the file; an existing file is replaced.
        records: Records of people.

    Raises:
        OSError: If the file cannot be written.
    """
    atomic.write_text(path, json.dumps(list(records)), concurrent=False)


def _joints(records: Sequence[Record]) -> tuple[np.ndarray, np.ndarray]:
    """Returns the joints [N, 16, 2] of records in 1-based image px, and labelled [N, 16] bool."""
    joints = np.array([record["joints"] for record in records], np.float64)
    visible = np.array([record["joints_vis"] for record in records])
    count = MPII_16.num_joints
    return joints.reshape(-1, count, 2), visible.reshape(-1, count) > 0


def _structs(value: Any) -> Iterator[Any]:
    """Yields the structs of a field that contains one, several or none (an empty array)."""
    for item in np.atleast_1d(np.array(value, object)).ravel():
        if hasattr(item, "_fieldnames"):
            yield item


def _number(struct: Any, field: str) -> float:
    """Returns the value of a scalar field; NaN if it is absent, empty or not a number."""
    value = np.asarray(getattr(struct, field, np.nan))
    try:
        return float(value) if value.size == 1 else float("nan")
    except (TypeError, ValueError):
        return float("nan")


def _record(name: str, person: Any, *, with_joints: bool) -> Record | None:
    """Returns the record of a person; None if joints (when required), centre or scale are missing.

    Args:
        name: File name of the image.
        person: Struct of RELEASE.annolist.annorect.
        with_joints: Whether the record must contain joints.
    """
    position = next(_structs(getattr(person, "objpos", None)), None)
    scale = _number(person, "scale")
    center = [_number(position, "x"), _number(position, "y")]
    if not np.isfinite([scale, *center]).all() or scale <= 0:
        return None
    if not with_joints:
        return {"image": name, "scale": scale, "center": center}
    joints = np.full((MPII_16.num_joints, 2), -1.0)
    visible = np.zeros(MPII_16.num_joints, int)
    for points in _structs(getattr(person, "annopoints", None)):
        for point in _structs(getattr(points, "point", None)):
            slot = _number(point, "id")
            xy = [_number(point, "x"), _number(point, "y")]
            if slot in range(MPII_16.num_joints) and np.isfinite(xy).all():
                joints[int(slot)] = xy
                visible[int(slot)] = 1
    if not visible.any():
        return None
    return {
        "joints_vis": visible.tolist(),
        "joints": joints.tolist(),
        "image": name,
        "scale": scale,
        "center": center,
    }


def _key(joints: np.ndarray, labelled: np.ndarray) -> bytes:
    """Returns the limb joints rounded to pixels: the same for a person in JSON, .mat and release.

    Args:
        joints: [16, 2] in 1-based image px.
        labelled: [16] bool.
    """
    return np.where(labelled[_LIMBS, None], np.rint(joints[_LIMBS]), -1).astype(np.int32).tobytes()
