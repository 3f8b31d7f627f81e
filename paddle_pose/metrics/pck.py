"""PCK: the share of labelled joints whose distance to the truth is at most a fraction of a reference length.

The length is the torso's diameter, from left shoulder to right hip (PCK@0.2 by default), or the window's longer side. People
whose torso is not labelled are left out and counted; unlabelled joints count nowhere.

Source: Yang and Ramanan (TPAMI 2013) for PCK; Sapp and Taskar (MODEC, CVPR 2013) for the torso's diameter.
Checked against: a literal restatement, joint by joint (tests/parity/test_pck_parity.py).
Differs: nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from paddle_pose.errors import InputError
from paddle_pose.metrics import resampling
from paddle_pose.metrics.base import SampleScore
from paddle_pose.metrics.one_person import Numbers, OnePerson, table
from paddle_pose.skeletons import COCO_17, Skeleton
from paddle_pose.structures import Poses, Sample

TORSO = ("left_shoulder", "right_hip")


class PCK(OnePerson):
    """PCK of predictions against the samples' own annotations; in percent.

    Attributes:
        name: for messages.
        monitor: "Mean", of all labelled joints.
        summary: the joints, left and right together, and "Mean".
    """

    name = "PCK"
    monitor = "Mean"

    def __init__(
        self,
        skeleton: Skeleton = COCO_17,
        threshold: float = 0.2,
        reference: Literal["torso", "window"] = "torso",
    ) -> None:
        """Starts empty.

        Args:
            skeleton: names the joints.
            threshold: in reference lengths; the threshold itself is a hit.
            reference: "torso", from left shoulder to right hip, or the longer side of the "window".

        Raises:
            InputError: If the threshold is not positive, or the skeleton has no such torso.
        """
        super().__init__(skeleton)
        if not threshold > 0 or reference not in ("torso", "window"):
            raise InputError(f"expected a threshold above 0 of torso or window, got {threshold} of {reference!r}")
        if reference == "torso" and not set(TORSO) <= set(skeleton.joints):
            raise InputError(f"skeleton {skeleton.name!r} has no {' and '.join(TORSO)}; measure in windows")
        self.threshold, self.reference = threshold, reference
        plain = [name.removeprefix("left_").removeprefix("right_") for name in skeleton.joints]
        self._slots = {name.capitalize(): [k for k, n in enumerate(plain) if n == name] for name in plain}
        self.summary: Sequence[str] = (*self._slots, "Mean")

    def accumulate(self) -> dict[str, float]:
        """Returns every number in percent; NaN for a joint that is never labelled.

        Raises:
            InputError: If there were no poses, or nobody whose torso is labelled.
        """
        score, people, _ = self._scored()
        return {name: float(value) for name, value in score(np.ones(people)).items()}

    def intervals(self) -> dict[str, tuple[float, float]]:
        """Returns the 95 % interval of every number.

        Raises:
            InputError: If there were no poses, or nobody whose torso is labelled.
        """
        score, people, _ = self._scored()
        return resampling.bootstrap(score, people)

    def table(self) -> str:
        """Returns the numbers with their 95 % intervals, and how many people are left out, as text."""
        _, people, left_out = self._scored()
        title = f"PCK@{self.threshold:.3g} of the {self.reference} in percent, {people} people"
        title += f" ({left_out} without a labelled torso left out)" if left_out else ""
        return table(title, self.accumulate(), self.intervals())

    def score_sample(self, sample: Sample, poses: Poses) -> SampleScore:
        """Returns how many labelled joints are found; their mean error decides between equals."""
        person = self.target(sample)
        length, labelled = self._length(sample), person.visible > 0
        if not (len(poses.scores) and length > 0 and labelled.any()):
            return SampleScore((0.0, -np.inf), "nothing found" if length > 0 else "no torso labelled")
        errors = np.linalg.norm(poses.keypoints[0] - person.keypoints, axis=-1)[labelled] / length
        found = int((errors <= self.threshold).sum())
        return SampleScore((found / len(errors), -float(errors.mean())), f"{found} of {len(errors)} joints found")

    def _length(self, sample: Sample) -> float:
        """Returns the reference length in image px; 0 where it is not labelled."""
        if self.reference == "window":
            return max(sample.window.size)
        person, ends = self.target(sample), [self.skeleton.joints.index(name) for name in TORSO]
        points = person.keypoints[ends]
        return float(np.linalg.norm(points[1] - points[0])) if (person.visible[ends] > 0).all() else 0.0

    def _scored(self) -> tuple[Callable[[np.ndarray], Numbers], int, int]:
        """Returns the score of counts [..., N], N, and how many people are left out."""
        records = self.ordered()
        counted = [(record, length) for record in records if (length := self._length(record[0])) > 0]
        if not counted:
            raise InputError(f"nobody's torso ({' and '.join(TORSO)}) is labelled among {len(records)} people")
        persons = [self.target(sample) for (sample, *_), _ in counted]
        lengths = np.array([length for _, length in counted])
        labelled = np.stack([person.visible for person in persons]) > 0
        found, truth = np.stack([record[1] for record, _ in counted]), np.stack([p.keypoints for p in persons])
        hits = labelled & (np.linalg.norm(found - truth, axis=-1) <= self.threshold * lengths[:, None])

        def score(counts: np.ndarray) -> Numbers:
            hit, total = counts @ hits.astype(np.float64), counts @ labelled.astype(np.float64)
            slots = {**self._slots, "Mean": list(range(self.skeleton.num_joints))}
            with np.errstate(invalid="ignore", divide="ignore"):
                return {
                    name: 100.0 * hit[..., s].sum(axis=-1) / total[..., s].sum(axis=-1) for name, s in slots.items()
                }

        return score, len(counted), len(records) - len(counted)
