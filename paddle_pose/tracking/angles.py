"""Angles of joints, and repetitions of an exercise counted by one."""

from __future__ import annotations

import numpy as np

from paddle_pose.errors import InputError
from paddle_pose.skeletons import COCO_17, Skeleton


def joint_angle(
    keypoints: np.ndarray, joints: tuple[str, str, str], skeleton: Skeleton = COCO_17
) -> np.ndarray:
    """Returns the angle at the second of three joints, in the image's plane.

    Args:
        keypoints: [..., K, 2], px.
        joints: names, such as ("left_hip", "left_knee", "left_ankle").
        skeleton: of the keypoints.

    Returns:
        [...] degrees, 0 to 180: 180 is stretched. NaN where two of the joints coincide.

    Raises:
        InputError: If the skeleton has no such joint, or the keypoints are not its own.

    Example:
        >>> keypoints = np.zeros((17, 2))
        >>> keypoints[[11, 13, 15]] = (0, 0), (0, 10), (10, 10)
        >>> float(joint_angle(keypoints, ("left_hip", "left_knee", "left_ankle")))
        90.0
    """
    unknown = [name for name in joints if name not in skeleton.joints]
    if unknown or len(joints) != 3:
        raise InputError(
            f"expected three of the joints {', '.join(skeleton.joints)}; got {', '.join(joints)}"
        )
    points = np.asarray(keypoints, np.float64)
    if points.shape[-2:] != (skeleton.num_joints, 2):
        raise InputError(
            f"expected keypoints [..., {skeleton.num_joints}, 2], got {list(points.shape)}"
        )
    first, middle, last = (points[..., skeleton.joints.index(name), :] for name in joints)
    a, b = first - middle, last - middle
    across, along = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0], (a * b).sum(axis=-1)
    angle = np.degrees(np.arctan2(np.abs(across), along))
    return np.where((a != 0).any(axis=-1) & (b != 0).any(axis=-1), angle, np.nan)


class RepetitionCounter:
    """Counts how often an angle falls below one bound and rises above another again.

    Between the bounds nothing happens, so trembling at one of them is not counted twice.

    Example:
        >>> count = RepetitionCounter(low=100, high=150)
        >>> [count(angle) for angle in (170, 120, 95, 105, 95, 140, 155, 170)]
        [0, 0, 0, 0, 0, 0, 1, 1]
    """

    def __init__(self, low: float, high: float) -> None:
        """Takes the bounds, in degrees.

        Raises:
            InputError: If `low` is not below `high`.
        """
        if not low < high:
            raise InputError(f"expected low < high, got {low} and {high}")
        self._low, self._high = low, high
        self._ready = self._down = False
        self.count = 0

    def __call__(self, angle: float) -> int:
        """Takes the next frame's angle, and returns how many repetitions are complete.

        The first must begin above `high`. NaN, a frame without the person, changes nothing.
        """
        if angle > self._high:
            self.count += self._down
            self._ready, self._down = True, False
        elif angle < self._low:
            self._down = self._ready
        return self.count
