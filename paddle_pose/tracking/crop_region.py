"""Window of the next frame in a video of one person: the square around the person in this frame.

If a hip and a shoulder are visible, the centre of the square is the midpoint of the hips. Half its
side is the larger of 1.9 x the distance of the farthest torso joint (shoulders and hips) and 1.2 x
that of the farthest visible joint, along either axis, but no more than the distance to the farthest
border of the image. Otherwise, or if that half is more than half the image's longer side, the
square is the whole image, padded. A square may extend beyond the image; the outside is black.

Source: the tutorial of Google's MoveNet on TF-Hub; `crop_utils.ts` of tfjs-models for giving up a
    pose, and for the low-pass filter.
Checked against: a literal restatement in normalised coordinates
    (tests/tracking/test_crop_region.py).
Differs: tfjs-models starts with a square cut out of the first image; here, as in the tutorial, it
    is the padded image.
"""

from __future__ import annotations

import numpy as np

from paddle_pose.geometry import Window
from paddle_pose.skeletons import COCO_17, Skeleton
from paddle_pose.structures import Poses

MIN_KEYPOINT_SCORE_FOR_CROP = 0.2
"""Score above which a joint is visible. Source: the tutorial and tfjs-models."""
TORSO_FACTOR = 1.9
"""Half the square's side in distances of the farthest torso joint. Source: the same two."""
BODY_FACTOR = 1.2
"""Half the square's side in distances of the farthest visible joint. Source: the same two."""
MIN_POSE_SCORE = 0.25
"""Mean score of the visible joints below which a pose is given up. Source: tfjs-models."""
NEW_WINDOW_WEIGHT = 0.9
"""Weight of the new corners in the low-pass filter. Source: tfjs-models."""


def whole_square(image_size: tuple[int, int]) -> Window:
    """Returns the square window in image px that contains the whole image, with the same centre.

    Args:
        image_size: (width, height) of the image in px.

    Example:
        >>> whole_square((640, 480))
        Window(center=(320.0, 240.0), size=(640.0, 640.0), rotation=0.0, flip=False)
    """
    width, height = image_size
    side = float(max(width, height))
    return Window((width / 2, height / 2), (side, side))


def pose_score(scores: np.ndarray) -> float:
    """Returns the mean score of a person's visible joints; 0 if there is none.

    Args:
        scores: Scores [K] of the joints; those above `MIN_KEYPOINT_SCORE_FOR_CROP` are visible.

    Example:
        >>> pose_score(np.array([0.5, 0.7, 0.1]))
        0.6
    """
    visible = scores[scores > MIN_KEYPOINT_SCORE_FOR_CROP]
    return float(visible.mean()) if len(visible) else 0.0


def next_window(
    poses: Poses,
    image_size: tuple[int, int],
    previous: Window | None = None,
    *,
    min_pose_score: float = MIN_POSE_SCORE,
    low_pass: float = NEW_WINDOW_WEIGHT,
    skeleton: Skeleton = COCO_17,
) -> Window:
    """Returns the square window of the next frame, in image px, by the rule of this module.

    Args:
        poses: People of this frame in image px; the first one, with the highest score, is used.
        image_size: (width, height) of the image in px.
        previous: Window of this frame, with which the new one is averaged; None averages nothing.
        min_pose_score: Value of `pose_score` below which the pose is given up: the window is then
            that of `whole_square`, without averaging. The tutorial's rule has 0.
        low_pass: Weight from 0 to 1 of the new window's corners in the average; the corners of the
            previous one have the rest.
        skeleton: Skeleton of the poses.

    Raises:
        ValueError: If the skeleton has no "left_hip", "right_hip", "left_shoulder" or
            "right_shoulder".
    """
    whole = whole_square(image_size)
    if not len(poses.scores) or pose_score(poses.scores[0]) < min_pose_score:
        return whole
    keypoints = np.asarray(poses.keypoints[0], np.float64)
    scores = poses.scores[0]
    hips, shoulders = (
        [skeleton.joints.index(f"{side}_{name}") for side in ("left", "right")]
        for name in ("hip", "shoulder")
    )
    window = whole
    is_visible = scores > MIN_KEYPOINT_SCORE_FOR_CROP
    if is_visible[hips].any() and is_visible[shoulders].any():
        center = keypoints[hips].mean(axis=0)
        distances = np.abs(keypoints - center).max(axis=1)  # [K]
        torso = distances[[*hips, *shoulders]].max()
        body = distances.max(where=scores >= MIN_KEYPOINT_SCORE_FOR_CROP, initial=0.0)
        farthest_border = np.abs([center, image_size - center]).max()
        half = float(min(max(TORSO_FACTOR * torso, BODY_FACTOR * body), farthest_border))
        if 0 < half <= max(image_size) / 2:
            window = Window((float(center[0]), float(center[1])), (2 * half, 2 * half))
    return window if previous is None else _averaged(window, previous, low_pass)


def _averaged(new: Window, old: Window, weight: float) -> Window:
    """Returns the window whose corners are the weighted means of those of two windows.

    Its centre and size are then the weighted means, too.

    Args:
        new: Window with the weight.
        old: Window with the rest of it.
        weight: Number from 0 to 1.
    """

    def mean(a: tuple[float, float], b: tuple[float, float]) -> tuple[float, float]:
        return weight * a[0] + (1 - weight) * b[0], weight * a[1] + (1 - weight) * b[1]

    return Window(mean(new.center, old.center), mean(new.size, old.size))
