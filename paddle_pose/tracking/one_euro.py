"""One-Euro smoothing: still people stop trembling, fast ones are not held back.

Source: Casiez et al. (CHI 2012), with the constants and the bounded step (asinh) that Google's MoveNet demo uses (tfjs-models).
Checked against: a literal restatement, a number at a time (tests/tracking/test_one_euro.py).
Differs: the first frame may have any time (tfjs takes the time 0 for none).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

import numpy as np

from paddle_pose.errors import InputError


@dataclass(frozen=True)
class _State:
    """After a frame: its time in s, and the [...] raw input, its low-passed speed per s, and the output."""

    seconds: float
    raw: np.ndarray
    speed: np.ndarray
    out: np.ndarray


class OneEuro:
    """Smooths points from frame to frame, every coordinate by itself.

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
        """Takes the constants.

        Args:
            min_cutoff: of a still point, Hz; less trembles less.
            beta: how much the cut-off rises with the speed; more follows faster.
            derivative_cutoff: of the speed, Hz.
            threshold_cutoff: the step, in units of the points, above which a still point follows less than proportionally.
            threshold_beta: how much that rises with the speed.
        """
        self._min_cutoff, self._beta, self._derivative_cutoff = min_cutoff, beta, derivative_cutoff
        self._threshold_cutoff, self._threshold_beta = threshold_cutoff, threshold_beta
        self._state: _State | None = None

    def reset(self) -> None:
        """Forgets the past; to be called when the person is lost."""
        self._state = None

    def __call__(self, points: np.ndarray, seconds: float) -> np.ndarray:
        """Smooths one frame's points.

        Args:
            points: [...], in fractions of the image's width and height: the constants are for these.
            seconds: the frame's time. A time not later than the last frame's returns the points as they are and changes
                nothing.

        Returns:
            [...] float64.

        Raises:
            InputError: If the shape is not the last frame's, or a number is not finite.
        """
        raw, last = np.asarray(points, np.float64), self._state
        if not (np.isfinite(raw).all() and np.isfinite(seconds)):
            raise InputError(
                "expected finite points and time; reset the filter when somebody is lost"
            )
        if last is None:
            self._state = _State(seconds, raw.copy(), np.zeros_like(raw), raw.copy())
            return raw.copy()
        if raw.shape != last.raw.shape:
            raise InputError(
                f"expected points {list(last.raw.shape)} as in the last frame, got {list(raw.shape)}; reset first"
            )
        if seconds <= last.seconds:
            return raw.copy()
        rate = 1 / (seconds - last.seconds)
        speed = (raw - last.raw) * rate
        speed = last.speed + _weight(self._derivative_cutoff, rate) * (speed - last.speed)
        cutoff = self._min_cutoff + self._beta * np.abs(speed)
        threshold = self._threshold_cutoff + self._threshold_beta * np.abs(speed)
        out: np.ndarray = last.out + _weight(cutoff, rate) * threshold * np.arcsinh(
            (raw - last.out) / threshold
        )
        self._state = _State(seconds, raw.copy(), speed, out)
        return out.copy()


def _weight(cutoff: float | np.ndarray, rate: float) -> float | np.ndarray:
    """Returns the weight of the new value in a low-pass with a cut-off, at so many frames per second."""
    return 1 / (1 + rate / (2 * pi * cutoff))
