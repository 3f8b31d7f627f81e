"""`load_model`, `open_detector` and `PoseModel`: prediction of poses in images and videos.

The command `predict` uses the same functions.
"""

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
from paddle_pose.engine.notebook import ImageGrid, draw_maps
from paddle_pose.errors import InputError
from paddle_pose.geometry import Window
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
DEFAULT_MODEL = "movenet_thunder"
DEFAULT_DETECTOR = "nanodet_m"
FITS = ("letterbox", "stretch")
SIMILARITIES = ("oks", "iou")
DETECT_EVERY = 5  # frames of a video between two runs of the detector; this project's choice
_BACKENDS: dict[str, BackendName] = {  # by the suffix of an exported file
    ".onnx": "onnx",
    ".xml": "openvino",
    ".json": "paddle",
}


class PoseModel:
    """A loaded network that predicts poses; `load_model` returns one.

    It is a context manager that releases the network at the end of the block. `predict`, `track`
    and `maps` may be called from several threads.

    Args:
        config: Config of the network.
        weights: Path of the weights file or of the exported file.
        backend: Function that runs the network: from uint8 RGB images [N, H, W, 3] to {name:
            outputs [N, ...]}.
        device: Description of backend and device, for messages and file headers.
        fit: Method that fits a whole image into the input: "letterbox" adds black borders,
            "stretch" changes the aspect ratio.
        open_detector: Function from the name or path of a person detector to the detector, see
            `open_detector` in this module.

    Attributes:
        config: Config of the network.
        weights: Path of the weights file or of the exported file.
        device: Description of backend and device as text.

    Example:
        `load_model("output/run").predict("photo.jpg").draw().save("poses.png")`
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
        """Skeleton of the predicted poses: joints, limbs and mirror pairs."""
        return self.config.codec.skeleton

    @property
    def joints(self) -> tuple[str, ...]:
        """Names of the K joints, in the order of the keypoints."""
        return self.skeleton.joints

    @property
    def input_size(self) -> tuple[int, int]:
        """(width, height) of the network's input in px."""
        return self.config.codec.input_size

    @property
    def needs_boxes(self) -> bool:
        """Whether `predict` needs person boxes: it then runs a person detector by default.

        This is true if two conditions hold: the network has a joint of a person's body on both
        sides (shoulders, elbows, wrists, hips, knees or ankles, see `Skeleton.has_body`), and it
        expects a window with one person. It is false for a network of fingers or faces, and for one
        that finds several people in a whole image.
        """
        if not self.skeleton.has_body:
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
        """Releases the network and its detectors; the model cannot predict after that."""
        self._run = None
        self._detectors.clear()

    @overload
    def predict(  # type: ignore[overload-overlap]  # a path and an array are iterables, too
        self,
        images: ImageInput,
        *,
        boxes: BoxesInput | None = None,
        detector: DetectorChoice = "auto",
        person_threshold: float | None = None,
        batch_size: int = 8,
    ) -> PoseResult: ...

    @overload
    def predict(
        self,
        images: Iterable[ImageInput],
        *,
        boxes: Iterable[BoxesInput | None] | None = None,
        detector: DetectorChoice = "auto",
        person_threshold: float | None = None,
        batch_size: int = 8,
    ) -> Iterator[PoseResult]: ...

    def predict(
        self,
        images: ImageInput | Iterable[ImageInput],
        *,
        boxes: BoxesInput | Iterable[BoxesInput | None] | None = None,
        detector: DetectorChoice = "auto",
        person_threshold: float | None = None,
        batch_size: int = 8,
    ) -> PoseResult | Iterator[PoseResult]:
        """Returns the poses in an image, or an iterator over the poses in several images.

        Args:
            images: One image: the path of a file, a uint8 RGB array [h, w, 3] or a PIL image. Or
                several images: an iterable of these, a folder (its images and those of its
                subfolders, sorted; a log message states that videos are left out), a pattern such
                as "holiday/*.jpg", or a TIFF with several pages; typed code passes an iterable
                instead of a folder. Files are rotated by their EXIF data. An image that cannot be
                read raises when the iterator reaches it.
            boxes: Boxes of the people, [D, 4] (x, y, width, height) in image px; for several images
                an iterable of these, with None for a whole image. The poses have the order of the
                boxes. None uses the detector.
            detector: Detector that finds the people: "auto" (NanoDet-m if `needs_boxes`, else
                None); None, which takes the whole image as the window; the name or path of a
                detector; a `PoseModel` that finds several people; or a function from a uint8 RGB
                image [h, w, 3] to boxes [D, 4] (x, y, width, height) in image px and scores [D].
                Ignored if `boxes` are given.
            person_threshold: Lowest score of a person who is returned, inclusive. None takes 0.2 for
                the people of a detector, below which most are false, and returns all people in
                boxes and whole images, and all of a MoveNet as the detector, whose scores are
                small. 0 returns all candidates, as the AP of COCO counts them.
            batch_size: Number of windows that the network processes together.

        Returns:
            `PoseResult` in image px, or for several images an iterator that yields one per image,
            in order. If no person is found, its arrays have the shape [0, ...].

        Raises:
            FileNotFoundError: If an image or the file of the detector is missing.
            InputError: If an image, a box or an argument is invalid, `images` is a video or an
                animated image (see `track`), or the model is closed.
            ConnectionError: If the detector cannot be downloaded; the message states where to put
                the file.
            MissingDependencyError: If the detector needs ONNX Runtime and it is not installed.

        Example:
            `people = model.predict("photo.jpg"); people.keypoints[0], people.scores[0]`
        """
        _check_count("batch_size", batch_size)
        _check_score("person_threshold", person_threshold)
        several = _several(images)
        if several is not None:
            of_each = cast("Iterable[BoxesInput | None] | None", boxes)
            return self._results(several, of_each, detector, person_threshold, batch_size)
        boxes_of_image = None if boxes is None else [cast(BoxesInput, boxes)]
        one = [cast(ImageInput, images)]
        return next(self._results(one, boxes_of_image, detector, person_threshold, batch_size=1))

    def track(
        self,
        source: str | Path | int | Iterable[ImageInput],
        *,
        detector: DetectorChoice = "auto",
        person_threshold: float | None = None,
        by: Literal["oks", "iou"] | None = "oks",
        smooth: bool = False,
        one_person: bool = False,
        detect_every: int = DETECT_EVERY,
        frames_per_second: float = 25.0,
    ) -> Iterator[PoseResult]:
        """Yields the poses in each frame of a video, with an id for each person.

        A person gets an id after three consecutive frames, and then has it in all three. So each
        result is delayed by two frames, also with a camera; without ids (`by=None`) and with
        `one_person` there is no delay.

        Args:
            source: Path of a video or an animated image, number of a camera, or an iterable of
                frames (paths, uint8 RGB arrays [h, w, 3] or PIL images).
            detector: Detector that finds the people, see `predict`.
            person_threshold: Lowest score of a person who is returned, see `predict`. None also
                returns everybody who has an id, so that nobody disappears for single frames. People
                with lower scores are tracked, too.
            by: Similarity that matches people of consecutive frames: of their keypoints ("oks") or
                of their boxes ("iou"). None gives no ids, unless `smooth` needs them.
            smooth: Whether the keypoints are smoothed by the One-Euro filter.
            one_person: Whether to predict a single person without a detector, in a square window
                around the person of the previous frame, as in Google's MoveNet.
            detect_every: Number of frames between two runs of the detector; in between, the windows
                are placed around the poses of the previous frame.
            frames_per_second: Frame rate of an iterable of frames; videos and cameras state their
                own times.

        Yields:
            `PoseResult` of each frame in image px, with `ids` (from 1; -1 without an id), `frame`
            (number from 0) and `seconds` (time since the first frame).

        Raises:
            FileNotFoundError: If the video or the file of the detector is missing.
            InputError: If the source is an image, an argument is invalid, the model is closed; or,
                after the last frame that can be read, if the video ends early.
            ConnectionError: If the detector cannot be downloaded.
            MissingDependencyError: If a package is missing: PyAV for videos, ONNX Runtime for the
                detector.

        Example:
            `for result in model.track("clip.mp4", smooth=True): print(result.seconds, result.ids)`
        """
        _check_choice("by", by, (*SIMILARITIES, None))
        _check_score("person_threshold", person_threshold)
        _check_count("detect_every", detect_every)
        if not (isinstance(frames_per_second, numbers.Real) and 0 < frames_per_second < math.inf):
            raise InputError(
                f"frames_per_second {frames_per_second!r}: expected a finite number above 0"
            )
        stream = _video_frames(source, frames_per_second)
        return self._tracked(
            stream,
            detector=detector,
            person_threshold=person_threshold,
            by=by,
            smooth=smooth,
            one_person=one_person,
            detect_every=detect_every,
        )

    def _tracked(
        self,
        stream: Iterator[Frame],
        *,
        detector: DetectorChoice,
        person_threshold: float | None,
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
        threshold = pipeline.person_threshold(person_threshold, find)
        for frame, poses in found:
            kept = pipeline.confident(poses, threshold, keep_tracked=person_threshold is None)
            yield PoseResult.of_frame(frame, kept, self.skeleton)

    def maps(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the raw outputs of the network, without flip test and decoding.

        Args:
            images: uint8 RGB images [N, H, W, 3] in the network's input size, or for codecs whose
                `sizes_vary` in one that `config.codec.size_of` returns for a window.

        Returns:
            Output arrays [N, ...] by name, such as {"heatmaps": [N, S, K, h, w]} for S stacks and K
            joints. `config.codec.output_spec` describes the axes and units of each output.

        Raises:
            InputError: If the array has another type or shape, or the model is closed.
        """
        width, height = self.input_size
        expected = f"images: expected a uint8 array [N, {height}, {width}, 3]"
        if self.config.codec.sizes_vary and np.ndim(images) == 4 and np.size(images):
            own = float(images.shape[2]), float(images.shape[1])
            width, height = self.config.codec.size_of(Window((0.0, 0.0), own))
            expected = f"images: expected a uint8 array such as [N, {height}, {width}, 3]"
        if not isinstance(images, np.ndarray):
            raise InputError(
                f"{expected}, got a {type(images).__name__}; "
                "np.stack makes one array of several images"
            )
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != (height, width, 3):
            one = images.dtype == np.uint8 and images.shape == (height, width, 3)
            hint = (
                "pass images[None] for a single image"
                if one
                else "`predict` takes images of any size"
            )
            raise InputError(f"{expected}, got {images.dtype} {list(images.shape)}; {hint}")
        with self._lock:  # Paddle and OpenVINO cannot run a network in two threads at once
            run = check_open(self)
            return run(images)

    def draw_maps(
        self,
        image: ImageInput,
        titles: Sequence[str] | None = None,
        *,
        box: Box | None = None,
        columns: int = 4,
        width: int = 800,
    ) -> ImageGrid:
        """Returns a drawing of the outputs of the network over its input, one image per map.

        Args:
            image: Image, as for `predict`; one in the network's input size, such as the image of an
                element of a `Dataset`, is the input.
            titles: Titles of the maps to draw, such as names of joints; None draws all.
            box: Box (x, y, width, height) of a person in image px, around which the input is
                cropped; None takes the whole image.
            columns: Number of maps in a row.
            width: Width of the drawing in px.

        Raises:
            FileNotFoundError: If the image is missing.
            InputError: If the image or the box is invalid, the model is closed, or there is no map
                with a title.
        """
        crop = self.predictor().crop(as_pixels(image), box)
        maps = {name: values[0] for name, values in self.maps(crop[None]).items()}
        return draw_maps(crop, self.config, maps, titles, columns, width)

    def open_detector(self, choice: DetectorChoice) -> Detector | None:
        """Returns the detector for the argument `detector` of `predict`.

        A detector given by its name or path is opened at the first call and kept.

        Args:
            choice: Value of the argument `detector` of `predict`: "auto", None, a name, a path or a
                callable.

        Returns:
            The detector; None for None, and for "auto" if the network needs no boxes: the whole
            image is the window.

        Raises:
            FileNotFoundError: If the file does not exist.
            InputError: If the name is unknown, or the file is no detector.
            ConnectionError: If the detector cannot be downloaded.
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
        """Returns a predictor of poses in windows on images; it is created once per `max_people`.

        `predict` and `track` use it; see `inference.predictor.Predictor`.

        Args:
            max_people: Largest number of people per window, for networks that find several; None
                takes the config's value.

        Raises:
            InputError: If `max_people` is not positive, or the model is closed.
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
        person_threshold: float | None,
        batch_size: int,
    ) -> Iterator[PoseResult]:
        """Returns a lazy iterator over the results of images, in order.

        Args:
            inputs: Images.
            boxes: Boxes of each image, see `predict`; None uses the detector.
            detector: Detector that finds the people, see `predict`.
            person_threshold: Lowest score of a person who is returned, see `predict`.
            batch_size: Number of windows that the network processes together.
        """
        find = None if boxes is not None else self.open_detector(detector)
        boxed = _with_boxes(inputs, boxes, find)
        predictor = self.predictor(None if boxes is None and find is None else 1)
        found = pipeline.predict(boxed, predictor, rescore=find is not None, batch_size=batch_size)
        threshold = pipeline.person_threshold(person_threshold, find)
        return (
            PoseResult.of_frame(frame, pipeline.confident(poses, threshold), self.skeleton)
            for frame, poses in found
        )


def check_open(model: PoseModel) -> Backend:
    """Returns the function that runs the network of a model.

    Args:
        model: Loaded model.

    Raises:
        InputError: If the model is closed.
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
        source: Name of a published file, which is downloaded once; or the path of a checkpoint, of
            an exported file, of a weights file of another project in any format that this package
            reads, of the folder of one of these, or of a run, whose best weights are taken.
        config: Name of the network's config; None reads the config in or beside the file, or
            recognizes an ONNX file of another program, whose format `overrides` can state under
            "model.format".
        overrides: New values of the config by dotted key, such as {"model.order": "rgb"}.
        device: Device to compute on: "auto" (a GPU if there is one), "cpu", "gpu" or "gpu:1".
        backend: Library that runs the network: "onnx", "openvino" or "paddle". "auto" derives it
            from the file (.onnx, .xml, else Paddle); published MoveNets run on ONNX Runtime if it
            is installed.
        threads: Number of CPU threads; None takes OMP_NUM_THREADS or all cores.
        from_file: Local copies of the published files, a folder or an archive that contains them;
            nothing is downloaded then. None downloads missing files.
        cache: Folder to store published files in; None takes the folder in the environment variable
            PADDLE_POSE_HOME, or the user's cache folder.
        image_size: Input size in px, 256 or 384, that selects the config of Hourglass-52 on MPII,
            as in txyugood's project; instead of `config`.
        fit: Method that fits a whole image into the input: "letterbox" adds black borders,
            "stretch" changes the aspect ratio.
        progress: Function (bytes so far, size in bytes or None if unknown, bytes per second) that
            displays the progress of a download; None displays nothing.

    Raises:
        FileNotFoundError: If the file does not exist and no published file has this name.
        InputError: If the file is invalid, its config is unknown, or file, config and arguments
            contradict each other.
        ConnectionError: If a published file cannot be downloaded; the message states where to put
            it.
        MissingDependencyError: If the file needs a package that is not installed.

    Example:
        `load_model("simple_baseline.pth", config="simple_baseline_r50_coco_256x192")`
    """
    check_device(device, threads)
    _check_choice("backend", backend, get_args(BackendName))
    _check_choice("fit", fit, FITS)
    config_overrides.check_changes(overrides or {})
    environment.configure_cpu()
    folder = None if cache is None else Path(cache)
    name = str(source)
    copies = _copies(from_file)
    weights = zoo.locate(name, folder, copies, progress, engine=backend)
    kind = _BACKENDS.get(weights.suffix, "paddle") if is_exported(weights) else "paddle"
    if backend not in ("auto", kind):
        raise InputError(
            f"backend {backend!r}: {weights} runs with {kind}; export_model writes files for onnx "
            "(.onnx), openvino (.xml) and paddle (.json)"
        )
    chosen = registry.config_of(weights, config, image_size, overrides)
    of_several = chosen.codec.max_persons not in (None, 1) and "codec.max_persons" not in (
        overrides or {}
    )
    # The slow check comes last: it may compute the checksum of the file.
    if of_several and zoo.is_single_person(name, weights):
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
    """Returns a person detector, a function from an image to boxes and scores.

    The function receives a uint8 RGB image [h, w, 3]; it returns D boxes, [D, 4] (x, y, width,
    height) in image px with the upper left corner (x, y), and their scores, [D] from 0 to 1.

    Args:
        source: Name of a published detector; path of an ONNX file of NanoDet, YOLOX, RTMDet or
            Ultralytics; or path of a pose network that finds several people, with its config beside
            it: its boxes surround the keypoints of each person.
        format: Format of the outputs of an ONNX file: "nanodet", "yolox", "rtmdet", "ultralytics"
            or another value of `DetectorFormat`; None recognises it by running the network.
        min_score: Score from 0 to 1 that a box must exceed; None takes the default of the published
            detector or of the format.
        max_people: Largest number of boxes per image; None takes 20, or 6 for a pose network.
        device: Device to compute on: "auto" (a GPU if there is one), "cpu", "gpu" or "gpu:1".
        threads: Number of CPU threads; None takes OMP_NUM_THREADS or all cores.
        from_file: Local copies of the published files, see `load_model`.
        cache: Folder to store published files in, see `load_model`.
        progress: Function that receives the progress of a download, see `load_model`.

    Raises:
        FileNotFoundError: If the file does not exist and no published file has this name.
        InputError: If the file is no detector, could be of several formats, or is a pose network
            without a config beside it.
        ConnectionError: If a published file cannot be downloaded; the message states where to put
            it.
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
    """Returns the path of the file of a person detector; a published detector is downloaded.

    Args:
        source: Name of a published detector, or path of a file, see `open_detector`.
        from_file: Local copies of the published files, see `load_model`.
        cache: Folder to store published files in, see `load_model`.
        progress: Function that receives the progress of a download, see `load_model`.

    Raises:
        FileNotFoundError: If the file does not exist and no published file has this name.
        ConnectionError: If the file cannot be downloaded; the message states how to predict without
            a detector.
    """
    folder = None if cache is None else Path(cache)
    try:
        return zoo.locate(str(source), folder, _copies(from_file), progress, what="detector")
    except ConnectionError as problem:
        raise ConnectionError(f"{problem}. {zoo.without_detector()}") from problem


def with_people(config: Config, max_people: int | None) -> Config:
    """Returns a config with another largest number of people per window.

    A config whose codec finds one person per window is returned unchanged.

    Args:
        config: Config of a network.
        max_people: Largest number of people per window; None keeps the config's value.

    Raises:
        InputError: If `max_people` is not positive.
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
    """Raises an InputError if the value of an argument is not a positive integer."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise InputError(f"{name} {value!r}: expected a positive integer")


def _check_score(name: str, value: object) -> None:
    """Raises an InputError if the value of an argument is neither None nor a number."""
    if value is not None and (
        isinstance(value, bool) or not isinstance(value, numbers.Real) or math.isnan(value)
    ):
        raise InputError(f"{name} {value!r}: expected a number, the lowest score, or None")


def _several(
    images: ImageInput | Iterable[ImageInput],
) -> Iterable[ImageInput | Source] | None:
    """Returns the images of a folder, a pattern, a TIFF with several pages or an iterable.

    Args:
        images: Value of the argument `images` of `predict`.

    Returns:
        The images in order; None if the argument is one image.

    Raises:
        FileNotFoundError: If a folder contains no image, or no file matches a pattern.
        InputError: If the argument is a video, contains only videos, or is no valid type.
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
            raise InputError(
                f"{moving[0]}: a video or an animated image, expected images; pass it to track"
            )
        if moving:
            _log.warning(
                "%s: %d of the files are videos, such as %s, and left out; pass them to track",
                images,
                len(moving),
                moving[0].name,
            )
        return still
    if isinstance(images, Iterable):
        return images
    raise InputError(
        "images: expected an image or an iterable of images (paths, arrays, PIL images), "
        f"got {type(images).__name__}"
    )


def _with_boxes(
    inputs: Iterable[ImageInput | Source],
    boxes: Iterable[BoxesInput | None] | None,
    find: Detector | None,
) -> Iterator[pipeline.Boxed]:
    """Yields each image as a frame, with its given or detected boxes.

    Args:
        inputs: Images.
        boxes: Boxes of each image, with None for a whole image; None uses the detector.
        find: Detector; None takes whole images.

    Raises:
        InputError: If there are more images than boxes, or a box is invalid.
    """
    given = None if boxes is None else iter(boxes)
    for number, image in enumerate(inputs):
        frame = _frame(image, kind="image")
        if given is None:
            yield frame, None if find is None else pipeline.detected(find, frame.pixels)
            continue
        try:
            chosen = _box_list(next(given))
        except StopIteration:
            raise InputError(
                f"boxes: expected one entry per image, got {number} for more images; "
                "give None for a whole image"
            ) from None
        _warn_of_boxes_outside(chosen or (), frame)
        yield frame, pipeline.given(chosen)


def _warn_of_boxes_outside(boxes: Sequence[Box], frame: Frame) -> None:
    """Logs a warning for each box that lies outside its image."""
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
    """Returns the argument `from_file` of `load_model` as paths."""
    if from_file is None:
        return None
    if isinstance(from_file, str | Path):
        return Path(from_file)
    return tuple(Path(one) for one in from_file)


def _box_list(boxes: BoxesInput | None) -> list[Box] | None:
    """Returns boxes as a list of (x, y, width, height); None, the whole image, for None.

    Raises:
        InputError: If the boxes are not finite, or not of the shape [D, 4].
    """
    if boxes is None:
        return None
    array = np.asarray(boxes, np.float64)
    if array.size == 0:
        return []
    if array.ndim != 2 or array.shape[1] != 4 or not np.isfinite(array).all():
        raise InputError(
            "boxes: expected finite values of shape [D, 4] (x, y, width, height) in image px, "
            f"got shape {list(array.shape)}"
        )
    return [(x, y, width, height) for x, y, width, height in array.tolist()]


def _frame(
    image: ImageInput | Source, kind: Literal["image", "video"], index: int = 0, rate: float = 0.0
) -> Frame:
    """Returns an image as a frame.

    Args:
        image: Image, or a source that `io.frames.find` returned.
        kind: Kind of the frame's source.
        index: Number of the frame.
        rate: Frames per second; 0 for an image.

    Returns:
        The frame; its path is empty for an array or a PIL image.
    """
    if isinstance(image, Source):
        return next(frames.read(image))
    path = Path(image) if isinstance(image, str | Path) else Path()
    source = Source(kind, path, Path(path.stem or kind))
    return Frame(source, as_pixels(image), index, seconds=index / rate if rate else 0.0, rate=rate)


def _video_frames(
    source: str | Path | int | Iterable[ImageInput], frames_per_second: float
) -> Iterator[Frame]:
    """Returns an iterator over the frames of a video, a camera or an iterable.

    Args:
        source: Value of the argument `source` of `track`.
        frames_per_second: Frame rate of an iterable.

    Raises:
        FileNotFoundError: If the video is missing.
        InputError: If the source is an image or a folder.
    """
    if isinstance(source, str | Path | int):
        found = frames.find([str(source)])
        if len(found) != 1 or found[0].kind == "image":
            raise InputError(
                f"{source}: expected one video or the number of a camera; pass images to predict"
            )
        return frames.read(found[0])
    is_image = isinstance(source, PIL.Image.Image) or (
        isinstance(source, np.ndarray) and source.ndim != 4
    )
    if is_image or not isinstance(source, Iterable):
        raise InputError(
            f"source: expected a video or frames, got one {type(source).__name__}; "
            "pass a list of frames, or pass an image to predict"
        )
    one = Source("video", Path(), Path("video"))
    numbered = enumerate(source)
    return (
        Frame(
            one, as_pixels(image), index, seconds=index / frames_per_second, rate=frames_per_second
        )
        for index, image in numbered
    )
