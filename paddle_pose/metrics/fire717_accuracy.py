"""The accuracy that the original MoveNet projects print as `acc`.

In fractions of the window, a joint is hit when dx^2 + dy^2 < 5/192. That was meant as 5 px of 192; without the root it is a
radius of sqrt(5/192) = 0.161 of the window's side, 31 px of 192. A joint scored below 0.1 is reported absent, at (-1, -1),
where the truth has its unlabelled joints: absent and unlabelled is a hit, anything else about an unlabelled joint a miss. The
accuracy is the mean over joints of hits / people, 0..1. What it was meant to be stands beside it as `pck@5/192`.

Source: `myAcc` and `movenetDecode` of fire717/movenet.pytorch and of its Paddle port.
Checked against: a literal restatement, joint by joint (tests/parity/test_pck_parity.py).
Differs: the original decodes its truth from target maps, which moves a joint by up to 3.8 px of 192; here it is as annotated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from paddle_pose.metrics.base import Prediction, SampleScore, Scores
from paddle_pose.metrics.one_person import BestPose, Numbers, OnePerson, scores_of
from paddle_pose.structures import Poses, Sample

SQUARED_RADIUS = 5 / 192
THRESHOLD = 0.1


@dataclass(frozen=True)
class Fire717Accuracy(OnePerson):
    """The original MoveNet's accuracy, exactly, with what it is made of; 0..1.

    Attributes:
        name: Name of the metric, for messages.
        monitor: "acc".
        summary: "acc"; "labelled", hits among labelled joints; "absent", hits among unlabelled ones; "pck@5/192", what the
            accuracy was meant to be: labelled joints nearer than 5/192 of the window's side, whatever their score.
    """

    name = "the original accuracy"
    monitor = "acc"
    summary = ("acc", "labelled", "absent", "pck@5/192")

    def compute_scores(
        self, predictions: Sequence[Prediction], *, intervals: bool = True
    ) -> Scores:
        """Returns the numbers of the summary, and every joint's share of hits under its name; NaN for shares of no joint.

        Args:
            predictions: Samples of one annotated person, with poses in image px; nobody found is absent joints only.
            intervals: Whether to compute bootstrap intervals.

        Raises:
            InputError: If there are no predictions, or a sample has not exactly one person of this skeleton.
        """
        best = self.best_poses(predictions)
        title = f"Accuracy of the original MoveNet (radius 0.161 of the side, absent joints count), {len(best)} people"
        return scores_of(self._scorer(best), len(best), title, intervals=intervals, digits=4)

    def score_sample(self, sample: Sample, poses: Poses) -> SampleScore:
        """Returns how many joints are hits."""
        values = self.compute_scores([(sample, poses)], intervals=False).values
        joints = self.skeleton.num_joints
        return SampleScore(
            (values["acc"], values["pck@5/192"]),
            f"{round(joints * values['acc'])} of {joints} joints hit",
        )

    def _scorer(self, best: Sequence[BestPose]) -> Callable[[np.ndarray], Numbers]:
        """Returns the function from how often each person counts, [..., N], to numbers [...]."""
        sizes = np.array([sample.window.size for sample, *_ in best])[:, None]
        persons = [self.target(sample) for sample, *_ in best]
        labelled = np.stack([person.visible for person in persons]) > 0
        away = (
            np.stack([keypoints for _, keypoints, _ in best])
            - np.stack([p.keypoints for p in persons])
        ) / sizes
        squared = (away**2).sum(axis=-1)
        present = np.stack([scores for *_, scores in best]) >= THRESHOLD
        # As published: there is no root, and an absent joint is "found" where nobody labelled one.
        hits = np.where(labelled, present & (squared < SQUARED_RADIUS), ~present)
        near = labelled & (squared < (5 / 192) ** 2)

        def score(counts: np.ndarray) -> Numbers:
            people = counts.sum(axis=-1)
            hit, seen, close, found = (
                counts @ a.astype(float) for a in (hits, labelled, near, hits & labelled)
            )
            joint = {name: hit[..., k] / people for k, name in enumerate(self.skeleton.joints)}
            unseen = people * self.skeleton.num_joints - seen.sum(axis=-1)
            with np.errstate(invalid="ignore", divide="ignore"):
                shares: Numbers = {
                    "acc": hit.mean(axis=-1) / people,
                    "labelled": found.sum(axis=-1) / seen.sum(axis=-1),
                    "absent": (hit - found).sum(axis=-1) / unseen,
                    "pck@5/192": close.sum(axis=-1) / seen.sum(axis=-1),
                }
            return {**shares, **joint}

        return score
