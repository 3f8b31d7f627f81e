"""Matching of predicted with annotated people by OKS, and AP and AR from the matches.

The people of an image are matched in the order of their scores, at most 20 predicted ones: each
takes the free annotated person with the highest OKS at or above the threshold. Regions with many
people and annotations without labelled joints are matched only if no labelled person is left, and
such a match counts neither as right nor as wrong. The same holds for people outside the range of
areas, and for unmatched predicted people whose extent is outside it.

Source: pycocotools 2.0 (`COCOeval` for keypoints), whose floating-point operations are repeated in
    the same order.
Checked against: pycocotools, on real annotations and on random people with ties in scores and OKS,
    regions, several categories and empty images (tests/parity/test_coco_matching.py).
Differs: predicted people with a NaN among their coordinates match nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise

import numpy as np

THRESHOLDS = np.linspace(0.5, 0.95, 10)
"""OKS at which a predicted person is right, [T]."""
MAX_PEOPLE = 20
"""Predicted people of an image and category that count, those with the highest scores."""
SIZES: Mapping[str, tuple[float, float]] = {
    "": (0.0, 1e10),
    "(M)": (32.0**2, 96.0**2),
    "(L)": (96.0**2, 1e10),
}
"""Ranges of people's areas in px^2, by the end of the numbers' names."""
_RECALLS = np.linspace(0.0, 1.0, 101)
_CHUNK = 1 << 15  # pairs whose OKS is computed at once, to limit memory


@dataclass(frozen=True, eq=False)
class Results:
    """Predicted people.

    Attributes:
        images: Indices of their images, int [D].
        kinds: Indices of their categories, int [D]; -1 for categories that do not count.
        keypoints: Keypoints [D, K, 2] in image px.
        scores: Scores [D].
    """

    images: np.ndarray
    kinds: np.ndarray
    keypoints: np.ndarray
    scores: np.ndarray


@dataclass(frozen=True, eq=False)
class Truth:
    """Annotated people.

    Attributes:
        images: Indices of their images, int [N].
        kinds: Indices of their categories, int [N]; -1 for categories that do not count.
        keypoints: Keypoints [N, K, 3]: x and y in image px, and the visibility, 0 if not labelled.
        boxes: Boxes [N, 4] (x, y, width, height) in image px.
        areas: Areas [N] in px^2.
        crowd: Whether they are regions with many people, bool [N].
    """

    images: np.ndarray
    kinds: np.ndarray
    keypoints: np.ndarray
    boxes: np.ndarray
    areas: np.ndarray
    crowd: np.ndarray

    def __getitem__(self, chosen: np.ndarray) -> Truth:
        """Returns the people that an array of indices chooses."""
        return Truth(*(getattr(self, field.name)[chosen] for field in fields(self)))


@dataclass(frozen=True, eq=False)
class Matches:
    """Matches of the people of one category in one range of areas.

    Attributes:
        people: Images of the annotated people that count, int [M]: indices of the list of images.
        images: Images of the D predicted people, int [D], the highest score first.
        right: Whether they match a person that counts at each threshold, bool [T, D].
        counted: Whether they count at each threshold, bool [T, D].
    """

    people: np.ndarray
    images: np.ndarray
    right: np.ndarray
    counted: np.ndarray


def match(
    truth: Truth, results: Results, num_images: int, num_kinds: int, sigmas: np.ndarray
) -> dict[str, list[Matches]]:
    """Returns the matches of annotated and predicted people, of each category, by `SIZES`.

    Args:
        truth: Annotated people.
        results: Predicted people.
        num_images: Number I of images.
        num_kinds: Number of categories that count.
        sigmas: K constants of OKS.
    """
    # A group is the people of one category in one image.
    truth_groups = np.where(truth.kinds < 0, -1, truth.kinds * num_images + truth.images)
    order = np.argsort(truth_groups, kind="stable")
    order = order[truth_groups[order] >= 0]
    truth, truth_groups = truth[order], truth_groups[order]
    groups = np.where(results.kinds < 0, -1, results.kinds * num_images + results.images)
    order = np.lexsort((-results.scores, groups))
    ranks = np.arange(len(order)) - np.searchsorted(groups[order], groups[order])
    kept = (groups[order] >= 0) & (ranks < MAX_PEOPLE)
    order, ranks = order[kept], ranks[kept]
    groups = groups[order]
    points = results.keypoints[order]
    scores = results.scores[order]
    pairs = _similar_pairs(truth, truth_groups, points, groups, sigmas)

    # Extent of the joints, which is the area of a predicted person
    extents = np.ptp(points, axis=1).prod(axis=1)
    unlabelled = ~(truth.keypoints[..., 2] > 0).any(axis=1)
    found: dict[str, list[Matches]] = {}
    for size, (smallest, largest) in SIZES.items():
        ignored = truth.crowd | unlabelled | (truth.areas < smallest) | (truth.areas > largest)
        outside = (extents < smallest) | (extents > largest)
        partners = _partners(*pairs, ranks, ignored, truth.crowd)
        counted = np.where(partners >= 0, ~np.append(ignored, True)[partners], ~outside)
        found[size] = []
        for kind in range(num_kinds):
            begin, end = np.searchsorted(groups, (kind * num_images, (kind + 1) * num_images))
            own = begin + np.argsort(-scores[begin:end], kind="stable")
            of_kind = truth_groups[~ignored]
            found[size].append(
                Matches(
                    people=of_kind[of_kind // num_images == kind] % num_images,
                    images=groups[own] % num_images,
                    right=(partners[:, own] >= 0) & counted[:, own],
                    counted=counted[:, own],
                )
            )
    return found


def numbers(found: Mapping[str, Sequence[Matches]], counts: np.ndarray) -> dict[str, np.ndarray]:
    """Returns the ten numbers of data sets in which images occur several times or not at all.

    Args:
        found: Matches of each category, by the sizes of people, from `match`.
        counts: Number of times [B, I] that each of B data sets contains each of the I images.

    Returns:
        Numbers [B], 0..1, by name: AP, AP50, AP75, AR, AR50, AR75, and AP and AR with the ends of
        names in `SIZES`. They are means over the categories that have annotated people; NaN where
        a data set has no annotated person of that size.
    """
    values: dict[str, np.ndarray] = {}
    for size, of_kinds in found.items():
        curves = [_precision_and_recall(matches, counts) for matches in of_kinds]
        precision, recall = (_mean_of_known(parts) for parts in zip(*curves, strict=True))
        values |= {f"AP{size}": precision.mean(axis=1), f"AR{size}": recall.mean(axis=1)}
        if not size:
            values |= {"AP50": precision[:, 0], "AP75": precision[:, 5]}
            values |= {"AR50": recall[:, 0], "AR75": recall[:, 5]}
    return values


def _similar_pairs(
    truth: Truth,
    truth_groups: np.ndarray,
    points: np.ndarray,
    groups: np.ndarray,
    sigmas: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns the pairs of people of one group whose OKS reaches the lowest threshold.

    Args:
        truth: N annotated people, sorted by their groups.
        truth_groups: Groups of the annotated people, [N].
        points: Keypoints [D, K, 2] of the predicted people in image px.
        groups: Groups of the predicted people, [D].
        sigmas: K constants of OKS.

    Returns:
        Indices of predicted people [P], of annotated people [P], and their OKS [P].
    """
    begin, end = (np.searchsorted(truth_groups, groups, side) for side in ("left", "right"))
    sizes = end - begin
    predicted = np.repeat(np.arange(len(groups)), sizes)
    first = np.repeat(begin - (np.cumsum(sizes) - sizes), sizes)
    annotated = np.arange(len(predicted)) + first
    labelled = truth.keypoints[..., 2] > 0
    num_labelled = labelled.sum(axis=1)
    labelled_first = np.argsort(~labelled, axis=1, kind="stable")
    similarity = np.empty(len(predicted))
    # Rows of equal length are summed in the order in which NumPy sums one row.
    for count in np.unique(num_labelled[annotated]):
        rows = np.flatnonzero(num_labelled[annotated] == count)
        for start in range(0, len(rows), _CHUNK):
            own = rows[start : start + _CHUNK]
            poses, people = predicted[own], annotated[own]
            if count:
                joints = labelled_first[people, :count]
                offsets = [
                    points[poses[:, None], joints, axis]
                    - truth.keypoints[people[:, None], joints, axis]
                    for axis in (0, 1)
                ]
                variances = ((2 * sigmas) ** 2)[joints]
            else:
                offsets = _beyond(points[poses], truth.boxes[people])
                variances = (2 * sigmas) ** 2
            squared = offsets[0] ** 2 + offsets[1] ** 2
            areas = (truth.areas[people] + np.spacing(1))[:, None]
            terms = np.exp(-(squared / variances / areas / 2))
            similarity[own] = terms.sum(axis=1) / terms.shape[1]
    similar = similarity >= THRESHOLDS[0]
    return predicted[similar], annotated[similar], similarity[similar]


