"""Prediction as a stream: frames -> boxes -> poses -> tracked poses; `writers` and `renderers` take them.

Images, videos and cameras differ only in where frames come from, and nothing grows with a video's length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Literal

import numpy as np

from paddle_pose.errors import InputError
from paddle_pose.inference.detection.base import Detections, Detector
from paddle_pose.inference.detection.every_nth import EveryNth
from paddle_pose.inference.predictor import CropMaps, Predictor
from paddle_pose.io.boxes import Boxes
from paddle_pose.io.frames import Frame, Source
from paddle_pose.metrics.oks import oks_nms
from paddle_pose.skeletons import Skeleton
from paddle_pose.structures import Box, Poses, mean_joint_score
from paddle_pose.tracking.one_euro import OneEuro
from paddle_pose.tracking.pose_tracker import PoseTracker, SinglePersonVideo, WindowPredictor
from paddle_pose.tracking.tracker import Tracker

MAX_OKS = 0.9  # of two people who are both kept; as SimpleBaseline and HRNet

Boxed = tuple[Frame, Detections | None]
"""A frame and the people to look at in it; None for the whole image."""


def with_boxes(
    frames: Iterable[Frame], boxes: Boxes | None = None, detector: Detector | None = None
) -> Iterator[Boxed]:
    """Yields every frame with the people to look at, None for the whole image.

    Args:
        frames: Frames of any sources.
        boxes: Boxes of a file; None without one.
        detector: Function that finds people; None without one.
    """
    for frame in frames:
        if boxes is not None:
            yield frame, given(boxes.of(frame.source.path))
        else:
            yield frame, None if detector is None else detected(detector, frame.pixels)


def given(boxes: Sequence[Box] | None) -> Detections | None:
    """Returns boxes that somebody has chosen as detections with score 1; None, the whole image, for None."""
    if boxes is None:
        return None
    return Detections(np.array(boxes, np.float64).reshape(-1, 4), np.ones(len(boxes)))


def detected(detector: Detector, image: np.ndarray) -> Detections:
    """Returns the people that a detector finds, checked.

    Args:
        detector: Function that finds people.
        image: uint8 RGB [h, w, 3].

    Raises:
        InputError: If the detector returns no boxes [D, 4] and scores [D], or numbers that are not finite.
    """
    answer = detector(image)
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        raise InputError(
            "a detector returns a pair: boxes [D, 4] (x, y, width, height) in image px and scores [D]; got "
            f"{type(answer).__name__}"
        )
    boxes, scores = (np.asarray(values, np.float64) for values in answer)
    if boxes.size == 0:
        return Detections(np.zeros((0, 4)), np.zeros(0))
    fits = boxes.ndim == 2 and boxes.shape[1] == 4 and scores.shape == boxes.shape[:1]
    if not (fits and np.isfinite(boxes).all() and np.isfinite(scores).all()):
        raise InputError(
            "a detector returns finite boxes [D, 4] (x, y, width, height) in image px and scores [D]; got shapes "
            f"{list(boxes.shape)} and {list(scores.shape)}"
        )
    there = (boxes[:, 2] > 0) & (boxes[:, 3] > 0)
    return Detections(boxes[there], scores[there])


def predict(
    boxed: Iterable[Boxed],
    predictor: Predictor,
    *,
    rescore: bool,
    see: Callable[[Frame, CropMaps], None] = lambda frame, maps: None,
    batch_size: int | None = None,
) -> Iterator[tuple[Frame, Poses]]:
    """Yields frames with the poses in them, image px; windows of several frames are predicted together.

    Args:
        boxed: Frames with the people to look at.
        predictor: Network that predicts poses in windows.
        rescore: Whether people are scored and sorted as detected ones, see `rescored`; given boxes keep their order.
        see: Receives each frame with the crop and maps of a window.
        batch_size: Number of windows that are predicted together; None as the predictor was made.
    """
    images = (((frame, found), frame.pixels, _box_list(found)) for frame, found in boxed)
    for (frame, found), poses in predictor.stream(
        images, lambda label, maps: see(label[0], maps), batch_size
    ):
        if rescore and found is not None:
            poses = rescored(poses, found, predictor.codec.skeleton)
        yield frame, poses


def predict_frames(
    frames: Iterable[Frame],
    predictor: Predictor,
    *,
    boxes: Boxes | None = None,
    detector: Detector | None = None,
    every: int = 1,
    see: Callable[[Frame, CropMaps], None] = lambda frame, maps: None,
    batch_size: int | None = None,
) -> Iterator[tuple[Frame, Poses]]:
    """Returns an iterator over frames with the poses in them, image px.

    Args:
        frames: Frames of any sources.
        predictor: Network that predicts poses in windows.
        boxes: Boxes of a file; None without one.
        detector: Function that finds people; None without one: then the whole image is the window.
        every: Frames of a video from one run of the detector to the next; more than 1 takes one frame after another.
        see: Receives each frame with the crop and maps of a window.
        batch_size: Number of windows that are predicted together; None as the predictor was made.
    """
    if detector is not None and every > 1:
        return predict_videos(frames, predictor, detector, every=every, see=see)
    boxed = with_boxes(frames, boxes, detector)
    return predict(boxed, predictor, rescore=detector is not None, see=see, batch_size=batch_size)


def predict_videos(
    frames: Iterable[Frame],
    predictor: Predictor,
    detector: Detector,
    *,
    every: int,
    see: Callable[[Frame, CropMaps], None] = lambda frame, maps: None,
) -> Iterator[tuple[Frame, Poses]]:
    """Yields frames with the poses in them; the detector runs on every n-th frame of a video, and on all images.

    Args:
        frames: Frames of any sources.
        predictor: Network that predicts poses in windows.
        detector: Function that finds people.
        every: Frames of a video from one run of the detector to the next.
        see: Receives each frame with the crop and maps of a window.

    Raises:
        InputError: If `every` is below 1.
    """
    source: Source | None = None
    previous: Poses | None = None
    for frame in frames:
        if frame.source != source:
            source, previous = frame.source, None
            tracked_boxes = EveryNth(lambda image: detected(detector, image), every)
        found = tracked_boxes.boxes(frame.index, frame.pixels, previous)
        ((_, previous),) = predict([(frame, found)], predictor, rescore=True, see=see)
        yield frame, previous


def rescored(poses: Poses, found: Detections, skeleton: Skeleton) -> Poses:
    """Returns detected people, the best first: a person's score is that of the box times the mean of the joints' scores.

    Joints with a score above 0.2 count; who has none is no person. Of two people who are alike, the worse one is left out (OKS
    above 0.9).

    Source: SimpleBaseline and HRNet, which evaluate COCO so.

    Args:
        poses: Poses in image px, with their boxes.
        found: Boxes that the people were found in.
        skeleton: Joints of the poses.
    """
    if not len(poses.scores):
        return poses
    box = [int(np.flatnonzero((found.boxes == one).all(axis=1))[0]) for one in poses.boxes]
    scores = found.scores[box] * mean_joint_score(poses)
    areas = poses.windows[:, 2] * poses.windows[:, 3]
    kept = oks_nms(poses.keypoints, scores, areas, skeleton.sigmas, MAX_OKS)
    order = [person for person in kept if scores[person] > 0]
    return Poses(
        poses.keypoints[order],
        poses.scores[order],
        scores[order],
        poses.boxes[order],
        windows=poses.windows[order],
    )


def _box_list(found: Detections | None) -> list[Box] | None:
    """Returns boxes as tuples; None, the whole image, for None."""
    if found is None:
        return None
    return [(x, y, width, height) for x, y, width, height in found.boxes.tolist()]


def one_person(
    frames: Iterable[Frame], predictor: WindowPredictor, smooth: bool = False
) -> Iterator[tuple[Frame, Poses]]:
    """Yields the frames with the one person in them; every image and video begins anew.

    Args:
        frames: Frames of any sources.
        predictor: Network that finds the person in a window.
        smooth: Whether the person's keypoints are smoothed (One-Euro).
    """
    source: Source | None = None
    for frame in frames:
        if frame.source != source:
            source = frame.source
            video = SinglePersonVideo(predictor, OneEuro if smooth else None)
        yield frame, video(frame.seconds, frame.pixels)


def tracked(
    found: Iterable[tuple[Frame, Poses]],
    skeleton: Skeleton,
    track: Literal["oks", "iou"] | None = None,
    smooth: bool = False,
) -> Iterator[tuple[Frame, Poses]]:
    """Yields frames with their poses; people of videos and cameras have ids and are smoothed, images stay as they are.

    Each video is tracked by itself. A person has its id from the first frame on: with ids, a frame follows when the next two
    were read, see `PoseTracker`.

    Args:
        found: Frames with their poses.
        skeleton: Joints of the poses.
        track: What makes people similar: their joints ("oks") or the boxes around them ("iou"); None for no ids.
        smooth: Whether keypoints are smoothed (One-Euro), which needs ids: by "oks" where `track` is None.
    """
    for source, of_source in groupby(found, key=lambda pair: pair[0].source):
        if source.kind == "image" or not (track or smooth):
            yield from of_source
        else:
            tracker = Tracker(skeleton, by=track or "oks")
            pose_tracker = PoseTracker(tracker, OneEuro if smooth else None)
            yield from pose_tracker.stream(
                (frame, frame.seconds, frame.size, poses) for frame, poses in of_source
            )


def until(
    found: Iterable[tuple[Frame, Poses]], is_ended: Callable[[], bool]
) -> Iterator[tuple[Frame, Poses]]:
    """Yields frames until a run is ended early; what waits for later frames then goes on as at the end of a video.

    Args:
        found: Frames with their poses.
        is_ended: Whether no more frames are wanted.
    """
    for pair in found:
        yield pair
        if is_ended():
            return
