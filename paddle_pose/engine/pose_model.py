"""`load_model` and `PoseModel`: poses in images and videos from Python; the command `predict` runs on the same functions."""

from __future__ import annotations

import glob
import logging
import math
import numbers
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, TypeAlias, cast, get_args, overload

import numpy as np
import PIL.Image

from paddle_pose import build, environment
from paddle_pose.backends.base import Backend, check_device
from paddle_pose.backends.metadata import read_metadata
from paddle_pose.backends.open import is_exported
from paddle_pose.configs import overrides as config_overrides
from paddle_pose.configs import registry
from paddle_pose.configs.specs import Config
from paddle_pose.engine import zoo
from paddle_pose.errors import InputError
from paddle_pose.inference import pipeline, two_stage
from paddle_pose.inference.detection import open as detection
from paddle_pose.inference.detection.base import MAX_PEOPLE, Detector
from paddle_pose.inference.detection.recognize import DetectorFormat
from paddle_pose.inference.flip_test import FlipAverage
from paddle_pose.inference.pose_result import PoseResult
from paddle_pose.inference.predictor import Predictor
from paddle_pose.io import frames
from paddle_pose.io.download import Progress as DownloadProgress
from paddle_pose.io.frames import Frame, Source
from paddle_pose.io.images import ImageInput, as_pixels
from paddle_pose.skeletons import Skeleton
from paddle_pose.structures import Box

_log = logging.getLogger("paddle_pose")

BackendName = Literal["auto", "paddle", "onnx", "openvino"]
DetectorChoice: TypeAlias = "str | Path | Detector | PoseModel | None"
BoxesInput: TypeAlias = np.ndarray | Sequence[Box]
DEFAULT_MODEL, DEFAULT_DETECTOR = "movenet_thunder", "nanodet_m"
PERSON_JOINTS = (
    "left_shoulder",
    "right_shoulder",
)  # of skeletons of people; others are looked for in the whole image
FITS, SIMILARITIES = ("letterbox", "stretch"), ("oks", "iou")
DETECT_EVERY = (
    5  # frames of a video from one run of the detector to the next; this project's choice
)
_BACKENDS: dict[str, BackendName] = {
    ".onnx": "onnx",
    ".xml": "openvino",
    ".json": "paddle",
}  # by suffix


