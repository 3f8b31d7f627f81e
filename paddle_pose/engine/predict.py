"""Poses in images, videos and what a camera sees, as drawings and files."""

from __future__ import annotations

import logging
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
BATCH_SIZE = 8  # windows processed together; 1 where somebody waits for each frame


@dataclass(frozen=True)
class People:
    """Where people are in an image, and who follows them through a video.

    Attributes:
        boxes: File of boxes, see `io.boxes.read_boxes`; None without one.
        detector: What finds people first, as for `PoseModel.predict`: "auto", the name or path of a detector, or None for the
            whole image. Without effect beside `boxes` and `one_person`.
        detector_format: How the outputs of somebody else's ONNX detector are read; None recognises it.
        detect_every: Frames of a video from one run of the detector to the next.
        min_score: Lowest score of a box; None for `MIN_BOX_SCORE` in `boxes`, and the usual one of the detector.
        max_people: Most people that are found in an image; None for the usual number.
        fit: How a whole image becomes the input: with black borders, or stretched.
        one_person: Whether the window is the square round the person of the previous frame, as in Google's MoveNet.
        track: What makes people of two frames similar, which gives them ids: their joints or boxes; None for no ids.
        smooth: Whether keypoints in videos are smoothed, which gives ids, too.
    """

    boxes: Path | None = None
    detector: str | None = "auto"
    detector_format: DetectorFormat | None = None
    detect_every: int = DETECT_EVERY
    min_score: float | None = None
    max_people: int | None = None
    fit: Literal["letterbox", "stretch"] = "letterbox"
    one_person: bool = False
    track: Literal["oks", "iou"] | None = None
    smooth: bool = False


@dataclass(frozen=True)
class Results:
    """What is made of the poses.

    Attributes:
        folder: Folder of drawings and files; it is made if it is missing.
        save: Any of "drawing", "json", "coco", "csv".
        show: Whether frames are shown in a window on the screen, too.
        min_score: Lowest score of a joint that is drawn.
        joint_names: Whether the joints' names are drawn.
        color: Whether each person has a colour, or each side of the body; None for people, but for
            sides in videos without ids, where nobody knows who is who from frame to frame.
        boxes: Whether each person's box is drawn.
        scores: Whether each person's score is written above the head.
        maps: Whether the network's maps are drawn, an image for each window.
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
    """What a prediction came to.

    Attributes:
        frames: Number of frames.
        people: Number of people in all frames.
        seconds: Duration without the loading of the networks.
        failures: Message for each source that could not be read, or not to its end.
        ended: Why the run ended early; None where it did not.
        video_codec: Codec and encoder of the drawn videos; "" where none was drawn.
    """

    frames: int
    people: int
    seconds: float
    failures: tuple[str, ...]
    ended: Interrupted | None
    video_codec: str = ""


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
    """Predicts poses in images, videos and what cameras see, and writes drawings and files.

    Args:
        places: Images, videos, folders, patterns, or numbers of cameras; see `io.frames.find`.
        weights: Checkpoint or exported file, or the name of a published file, which is fetched.
        config: Name of a config, where none is beside the weights.
        image_size: Input size of Hourglass-52 on MPII, as in txyugood's project; None for none.
        overrides: Values by dotted key that replace the config's.
        people: Where people are, and who follows them; None for the defaults.
        results: What is written and shown; None for the defaults.
        batch_size: Windows processed together; None for `BATCH_SIZE`, or 1 with a camera or a window on the screen.
        device: "auto", "cpu" or "gpu".
        threads: Threads to compute with on the CPU; None for the usual number.
        cache: Folder of published files; None for the usual one.
        from_file: Copies of published files, folders or archives with them; then these are not downloaded.
        download_progress: Receives a download's progress, see `io.download`.
        progress: Makes what receives the number of frames that are done.
        interruption: What may end the run early, entered while frames are processed; None for nothing.

    Returns:
        The numbers of the run; after an interruption everything that was written is complete so far.

    Raises:
        FileNotFoundError: If a file is missing.
        InputError: If a file or an argument does not fit.
        ConnectionError: If a published file cannot be fetched; says where to put it.
        MissingDependencyError: If the weights need a package that is not installed.
    """
    people = people or People()
    results = results or Results()
    interruption = interruption or Interruption()
    if results.folder.exists() and not results.folder.is_dir():
        raise InputError(
            f"--output {results.folder}: is a file; expected a folder, which is made where it is missing"
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
    one_each = boxes is not None or detector is not None or people.one_person

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
    done = num_people = 0
    ended: Interrupted | None = None
    advance = progress(frames.count(sources), "frames")
    began = monotonic()
    with ExitStack() as stack, interruption:
        header = {**_header(model), "boxes": _boxes_in_words(people, detector_name)}
        if detector_file is not None:
            header |= {"detector": str(detector_file), "detector_sha256": sha256_of(detector_file)}
        made = _sinks(results, header, model.joints, image_ids(sources, known), drawings, outputs)
        sinks = [stack.enter_context(closing(sink)) for sink in made]
        on_maps: Callable[[Frame, CropMaps], None] = _keep_nothing
        if results.maps:
            maps = MapImages(drawings, model.config.codec.visualize, outputs)
            sinks.append(maps)
            on_maps = maps.see
        # The screen's key ends the run: the other sinks have the frame before that.
        sinks.sort(key=lambda sink: isinstance(sink, ScreenRenderer))
        stream = frames.frames(sources, failures.append)
        if people.one_person:
            found = pipeline.one_person(stream, model.predictor(max_people=1), people.smooth)
            found = pipeline.until(found, lambda: ended is not None)
        else:
            predictor = model.predictor(1 if one_each else people.max_people)
            moving = any(source.kind != "image" for source in sources)
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
        for frame, poses in found:
            color = results.color or _color(frame, poses)
            drawing = draw(frame.pixels, poses, color=color) if drawn else frame.pixels
            done += 1
            num_people += len(poses.scores)
            advance(done)
            try:
                for sink in sinks:
                    sink.write(frame, poses, drawing)
                interruption.check()
            except Interrupted as stop:
                ended = ended or stop
    if "json" in results.save:
        outputs.remove_old((".png", ".mp4"))
    has_video = "drawing" in results.save and any(source.kind != "image" for source in sources)
    return Summary(
        frames=done,
        people=num_people,
        seconds=monotonic() - began,
        failures=tuple(failures),
        ended=ended,
        video_codec=videos.codec() if has_video else "",
    )


def check_people(people: People, results: Results) -> None:
    """Refuses arguments that do not go together.

    Args:
        people: Where people are.
        results: What is written.

    Raises:
        InputError: If `one_person` stands beside an argument that says otherwise where to look, or how to tell people apart.
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
            f"--one_person does not go with {', '.join(others)}: it looks round one person, frame by frame"
        )


