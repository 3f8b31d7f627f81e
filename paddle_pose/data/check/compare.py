"""Comparison of the people of a JSON file with the same people in another file.

It checks the order of the people, whether joints count from 0 or 1, left and right, and labels.
"""

from __future__ import annotations

import numpy as np

from paddle_pose.data.check.findings import Finding
from paddle_pose.data.check.geometry import count_facing
from paddle_pose.data.check.split import ERROR_IF_FREQUENT, Split
from paddle_pose.data.mpii import GroundTruth
from paddle_pose.skeletons import MPII_16

_SAME_PX = 1.0  # files round joints to pixels
# The JSON and the .mat file round neck and head top differently, by up to two pixels.
_DIFFERENT_PX = 3.0
# Slots of the joints of each mirror pair.
_PAIRS = [tuple(MPII_16.joints.index(name) for name in pair) for pair in MPII_16.mirror_pairs]


def compare(split: Split, points: np.ndarray, labelled: np.ndarray, other: str) -> list[Finding]:
    """Returns findings on how record n of a split differs from person n of another list.

    Args:
        split: Readable part of a split of MPII with N records.
        points: Joints of the other list in MPII's order, [N, 16, 2] in 1-based image px; those that
            are not labelled may have any value.
        labelled: Whether each joint of the other list is labelled, [N, 16] bool.
        other: Name of the other list, such as "mpii_gt_val.mat", for messages.
    """
    both = split.labelled & labelled
    difference = np.where(both[..., None], split.joints - points, np.nan)
    shift = _common_shift(difference)
    joints = split.joints - shift
    findings = []
    if shift:
        text = (
            f"All joints are {shift:+.0f} px in x and y from those of {other}: one of the two "
            "files counts from 0; both must count from 1."
        )
        if shift < 0:
            text = (
                f"Joints count from 0, but those of {other} count from 1: all are 1 px too far to "
                "the upper left."
            )
        findings += split.findings(
            severity="error",
            code="zero_based",
            rows=np.arange(len(split)),
            text=text,
            fix="Add 1 to each joint and 'center' of the 0-based file; JSON and .mat files count "
            "from 1.",
        )
    same = both & _near(joints, points)
    swapped = np.stack(
        [_swapped(joints, split.labelled, points, labelled, same, pair=(a, b)) for a, b in _PAIRS],
        axis=1,
    )
    mirrored = swapped.any(axis=1)
    fits = mirrored | (2 * same.sum(axis=1) >= np.maximum(1, both.sum(axis=1))) & both.any(axis=1)
    mismatched = np.flatnonzero(~fits & split.labelled.any(axis=1))
    findings += _find_mismatched(
        split, joints, points, labelled=labelled, rows=mismatched, other=other
    )
    names = [
        MPII_16.mirror_pairs[pair][0].removeprefix("left_")
        for pair in np.flatnonzero(swapped.any(axis=0))
    ]
    findings += split.findings(
        severity="error",
        code="sides_swapped",
        rows=np.flatnonzero(mirrored),
        text=f"Some records have left and right joints swapped ({', '.join(names)}), compared with "
        f"{other}.",
        fix="Swap them back. If an image was mirrored, its left and right joints must be swapped "
        "exactly once.",
    )
    usual = fits & ~mirrored
    findings += split.findings(
        severity=ERROR_IF_FREQUENT,
        code="labels_differ",
        rows=np.flatnonzero(usual & (split.labelled != labelled).any(axis=1)),
        text=f"Some records label other joints than {other}.",
        fix="Take 'joints_vis' from 'jnt_missing': 1 for annotated joints, also hidden ones.",
    )
    moved = (both & ~_near(joints, points, _DIFFERENT_PX)).any(axis=1)
    findings += split.findings(
        severity=ERROR_IF_FREQUENT,
        code="joints_differ",
        rows=np.flatnonzero(usual & moved),
        text=f"Some records have a joint more than {_DIFFERENT_PX:.0f} px from that of {other}.",
        fix="Unpack the annotations again.",
    )
    return findings


