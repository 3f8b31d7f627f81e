"""What can be wrong with the records of one MPII json file: each on its own, then all together.

Source: the format and the pitfalls that users of HRNet, mmpose and Newell's h5 files met; the thresholds below.
Checked against: the 2,958 published validation people, Leeds Sports and synthetic people, which pass, and one damaged copy for
    every kind of damage (tests/data/check/test_mpii.py).
"""

from __future__ import annotations

import numpy as np

from paddle_pose.data.check.findings import Finding
from paddle_pose.data.check.split import FEW, Split
from paddle_pose.skeletons import MPII_16, Skeleton

_NECK, _HEAD_TOP = MPII_16.joints.index("upper_neck"), MPII_16.joints.index("head_top")
# Published people: 0.75 x neck to head top is 25 px x scale, in MPII for every person (Leeds: median 25.0, drawn: 24).
_HEAD_PER_SCALE = 25.0
_CHAINS = (
    ("shoulder", "elbow"),
    ("elbow", "wrist"),
    ("hip", "knee"),
    ("knee", "ankle"),
    ("shoulder", "hip"),
)


def check_records(split: Split, sizes: dict[str, tuple[int, int]]) -> list[Finding]:
    """Checks the records of one split.

    Args:
        split: Readable part of the split.
        sizes: (width, height) px of the images that could be opened.
    """
    seen: dict[tuple[object, ...], int] = {}
    keys = [
        (image, *(part[n].tobytes() for part in (split.joints, split.center, split.scale)))
        for n, image in enumerate(split.images)
    ]
    again = [n for n, key in enumerate(keys) if seen.setdefault(key, n) != n]
    # trainval repeats what train and val have in common, which is told for val.
    severity = "warning" if split.name == "trainval" else "share"
    findings = split.found(
        severity, "duplicate", again, "records that repeat an earlier one", "remove the copies"
    )
    size = np.array(
        [sizes.get(image, (np.nan, np.nan)) for image in split.images], np.float64
    ).reshape(-1, 2)
    astray = ((split.center < 0.5) | (split.center > size + 0.5)).any(axis=1)
    findings += split.found(
        "share",
        "center_outside",
        np.flatnonzero(astray),
        "centres outside the image",
        "check center and the image",
    )
    if split.name == "test":
        return findings
    readable = np.isfinite(split.joints).all(axis=(1, 2))
    empty = np.flatnonzero(readable & ~split.labelled.any(axis=1))
    findings += split.found(
        "share",
        "nothing_labelled",
        empty,
        "records with joints_vis 0 everywhere",
        "nothing is learned from them: remove them",
    )
    points, half = split.points, 125.0 * split.scale
    outside = ((points < 1 - 5.0) | (points > size[:, None] + 5.0)).any(axis=(1, 2))
    findings += split.found(
        "share",
        "joint_outside_image",
        np.flatnonzero(outside),
        "records with a labelled joint more than 5 px outside the image",
        "does the image belong to the record, and was it resized? A missing joint is joints_vis 0",
    )
    lower = split.center + np.stack([0 * split.scale, 15.0 * split.scale], axis=1)
    away = np.abs(points - lower[:, None]).max(axis=2) / half[:, None]
    away = np.nan_to_num(away, nan=0.0).max(axis=1)
    far = np.flatnonzero(away > 1.5)
    if len(far) <= FEW * len(split):
        far = np.flatnonzero(away > 4.0)  # a few far ones are in the published files, up to 3.8
    findings += split.found(
        "share",
        "joint_outside_box",
        far,
        "records with a joint far outside the person's window (the square of 250 px x scale)",
        "center and scale belong to another person, another image size, or the joint is wrong",
    )
    return [*findings, *_base(split), *_adjusted_twice(split), *check_sides(split, MPII_16)]


def _base(split: Split) -> list[Finding]:
    missing = split.joints[~split.labelled & np.isfinite(split.joints).all(axis=2)]
    moved = (split.joints == -2).all(axis=2) & ~split.labelled
    if moved.sum() <= len(missing) / 2:
        return []
    return split.found(
        "error",
        "zero_based",
        np.flatnonzero(moved.any(axis=1)),
        "missing joints are (-2, -2) instead of (-1, -1): 1 was subtracted from all joints, they count from 0",
        "add 1 to every joint and centre: readers subtract it themselves",
    )


