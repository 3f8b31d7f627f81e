"""Object keypoint similarity: how alike two poses are, 0..1, and the suppression of people found twice.

Source: COCO's keypoint evaluation (OKS); SimpleBaseline (Xiao et al., ECCV 2018) for the suppression.
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
    """Returns object keypoint similarities [...].

    Args:
        predicted: [..., K, 2] px.
        truth: [K, 2] px.
        area: px^2, a number or [...].
        sigmas: K constants of the skeleton.
        labelled: [K] bool, which joints count; all where None.

    Example:
        >>> float(oks(np.zeros((2, 2)), np.zeros((2, 2)), 100.0, (0.1, 0.1)))
        1.0
    """
    squared = ((np.asarray(predicted, np.float64) - truth) ** 2).sum(axis=-1)  # [..., K]
    similar = np.exp(-squared / (2 * np.asarray(area)[..., None] * (2 * np.asarray(sigmas)) ** 2))
    similarity: np.ndarray = (similar if labelled is None else similar[..., labelled]).mean(axis=-1)
    return similarity


def oks_nms(
    keypoints: np.ndarray,
    scores: np.ndarray,
    areas: np.ndarray,
    sigmas: Sequence[float],
    threshold: float = 0.9,
) -> list[int]:
    """Returns who is kept of the people of one image, best first.

    Args:
        keypoints: [P, K, 2] px; all joints count, whatever their score.
        scores: [P].
        areas: [P] px^2; as published those of the windows, and two people are compared by the mean of theirs.
        sigmas: K constants of the skeleton.
        threshold: the largest OKS with a better person at which one is kept.
    """
    order, kept = np.argsort(-scores, kind="stable"), []
    while len(order):
        best, rest = order[0], order[1:]
        kept.append(int(best))
        order = rest[
            oks(keypoints[rest], keypoints[best], (areas[rest] + areas[best]) / 2, sigmas)
            <= threshold
        ]
    return kept