def _beyond(points: np.ndarray, boxes: np.ndarray) -> list[np.ndarray]:
    """Returns how far joints lie outside boxes of three times the size, in px: x and y, [P, K].

    Args:
        points: Joints [P, K, 2] in image px.
        boxes: Boxes [P, 4] (x, y, width, height) in image px, which are enlarged on all sides.
    """
    distances = []
    for axis in (0, 1):
        corner, side = boxes[:, axis, None], boxes[:, 2 + axis, None]
        low, high = corner - side, corner + side * 2
        at = points[..., axis]
        distances.append(np.maximum(0, low - at) + np.maximum(0, at - high))
    return distances


def _partners(
    predicted: np.ndarray,
    annotated: np.ndarray,
    similarity: np.ndarray,
    ranks: np.ndarray,
    ignored: np.ndarray,
    crowd: np.ndarray,
) -> np.ndarray:
    """Returns the annotated person that each predicted one takes, [T, D]; -1 for none.

    Args:
        predicted: Predicted person of each pair, [P].
        annotated: Annotated person of each pair, [P].
        similarity: OKS of each pair, [P].
        ranks: Place of each of the D predicted people in the order of their image's scores, [D].
        ignored: Whether each of the N annotated people does not count, [N].
        crowd: Whether each may be taken more than once, [N].
    """
    partners = np.full((len(THRESHOLDS), len(ranks)), -1)
    free = np.ones((len(THRESHOLDS), len(ignored)), bool)
    # The last possible pair of a predicted person is the one to take: people who count after
    # others, then by OKS; of equal ones the later annotation.
    order = np.lexsort((annotated, similarity, ~ignored[annotated], predicted, ranks[predicted]))
    predicted = predicted[order]
    annotated = annotated[order]
    similarity = similarity[order]
    similar = similarity >= THRESHOLDS[:, None]
    bounds = np.searchsorted(ranks[predicted], np.arange(MAX_PEOPLE + 1))
    for begin, end in pairwise(bounds):
        if begin == end:
            continue
        candidates = annotated[begin:end]
        possible = similar[:, begin:end] & (free[:, candidates] | crowd[candidates])
        starts = np.flatnonzero(np.diff(predicted[begin:end], prepend=-1))
        last = np.maximum.reduceat(
            np.where(possible, np.arange(begin, end), -1), starts, axis=1
        )  # [T, people of this rank]
        threshold, _ = np.nonzero(last >= 0)
        taken = last[last >= 0]
        partners[threshold, predicted[taken]] = annotated[taken]
        free[threshold, annotated[taken]] = False
    return partners


