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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from paddle_pose.environment import needed
from paddle_pose.errors import InputError
from paddle_pose.io import atomic
from paddle_pose.metrics import resampling
from paddle_pose.metrics.base import Prediction, SampleScore, Scores
from paddle_pose.metrics.one_person import OnePerson
from paddle_pose.skeletons import MPII_16, Skeleton
from paddle_pose.structures import Person, Poses, Sample

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
_NOWHERE = -1e4  # px; a coordinate in pred.mat that is far from every joint


def normalized_errors(
    predictions: np.ndarray, keypoints: np.ndarray, head_sizes: np.ndarray
) -> np.ndarray:
    """Returns distances in head sizes.

    Args:
        predictions: [N, K, 2] px.
        keypoints: [N, K, 2] px in the same space.
        head_sizes: [N] px, 0.6 x the head box's diagonal.

    Returns:
        [N, K] float64.
    """
    distances = np.linalg.norm(np.asarray(predictions, np.float64) - keypoints, axis=-1)
    errors: np.ndarray = distances / np.asarray(head_sizes, np.float64)[:, None]
    return errors


def counted(skeleton: Skeleton) -> list[int]:
    """Returns the slots of the joints that the means count: those of MPII but pelvis and thorax, as far as they are there."""
    slots = skeleton.slots(MPII_16.joints)
    return [
        j for j, slot in enumerate(slots) if slot >= 0 and MPII_16.joints[slot] not in NOT_COUNTED
    ]


def group_slots(skeleton: Skeleton) -> dict[str, list[int]]:
    """Returns the slots of every group of which the skeleton has all joints."""
    there = {
        MPII_16.joints[slot]: j
        for j, slot in enumerate(skeleton.slots(MPII_16.joints))
        if slot >= 0
    }
    return {
        group: [there[name] for name in names]
        for group, names in GROUPS.items()
        if set(names) <= set(there)
    }


def scores(
    hits: np.ndarray, labelled: np.ndarray, skeleton: Skeleton = MPII_16
) -> dict[str, float | np.ndarray]:
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
        values = {
            group: rate[..., slots].mean(axis=-1) for group, slots in group_slots(skeleton).items()
        }
        values["Mean"] = 100.0 * hits[..., chosen].sum(axis=-1) / labelled[..., chosen].sum(-1)
        values["Plain mean"] = rate[..., chosen].mean(axis=-1)
    return values


