"""PCK: the share of labelled joints within a fraction of a reference length of the truth.

The length is the torso's diameter, from left shoulder to right hip (PCK@0.2 by default), or the
window's longer side (PCK@0.05 for skeletons without a torso). People whose torso is not labelled
are left out, and their number is stated. Unlabelled joints do not count.

Source: Yang and Ramanan (TPAMI 2013) for PCK; Sapp and Taskar (MODEC, CVPR 2013) for the torso's
    diameter.
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
"""Names of the joints at the ends of the torso's diameter."""


def usual_pck(skeleton: Skeleton) -> PCK:
    """Returns PCK@0.2 of the torso; PCK@0.05 of the window for a skeleton without a torso.

    Source: mmpose's `PCKAccuracy` for the second, of the box, which the window contains.

    Args:
        skeleton: Skeleton of the annotated people and of the poses.
    """
    if set(TORSO) <= set(skeleton.joints):
        return PCK(skeleton)
    return PCK(skeleton, threshold=0.05, reference="window")


@dataclass(frozen=True)
class PCK(OnePerson):
    """PCK: percentage of joints within a fraction of a length of the samples' own annotations.

    Attributes:
        name: Name of the metric, for messages.
        monitor: "Mean", the percentage of hits among all labelled joints.
        skeleton: Skeleton of the annotated people and of the poses.
        threshold: Largest distance of a hit as a fraction of the reference length, inclusive.
        reference: Reference length: "torso", the distance of the annotated left shoulder and right
            hip, or "window", the window's longer side.

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
                "expected a threshold above 0 of torso or window, "
                f"got {self.threshold} of {self.reference!r}"
            )
        if self.reference == "torso" and not set(TORSO) <= set(self.skeleton.joints):
            raise InputError(
                f"skeleton {self.skeleton.name!r} has no {' and '.join(TORSO)}; "
                "use the reference 'window'"
            )

    @property
    def summary(self) -> Sequence[str]:
        """Names of the numbers: the joints, left and right together, such as "Knee"; and "Mean"."""
        return (*self._slots(), "Mean")

    def compute_scores(
        self, predictions: Sequence[Prediction], *, intervals: bool = True
    ) -> Scores:
        """Returns the numbers of the summary in percent; NaN for a joint that is never labelled.

        Args:
            predictions: Samples of one annotated person, with poses in image px; without a pose all
                joints are misses.
            intervals: Whether to compute 95 % bootstrap intervals.

        Raises:
            InputError: If there are no predictions, no person has a labelled torso, or a sample has
                not exactly one person of this skeleton.
        """
        all_best = self.best_poses(predictions)
        best = [pose for pose in all_best if self._length(pose[0]) > 0]
        if not best:
            raise InputError(
                f"none of {len(all_best)} people has a labelled torso ({' and '.join(TORSO)}); "
                "use the reference 'window'"
            )
        left_out = len(all_best) - len(best)
        title = f"PCK@{self.threshold:.3g} of the {self.reference} in percent, {len(best)} people"
        title += f" ({left_out} without a labelled torso left out)" if left_out else ""
        return scores_of(self._scorer(best), len(best), title, intervals=intervals)

    def score_sample(self, sample: Sample, poses: Poses) -> SampleScore:
        """Returns the share of hits of one sample, then the negative mean distance.

        The distance is in reference lengths. The share is 0 without a pose, without a labelled
        joint, or without a labelled torso if that is the reference length.

        Args:
            sample: Sample of one annotated person.
            poses: Predicted poses in image px, highest person score first.

        Raises:
            InputError: If the sample has not exactly one person of this skeleton.
        """
        person = self.target(sample)
        length = self._length(sample)
        labelled = person.visible > 0
        if not (len(poses.scores) and length > 0 and labelled.any()):
            return SampleScore(
                (0.0, -np.inf), "nothing found" if length > 0 else "no torso labelled"
            )
        errors = np.linalg.norm(poses.keypoints[0] - person.keypoints, axis=-1)[labelled] / length
        hits = int((errors <= self.threshold).sum())
        quality = (hits / len(errors), -float(errors.mean()))
        return SampleScore(quality, f"{hits} of {len(errors)} joints found")

    def _length(self, sample: Sample) -> float:
        """Returns the reference length in image px; 0 if the torso is not labelled."""
        if self.reference == "window":
            return max(sample.window.size)
        person = self.target(sample)
        ends = [self.skeleton.joints.index(name) for name in TORSO]
        if not (person.visible[ends] > 0).all():
            return 0.0
        shoulder, hip = person.keypoints[ends]
        return float(np.linalg.norm(hip - shoulder))

    def _slots(self) -> dict[str, list[int]]:
        """Returns the slots of the joints by the name of the number; left and right together."""
        plain = [name.removeprefix("left_").removeprefix("right_") for name in self.skeleton.joints]
        return {name.capitalize(): [k for k, n in enumerate(plain) if n == name] for name in plain}

    def _scorer(self, best: Sequence[BestPose]) -> Callable[[np.ndarray], Numbers]:
        """Returns the function from counts [..., N] of the people to numbers [...] by name."""
        persons = [self.target(sample) for sample, *_ in best]
        lengths = np.array([self._length(sample) for sample, *_ in best])
        labelled = np.stack([person.visible for person in persons]) > 0
        predicted = np.stack([keypoints for _, keypoints, _ in best])
        truth = np.stack([person.keypoints for person in persons])
        distances = np.linalg.norm(predicted - truth, axis=-1)
        hits = labelled & (distances <= self.threshold * lengths[:, None])
        slots = {**self._slots(), "Mean": list(range(self.skeleton.num_joints))}

        def score(counts: np.ndarray) -> Numbers:
            hit = counts @ hits.astype(np.float64)
            total = counts @ labelled.astype(np.float64)
            with np.errstate(invalid="ignore", divide="ignore"):
                return {
                    name: 100.0 * hit[..., s].sum(axis=-1) / total[..., s].sum(axis=-1)
                    for name, s in slots.items()
                }

        return score
