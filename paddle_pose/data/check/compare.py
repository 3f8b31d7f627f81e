"""Compares the people of a json file with the same people elsewhere: who is who, 0- or 1-based, left or right."""

from __future__ import annotations

import numpy as np

from paddle_pose.data.check.findings import Finding
from paddle_pose.data.check.geometry import facing
from paddle_pose.data.check.split import Split
from paddle_pose.data.mpii import GroundTruth
from paddle_pose.skeletons import MPII_16

_SAME_PX = 1.0  # files round joints to pixels
_MOVED_PX = 3.0  # json and mat round neck and head top differently, by up to two pixels
_PAIRS = [
    tuple(MPII_16.joints.index(name) for name in pair)  # slots
    for pair in MPII_16.mirror_pairs
]
_ONE_BASED = "add 1 to every joint and centre of the 0-based file: json and mat both count from 1"


def compare(split: Split, points: np.ndarray, labelled: np.ndarray, other: str) -> list[Finding]:
    """Compares record n with person n of another list.

    Args:
        split: N records.
        points: [N, 16, 2] joints of the other list, 1-based image px.
        labelled: [N, 16] bool.
        other: the name of the other list.
    """
    both = split.labelled & labelled
    apart = np.where(both[..., None], split.joints - points, np.nan)
    shift = _shift(apart)
    joints = split.joints - shift
    findings = []
    if shift:
        text = f"all joints lie {shift:+.0f} px (x and y) from those of {other}: one of the two counts from 0"
        if shift < 0:
            text = f"joints count from 0, those of {other} from 1: all lie 1 px to the upper left"
        findings += split.found("error", "zero_based", np.arange(len(split)), text, _ONE_BASED)
    same = both & _near(joints, points)
    swapped = np.stack(
        [_swapped(joints, split.labelled, points, labelled, same, a, b) for a, b in _PAIRS], axis=1
    )
    mirrored = swapped.any(axis=1)
    fits = mirrored | (2 * same.sum(axis=1) >= np.maximum(1, both.sum(axis=1))) & both.any(axis=1)
    others = np.flatnonzero(~fits & split.labelled.any(axis=1))
    findings += _others(split, joints, points, labelled, others, other)
    names = [
        MPII_16.mirror_pairs[p][0].removeprefix("left_")
        for p in np.flatnonzero(swapped.any(axis=0))
    ]
    findings += split.found(
        "error",
        "sides_swapped",
        np.flatnonzero(mirrored),
        f"records whose left and right joints are swapped ({', '.join(names)}), compared with {other}",
        "swap them back; a mirrored image must swap its joints once",
    )
    usual = fits & ~mirrored
    flags = np.flatnonzero(usual & (split.labelled != labelled).any(axis=1))
    findings += split.found(
        "share",
        "labels_differ",
        flags,
        f"records that label other joints than {other}",
        "take joints_vis from jnt_missing (1 = annotated, hidden ones too)",
    )
    moved = (both & ~_near(joints, points, _MOVED_PX)).any(axis=1)
    findings += split.found(
        "share",
        "joints_differ",
        np.flatnonzero(usual & moved),
        f"records with a joint more than {_MOVED_PX:.0f} px from that of {other}",
        "unpack the annotations again",
    )
    return findings


def compare_truth(split: Split, truth: GroundTruth, mat: str) -> list[Finding]:
    """Compares the validation json with the .mat file, and checks the head sizes of the latter."""
    findings = []
    count, people = len(split), len(truth.head_sizes)
    if count != people:
        text = f"{count} records, but {people} people in {mat}: PCKh matches them by position"
        findings.append(
            Finding(
                "error", "count_differs", str(split.path), text, "take both from the same release"
            )
        )
    common = min(count, people)
    part = Split(
        split.name,
        split.path,
        split.images[:common],
        *(values[:common] for values in (split.joints, split.labelled, split.center, split.scale)),
    )
    findings += compare(part, truth.keypoints[:common] + 1.0, truth.labelled[:common], mat)
    neck, top = (MPII_16.joints.index(name) for name in ("upper_neck", "head_top"))
    length = np.linalg.norm(truth.keypoints[:, neck] - truth.keypoints[:, top], axis=1)
    known = truth.labelled[:, neck] & truth.labelled[:, top] & (length > 0)
    if known.any():
        ratio = float(np.median(truth.head_sizes[known] / length[known])) / 0.75
        if not 0.9 < ratio < 1.1:
            text = f"0.6 x the head boxes' diagonal is {ratio:.2f} x what neck and head top say (published: 1.00)"
            fix = "headboxes_src must hold (x1, y1), (x2, y2) in px, unscaled; PCKh divides by it"
            findings.append(
                Finding("error", "head_size_ratio", mat, text, fix, int(known.sum()), people)
            )
    return findings


