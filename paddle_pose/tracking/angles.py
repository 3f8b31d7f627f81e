"""Angles of joints, and a counter of an exercise's repetitions that uses one of them."""

from __future__ import annotations

import numpy as np

from paddle_pose.errors import InputError
from paddle_pose.skeletons import COCO_17, Skeleton


def joint_angle(
    keypoints: np.ndarray, joints: tuple[str, str, str], skeleton: Skeleton = COCO_17
) -> np.ndarray:
    """Returns the angle at the second of three joints, in the image's plane.

    Args:
        keypoints: Joints [..., K, 2] (x, y) in px.
        joints: Names of the three joints, such as ("left_hip", "left_knee", "left_ankle").
        skeleton: Skeleton of the K joints.

    Returns:
        Angles [...] float64 in degrees from 0 to 180; 180 is straight. NaN where the second joint
        coincides with one of the other two, or a coordinate of the three is NaN.

    Raises:
        InputError: If the skeleton has no such joint, or the keypoints have another number of
            joints.

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
    a = first - middle
    b = last - middle
    cross = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    dot = (a * b).sum(axis=-1)
    angle = np.degrees(np.arctan2(np.abs(cross), dot))
    is_defined = (a != 0).any(axis=-1) & (b != 0).any(axis=-1)
    return np.where(is_defined, angle, np.nan)


class RepetitionCounter:
    """Counts how often an angle falls below a lower bound and then rises above an upper bound.

    Call the counter with the angle of each frame, in order. Between the bounds nothing is counted,
    so that jitter around one of them is not counted twice.

    Args:
        low: Lower bound in degrees, exclusive.
        high: Upper bound in degrees, exclusive.

    Attributes:
        count: Number of complete repetitions so far.

    Raises:
        InputError: If `low` is not below `high`.

    Example:
        >>> count = RepetitionCounter(low=100, high=150)
        >>> [count(angle) for angle in (170, 120, 95, 105, 95, 140, 155, 170)]
        [0, 0, 0, 0, 0, 0, 1, 1]
    """

    def __init__(self, low: float, high: float) -> None:
        if not low < high:
            raise InputError(f"expected low < high, got {low} and {high}")
        self._low = low
        self._high = high
        self._was_above = False
        self._is_down = False
        self.count = 0

    def __call__(self, angle: float) -> int:
        """Returns the number of complete repetitions after the next frame.

        Args:
            angle: Angle in degrees, such as of `joint_angle`. The first repetition must start above
                `high`. NaN, for a frame without the person, changes nothing.
        """
        if angle > self._high:
            self.count += self._is_down
            self._was_above = True
            self._is_down = False
        elif angle < self._low:
            self._is_down = self._was_above
        return self.count


def repetition_ends(angles: np.ndarray, low: float, high: float) -> np.ndarray:
    """Returns the indices of the frames in which a repetition is complete, [R] in order.

    Args:
        angles: Angles [T] in degrees of all frames in order, see `RepetitionCounter`.
        low: Lower bound in degrees, exclusive.
        high: Upper bound in degrees, exclusive.

    Raises:
        InputError: If `low` is not below `high`.

    Example:
        >>> repetition_ends(np.array([170, 120, 95, 105, 95, 140, 155, 170]), 100, 150).tolist()
        [6]
    """
    count = RepetitionCounter(low, high)
    counts = [count(float(angle)) for angle in angles]
    return np.flatnonzero(np.diff(counts, prepend=0))
