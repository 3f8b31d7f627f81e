"""Where to look in the next frame of a video: the square round the person of this one.

When a hip and a shoulder are seen, the square's centre is the middle between the hips; half its side is the larger of 1.9 times
the torso's reach (shoulders and hips) and 1.2 times the body's (joints that are seen) along either axis, but no more than the
way to the farthest border. When the torso is not seen, or that half is above half the image's longer side, it is the whole
image, padded to a square. A square may leave the image; what lies outside is black.

Source: the tutorial of Google's MoveNet on TF-Hub; tfjs-models' `crop_utils.ts` for giving up a pose and the low-pass.
Checked against: a literal restatement in normalised coordinates (tests/tracking/test_crop_region.py).
Differs: tfjs starts with a square cut out of the first image; here, as in the tutorial, it is the padded one.
"""

from __future__ import annotations

import numpy as np

from paddle_pose.geometry import Window
from paddle_pose.skeletons import COCO_17, Skeleton
from paddle_pose.structures import Poses

MIN_KEYPOINT_SCORE_FOR_CROP = 0.2  # a joint with this score is seen
TORSO_REACH, BODY_REACH = 1.9, 1.2
MIN_POSE_SCORE = 0.25
LOW_PASS = 0.9  # weight of the new corners


def whole_square(image_size: tuple[int, int]) -> Window:
    """Returns the whole image, padded to a square.

    Args:
        image_size: (width, height) px.

    Example:
        >>> whole_square((640, 480))
        Window(center=(320.0, 240.0), size=(640.0, 640.0), rotation=0.0, flip=False)
    """
    width, height = image_size
    side = float(max(width, height))
    return Window((width / 2, height / 2), (side, side))


def pose_score(scores: np.ndarray) -> float:
    """Returns the mean score of the joints that are seen; 0 if none is.

    Args:
        scores: [K].

    Example:
        >>> pose_score(np.array([0.5, 0.7, 0.1]))
        0.6
    """
    seen = scores[scores > MIN_KEYPOINT_SCORE_FOR_CROP]
    return float(seen.mean()) if len(seen) else 0.0


def next_window(
    poses: Poses,
    image_size: tuple[int, int],
    previous: Window | None = None,
    *,
    min_pose_score: float = MIN_POSE_SCORE,
    low_pass: float = LOW_PASS,
    skeleton: Skeleton = COCO_17,
) -> Window:
    """Returns the window for the next frame.

    Args:
        poses: of this frame in image px; the best one counts.
        image_size: (width, height) px.
        previous: the window of this frame, whose corners are mixed in; None mixes nothing.
        min_pose_score: a pose below it is given up: the whole image, nothing mixed in. The tutorial's rule has 0.
        low_pass: weight of the new corners, the old ones have the rest.
        skeleton: names hips and shoulders.

    Returns:
        A square window.
    """
    lost = whole_square(image_size)
    if not len(poses.scores) or pose_score(poses.scores[0]) < min_pose_score:
        return lost
    keypoints, scores = np.asarray(poses.keypoints[0], np.float64), poses.scores[0]
    hips, shoulders = (
        [skeleton.joints.index(f"{side}_{name}") for side in ("left", "right")]
        for name in ("hip", "shoulder")
    )
    window = lost
    if (
        scores[hips].max() > MIN_KEYPOINT_SCORE_FOR_CROP
        and scores[shoulders].max() > MIN_KEYPOINT_SCORE_FOR_CROP
    ):
        center = keypoints[hips].mean(axis=0)
        reach = np.abs(keypoints - center).max(axis=1)  # [K]
        half = max(
            TORSO_REACH * reach[[*hips, *shoulders]].max(),
            BODY_REACH * reach.max(where=scores >= MIN_KEYPOINT_SCORE_FOR_CROP, initial=0.0),
        )
        half = float(min(half, np.abs([center, image_size - center]).max()))
        if 0 < half <= max(image_size) / 2:
            window = Window((float(center[0]), float(center[1])), (2 * half, 2 * half))
    return window if previous is None else _mixed(window, previous, low_pass)


def _mixed(new: Window, old: Window, weight: float) -> Window:
    """Returns the window whose corners are the weighted means of both, which makes centre and size the same means."""
    center, size = (
        tuple(weight * a + (1 - weight) * b for a, b in zip(*pair, strict=True))
        for pair in ((new.center, old.center), (new.size, old.size))
    )
    return Window((center[0], center[1]), (size[0], size[1]))
