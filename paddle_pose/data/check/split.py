"""The readable people of one annotation file: MPII's records and COCO's as the same arrays."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from paddle_pose.data.check.findings import Finding

FEW = 0.05  # of the records: more than that is no slip of an annotator but a mistake in the file


@dataclass(frozen=True, eq=False)
class Split:
    """The readable part of a json file with N records; K is 16 in MPII.

    Attributes:
        name: Name of the split: "train", "val", ...
        path: Path of the file.
        images: N names of images; "" where unreadable.
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
        """Returns the names of records: "record 3 (1.jpg)"."""
        return tuple(f"record {n} ({self.images[n] or 'no image'})" for n in rows)

    def found(
        self, severity: str, code: str, rows: Sequence[int] | np.ndarray, text: str, fix: str
    ) -> list[Finding]:
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
    """Returns what a json file contains, or None and why it cannot be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8")), []
    except (ValueError, RecursionError) as problem:
        code, text, fix = (
            "not_json",
            f"not valid JSON: {problem}",
            "unpack it again; it may be cut off",
        )
    except OSError as problem:
        code, text, fix = (
            "unreadable",
            f"cannot be read: {problem.strerror}",
            "check the file and its permissions",
        )
    return None, [Finding("error", code, str(path), text, fix)]
