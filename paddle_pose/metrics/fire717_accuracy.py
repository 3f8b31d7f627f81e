"""The accuracy that fire717's MoveNet project and its Paddle port print as `acc`.

In fractions of the window, a joint is a hit if dx^2 + dy^2 < 5/192. That was meant as 5 px of 192;
without the square root it is a radius of sqrt(5/192) = 0.161 of the window's side, 31 px of 192. A
joint with a score below 0.1 is absent, at (-1, -1), as unlabelled joints are in the truth: an
absent joint is a hit if it is unlabelled, any other pair with an unlabelled joint is a miss. The
accuracy is the mean over the joints of hits / people, 0..1. `pck@5/192` is what it was meant to be.

Source: `myAcc` and `movenetDecode` of fire717/movenet.pytorch and of its Paddle port.
Checked against: a literal restatement, joint by joint (tests/parity/test_pck_parity.py).
Differs: fire717's project decodes its truth from target maps, which moves a joint by up to 3.8 px
    of 192; here the truth is as annotated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from paddle_pose.metrics.base import Prediction, SampleScore, Scores
from paddle_pose.metrics.one_person import BestPose, Numbers, OnePerson, scores_of
from paddle_pose.structures import Poses, Sample

MAX_SQUARED_DISTANCE = 5 / 192
"""Squared distance, in window sides, below which a joint is a hit. Source: `myAcc`."""
MIN_KEYPOINT_SCORE_FOR_FIRE717 = 0.1
"""Score below which a joint is absent. Source: `movenetDecode`."""


@dataclass(frozen=True)
class Fire717Accuracy(OnePerson):
    """The accuracy of fire717's project, exactly, and its parts; all numbers are fractions, 0..1.

    Attributes:
        name: Name of the metric, for messages.
        monitor: "acc".
        summary: "acc"; "labelled", the share of hits among labelled joints; "absent", the share of
            hits among unlabelled ones; "pck@5/192", what the accuracy was meant to be: the share of
            labelled joints nearer than 5/192 of the window's side, whatever their scores.
        skeleton: Skeleton of the annotated people and of the poses.
    """

    name = "fire717's accuracy"
    monitor = "acc"
    summary = ("acc", "labelled", "absent", "pck@5/192")

    def compute_scores(
        self, predictions: Sequence[Prediction], *, intervals: bool = True
    ) -> Scores:
        """Returns the numbers of the summary, and the share of hits of each joint by its name.

        Args:
            predictions: Samples of one annotated person, with poses in image px; without a pose all
                joints are absent.
            intervals: Whether to compute 95 % bootstrap intervals.

        Returns:
            The scores, 0..1; NaN for a share of no joint.

        Raises:
            InputError: If there are no predictions, or a sample has not exactly one person of this
                skeleton.
        """
        best = self.best_poses(predictions)
        title = (
            "Accuracy of fire717's MoveNet (radius 0.161 of the side, absent joints count), "
            f"{len(best)} people"
        )
        return scores_of(self._scorer(best), len(best), title, intervals=intervals, digits=4)

    def score_sample(self, sample: Sample, poses: Poses) -> SampleScore:
        """Returns the accuracy of one sample, then "pck@5/192"; and the number of hits as text.

        Args:
            sample: Sample of one annotated person.
            poses: Predicted poses in image px, highest person score first.

        Raises:
            InputError: If the sample has not exactly one person of this skeleton.
        """
        values = self.compute_scores([(sample, poses)], intervals=False).values
        joints = self.skeleton.num_joints
        return SampleScore(
            (values["acc"], values["pck@5/192"]),
            f"{round(joints * values['acc'])} of {joints} joints hit",
        )

    def _scorer(self, best: Sequence[BestPose]) -> Callable[[np.ndarray], Numbers]:
        """Returns the function from counts [..., N] of the people to numbers [...] by name."""
        sizes = np.array([sample.window.size for sample, *_ in best])[:, None]
        persons = [self.target(sample) for sample, *_ in best]
        labelled = np.stack([person.visible for person in persons]) > 0
        predicted = np.stack([keypoints for _, keypoints, _ in best])
        truth = np.stack([person.keypoints for person in persons])
        squared = (((predicted - truth) / sizes) ** 2).sum(axis=-1)
        present = np.stack([scores for *_, scores in best]) >= MIN_KEYPOINT_SCORE_FOR_FIRE717
        # As published: no square root, and an absent joint that is not labelled is a hit.
        hits = np.where(labelled, present & (squared < MAX_SQUARED_DISTANCE), ~present)
        near = labelled & (squared < (5 / 192) ** 2)

        def score(counts: np.ndarray) -> Numbers:
            people = counts.sum(axis=-1)
            num_hits = counts @ hits.astype(float)
            num_labelled = (counts @ labelled.astype(float)).sum(axis=-1)
            num_labelled_hits = (counts @ (hits & labelled).astype(float)).sum(axis=-1)
            num_near = (counts @ near.astype(float)).sum(axis=-1)
            num_unlabelled = people * self.skeleton.num_joints - num_labelled
            with np.errstate(invalid="ignore", divide="ignore"):
                shares: Numbers = {
                    "acc": num_hits.mean(axis=-1) / people,
                    "labelled": num_labelled_hits / num_labelled,
                    "absent": (num_hits.sum(axis=-1) - num_labelled_hits) / num_unlabelled,
                    "pck@5/192": num_near / num_labelled,
                }
            for k, name in enumerate(self.skeleton.joints):
                shares[name] = num_hits[..., k] / people
            return shares

        return score