def compare_truth(split: Split, truth: GroundTruth, mat: str) -> list[Finding]:
    """Returns findings on differences of MPII's validation files, and on the head sizes.

    Args:
        split: Readable part of `mpii_val.json`.
        truth: Content of `mpii_gt_val.mat`, which must list the same people in the same order.
        mat: Name of the .mat file, for messages.
    """
    findings = []
    count, people = len(split), len(truth.head_sizes)
    if count != people:
        findings.append(
            Finding(
                severity="error",
                code="count_differs",
                file=str(split.path),
                text=f"The file has {count} records, but {mat} has {people} people; expected the "
                "same number, because PCKh matches them by position.",
                fix="Take both files from the same release.",
            )
        )
    common = min(count, people)
    part = split.take(range(common))
    findings += compare(part, truth.keypoints[:common] + 1.0, truth.labelled[:common], mat)
    neck, top = (MPII_16.joints.index(name) for name in ("upper_neck", "head_top"))
    length = np.linalg.norm(truth.keypoints[:, neck] - truth.keypoints[:, top], axis=1)
    known = truth.labelled[:, neck] & truth.labelled[:, top] & (length > 0)
    if known.any():
        ratio = float(np.median(truth.head_sizes[known] / length[known])) / 0.75
        if not 0.9 < ratio < 1.1:
            findings.append(
                Finding(
                    severity="error",
                    code="head_size_ratio",
                    file=mat,
                    text="The head sizes, 0.6 x the diagonals of the head boxes, are "
                    f"{ratio:.2f} x 0.75 x the distance from neck to head top (published: 1.00 x).",
                    fix="Write 'headboxes_src' as (x1, y1), (x2, y2) in px, not scaled; PCKh "
                    "divides by the head size.",
                    count=int(known.sum()),
                    total=people,
                )
            )
    return findings


def compare_trainval(both: Split, parts: list[Split]) -> list[Finding]:
    """Returns findings on how `trainval` differs from `train` and `val` together.

    The n-th person of an image in one is compared with the n-th person of this image in the other.

    Args:
        both: Readable part of `mpii_trainval.json`.
        parts: Readable parts of `mpii_train.json` and `mpii_val.json`.
    """
    by_image: dict[str, list[tuple[Split, int]]] = {}
    for part in parts:
        for n, image in enumerate(part.images):
            by_image.setdefault(image, []).append((part, n))
    rows: list[int] = []
    matches: list[tuple[Split, int]] = []
    for n, image in enumerate(both.images):
        if remaining := by_image.get(image):
            rows.append(n)
            matches.append(remaining.pop(0))
    num_unmatched = sum(map(len, by_image.values()))
    findings = []
    if num_unmatched or len(rows) < len(both):
        findings.append(
            Finding(
                severity="warning",
                code="trainval_differs",
                file=str(both.path),
                text=f"{len(both) - len(rows)} records of trainval are in neither train nor val, "
                f"and {num_unmatched} records of train and val are not in trainval.",
                fix="Create trainval again from all records of train, followed by all of val.",
            )
        )
    if not rows:
        return findings
    points = np.array([part.joints[n] for part, n in matches])
    labelled = np.array([part.labelled[n] for part, n in matches])
    return findings + compare(both.take(rows), points, labelled, "train and val")


def shared_images(train: Split, val: Split) -> list[Finding]:
    """Returns a finding on validation records whose image is also in the training set, if any.

    Args:
        train: Readable part of the training split.
        val: Readable part of the validation split, whose file the finding names.
    """
    shared = set(train.images) & set(val.images) - {""}
    rows = [n for n, image in enumerate(val.images) if image in shared]
    return val.findings(
        severity="warning",
        code="shared_image",
        rows=rows,
        text="Some validation records have an image that is also in the training set, which makes "
        "results on val too good.",
        fix="Remove the image from one of the two splits.",
    )


def compare_facing(train: Split, val: Split) -> list[Finding]:
    """Returns a finding if the shares of people who face the camera in train and val do not agree.

    They differ greatly if left and right are swapped in all records of one of the two.

    Args:
        train: Readable part of MPII's training split.
        val: Readable part of MPII's validation split.
    """
    front, people = count_facing(train)
    val_front, val_people = count_facing(val)
    if not people or not val_people:
        return []
    share, val_share = front / people, val_front / val_people
    pooled = (front + val_front) / (people + val_people)
    spread = np.sqrt(pooled * (1 - pooled) * (1 / people + 1 / val_people))
    if (share - 0.5) * (val_share - 0.5) >= 0 or abs(share - val_share) < 3.9 * spread:
        return []
    return train.findings(
        severity="error",
        code="sides_swapped",
        rows=np.arange(len(train)),
        text=f"{100 * share:.0f} % of the upright people face the camera in train, but "
        f"{100 * val_share:.0f} % in val: left and right are swapped in one of the two files.",
        fix="In the published files 73 % face the camera; correct the order of the joints of the "
        "file that differs (0 right ankle ... 5 left ankle, 10 right wrist ... 15 left wrist).",
    )


