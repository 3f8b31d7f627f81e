"""Check of a data set in MPII's layout, without training on it.

Each finding names the file, the records or images, and the fix.
"""

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
from paddle_pose.data.check.images import check_images, check_rotations
from paddle_pose.data.check.mpii_records import read_split
from paddle_pose.data.check.split import Split
from paddle_pose.data.mpii import LAYOUT, PUBLISHED_COUNTS, SPLITS, read_ground_truth
from paddle_pose.progress import ProgressFactory, no_progress

LIMITS = (
    "Not detectable from these files: training joints that count from 0, if neither trainval nor "
    "missing joints show it; single training people whose left and right joints are all swapped "
    "(in all people of a file, it is detected by how many of them face the camera)."
)


@np.errstate(over="ignore", invalid="ignore")  # extreme numbers are reported as findings
def check_mpii(root: Path, decode: str = "all", progress: ProgressFactory = no_progress) -> Report:
    """Returns the report on a data set in MPII's layout.

    Missing and damaged files are findings of the report and raise no errors.

    Args:
        root: Folder of the data set, with "images" and "annotations"; see `data.mpii.read_mpii`.
        decode: Images whose pixels are decoded: "all", "sample" (up to 200) or "none".
        progress: Function that creates a progress display for the images, see
            `progress.ProgressFactory`.

    Raises:
        FileNotFoundError: If `root` is not a folder.
        InputError: If `decode` has another value.
        MissingDependencyError: If SciPy is not installed, which `mpii_gt_val.mat` needs.
    """
    if not root.is_dir():
        raise FileNotFoundError(f"{root}: no such folder; {LAYOUT} for --dataset_root D")
    findings: list[Finding] = []
    splits: dict[str, Split] = {}
    for name in SPLITS:
        path = root / "annotations" / f"mpii_{name}.json"
        if path.exists():
            split, problems = read_split(path, name)
            if name == "test":  # test records are used neither for training nor for evaluation
                problems = [replace(problem, severity="warning") for problem in problems]
            findings += problems
            if split is not None:
                splits[name] = split
        elif name in ("train", "val"):
            findings.append(
                Finding(
                    severity="error",
                    code="missing_file",
                    file=str(path),
                    text=f"The annotation file of the split {name} does not exist.",
                    fix=f"Give the data set's folder as D: {LAYOUT} for --dataset_root D"
                    f"{_folder_hint(root)}",
                )
            )
    names = list(
        dict.fromkeys(image for split in splits.values() for image in split.images if image)
    )
    forms, problems, decoded = check_images(root / "images", names, decode, progress)
    sizes, rotations = check_rotations(forms, root / "images")
    findings += _downgraded([*problems, *rotations], splits)
    for split in splits.values():
        findings += [*_check_count(split), *check_records(split, sizes)]
    findings += _check_truth(root / "annotations" / "mpii_gt_val.mat", splits.get("val"))
    parts = [splits[name] for name in ("train", "val") if name in splits]
    if len(parts) == 2:
        findings += [*shared_images(*parts), *compare_facing(*parts)]
        if "trainval" in splits:
            findings += compare_trainval(splits["trainval"], parts)
    counts = {name: (len(split), len(set(split.images))) for name, split in splits.items()}
    return Report(str(root), counts, decoded, sorted_findings(findings), PUBLISHED_COUNTS, LIMITS)


def _folder_hint(root: Path) -> str:
    """Returns the end of a sentence: a folder below `root` that may be meant, if there is one."""
    below = sorted(path.parent for path in root.glob("*/annotations") if path.is_dir())
    return f"; did you mean {below[0]}?" if below else "."


def _downgraded(problems: list[Finding], splits: dict[str, Split]) -> list[Finding]:
    """Returns findings on images, with those that concern test images only as notes."""
    used = {image for name, split in splits.items() if name != "test" for image in split.images}
    findings = []
    for finding in problems:
        is_relevant = any(example.split(": ")[0] in used for example in finding.examples)
        findings.append(finding if is_relevant else replace(finding, severity="note"))
    return findings


def _check_count(split: Split) -> list[Finding]:
    """Checks whether a split has the published numbers of samples and images."""
    if split.name not in PUBLISHED_COUNTS:
        return []
    published = PUBLISHED_COUNTS[split.name]
    counts = (len(split), len(set(split.images)))
    if counts == published:
        return []
    if not 0.8 < counts[0] / published[0] < 1.25:
        return []  # another data set; the report shows both numbers
    return [
        Finding(
            severity="warning",
            code="count",
            file=str(split.path),
            text="The split has {:,} samples in {:,} images; the published MPII has {:,} in "
            "{:,}.".format(*counts, *published),
            fix="Use the published file if results are to be compared with published ones.",
        )
    ]


def _check_truth(mat: Path, val: Split | None) -> list[Finding]:
    """Checks the ground truth of the validation split, alone and against its JSON file."""
    try:
        truth = read_ground_truth(mat)
    except (FileNotFoundError, ValueError) as problem:
        return [
            Finding(
                severity="error",
                code="bad_mat" if mat.exists() else "missing_file",
                file=str(mat),
                text=f"The ground truth, which PCKh needs, cannot be read: {problem}.",
                fix="Take mpii_gt_val.mat (gt_valid.mat) from the archive or from HRNet's "
                "annotations.",
            )
        ]
    return compare_truth(val, truth, mat.name) if val is not None else []
