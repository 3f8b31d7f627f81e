"""Reader of one JSON file of MPII for the check: readable records, and findings on the others."""

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
# Sentences on invalid records by the code of their finding: (what was found and expected, the fix).
_TEXTS = {
    "not_a_record": (
        "Some records are not JSON objects; expected the keys 'image', 'center', 'scale', 'joints' "
        "and 'joints_vis'.",
        "Write each record as an object with these keys.",
    ),
    "wrong_key": (
        "Some records lack a required key; expected 'image', 'center', 'scale', 'joints' (or "
        "'gt_joints') and 'joints_vis' (or 'joints_visible').",
        "Add the key, or rename the one that contains its value.",
    ),
    "joint_count": (
        f"Some records have another number of joints than {_K}.",
        f"Write MPII's {_K} joints in this order: {', '.join(MPII_16.joints)}.",
    ),
    "wrong_shape": (
        "Some values have the wrong shape.",
        f"Write 'center' as [x, y], 'scale' as one number, 'joints' as {_K} lists [x, y] and "
        f"'joints_vis' as {_K} numbers.",
    ),
    "not_numbers": (
        "Some values are not numbers.",
        "Write plain JSON numbers, without quotes.",
    ),
    "nan": (
        "Some values are NaN, null or infinite; expected finite numbers.",
        "Write a missing joint as [-1, -1] with 'joints_vis' 0.",
    ),
    "scale": (
        "Some records have a 'scale' that is not positive; expected the person's height / 200 px.",
        "Correct 'scale', or remove the records.",
    ),
}


def read_split(path: Path, name: str) -> tuple[Split | None, list[Finding]]:
    """Returns the readable part of a JSON file of MPII, and findings on the rest.

    Args:
        path: Path of the file; a file that is missing or damaged gives a finding.
        name: Name of the split: "train", "val", "trainval" or "test"; records of "test" have no
            joints.

    Returns:
        The readable part (None if the file is not a list of records), and the findings.
    """

    def unreadable(code: str, text: str, fix: str) -> tuple[None, list[Finding]]:
        """Returns no split and a finding on the whole file."""
        return None, [Finding("error", code, file=str(path), text=text, fix=fix)]

    records, findings = read_json(path)
    if findings:
        return None, findings
    if not isinstance(records, list):
        return unreadable(
            "not_a_list",
            f"The file contains a {type(records).__name__}; expected a list of records.",
            "Write MPII's records as a list. A dictionary with 'images' and 'annotations' is in "
            "COCO's layout: check it with --dataset coco.",
        )
    if not records:
        return unreadable(
            "empty",
            "The list of records is empty; expected at least one person.",
            "Unpack or create the file again.",
        )
    problems: dict[str, list[str]] = {}
    rows = [_record(record, n, name, problems) for n, record in enumerate(records)]
    split = Split(
        name=name,
        path=path,
        images=[row[0] for row in rows],
        joints=np.array([row[1] for row in rows]),
        labelled=np.array([row[2] for row in rows]),
        center=np.array([row[3] for row in rows]),
        scale=np.array([row[4] for row in rows]),
    )
    findings = [
        Finding(
            severity="error",
            code=code,
            file=str(path),
            text=_TEXTS[code][0],
            fix=_TEXTS[code][1],
            count=len(examples),
            total=len(rows),
            examples=tuple(examples),
        )
        for code, examples in problems.items()
    ]
    return split, findings


def _record(
    record: Any, n: int, split: str, problems: dict[str, list[str]]
) -> tuple[str, np.ndarray, np.ndarray, np.ndarray, float]:
    """Returns the readable values of a record, and adds what is wrong with it to `problems`.

    Args:
        record: Record as read from JSON.
        n: Position of the record in the file.
        split: Name of the split; records of "test" have no joints.
        problems: {code: examples}, to which problems are added.

    Returns:
        Image, joints [16, 2], labelled [16], center [2] and scale; "", NaN or False for values that
        are not readable.
    """
    joints = np.full((_K, 2), np.nan)
    labelled = np.zeros(_K, bool)
    if not isinstance(record, dict):
        problems.setdefault("not_a_record", []).append(f"record {n}: a {type(record).__name__}")
        return "", joints, labelled, np.full(2, np.nan), np.nan
    image = record.get("image")
    image = image if isinstance(image, str) else ""
    where = f"record {n} ({image or 'no image'})"
    if not image:
        problems.setdefault("wrong_key", []).append(
            f"{where}: key 'image' must be the image's file name, got {record.get('image')!r}"
        )

    def field(keys: Sequence[str], shape: tuple[int, ...]) -> np.ndarray:
        """Returns the value of the first of some keys, with NaN where it is not readable."""
        unknown = np.full(shape, np.nan)
        key = next((key for key in keys if key in record), None)
        if key is None:
            problems.setdefault("wrong_key", []).append(
                f"{where}: no key {' or '.join(keys)}; it has {sorted(map(str, record))}"
            )
            return unknown
        try:
            value = np.asarray(record[key], np.float64)
        except (TypeError, ValueError, OverflowError):
            problems.setdefault("not_numbers", []).append(
                f"{where}: {key} is not an array of numbers of shape {shape}"
            )
            return unknown
        if value.shape != shape:
            is_count = shape[:1] == (_K,) and value.ndim == len(shape)
            problems.setdefault("joint_count" if is_count else "wrong_shape", []).append(
                f"{where}: {key} has shape {value.shape}, expected {shape}"
            )
            return unknown
        if not np.isfinite(value).all():
            problems.setdefault("nan", []).append(f"{where}: {key}")
        return np.where(np.isfinite(value), value, np.nan)

    center = field(("center",), (2,))
    scale = float(field(("scale",), ()))
    if scale <= 0:
        problems.setdefault("scale", []).append(f"{where}: {scale}")
        scale = np.nan
    if split != "test":
        joints = field(JOINT_KEYS, (_K, 2))
        labelled = (field(VISIBLE_KEYS, (_K,)) > 0) & np.isfinite(joints).all(axis=1)
    return image, joints, labelled, center, scale
