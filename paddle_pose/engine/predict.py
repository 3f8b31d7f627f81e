"""Poses in images, videos and what a camera sees, as drawings and files."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any, Literal

from paddle_pose import build, visualize
from paddle_pose.configs import overrides, registry
from paddle_pose.configs.specs import Config
from paddle_pose.engine import zoo
from paddle_pose.environment import command
from paddle_pose.errors import InputError, Interrupted
from paddle_pose.inference import pipeline
from paddle_pose.inference.predictor import CropMaps
from paddle_pose.inference.renderers import Drawings, MapImages, ScreenRenderer, drawing_places
from paddle_pose.inference.two_stage import MAX_PEOPLE, MIN_BOX_SCORE, MIN_PERSON_SCORE
from paddle_pose.inference.writers import CocoFile, CsvFile, JsonFile, Sink, image_ids
from paddle_pose.interruption import Interruption
from paddle_pose.io import frames
from paddle_pose.io.boxes import Boxes, read_boxes
from paddle_pose.io.download import Progress as DownloadProgress
from paddle_pose.io.frames import Frame, Source
from paddle_pose.io.outputs import Outputs
from paddle_pose.progress import ProgressFactory, no_progress

_log = logging.getLogger("paddle_pose")

FILES = {"json": "predictions.json", "coco": "keypoints_results.json", "csv": "predictions.csv"}
BATCH_SIZE = 8  # windows processed together; 1 where somebody waits for each frame


@dataclass(frozen=True)
class People:
    """Where people are in an image, and who follows them through a video.

    Attributes:
        boxes: File of boxes, see `io.boxes.read_boxes`; None without one.
        detector: Weights of a network that finds people first: a file, or the name of a published one; None for none.
        min_score: Lowest score of a box; None for `MIN_BOX_SCORE` in `boxes`, `MIN_PERSON_SCORE` of `detector`.
        max_people: Most people that a MoveNet finds in an image; None as its config says, `MAX_PEOPLE` as `detector`.
        fit: How a whole image becomes the input: with black borders, or stretched.
        one_person: Whether the window is the square round the person of the previous frame, as in Google's MoveNet.
        track: What makes people of two frames similar, which gives them ids: their joints or boxes; None for no ids.
        smooth: Whether keypoints in videos are smoothed, which gives ids, too.
    """

    boxes: Path | None = None
    detector: str | None = None
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
        maps: Whether the network's maps are drawn, an image for each window.
    """

    folder: Path = Path("output/predict")
    save: Sequence[str] = ("drawing", "json")
    show: bool = False
    min_score: float = 0.2
    joint_names: bool = False
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
    """

    frames: int
    people: int
    seconds: float
    failures: tuple[str, ...]
    ended: Interrupted | None


def predict_files(
    places: Sequence[str],
    weights: str,
    *,
    config: str | None = None,
    image_size: int | None = None,
    changes: Mapping[str, Any] | None = None,
    people: People | None = None,
    results: Results | None = None,
    flip: bool | None = None,
    batch_size: int | None = None,
    device: str = "auto",
    threads: int | None = None,
    download_folder: Path | None,
    from_file: Path | None = None,
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
        changes: Values by dotted key that replace the config's.
        people: Where people are, and who follows them; None for the defaults.
        results: What is written and shown; None for the defaults.
        flip: Whether predictions of the mirrored image are averaged with the image's; None as the config says.
        batch_size: Windows processed together; None for `BATCH_SIZE`, or 1 with a camera or a window on the screen.
        device: "auto", "cpu" or "gpu".
        threads: Threads to compute with on the CPU; None for the usual number.
        download_folder: Folder of published files; None for the cache.
        from_file: Copy of the published file; then nothing is downloaded.
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
        raise InputError(f"--output {results.folder}: is a file; expected a folder, which is made where it is missing")
    sources = frames.find(places, leave_out=results.folder)
    outputs = Outputs(results.folder, "predict", keep=[source.path for source in sources])
    outputs.check(results.folder / name for kind, name in FILES.items() if kind in results.save)
    is_drawn = "drawing" in results.save or results.maps
    drawings = drawing_places(results.folder, sources, outputs) if is_drawn else {}
    check_people(people, results)
    warn_of_no_effect(people, sources)
    boxes = _boxes(people, sources)
    fetch = partial(zoo.locate, folder=download_folder, progress=download_progress)
    weights_file, detector_file = _weights_files(weights, people.detector, from_file, fetch)

    one_each = boxes is not None or detector_file is not None or people.one_person
    chosen = registry.config_of(weights_file, config, image_size, changes)
    chosen = with_people(chosen, 1 if one_each else people.max_people)
    open_predictor = partial(build.predictor_for, device=device, flip=flip, threads=threads, fit=people.fit)
    predictor = open_predictor(chosen, weights_file)
    detector = None
    if detector_file is not None:
        detector = open_predictor(detector_config(detector_file, people.max_people), detector_file)

    live = results.show or any(source.kind == "camera" for source in sources)
    if batch_size is None:
        batch_size = 1 if live else BATCH_SIZE
    drawn = results.show or "drawing" in results.save
    draw = partial(
        visualize.draw_poses,
        skeleton=chosen.codec.skeleton,
        threshold=results.min_score,
        names=results.joint_names,
    )
    known = (lambda path: None) if boxes is None else boxes.image_id
    failures: list[str] = []
    done = num_people = 0
    ended = None
    advance = progress(frames.count(sources), "frames")
    began = monotonic()
    with ExitStack() as stack, interruption:
        made = _sinks(results, chosen, weights_file, image_ids(sources, known), drawings, outputs)
        sinks = [stack.enter_context(closing(sink)) for sink in made]
        see: Callable[[Frame, CropMaps], None] = _keep_nothing
        if results.maps:
            maps = MapImages(drawings, chosen.codec.shown, outputs)
            sinks.append(maps)
            see = maps.see
        framed = pipeline.framed(
            frames.frames(sources, failures.append),
            boxes,
            detector,
            min_person_score=MIN_PERSON_SCORE if people.min_score is None else people.min_score,
            batch_size=batch_size,
        )
        if people.one_person:
            found = pipeline.one_person(framed, predictor, people.smooth)
        else:
            makers = pipeline.tracking_steps(chosen.codec.skeleton, people.track, people.smooth)
            found = pipeline.tracked(predictor.stream(framed, see, batch_size), makers)
        try:
            for frame, poses in found:
                drawing = draw(frame.pixels, poses) if drawn else frame.pixels
                for sink in sinks:
                    sink.write(frame, poses, drawing)
                done += 1
                num_people += len(poses.scores)
                advance(done)
                interruption.check()
        except Interrupted as stop:
            ended = stop
    if "json" in results.save:
        outputs.remove_old((".png", ".mp4"))
    return Summary(done, num_people, monotonic() - began, tuple(failures), ended)


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
        "detector": people.detector,
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
    if people.min_score is not None and people.boxes is None and people.detector is None:
        _log.warning("--box_threshold has no effect without --boxes or --detector")
    if all(source.kind == "image" for source in sources):
        given = [f"--{name}" for name in ("track", "smooth") if getattr(people, name)]
        if given:
            _log.warning("%s: no effect on images, only in videos and on what a camera sees", " and ".join(given))


def detector_config(weights: Path, max_people: int | None) -> Config:
    """Returns the config beside a detector's weights.

    Args:
        weights: Checkpoint or exported file.
        max_people: Most people that it finds in an image; None for `MAX_PEOPLE`.

    Raises:
        InputError: If there is no config beside it.
    """
    config = registry.read_beside(weights)
    if config is None:
        raise InputError(
            f"--detector {weights}: there is no {registry.FILE_NAME} beside it that says which network it is for; "
            f"{command('convert')} writes one"
        )
    return with_people(config, MAX_PEOPLE if max_people is None else max_people)


def with_people(config: Config, max_people: int | None) -> Config:
    """Returns the config with a number of people to a window, where its codec can find several.

    Args:
        config: Config of a network.
        max_people: Most people in a window; None as the config says.

    Raises:
        InputError: If that is not positive.
    """
    if max_people is None or not hasattr(config.codec, "max_persons"):
        return config
    return overrides.override(config, {"codec.max_persons": max_people})


def _boxes(people: People, sources: Sequence[Source]) -> Boxes | None:
    """Reads the boxes, which have to be for these sources; None without a file."""
    if people.boxes is None:
        return None
    if people.detector is not None:
        raise InputError(f"--boxes {people.boxes} and --detector {people.detector}: one of them says where people are")
    boxes = read_boxes(people.boxes, MIN_BOX_SCORE if people.min_score is None else people.min_score)
    boxes.check([source.path for source in sources])
    return boxes


def _weights_files(
    weights: str, detector: str | None, from_file: Path | None, locate: Callable[..., Path]
) -> tuple[Path, Path | None]:
    """Returns the files of both networks, fetched where they are names of published ones."""
    chosen = [name for name in (weights, detector) if name is not None]
    named = {name for name in chosen if zoo.is_published(name)}
    if from_file is not None and len(named) != 1:
        raise InputError(f"--from_file {from_file}: one name of a published file must be among {', '.join(chosen)}")
    first = locate(weights, from_file=from_file)
    if detector is None:
        return first, None
    return first, locate(detector, from_file=from_file, flag="--detector")


def _sinks(
    results: Results,
    config: Config,
    weights: Path,
    ids: Callable[[Frame], int],
    drawings: Mapping[Path, Path],
    outputs: Outputs,
) -> Iterator[Sink]:
    """Yields what takes the poses, one made after another."""
    folder, joints = results.folder, config.codec.skeleton.joints
    if results.show:
        yield ScreenRenderer()
    folder.mkdir(parents=True, exist_ok=True)
    drawn = "drawing" in results.save
    if drawn:
        yield Drawings(drawings, outputs.replacing)
    if "json" in results.save:
        header = {"config": config.name, "weights": str(weights), "joints": list(joints)}
        yield JsonFile(folder / FILES["json"], header, drawings if drawn else {}, outputs.replacing)
    if "coco" in results.save:
        yield CocoFile(folder / FILES["coco"], ids, outputs.replacing)
    if "csv" in results.save:
        yield CsvFile(folder / FILES["csv"], joints, outputs.replacing)


def _keep_nothing(frame: object, crop_maps: object) -> None:
    """Forgets a window's maps."""
