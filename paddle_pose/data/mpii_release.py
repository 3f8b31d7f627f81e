"""Turns the official MPII release (`mpii_human_pose_v1_u12_1.mat`) into the records that HRNet's json files hold.

Source: the release's README (RELEASE.annolist, img_train, annorect, objpos, scale, annopoints); HRNet's record format.
Checked against: a release of synthetic people (tests/data/test_mpii_release.py); 0.6 x the head box's diagonal = 25 x
    scale, and the integer limb joints that json and mat share, on the 2,958 published validation people.
Differs: the published json files hold 25,204 of the release's labelled people, chosen by a list that the release does not
    contain; all people with joints, a centre and a scale are taken here.
"""

from __future__ import annotations

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
from paddle_pose.io import atomic
from paddle_pose.skeletons import MPII_16

Record = dict[str, Any]
# As published: neck and head_top are made from the head box and rounded differently in json and mat; the rest is integer.
_LIMBS = np.array([n for n in range(MPII_16.num_joints) if n not in (8, 9)])
_MAT_JOINTS = (
    *("rank", "rkne", "rhip", "lhip", "lkne", "lank", "pelv", "thor"),
    *("neck", "head", "rwri", "relb", "rsho", "lsho", "lelb", "lwri"),
)


@dataclass(frozen=True, eq=False)
class Release:
    """The people of the official release.

    Attributes:
        trainval: records of training images, with joints (1-based image px).
        head_boxes: [N, 4] x1, y1, x2, y2 (1-based image px) of `trainval`; NaN where there is none.
        test: records of test images: image, centre and scale only.
        left_out: people of training images without joints, centre or scale.
    """

    trainval: list[Record]
    head_boxes: np.ndarray
    test: list[Record]
    left_out: int


def is_release(path: Path) -> bool:
    """Tells by its variables whether a .mat file is the official release."""
    matlab = needed("scipy.io", "scipy>=1.10", "train")
    try:
        return any(name == "RELEASE" for name, _, _ in matlab.whosmat(path))
    except Exception:  # SciPy has a dozen kinds for broken files
        return False


