"""Reads the records of one MPII json file as far as they can be read, and says what cannot; and what a finding is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from paddle_pose.data.mpii import JOINT_KEYS, VISIBLE_KEYS
from paddle_pose.skeletons import MPII_16

KNOWN = {"train": (22246, 14679), "val": (2958, 2729), "trainval": (25204, 17408)}  # samples, images
FEW = 0.05  # of the records: more than that is no slip of an annotator but a mistake in the file
_K = MPII_16.num_joints


@dataclass(frozen=True)
class Finding:
    """Something to know about a data set.

    Attributes:
        severity: "error" spoils a training or an evaluation, "warning" may, "note" does not.
        code: a short name that stays the same.
        file: where.
        text: what is wrong.
        fix: what to do.
        count: how many records, images or joints.
        total: of how many.
        examples: all of them by name: "record 3 (1.jpg)", or an image.
    """

    severity: str
    code: str
    file: str
    text: str
    fix: str
    count: int = 1
    total: int = 1
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Split:
    """The readable part of a json file with N records; K is 16 in MPII.

    Attributes:
        name: "train", "val", ...
        path: of the file.
        images: N names; "" where unreadable.
        joints: [N, K, 2] image px as written (1-based in MPII); NaN where unreadable.
        labelled: [N, K] bool; False where unreadable.
        center: [N, 2] as written; NaN where unreadable.
        scale: [N] as written; NaN where unreadable or not positive.
    """

    name: str
    path: Path
    images: list[str]
    joints: np.ndarray
    labelled: np.ndarray
    center: np.ndarray
    scale: np.ndarray

    def __len__(self) -> int:
        return len(self.images)

    @property
    def points(self) -> np.ndarray:
        """[N, K, 2] joints, NaN where not labelled."""
        return np.where(self.labelled[..., None], self.joints, np.nan)

    def where(self, rows: Iterable[int]) -> tuple[str, ...]:
        """Names records: "record 3 (1.jpg)"."""
        return tuple(f"record {n} ({self.images[n] or 'no image'})" for n in rows)

    def found(self, severity: str, code: str, rows: Sequence[int] | np.ndarray, text: str, fix: str) -> list[Finding]:
        """Returns one finding for these records, none where there are none.

        "share" as severity: an error when more than 5 % of the records have it, else a warning.
        """
        if not len(rows):
            return []
        if severity == "share":
            severity = "error" if len(rows) > FEW * len(self) else "warning"
        named = self.where(int(n) for n in rows)
        return [Finding(severity, code, str(self.path), text, fix, len(rows), len(self), named)]


def read_json(path: Path) -> tuple[Any, list[Finding]]:
    """Returns what a json file holds, or None and why it cannot be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8")), []
    except (ValueError, RecursionError) as problem:
        code, text, fix = "not_json", f"not valid JSON: {problem}", "unpack it again; it may be cut off"
    except OSError as problem:
        code, text, fix = "unreadable", f"cannot be read: {problem.strerror}", "check the file and its permissions"
    return None, [Finding("error", code, str(path), text, fix)]


def read_split(path: Path, name: str) -> tuple[Split | None, list[Finding]]:
    """Reads what is readable of a json file, and says what is not."""

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
        Finding("error", code, str(path), *_FORMAT[code], count=len(named), total=len(rows), examples=tuple(named))
        for code, named in problems.items()
    ]
    return split, findings


_FORMAT = {
    "not_a_record": ("records that are no objects", "every entry must be {image, center, scale, joints, joints_vis}"),
    "wrong_key": ("records without a key that is needed", "rename the key; joints or gt_joints, joints_vis, are read"),
    "joint_count": (f"records with another number of joints than {_K}", f"MPII has {_K}: {', '.join(MPII_16.joints)}"),
    "wrong_shape": ("values of the wrong shape", "center is [x, y], scale one number, joints_vis 16 numbers"),
    "not_numbers": ("values that are no numbers", "write plain numbers"),
    "nan": ("values that are NaN, null or infinite", "write [-1, -1] and joints_vis 0 for a missing joint"),
    "scale": ("records whose scale is not positive", "scale is the person's height in px / 200; remove or mend them"),
}


def _record(record: Any, n: int, split: str, problems: dict[str, list[str]]) -> tuple[str, Any, Any, Any, float]:
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
            problems.setdefault("not_numbers", []).append(f"{where}: {key} is no array of numbers of shape {shape}")
            return value
        if got.shape != shape:
            code = "joint_count" if shape[:1] == (_K,) and got.ndim == len(shape) else "wrong_shape"
            problems.setdefault(code, []).append(f"{where}: {key} has shape {got.shape}, not {shape}")
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