def _adjusted_twice(split: Split) -> list[Finding]:
    """Newell's h5 files hold scale x 1.25 and the centre moved down by 15 x scale: readers do both again."""
    points, rows = split.points, np.arange(len(split))
    head = 0.75 * np.linalg.norm(points[:, _NECK] - points[:, _HEAD_TOP], axis=1) / split.scale
    head = head[np.isfinite(head)]
    whole = (
        (split.labelled.sum(axis=1) >= 14)
        & np.isfinite(split.scale)
        & np.isfinite(split.center).all(axis=1)
    )
    if len(head) < 3 or whole.sum() < 3:
        return []
    low = points[whole].min(axis=1, initial=np.inf, where=split.labelled[whole][..., None])
    high = points[whole].max(axis=1, initial=-np.inf, where=split.labelled[whole][..., None])
    scale, center = split.scale[whole], split.center[whole]
    ratio = float(np.median(head))
    length = float(np.median((high - low).max(axis=1) / (200 * scale)))
    below = float(np.median((center[:, 1] - (low + high)[:, 1] / 2) / scale))
    spread = float(np.subtract(*np.percentile(head, [75, 25])))
    measured = (
        f"0.75 x neck to head top is {ratio:.1f} px x scale (published: {_HEAD_PER_SCALE:.1f})"
    )
    if not 10 < ratio < 60 or not 0.3 < length < 2.5:
        text = f"scale is not the person's height / 200 px: {measured}, and the joints span {length:.2f} of it"
        return split.found("error", "scale_unit", rows, text, "write scale = height in px / 200")
    findings = []
    if ratio < 22.4 and (spread < 0.5 or length < 0.78):
        text = f"scale has been multiplied by 1.25 already: {measured}"
        fix = "divide scale by 1.25, and take the 15 x scale from center's y, as in HRNet's json files"
        findings += split.found("error", "adjusted_twice", rows, text, fix)
    if below > 2.0:
        severity = "error" if findings or whole.sum() >= 50 else "warning"
        text = f"centres lie {below:.1f} px x scale below the middle of the joints: they were moved down already"
        fix = "subtract 15 x (published) scale from center's y: readers add it"
        findings += split.found(severity, "center_moved_twice", rows, text, fix)
    return findings


def check_sides(split: Split, skeleton: Skeleton) -> list[Finding]:
    """Checks left and right along a limb: a joint is nearer to its own side's neighbour in 91 to 97 % of the published people.

    Args:
        split: Split to check.
        skeleton: Skeleton of the split's joints; limbs of the body that it does not have are not checked.
    """
    findings = []
    for first, second in _CHAINS:
        pairs = [[f"{side}_{name}" for side in ("right", "left")] for name in (first, second)]
        if not {name for pair in pairs for name in pair} <= set(skeleton.joints):
            continue
        (a, b), (c, d) = (
            [split.points[:, skeleton.joints.index(name)] for name in pair] for pair in pairs
        )
        own = np.linalg.norm(a - c, axis=1) + np.linalg.norm(b - d, axis=1)
        crossed = np.linalg.norm(a - d, axis=1) + np.linalg.norm(b - c, axis=1)
        known = np.isfinite(own + crossed)
        share = float((own < crossed)[known].mean()) if known.any() else 1.0
        if known.sum() >= 3 and share < (0.7 if known.sum() >= 20 else 0.5):
            findings += split.found(
                "error",
                "sides_mixed",
                np.flatnonzero(known & (own >= crossed)),
                f"left and right are swapped in {first} or {second}, not in both: only {100 * share:.0f} % of the people "
                "have them nearer on their own side",
                f"check the order of the joints: {', '.join(skeleton.joints)}",
            )
    return findings


def facing(split: Split) -> tuple[int, int]:
    """Counts upright people seen from the front (right shoulder and hip on the left of the image), and all such people."""
    side = {name: split.points[:, MPII_16.joints.index(name)] for name in MPII_16.joints}
    shoulders = side["right_shoulder"] - side["left_shoulder"]
    hips = side["right_hip"] - side["left_hip"]
    upright = side["upper_neck"][:, 1] < np.minimum(side["right_hip"][:, 1], side["left_hip"][:, 1])
    clear = upright & (shoulders[:, 0] * hips[:, 0] > 0)
    return int((clear & (hips[:, 0] < 0)).sum()), int(clear.sum())
