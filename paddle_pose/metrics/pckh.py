"""PCKh: the share of joints within half a head size of the truth (MPII).

A joint is a hit if its distance to the truth, divided by 0.6 x the head box's diagonal, is at most
the threshold. Occluded joints count, unlabelled ones do not. *Head* is head_top; the other groups
are the plain mean of left and right; *Mean* weights each of 14 joints by how often it is labelled
(pelvis and thorax are left out). *Mean@0.1* has the threshold 0.10; HRNet, SimpleBaseline and
PaddleDetection print a *Mean@0.1* with the threshold 0.11, which is *Mean@0.11* here. All numbers
are percentages, 0..100. The *head size* of a person is 0.6 x the diagonal of the head box; a *slot*
is the index of a joint in the skeleton.

Source: Andriluka et al. (CVPR 2014); HRNet's `mpii.py` for grouping and weighting.
Checked against: two published prediction files; their published numbers are reproduced in every
    digit (tests/parity).
Differs: nothing in the numbers; the threshold 0.11 has its own name.
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
"""Joints that the means leave out. Source: HRNet's `mpii.py`."""
# As published: the 11th and 12th of np.arange(0, 0.51, 0.01).
THRESHOLDS = {"Mean@0.1": 0.1, "Mean@0.11": 0.11}
_FAR_AWAY = -1e4
"""Coordinate in px of the joints in pred.mat of a person without a pose; this project's choice."""


def normalized_errors(
    predictions: np.ndarray, keypoints: np.ndarray, head_sizes: np.ndarray
) -> np.ndarray:
    """Returns the distances of predicted and true joints in head sizes, float64 [N, K].

    Args:
        predictions: Predicted joints [N, K, 2] in px; NaN, for people without a pose, gives NaN,
            which is a miss.
        keypoints: True joints [N, K, 2] in the same px.
        head_sizes: Head sizes [N] in px, 0.6 x the diagonal of the head box.
    """
    distances = np.linalg.norm(np.asarray(predictions, np.float64) - keypoints, axis=-1)
    errors: np.ndarray = distances / np.asarray(head_sizes, np.float64)[:, None]
    return errors


def counted(skeleton: Skeleton) -> list[int]:
    """Returns the slots of the joints that the means count: MPII's, without `NOT_COUNTED`.

    Args:
        skeleton: Skeleton whose joints are matched with MPII's by name.
    """
    slots = skeleton.slots(MPII_16.joints)
    return [
        j for j, slot in enumerate(slots) if slot >= 0 and MPII_16.joints[slot] not in NOT_COUNTED
    ]


def group_slots(skeleton: Skeleton) -> dict[str, list[int]]:
    """Returns the slots of each group of `GROUPS` of which the skeleton has all joints, by name.

    Args:
        skeleton: Skeleton whose joints are matched with MPII's by name.
    """
    slot_of = {
        MPII_16.joints[slot]: j
        for j, slot in enumerate(skeleton.slots(MPII_16.joints))
        if slot >= 0
    }
    return {
        group: [slot_of[name] for name in names]
        for group, names in GROUPS.items()
        if set(names) <= set(slot_of)
    }


