"""PCK: the share of labelled joints whose distance to the truth is at most a fraction of a reference length.

The length is the torso's diameter, from left shoulder to right hip (PCK@0.2 by default), or the window's longer side. People
whose torso is not labelled are left out and counted; unlabelled joints count nowhere.

Source: Yang and Ramanan (TPAMI 2013) for PCK; Sapp and Taskar (MODEC, CVPR 2013) for the torso's diameter.
Checked against: a literal restatement, joint by joint (tests/parity/test_pck_parity.py).
Differs: nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from paddle_pose.errors import InputError
from paddle_pose.metrics.base import Prediction, SampleScore, Scores
from paddle_pose.metrics.one_person import BestPose, Numbers, OnePerson, scores_of
from paddle_pose.skeletons import COCO_17, Skeleton
from paddle_pose.structures import Poses, Sample

TORSO = ("left_shoulder", "right_hip")


@dataclass(frozen=True)
class PCK(OnePerson):
    """PCK of predictions against the samples' own annotations; in percent.

    Attributes:
        name: Name of the metric, for messages.
        monitor: "Mean", of all labelled joints.
        skeleton: Joints of people and poses.
        threshold: Greatest distance of a hit, in reference lengths.
        reference: Reference length: "torso", from left shoulder to right hip, or the longer side of the "window".

    Raises:
        InputError: If the threshold is not positive, or the skeleton has no such torso.
    """

    name = "PCK"
    monitor = "Mean"

    skeleton: Skeleton = COCO_17
    threshold: float = 0.2
    reference: Literal["torso", "window"] = "torso"

    def __post_init__(self) -> None:
        """Checks the threshold and the reference length."""
        if not self.threshold > 0 or self.reference not in ("torso", "window"):
            raise InputError(
                f"expected a threshold above 0 of torso or window, got {self.threshold} of {self.reference!r}"
            )
        if self.reference == "torso" and not set(TORSO) <= set(self.skeleton.joints):
            raise InputError(
                f"skeleton {self.skeleton.name!r} has no {' and '.join(TORSO)}; measure in windows"
            )

    @property
    def summary(self) -> Sequence[str]:
        """The joints, left and right together, and "Mean"."""
        return (*self._slots(), "Mean")

    def compute_scores(
        self, predictions: Sequence[Prediction], *, intervals: bool = True
    ) -> Scores:
        """Returns the numbers of the summary in percent; NaN for a joint that is never labelled.

        Args:
            predictions: Samples of one annotated person, with poses in image px; nobody found misses every joint.
            intervals: Whether to compute bootstrap intervals.

        Raises:
            InputError: If there are no predictions, nobody's torso is labelled, or a sample has not exactly one person of
                this skeleton.
        """
        everybody = self.best_poses(predictions)
        best = [pose for pose in everybody if self._length(pose[0]) > 0]
        if not best:
            raise InputError(
                f"nobody's torso ({' and '.join(TORSO)}) is labelled among {len(everybody)} people"
            )
        left_out = len(everybody) - len(best)
        title = f"PCK@{self.threshold:.3g} of the {self.reference} in percent, {len(best)} people"
        title += f" ({left_out} without a labelled torso left out)" if left_out else ""
        return scores_of(self._scorer(best), len(best), title, intervals=intervals)

    def score_sample(self, sample: Sample, poses: Poses) -> SampleScore:
        """Returns how many labelled joints are found; their mean error decides between equals."""
        person = self.target(sample)
        length, labelled = self._length(sample), person.visible > 0
        if not (len(poses.scores) and length > 0 and labelled.any()):
            return SampleScore(
                (0.0, -np.inf), "nothing found" if length > 0 else "no torso labelled"
            )
        errors = np.linalg.norm(poses.keypoints[0] - person.keypoints, axis=-1)[labelled] / length
        found = int((errors <= self.threshold).sum())
        return SampleScore(
            (found / len(errors), -float(errors.mean())), f"{found} of {len(errors)} joints found"
        )

    def _length(self, sample: Sample) -> float:
        """Returns the reference length in image px; 0 where it is not labelled."""
        if self.reference == "window":
            return max(sample.window.size)
        person, ends = self.target(sample), [self.skeleton.joints.index(name) for name in TORSO]
        points = person.keypoints[ends]
        return (
            float(np.linalg.norm(points[1] - points[0]))
            if (person.visible[ends] > 0).all()
            else 0.0
        )

    def _slots(self) -> dict[str, list[int]]:
        """Returns the slots of every number, left and right together."""
        plain = [name.removeprefix("left_").removeprefix("right_") for name in self.skeleton.joints]
        return {name.capitalize(): [k for k, n in enumerate(plain) if n == name] for name in plain}

    def _scorer(self, best: Sequence[BestPose]) -> Callable[[np.ndarray], Numbers]:
        """Returns the function from how often each person counts, [..., N], to numbers [...]."""
        persons = [self.target(sample) for sample, *_ in best]
        lengths = np.array([self._length(sample) for sample, *_ in best])
        labelled = np.stack([person.visible for person in persons]) > 0
        found = np.stack([keypoints for _, keypoints, _ in best])
        truth = np.stack([person.keypoints for person in persons])
        hits = labelled & (
            np.linalg.norm(found - truth, axis=-1) <= self.threshold * lengths[:, None]
        )
        slots = {**self._slots(), "Mean": list(range(self.skeleton.num_joints))}

        def score(counts: np.ndarray) -> Numbers:
            hit, total = counts @ hits.astype(np.float64), counts @ labelled.astype(np.float64)
            with np.errstate(invalid="ignore", divide="ignore"):
                return {
                    name: 100.0 * hit[..., s].sum(axis=-1) / total[..., s].sum(axis=-1)
                    for name, s in slots.items()
                }

        return score
