"""Prediction as a stream: frames -> boxes -> poses -> tracked poses -> `writers` and `renderers`.

Images, videos and cameras differ only in the source of the frames. No memory grows with the length
of a video.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Literal

import numpy as np

from paddle_pose.errors import InputError
from paddle_pose.inference.detection.base import Detections, Detector
from paddle_pose.inference.detection.every_nth import EveryNth
from paddle_pose.inference.predictor import CropMaps, Predictor
from paddle_pose.inference.two_stage import PoseDetector
from paddle_pose.io.boxes import Boxes
from paddle_pose.io.frames import Frame, Source
from paddle_pose.metrics.oks import oks_nms
from paddle_pose.skeletons import Skeleton
from paddle_pose.structures import Box, Poses, mean_joint_score
from paddle_pose.tracking.one_euro import OneEuro
from paddle_pose.tracking.pose_tracker import PoseTracker, SinglePersonVideo, WindowPredictor
from paddle_pose.tracking.tracker import Tracker

MAX_OKS = 0.7
"""Highest OKS, with joints weighted by their scores, of two detected people who are both kept.

SimpleBaseline and HRNet have 0.9 with all joints alike in their evaluation, and so has
`metrics.coco_ap`. Measured with `benchmarks/people.py` on 60 images: this keeps fewer duplicates
and loses nobody.
"""
PERSON_THRESHOLD = 0.2
"""Lowest score of a detected person who is returned by default; measured, see docs/predict.md."""

Boxed = tuple[Frame, Detections | None]
"""A frame and the boxes of its people in image px; None takes the whole image as the window."""


def with_boxes(
    frames: Iterable[Frame], boxes: Boxes | None = None, detector: Detector | None = None
) -> Iterator[Boxed]:
    """Yields every frame with the boxes of its people; None for the whole image as the window.

    Args:
        frames: Frames of any sources.
        boxes: Boxes by image, as `io.boxes.read_boxes` returns them. They take precedence over the
            detector; an image about which they say nothing gets None.
        detector: Person detector, see `Detector`. Without boxes and detector every frame gets None.

    Raises:
        InputError: If the detector does not return boxes and scores, see `detected`.
    """
    for frame in frames:
        if boxes is not None:
            yield frame, given(boxes.of(frame.source.path))
        else:
            yield frame, None if detector is None else detected(detector, frame.pixels)


def given(boxes: Sequence[Box] | None) -> Detections | None:
    """Returns given boxes as detections with score 1, in their order; None for None.

    Args:
        boxes: (x, y, width, height) in image px of each person; None for the whole image.
    """
    if boxes is None:
        return None
    return Detections(np.array(boxes, np.float64).reshape(-1, 4), np.ones(len(boxes)))


def detected(detector: Detector, image: np.ndarray) -> Detections:
    """Returns the people that a detector finds, after checking what the detector returns.

    Args:
        detector: Person detector, see `Detector`.
        image: uint8 RGB [h, w, 3].

    Returns:
        The people in the detector's order; boxes without width or height are left out.

    Raises:
        InputError: If the detector does not return boxes [D, 4] and scores [D], or a number is not
            finite.
    """
    result = detector(image)
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise InputError(
            "a detector must return a pair: boxes [D, 4] (x, y, width, height) in image px and "
            f"scores [D]; got {type(result).__name__}"
        )
    boxes, scores = (np.asarray(values, np.float64) for values in result)
    if boxes.size == 0:
        return Detections(np.zeros((0, 4)), np.zeros(0))
    fits = boxes.ndim == 2 and boxes.shape[1] == 4 and scores.shape == boxes.shape[:1]
    if not (fits and np.isfinite(boxes).all() and np.isfinite(scores).all()):
        raise InputError(
            "a detector must return finite boxes [D, 4] (x, y, width, height) in image px and "
            f"finite scores [D]; got shapes {list(boxes.shape)} and {list(scores.shape)}"
        )
    not_empty = (boxes[:, 2] > 0) & (boxes[:, 3] > 0)
    return Detections(boxes[not_empty], scores[not_empty])


def predict(
    boxed: Iterable[Boxed],
    predictor: Predictor,
    *,
    rescore: bool,
    on_maps: Callable[[Frame, CropMaps], None] = lambda frame, maps: None,
    batch_size: int | None = None,
) -> Iterator[tuple[Frame, Poses]]:
    """Yields frames with their poses in image px; windows of several frames are predicted together.

    Args:
        boxed: Frames with the boxes of their people, as `with_boxes` yields them.
        predictor: Network that predicts poses in windows.
        rescore: Whether the people in boxes are scored and sorted as detected people, see
            `rescored`; otherwise they keep the scores of the codec and the order of the boxes.
        on_maps: Function that is called once per window, before its frame is yielded, with the
            frame and the window's `CropMaps`; its result is ignored.
        batch_size: Number of windows that are predicted together; None for that of the predictor.

    Yields:
        The frames in their order, each with its poses, boxes and windows in image px.

    Raises:
        InputError: If `batch_size` is below 1, or a box is empty.
    """
    images = (((frame, found), frame.pixels, _box_list(found)) for frame, found in boxed)
    for (frame, found), poses in predictor.stream(
        images, lambda label, maps: on_maps(label[0], maps), batch_size
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
    on_maps: Callable[[Frame, CropMaps], None] = lambda frame, maps: None,
    batch_size: int | None = None,
) -> Iterator[tuple[Frame, Poses]]:
    """Returns an iterator over frames with their poses in image px.

    People in boxes of the detector are scored as `rescored` does; all others keep the scores of the
    codec.

    Args:
        frames: Frames of any sources.
        predictor: Network that predicts poses in windows.
        boxes: Boxes by image, as `io.boxes.read_boxes` returns them; None for none. Pass boxes or a
            detector, not both.
        detector: Person detector, see `Detector`; None for none. Without boxes and detector the
            whole image is the window.
        every: Number of frames of a video from one run of the detector to the next, see
            `predict_videos`. More than 1 predicts one frame after another and ignores `batch_size`.
        on_maps: Function that is called once per window, before its frame is yielded, with the
            frame and the window's `CropMaps`; its result is ignored.
        batch_size: Number of windows that are predicted together; None for that of the predictor.

    Raises:
        InputError: While iterating, as from `predict` and `detected`.
    """
    if detector is not None and every > 1:
        return predict_videos(frames, predictor, detector, every=every, on_maps=on_maps)
    boxed = with_boxes(frames, boxes, detector)
    return predict(
        boxed,
        predictor,
        rescore=detector is not None,
        on_maps=on_maps,
        batch_size=batch_size,
    )


def predict_videos(
    frames: Iterable[Frame],
    predictor: Predictor,
    detector: Detector,
    *,
    every: int,
    on_maps: Callable[[Frame, CropMaps], None] = lambda frame, maps: None,
) -> Iterator[tuple[Frame, Poses]]:
    """Yields frames with their poses in image px; the detector runs on every n-th frame of a video.

    Between two runs the boxes are those around the people of the previous frame, see `EveryNth`. On
    images the detector always runs. People are scored as `rescored` does.

    Args:
        frames: Frames of any sources, those of a source one after another.
        predictor: Network that predicts poses in windows.
        detector: Person detector, see `Detector`.
        every: Number n of frames of a video from one run of the detector to the next.
        on_maps: Function that is called once per window, before its frame is yielded, with the
            frame and the window's `CropMaps`; its result is ignored.

    Raises:
        InputError: If `every` is below 1, or the detector does not return boxes and scores, see
            `detected`.
    """
    source: Source | None = None
    previous: Poses | None = None
    for frame in frames:
        if frame.source != source:
            source, previous = frame.source, None
            tracked_boxes = EveryNth(lambda image: detected(detector, image), every)
        found = tracked_boxes.boxes(frame.index, frame.pixels, previous)
        ((_, previous),) = predict([(frame, found)], predictor, rescore=True, on_maps=on_maps)
        yield frame, previous


def rescored(poses: Poses, found: Detections, skeleton: Skeleton) -> Poses:
    """Returns detected people with new scores, highest first, without duplicates.

    A person's score is the score of the box times the mean score of the joints above 0.2; a person
    without such a joint is left out. Of two people with an OKS above `MAX_OKS`, the one with the
    lower score is left out.

    Source: SimpleBaseline and HRNet, in their evaluation on COCO.
    Differs: joints count in the OKS by their scores, see `metrics.oks.oks_nms`.

    Args:
        poses: Poses in image px with boxes and windows, as the predictor returns them.
        found: Detected boxes with their scores; the box of each pose must be one of them.
        skeleton: Skeleton of the poses.

    Returns:
        The people that are left, in image px with boxes and windows.
    """
    if not len(poses.scores):
        return poses
    box = [int(np.flatnonzero((found.boxes == one).all(axis=1))[0]) for one in poses.boxes]
    scores = found.scores[box] * mean_joint_score(poses)
    areas = poses.windows[:, 2] * poses.windows[:, 3]
    kept = oks_nms(poses.keypoints, scores, areas, skeleton.sigmas, MAX_OKS, poses.scores)
    order = [person for person in kept if scores[person] > 0]
    return replace(poses, person_scores=scores).chosen(np.array(order, int))


def person_threshold(given: float | None, detector: Detector | None) -> float | None:
    """Returns the lowest score of a person who is returned; None returns all.

    Args:
        given: Score that the caller chose; None takes the default: `PERSON_THRESHOLD` for the
            people of a detector. People in given boxes and in whole images are all returned, and so
            are those of a `two_stage.PoseDetector`, whose scores are small.
        detector: Detector that finds the people; None for given boxes and whole images.
    """
    if given is None and detector is not None and not isinstance(detector, PoseDetector):
        return PERSON_THRESHOLD
    return given


def confident(poses: Poses, threshold: float | None, *, keep_tracked: bool = False) -> Poses:
    """Returns the people whose score is at least a threshold; None returns all.

    Args:
        poses: People in one image.
        threshold: Lowest score of a person, inclusive.
        keep_tracked: Whether people with a track id are kept at any score, so that nobody
            disappears for single frames; `Tracker` has its own limits.
    """
    if threshold is None:
        return poses
    kept = poses.person_scores >= threshold
    if keep_tracked and len(poses.ids):
        kept = kept | (poses.ids > 0)
    return poses.chosen(kept)


def _box_list(found: Detections | None) -> list[Box] | None:
    """Returns boxes as tuples; None for None, the whole image."""
    if found is None:
        return None
    return [(x, y, width, height) for x, y, width, height in found.boxes.tolist()]


def one_person(
    frames: Iterable[Frame], predictor: WindowPredictor, smooth: bool = False
) -> Iterator[tuple[Frame, Poses]]:
    """Yields the frames with the one person in them, who is tracked from frame to frame.

    The window of a frame is the square around the person of the previous frame, see
    `SinglePersonVideo`; every image, video and camera begins with the whole image.

    Args:
        frames: Frames of any sources, those of a source one after another.
        predictor: Network that finds the person in a window.
        smooth: Whether the person's keypoints are smoothed (One-Euro filter).

    Yields:
        The frames in their order, each with one person in image px (box, window and track id
        included), or with nobody.
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
    """Yields frames with the track ids of their people; the people in images get no ids.

    Each video or camera is tracked by itself. A person has an id from the first frame of the track
    on; for this each frame waits for the next two, see `PoseTracker`. A person who was not found in
    three frames running has the id -1.

    Args:
        found: Frames with their poses in image px, those of a source one after another.
        skeleton: Skeleton of the poses.
        track: Similarity of two poses: the OKS of their joints ("oks") or the IoU of the boxes
            around them ("iou"); None for no ids.
        smooth: Whether the keypoints of people with an id are smoothed (One-Euro filter). If
            `track` is None, ids are then given by "oks".

    Yields:
        The frames in their order, each with its poses in image px.
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
    """Yields frames until a run is ended early; no further frame is read then.

    Put it before `tracked`, which then yields the frames that wait, as at the end of a video.

    Args:
        found: Frames with their poses.
        is_ended: Function without arguments that returns whether the run is to end; it is called
            after each frame.
    """
    for pair in found:
        yield pair
        if is_ended():
            return