def read_release(path: Path) -> Release:
    """Reads the official release.

    Raises:
        FileNotFoundError: If it is missing.
        InputError: If it is no such file.
        MissingDependencyError: If SciPy is not installed.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: not found; expected mpii_human_pose_v1_u12_1.mat")
    matlab = needed("scipy.io", "scipy>=1.10", "train")
    try:
        release = matlab.loadmat(path, struct_as_record=False, squeeze_me=True)["RELEASE"]
        images, is_train = np.atleast_1d(release.annolist), np.atleast_1d(release.img_train)
    except Exception as problem:  # SciPy has a dozen kinds for broken files
        raise InputError(
            f"{path}: not the official release ({problem}); expected a variable RELEASE with annolist and img_train"
        ) from problem
    if len(images) != len(is_train):
        raise InputError(
            f"{path}: {len(images)} images in annolist but {len(is_train)} in img_train; is it complete?"
        )
    trainval: list[Record] = []
    boxes: list[list[float]] = []
    test: list[Record] = []
    left_out = 0
    for number, (image, train) in enumerate(zip(images, is_train, strict=True)):
        name = getattr(getattr(image, "image", None), "name", None)
        if not isinstance(name, str) or not name:
            raise InputError(f"{path}: RELEASE.annolist({number + 1}) names no image")
        for person in _structs(getattr(image, "annorect", None)):
            record = _record(name, person, with_joints=bool(train))
            if record is None:
                left_out += int(bool(train))
            elif train:
                trainval.append(record)
                boxes.append([_number(person, key) for key in ("x1", "y1", "x2", "y2")])
            else:
                test.append(record)
    return Release(trainval, np.array(boxes, np.float64).reshape(-1, 4), test, left_out)


def split(
    trainval: Sequence[Record],
    *,
    truth: GroundTruth | None = None,
    val_records: Sequence[Record] | None = None,
) -> tuple[list[int], list[int]]:
    """Divides the people of the release as Tompson et al. did, by a file that tells who is in the validation set.

    Args:
        trainval: the release's records.
        truth: what `mpii_gt_val.mat` holds; or
        val_records: the records of a `mpii_val.json`.

    Returns:
        Positions in `trainval` of the training people (none from a validation image), and of the validation people
        in the order of the file given.

    Raises:
        InputError: If neither is given, or a validation person is not in the release.
    """
    if truth is not None:
        points, labelled = truth.keypoints + 1.0, truth.labelled
    elif val_records is not None:
        points = np.array([record["joints"] for record in val_records], np.float64).reshape(
            -1, MPII_16.num_joints, 2
        )
        labelled = (
            np.array([record["joints_vis"] for record in val_records]).reshape(
                -1, MPII_16.num_joints
            )
            > 0
        )
    else:
        raise InputError("the split needs mpii_gt_val.mat or mpii_val.json; got neither")
    by_joints: dict[bytes, list[int]] = {}
    for n, record in enumerate(trainval):
        by_joints.setdefault(
            _key(np.array(record["joints"]), np.array(record["joints_vis"]) > 0), []
        ).append(n)
    val: list[int] = []
    for n in range(len(points)):
        found = by_joints.get(_key(points[n], labelled[n]))
        if not found:
            raise InputError(
                f"validation person {n} is not in the release ({len(val)} of {n} before it are); "
                "do the two files belong to the same release, mpii_human_pose_v1_u12?"
            )
        val.append(found.pop(0))
    images = {trainval[n]["image"] for n in val}
    return [n for n, record in enumerate(trainval) if record["image"] not in images], val


def write_ground_truth(path: Path, records: Sequence[Record], head_boxes: np.ndarray) -> None:
    """Writes `mpii_gt_val.mat`: what `data.mpii.read_ground_truth` reads.

    Args:
        path: of the file.
        records: N validation people.
        head_boxes: [N, 4] x1, y1, x2, y2, 1-based image px.

    Raises:
        InputError: If a person has no head box.
    """
    without = np.flatnonzero(~np.isfinite(head_boxes).all(axis=1))
    if len(without):
        raise InputError(
            f"{path}: validation person {without[0]} has no head box; PCKh cannot be measured without"
        )
    labelled = (
        np.array([record["joints_vis"] for record in records]).reshape(-1, MPII_16.num_joints) > 0
    )
    joints = np.array([record["joints"] for record in records], np.float64).reshape(
        -1, MPII_16.num_joints, 2
    )
    content = io.BytesIO()
    needed("scipy.io", "scipy>=1.10", "train").savemat(
        content,
        {
            "dataset_joints": np.array([_MAT_JOINTS], object),
            "jnt_missing": (~labelled.T).astype(np.uint8),
            "pos_gt_src": np.where(labelled[..., None], joints, 0.0).transpose(1, 2, 0),
            "headboxes_src": head_boxes.reshape(-1, 2, 2).transpose(1, 2, 0),
        },
    )
    # The first 116 bytes are free text, where SciPy writes the time: the same people, the same bytes.
    free_text = b"MATLAB 5.0 MAT-file, MPII validation".ljust(116)
    atomic.write_bytes(path, free_text + content.getvalue()[116:], concurrent=False)


def write_records(path: Path, records: Sequence[Record]) -> None:
    """Writes a json file of records, whole or not at all."""
    atomic.write_text(path, json.dumps(list(records)), concurrent=False)


def _structs(value: Any) -> Iterator[Any]:
    """Yields the structs of a field that holds one, several, or (an empty array) none."""
    for item in np.atleast_1d(np.array(value, object)).ravel():
        if hasattr(item, "_fieldnames"):
            yield item


def _number(struct: Any, field: str) -> float:
    """Returns a scalar field; NaN where it is absent or empty."""
    value = np.asarray(getattr(struct, field, np.nan))
    try:
        return float(value) if value.size == 1 else float("nan")
    except (TypeError, ValueError):
        return float("nan")


def _record(name: str, person: Any, *, with_joints: bool) -> Record | None:
    position = next(_structs(getattr(person, "objpos", None)), None)
    scale, center = _number(person, "scale"), [_number(position, "x"), _number(position, "y")]
    if not np.isfinite([scale, *center]).all() or scale <= 0:
        return None
    if not with_joints:
        return {"image": name, "scale": scale, "center": center}
    joints, visible = np.full((MPII_16.num_joints, 2), -1.0), np.zeros(MPII_16.num_joints, int)
    for points in _structs(getattr(person, "annopoints", None)):
        for point in _structs(getattr(points, "point", None)):
            slot, xy = _number(point, "id"), [_number(point, "x"), _number(point, "y")]
            if slot in range(MPII_16.num_joints) and np.isfinite(xy).all():
                joints[int(slot)], visible[int(slot)] = xy, 1
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
    """What the same person has in json, mat and release: the limb joints, rounded to a pixel."""
    return np.where(labelled[_LIMBS, None], np.rint(joints[_LIMBS]), -1).astype(np.int32).tobytes()
