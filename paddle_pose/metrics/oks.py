"""Object keypoint similarity (OKS) of two poses, 0..1, and the suppression of duplicate people.

Source: COCO's keypoint evaluation (OKS); SimpleBaseline (Xiao et al., ECCV 2018) for the
    suppression.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def oks(
    predicted: np.ndarray,
    truth: np.ndarray,
    area: float | np.ndarray,
    sigmas: Sequence[float],
    labelled: np.ndarray | None = None,
    weights: np.ndarray | None = None,
) -> np.ndarray:
    """Returns the object keypoint similarity of each predicted pose with a true one, [...], 0..1.

    Args:
        predicted: Joints [..., K, 2] of the predicted poses in px.
        truth: Joints [K, 2] of the true pose in the same px.
        area: Area of the person in px^2, above 0: one number, or [...] for each predicted pose.
        sigmas: K constants of the skeleton, `Skeleton.sigmas`.
        labelled: Joints that count, bool [K]; None counts all. If none counts, the result is NaN.
        weights: Weights [..., K] of the joints, instead of `labelled`; None weights them alike.

    Example:
        >>> float(oks(np.zeros((2, 2)), np.zeros((2, 2)), 100.0, (0.1, 0.1)))
        1.0
    """
    squared = ((np.asarray(predicted, np.float64) - truth) ** 2).sum(axis=-1)  # [..., K]
    scale = 2 * np.asarray(area)[..., None] * (2 * np.asarray(sigmas)) ** 2
    of_joints = np.exp(-squared / scale)
    similarity: np.ndarray
    if weights is None:
        similarity = (of_joints if labelled is None else of_joints[..., labelled]).mean(axis=-1)
    else:
        similarity = (of_joints * weights).sum(axis=-1) / weights.sum(axis=-1)
    return similarity


def oks_nms(
    keypoints: np.ndarray,
    scores: np.ndarray,
    areas: np.ndarray,
    sigmas: Sequence[float],
    threshold: float = 0.9,
    joint_scores: np.ndarray | None = None,
) -> list[int]:
    """Returns the indices of the people of one image that remain without duplicates.

    Args:
        keypoints: Joints [P, K, 2] of the people in px.
        scores: Scores [P] of the people.
        areas: Areas [P] of the people in px^2, above 0; as published, the areas of their windows.
            The OKS of two people uses the mean of their areas.
        sigmas: K constants of the skeleton, `Skeleton.sigmas`.
        threshold: OKS with a kept person above which a person with a lower score is left out.
        joint_scores: Scores [P, K] of the joints: each joint counts in the OKS of two people by the
            geometric mean of its two scores (negative ones are 0), so that joints which nobody sees
            do not tell two people apart. None, as published, counts all joints alike.

    Returns:
        Indices of the people who are kept, highest score first.
    """
    order = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while len(order):
        best = order[0]
        rest = order[1:]
        kept.append(int(best))
        mean_areas = (areas[rest] + areas[best]) / 2
        weights = None
        if joint_scores is not None:
            both = np.maximum(joint_scores[rest], 0) * np.maximum(joint_scores[best], 0)
            weights = np.sqrt(both) + 1e-9  # not all 0
        similarity = oks(keypoints[rest], keypoints[best], mean_areas, sigmas, weights=weights)
        order = rest[similarity <= threshold]
    return kept
