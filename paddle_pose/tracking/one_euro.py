"""One-Euro filter: removes the jitter of joints that stand still, with little lag of fast ones.

Source: Casiez et al. (CHI 2012), with the constants and the bounded step (asinh) of Google's
    MoveNet demo (tfjs-models).
Checked against: a literal restatement, one number at a time (tests/tracking/test_one_euro.py).
Differs: the first frame may have any time; tfjs-models takes time 0 for none.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

import numpy as np

from paddle_pose.errors import InputError


@dataclass(frozen=True)
class _State:
    """State of the filter after a frame.

    Attributes:
        seconds: Time of the frame.
        raw: Points of the frame, [...].
        speed: Speed of the points per s after the low-pass filter, [...].
        smoothed: Smoothed points, [...].
    """

    seconds: float
    raw: np.ndarray
    speed: np.ndarray
    smoothed: np.ndarray


class OneEuro:
    """Smooths points from frame to frame, each coordinate by itself.

    Call the filter with the points of each frame, in order. The defaults are for points as
    fractions of the image's width and height; a speed of 1 is then one width or height per second.

    Args:
        min_cutoff: Cut-off frequency of a still point in Hz; a lower one removes more jitter.
        beta: Increase of the cut-off frequency in Hz for each 1 of speed; a higher one reduces the
            lag.
        derivative_cutoff: Cut-off frequency in Hz of the low-pass filter of the speed.
        threshold_cutoff: Step of a still point between two frames, as a fraction of width or
            height, above which the output grows less than proportionally (asinh).
        threshold_beta: Increase of that step for each 1 of speed.

    Example:
        >>> smooth = OneEuro()
        >>> smooth(np.array([0.5, 0.25]), 0.0), smooth(np.array([0.5, 0.25]), 0.04)
        (array([0.5 , 0.25]), array([0.5 , 0.25]))
    """

    def __init__(
        self,
        min_cutoff: float = 2.5,
        beta: float = 300.0,
        derivative_cutoff: float = 2.5,
        threshold_cutoff: float = 0.5,
        threshold_beta: float = 5.0,
    ) -> None:
        self._min_cutoff = min_cutoff
        self._beta = beta
        self._derivative_cutoff = derivative_cutoff
        self._threshold_cutoff = threshold_cutoff
        self._threshold_beta = threshold_beta
        self._state: _State | None = None

    def reset(self) -> None:
        """Forgets all frames; call this when the person is lost, before the next call."""
        self._state = None

    def __call__(self, points: np.ndarray, seconds: float) -> np.ndarray:
        """Returns the smoothed points of the next frame, [...] float64.

        Args:
            points: Points [...] of any shape, which stays the same until `reset`, as fractions of
                the image's width and height.
            seconds: Time of the frame in s. If the time is not later than that of the last frame,
                the points are returned as they are, and the filter does not change.

        Raises:
            InputError: If the shape is not that of the last frame, or a number is not finite.
        """
        raw = np.asarray(points, np.float64)
        last = self._state
        if not (np.isfinite(raw).all() and np.isfinite(seconds)):
            raise InputError(
                "expected finite points and time; reset the filter when a person is lost"
            )
        if last is None:
            self._state = _State(
                seconds=seconds, raw=raw.copy(), speed=np.zeros_like(raw), smoothed=raw.copy()
            )
            return raw.copy()
        if raw.shape != last.raw.shape:
            raise InputError(
                f"expected points {list(last.raw.shape)} as in the last frame, "
                f"got {list(raw.shape)}; reset first"
            )
        if seconds <= last.seconds:
            return raw.copy()
        rate = 1 / (seconds - last.seconds)
        speed = (raw - last.raw) * rate
        speed = last.speed + _weight(self._derivative_cutoff, rate) * (speed - last.speed)
        cutoff = self._min_cutoff + self._beta * np.abs(speed)
        threshold = self._threshold_cutoff + self._threshold_beta * np.abs(speed)
        step = threshold * np.arcsinh((raw - last.smoothed) / threshold)
        smoothed: np.ndarray = last.smoothed + _weight(cutoff, rate) * step
        self._state = _State(seconds=seconds, raw=raw.copy(), speed=speed, smoothed=smoothed)
        return smoothed.copy()


def smooth_keypoints(
    keypoints: np.ndarray,
    seconds: np.ndarray,
    image_size: tuple[int, int],
    smoother: OneEuro | None = None,
) -> np.ndarray:
    """Returns the keypoints of one person smoothed over all frames, [T, K, 2] float64 in image px.

    Args:
        keypoints: Keypoints [T, K, 2] in image px of one person in T frames, in order.
        seconds: Times [T] of the frames in s.
        image_size: (width, height) of the image in px.
        smoother: Filter without frames so far; None uses one with the default arguments.

    Raises:
        InputError: If a number is not finite.

    Example:
        >>> steps = np.array([0.0, 60.0, 60.0]).repeat(4).reshape(3, 2, 2)
        >>> smooth_keypoints(steps, np.arange(3) / 25, (640, 480), OneEuro(beta=0))[:, 0].round(1)
        array([[ 0. ,  0. ],
               [23.2, 23.2],
               [37.4, 37.4]])
    """
    smooth = smoother or OneEuro()
    size = np.array(image_size)
    return np.stack(
        [
            smooth(points / size, float(time)) * size
            for points, time in zip(keypoints, seconds, strict=True)
        ]
    )


def _weight(cutoff: float | np.ndarray, rate: float) -> float | np.ndarray:
    """Returns the weight of the new value in a low-pass filter.

    Args:
        cutoff: Cut-off frequency in Hz.
        rate: Frames per second.
    """
    return 1 / (1 + rate / (2 * pi * cutoff))