def _near(a: np.ndarray, b: np.ndarray, px: float = _SAME_PX) -> np.ndarray:
    """Returns whether points [..., 2] are at most `px` apart in x and in y; False for NaN."""
    with np.errstate(invalid="ignore"):
        near: np.ndarray = np.abs(a - b).max(axis=-1) <= px
        return near


def _common_shift(difference: np.ndarray) -> float:
    """Returns the shift of the joints of one list against another: -1, 0 or +1 px in x and y.

    Args:
        difference: Differences of the joints of N people, [N, 16, 2] in px; NaN if not labelled.
    """
    known = np.isfinite(difference).all(axis=-1)
    shares = {}
    for shift in (0.0, -1.0, 1.0):
        matching = _near(difference, np.full(2, shift), 0.3) & known
        shares[shift] = float(matching.sum() / max(1, known.sum()))
    best = max(shares, key=lambda shift: shares[shift])
    return best if shares[best] > 0.25 else 0.0


def _swapped(
    joints: np.ndarray,
    labelled: np.ndarray,
    points: np.ndarray,
    other_labelled: np.ndarray,
    same: np.ndarray,
    *,
    pair: tuple[int, int],
) -> np.ndarray:
    """Returns in which records the two joints of a mirror pair are swapped against another list.

    Args:
        joints: Joints of the records, [N, 16, 2] in px.
        labelled: Whether they are labelled, [N, 16] bool.
        points: Joints of the other list, [N, 16, 2] in px.
        other_labelled: Whether they are labelled, [N, 16] bool.
        same: Whether a joint is at the same place in both lists, [N, 16] bool.
        pair: Slots of the two joints.

    Returns:
        [N] bool: At least one of the two joints is where the other list has its counterpart, and no
        labelled one contradicts this.
    """
    a, b = pair
    crossed = np.zeros(len(joints), bool)
    contradicted = np.zeros(len(joints), bool)
    for slot, other_slot in ((a, b), (b, a)):
        known = labelled[:, slot] & other_labelled[:, other_slot]
        near = known & _near(joints[:, slot], points[:, other_slot])
        crossed |= near & ~same[:, slot]
        contradicted |= known & ~near
    return crossed & ~contradicted


def _find_mismatched(
    split: Split,
    joints: np.ndarray,
    points: np.ndarray,
    *,
    labelled: np.ndarray,
    rows: np.ndarray,
    other: str,
) -> list[Finding]:
    """Returns findings on records that are not the person at their position in another list.

    Args:
        split: Readable part of the split.
        joints: Joints of the split after removing a common shift, [N, 16, 2] in px.
        points: Joints of the other list, [N, 16, 2] in px.
        labelled: Whether the joints of the other list are labelled, [N, 16] bool.
        rows: Positions of the records that differ from the other list.
        other: Name of the other list, for messages.
    """
    if not len(rows):
        return []

    def centers(values: np.ndarray, known: np.ndarray) -> np.ndarray:
        """Returns the mean [N, 2] of the known joints of each person."""
        total = np.where(known[..., None], values, 0).sum(axis=1)
        means: np.ndarray = total / np.maximum(1, known.sum(axis=1))[:, None]
        return means

    split_centers = centers(joints, split.labelled)
    other_centers = centers(points, labelled)
    misplaced: list[int] = []
    examples: list[str] = []
    absent: list[int] = []
    for n in rows:
        distance = np.abs(other_centers - split_centers[n]).max(axis=1)
        candidates = np.flatnonzero(distance <= _SAME_PX + 0.5)
        known = split.labelled[n] & labelled[candidates]
        num_same = (_near(joints[n], points[candidates]) & known).sum(axis=1)
        matches = candidates[2 * num_same >= np.maximum(1, known.sum(axis=1))]
        if len(matches):
            misplaced.append(n)
            examples.append(f"{split.record_names([n])[0]} is person {matches[0]}")
        else:
            absent.append(n)
    findings = split.findings(
        severity="error",
        code="other_person",
        rows=np.array(absent, int),
        text=f"Some records are another person than the one at the same position in {other}; PCKh "
        "matches people by position.",
        fix="Take both files from the same release.",
    )
    if misplaced:
        findings.append(
            Finding(
                severity="error",
                code="order",
                file=str(split.path),
                text=f"Some records are at another position than in {other}; PCKh matches people "
                "by position.",
                fix="Restore the published order of the records.",
                count=len(misplaced),
                total=len(split),
                examples=tuple(examples),
            )
        )
    return findings
