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
) -> np.ndarray:
    """Returns the object keypoint similarity of each predicted pose with a true one, [...], 0..1.

    Args:
        predicted: Joints [..., K, 2] of the predicted poses in px.
        truth: Joints [K, 2] of the true pose in the same px.
        area: Area of the person in px^2, above 0: one number, or [...] for each predicted pose.
        sigmas: K constants of the skeleton, `Skeleton.sigmas`.
        labelled: Joints that count, bool [K]; None counts all. If none counts, the result is NaN.

    Example:
        >>> float(oks(np.zeros((2, 2)), np.zeros((2, 2)), 100.0, (0.1, 0.1)))
        1.0
    """
    squared = ((np.asarray(predicted, np.float64) - truth) ** 2).sum(axis=-1)  # [..., K]
    scale = 2 * np.asarray(area)[..., None] * (2 * np.asarray(sigmas)) ** 2
    of_joints = np.exp(-squared / scale)
    similarity: np.ndarray = (of_joints if labelled is None else of_joints[..., labelled]).mean(
        axis=-1
    )
    return similarity


def oks_nms(
    keypoints: np.ndarray,
    scores: np.ndarray,
    areas: np.ndarray,
    sigmas: Sequence[float],
    threshold: float = 0.9,
) -> list[int]:
    """Returns the indices of the people of one image that remain without duplicates.

    Args:
        keypoints: Joints [P, K, 2] of the people in px; all count, whatever their scores.
        scores: Scores [P] of the people.
        areas: Areas [P] of the people in px^2, above 0; as published, the areas of their windows.
            The OKS of two people uses the mean of their areas.
        sigmas: K constants of the skeleton, `Skeleton.sigmas`.
        threshold: OKS with a kept person above which a person with a lower score is left out.

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
        similarity = oks(keypoints[rest], keypoints[best], mean_areas, sigmas)
        order = rest[similarity <= threshold]
    return kept
