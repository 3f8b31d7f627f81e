"""Geometric checks of records: each on its own, then all of a file together.

Source: The format of MPII, and the pitfalls of HRNet's, mmpose's and Newell's files; the thresholds
    are below.
Checked against: The 2,958 published validation people, Leeds Sports and synthetic people, which
    pass, and one damaged copy for each kind of damage (tests/data/check/test_mpii.py).
"""

from __future__ import annotations

import numpy as np

from paddle_pose.data.check.findings import Finding
from paddle_pose.data.check.split import ERROR_IF_FREQUENT, FREQUENT, Split
from paddle_pose.skeletons import MPII_16, Skeleton

_NECK = MPII_16.joints.index("upper_neck")
_HEAD_TOP = MPII_16.joints.index("head_top")
# 0.75 x the distance from neck to head top is 25 px x scale for all published people of MPII
# (Leeds Sports: median 25.0; synthetic people: 24).
_HEAD_PER_SCALE = 25.0
_LIMBS = (
    ("shoulder", "elbow"),
    ("elbow", "wrist"),
    ("hip", "knee"),
    ("knee", "ankle"),
    ("shoulder", "hip"),
)


def check_records(split: Split, sizes: dict[str, tuple[int, int]]) -> list[Finding]:
    """Returns findings on the records of one split of MPII.

    Args:
        split: Readable part of the split.
        sizes: (width, height) in px by file name, of the images that could be opened, as of
            `check_images`.
    """
    first_rows: dict[tuple[object, ...], int] = {}
    keys = [
        (image, *(values[n].tobytes() for values in (split.joints, split.center, split.scale)))
        for n, image in enumerate(split.images)
    ]
    duplicates = [n for n, key in enumerate(keys) if first_rows.setdefault(key, n) != n]
    findings = split.findings(
        # trainval repeats records that train and val share, which are reported for val.
        severity="warning" if split.name == "trainval" else ERROR_IF_FREQUENT,
        code="duplicate",
        rows=duplicates,
        text="Some records repeat an earlier record of the file.",
        fix="Remove the copies.",
    )
    size = np.array([sizes.get(image, (np.nan, np.nan)) for image in split.images], np.float64)
    size = size.reshape(-1, 2)
    center_outside = ((split.center < 0.5) | (split.center > size + 0.5)).any(axis=1)
    findings += split.findings(
        severity=ERROR_IF_FREQUENT,
        code="center_outside",
        rows=np.flatnonzero(center_outside),
        text="Some records have a 'center' outside their image.",
        fix="Check that 'center' is in px of the image, and that 'image' names the right file.",
    )
    if split.name == "test":
        return findings
    readable = np.isfinite(split.joints).all(axis=(1, 2))
    findings += split.findings(
        severity=ERROR_IF_FREQUENT,
        code="nothing_labelled",
        rows=np.flatnonzero(readable & ~split.labelled.any(axis=1)),
        text="Some records have 'joints_vis' 0 for all joints; nothing can be learned from them.",
        fix="Set 'joints_vis' to 1 for annotated joints, or remove the records.",
    )
    points = split.points
    outside = ((points < 1 - 5.0) | (points > size[:, None] + 5.0)).any(axis=(1, 2))
    findings += split.findings(
        severity=ERROR_IF_FREQUENT,
        code="joint_outside_image",
        rows=np.flatnonzero(outside),
        text="Some records have a labelled joint more than 5 px outside their image.",
        fix="Check that 'image' names the right file and that it was not resized; give missing "
        "joints 'joints_vis' 0.",
    )
    half_window = 125.0 * split.scale
    window_center = split.center + np.stack([0 * split.scale, 15.0 * split.scale], axis=1)
    distance = np.abs(points - window_center[:, None]).max(axis=2) / half_window[:, None]
    distance = np.nan_to_num(distance, nan=0.0).max(axis=1)
    far = np.flatnonzero(distance > 1.5)
    if len(far) <= FREQUENT * len(split):
        far = np.flatnonzero(distance > 4.0)  # the published files have a few, up to 3.8
    findings += split.findings(
        severity=ERROR_IF_FREQUENT,
        code="joint_outside_box",
        rows=far,
        text="Some records have a joint far outside the person's window, the square of "
        "250 px x 'scale' around 'center'.",
        fix="Check that 'center' and 'scale' belong to this person and to the size of this image; "
        "else correct the joint.",
    )
    return [*findings, *_check_base(split), *_check_adjusted(split), *check_sides(split, MPII_16)]


def _check_base(split: Split) -> list[Finding]:
    """Returns a finding if the coordinates of missing joints, -1 in MPII, show 0-based joints."""
    missing = split.joints[~split.labelled & np.isfinite(split.joints).all(axis=2)]
    shifted = (split.joints == -2).all(axis=2) & ~split.labelled
    if shifted.sum() <= len(missing) / 2:
        return []
    return split.findings(
        severity="error",
        code="zero_based",
        rows=np.flatnonzero(shifted.any(axis=1)),
        text="Missing joints are (-2, -2) instead of (-1, -1): 1 was subtracted from all joints, "
        "so they count from 0; expected joints that count from 1.",
        fix="Add 1 to each joint and to 'center'; the reader subtracts it.",
    )


