"""Kinds of errors of predicted joints: good, jitter, inversion, swap, miss, unfound.

The keypoint similarity (KS) of a joint is 1 at the truth and a Gaussian of the distance. A joint
with KS >= .85 is good, with .5 to .85 jitter. Below .5 it is an inversion if its KS with the joint
of the same person's other side is at least .5; a swap if its KS with that joint of another person
is at least .5; the larger KS decides between the two; otherwise it is a miss. Joints of a person
without a pose are unfound.

COCO's KS is the term of OKS, exp(-d^2 / (2 area (2 sigma)^2)). MPII has no areas: its KS is the
Gaussian of d in head sizes that is .5 at PCKh's threshold 0.5, KS = 2^-(d / 0.5)^2. Jitter thus
ends where PCKh stops counting a hit, and good ends at 0.242.

Source: Ronchi and Perona (ICCV 2017) for the kinds and their thresholds.
Differs: MPII's KS is this project's; unfound is a kind of its own; corrected joints are moved to
    the truth.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from paddle_pose.skeletons import Skeleton

KINDS = ("good", "jitter", "inversion", "swap", "miss", "unfound")
"""Names of the kinds of errors, as the module defines them."""
GOOD_KS = 0.85
"""KS from which a joint is good. Source: Ronchi and Perona."""
NEAR_KS = 0.5
"""KS from which a joint is near another one. Source: Ronchi and Perona."""
NEAR = 1.0
"""Distance in reaches up to which a joint is near; the reach is the distance with KS `NEAR_KS`."""
GOOD = math.sqrt(math.log(GOOD_KS) / math.log(NEAR_KS))
"""Distance in reaches up to which a joint is good, from KS = 2^-(d / reach)^2."""


@dataclass(frozen=True, eq=False)
class MatchedPoses:
    """N annotated people with the poses predicted for them.

    The keypoint similarity (KS) of a joint is 1 at the truth and a Gaussian of the distance.

    Attributes:
        skeleton: Skeleton of the K joints.
        predicted: Predicted joints [N, K, 2] in image px; NaN for people without a pose.
        truth: True joints [N, K, 2] in image px; those of unlabelled joints may have any value.
        visible: Labels [N, K]: 0 not labelled, 1 labelled, 2 labelled and visible.
        counted: Joints that the metric counts, bool [N, K]: labelled ones, without those that the
            metric leaves out, such as the pelvis in PCKh.
        units: Length [N, K] in px that is the unit of distances of each joint, above 0: for MPII
            the head size of the person, for COCO the distance at which the KS of the joint is .5.
        reach: Distance at which KS is .5, in these units: 0.5 for MPII, 1 for COCO.
        sizes: Sizes [N] of the people in px: for MPII the head size, for COCO the square root of
            the area.
        image_ids: Id [N] of the image of each person, int.
        scores: Scores [N, K] of the joints, 0..1, with any value for people without a pose; None if
            the predictions have no scores.
    """

    skeleton: Skeleton
    predicted: np.ndarray
    truth: np.ndarray
    visible: np.ndarray
    counted: np.ndarray
    units: np.ndarray
    reach: float
    sizes: np.ndarray
    image_ids: np.ndarray
    scores: np.ndarray | None = None

    @property
    def found(self) -> np.ndarray:
        """Whether each person has a pose, bool [N]: all predicted joints are finite."""
        found: np.ndarray = np.isfinite(self.predicted).all(axis=(1, 2))
        return found

    @property
    def distances(self) -> np.ndarray:
        """Distances [N, K] between predicted and true joints, in `units`: 1 is `units` px.

        Infinity for people without a pose; NaN for joints that `counted` excludes.
        """
        return np.where(self.counted, _distances(self.predicted, self.truth, self.units), np.nan)

    def corrected(self, joints: np.ndarray) -> MatchedPoses:
        """Returns the same people with some joints moved to the truth.

        Args:
            joints: Joints to move, bool [N, K]; all of them labelled.
        """
        return replace(self, predicted=np.where(joints[..., None], self.truth, self.predicted))


def kinds(found: MatchedPoses) -> np.ndarray:
    """Returns the kind of error of every joint.

    Args:
        found: People with their poses. People with the same image id are compared for swaps.

    Returns:
        Indices [N, K] in `KINDS`; -1 for joints that `found.counted` excludes.
    """
    flip = list(found.skeleton.flip)
    labelled = found.visible > 0
    reaches = found.units * found.reach  # px
    to_own = found.distances / found.reach
    has_other_side = (np.arange(len(flip)) != flip) & labelled[:, flip]
    to_other_side = np.where(
        has_other_side,
        _distances(found.predicted, found.truth[:, flip], reaches[:, flip]),
        np.inf,
    )
    to_others = _distances_to_others(found, reaches, labelled, flip)
    kind = np.full(to_own.shape, KINDS.index("miss"))
    kind[to_others <= NEAR] = KINDS.index("swap")
    kind[(to_other_side <= NEAR) & (to_other_side <= to_others)] = KINDS.index("inversion")
    kind[to_own <= NEAR] = KINDS.index("jitter")
    kind[to_own <= GOOD] = KINDS.index("good")
    kind[~found.found] = KINDS.index("unfound")
    kind[~found.counted] = -1
    return kind


def shares(kind: np.ndarray) -> dict[str, tuple[int, float]]:
    """Returns the number of joints of each kind of error, and their percentage.

    Args:
        kind: Result of `kinds`, [N, K].

    Returns:
        {name of `KINDS`: (number of joints, percentage of the counted joints)}; the percentages are
        NaN if no joint counts.
    """
    total = int((kind >= 0).sum())
    numbers = {name: int((kind == n).sum()) for n, name in enumerate(KINDS)}
    return {
        name: (number, 100 * number / total if total else float("nan"))
        for name, number in numbers.items()
    }


def _distances(predicted: np.ndarray, truth: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Returns distances in lengths [...]; infinite without a pose."""
    distances = np.linalg.norm(predicted - truth, axis=-1) / lengths
    return np.where(np.isfinite(distances), distances, np.inf)


def _distances_to_others(
    found: MatchedPoses, reaches: np.ndarray, labelled: np.ndarray, flip: Sequence[int]
) -> np.ndarray:
    """Returns distances [N, K] to the nearest joint of that kind, of either side, of other people.

    Args:
        found: People with their poses.
        reaches: Reaches [N, K] in px; a distance is in reaches of the other person.
        labelled: Labelled joints, bool [N, K].
        flip: Slot of the other side for each of the K slots.
    """
    nearest = np.full(labelled.shape, np.inf)
    ids, counts = np.unique(found.image_ids, return_counts=True)
    for image_id in ids[counts > 1]:
        group = np.flatnonzero(found.image_ids == image_id)
        own = np.arange(len(group))
        predicted = found.predicted[group][:, None]  # [P, 1, K, 2]
        for order in (list(range(len(flip))), list(flip)):
            truth = found.truth[group][None][:, :, order]  # [1, P, K, 2]
            distances = _distances(predicted, truth, reaches[group][None][:, :, order])
            distances[:, ~labelled[group][:, order]] = np.inf
            distances[own, own] = np.inf
            nearest[group] = np.minimum(nearest[group], distances.min(axis=1))
    return nearest
