"""Synthetic motion: COCO's joints of squatting and walking people over time, with track ids.

A figure is seen from the side, with its left limbs slightly behind its right ones. Angles are in
degrees, and its lower foot is on the ground.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paddle_pose.skeletons import COCO_17

# Lengths in body heights.
_THIGH = 0.25
_SHIN = 0.25
_TORSO = 0.3
_UPPER_ARM = 0.17
_FOREARM = 0.15
# (x, y) from the middle between the shoulders.
_HEAD = {"nose": (0.07, -0.1), "eye": (0.05, -0.13), "ear": (0.0, -0.11)}
# x offset of the limbs of each side.
_SIDE_OFFSETS = {"left": -0.02, "right": 0.02}


def squats(
    seconds: np.ndarray, period: float = 2.0, depth: float = 80.0, height: float = 200.0
) -> np.ndarray:
    """Returns the joints of a person who squats, and stands at time 0 and after each period.

    Args:
        seconds: Times [T] of the frames in seconds, in any order.
        period: Duration of a squat in seconds.
        depth: Angle in degrees by which the thighs are raised at the lowest point; the angle at the
            knees is 180 - 1.5 x depth there.
        height: Height of the standing body in px; the feet are near (0.5, 1.0) x height.

    Returns:
        Joints in COCO's order, [T, 17, 2] float64 (x, y) in px, y down.
    """
    thigh = depth * (1 - np.cos(2 * np.pi * np.asarray(seconds, np.float64) / period)) / 2
    legs = dict.fromkeys(_SIDE_OFFSETS, (thigh, 1.5 * thigh))
    arms = {side: (thigh * 1.1, np.zeros_like(thigh)) for side in _SIDE_OFFSETS}
    points = _figure(legs, arms, 0.5 * thigh)
    ankles = [COCO_17.joints.index("left_ankle"), COCO_17.joints.index("right_ankle")]
    # The feet do not move; the hips do.
    points[..., 0] -= points[:, ankles, 0].mean(axis=1, keepdims=True)
    scaled: np.ndarray = height * (points + np.array([0.5, 1.0]))
    return scaled


def walk(seconds: np.ndarray, speed: float, height: float = 200.0) -> np.ndarray:
    """Returns the joints of a person who walks with constant speed.

    Args:
        seconds: Times [T] of the frames in seconds, in any order.
        speed: Speed in px per second; negative to the left, 0 for a person who stands.
        height: Height of the body in px.

    Returns:
        Joints in COCO's order, [T, 17, 2] float64 (x, y) in px, y down. At time 0 the hips are at
        x = 0; the ground is at y = 0, so that the body has negative y.
    """
    seconds = np.asarray(seconds, np.float64)
    stride = 0.75 * height  # of two steps
    phase = 2 * np.pi * seconds * abs(speed) / stride
    swing = {"left": 28 * np.sin(phase), "right": -28 * np.sin(phase)}
    lift = {
        side: sign * np.cos(phase) * (speed != 0) for side, sign in (("left", 1), ("right", -1))
    }
    legs = {side: (swing[side], 8 + 30 * np.maximum(0, lift[side])) for side in _SIDE_OFFSETS}
    arms = {side: (-0.8 * swing[side], 15 + 0 * phase) for side in _SIDE_OFFSETS}
    points = _figure(legs, arms, np.full(len(seconds), 4.0)) * height
    if speed < 0:
        points[..., 0] *= -1
    points[..., 0] += (speed * seconds)[:, None]
    return points


@dataclass(frozen=True, eq=False)
class Frame:
    """A frame of a synthetic video.

    Attributes:
        seconds: Time of the frame in seconds.
        ids: Track ids of the P people in the frame, [P] int64, counted from 1; increasing.
        keypoints: Joints of these people in COCO's order, [P, 17, 2] in image px.
    """

    seconds: float
    ids: np.ndarray
    keypoints: np.ndarray


def crossing_people(
    frames: int = 150, rate: float = 25.0, size: tuple[int, int] = (640, 360)
) -> list[Frame]:
    """Returns the frames of a video of five people whose paths cross, in order.

    The frames contain ids and joints, no images. Two people meet in the middle, one overtakes
    another one who stands, and one enters late and leaves early.

    Args:
        frames: Number of frames; the paths take the whole video, however long.
        rate: Frames per second.
        size: (width, height) of the image in px. A person is in a frame if the mean of their joints
            is inside the image.
    """
    seconds = np.arange(frames) / rate
    duration = frames / rate
    width, image_height = size
    # x at the beginning and at the end, y of the ground, and height, as fractions of the image.
    paths = (
        (-0.05, 1.05, 0.95, 0.60),
        (1.05, -0.05, 0.92, 0.55),
        (0.10, 0.75, 0.85, 0.50),
        (0.62, 0.62, 0.80, 0.45),
        (1.60, -0.40, 0.99, 0.65),
    )
    people = []
    for start, end, ground, height in paths:
        person = walk(seconds, (end - start) * width / duration, height * image_height)
        people.append(person + np.array([start * width, ground * image_height]))
    keypoints = np.stack(people, axis=1)  # [T, P, K, 2]
    centers = keypoints.mean(axis=2)  # [T, P, 2]
    inside = ((centers >= 0) & (centers < size)).all(axis=-1)  # [T, P]
    return [
        Frame(float(time), np.flatnonzero(is_inside) + 1, points[is_inside])
        for time, is_inside, points in zip(seconds, inside, keypoints, strict=True)
    ]


def _figure(
    legs: dict[str, tuple[np.ndarray, np.ndarray]],
    arms: dict[str, tuple[np.ndarray, np.ndarray]],
    lean: np.ndarray,
) -> np.ndarray:
    """Returns the joints of a figure that faces +x.

    Args:
        legs: Angles of the legs by side: how far the thigh is raised to the front, and how far the
            knee is bent, each [T] in degrees.
        arms: Angles of the arms by side: how far the upper arm is raised to the front, and how far
            the elbow is bent, each [T] in degrees.
        lean: Angle by which the torso leans to the front, [T] in degrees.

    Returns:
        [T, 17, 2] (x, y) in body heights, with the hips around x = 0 and the lower foot at y = 0.
    """
    points = {}
    neck = _TORSO * _direction(180 - lean)
    for side, offset in _SIDE_OFFSETS.items():
        thigh, knee = legs[side]
        arm, elbow = arms[side]
        hip = np.array([offset, 0.0])
        shoulder = neck + np.array([offset, 0.02])
        points["hip", side] = hip + 0 * neck
        points["shoulder", side] = shoulder
        points["knee", side] = hip + _THIGH * _direction(thigh)
        points["ankle", side] = points["knee", side] + _SHIN * _direction(thigh - knee)
        points["elbow", side] = shoulder + _UPPER_ARM * _direction(arm)
        points["wrist", side] = points["elbow", side] + _FOREARM * _direction(arm + elbow)
        points["eye", side] = neck + _HEAD["eye"]
        points["ear", side] = neck + _HEAD["ear"] + (offset / 2, 0.0)
    named = {f"{side}_{name}": point for (name, side), point in points.items()}
    named["nose"] = neck + _HEAD["nose"]
    joints = np.stack([named[name] for name in COCO_17.joints], axis=1)
    joints[..., 1] -= joints[..., 1].max(axis=1, keepdims=True)
    return joints


def _direction(angle: np.ndarray) -> np.ndarray:
    """Returns unit vectors [T, 2] of angles [T] in degrees: 0 is down, 90 is to the front (+x)."""
    return np.stack([np.sin(np.radians(angle)), np.cos(np.radians(angle))], axis=-1)
