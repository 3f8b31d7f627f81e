"""Synthetic people in motion: COCO's joints of people who squat or walk, frame by frame, with who is who.

A figure is seen from the side, its left leg and arm a little behind its right ones; angles are in degrees, and it stands on
the ground with its lower foot.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paddle_pose.skeletons import COCO_17

_THIGH, _SHIN, _TORSO, _UPPER_ARM, _FOREARM = 0.25, 0.25, 0.3, 0.17, 0.15  # body heights
_HEAD = {
    "nose": (0.07, -0.1),
    "eye": (0.05, -0.13),
    "ear": (0.0, -0.11),
}  # from between the shoulders
_APART = {"left": -0.02, "right": 0.02}


def squats(
    seconds: np.ndarray, period: float = 2.0, depth: float = 80.0, height: float = 200.0
) -> np.ndarray:
    """Returns the joints [T, 17, 2] of somebody who squats: standing at the time 0 and after every period.

    Args:
        seconds: [T] times.
        period: s of a squat.
        depth: degrees by which the thighs are raised at the bottom; the knees' angle is 180 - 1.5 x depth there.
        height: of the standing body, px; the feet stand near (0.5, 1.0) x height.
    """
    bent = depth * (1 - np.cos(2 * np.pi * np.asarray(seconds, np.float64) / period)) / 2
    legs = dict.fromkeys(_APART, (bent, 1.5 * bent))
    arms = {side: (bent * 1.1, np.zeros_like(bent)) for side in _APART}
    points = _figure(legs, arms, 0.5 * bent)
    slots = [COCO_17.joints.index("left_ankle"), COCO_17.joints.index("right_ankle")]
    points[..., 0] -= points[:, slots, 0].mean(
        axis=1, keepdims=True
    )  # the feet stay, the hips move
    scaled: np.ndarray = height * (points + np.array([0.5, 1.0]))
    return scaled


def walk(seconds: np.ndarray, speed: float, height: float = 200.0) -> np.ndarray:
    """Returns the joints [T, 17, 2] of somebody who walks, at the time 0 with the hips over x = 0; the ground is y = 0.

    Args:
        seconds: [T] times.
        speed: px / s; to the left where negative, 0 stands still.
        height: px.
    """
    seconds = np.asarray(seconds, np.float64)
    phase = (
        2 * np.pi * seconds * abs(speed) / (0.75 * height)
    )  # a double step is 0.75 of the height long
    swing = {"left": 28 * np.sin(phase), "right": -28 * np.sin(phase)}
    lift = {
        side: sign * np.cos(phase) * (speed != 0) for side, sign in (("left", 1), ("right", -1))
    }
    legs = {side: (swing[side], 8 + 30 * np.maximum(0, lift[side])) for side in _APART}
    arms = {side: (-0.8 * swing[side], 15 + 0 * phase) for side in _APART}
    points = _figure(legs, arms, np.full(len(seconds), 4.0)) * height
    if speed < 0:
        points[..., 0] *= -1
    points[..., 0] += (speed * seconds)[:, None]
    return points


@dataclass(frozen=True, eq=False)
class Frame:
    """A moment of a drawn video.

    Attributes:
        seconds: its time.
        ids: [P] int64, who is in the image.
        keypoints: [P, 17, 2] image px.
    """

    seconds: float
    ids: np.ndarray
    keypoints: np.ndarray


def crossing_people(
    frames: int = 150, rate: float = 25.0, size: tuple[int, int] = (640, 360)
) -> list[Frame]:
    """Returns a video of five people: two cross in the middle, one overtakes, one stands, one comes late and leaves early.

    Args:
        frames: T.
        rate: frames per second.
        size: (width, height) px; somebody whose joints' mean is outside is not in the image.
    """
    seconds = np.arange(frames) / rate
    last, (width, high) = frames / rate, size
    cast = (  # x at the beginning and at the end, ground, height, in parts of the image
        (-0.05, 1.05, 0.95, 0.60),
        (1.05, -0.05, 0.92, 0.55),
        (0.10, 0.75, 0.85, 0.50),
        (0.62, 0.62, 0.80, 0.45),
        (1.60, -0.40, 0.99, 0.65),
    )
    people = []
    for start, end, ground, height in cast:
        person = walk(seconds, (end - start) * width / last, height * high)
        people.append(person + np.array([start * width, ground * high]))
    everybody = np.stack(people, axis=1)  # [T, P, K, 2]
    inside = ((everybody.mean(axis=2) >= 0) & (everybody.mean(axis=2) < size)).all(axis=-1)
    return [
        Frame(float(time), np.flatnonzero(is_inside) + 1, keypoints[is_inside])
        for time, is_inside, keypoints in zip(seconds, inside, everybody, strict=True)
    ]


def _figure(
    legs: dict[str, tuple[np.ndarray, np.ndarray]],
    arms: dict[str, tuple[np.ndarray, np.ndarray]],
    lean: np.ndarray,
) -> np.ndarray:
    """Returns joints [T, 17, 2] in body heights of a figure that faces +x, hips round x = 0, the lower foot at y = 0.

    Args:
        legs: by side, [T] how far the thigh is raised to the front, and the bend of the knee.
        arms: by side, [T] how far the upper arm is raised to the front, and the bend of the elbow.
        lean: [T] of the torso to the front.
    """
    points = {}
    neck = _TORSO * _direction(180 - lean)
    for side, apart in _APART.items():
        (thigh, knee), (arm, elbow) = legs[side], arms[side]
        hip, shoulder = np.array([apart, 0.0]), neck + np.array([apart, 0.02])
        points["hip", side], points["shoulder", side] = hip + 0 * neck, shoulder
        points["knee", side] = hip + _THIGH * _direction(thigh)
        points["ankle", side] = points["knee", side] + _SHIN * _direction(thigh - knee)
        points["elbow", side] = shoulder + _UPPER_ARM * _direction(arm)
        points["wrist", side] = points["elbow", side] + _FOREARM * _direction(arm + elbow)
        points["eye", side], points["ear", side] = (
            neck + _HEAD["eye"],
            neck + _HEAD["ear"] + (apart / 2, 0.0),
        )
    named = {f"{side}_{name}": point for (name, side), point in points.items()}
    named["nose"] = neck + _HEAD["nose"]
    joints = np.stack([named[name] for name in COCO_17.joints], axis=1)
    joints[..., 1] -= joints[..., 1].max(axis=1, keepdims=True)
    return joints


def _direction(angle: np.ndarray) -> np.ndarray:
    """Returns unit vectors [T, 2]: 0 degrees is down, 90 to the front (+x)."""
    return np.stack([np.sin(np.radians(angle)), np.cos(np.radians(angle))], axis=-1)