def pckh(
    errors: np.ndarray,
    labelled: np.ndarray,
    counts: np.ndarray | None = None,
    skeleton: Skeleton = MPII_16,
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
        values[name] = scores(
            counts @ ((errors <= threshold) & labelled).astype(float), total, skeleton
        )["Mean"]
    return values


def bootstrap(
    errors: np.ndarray,
    labelled: np.ndarray,
    resamples: int = 1000,
    seed: int = 0,
    skeleton: Skeleton = MPII_16,
) -> dict[str, tuple[float, float]]:
    """Returns 95 % intervals of every number, resampling persons.

    Args:
        errors: [N, K] in head sizes.
        labelled: [N, K] bool.
        resamples: how many data sets of N persons are drawn with replacement.
        seed: of the draw.
        skeleton: of the K joints.
    """
    return resampling.bootstrap(
        lambda counts: pckh(errors, labelled, counts, skeleton), len(errors), resamples, seed
    )


def table(
    values: Mapping[str, float],
    intervals: Mapping[str, tuple[float, float]],
    people: int,
    skeleton: Skeleton = MPII_16,
) -> str:
    """Returns the numbers as a text table, and over which joints, where they are not all.

    Args:
        values: Every number in percent.
        intervals: Their 95 % intervals; empty for a table without.
        people: Number of people scored.
        skeleton: Joints of the people.
    """
    joints, shared = len(counted(skeleton)), skeleton.shared(MPII_16.joints, MPII_16.name)
    lines = [
        f"PCKh in percent, {people} people" + (", 95 % bootstrap intervals" if intervals else "")
    ]
    lines += [f"cross-evaluation: {shared}"] if shared else []
    remarks = {
        "Mean": f"@0.5, {joints} joints weighted by count",
        "Plain mean": f"@0.5, {joints} joints alike",
        "Mean@0.1": "threshold 0.10 (mmpose, the original project)",
        "Mean@0.11": "threshold 0.11 (what HRNet, SimpleBaseline, PaddleDetection call @0.1)",
    }
    for name in (*group_slots(skeleton), "Mean", "Plain mean", "Mean@0.1", "Mean@0.11"):
        interval = "{:6.2f} .. {:6.2f}   ".format(*intervals[name]) if intervals else ""
        lines.append(
            f"  {name:<11}{values[name]:7.2f}   {interval}{remarks.get(name, '')}".rstrip()
        )
    return "\n".join(lines)


@dataclass(frozen=True)
class PCKh(OnePerson):
    """PCKh of predictions against the samples' own annotations; in percent.

    Attributes:
        name: Name of the metric, for messages.
        monitor: "Mean@0.1", as the original project chooses its best epoch.
        skeleton: Joints of people and poses; those that MPII does not have are left out.

    Raises:
        InputError: If the skeleton has none of MPII's joints.
    """

    name = "PCKh"
    monitor = "Mean@0.1"

    skeleton: Skeleton = MPII_16

    def __post_init__(self) -> None:
        """Checks that the skeleton has joints of MPII."""
        self.skeleton.shared(MPII_16.joints, MPII_16.name)

    @property
    def summary(self) -> Sequence[str]:
        """The nine names of the original project's `[EVAL]` line, without groups that the skeleton does not have."""
        return (*group_slots(self.skeleton), "Mean", "Mean@0.1")

    def compute_scores(
        self, predictions: Sequence[Prediction], *, intervals: bool = True
    ) -> Scores:
        """Returns every number in percent; NaN for a joint that is never labelled.

        Args:
            predictions: Samples of one annotated person with a head size, with poses in image px; nobody found misses
                every joint.
            intervals: Whether to compute bootstrap intervals.

        Raises:
            InputError: If there are no predictions, or a sample has not exactly one person of this skeleton, or that person
                no head size.
        """
        best = self.best_poses(predictions)
        persons = [self.target(sample) for sample, *_ in best]
        errors = normalized_errors(
            np.stack([keypoints for _, keypoints, _ in best]),
            np.stack([person.keypoints for person in persons]),
            np.array([person.head_size for person in persons]),
        )
        labelled = np.stack([person.visible for person in persons]) > 0
        values = {
            name: float(value)
            for name, value in pckh(errors, labelled, skeleton=self.skeleton).items()
        }
        bounds = bootstrap(errors, labelled, skeleton=self.skeleton) if intervals else {}
        return Scores(values, table(values, bounds, len(best), self.skeleton), bounds)

    def score_sample(self, sample: Sample, poses: Poses) -> SampleScore:
        """Returns how many of the joints that count are found at 0.5; their mean error decides between equals."""
        person, slots = self.target(sample), counted(self.skeleton)
        if not len(poses.scores):
            return SampleScore((0.0, -np.inf), "nothing found")
        errors = normalized_errors(
            poses.keypoints[:1], person.keypoints[None], np.array([person.head_size])
        )[0]
        errors = errors[slots][person.visible[slots] > 0]
        found, known = int((errors <= 0.5).sum()), len(errors)
        error = float(errors.mean()) if known else 0.0
        return SampleScore((found / max(known, 1), -error), f"{found} of {known} joints found")

    def save(self, predictions: Sequence[Prediction], folder: Path) -> list[Path]:
        """Writes `pred.mat` (`preds` [N, 16, 2], 1-based image px, in the annotations' order) and `predictions.json`.

        A skeleton that lacks joints of MPII has no `pred.mat`. People that nobody was found for are far outside the image
        there, since every person has a row, and are not in `predictions.json`.

        Raises:
            InputError: If the predictions cannot be scored; see `compute_scores`.
        """
        slots, written = MPII_16.slots(self.skeleton.joints), super().save(predictions, folder)
        if min(slots) >= 0:
            best = self.best_poses(predictions)
            # As published: MPII's own files count pixels from 1.
            preds = np.stack([keypoints[list(slots)] for _, keypoints, _ in best]) + 1.0
            preds = np.where(np.isnan(preds), _NOWHERE, preds)
            with atomic.replacing(folder / "pred.mat") as draft:
                needed("scipy.io", "scipy>=1.10", "train").savemat(draft, {"preds": preds})
            written.insert(0, folder / "pred.mat")
        return written

    def target(self, sample: Sample) -> Person:
        """Returns the person to be found in a sample's window.

        Raises:
            InputError: As in `OnePerson.target`, or if the person has no head size.
        """
        person = super().target(sample)
        if not person.head_size > 0:
            raise InputError(
                f"{sample.image_path}: person {person.annotation_id} has no head box, which PCKh measures in; "
                "mpii_gt_val.mat holds them, so evaluate on the validation split"
            )
        return person