def warn_of_no_effect(people: People, sources: Sequence[Source]) -> None:
    """Logs a warning for each argument that changes nothing.

    Args:
        people: Where people are.
        sources: What poses are looked for in.
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
                "%s: no effect on images, only in videos and on what a camera sees",
                " and ".join(given),
            )


def _boxes(people: People, sources: Sequence[Source]) -> Boxes | None:
    """Reads the boxes, which have to be for these sources; None without a file."""
    if people.boxes is None:
        return None
    if people.detector not in (None, "auto"):
        raise InputError(
            f"--boxes {people.boxes} and --detector {people.detector}: one of them says where people are"
        )
    boxes = read_boxes(
        people.boxes, MIN_BOX_SCORE if people.min_score is None else people.min_score
    )
    boxes.check([source.path for source in sources])
    return boxes


def check_copies(from_file: Sequence[Path], weights: str, people: People) -> None:
    """Refuses copies of published files where none is named.

    Args:
        from_file: Copies of published files.
        weights: Name or path of the weights.
        people: Where people are; names a detector.

    Raises:
        InputError: If neither the weights nor the detector are named by the name of a published file.
    """
    named = [name for name in (weights, people.detector) if name is not None]
    if from_file and not any(name == "auto" or zoo.is_published(name) for name in named):
        raise InputError(
            f"--from_file {' '.join(map(str, from_file))}: the name of a published file must be among {', '.join(named)}"
        )


def _detector_name(people: People, model: PoseModel) -> str | None:
    """Returns the name or path of the detector that is used; None for none."""
    if people.boxes is not None or people.one_person or people.detector is None:
        return None
    if people.detector == "auto":
        return DEFAULT_DETECTOR if model.needs_boxes else None
    return people.detector


def _color(frame: Frame, poses: Poses) -> ColorBy:
    """Returns "person" for images and for people with ids, else "side": see `Results.color`."""
    return "person" if frame.source.kind == "image" or len(poses.ids) else "side"


def _header(model: PoseModel) -> dict[str, object]:
    """Returns what a file of predictions states of the network: config, file with its checksum, and engine."""
    return {
        "config": model.config.name,
        "weights": str(model.weights),
        "weights_sha256": sha256_of(model.weights),
        "engine": model.device,
        "flip": model.config.val.flip,
    }


def _boxes_in_words(people: People, detector: str | None) -> str:
    """Returns where the people's boxes come from, for the header of a file."""
    if people.boxes is not None:
        return f"file {people.boxes}"
    if people.one_person:
        return "one person, around the previous frame's"
    return "whole images" if detector is None else f"detector {detector}"


def _sinks(
    results: Results,
    header: Mapping[str, object],
    joints: Sequence[str],
    ids: Callable[[Frame], int],
    drawings: Mapping[Source, Path],
    outputs: Outputs,
) -> Iterator[Sink]:
    """Yields what takes the poses, one made after another."""
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


def _keep_nothing(frame: object, crop_maps: object) -> None:
    """Forgets a window's maps."""
