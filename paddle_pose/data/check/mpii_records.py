"""Reads the readable records of one MPII json file, and reports the others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from paddle_pose.data.check.findings import Finding
from paddle_pose.data.check.split import Split, read_json
from paddle_pose.data.mpii import JOINT_KEYS, VISIBLE_KEYS
from paddle_pose.skeletons import MPII_16

_K = MPII_16.num_joints


def read_split(path: Path, name: str) -> tuple[Split | None, list[Finding]]:
    """Reads a json file.

    Args:
        path: Path of the file.
        name: Name of the split; records of "test" have no joints.

    Returns:
        The readable part, None where there is none, and what is wrong with the rest.
    """

    def broken(code: str, text: str, fix: str) -> tuple[None, list[Finding]]:
        return None, [Finding("error", code, str(path), text, fix)]

    records, findings = read_json(path)
    if findings:
        return None, findings
    if not isinstance(records, list):
        return broken(
            "not_a_list",
            f"holds a {type(records).__name__}, not a list of records",
            "MPII's json is a list; a dictionary with 'images' and 'annotations' is COCO's layout",
        )
    if not records:
        return broken("empty", "the list is empty", "unpack or make the file again")
    problems: dict[str, list[str]] = {}
    rows = [_record(record, n, name, problems) for n, record in enumerate(records)]
    split = Split(
        name,
        path,
        [row[0] for row in rows],
        np.array([row[1] for row in rows]),
        np.array([row[2] for row in rows]),
        np.array([row[3] for row in rows]),
        np.array([row[4] for row in rows]),
    )
    findings = [
        Finding(
            "error",
            code,
            str(path),
            *_FORMAT[code],
            count=len(named),
            total=len(rows),
            examples=tuple(named),
        )
        for code, named in problems.items()
    ]
    return split, findings


_FORMAT = {
    "not_a_record": (
        "records that are no objects",
        "every entry must be {image, center, scale, joints, joints_vis}",
    ),
    "wrong_key": (
        "records without a key that is needed",
        "rename the key; joints or gt_joints, joints_vis, are read",
    ),
    "joint_count": (
        f"records with another number of joints than {_K}",
        f"MPII has {_K}: {', '.join(MPII_16.joints)}",
    ),
    "wrong_shape": (
        "values of the wrong shape",
        "center is [x, y], scale one number, joints_vis 16 numbers",
    ),
    "not_numbers": ("values that are no numbers", "write plain numbers"),
    "nan": (
        "values that are NaN, null or infinite",
        "write [-1, -1] and joints_vis 0 for a missing joint",
    ),
    "scale": (
        "records whose scale is not positive",
        "scale is the person's height in px / 200; remove or mend them",
    ),
}


def _record(
    record: Any, n: int, split: str, problems: dict[str, list[str]]
) -> tuple[str, Any, Any, Any, float]:
    joints, labelled, center = np.full((_K, 2), np.nan), np.zeros(_K, bool), np.full(2, np.nan)
    if not isinstance(record, dict):
        problems.setdefault("not_a_record", []).append(f"record {n}: a {type(record).__name__}")
        return "", joints, labelled, center, np.nan
    image = record.get("image")
    image = image if isinstance(image, str) else ""
    where = f"record {n} ({image or 'no image'})"
    if not image:
        problems.setdefault("wrong_key", []).append(f"{where}: no key 'image' with a name")

    def field(keys: Sequence[str], shape: tuple[int, ...]) -> np.ndarray:
        value = np.full(shape, np.nan)
        key = next((key for key in keys if key in record), None)
        if key is None:
            problems.setdefault("wrong_key", []).append(
                f"{where}: no {' or '.join(keys)}; it has {sorted(map(str, record))}"
            )
            return value
        try:
            got = np.asarray(record[key], np.float64)
        except (TypeError, ValueError, OverflowError):
            problems.setdefault("not_numbers", []).append(
                f"{where}: {key} is no array of numbers of shape {shape}"
            )
            return value
        if got.shape != shape:
            code = "joint_count" if shape[:1] == (_K,) and got.ndim == len(shape) else "wrong_shape"
            problems.setdefault(code, []).append(
                f"{where}: {key} has shape {got.shape}, not {shape}"
            )
            return value
        if not np.isfinite(got).all():
            problems.setdefault("nan", []).append(f"{where}: {key}")
        return np.where(np.isfinite(got), got, np.nan)

    center, scale = field(("center",), (2,)), float(field(("scale",), ()))
    if scale <= 0:
        problems.setdefault("scale", []).append(f"{where}: {scale}")
        scale = np.nan
    if split != "test":
        joints = field(JOINT_KEYS, (_K, 2))
        labelled = (field(VISIBLE_KEYS, (_K,)) > 0) & np.isfinite(joints).all(axis=1)
    return image, joints, labelled, center, scale
