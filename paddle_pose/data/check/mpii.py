"""Examines a data set in MPII's layout and says what would spoil a training, with file, record and remedy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from paddle_pose.data.check.compare import compare_facing, compare_trainval, compare_truth
from paddle_pose.data.check.findings import KNOWN, Finding, Split, read_split
from paddle_pose.data.check.geometry import check_records
from paddle_pose.data.check.images import check_images
from paddle_pose.data.mpii import LAYOUT, SPLITS, read_ground_truth

SEVERITIES = ("error", "warning", "note")
LIMITS = (
    "Cannot be told from these files: whether training joints count from 0 when neither trainval nor missing joints betray "
    "it; whether single training people have all their sides swapped (a whole set is judged by how many face the camera)."
)
_SHOWN = 5  # examples of a finding in the text


@dataclass(frozen=True)
class Report:
    """The result of an examination.

    Attributes:
        root: the data set.
        counts: samples and images of every split found.
        decoded: images whose pixels were decoded.
        findings: errors first.
        published: samples and images of the published data set's splits.
        limits: what cannot be told.
    """

    root: str
    counts: dict[str, tuple[int, int]]
    decoded: int
    findings: tuple[Finding, ...]
    published: dict[str, tuple[int, int]]
    limits: str

    def number(self, severity: str) -> int:
        """Counts the findings of one severity."""
        return sum(finding.severity == severity for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """Returns all of it, every example included, for JSON."""
        totals = {severity: self.number(severity) for severity in SEVERITIES}
        return {**asdict(self), "totals": totals}

    def text(self) -> str:
        """Returns the report for reading: counts, findings, totals."""
        lines = [self.root, f"{'split':<10}{'samples':>9}{'images':>9}   published"]
        for name, (samples, images) in self.counts.items():
            known = "{:,} in {:,}".format(*self.published[name]) if name in self.published else "-"
            lines.append(f"{name:<10}{samples:>9,}{images:>9,}   {known}")
        for finding in self.findings:
            lines += [
                "",
                f"{finding.severity.upper()} {finding.code}: {finding.count:,} of {finding.total:,} in {finding.file}",
            ]
            lines += [f"  {finding.text}", *(f"    {example}" for example in finding.examples[:_SHOWN])]
            if len(finding.examples) > _SHOWN:
                lines.append(f"    ... and {len(finding.examples) - _SHOWN:,} more (--json lists all)")
            lines.append(f"  To do: {finding.fix}")
        lines += ["", f"{'finding':<24}{'severity':<10}{'count':>9}"]
        lines += [f"{finding.code:<24}{finding.severity:<10}{finding.count:>9,}" for finding in self.findings]
        numbers = ", ".join(f"{self.number(severity)} {severity}s" for severity in SEVERITIES)
        text = "\n".join([*lines, f"{numbers}; {self.decoded:,} images decoded", self.limits])
        return text.encode("utf-8", "backslashreplace").decode()  # a damaged name may hold what cannot be printed


@np.errstate(over="ignore", invalid="ignore")  # absurd numbers are findings
def examine(root: Path, decode: str = "all", progress: Callable[[str], None] | None = None) -> Report:
    """Examines a data set; damage is reported, never raised.

    Args:
        root: the folder D with `images/` and `annotations/`.
        decode: "all", "sample" or "none": whose pixels are decoded.
        progress: called with a line of text from time to time.

    Raises:
        FileNotFoundError: If `root` is no folder.
        ValueError: If `decode` is unknown.
    """
    if not root.is_dir():
        raise FileNotFoundError(f"{root}: no such folder; {LAYOUT}")
    findings: list[Finding] = []
    splits: dict[str, Split] = {}
    for name in SPLITS:
        path = root / "annotations" / f"mpii_{name}.json"
        if path.exists():
            split, problems = read_split(path, name)
            # Nothing is trained or measured on test records.
            findings += [replace(found, severity="warning") for found in problems] if name == "test" else problems
            if split is not None:
                splits[name] = split
        elif name in ("train", "val"):
            findings.append(Finding("error", "missing_file", str(path), "not there", LAYOUT + _hint(root)))
    names = list(dict.fromkeys(image for split in splits.values() for image in split.images if image))
    sizes, problems, decoded = check_images(root / "images", names, decode, progress)
    findings += _softened(problems, splits)
    for split in splits.values():
        findings += [*_count(split), *check_records(split, sizes)]
    findings += _truth(root / "annotations" / "mpii_gt_val.mat", splits.get("val"))
    parts = [splits[name] for name in ("train", "val") if name in splits]
    if len(parts) == 2:
        findings += [*shared_images(*parts), *compare_facing(*parts)]
        if "trainval" in splits:
            findings += compare_trainval(splits["trainval"], parts)
    counts = {name: (len(split), len(set(split.images))) for name, split in splits.items()}
    return Report(str(root), counts, decoded, sorted_findings(findings), KNOWN, LIMITS)


def sorted_findings(findings: list[Finding]) -> tuple[Finding, ...]:
    """Returns errors first, notes last."""
    return tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))


def _hint(root: Path) -> str:
    below = sorted(path.parent for path in root.glob("*/annotations") if path.is_dir())
    return f"; did you mean {below[0]}?" if below else ""


def _softened(problems: list[Finding], splits: dict[str, Split]) -> list[Finding]:
    """Nothing is trained on test images: what concerns only them is a note."""
    needed = {image for name, split in splits.items() if name != "test" for image in split.images}
    softened = []
    for finding in problems:
        concerns_training = any(example.split(": ")[0] in needed for example in finding.examples)
        mild = finding.severity != "note" and not concerns_training
        softened.append(replace(finding, severity="note") if mild else finding)
    return softened


def _count(split: Split) -> list[Finding]:
    if split.name not in KNOWN:
        return []
    got, known = (len(split), len(set(split.images))), KNOWN[split.name]
    if got == known:
        return []
    if not 0.8 < got[0] / known[0] < 1.25:
        return []  # another data set; the table shows both numbers
    text = "{:,} samples in {:,} images; MPII as published has {:,} in {:,}".format(*got, *known)
    fix = "results will not compare with published ones: take the published file"
    return [Finding("warning", "count", str(split.path), text, fix)]


def _truth(mat: Path, val: Split | None) -> list[Finding]:
    try:
        truth = read_ground_truth(mat)
    except (FileNotFoundError, ValueError) as problem:
        code = "bad_mat" if mat.exists() else "missing_file"
        fix = "PCKh needs it: take mpii_gt_val.mat (gt_valid.mat) from the archive or from HRNet's annotations"
        return [Finding("error", code, str(mat), str(problem), fix)]
    return compare_truth(val, truth, mat.name) if val is not None else []


def shared_images(train: Split, val: Split) -> list[Finding]:
    """Finds validation records whose image is in the training set."""
    shared = set(train.images) & set(val.images) - {""}
    rows = [n for n, image in enumerate(val.images) if image in shared]
    text, fix = (
        "validation records whose image is in the training set",
        "results on val will be too good: separate them",
    )
    return val.found("warning", "shared_image", rows, text, fix)
