"""Prediction as a stream: frames -> boxes -> poses -> tracked poses; `writers` and `renderers` take them.

Images, videos and cameras differ only in where frames come from, and nothing grows with a video's length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal

import numpy as np

from paddle_pose.errors import InputError
from paddle_pose.inference.detection.base import Detector
from paddle_pose.io.boxes import Boxes
from paddle_pose.io.frames import Frame, Source
from paddle_pose.skeletons import Skeleton
from paddle_pose.structures import Box, Poses
from paddle_pose.tracking.one_euro import OneEuro
from paddle_pose.tracking.pose_tracker import PoseTracker, SinglePersonVideo, WindowPredictor
from paddle_pose.tracking.tracker import Tracker

Framed = tuple[Frame, np.ndarray, Sequence[Box] | None]
"""A frame with its pixels and the boxes to look through; None for the whole image."""
Step = Callable[[int, float, tuple[int, int], Poses], Poses]
"""Receives a frame's number, its seconds, its (width, height) px and its poses; returns them changed, or with ids."""


def framed(frames: Iterable[Frame], boxes: Boxes | None = None, detector: Detector | None = None) -> Iterator[Framed]:
    """Yields every frame with its pixels and the boxes to look through, None for the whole image.

    Args:
        frames: Frames of any sources.
        boxes: Boxes of a file; None without one.
        detector: Function that finds people; None without one.
    """
    for frame in frames:
        chosen = detected(detector, frame.pixels) if boxes is None else boxes.of(frame.source.path)
        yield frame, frame.pixels, chosen


def detected(detector: Detector | None, image: np.ndarray) -> list[Box] | None:
    """Returns the boxes that a detector finds; None, the whole image, without a detector.

    Args:
        detector: Function that finds people.
        image: uint8 RGB [h, w, 3].

    Raises:
        InputError: If the detector returns no boxes [D, 4], or boxes that are not finite.
    """
    if detector is None:
        return None
    boxes = np.asarray(detector(image)[0], np.float64)
    if boxes.size == 0:
        return []
    if boxes.ndim != 2 or boxes.shape[1] != 4 or not np.isfinite(boxes).all():
        raise InputError(
            f"a detector returns finite boxes [D, 4] (x, y, width, height) and scores [D]; got boxes of shape "
            f"{list(boxes.shape)}"
        )
    return [(x, y, width, height) for x, y, width, height in boxes.tolist() if width > 0 and height > 0]


def one_person(
    framed: Iterable[Framed], predictor: WindowPredictor, smooth: bool = False
) -> Iterator[tuple[Frame, Poses]]:
    """Yields the frames with the one person in them; every image and video begins anew.

    Args:
        framed: Frames of any sources; their boxes do not count.
        predictor: Network that finds the person in a window.
        smooth: Whether the person's keypoints are smoothed (One-Euro).
    """
    source: Source | None = None
    for frame, pixels, _ in framed:
        if frame.source != source:
            source = frame.source
            video = SinglePersonVideo(predictor, OneEuro if smooth else None)
        yield frame, video(frame.seconds, pixels)


def tracking_steps(
    skeleton: Skeleton, track: Literal["oks", "iou"] | None = None, smooth: bool = False
) -> list[Callable[[], Step]]:
    """Returns makers of the steps that track and smooth the poses of a video, for `tracked`.

    Args:
        skeleton: Joints of the poses.
        track: What makes people similar: their joints ("oks") or the boxes round them ("iou"); None for no ids.
        smooth: Whether keypoints are smoothed (One-Euro), which needs ids: by "oks" where `track` is None.
    """
    if track is None and not smooth:
        return []

    def make() -> Step:
        pose_tracker = PoseTracker(Tracker(skeleton, by=track or "oks"), OneEuro if smooth else None)
        return lambda index, seconds, size, poses: pose_tracker(seconds, size, poses)

    return [make]


def tracked(
    found: Iterable[tuple[Frame, Poses]], makers: Sequence[Callable[[], Step]] = ()
) -> Iterator[tuple[Frame, Poses]]:
    """Passes the poses of each video or camera through steps of its own, such as tracking; an image's stay as they are.

    Args:
        found: Frames with their poses.
        makers: Functions that each make a step without a past.

    Yields:
        The frames, with their poses after the last step.
    """
    source: Source | None = None
    steps: list[Step] = []
    for frame, poses in found:
        if frame.source != source:
            source = frame.source
            steps = [] if source.kind == "image" else [make() for make in makers]
        for step in steps:
            poses = step(frame.index, frame.seconds, frame.size, poses)
        yield frame, poses