def scores(
    hits: np.ndarray, labelled: np.ndarray, skeleton: Skeleton = MPII_16
) -> dict[str, float | np.ndarray]:
    """Returns the percentages of hits by group of joints and in the mean.

    Args:
        hits: Number of people whose joint is a hit, [..., K], for each joint.
        labelled: Number of people whose joint is labelled, [..., K], for each joint.
        skeleton: Skeleton of the K joints; groups of which it lacks a joint are left out.

    Returns:
        Percentages [...], 0..100, by name: the groups of `GROUPS`, "Mean" (of the counted joints,
        weighted by the numbers of labelled joints) and "Plain mean" (of the counted joints with
        equal weights); see `counted`. NaN for a joint that is never labelled.
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
    """Returns the percentages of hits at threshold 0.5, and the means at 0.10 and 0.11.

    Args:
        errors: Distances [N, K] in head sizes, as of `normalized_errors`; NaN is a miss.
        labelled: Joints that are labelled, bool [N, K].
        counts: Number of times [B, N] that each bootstrap data set contains each person; None
            counts each person once.
        skeleton: Skeleton of the K joints.

    Returns:
        Percentages, 0..100, by name: those of `scores` at threshold 0.5, and the "Mean" at the
        other two as "Mean@0.1" and "Mean@0.11". They are numbers, or arrays [B] with `counts`.
    """
    counts = np.ones(len(errors)) if counts is None else counts
    total = counts @ labelled.astype(np.float64)

    def hits(threshold: float) -> np.ndarray:
        number: np.ndarray = counts @ ((errors <= threshold) & labelled).astype(np.float64)
        return number

    values = scores(hits(0.5), total, skeleton)
    for name, threshold in THRESHOLDS.items():
        values[name] = scores(hits(threshold), total, skeleton)["Mean"]
    return values


def bootstrap(
    errors: np.ndarray,
    labelled: np.ndarray,
    resamples: int = 1000,
    seed: int = 0,
    skeleton: Skeleton = MPII_16,
) -> dict[str, tuple[float, float]]:
    """Returns the 95 % interval of each number of `pckh`, by bootstrap over the people.

    Args:
        errors: Distances [N, K] in head sizes, as of `normalized_errors`; NaN is a miss. N > 0.
        labelled: Joints that are labelled, bool [N, K].
        resamples: Number of data sets, each of N people drawn with replacement.
        seed: Seed of the random draws.
        skeleton: Skeleton of the K joints.

    Returns:
        {name of `pckh`, such as "Mean@0.1": (low, high) in percent}; NaN for a number that is never
        defined.
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
    """Returns the numbers as a text table, which names the joints if the skeleton lacks some.

    Args:
        values: Percentages by name, as of `pckh` for one data set.
        intervals: 95 % intervals (low, high) by name, as of `bootstrap`; empty for a table without
            intervals.
        people: Number of people, for the first line.
        skeleton: Skeleton of the people.

    Raises:
        InputError: If the skeleton has none of MPII's joints.
    """
    joints = len(counted(skeleton))
    shared = skeleton.shared(MPII_16.joints, MPII_16.name)
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
    """PCKh: percentage of joints within half a head size of the samples' own annotations.

    Attributes:
        name: Name of the metric, for messages.
        monitor: "Mean@0.1", by which txyugood's project chooses its best epoch.
        skeleton: Skeleton of the annotated people and of the poses; joints that MPII does not have
            are left out.

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
        """Names of the groups of the skeleton, "Mean" and "Mean@0.1": txyugood's `[EVAL]` line."""
        return (*group_slots(self.skeleton), "Mean", "Mean@0.1")

    def compute_scores(
        self, predictions: Sequence[Prediction], *, intervals: bool = True
    ) -> Scores:
        """Returns the numbers of `pckh` in percent; NaN for a joint that is never labelled.

        Args:
            predictions: Samples of one annotated person with a head size, with poses in image px;
                without a pose all joints are misses.
            intervals: Whether to compute 95 % bootstrap intervals.

        Raises:
            InputError: If there are no predictions, a sample has not exactly one person of this
                skeleton, or the person has no head size.
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
        """Returns the share of hits at 0.5 among counted joints, then the negative mean distance.

        The distance is in head sizes; see `counted`. Without a pose the share is 0.

        Args:
            sample: Sample of one annotated person with a head size.
            poses: Predicted poses in image px, highest person score first.

        Raises:
            InputError: As in `target`.
        """
        person = self.target(sample)
        slots = counted(self.skeleton)
        if not len(poses.scores):
            return SampleScore((0.0, -np.inf), "nothing found")
        errors = normalized_errors(
            poses.keypoints[:1], person.keypoints[None], np.array([person.head_size])
        )[0]
        errors = errors[slots][person.visible[slots] > 0]
        hits = int((errors <= 0.5).sum())
        total = len(errors)
        error = float(errors.mean()) if total else 0.0
        return SampleScore((hits / max(total, 1), -error), f"{hits} of {total} joints found")

    def save(self, predictions: Sequence[Prediction], folder: Path) -> list[Path]:
        """Writes `pred.mat` and `predictions.json`, and returns the paths in this order.

        `pred.mat` contains `preds` [N, 16, 2], 1-based image px, with a row for each person in the
        order of `annotation_id`; a person without a pose is far outside the image there. A skeleton
        that lacks joints of MPII has no `pred.mat`. For `predictions.json`, see `OnePerson.save`.

        Args:
            predictions: Samples with their poses in image px.
            folder: Folder of the files; existing ones are replaced.

        Raises:
            InputError: If the predictions cannot be scored; see `compute_scores`.
            MissingDependencyError: If SciPy is not installed, which `pred.mat` needs.
            OSError: If a file cannot be written.
        """
        slots = MPII_16.slots(self.skeleton.joints)
        written = super().save(predictions, folder)
        if min(slots) >= 0:
            best = self.best_poses(predictions)
            # As published: MPII's own files count pixels from 1.
            preds = np.stack([keypoints[list(slots)] for _, keypoints, _ in best]) + 1.0
            preds = np.where(np.isnan(preds), _FAR_AWAY, preds)
            with atomic.replacing(folder / "pred.mat") as draft:
                needed("scipy.io", "scipy>=1.10", "train").savemat(draft, {"preds": preds})
            written.insert(0, folder / "pred.mat")
        return written

    def target(self, sample: Sample) -> Person:
        """Returns the annotated person with which the pose of a sample is compared.

        Args:
            sample: Sample of one person, as for `OnePerson.target`.

        Raises:
            InputError: As in `OnePerson.target`, or if the person has no head size.
        """
        person = super().target(sample)
        if not person.head_size > 0:
            raise InputError(
                f"{sample.image_path}: person {person.annotation_id} has no head box, "
                "whose size PCKh measures in; evaluate on the validation split, "
                "whose mpii_gt_val.mat contains the head boxes"
            )
        return person