def _check_adjusted(split: Split) -> list[Finding]:
    """Returns findings if scale and center contain the adjustments that readers make.

    Newell's h5 files have scale x 1.25, and the center moved down by 15 px x scale.
    """
    points = split.points
    head = 0.75 * np.linalg.norm(points[:, _NECK] - points[:, _HEAD_TOP], axis=1) / split.scale
    head = head[np.isfinite(head)]
    is_complete = (
        (split.labelled.sum(axis=1) >= 14)
        & np.isfinite(split.scale)
        & np.isfinite(split.center).all(axis=1)
    )
    if len(head) < 3 or is_complete.sum() < 3:
        return []
    labelled = split.labelled[is_complete][..., None]
    low = points[is_complete].min(axis=1, initial=np.inf, where=labelled)
    high = points[is_complete].max(axis=1, initial=-np.inf, where=labelled)
    scale = split.scale[is_complete]
    center = split.center[is_complete]
    head_ratio = float(np.median(head))
    head_spread = float(np.subtract(*np.percentile(head, [75, 25])))
    length = float(np.median((high - low).max(axis=1) / (200 * scale)))
    shift = float(np.median((center[:, 1] - (low + high)[:, 1] / 2) / scale))
    rows = np.arange(len(split))
    measured = (
        f"0.75 x the distance from neck to head top is {head_ratio:.1f} px x 'scale' (published: "
        f"{_HEAD_PER_SCALE:.1f})"
    )
    if not 10 < head_ratio < 60 or not 0.3 < length < 2.5:
        return split.findings(
            severity="error",
            code="scale_unit",
            rows=rows,
            text=f"'scale' is not the person's height / 200 px: {measured}, and the joints extend "
            f"over {length:.2f} of that height.",
            fix="Write the person's height in px / 200 as 'scale'.",
        )
    findings = []
    if head_ratio < 22.4 and (head_spread < 0.5 or length < 0.78):
        findings += split.findings(
            severity="error",
            code="adjusted_twice",
            rows=rows,
            text=f"'scale' has already been multiplied by 1.25, which readers do: {measured}.",
            fix="Divide 'scale' by 1.25, and subtract 15 x 'scale' from the y of 'center', as in "
            "HRNet's JSON files.",
        )
    if shift > 2.0:
        findings += split.findings(
            severity="error" if findings or is_complete.sum() >= 50 else "warning",
            code="center_moved_twice",
            rows=rows,
            text=f"'center' is {shift:.1f} px x 'scale' below the middle of the joints: it has "
            "already been moved down, which readers do.",
            fix="Subtract 15 x (published) 'scale' from the y of 'center'; the reader adds it.",
        )
    return findings


def check_sides(split: Split, skeleton: Skeleton) -> list[Finding]:
    """Returns findings on limbs whose two joints are not on the same side of the body.

    In 91 to 97 % of the published people, a joint is nearer to the other joint of the limb on its
    own side than to the one on the other side.

    Args:
        split: Readable part of the split.
        skeleton: Skeleton of the split's joints; limbs that it does not have are not checked.
    """
    findings = []
    for first, second in _LIMBS:
        pairs = [[f"{side}_{name}" for side in ("right", "left")] for name in (first, second)]
        if not {name for pair in pairs for name in pair} <= set(skeleton.joints):
            continue
        (a, b), (c, d) = (
            [split.points[:, skeleton.joints.index(name)] for name in pair] for pair in pairs
        )
        same_side = np.linalg.norm(a - c, axis=1) + np.linalg.norm(b - d, axis=1)
        other_side = np.linalg.norm(a - d, axis=1) + np.linalg.norm(b - c, axis=1)
        known = np.isfinite(same_side + other_side)
        share = float((same_side < other_side)[known].mean()) if known.any() else 1.0
        if known.sum() >= 3 and share < (0.7 if known.sum() >= 20 else 0.5):
            findings += split.findings(
                severity="error",
                code="sides_mixed",
                rows=np.flatnonzero(known & (same_side >= other_side)),
                text=f"Left and right are swapped in {first} or in {second}, but not in both: the "
                f"two are nearer on the same side in only {100 * share:.0f} % of the people.",
                fix=f"Check that keypoints are in the order {', '.join(skeleton.joints)}.",
            )
    return findings


def count_facing(split: Split) -> tuple[int, int]:
    """Returns how many upright people of a split of MPII are seen from the front.

    Args:
        split: Readable part of the split.

    Returns:
        The number of upright people whose right shoulder and hip are to the left of the left ones
        in the image, and the number of all upright people whose shoulders and hips agree.
    """
    joint = {name: split.points[:, MPII_16.joints.index(name)] for name in MPII_16.joints}
    shoulders = joint["right_shoulder"] - joint["left_shoulder"]
    hips = joint["right_hip"] - joint["left_hip"]
    hip_y = np.minimum(joint["right_hip"][:, 1], joint["left_hip"][:, 1])
    upright = joint["upper_neck"][:, 1] < hip_y
    consistent = upright & (shoulders[:, 0] * hips[:, 0] > 0)
    return int((consistent & (hips[:, 0] < 0)).sum()), int(consistent.sum())
