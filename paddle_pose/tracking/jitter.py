"""How much a followed person trembles, and how late smoothing is.

*Jitter* is the mean length of the second difference x[t+1] - 2 x[t] + x[t-1] of joints that stand still, in px per frame^2,
over the person's size: the root of the area of the box round the joints. A joint stands still in frame t when the parabola that
fits its places in frames t - 5 ... t + 5 best stays within 5 % of that size. White noise of standard deviation s in both
coordinates has a jitter of s sqrt(6) sqrt(pi / 2), about 3.07 s.

*Lag* is the shift at which the smoothed track resembles the raw one most: the peak of the correlation over the shift,
averaged over the coordinates that move, placed between frames by a parabola.
"""

from __future__ import annotations

import numpy as np

from paddle_pose.errors import InputError

HALF = 5  # frames
STILL = 0.05  # of the size
LONGEST_LAG = 10  # frames


def person_size(keypoints: np.ndarray) -> float:
    """Returns the median over the frames of the root of the area of the box round a person's joints.

    Args:
        keypoints: [T, K, 2] px.
    """
    return float(np.median(np.sqrt(np.prod(np.ptp(keypoints, axis=1), axis=-1))))


def still(keypoints: np.ndarray, seen: np.ndarray | None = None) -> np.ndarray:
    """Returns which joints stand still in which frames, [T, K] bool.

    Args:
        keypoints: [T, K, 2] px of one person, as found; smoothed ones would stand still more often.
        seen: [T, K] bool, which of them are to be believed; all where None.
    """
    answer = np.zeros(keypoints.shape[:2], bool)
    believed = np.ones_like(answer) if seen is None else seen
    least = STILL * person_size(keypoints)
    powers = np.vander(np.linspace(-1, 1, 2 * HALF + 1), 3)
    fit = powers @ np.linalg.pinv(powers)  # [11, 11]: places -> places on the parabola
    for t in range(HALF, len(keypoints) - HALF):
        around = slice(t - HALF, t + HALF + 1)
        way = np.ptp(np.einsum("st,tkc->skc", fit, keypoints[around]), axis=0)  # [K, 2]
        answer[t] = (np.linalg.norm(way, axis=-1) <= least) & believed[around].all(axis=0)
    return answer


def jitter(keypoints: np.ndarray, where: np.ndarray) -> float:
    """Returns the jitter in parts of the person's size per frame^2; NaN where nothing stands still.

    Args:
        keypoints: [T, K, 2] px of one person in frames running.
        where: [T, K] bool of `still`; take the same one before and after smoothing.

    Example:
        >>> track = np.random.default_rng(0).normal((200, 100), 1.0, (400, 17, 2)) + 90 * np.eye(17, 2)
        >>> bool(abs(jitter(track, still(track)) * person_size(track) - 3.07) < 0.1)
        True
    """
    second = np.linalg.norm(
        keypoints[2:] - 2 * keypoints[1:-1] + keypoints[:-2], axis=-1
    )  # [T - 2, K]
    chosen = second[where[1:-1]]
    return float(chosen.mean() / person_size(keypoints)) if len(chosen) else float("nan")


def lag(smoothed: np.ndarray, raw: np.ndarray) -> float:
    """Returns how many frames the smoothed track is behind the raw one; NaN where nothing moves or there are too few frames.

    Args:
        smoothed: [T, K, 2] px.
        raw: [T, K, 2] px, the same person in the same frames.

    Raises:
        InputError: If the shapes differ.

    Example:
        >>> raw = np.sin(np.arange(100) / 8)[:, None, None] * [[[50.0, 90.0], [20.0, 70.0]]]
        >>> round(lag(raw[:-2], raw[2:]), 1)
        2.0
    """
    if smoothed.shape != raw.shape:
        raise InputError(
            f"expected two tracks of one shape, got {list(smoothed.shape)} and {list(raw.shape)}"
        )
    frames = len(raw)
    late, first = smoothed.reshape(frames, -1), raw.reshape(frames, -1)
    moving = first.std(axis=0) > STILL * person_size(raw)
    if not moving.any() or frames < 2 * LONGEST_LAG:
        return float("nan")
    shifts = range(-LONGEST_LAG, LONGEST_LAG + 1)
    alike = np.array([_correlation(late[:, moving], first[:, moving], shift) for shift in shifts])
    best = int(alike.argmax())
    if not 0 < best < len(alike) - 1:
        return float(shifts[best])
    left, peak, right = alike[best - 1 : best + 2]
    return float(shifts[best] + (left - right) / (left - 2 * peak + right) / 2)


def _correlation(late: np.ndarray, first: np.ndarray, shift: int) -> float:
    """Returns the mean correlation of late[t + shift] with first[t] over the columns of [T, M]."""
    frames = len(first)
    a = late[max(0, shift) : frames + min(0, shift)]
    b = first[max(0, -shift) : frames - max(0, shift)]
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    return float(
        ((a * b).sum(axis=0) / np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0) + 1e-12)).mean()
    )
