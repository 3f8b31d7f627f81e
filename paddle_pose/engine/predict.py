"""Prediction of poses in images, videos and cameras, written as drawings and files."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Literal

from paddle_pose import visualize
from paddle_pose.engine import zoo
from paddle_pose.engine.pose_model import (
    DEFAULT_DETECTOR,
    DETECT_EVERY,
    PoseModel,
    load_model,
    locate_detector,
    open_detector,
)
from paddle_pose.errors import InputError, Interrupted
from paddle_pose.inference import pipeline
from paddle_pose.inference.detection.base import Detector
from paddle_pose.inference.detection.recognize import DetectorFormat
from paddle_pose.inference.predictor import CropMaps
from paddle_pose.inference.renderers import Drawings, MapImages, ScreenRenderer, drawing_places
from paddle_pose.inference.two_stage import MIN_BOX_SCORE
from paddle_pose.inference.writers import CocoFile, CsvFile, JsonFile, Sink, image_ids
from paddle_pose.interruption import Interruption
from paddle_pose.io import frames, videos
from paddle_pose.io.boxes import Boxes, read_boxes
from paddle_pose.io.checksum import sha256_of
from paddle_pose.io.download import Progress as DownloadProgress
from paddle_pose.io.frames import Frame, Source
from paddle_pose.io.outputs import Outputs
from paddle_pose.progress import ProgressFactory, no_progress
from paddle_pose.structures import Poses
from paddle_pose.visualize import ColorBy

_log = logging.getLogger("paddle_pose")

FILES = {"json": "predictions.json", "coco": "keypoints_results.json", "csv": "predictions.csv"}
BATCH_SIZE = 8  # windows processed together; 1 for cameras and frames shown on the screen


@dataclass(frozen=True)
class People:
    """Settings of detection and tracking: the windows of an image, and the ids of a video.

    Attributes:
        boxes: File of boxes in image px, see `io.boxes.read_boxes`; None uses the detector.
        detector: Detector that finds the people, see `PoseModel.predict`: "auto", the name or path
            of a detector, or None for the whole image. Ignored with `boxes` and `one_person`.
        detector_format: Format of the outputs of an ONNX detector of another project, a value of
            `inference.detection.recognize.DetectorFormat` such as "yolox"; None recognises it.
        detect_every: Number of frames of a video between two runs of the detector.
        min_score: Lowest score of a box, from 0 to 1; None takes `MIN_BOX_SCORE` with `boxes`, else
            the default of the detector, see `open_detector`.
        person_threshold: Lowest score of a person, see `PoseModel.predict`. The file in COCO's
            format contains the others, too: AP counts all candidates by their scores.
        max_people: Largest number of people per image; None takes the default of the detector or
            network.
        fit: Method that fits a whole image into the input: "letterbox" adds black borders,
            "stretch" changes the aspect ratio.
        one_person: Whether to predict a single person without a detector, in a square window around
            the person of the previous frame, as in Google's MoveNet.
        track: Similarity that matches people of consecutive frames and gives them ids: of their
            keypoints ("oks") or of their boxes ("iou"); None gives no ids.
        smooth: Whether keypoints in videos are smoothed by the One-Euro filter; it needs ids, so
            people get them.
    """

    boxes: Path | None = None
    detector: str | None = "auto"
    detector_format: DetectorFormat | None = None
    detect_every: int = DETECT_EVERY
    min_score: float | None = None
    person_threshold: float | None = None
    max_people: int | None = None
    fit: Literal["letterbox", "stretch"] = "letterbox"
    one_person: bool = False
    track: Literal["oks", "iou"] | None = None
    smooth: bool = False


@dataclass(frozen=True)
class Results:
    """Settings of the output: which files are written, and what the drawings show.

    Attributes:
        folder: Folder of drawings and files; it is created if missing.
        save: Files to write: any of "drawing" (images and videos with skeletons), "json"
            (predictions.json), "coco" (results in COCO's format) and "csv".
        show: Whether drawn frames are also shown in a window on the screen.
        min_score: Lowest score of a joint that is drawn, inclusive, usually from 0 to 1.
        joint_names: Whether the names of the joints are drawn.
        color: Meaning of the colours: "person", one per person, or "side", one per side of the
            body. None takes "person", but "side" for videos without ids, since people cannot be
            matched from frame to frame there.
        boxes: Whether the box of each person is drawn.
        scores: Whether the score of each person is written above the head.
        maps: Whether the network's outputs (heatmaps, for example) are drawn over each window, as
            an image file per window.
    """

    folder: Path = Path("output/predict")
    save: Sequence[str] = ("drawing", "json")
    show: bool = False
    min_score: float = 0.2
    joint_names: bool = False
    color: ColorBy | None = None
    boxes: bool = False
    scores: bool = False
    maps: bool = False


@dataclass(frozen=True)
class Summary:
    """Counts, duration and failures of a call of `predict_files`.

    Attributes:
        frames: Number of processed frames; an image is one frame.
        people: Number of people in all frames, without `left_out`.
        seconds: Duration in seconds, without loading the networks.
        failures: Message for each source that could not be read to its end.
        ended: Interruption that stopped the call early; None if there was none.
        video_codec: Names of codec and encoder of the drawn videos; "" if no video was drawn.
        unit: What a frame is: "image" if all frames are images, else "frame".
        left_out: Number of people whose score is below `threshold`.
        threshold: Lowest score of a person in drawings and files; None if all are there.
    """

    frames: int
    people: int
    seconds: float
    failures: tuple[str, ...]
    ended: Interrupted | None
    video_codec: str = ""
    unit: Literal["image", "frame"] = "frame"
    left_out: int = 0
    threshold: float | None = None


def predict_files(
    places: Sequence[str],
    weights: str,
    *,
    config: str | None = None,
    image_size: int | None = None,
    overrides: Mapping[str, object] | None = None,
    people: People | None = None,
    results: Results | None = None,
    batch_size: int | None = None,
    device: str = "auto",
    threads: int | None = None,
    cache: Path | None = None,
    from_file: Sequence[Path] = (),
    download_progress: DownloadProgress | None = None,
    progress: ProgressFactory = no_progress,
    interruption: Interruption | None = None,
) -> Summary:
    """Predicts poses in images, videos and cameras, and writes drawings and files.

    Args:
        places: Paths of images, videos and folders, patterns, and numbers of cameras; see
            `io.frames.find`.
        weights: Path of a checkpoint or an exported file; or the name of a published file, which is
            downloaded once.
        config: Name of the network's config; None reads the config in or beside the weights.
        image_size: Input size in px, 256 or 384, that selects the config of Hourglass-52 on MPII,
            as in txyugood's project; None selects none.
        overrides: New values of the config by dotted key.
        people: Settings of detection and tracking; None takes the defaults.
        results: Settings of the output; None takes the defaults.
        batch_size: Number of windows that the network processes together; None takes `BATCH_SIZE`,
            or 1 with a camera or with frames shown on the screen.
        device: Device to compute on: "auto", "cpu", "gpu" or "gpu:1".
        threads: Number of CPU threads; None takes OMP_NUM_THREADS or all cores.
        cache: Folder to store published files in; None takes the user's, see `load_model`.
        from_file: Local copies of published files, or folders or archives that contain them; these
            are not downloaded.
        download_progress: Function that receives the progress of a download, see `io.download`.
        progress: Function that returns a progress callback, given the number of frames (None if
            unknown) and their name, see `progress.ProgressFactory`.
        interruption: Handler of requests to stop early, such as Ctrl-C, entered while frames are
            processed; None handles none.

    Returns:
        Counts and failures. After an interruption all written files are complete up to the last
        processed frame.

    Raises:
        FileNotFoundError: If the weights, a place, the boxes or the detector are missing.
        InputError: If a file or an argument is invalid, or arguments contradict each other. A
            source that cannot be read is not an error but an entry of `Summary.failures`.
        ConnectionError: If a published file cannot be downloaded; the message states where to put
            it.
        MissingDependencyError: If the weights need a package that is not installed.
    """
    people = people or People()
    results = results or Results()
    interruption = interruption or Interruption()
    if results.folder.exists() and not results.folder.is_dir():
        raise InputError(
            f"--output {results.folder}: a file, expected a folder; choose another name, "
            "a missing folder is created"
        )
    sources = frames.find(places, leave_out=results.folder)
    outputs = Outputs(results.folder, "predict", keep=[source.path for source in sources])
    outputs.check(results.folder / name for kind, name in FILES.items() if kind in results.save)
    is_drawn = "drawing" in results.save or results.maps
    drawings = drawing_places(results.folder, sources, outputs) if is_drawn else {}
    check_people(people, results)
    warn_of_no_effect(people, sources)
    boxes = _boxes(people, sources)
    check_copies(from_file, weights, people)
    if not from_file:
        zoo.check_downloads(_downloads(weights, people), cache)
    model = load_model(
        weights,
        config=config,
        image_size=image_size,
        overrides=overrides,
        device=device,
        threads=threads,
        from_file=from_file or None,
        cache=cache,
        fit=people.fit,
        progress=download_progress,
    )
    detector_name = _detector_name(people, model)
    detector: Detector | None = None
    detector_file: Path | None = None
    if detector_name is not None:
        copies = (
            zoo.copies_of(detector_name, from_file) if zoo.is_published(detector_name) else None
        )
        detector_file = locate_detector(
            detector_name, from_file=copies, cache=cache, progress=download_progress
        )
        detector = open_detector(
            detector_file,
            format=people.detector_format,
            min_score=people.min_score,
            max_people=people.max_people,
            device=device,
            threads=threads,
        )
    _log.info("Boxes of the people: %s", _boxes_report(people, detector_name, model))
    one_each = boxes is not None or detector is not None or people.one_person
    threshold = pipeline.person_threshold(people.person_threshold, detector)
    if not results.show and set(results.save) <= {"coco"}:
        threshold = None  # the only file contains all candidates

    live = results.show or any(source.kind == "camera" for source in sources)
    if batch_size is None:
        batch_size = 1 if live else BATCH_SIZE
    drawn = results.show or "drawing" in results.save
    draw = partial(
        visualize.draw_poses,
        skeleton=model.skeleton,
        threshold=results.min_score,
        names=results.joint_names,
        boxes=results.boxes,
        scores=results.scores,
    )
    known = (lambda path: None) if boxes is None else boxes.image_id
    failures: list[str] = []
    done = num_people = left_out = 0
    highest = -math.inf
    ended: Interrupted | None = None
    moving = any(source.kind != "image" for source in sources)
    unit: Literal["image", "frame"] = "frame" if moving else "image"
    advance = progress(frames.count(sources), f"{unit}s")
    began = monotonic()
    with ExitStack() as stack, interruption:
        header = {
            **_header(model),
            "boxes": _boxes_source(people, detector_name),
            "person_threshold": threshold,
        }
        if detector_file is not None:
            header |= {"detector": str(detector_file), "detector_sha256": sha256_of(detector_file)}
        made = _sinks(results, header, model.joints, image_ids(sources, known), drawings, outputs)
        sinks = [stack.enter_context(closing(sink)) for sink in made]
        on_maps: Callable[[Frame, CropMaps], None] = _ignore_maps
        if results.maps:
            maps = MapImages(drawings, model.config.codec.visualize, outputs)
            sinks.append(maps)
            on_maps = maps.see
        # The screen comes last: its key stops the run after the other sinks have the frame.
        sinks.sort(key=lambda sink: isinstance(sink, ScreenRenderer))
        stream = frames.frames(sources, failures.append)
        if people.one_person:
            found = pipeline.one_person(stream, model.predictor(max_people=1), people.smooth)
            found = pipeline.until(found, lambda: ended is not None)
        else:
            predictor = model.predictor(1 if one_each else people.max_people)
            predicted = pipeline.predict_frames(
                stream,
                predictor,
                boxes=boxes,
                detector=detector,
                every=people.detect_every if moving else 1,
                on_maps=on_maps,
                batch_size=batch_size,
            )
            predicted = pipeline.until(predicted, lambda: ended is not None)
            found = pipeline.tracked(predicted, model.skeleton, people.track, people.smooth)
        for frame, candidates in found:
            poses = pipeline.confident(
                candidates, threshold, keep_tracked=people.person_threshold is None
            )
            color = results.color or _color(frame, poses)
            drawing = draw(frame.pixels, poses, color=color) if drawn else frame.pixels
            done += 1
            num_people += len(poses.scores)
            highest = max(highest, float(poses.scores.max(initial=-math.inf)))
            left_out += len(candidates.scores) - len(poses.scores)
            advance(done)
            try:
                for sink in sinks:
                    # AP counts all candidates by their scores.
                    people_of = candidates if isinstance(sink, CocoFile) else poses
                    sink.write(frame, people_of, drawing)
                interruption.check()
            except Interrupted as stop:
                ended = ended or stop
    if drawn and num_people and highest < results.min_score:
        remedy = f": --threshold {highest / 2:.1g} draws more" if highest > 0.01 else ""
        _log.info(
            f"People found: {num_people}, but no joint reaches the score {results.min_score:g} (the "
            f"highest is {highest:.2g}), so no pose is drawn{remedy}"
        )
    elif detector is not None and not num_people and not left_out:
        _log.info(
            "No people: the detector found nobody, or no joint in its boxes has a score above 0.2; "
            "--detector none shows what the network predicts on whole images"
        )
    if "json" in results.save:
        outputs.remove_old((".png", ".mp4"))
    return Summary(
        frames=done,
        people=num_people,
        seconds=monotonic() - began,
        failures=tuple(failures),
        ended=ended,
        video_codec=videos.codec() if moving and "drawing" in results.save else "",
        unit=unit,
        left_out=left_out,
        threshold=threshold,
    )


def check_people(people: People, results: Results) -> None:
    """Raises an error if `People.one_person` is combined with settings for several people.

    Args:
        people: Settings of detection and tracking.
        results: Settings of the output.

    Raises:
        InputError: If `one_person` is combined with boxes, a detector, a number of people, tracking
            or maps.
    """
    given = {
        "boxes": people.boxes,
        "detector": people.detector not in (None, "auto"),
        "people": people.max_people,
        "track": people.track,
        "maps": results.maps,
    }
    others = [f"--{name}" for name, value in given.items() if value]
    if people.one_person and others:
        raise InputError(
            f"--one_person does not go with {', '.join(others)}: it predicts one person in a "
            "window around the previous frame's pose; leave one of them out"
        )


def warn_of_no_effect(people: People, sources: Sequence[Source]) -> None:
    """Logs a warning for each setting that has no effect on the given sources.

    Args:
        people: Settings of detection and tracking.
        sources: Images, videos and cameras to predict poses in.
    """
    if (
        people.min_score is not None
        and people.boxes is None
        and (people.detector is None or people.one_person)
    ):
        _log.warning("--box_threshold has no effect without --boxes or a detector")
    if all(source.kind == "image" for source in sources):
        given = [f"--{name}" for name in ("track", "smooth") if getattr(people, name)]
        if given:
            _log.warning(
                "%s: no effect on images, only on videos and cameras",
                " and ".join(given),
            )


def _boxes(people: People, sources: Sequence[Source]) -> Boxes | None:
    """Returns the boxes of the file in the settings; None if they name no file.

    Args:
        people: Settings of detection and tracking.
        sources: Images, videos and cameras; the boxes must be for these.

    Raises:
        FileNotFoundError: If the file is missing.
        InputError: If the file is invalid, does not fit the sources, or a detector is set, too.
    """
    if people.boxes is None:
        return None
    if people.detector not in (None, "auto"):
        raise InputError(
            f"--boxes {people.boxes} and --detector {people.detector}: both give the boxes of the "
            "people; leave one out"
        )
    boxes = read_boxes(
        people.boxes, MIN_BOX_SCORE if people.min_score is None else people.min_score
    )
    boxes.check([source.path for source in sources])
    return boxes


def check_copies(from_file: Sequence[Path], weights: str, people: People) -> None:
    """Raises an error if local copies are given but no published file is used.

    Args:
        from_file: Local copies of published files.
        weights: Name or path of the weights.
        people: Settings of detection, with the name or path of the detector.

    Raises:
        InputError: If there are copies, but neither weights nor detector are a published file.
    """
    named = [name for name in (weights, people.detector) if name is not None]
    if from_file and not any(name == "auto" or zoo.is_published(name) for name in named):
        raise InputError(
            f"--from_file {' '.join(map(str, from_file))}: expected the name of a published file "
            f"as weights or detector, got {', '.join(named)}; name one, or leave --from_file out"
        )


def _downloads(weights: str, people: People) -> list[str]:
    """Returns the names of the published files that a call needs, as far as these are known.

    Whether a network that is no published file needs a detector is known when it is loaded.

    Args:
        weights: Name or path of the weights.
        people: Settings of detection, with the name or path of the detector.
    """
    needed = [weights] if zoo.is_published(weights) else []
    if people.boxes is not None or people.one_person or people.detector is None:
        return needed
    if people.detector != "auto":
        return needed + [people.detector] * zoo.is_published(people.detector)
    return needed + [DEFAULT_DETECTOR] * any(map(zoo.needs_detector, needed))


def _detector_name(people: People, model: PoseModel) -> str | None:
    """Returns the name or path of the detector to use; None if no detector is needed."""
    if people.boxes is not None or people.one_person or people.detector is None:
        return None
    if people.detector == "auto":
        return DEFAULT_DETECTOR if model.needs_boxes else None
    return people.detector


def _color(frame: Frame, poses: Poses) -> ColorBy:
    """Returns the default of `Results.color`: "person" for images and people with ids, else "side".

    Args:
        frame: Frame to draw.
        poses: Poses in the frame.
    """
    return "person" if frame.source.kind == "image" or len(poses.ids) else "side"


def _header(model: PoseModel) -> dict[str, object]:
    """Returns the entries about the network in the header of predictions.json.

    They are config, path and checksum of the weights, device and flip test.
    """
    return {
        "config": model.config.name,
        "weights": str(model.weights),
        "weights_sha256": sha256_of(model.weights),
        "engine": model.device,
        "flip": model.config.val.flip,
    }


def _boxes_source(people: People, detector: str | None) -> str:
    """Returns the source of the people's boxes as text, for the header of predictions.json."""
    if people.boxes is not None:
        return f"file {people.boxes}"
    if people.one_person:
        return "one person, around the previous frame's"
    return "whole images" if detector is None else f"detector {detector}"


def _boxes_report(people: People, detector: str | None, model: PoseModel) -> str:
    """Returns the source of the people's boxes for the log, with the reason for whole images."""
    source = _boxes_source(people, detector)
    if people.boxes is not None or people.one_person or detector is not None:
        return source
    if people.detector is None:
        return f"{source} (--detector none)"
    reason = (
        "the network was trained on whole images"
        if model.skeleton.has_body
        else "the network has no shoulders, elbows, wrists, hips, knees or ankles"
    )
    return (
        f"{source}, because {reason}; --detector {DEFAULT_DETECTOR} or --boxes FILE gives each "
        "person a window"
    )


def _sinks(
    results: Results,
    header: Mapping[str, object],
    joints: Sequence[str],
    ids: Callable[[Frame], int],
    drawings: Mapping[Source, Path],
    outputs: Outputs,
) -> Iterator[Sink]:
    """Yields the sinks that write or show the poses; each is made when it is requested.

    Args:
        results: Settings of the output.
        header: Entries of the header of predictions.json.
        joints: Names of the K joints.
        ids: Function that returns the image id of a frame, for results in COCO's format.
        drawings: Path of the drawing of each source.
        outputs: Guard of the output folder against overwriting foreign files.
    """
    folder = results.folder
    if results.show:
        yield ScreenRenderer()
    folder.mkdir(parents=True, exist_ok=True)
    drawn = "drawing" in results.save
    if drawn:
        yield Drawings(drawings, outputs.replacing)
    if "json" in results.save:
        header = {**header, "joints": list(joints)}
        yield JsonFile(folder / FILES["json"], header, drawings if drawn else {}, outputs.replacing)
    if "coco" in results.save:
        yield CocoFile(folder / FILES["coco"], ids, outputs.replacing)
    if "csv" in results.save:
        yield CsvFile(folder / FILES["csv"], joints, outputs.replacing)


def _ignore_maps(frame: object, crop_maps: object) -> None:
    """Does nothing with the maps of a window."""
