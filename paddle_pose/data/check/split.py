"""Readable people of one annotation file: records of MPII and of COCO as the same arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from paddle_pose.data.check.findings import Finding
from paddle_pose.errors import InputError
from paddle_pose.io import json_files

# Share of the records above which a problem is a mistake in the file, not an annotator's slip.
FREQUENT = 0.05
# Severity of `Split.findings`: an error if the problem is frequent, else a warning.
ERROR_IF_FREQUENT = "error if frequent"


@dataclass(frozen=True, eq=False)
class Split:
    """Readable part of an annotation file with N records of people.

    K is 16 in MPII, in COCO's format the number of joints that the file names.

    Attributes:
        name: Name of the split: "train", "val", "trainval" or "test".
        path: Path of the file.
        images: File name of each record's image, N strings; "" if it is not readable.
        joints: Joints as written, [N, K, 2] (x, y) in image px (1-based in MPII, 0-based in COCO);
            NaN if not readable.
        labelled: Whether each joint is labelled, [N, K] bool; False if not readable.
        center: Centres of the people, [N, 2] (x, y) in image px: as written in MPII, of the boxes
            in COCO; NaN if not readable.
        scale: Scales of the people, [N]: height / 200 px as written in MPII, longer side of the box
            / 200 px in COCO; NaN if not readable, or in MPII not positive.
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
        """Joints [N, K, 2] as in `joints`; NaN if not labelled."""
        return np.where(self.labelled[..., None], self.joints, np.nan)

    def take(self, rows: Sequence[int] | np.ndarray) -> Split:
        """Returns a split of some of the records.

        Args:
            rows: Positions of the records from 0, in the order of the result.
        """
        chosen = np.asarray(rows, np.int64)
        return Split(
            name=self.name,
            path=self.path,
            images=[self.images[n] for n in chosen],
            joints=self.joints[chosen],
            labelled=self.labelled[chosen],
            center=self.center[chosen],
            scale=self.scale[chosen],
        )

    def record_names(self, rows: Iterable[int]) -> tuple[str, ...]:
        """Returns the names of records for messages, such as "record 3 (1.jpg)".

        Args:
            rows: Positions of the records from 0.
        """
        return tuple(f"record {n} ({self.images[n] or 'no image'})" for n in rows)

    def findings(
        self, *, severity: str, code: str, rows: Sequence[int] | np.ndarray, text: str, fix: str
    ) -> list[Finding]:
        """Returns a list with one finding on some records; an empty one if there are no records.

        Args:
            severity: "error", "warning", "note" or `ERROR_IF_FREQUENT`: an error if more than the
                share `FREQUENT` of the split's records have the problem, else a warning.
            code: Short name of the kind of problem.
            rows: Positions of the records that have the problem, from 0.
            text: Sentence on what was found and what is expected.
            fix: Sentence on how to correct the problem.
        """
        if not len(rows):
            return []
        if severity == ERROR_IF_FREQUENT:
            severity = "error" if len(rows) > FREQUENT * len(self) else "warning"
        return [
            Finding(
                severity=severity,
                code=code,
                file=str(self.path),
                text=text,
                fix=fix,
                count=len(rows),
                total=len(self),
                examples=self.record_names(int(n) for n in rows),
            )
        ]


def read_json(path: Path) -> tuple[Any, list[Finding]]:
    """Returns the content of a JSON file and no finding, or None and the reason as a finding.

    Args:
        path: Path of the file; a file that is missing or damaged gives a finding.
    """
    try:
        return json_files.read_json(path, "it may be incomplete"), []
    except InputError as problem:
        finding = Finding(
            severity="error",
            code="not_json",
            file=str(path),
            text=f"The file cannot be parsed: {str(problem).removeprefix(f'{path}: ')}.",
            fix="If it is incomplete, unpack or download it again.",
        )
    except OSError as problem:
        finding = Finding(
            severity="error",
            code="unreadable",
            file=str(path),
            text=f"The file cannot be read: {problem.strerror or problem}.",
            fix="Check that the path is a file and that you have permission to read it.",
        )
    return None, [finding]
