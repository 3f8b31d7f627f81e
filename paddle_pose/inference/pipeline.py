"""How `predict.py` follows people through videos: ids, smoothing, and the look round one person."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from paddle_pose.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from paddle_pose.io.frames import Frame, Source
    from paddle_pose.skeletons import Skeleton
    from paddle_pose.structures import Poses


def add_tracking(parser: argparse.ArgumentParser) -> None:
    """Adds --track, --smooth and --one_person."""
    group = parser.add_argument_group("in videos")
    group.add_argument(
        "--track",
        nargs="?",
        const="oks",
        choices=("oks", "iou"),
        help="give people ids; told by their joints (oks, the default) or the boxes round them (iou)",
    )
    group.add_argument("--smooth", action="store_true", help="less trembling (One-Euro), and ids")
    group.add_argument(
        "--one_person",
        action="store_true",
        help="look through the square round the person of the previous frame, as Google's MoveNet does",
    )


def check(arguments: argparse.Namespace) -> None:
    """Refuses flags that do not go together.

    Raises:
        InputError: If --one_person is given with a flag that says otherwise where to look, or how to tell people apart.
    """
    others = [f"--{name}" for name in ("boxes", "detector", "people", "track", "maps") if getattr(arguments, name)]
    if arguments.one_person and others:
        raise InputError(
            f"--one_person does not go with {', '.join(others)}: it looks round one person, frame by frame"
        )


def steps(arguments: argparse.Namespace, skeleton: Skeleton) -> list[Callable[[], Any]]:
    """Returns makers of what --track and --smooth do to the poses of a video."""
    from paddle_pose.tracking.one_euro import OneEuro
    from paddle_pose.tracking.pose_tracker import PoseTracker
    from paddle_pose.tracking.tracker import Tracker

    if arguments.one_person or not (arguments.track or arguments.smooth):
        return []

    def make() -> Callable[[int, float, tuple[int, int], Poses], Poses]:
        pose_tracker = PoseTracker(
            Tracker(skeleton, by=arguments.track or "oks"), OneEuro if arguments.smooth else None
        )
        return lambda index, *frame: pose_tracker(*frame)

    return [make]


def one_person(
    framed: Iterable[tuple[Frame, np.ndarray, object]], predictor: Any, smooth: bool
) -> Iterator[tuple[Frame, Poses]]:
    """Yields the frames with the one person in them; every image and video begins anew."""
    from paddle_pose.tracking.one_euro import OneEuro
    from paddle_pose.tracking.pose_tracker import SinglePersonVideo

    source: Source | None = None
    for frame, pixels, _ in framed:
        if frame.source != source:
            source, video = frame.source, SinglePersonVideo(predictor, OneEuro if smooth else None)
        yield frame, video(frame.seconds, pixels)
