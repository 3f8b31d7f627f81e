"""`python predict.py`: poses in images, videos and what a camera sees, as drawings and files."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from paddle_pose.commands import drawings, find_people, follow_people, options, predicted
from paddle_pose.errors import InputError

if TYPE_CHECKING:
    from paddle_pose.configs.specs import Config
    from paddle_pose.io.boxes import Boxes
    from paddle_pose.io.frames import Frame, Source
    from paddle_pose.structures import Poses

    # (number of the frame, its seconds, (width, height), poses) -> the poses of this frame, changed or with ids
    Step = Callable[[int, float, tuple[int, int], Poses], Poses]

SAVED = ("drawing", "json", "coco", "csv")


def build_parser() -> argparse.ArgumentParser:
    """Returns the command's flags."""
    parser = argparse.ArgumentParser(
        description="Finds poses in images, videos, or what a camera sees. Without --boxes or --detector the whole "
        "image is the window: crop to one person for best results. Ctrl-C keeps what there is so far.",
    )
    parser.add_argument(
        "images",
        nargs="+",
        metavar="PLACE",
        help="images, videos, folders with all below them, patterns in quotes, or the number of a camera, as 0",
    )
    find_people.add_weights(parser)
    options.add_config(parser)
    find_people.add_people(parser)
    follow_people.add_tracking(parser)
    parser.add_argument(
        "--flip",
        action=argparse.BooleanOptionalAction,
        help="average with the mirrored image (default: as the config says)",
    )
    parser.add_argument("--batch_size", type=int, metavar="N", help="windows looked at together; 8, with a camera 1")
    options.add_device(parser)
    options.add_threads(parser)
    group = parser.add_argument_group("what is made of it")
    group.add_argument(
        "--output",
        type=Path,
        default=Path("output/predict"),
        metavar="DIR",
        help="where drawings and files go; default output/predict",
    )
    group.add_argument(
        "--save",
        nargs="*",
        choices=SAVED,
        default=SAVED[:2],
        metavar="WHAT",
        help=f"of {', '.join(SAVED)}; default drawing json",
    )
    group.add_argument("--show", action="store_true", help="in a window, too; q ends. Needs opencv-python and a screen")
    group.add_argument("--threshold", type=float, default=0.2, metavar="T", help="lowest score drawn; default 0.2")
    group.add_argument("--names", action="store_true", help="write the joints' names")
    group.add_argument(
        "--maps", action="store_true", help="also draw what the network sees, map by map: an image for each person"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; 1 when something could not be read, 130 or 143 when it was ended early.

    Raises:
        FileNotFoundError: If a file is missing.
        InputError: If a file or a flag does not fit.
    """
    arguments = build_parser().parse_args(argv)
    from paddle_pose import build, visualize
    from paddle_pose.inference.progress import Progress
    from paddle_pose.interruption import Interrupted, Interruption
    from paddle_pose.io import frames

    output = arguments.output
    if output.exists() and not output.is_dir():
        raise InputError(f"--output {output}: is a file; expected a folder, which is made where it is missing")
    places = frames.find(arguments.images, leave_out=output)
    follow_people.check(arguments)
    boxes = find_people.boxes(arguments, places)
    weights, detector_weights = find_people.weights(arguments)
    one_each = boxes is not None or detector_weights is not None or arguments.one_person
    config = find_people.with_people(options.config_of(weights, arguments), 1 if one_each else arguments.people)
    looks = {name: getattr(arguments, name) for name in ("device", "flip", "threads", "fit")}
    predictor, detector = build.predictor_for(config, weights, **looks), None
    if detector_weights is not None:
        detecting = find_people.detector_config(detector_weights, arguments.people)
        detector = build.predictor_for(detecting, detector_weights, **looks)
    live = arguments.show or any(place.kind == "camera" for place in places)
    together = arguments.batch_size if arguments.batch_size is not None else 1 if live else 8
    maps = drawings.MapImages(drawings.drawing_places(output, places), config.codec.shown)
    draw = partial(
        visualize.draw_poses, skeleton=config.codec.skeleton, threshold=arguments.threshold, names=arguments.names
    )
    drawn, failures = arguments.show or "drawing" in arguments.save, list[str]()
    progress, began, done, people, ended = Progress(frames.count(places), "frames"), monotonic(), 0, 0, None
    with ExitStack() as stack, Interruption() as interruption:
        made = _sinks(arguments, config, weights, places, boxes)
        sinks = [stack.enter_context(closing(sink)) for sink in made]
        framed = find_people.framed(
            frames.frames(places, failures.append), boxes, detector, arguments.box_threshold, together
        )
        if arguments.maps:
            sinks.append(maps)
        if arguments.one_person:
            found = follow_people.one_person(framed, predictor, arguments.smooth)
        else:
            found = predictor.stream(framed, maps.see if arguments.maps else _unseen, together)
        try:
            for frame, poses in tracked(found, follow_people.steps(arguments, config.codec.skeleton)):
                drawing = draw(frame.pixels, poses) if drawn else frame.pixels
                for sink in sinks:
                    sink.write(frame, poses, drawing)
                done, people = done + 1, people + len(poses.scores)
                progress(done)
                interruption.check()
        except Interrupted as stop:
            ended = stop
    pace = done / max(monotonic() - began, 1e-9)
    print(f"{done} frames, {people} people, {pace:.2g} frames per second: {output}")
    for failure in failures:
        print(f"error: {failure}", file=sys.stderr)
    if ended is not None:
        print(f"Ended early by {ended.reason}; what is there so far is complete.", file=sys.stderr)
        return int(ended.code or 0)
    return 1 if failures else 0


def tracked(
    found: Iterable[tuple[Frame, Poses]], makers: Sequence[Callable[[], Step]] = ()
) -> Iterator[tuple[Frame, Poses]]:
    """Passes the poses of each video or camera through steps of its own, such as tracking; an image's stay as they are.

    Args:
        found: frames with their poses.
        makers: each makes a step that knows of no video yet.

    Yields:
        The frames, with their poses after the last step.
    """
    source: Source | None = None
    steps: list[Step] = []
    for frame, poses in found:
        if frame.source != source:
            source, steps = frame.source, [] if frame.source.kind == "image" else [make() for make in makers]
        for step in steps:
            poses = step(frame.index, frame.seconds, frame.size, poses)
        yield frame, poses


def _sinks(
    arguments: argparse.Namespace, config: Config, weights: Path, places: Sequence[Source], boxes: Boxes | None
) -> Iterator[predicted.Sink]:
    """Makes what takes the results, one after another."""
    output, save, joints = arguments.output, arguments.save, config.codec.skeleton.joints
    drawn = drawings.drawing_places(output, places) if "drawing" in save else {}
    if arguments.show:
        yield drawings.ScreenRenderer()
    output.mkdir(parents=True, exist_ok=True)
    if "drawing" in save:
        yield drawings.Drawings(drawn)
    if "json" in save:
        header = {"config": config.name, "weights": str(weights), "joints": list(joints)}
        yield predicted.JsonFile(output / "predictions.json", header, drawn)
    if "coco" in save:
        known = (lambda path: None) if boxes is None else boxes.image_id
        yield predicted.CocoFile(output / "keypoints_results.json", predicted.image_ids(places, known))
    if "csv" in save:
        yield predicted.CsvFile(output / "predictions.csv", joints)


def _unseen(frame: Frame, look: object) -> None:
    """Does not keep what the network saw."""
