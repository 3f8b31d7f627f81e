"""PCKh: the share of joints found within half a head's size of the truth (MPII).

A joint is hit when its distance to the truth, divided by 0.6 x the head box's diagonal, is at most the threshold. Occluded
joints count, unlabelled ones do not. *Head* is head_top; the other groups are the plain mean of left and right; *Mean* is
weighted by how often each of 14 joints is labelled (pelvis and thorax are left out). *Mean@0.1* is at threshold 0.10;
HRNet, SimpleBaseline and PaddleDetection print their *Mean@0.1* at 0.11, given here as *Mean@0.11*.

Source: Andriluka et al. (CVPR 2014); HRNet's `mpii.py` for grouping and weighting.
Checked against: two published prediction files, whose published numbers come out to the digit (tests/parity).
Differs: nothing in the numbers; the threshold 0.11 is named for what it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import scipy.io

from paddle_pose.errors import InputError
from paddle_pose.io import atomic, predictions_json
from paddle_pose.metrics import resampling
from paddle_pose.metrics.base import SampleScore
from paddle_pose.skeletons import MPII_16, Skeleton
from paddle_pose.structures import Poses, Sample

GROUPS = {
    "Head": ("head_top",),
    "Shoulder": ("left_shoulder", "right_shoulder"),
    "Elbow": ("left_elbow", "right_elbow"),
    "Wrist": ("left_wrist", "right_wrist"),
    "Hip": ("left_hip", "right_hip"),
    "Knee": ("left_knee", "right_knee"),
    "Ankle": ("left_ankle", "right_ankle"),
}
NOT_COUNTED = ("pelvis", "thorax")
# As published: the 11th and 12th of np.arange(0, 0.51, 0.01).
THRESHOLDS = {"Mean@0.1": 0.1, "Mean@0.11": 0.11}


def normalized_errors(predictions: np.ndarray, keypoints: np.ndarray, head_sizes: np.ndarray) -> np.ndarray:
    """Returns distances in head sizes.

    Args:
        predictions: [N, K, 2] px.
        keypoints: [N, K, 2] px in the same space.
        head_sizes: [N] px, 0.6 x the head box's diagonal.

    Returns:
        [N, K] float64.
    """
    distances = np.linalg.norm(np.asarray(predictions, np.float64) - keypoints, axis=-1)
    return distances / np.asarray(head_sizes, np.float64)[:, None]


def counted(skeleton: Skeleton) -> list[int]:
    """Returns the slots of the joints that the means count: those of MPII but pelvis and thorax, as far as they are there."""
    slots = skeleton.slots(MPII_16.joints)
    return [j for j, slot in enumerate(slots) if slot >= 0 and MPII_16.joints[slot] not in NOT_COUNTED]


def group_slots(skeleton: Skeleton) -> dict[str, list[int]]:
    """Returns the slots of every group of which the skeleton has all joints."""
    there = {MPII_16.joints[slot]: j for j, slot in enumerate(skeleton.slots(MPII_16.joints)) if slot >= 0}
    return {group: [there[name] for name in names] for group, names in GROUPS.items() if set(names) <= set(there)}


def scores(hits: np.ndarray, labelled: np.ndarray, skeleton: Skeleton = MPII_16) -> dict[str, float | np.ndarray]:
    """Turns counts into percentages by group.

    Args:
        hits: [..., K] number of joints found, by slot.
        labelled: [..., K] number of joints labelled, by slot.
        skeleton: of the slots; groups of which it has not every joint are left out.

    Returns:
        Groups, "Mean" (weighted by counts) and "Plain mean" (of the 14 joints) as [...] percentages; NaN for a joint that
        is never labelled.
    """
    chosen = counted(skeleton)
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = 100.0 * hits / labelled
        values = {group: rate[..., slots].mean(axis=-1) for group, slots in group_slots(skeleton).items()}
        values["Mean"] = 100.0 * hits[..., chosen].sum(axis=-1) / labelled[..., chosen].sum(-1)
        values["Plain mean"] = rate[..., chosen].mean(axis=-1)
    return values


def pckh(
    errors: np.ndarray, labelled: np.ndarray, counts: np.ndarray | None = None, skeleton: Skeleton = MPII_16
) -> dict[str, float | np.ndarray]:
    """Scores errors at 0.5, and the mean at 0.10 and 0.11.

    Args:
        errors: [N, K] in head sizes.
        labelled: [N, K] bool.
        counts: [B, N] how often each person is taken (bootstrap); once where None.
        skeleton: of the K joints.

    Returns:
        Names of `scores`, "Mean@0.1" and "Mean@0.11": numbers, or [B] where counts are given.
    """
    counts = np.ones(len(errors)) if counts is None else counts
    total = counts @ labelled.astype(np.float64)
    values = scores(counts @ ((errors <= 0.5) & labelled).astype(np.float64), total, skeleton)
    for name, threshold in THRESHOLDS.items():
        values[name] = scores(counts @ ((errors <= threshold) & labelled).astype(float), total, skeleton)["Mean"]
    return values


def bootstrap(
    errors: np.ndarray, labelled: np.ndarray, resamples: int = 1000, seed: int = 0, skeleton: Skeleton = MPII_16
) -> dict[str, tuple[float, float]]:
    """Returns 95 % intervals of every number, resampling persons.

    Args:
        errors: [N, K] in head sizes.
        labelled: [N, K] bool.
        resamples: how many data sets of N persons are drawn with replacement.
        seed: of the draw.
        skeleton: of the K joints.
    """
    return resampling.bootstrap(lambda counts: pckh(errors, labelled, counts, skeleton), len(errors), resamples, seed)


def table(
    values: dict[str, float],
    intervals: dict[str, tuple[float, float]],
    people: int,
    skeleton: Skeleton = MPII_16,
) -> str:
    """Returns the numbers as a text table with their 95 % intervals, and over which joints, where they are not all."""
    joints, shared = len(counted(skeleton)), skeleton.shared(MPII_16.joints, MPII_16.name)
    lines = [f"PCKh in percent, {people} people, 95 % bootstrap intervals"]
    lines += [f"cross-evaluation: {shared}"] if shared else []
    remarks = {
        "Mean": f"@0.5, {joints} joints weighted by count",
        "Plain mean": f"@0.5, {joints} joints alike",
        "Mean@0.1": "threshold 0.10 (mmpose, the original project)",
        "Mean@0.11": "threshold 0.11 (what HRNet, SimpleBaseline, PaddleDetection call @0.1)",
    }
    for name in (*group_slots(skeleton), "Mean", "Plain mean", "Mean@0.1", "Mean@0.11"):
        low, high = intervals[name]
        interval = f"{low:6.2f} .. {high:6.2f}"
        lines.append(f"  {name:<11}{values[name]:7.2f}   {interval}   {remarks.get(name, '')}".rstrip())
    return "\n".join(lines)


class PCKh:
    """PCKh of predictions against the samples' own annotations.

    Attributes:
        monitor: "Mean@0.1", as the original project chooses its best epoch.
        summary: the nine names of its `[EVAL]` line, without groups that the skeleton does not have.
    """

    monitor = "Mean@0.1"

    def __init__(self, skeleton: Skeleton = MPII_16) -> None:
        """Starts empty.

        Args:
            skeleton: of the samples' people and of the poses; joints that MPII does not have are left out.

        Raises:
            InputError: If it has none of MPII's joints.
        """
        skeleton.shared(MPII_16.joints, MPII_16.name)
        self._skeleton, self._counted = skeleton, counted(skeleton)
        self.summary: Sequence[str] = (*group_slots(skeleton), "Mean", "Mean@0.1")
        self._records: dict[int, tuple[Sample, np.ndarray, np.ndarray]] = {}

    def reset(self) -> None:
        """Forgets all samples."""
        self._records.clear()

    def update(self, sample: Sample, poses: Poses) -> None:
        """Takes one person's pose.

        Args:
            sample: with the one annotated person of its window; a sample given twice counts once.
            poses: in image px; the best one is scored.

        Raises:
            InputError: If the sample has not exactly one person, or that person no head size.
        """
        if len(sample.persons) != 1:
            raise InputError(f"{sample.image_path}: PCKh needs one person per sample")
        person = sample.persons[0]
        if not person.head_size > 0:
            raise InputError(
                f"{sample.image_path}: person {person.annotation_id} has no head box, which PCKh measures in; "
                "mpii_gt_val.mat holds them, so evaluate on the validation split"
            )
        self._records[person.annotation_id] = (sample, poses.keypoints[0], poses.scores[0])

    def score_sample(self, sample: Sample, poses: Poses) -> SampleScore:
        """Returns how many of the joints that count are found at 0.5; their mean error decides between equals."""
        person = sample.persons[0]
        errors = normalized_errors(poses.keypoints[:1], person.keypoints[None], np.array([person.head_size]))[0]
        errors = errors[self._counted][person.visible[self._counted] > 0]
        found, known = int((errors <= 0.5).sum()), len(errors)
        error = float(errors.mean()) if known else 0.0
        return SampleScore((found / max(known, 1), -error), f"{found} of {known} joints found")

    def _arrays(self) -> tuple[np.ndarray, np.ndarray]:
        if not self._records:
            raise InputError("PCKh was asked for a score before it was given a pose")
        persons = [sample.persons[0] for sample, *_ in self._records.values()]
        predictions = np.stack([keypoints for _, keypoints, _ in self._records.values()])
        truth = np.stack([person.keypoints for person in persons])
        heads = np.array([person.head_size for person in persons])
        labelled = np.stack([person.visible for person in persons]) > 0
        return normalized_errors(predictions, truth, heads), labelled

    def accumulate(self) -> dict[str, float]:
        """Returns every number in percent.

        Raises:
            InputError: If there were no poses.
        """
        return {name: float(value) for name, value in pckh(*self._arrays(), skeleton=self._skeleton).items()}

    def intervals(self) -> dict[str, tuple[float, float]]:
        """Returns the 95 % interval of every number.

        Raises:
            InputError: If there were no poses.
        """
        return bootstrap(*self._arrays(), skeleton=self._skeleton)

    def table(self) -> str:
        """Returns the numbers with their 95 % intervals as text."""
        return table(self.accumulate(), self.intervals(), len(self._records), self._skeleton)

    def save(self, folder: Path) -> list[Path]:
        """Writes `pred.mat` (`preds` [N, 16, 2], 1-based image px, in the annotations' order) and `predictions.json`.

        A skeleton that lacks joints of MPII has no `pred.mat`.
        """
        ordered = [self._records[key] for key in sorted(self._records)]
        slots, written = MPII_16.slots(self._skeleton.joints), [folder / "predictions.json"]
        if min(slots) >= 0:
            # As published: MPII's own files count pixels from 1.
            preds = np.stack([keypoints[list(slots)] for _, keypoints, _ in ordered]) + 1.0
            with atomic.replacing(folder / "pred.mat") as draft:
                scipy.io.savemat(draft, {"preds": preds})
            written.insert(0, folder / "pred.mat")
        predictions_json.write(folder / "predictions.json", self._skeleton.joints, ordered)
        return written