def _mean_of_known(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Returns the mean of arrays of the same shape without their NaN; NaN if all are NaN."""
    known = np.sum([np.isfinite(part) for part in parts], axis=0)
    total = np.sum([np.nan_to_num(part) for part in parts], axis=0)
    return np.where(known > 0, total / np.maximum(known, 1), np.nan)


def _precision_and_recall(matches: Matches, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the mean precision and the recall, [B, T] each, at the T thresholds.

    Args:
        matches: Matches of one category and size of people.
        counts: Number of times [B, I] that each of B data sets contains each image.
    """
    people = counts @ np.bincount(matches.people, minlength=counts.shape[1])
    precision = np.where(people > 0, 0.0, np.nan)[:, None] * np.ones(len(THRESHOLDS))
    recall = precision.copy()
    # Precision and recall are needed where the recall grows, at the right results, only.
    hits = [np.flatnonzero(row) for row in matches.right]
    for b in np.flatnonzero(people > 0):
        weights = counts[b, matches.images]
        total = np.cumsum(weights * matches.counted, axis=1)
        for t, places in enumerate(hits):
            right = np.cumsum(weights[places])
            # The precision at a recall is the highest one at this or a higher recall.
            highest = right / (total[t, places] + np.spacing(1))
            highest = np.append(np.maximum.accumulate(highest[::-1])[::-1], 0.0)
            at = right / people[b]
            recall[b, t] = at[-1] if len(at) else 0.0
            precision[b, t] = highest[np.searchsorted(at, _RECALLS, side="left")].mean()
    return precision, recall
