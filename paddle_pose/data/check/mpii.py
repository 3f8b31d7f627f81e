"""Checks a data set in MPII's layout for what would spoil a training; every finding names file, record and fix."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from paddle_pose.data.check.compare import (
    compare_facing,
    compare_trainval,
    compare_truth,
    shared_images,
)
from paddle_pose.data.check.findings import Finding, Report, sorted_findings
from paddle_pose.data.check.geometry import check_records
from paddle_pose.data.check.images import check_images
from paddle_pose.data.check.mpii_records import read_split
from paddle_pose.data.check.split import Split
from paddle_pose.data.mpii import LAYOUT, PUBLISHED_COUNTS, SPLITS, read_ground_truth
from paddle_pose.progress import ProgressFactory, no_progress

LIMITS = (
    "Cannot be told from these files: whether training joints count from 0 when neither trainval nor missing joints betray "
    "it; whether single training people have all their sides swapped (a whole set is judged by how many face the camera)."
)


@np.errstate(over="ignore", invalid="ignore")  # absurd numbers are findings
def check_mpii(root: Path, decode: str = "all", progress: ProgressFactory = no_progress) -> Report:
    """Checks a data set; damage is reported, never raised.

    Args:
        root: Folder D with `images/` and `annotations/`.
        decode: Images whose pixels are decoded: "all", "sample" (200 of them) or "none".
        progress: Makes the progress over the images.

    Raises:
        FileNotFoundError: If `root` is no folder.
        InputError: If `decode` is unknown.
    """
    if not root.is_dir():
        raise FileNotFoundError(f"{root}: no such folder; {LAYOUT} for --dataset_root D")
    findings: list[Finding] = []
    splits: dict[str, Split] = {}
    for name in SPLITS:
        path = root / "annotations" / f"mpii_{name}.json"
        if path.exists():
            split, problems = read_split(path, name)
            # Nothing is trained or measured on test records.
            findings += (
                [replace(found, severity="warning") for found in problems]
                if name == "test"
                else problems
            )
            if split is not None:
                splits[name] = split
        elif name in ("train", "val"):
            findings.append(
                Finding(
                    "error",
                    "missing_file",
                    str(path),
                    "not there",
                    f"{LAYOUT} for --dataset_root D{_hint(root)}",
                )
            )
    names = list(
        dict.fromkeys(image for split in splits.values() for image in split.images if image)
    )
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
    return Report(str(root), counts, decoded, sorted_findings(findings), PUBLISHED_COUNTS, LIMITS)


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
    if split.name not in PUBLISHED_COUNTS:
        return []
    published = PUBLISHED_COUNTS[split.name]
    counts = (len(split), len(set(split.images)))
    if counts == published:
        return []
    if not 0.8 < counts[0] / published[0] < 1.25:
        return []  # another data set; the table shows both numbers
    text = "{:,} samples in {:,} images; MPII as published has {:,} in {:,}".format(
        *counts, *published
    )
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