def compare_trainval(both: Split, parts: list[Split]) -> list[Finding]:
    """Compares `trainval` with `train` and `val`: person by person within each image."""
    by_image: dict[str, list[tuple[Split, int]]] = {}
    for part in parts:
        for n, image in enumerate(part.images):
            by_image.setdefault(image, []).append((part, n))
    ours, theirs = [], []
    for n, image in enumerate(both.images):
        if waiting := by_image.get(image):
            ours.append(n)
            theirs.append(waiting.pop(0))
    left = sum(map(len, by_image.values()))
    findings = []
    if left or len(ours) < len(both):
        text = f"{len(both) - len(ours)} records are in neither train nor val, {left} of theirs are not in it"
        fix = "make it again: all records of train, then all of val"
        findings.append(Finding("warning", "trainval_differs", str(both.path), text, fix))
    if not ours:
        return findings
    part = Split(
        both.name,
        both.path,
        [both.images[n] for n in ours],
        *(values[ours] for values in (both.joints, both.labelled, both.center, both.scale)),
    )
    points = np.array([other.joints[n] for other, n in theirs])
    labelled = np.array([other.labelled[n] for other, n in theirs])
    return findings + compare(part, points, labelled, "train and val")


def shared_images(train: Split, val: Split) -> list[Finding]:
    """Finds validation records whose image is in the training set."""
    shared = set(train.images) & set(val.images) - {""}
    rows = [n for n, image in enumerate(val.images) if image in shared]
    text, fix = (
        "validation records whose image is in the training set",
        "results on val will be too good: separate them",
    )
    return val.found("warning", "shared_image", rows, text, fix)


def compare_facing(train: Split, val: Split) -> list[Finding]:
    """Compares how many people face the camera: a training set with left and right swapped throughout turns them round."""
    (front, people), (val_front, val_people) = facing(train), facing(val)
    if not people or not val_people:
        return []
    share, val_share = front / people, val_front / val_people
    pooled = (front + val_front) / (people + val_people)
    spread = np.sqrt(pooled * (1 - pooled) * (1 / people + 1 / val_people))
    if (share - 0.5) * (val_share - 0.5) >= 0 or abs(share - val_share) < 3.9 * spread:
        return []
    text = (
        f"{100 * share:.0f} % of the upright people face the camera in train, {100 * val_share:.0f} % in val: "
        "left and right are swapped in one of the two"
    )
    fix = "the published files have 73 %: mend the other one (0 right ankle ... 5 left ankle, 10 right wrist ...)"
    return train.found("error", "sides_swapped", np.arange(len(train)), text, fix)


def _near(a: np.ndarray, b: np.ndarray, px: float = _SAME_PX) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        near: np.ndarray = np.abs(a - b).max(axis=-1) <= px
        return near


def _shift(apart: np.ndarray) -> float:
    """Returns -1 or +1 where most joints [N, 16, 2] lie exactly so far apart in x and y, else 0."""
    shares = {}
    for shift in (0.0, -1.0, 1.0):
        known = np.isfinite(apart).all(axis=-1)
        shares[shift] = float(
            (_near(apart, np.full(2, shift), 0.3) & known).sum() / max(1, known.sum())
        )
    best = max(shares, key=lambda shift: shares[shift])
    return best if shares[best] > 0.25 else 0.0


def _swapped(
    joints: np.ndarray,
    labelled: np.ndarray,
    points: np.ndarray,
    other_labelled: np.ndarray,
    same: np.ndarray,
    a: int,
    b: int,
) -> np.ndarray:
    """[N] bool: joint a is where the other list has b, and b where it has a, as far as they are labelled."""
    found, contradicted = np.zeros(len(joints), bool), np.zeros(len(joints), bool)
    for ours, theirs in ((a, b), (b, a)):
        known = labelled[:, ours] & other_labelled[:, theirs]
        crossed = known & _near(joints[:, ours], points[:, theirs])
        found |= crossed & ~same[:, ours]
        contradicted |= known & ~crossed
    return found & ~contradicted


def _others(
    split: Split,
    joints: np.ndarray,
    points: np.ndarray,
    labelled: np.ndarray,
    rows: np.ndarray,
    other: str,
) -> list[Finding]:
    """Finds records that are somebody else: further down in the other list, or nowhere in it."""
    if not len(rows):
        return []

    def middle(values: np.ndarray, known: np.ndarray) -> np.ndarray:
        means: np.ndarray = (
            np.where(known[..., None], values, 0).sum(axis=1)
            / np.maximum(1, known.sum(axis=1))[:, None]
        )
        return means

    ours, theirs = middle(joints, split.labelled), middle(points, labelled)
    order: list[int] = []
    nowhere: list[int] = []
    examples: list[str] = []
    for n in rows:
        distance = np.abs(theirs - ours[n]).max(axis=1)
        candidates = np.flatnonzero(distance <= _SAME_PX + 0.5)
        known = split.labelled[n] & labelled[candidates]
        hits = (_near(joints[n], points[candidates]) & known).sum(axis=1) * 2 >= np.maximum(
            1, known.sum(axis=1)
        )
        match = candidates[hits]
        if len(match):
            order.append(n)
            examples.append(f"{split.where([n])[0]} is person {match[0]}")
        else:
            nowhere.append(n)
    findings = split.found(
        "error",
        "other_person",
        np.array(nowhere, int),
        f"records that are another person than the one at the same place in {other}",
        "take both files from the same release; PCKh matches them by position",
    )
    if order:
        text = f"records in another order than {other}"
        fix = "restore the published order: PCKh matches people by position"
        findings.append(
            Finding(
                "error",
                "order",
                str(split.path),
                text,
                fix,
                len(order),
                len(split),
                tuple(examples),
            )
        )
    return findings