class PoseModel:
    """A network with its weights, ready to predict; `load_model` makes one.

    It is a context manager: at the end of the block the network is released. `predict`, `track` and `maps` may be called
    from several threads.

    Args:
        config: Config of the network.
        weights: Path of its weights file, or of the exported file.
        backend: The network.
        device: Device that it computes on, in words.
        fit: How a whole image becomes the input: with black borders, or stretched.
        open_detector: Function that opens a person detector by its name or path.

    Attributes:
        config: Config of the network.
        weights: Path of its weights.
        device: Device that it computes on, in words.

    Example:
        `load_model("output/mine/best_model/model.pdparams").predict("photo.jpg").draw().save("poses.png")`
    """

    def __init__(
        self,
        config: Config,
        weights: Path,
        backend: Backend,
        device: str,
        *,
        fit: Literal["letterbox", "stretch"] = "letterbox",
        open_detector: Callable[[str | Path], Detector],
    ) -> None:
        self.config = config
        self.weights = weights
        self.device = device
        self._lock = threading.Lock()
        self._run: Backend | None = backend
        self._fit = fit
        self._predictors: dict[int | None, Predictor] = {}
        self._open_detector = open_detector
        self._detectors: dict[str, Detector] = {}

    @property
    def skeleton(self) -> Skeleton:
        """Joints and limbs of the poses."""
        return self.config.codec.skeleton

    @property
    def joints(self) -> tuple[str, ...]:
        """Names of the K joints."""
        return self.skeleton.joints

    @property
    def input_size(self) -> tuple[int, int]:
        """(width, height) of the network's input in px."""
        return self.config.codec.input_size

    @property
    def needs_boxes(self) -> bool:
        """Whether a detector finds people first: the network expects one in its window, and its joints are a person's."""
        if not set(PERSON_JOINTS) <= set(self.joints):
            return False
        return self.config.data.framing != "image" or self.config.codec.max_persons == 1

    def __enter__(self) -> PoseModel:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        width, height = self.input_size
        return f"PoseModel({self.config.name}, {width}x{height}, {self.weights}, {self.device})"

    def close(self) -> None:
        """Releases the network and the detectors; the model predicts nothing after that."""
        self._run = None
        self._detectors.clear()

    @overload
    def predict(  # type: ignore[overload-overlap]  # a path and an array are iterables, too
        self,
        images: ImageInput,
        *,
        boxes: BoxesInput | None = None,
        detector: DetectorChoice = "auto",
        batch_size: int = 8,
    ) -> PoseResult: ...

    @overload
    def predict(
        self,
        images: Iterable[ImageInput],
        *,
        boxes: Iterable[BoxesInput | None] | None = None,
        detector: DetectorChoice = "auto",
        batch_size: int = 8,
    ) -> Iterator[PoseResult]: ...

    def predict(
        self,
        images: ImageInput | Iterable[ImageInput],
        *,
        boxes: BoxesInput | Iterable[BoxesInput | None] | None = None,
        detector: DetectorChoice = "auto",
        batch_size: int = 8,
    ) -> PoseResult | Iterator[PoseResult]:
        """Returns the poses in an image, or yields those in several.

        Args:
            images: A file's path, a uint8 RGB array [h, w, 3] or a PIL image gives one result. An
                iterable of these, a folder (all images below it, sorted; videos are left out, which
                is logged), a pattern such as "holiday/*.jpg" or a TIFF of several pages gives a lazy
                iterator in order; typed code passes an iterable instead of a folder. Files are
                turned as their EXIF data asks; an image that cannot be read raises when it is
                reached.
            boxes: [D, 4] (x, y, width, height) in image px, one per person; for several images an iterable of these, with None
                for a whole image. People keep the order of the boxes.
            detector: What finds people first: "auto" does so where the network expects one person with shoulders, None takes
                the whole image as the window; or the name or path of a detector, a model of several people's poses, or a
                function from a uint8 RGB image to a pair: boxes [D, 4] (x, y, width, height) in image px and scores [D].
                Without effect where `boxes` are given.
            batch_size: Number of windows that are predicted together.

        Returns:
            A `PoseResult` in image px, or an iterator of them. Where nobody is found, its arrays have the shape [0, ...].

        Raises:
            FileNotFoundError: If an image is missing.
            InputError: If an image, a box or an argument is not as described, or a video or an
                animated image is named: see `track`.
            ConnectionError: If a detector has to be fetched and cannot be; says where to put it.

        Example:
            `people = model.predict("photo.jpg"); people.keypoints[0], people.scores[0]`
        """
        _check_count("batch_size", batch_size)
        several = _several(images)
        if several is not None:
            return self._results(
                several, cast("Iterable[BoxesInput | None] | None", boxes), detector, batch_size
            )
        of_one = None if boxes is None else [cast(BoxesInput, boxes)]
        return next(self._results([cast(ImageInput, images)], of_one, detector, 1))

    def track(
        self,
        source: str | Path | int | Iterable[ImageInput],
        *,
        detector: DetectorChoice = "auto",
        by: Literal["oks", "iou"] | None = "oks",
        smooth: bool = False,
        one_person: bool = False,
        detect_every: int = DETECT_EVERY,
        frames_per_second: float = 25.0,
    ) -> Iterator[PoseResult]:
        """Yields the poses in each frame of a video, with ids that stay with a person.

        A person who is found in three frames running has the id in all three. Each result therefore waits for the next two
        frames, also with a camera; without ids (`by=None`) and with `one_person` nothing waits.

        Args:
            source: Path of a video or an animated image, number of a camera, or an iterable of
                frames (paths, arrays, PIL images).
            detector: As for `predict`.
            by: What makes people of two frames similar: their joints ("oks") or boxes ("iou"); None gives no ids, unless
                `smooth` needs them.
            smooth: Whether keypoints are smoothed (One-Euro).
            one_person: Whether the window is the square around the person of the previous frame, as in Google's MoveNet; then
                nothing is detected.
            detect_every: Frames from one run of the detector to the next; between, boxes follow the people.
            frames_per_second: Rate of an iterable of frames; videos and cameras have their own times.

        Yields:
            `PoseResult` with `ids`, `frame` and `seconds`.

        Raises:
            FileNotFoundError: If the video is missing.
            InputError: If it cannot be read (to its end), the source is an image, or an argument is not as described.

        Example:
            `for result in model.track("clip.mp4", smooth=True): print(result.seconds, result.ids)`
        """
        _check_choice("by", by, (*SIMILARITIES, None))
        _check_count("detect_every", detect_every)
        if not (isinstance(frames_per_second, numbers.Real) and 0 < frames_per_second < math.inf):
            raise InputError(
                f"frames_per_second {frames_per_second!r}: expected a finite number above 0"
            )
        stream = _video_frames(source, frames_per_second)
        return self._tracked(stream, detector, by, smooth, one_person, detect_every)

    def _tracked(
        self,
        stream: Iterator[Frame],
        detector: DetectorChoice,
        by: Literal["oks", "iou"] | None,
        smooth: bool,
        one_person: bool,
        detect_every: int,
    ) -> Iterator[PoseResult]:
        """Yields the poses in each frame; see `track`."""
        find = None if one_person else self.open_detector(detector)
        if one_person:
            found = pipeline.one_person(stream, self.predictor(max_people=1), smooth)
        else:
            predictor = self.predictor(None if find is None else 1)
            predicted = pipeline.predict_frames(
                stream, predictor, detector=find, every=detect_every, batch_size=1
            )
            found = pipeline.tracked(predicted, self.skeleton, by, smooth)
        for frame, poses in found:
            yield PoseResult.of_frame(frame, poses, self.skeleton)

    def maps(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the network's maps as it predicts them, without flip test or decoding.

        Args:
            images: uint8 RGB [N, H, W, 3] of the network's input size.

        Returns:
            Arrays [N, ...] by the name of the output; `config.codec.output_spec` states their axes.

        Raises:
            InputError: If the array has another type or shape, or the model is closed.
        """
        width, height = self.input_size
        expected = f"images: expected a uint8 array [N, {height}, {width}, 3]"
        if not isinstance(images, np.ndarray):
            raise InputError(
                f"{expected}, got a {type(images).__name__}; np.stack makes one array of several images"
            )
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != (height, width, 3):
            one = images.dtype == np.uint8 and images.shape == (height, width, 3)
            hint = (
                "pass images[None] for a single image"
                if one
                else "`predict` takes images of any size"
            )
            raise InputError(f"{expected}, got {images.dtype} {list(images.shape)}; {hint}")
        with self._lock:  # neither Paddle nor OpenVINO runs one network from two threads
            run = check_open(self)
            return run(images)

    def open_detector(self, choice: DetectorChoice) -> Detector | None:
        """Returns the detector of a choice of `predict`; one that is named is opened once.

        Args:
            choice: As for `predict`.

        Raises:
            FileNotFoundError: If there is no such file.
            InputError: If the file is no detector.
            ConnectionError: If it has to be fetched and cannot be.
        """
        if choice is None or (choice == "auto" and not self.needs_boxes):
            return None
        if isinstance(choice, PoseModel):
            return two_stage.PoseDetector(
                choice.predictor(two_stage.MAX_PEOPLE), two_stage.MIN_PERSON_SCORE
            )
        if not isinstance(choice, str | Path):
            return choice
        name = DEFAULT_DETECTOR if choice == "auto" else str(choice)
        if name not in self._detectors:
            self._detectors[name] = self._open_detector(name)
        return self._detectors[name]

    def predictor(self, max_people: int | None = None) -> Predictor:
        """Returns the network with its codec, for windows on images.

        Args:
            max_people: Most people in a window, for networks that find several; None as the config says.

        Raises:
            InputError: If that is not positive.
        """
        if max_people not in self._predictors:
            config = with_people(self.config, max_people)
            run: Backend = self.maps
            if config.val.flip:
                run = FlipAverage(run, config.codec, config.val.shift)
            self._predictors[max_people] = Predictor(
                run, config.codec, config.data.context, fit=self._fit
            )
        return self._predictors[max_people]

    def _results(
        self,
        inputs: Iterable[ImageInput | Source],
        boxes: Iterable[BoxesInput | None] | None,
        detector: DetectorChoice,
        batch_size: int,
    ) -> Iterator[PoseResult]:
        """Returns an iterator over the results of images, one after another."""
        find = None if boxes is not None else self.open_detector(detector)
        boxed = _with_boxes(inputs, boxes, find)
        predictor = self.predictor(None if boxes is None and find is None else 1)
        found = pipeline.predict(boxed, predictor, rescore=find is not None, batch_size=batch_size)
        return (PoseResult.of_frame(frame, poses, self.skeleton) for frame, poses in found)


def check_open(model: PoseModel) -> Backend:
    """Returns the network of a model.

    Args:
        model: Loaded model.

    Raises:
        InputError: If it is closed.
    """
    if model._run is None:
        raise InputError(f"{model!r} is closed; load it again with load_model")
    return model._run


def load_model(
    source: str | Path,
    *,
    config: str | None = None,
    overrides: Mapping[str, object] | None = None,
    device: str = "auto",
    backend: BackendName = "auto",
    threads: int | None = None,
    from_file: str | Path | Sequence[str | Path] | None = None,
    cache: str | Path | None = None,
    image_size: int | None = None,
    fit: Literal["letterbox", "stretch"] = "letterbox",
    progress: DownloadProgress | None = None,
) -> PoseModel:
    """Returns a network with its weights, ready to predict.

    Args:
        source: Name of published weights, which are fetched once; or the path of a checkpoint, an exported file, or
            somebody else's weights file of any format that this package reads. Of a run's folder the best weights are taken;
            the folder of a checkpoint, or of one exported file, does as well.
        config: Name of its config, where nothing beside the file states it.
        overrides: Values by dotted key that replace the config's, such as {"model.order": "rgb"}.
        device: "auto" (a GPU where there is one), "cpu", "gpu" or "gpu:1".
        backend: What runs the network: "onnx", "openvino" or "paddle". "auto" decides by the file (.onnx, .xml, else Paddle);
            published MoveNets run on ONNX Runtime where it is installed.
        threads: Threads to compute with on the CPU; None for every core, or `OMP_NUM_THREADS`.
        from_file: Copies of the published files, a folder with them, or the archive that holds them; then nothing is
            downloaded.
        cache: Folder of published files; None for the one that `PADDLE_POSE_HOME` names, or the user's cache folder.
        image_size: Input size of Hourglass-52 on MPII, as in txyugood's project; instead of `config`.
        fit: How a whole image becomes the input: with black borders, or stretched.
        progress: Receives the progress of a download; None shows nothing.

    Raises:
        FileNotFoundError: If there is no such file, and no published one has this name.
        InputError: If the file, its config and the arguments do not fit together.
        ConnectionError: If a published file cannot be fetched; says where to put it.
        MissingDependencyError: If the file needs a package that is not installed.

    Example:
        `load_model("res50.pth", config="simple_baseline_r50_coco_256x192", overrides={"model.order": "rgb"})`
    """
    check_device(device, threads)
    _check_choice("backend", backend, get_args(BackendName))
    _check_choice("fit", fit, FITS)
    config_overrides.check_changes(overrides or {})
    environment.use_all_cores()
    folder = None if cache is None else Path(cache)
    name = str(source)
    copies = _copies(from_file)
    weights = zoo.locate(name, folder, copies, progress, engine=backend)
    kind = _BACKENDS.get(weights.suffix, "paddle") if is_exported(weights) else "paddle"
    if backend not in ("auto", kind):
        raise InputError(
            f"backend {backend!r}: {weights} runs with {kind}; export_model writes files for onnx (.onnx), "
            "openvino (.xml) and paddle (.json)"
        )
    chosen = registry.config_of(weights, config, image_size, overrides)
    of_several = chosen.codec.max_persons not in (None, 1) and "codec.max_persons" not in (
        overrides or {}
    )
    if of_several and zoo.is_single_person(
        name, weights
    ):  # last: it may read the whole file for its checksum
        chosen = with_people(chosen, 1)
    run, where = build.backend(chosen, weights, device, threads)

    def detector_of(name: str | Path) -> Detector:
        own = zoo.copies_of(str(name), copies) if zoo.is_published(str(name)) else ()
        return open_detector(
            name, device=device, threads=threads, from_file=own, cache=folder, progress=progress
        )

    return PoseModel(chosen, weights, run, where, fit=fit, open_detector=detector_of)


def open_detector(
    source: str | Path,
    *,
    format: DetectorFormat | None = None,
    min_score: float | None = None,
    max_people: int | None = None,
    device: str = "auto",
    threads: int | None = None,
    from_file: str | Path | Sequence[str | Path] | None = None,
    cache: str | Path | None = None,
    progress: DownloadProgress | None = None,
) -> Detector:
    """Returns a person detector: a function from a uint8 RGB image [h, w, 3] to boxes [D, 4] in image px and scores [D].

    Args:
        source: Name of a published detector, path of an ONNX file of NanoDet, YOLOX, RTMDet or Ultralytics, or of a network of
            several people's poses with its config beside it, whose people get the box around their joints.
        format: How the outputs of somebody else's ONNX file are read; None recognises it.
        min_score: Score that a person must exceed; None for the usual one of the network.
        max_people: Most people in an image; None for the usual number.
        device: As for `load_model`.
        threads: As for `load_model`.
        from_file: As for `load_model`.
        cache: As for `load_model`.
        progress: As for `load_model`.

    Raises:
        FileNotFoundError: If there is no such file, and no published one has this name.
        InputError: If the file is no detector, could be one of several formats, or no config is beside it.
        ConnectionError: If a published file cannot be fetched; says where to put it.
        MissingDependencyError: If ONNX Runtime is missing.

    Example:
        `model.predict("photo.jpg", detector=open_detector("yolox_tiny.onnx", min_score=0.5))`
    """
    path = locate_detector(source, from_file=from_file, cache=cache, progress=progress)
    if path.suffix == ".onnx" and read_metadata(path) is None:
        most = MAX_PEOPLE if max_people is None else max_people
        return detection.open_detector(
            path,
            format=format,
            min_score=min_score,
            max_people=most,
            threads=threads,
            device=device,
        )
    try:
        config = registry.config_of(path)
    except InputError as problem:
        raise InputError(f"detector {path}: {problem}") from problem
    config = with_people(config, two_stage.MAX_PEOPLE if max_people is None else max_people)
    run, _ = build.backend(config, path, device, threads)
    if config.val.flip:
        run = FlipAverage(run, config.codec, config.val.shift)
    predictor = Predictor(run, config.codec, config.data.context)
    return two_stage.PoseDetector(
        predictor, two_stage.MIN_PERSON_SCORE if min_score is None else min_score
    )


def locate_detector(
    source: str | Path,
    *,
    from_file: str | Path | Sequence[str | Path] | None = None,
    cache: str | Path | None = None,
    progress: DownloadProgress | None = None,
) -> Path:
    """Returns the file of a person detector, fetched where it is named by the name of a published one.

    Args:
        source: As for `open_detector`, likewise the others.
        from_file: Copies of the published files.
        cache: Folder of published files.
        progress: Receives the progress of a download.

    Raises:
        FileNotFoundError: If there is no such file, and no published one has this name.
        ConnectionError: If it cannot be fetched; says how to do without.
    """
    folder = None if cache is None else Path(cache)
    try:
        return zoo.locate(str(source), folder, _copies(from_file), progress, what="detector")
    except ConnectionError as problem:
        without = environment.argument(
            "--detector none, or --boxes FILE", "detector=None, or boxes="
        )
        raise ConnectionError(f"{problem}. To do without a detector: {without}") from problem


def with_people(config: Config, max_people: int | None) -> Config:
    """Returns the config with a number of people to a window, where its codec can find several.

    Args:
        config: Config of a network.
        max_people: Most people in a window; None as the config says.

    Raises:
        InputError: If that is not positive.
    """
    if max_people is None or config.codec.max_persons is None:
        return config
    return config_overrides.override(config, {"codec.max_persons": max_people})


def _check_choice(name: str, value: object, choices: Sequence[str | None]) -> None:
    """Raises an InputError if the value of an argument is none of its choices."""
    if value not in choices:
        raise InputError(
            f"{name} {value!r}: expected {', '.join(map(repr, choices[:-1]))} or {choices[-1]!r}"
        )


def _check_count(name: str, value: object) -> None:
    """Raises an InputError if the value of an argument is no whole number from 1."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise InputError(f"{name} {value!r}: expected a whole number from 1")


def _several(
    images: ImageInput | Iterable[ImageInput],
) -> Iterable[ImageInput | Source] | None:
    """Returns the images of a folder, a pattern, a TIFF of several pages or an iterable; None for one image.

    Raises:
        FileNotFoundError: If a folder holds no image, or no file fits a pattern.
        InputError: If a video is among them, or this is neither an image nor several.
    """
    if isinstance(images, np.ndarray | PIL.Image.Image):
        return None
    if isinstance(images, str | Path):
        if not (glob.has_magic(str(images)) or Path(images).exists()):
            return None
        sources = frames.find([str(images)])
        still = [source for source in sources if source.kind == "image"]
        moving = [source.path for source in sources if source.kind != "image"]
        if Path(images).is_file() and [source.page for source in still] == [None]:
            return None
        if not still:
            raise InputError(f"{moving[0]} is a video or an animated image: call track with it")
        if moving:
            _log.warning(
                "%s: left out, %d videos such as %s; track takes videos",
                images,
                len(moving),
                moving[0].name,
            )
        return still
    if isinstance(images, Iterable):
        return images
    raise InputError(
        f"expected an image or several: paths, arrays or PIL images; got {type(images).__name__}"
    )


def _with_boxes(
    inputs: Iterable[ImageInput | Source],
    boxes: Iterable[BoxesInput | None] | None,
    find: Detector | None,
) -> Iterator[pipeline.Boxed]:
    """Yields images as frames, with the people that are given or found."""
    given = None if boxes is None else iter(boxes)
    for number, image in enumerate(inputs):
        frame = _frame(image, kind="image")
        if given is None:
            yield frame, None if find is None else pipeline.detected(find, frame.pixels)
            continue
        try:
            chosen = _box_list(next(given))
        except StopIteration:
            raise InputError(f"boxes are given for {number} images, but there are more") from None
        _warn_of_boxes_outside(chosen or (), frame)
        yield frame, pipeline.given(chosen)


def _warn_of_boxes_outside(boxes: Sequence[Box], frame: Frame) -> None:
    """Logs a warning for a box that does not touch its image."""
    width, height = frame.size
    for box in boxes:
        if box[0] >= width or box[1] >= height or box[0] + box[2] <= 0 or box[1] + box[3] <= 0:
            name = frame.source.path.name or "the image"
            _log.warning(
                "box %s lies outside %s (%d x %d px); boxes are (x, y, width, height) in px",
                list(box),
                name,
                width,
                height,
            )


def _copies(from_file: str | Path | Sequence[str | Path] | None) -> Path | tuple[Path, ...] | None:
    """Returns copies of published files as paths."""
    if from_file is None:
        return None
    if isinstance(from_file, str | Path):
        return Path(from_file)
    return tuple(Path(one) for one in from_file)


def _box_list(boxes: BoxesInput | None) -> list[Box] | None:
    """Returns boxes as a list; None, the whole image, for None."""
    if boxes is None:
        return None
    array = np.asarray(boxes, np.float64)
    if array.size == 0:
        return []
    if array.ndim != 2 or array.shape[1] != 4 or not np.isfinite(array).all():
        raise InputError(
            f"expected finite boxes [D, 4] (x, y, width, height) in image px, got {list(array.shape)}"
        )
    return [(x, y, width, height) for x, y, width, height in array.tolist()]


def _frame(
    image: ImageInput | Source, kind: Literal["image", "video"], index: int = 0, rate: float = 0.0
) -> Frame:
    """Returns an image as a frame; the path of an array is empty."""
    if isinstance(image, Source):
        return next(frames.read(image))
    path = Path(image) if isinstance(image, str | Path) else Path()
    source = Source(kind, path, Path(path.stem or kind))
    return Frame(source, as_pixels(image), index, seconds=index / rate if rate else 0.0, rate=rate)


def _video_frames(
    source: str | Path | int | Iterable[ImageInput], frames_per_second: float
) -> Iterator[Frame]:
    """Returns the frames of a video, a camera or an iterable.

    Raises:
        FileNotFoundError: If the video is missing.
        InputError: If this is an image or a folder.
    """
    if isinstance(source, str | Path | int):
        found = frames.find([str(source)])
        if len(found) != 1 or found[0].kind == "image":
            raise InputError(
                f"{source}: expected one video or the number of a camera; predict takes images"
            )
        return frames.read(found[0])
    is_image = isinstance(source, PIL.Image.Image) or (
        isinstance(source, np.ndarray) and source.ndim != 4
    )
    if is_image or not isinstance(source, Iterable):
        raise InputError(
            f"expected a video or frames, got one {type(source).__name__}; pass a list of frames, or call predict with an "
            "image"
        )
    one = Source("video", Path(), Path("video"))
    numbered = enumerate(source)
    return (
        Frame(
            one, as_pixels(image), index, seconds=index / frames_per_second, rate=frames_per_second
        )
        for index, image in numbered
    )
