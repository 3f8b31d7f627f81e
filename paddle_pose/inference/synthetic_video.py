"""Results of a synthetic video: a squatting person with noise like that of a network."""

from __future__ import annotations

import numpy as np

from paddle_pose.data.synthetic.motion import squats
from paddle_pose.inference.pose_result import PoseResult
from paddle_pose.skeletons import COCO_17
from paddle_pose.structures import Poses

_SIZE = (320, 240)
_CORNER = (55, 20)  # px; where the 200 px high person is in the image
_GREY = 48
_SECONDS_AT_THE_END = 0.8  # the person stands


def synthetic_squats(
    count: int, *, rate: float = 25.0, period: float = 2.0, noise: float = 1.0, seed: int = 0
) -> list[PoseResult]:
    """Returns the frames of a person who squats, with noisy keypoints, on grey images.

    Args:
        count: Number of squats.
        rate: Frames per second.
        period: Duration of a squat in s.
        noise: Standard deviation in px of each coordinate; the person is 200 px high.
        seed: Seed of the noise.

    Example:
        >>> results = synthetic_squats(2)
        >>> len(results), results[1].seconds, results[0].keypoints.shape
        (120, 0.04, (1, 17, 2))
    """
    seconds = np.arange(0, period * count + _SECONDS_AT_THE_END, 1 / rate)
    points = squats(seconds, period) + np.array(_CORNER)
    points += np.random.default_rng(seed).normal(0, noise, points.shape)
    image = np.full((_SIZE[1], _SIZE[0], 3), _GREY, np.uint8)
    scores = np.full((1, COCO_17.num_joints), 0.9)
    return [
        PoseResult(
            image=image,
            skeleton=COCO_17,
            poses=Poses(keypoints[None], scores, np.ones(1)),
            frame=frame,
            seconds=float(time),
        )
        for frame, (time, keypoints) in enumerate(zip(seconds, points, strict=True))
    ]
