"""Jitter of a tracked person, and the lag of smoothing.

*Jitter* is the mean length of the second difference x[t+1] - 2 x[t] + x[t-1] of joints that stand
still, in px per frame^2, divided by the person's size: the square root of the area of the box
around the joints. A joint stands still in frame t if the parabola that fits its positions in frames
t - 5 ... t + 5 best moves by at most 5 % of that size. White noise with standard deviation s in
both coordinates has a jitter of s sqrt(6) sqrt(pi / 2), about 3.07 s.

*Lag* is the shift at which the smoothed track correlates best with the raw one, averaged over the
coordinates that move; a parabola through the three best shifts gives it between frames.
"""

from __future__ import annotations

import numpy as np

from paddle_pose.errors import InputError

HALF_FIT = 5
"""Frames before and after a frame that the parabola is fitted to; this project's choice."""
MAX_STILL_MOTION = 0.05
"""Largest motion of a joint that stands still, in person sizes; this project's choice."""
MAX_LAG = 10
"""Largest lag that is looked for, in frames; this project's choice."""


def person_size(keypoints: np.ndarray) -> float:
    """Returns a person's size in px: the square root of the area of the box around the joints.

    It is the median over the frames.

    Args:
        keypoints: Joints [T, K, 2] in px of one person in T > 0 frames, all finite.
    """
    sizes = np.sqrt(np.prod(np.ptp(keypoints, axis=1), axis=-1))
    return float(np.median(sizes))


def still(keypoints: np.ndarray, visible: np.ndarray | None = None) -> np.ndarray:
    """Returns which joints stand still in which frames, bool [T, K], as the module defines it.

    The first and the last `HALF_FIT` frames are False.

    Args:
        keypoints: Joints [T, K, 2] in px of one person in consecutive frames, all finite, as
            predicted; smoothed ones would stand still more often.
        visible: Whether a joint counts in a frame, bool [T, K]. A joint stands still only if it
            counts in all frames of the parabola. None counts all.
    """
    result = np.zeros(keypoints.shape[:2], bool)
    counts = np.ones_like(result) if visible is None else visible
    max_motion = MAX_STILL_MOTION * person_size(keypoints)
    powers = np.vander(np.linspace(-1, 1, 2 * HALF_FIT + 1), 3)
    fit = powers @ np.linalg.pinv(powers)  # [11, 11]: positions -> positions on the parabola
    for t in range(HALF_FIT, len(keypoints) - HALF_FIT):
        around = slice(t - HALF_FIT, t + HALF_FIT + 1)
        fitted = np.einsum("st,tkc->skc", fit, keypoints[around])
        motion = np.linalg.norm(np.ptp(fitted, axis=0), axis=-1)  # [K]
        result[t] = (motion <= max_motion) & counts[around].all(axis=0)
    return result


def jitter(keypoints: np.ndarray, where: np.ndarray) -> float:
    """Returns the jitter in person sizes per frame^2; NaN if no joint stands still.

    It is the mean length of the second difference of the joints that stand still, divided by
    `person_size`.

    Args:
        keypoints: Joints [T, K, 2] in px of one person in consecutive frames, all finite.
        where: Result of `still` for the joints as predicted, bool [T, K]; pass the same array for
            the joints before and after smoothing.

    Example:
        >>> noise = np.random.default_rng(0).normal((200, 100), 1.0, (400, 17, 2))
        >>> track = noise + 90 * np.eye(17, 2)
        >>> bool(abs(jitter(track, still(track)) * person_size(track) - 3.07) < 0.1)
        True
    """
    second_difference = keypoints[2:] - 2 * keypoints[1:-1] + keypoints[:-2]
    lengths = np.linalg.norm(second_difference, axis=-1)  # [T - 2, K]
    chosen = lengths[where[1:-1]]
    return float(chosen.mean() / person_size(keypoints)) if len(chosen) else float("nan")


def lag(smoothed: np.ndarray, raw: np.ndarray) -> float:
    """Returns the number of frames by which the smoothed track is behind the raw one.

    Args:
        smoothed: Smoothed joints [T, K, 2] in px of one person in consecutive frames, all finite.
        raw: Joints [T, K, 2] in px, as predicted, of the same person in the same frames.

    Returns:
        The lag, a fraction from -`MAX_LAG` to `MAX_LAG`; NaN if nothing moves, or for fewer than
        2 x `MAX_LAG` frames.

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
    late = smoothed.reshape(frames, -1)
    early = raw.reshape(frames, -1)
    moving = early.std(axis=0) > MAX_STILL_MOTION * person_size(raw)
    if not moving.any() or frames < 2 * MAX_LAG:
        return float("nan")
    shifts = range(-MAX_LAG, MAX_LAG + 1)
    correlations = np.array(
        [_correlation(late[:, moving], early[:, moving], shift) for shift in shifts]
    )
    best = int(correlations.argmax())
    if not 0 < best < len(correlations) - 1:
        return float(shifts[best])
    left, peak, right = correlations[best - 1 : best + 2]
    return float(shifts[best] + (left - right) / (left - 2 * peak + right) / 2)


def _correlation(late: np.ndarray, early: np.ndarray, shift: int) -> float:
    """Returns the mean correlation of late[t + shift] with early[t] over the columns of [T, M]."""
    frames = len(early)
    a = late[max(0, shift) : frames + min(0, shift)]
    b = early[max(0, -shift) : frames - max(0, shift)]
    a = a - a.mean(axis=0)
    b = b - b.mean(axis=0)
    norms = np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0) + 1e-12)
    return float(((a * b).sum(axis=0) / norms).mean())
