"""What kind of error each predicted joint is: good, jitter, inversion, swap, miss, or of a person nobody found.

A joint's keypoint similarity (KS) is 1 on the truth and falls as a Gaussian of the distance. KS >= .85 is good, .5 to .85
jitter. Below .5 it is an inversion if it has .5 or more with the same person's joint of the other side, a swap if it has with
another person's joint of that kind, whichever is larger, otherwise a miss.

COCO's KS is OKS's term exp(-d^2 / (2 area (2 sigma)^2)). MPII has no areas: its KS is the Gaussian of d in head sizes that is
.5 at PCKh's own threshold 0.5, KS = 2^-(d / 0.5)^2. So jitter ends where PCKh stops counting a hit, and good ends at 0.242.

Source: Ronchi and Perona (ICCV 2017) for the kinds and their thresholds.
Differs: MPII's KS is ours; people that nobody found are a kind of their own; corrected joints are put on the truth.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from paddle_pose.skeletons import Skeleton

KINDS = ("good", "jitter", "inversion", "swap", "miss", "unfound")
GOOD_KS, NEAR_KS = 0.85, 0.5
# KS = 2^-(d / reach)^2, so these are the distances in reaches at which a joint stops being good, and near.
GOOD, NEAR = math.sqrt(math.log(GOOD_KS) / math.log(NEAR_KS)), 1.0


@dataclass(frozen=True, eq=False)
class MatchedPoses:
    """N annotated people and what was predicted for them.

    Attributes:
        skeleton: names the K joints.
        predicted: [N, K, 2] image px; NaN for people that nobody found.
        truth: [N, K, 2] image px; the value of an unlabelled joint means nothing.
        visible: [N, K] 0 not labelled, 1 labelled, 2 labelled and seen.
        counted: [N, K] bool, labelled joints that the score counts.
        units: [N, K] px, the length that distances are measured in.
        reach: distance in units at which KS is .5.
        sizes: [N] px, how large the person is in the image, as the protocol measures it.
        image_ids: [N] int; people of the same image have the same.
        scores: [N, K] 0..1, or None.
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
        """[N] bool: whether anything was predicted for the person."""
        found: np.ndarray = np.isfinite(self.predicted).all(axis=(1, 2))
        return found

    @property
    def distances(self) -> np.ndarray:
        """[N, K] distances to the truth in units; infinite where nothing was predicted, NaN where nothing counts."""
        away = np.linalg.norm(self.predicted - self.truth, axis=-1) / self.units
        return np.where(self.counted, np.where(np.isfinite(away), away, np.inf), np.nan)

    def corrected(self, joints: np.ndarray) -> MatchedPoses:
        """Returns the same people with some joints, [N, K] bool, put on the truth."""
        return replace(self, predicted=np.where(joints[..., None], self.truth, self.predicted))


def kinds(found: MatchedPoses) -> np.ndarray:
    """Names every counted joint's error.

    Returns:
        [N, K] positions in `KINDS`; -1 where nothing counts.
    """
    flip = list(found.skeleton.flip)
    labelled, lengths = found.visible > 0, found.units * found.reach
    near = found.distances / found.reach
    other_side = (np.arange(len(flip)) != flip) & labelled[:, flip]
    inverted = np.where(
        other_side, _away(found.predicted, found.truth[:, flip], lengths[:, flip]), np.inf
    )
    swapped = _away_from_others(found, lengths, labelled, flip)
    kind = np.full(near.shape, KINDS.index("miss"))
    kind[swapped <= NEAR] = KINDS.index("swap")
    kind[(inverted <= NEAR) & (inverted <= swapped)] = KINDS.index("inversion")
    kind[near <= NEAR] = KINDS.index("jitter")
    kind[near <= GOOD] = KINDS.index("good")
    kind[~found.found] = KINDS.index("unfound")
    kind[~found.counted] = -1
    return kind


def shares(kind: np.ndarray) -> dict[str, tuple[int, float]]:
    """Returns (number, percent of the counted joints) of every kind; NaN percent where nothing counts."""
    total = int((kind >= 0).sum())
    numbers = {name: int((kind == n).sum()) for n, name in enumerate(KINDS)}
    return {
        name: (number, 100 * number / total if total else float("nan"))
        for name, number in numbers.items()
    }


def _away(predicted: np.ndarray, truth: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Returns distances in reaches, infinite where nothing was predicted."""
    away = np.linalg.norm(predicted - truth, axis=-1) / lengths
    return np.where(np.isfinite(away), away, np.inf)


def _away_from_others(
    found: MatchedPoses, lengths: np.ndarray, labelled: np.ndarray, flip: Sequence[int]
) -> np.ndarray:
    """Returns [N, K] distances to the nearest joint of that kind, of either side, of another person, in that one's reaches."""
    nearest = np.full(labelled.shape, np.inf)
    ids, counts = np.unique(found.image_ids, return_counts=True)
    for image_id in ids[counts > 1]:
        group = np.flatnonzero(found.image_ids == image_id)
        predicted = found.predicted[group][:, None]  # [P, 1, K, 2]
        for order in (list(range(len(flip))), list(flip)):
            away = _away(
                predicted, found.truth[group][None][:, :, order], lengths[group][None][:, :, order]
            )  # [P, P, K]
            away[:, ~labelled[group][:, order]] = np.inf
            away[np.arange(len(group)), np.arange(len(group))] = np.inf
            nearest[group] = np.minimum(nearest[group], away.min(axis=1))
    return nearest
