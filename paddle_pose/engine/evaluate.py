"""Evaluation of a weights file on a data set, and scoring of a file of predictions."""

from __future__ import annotations

import html
import json
import logging
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from paddle_pose import build
from paddle_pose.backends.base import Backend, check_device
from paddle_pose.configs import overrides as config_overrides
from paddle_pose.configs import registry
from paddle_pose.configs.published import GROUND_TRUTH, WHOLE_IMAGES
from paddle_pose.configs.specs import Config
from paddle_pose.data import coco, mpii
from paddle_pose.data.skeleton_file import read_skeleton
from paddle_pose.engine.notebook import html_table
from paddle_pose.engine.pose_model import PoseModel, check_open
from paddle_pose.environment import argument
from paddle_pose.errors import InputError
from paddle_pose.evaluation.evaluate import evaluate as evaluate_batches
from paddle_pose.evaluation.mean_pose import mean_pose_scores
from paddle_pose.evaluation.ranked_examples import draw_ranked_examples, rank_examples
from paddle_pose.evaluation.report.write import REPORTED
from paddle_pose.evaluation.report.write import write as write_report
from paddle_pose.inference.flip_test import FlipAverage
from paddle_pose.io import coco_records, images
from paddle_pose.io.boxes import describe_detections
from paddle_pose.io.checksum import sha256_of
from paddle_pose.io.mpii_predictions import read_predictions
from paddle_pose.io.outputs import Outputs
from paddle_pose.io.weights_files import find_weights
from paddle_pose.metrics import coco_ap, pckh
from paddle_pose.metrics.base import eval_line
from paddle_pose.progress import ProgressFactory, no_progress, notebook_progress
from paddle_pose.skeletons import COCO_17, Skeleton
from paddle_pose.structures import Sample

_log = logging.getLogger("paddle_pose")


FOLDER = Path("output/val")
_PREDICTIONS = {  # names of the files of predictions, by metric
    "pckh": ("pred.mat", "predictions.json"),
    "ap": ("keypoints_results.json",),
}
_SCORES = "scores.json"
_DRAWING = "predictions.png"
_REPORT = "report.html"
_COMPANIONS = {".xml": ".bin", ".json": ".pdiparams"}  # exported file: file with its weights


@dataclass(frozen=True)
class Evaluation:
    """Scores of a network or of a file of predictions.

    Attributes:
        values: All scores by name. PCKh, in percent: "Mean", "Mean@0.1" and one per group of
            joints. AP, 0 to 1: "AP", "AP50", "AR" and others.
        protocol: Settings that the scores depend on, by name: config, data set, metric, input size,
            flip test, decoding, boxes and others.
        intervals: 95 % confidence interval (low, high) by name, in the unit of the score; a name of
            `values` without an interval is missing.
        baseline: Scores by name of the mean training pose, which does not depend on the image, in
            the units of `values`; empty if it was not scored.
        written: Paths of the written files.
    """

    values: Mapping[str, float]
    protocol: Mapping[str, object]
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    baseline: Mapping[str, float] = field(default_factory=dict)
    written: Sequence[Path] = ()

    def _repr_html_(self) -> str:
        """Returns an HTML table of the scores and a line with the protocol, for notebooks."""
        protocol = ", ".join(f"{name} {value}" for name, value in self.protocol.items())
        return html_table(self.values, self.intervals) + f"<p>{html.escape(protocol)}</p>"


def evaluate(
    weights: str | Path | PoseModel,
    data: str | Path | None = None,
    *,
    config: str | None = None,
    image_size: int | None = None,
    overrides: Mapping[str, object] | None = None,
    detections: str | Path | None = None,
    output: str | Path | None = None,
    draw: bool = False,
    report: bool = False,
    baseline: bool = False,
    device: str = "auto",
    threads: int | None = None,
    command: str = "",
    progress: ProgressFactory | None = notebook_progress,
) -> Evaluation:
    """Returns the scores of a network on the validation split; also logs them with their protocol.

    Args:
        weights: Path of a checkpoint, of an exported file, of the folder of one of these, or of a
            run; or a loaded model.
        data: Folder of the data set; None uses the annotation files that the config names, or the
            folder that the run of the weights was trained on.
        config: Name of the config; None reads the config beside the weights file. Not allowed with
            a loaded model, which has its config.
        image_size: Input size in px, 256 or 384, that selects the config of Hourglass-52 on MPII,
            as in txyugood's project; None selects none.
        overrides: New values of the config by dotted key, such as {"val.flip": False}.
        detections: Path of detected person boxes in COCO's format, [{"image_id", "category_id",
            "bbox": [x, y, width, height] in image px, "score"}, ...]; None uses the annotated
            boxes.
        output: Folder of the predictions and of scores.json; "auto" takes `default_folder`; None
            writes no file.
        draw: Whether to write predictions.png, which shows people from the best to the worst score.
        report: Whether to write report.html, a page with curves, kinds of errors and worst cases.
        baseline: Whether to score the mean training pose too, a baseline without a network.
        device: Device to compute on: "auto", "cpu", "gpu" or "gpu:1". A loaded model keeps its
            device.
        threads: Number of CPU threads; None takes OMP_NUM_THREADS or all cores. A loaded model
            keeps its number.
        command: Command line to store in scores.json.
        progress: Function that returns a progress callback, given the number of people or images
            and their name, see `progress.ProgressFactory`; None shows no progress.

    Raises:
        FileNotFoundError: If the weights, an annotation file or an image are missing.
        InputError: If a file is invalid, the config of the weights is unknown, a key or value of
            `overrides` is invalid, arguments contradict each other, or the output folder contains a
            file that no evaluation wrote and that would be overwritten.
        MissingDependencyError: If the weights need a package that is not installed.

    Example:
        `evaluate("output/run", data="data/mpii", overrides={"val.flip": False}).values["Mean"]`
    """
    model = weights if isinstance(weights, PoseModel) else None
    weights = weights.weights if isinstance(weights, PoseModel) else find_weights(weights)
    detections = None if detections is None else Path(detections)
    if output is None and (draw or report):
        raise InputError("draw and report write files, but output is None: name a folder as output")
    if model is not None:
        check_open(model)
        _refuse_settings_of_loading(model, device, threads)
    else:
        check_device(device, threads)
    if model is None:
        settings = registry.config_of(weights, config, image_size, overrides)
    else:
        settings = _settings_of(model, config or image_size, overrides or {})
    if data is None:
        data = registry.data_to_evaluate(weights, settings, overrides)
    if output is not None:
        output = default_folder(weights, settings.name) if output == "auto" else Path(output)
    measure = build.metric_name(settings)
    if report and measure not in REPORTED:
        raise InputError(
            f"{argument('--report')}: the report supports the metrics {' and '.join(REPORTED)}, "
            f"got {measure}; choose one of these metrics, or leave out "
            f"{argument('--report', 'report')}"
        )
    outputs = None
    if output is not None:
        outputs = Outputs(output, "val", keep=[weights])
        names = [*_PREDICTIONS.get(measure, ("predictions.json",)), _SCORES]
        names += [name for name, wanted in ((_DRAWING, draw), (_REPORT, report)) if wanted]
        outputs.check(output / name for name in names)
    backend: Backend
    if model is None:
        backend, used_device = build.backend(settings, weights, device, threads, log=_log.info)
    else:
        backend, used_device = model.maps, model.device
    samples = build.samples(settings, data, settings.data.val_split, detections)
    if settings.val.flip:
        backend = FlipAverage(backend, settings.codec, settings.val.shift)
    metric = build.metric(settings, data)
    unit = "image" if settings.data.framing == "image" and detections is None else "person"
    started = time.perf_counter()
    predictions = evaluate_batches(
        backend,
        settings.codec,
        build.batches(settings, samples),
        (progress or no_progress)(len(samples), "images" if unit == "image" else "people"),
    )
    seconds = time.perf_counter() - started
    scores = metric.compute_scores(predictions)
    protocol = _protocol(settings, weights, samples, detections)
    if measure in REPORTED:
        truth, folder = build.truth_files(settings, data)
        protocol |= {"truth": str(truth), "image_folder": str(folder)}
    _log.info(eval_line(scores.values, metric.summary))
    _log.info(scores.table)
    _log.info("Protocol: " + ", ".join(f"{name} {value}" for name, value in protocol.items()))
    _log.info(f"{1000 * seconds / len(samples):.0f} ms per {unit} on {used_device}")
    mean_pose: dict[str, float] = {}
    if baseline:
        training = build.samples(settings, data, settings.data.train_split)
        mean_pose = mean_pose_scores(training, samples, settings.codec, metric)
        _log.info("mean training pose: " + eval_line(mean_pose, metric.summary))
    evaluation = Evaluation(scores.values, protocol, intervals=scores.intervals, baseline=mean_pose)
    if output is None or outputs is None:
        return evaluation
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".writing_", dir=output) as drafts:
        made = metric.save(predictions, Path(drafts))
        if draw:
            made.append(Path(drafts, _DRAWING))
            images.write(
                made[-1], draw_ranked_examples(rank_examples(metric, predictions), settings.codec)
            )
        written = [output / path.name for path in made]
        outputs.check(written)
        for path, place in zip(made, written, strict=True):
            outputs.put(path, place)
    written.append(_write_scores(evaluation, outputs, output, command))
    if report:
        written.append(_write_page(outputs, output, output / _REPORT))
    outputs.remove_old((".png", ".html"))
    _log.info("Written: " + ", ".join(map(str, written)))
    return replace(evaluation, written=tuple(written))


def _refuse_settings_of_loading(model: PoseModel, device: str, threads: int | None) -> None:
    """Raises an InputError if a device or a number of threads is given with a loaded model."""
    named = [f"device={device!r}"] * (device != "auto") + [f"threads={threads!r}"] * (
        threads is not None
    )
    if named:
        raise InputError(
            f"{' and '.join(named)}: {model!r} is loaded already and keeps its settings; "
            "give them to load_model instead"
        )


def _settings_of(model: PoseModel, named: object, changes: Mapping[str, object]) -> Config:
    """Returns the config of a loaded model with changed values.

    Args:
        model: Loaded model.
        named: Config name or image size that the caller gave; None if none.
        changes: New values of the config by dotted key.

    Raises:
        InputError: If a config or an image size is given, or a change concerns a value that is
            fixed when a model is loaded.
    """
    if named is not None:
        raise InputError(
            f"config or image_size: {model!r} has its config already; leave them out, or load the "
            "weights again with them"
        )
    settings = config_overrides.override(model.config, changes)
    before, after = config_overrides.values(model.config), config_overrides.values(settings)
    fixed = [
        key
        for key in after
        if key.startswith(build.FIXED_BY_EXPORT) and after[key] != before.get(key)
    ]
    if fixed:
        raise InputError(
            f"{', '.join(fixed)}: cannot be changed after {model!r} is loaded; "
            "give them to load_model(overrides=…)"
        )
    return settings


def default_folder(source: Path, name: str) -> Path:
    """Returns the default folder of an evaluation, output/val/NAME-HASH; nothing is created.

    HASH is the beginning of the SHA-256 of the weights or predictions.

    Args:
        source: Path of a weights file or of a file of predictions. The hash of an exported file in
            two parts covers the part with the weights.
        name: First part of the folder's name.

    Raises:
        FileNotFoundError: If the file does not exist.
    """
    companion = source.with_suffix(_COMPANIONS.get(source.suffix, source.suffix))
    content = companion if companion.is_file() else source
    return FOLDER / f"{name}-{sha256_of(content)[:8]}"


def score_file(
    predictions: str | Path,
    data: str | Path | None = None,
    *,
    ground_truth: str | Path | None = None,
    skeleton: Skeleton | None = None,
    zero_based: bool = False,
    boxes_from_keypoints: bool = False,
) -> Evaluation:
    """Returns the scores of a file of predictions by any program; also logs them.

    Args:
        predictions: Path of results in COCO's format (.json), or of MPII's `preds` (.mat, .h5): an
            array of N x 16 x 2 points in image px for the N validation people in the order of the
            ground truth; its axes may be in any order.
        data: Folder of the data set, which contains the ground truth; None if `ground_truth` is
            given.
        ground_truth: Path of mpii_gt_val.mat, or of annotations in COCO's format; None takes the
            file in `data`.
        skeleton: Skeleton of results in COCO's format; None takes the joints that the annotations
            name, or COCO's 17 where they name none.
        zero_based: Whether the pixel coordinates of MPII's `preds` start at 0; False is MPII's own
            convention, which starts at 1.
        boxes_from_keypoints: Whether annotated people of COCO's format without an area get that of
            the box round their labelled joints; see `data.boxes_from_keypoints`.

    Raises:
        FileNotFoundError: If a file is missing.
        InputError: If a file is invalid, `zero_based` is given for results in COCO's format, or
            neither `data` nor `ground_truth` is given.
    """
    predictions = Path(predictions)
    is_coco = dataset_of(predictions) == "coco"
    if is_coco and zero_based:
        raise InputError(
            f"{argument('--zero_based')}: {predictions} is in COCO's format, whose pixel "
            f"coordinates always start at 0; leave the {argument('flag', 'argument')} out"
        )
    if ground_truth is not None:
        truth = Path(ground_truth)
    elif data is not None:
        truth = coco.annotation_file(data, "val") if is_coco else mpii.truth_files(data)[0]
    else:
        raise InputError(
            f"{predictions}: needs a ground truth; give "
            f"{argument('--dataset_root D', 'data')} or "
            + argument("--ground_truth FILE", "ground_truth")
        )
    if is_coco:
        return _score_coco(
            predictions, truth, skeleton or _skeleton_of(truth), boxes_from_keypoints
        )
    return _score_mpii(predictions, truth, zero_based)


def dataset_of(predictions: Path) -> str:
    """Returns the data set whose format a file of predictions has: "coco" for .json, else "mpii".

    Args:
        predictions: Path of the file; only its suffix is used.

    Example:
        >>> dataset_of(Path("keypoints_results.json")), dataset_of(Path("pred.mat"))
        ('coco', 'mpii')
    """
    return "coco" if predictions.suffix == ".json" else "mpii"


def write_scores(evaluation: Evaluation, folder: Path, command: str = "") -> Path:
    """Writes scores.json, the input of reports and of the `results` command, and returns its path.

    Args:
        evaluation: Scores with their protocol and intervals.
        folder: Folder of the file; it is created if missing.
        command: Command line that reproduces the scores.

    Raises:
        InputError: If the folder contains a scores.json that no evaluation wrote.
    """
    return _write_scores(evaluation, Outputs(folder, "val"), folder, command)


def write_page(
    source: Path,
    path: Path,
    *,
    dataset_root: Path | None = None,
    ground_truth: Path | None = None,
    zero_based: bool = False,
    skeleton: Skeleton | None = None,
    command: str = "",
    boxes_from_keypoints: bool = False,
) -> Path:
    """Writes the HTML report of predictions, an evaluation or a run, and returns its path.

    Args:
        source: Path of a file of predictions, or of the folder of an evaluation or a run.
        path: Path of the HTML page.
        dataset_root: Folder of the data set. If neither it nor `ground_truth` is given, the ground
            truth is the one that scores.json in the folder of the source names.
        ground_truth: Path of mpii_gt_val.mat, or of annotations in COCO's format.
        zero_based: Whether the pixel coordinates of MPII's predictions start at 0 instead of 1.
        skeleton: Skeleton of results in COCO's format; None takes the one that scores.json or the
            annotations name.
        command: Command line that the page states; "" takes that of scores.json in the folder of
            the source.
        boxes_from_keypoints: Whether annotated people without an area get that of the box round
            their joints; also if scores.json says so.

    Raises:
        FileNotFoundError: If a file is missing.
        InputError: If a file is invalid, the source contains nothing to report, or the page would
            overwrite a file that no evaluation wrote.
    """
    return _write_page(
        Outputs(path.parent, "val"),
        source,
        path,
        dataset_root=dataset_root,
        ground_truth=ground_truth,
        zero_based=zero_based,
        skeleton=skeleton,
        command=command,
        boxes_from_keypoints=boxes_from_keypoints,
    )


def _write_scores(evaluation: Evaluation, outputs: Outputs, folder: Path, command: str) -> Path:
    """Writes scores.json and returns its path."""
    content = {
        "protocol": evaluation.protocol,
        "values": evaluation.values,
        "intervals": evaluation.intervals,
        "command": command,
    }
    path = folder / _SCORES
    with outputs.replacing(path) as draft:
        draft.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return path


def _write_page(
    outputs: Outputs,
    source: Path,
    path: Path,
    command: str = "",
    **where: Path | Skeleton | bool | None,
) -> Path:
    """Writes the HTML report and returns its path; see `write_page` for the arguments."""
    outputs.check([path])
    with outputs.replacing(path) as draft:
        write_report(source, draft, command=command, **where)
    return path


def _protocol(
    config: Config, weights: Path, samples: Sequence[Sample], detections: Path | None
) -> dict[str, object]:
    """Returns the settings that the scores of an evaluation depend on, by name.

    Args:
        config: Config of the network.
        weights: Path of the weights file.
        samples: Samples of the validation split.
        detections: File of detected boxes; None for annotated boxes.
    """
    whole_images = config.data.framing == "image" and detections is None
    boxes = WHOLE_IMAGES if whole_images else GROUND_TRUTH
    people = len(samples)
    if whole_images:
        people = sum(not person.crowd for sample in samples for person in sample.persons)
    return {
        "config": config.name,
        "joints": config.codec.skeleton.name,
        "data": config.data.dataset,
        "metric": build.metric_name(config),
        "input": list(config.codec.input_size),
        "flip": config.val.flip,
        "shift": config.val.flip and config.val.shift and config.codec.alignment != "udp",
        "decode": config.codec.describe(),
        "checkpoint": str(weights),
        "images": len({sample.image_path for sample in samples}),
        "people": people,
        "boxes": f"detected ({detections})" if detections else boxes,
        **(describe_detections(detections) if detections else {}),
        **({"boxes_from_keypoints": True} if config.data.boxes_from_keypoints else {}),
    }


def _skeleton_of(annotations: Path) -> Skeleton:
    """Returns the skeleton that an annotation file names, or COCO's if it names no joints."""
    named, _ = coco_records.read_categories(annotations)
    return read_skeleton(None, annotations) if named else COCO_17


def _score_coco(
    results: Path, annotations: Path, skeleton: Skeleton, boxes_from_keypoints: bool
) -> Evaluation:
    """Returns and logs the scores of results in COCO's format.

    Args:
        results: JSON list of {image_id, category_id, keypoints, score}.
        annotations: Annotations in COCO's format.
        skeleton: Skeleton of the K joints of the results.
        boxes_from_keypoints: See `score_file`.
    """
    scores = coco_ap.score_results(
        results, annotations, skeleton, boxes_from_keypoints=boxes_from_keypoints
    )
    _log.info(eval_line(scores.values, coco_ap.NAMES))
    _log.info(scores.table)
    return Evaluation(
        scores.values,
        {"results": str(results), "data": "coco", "ground truth": str(annotations)}
        | ({"boxes_from_keypoints": True} if boxes_from_keypoints else {}),
    )


def _score_mpii(predictions: Path, ground_truth: Path, zero_based: bool) -> Evaluation:
    """Returns and logs the PCKh of predictions of MPII's validation people.

    Args:
        predictions: MPII's `preds` (.mat, .h5), in image px.
        ground_truth: Path of mpii_gt_val.mat.
        zero_based: Whether the pixel coordinates start at 0 instead of 1.
    """
    truth = mpii.read_ground_truth(ground_truth)
    people = len(truth.head_sizes)
    points = read_predictions(predictions, people) - (0.0 if zero_based else 1.0)
    errors = pckh.normalized_errors(points, truth.keypoints, truth.head_sizes)
    values = {name: float(value) for name, value in pckh.pckh(errors, truth.labelled).items()}
    intervals = pckh.bootstrap(errors, truth.labelled)
    _log.info(eval_line(values, pckh.PCKh().summary))
    _log.info(pckh.table(values, intervals, people))
    _log.info(
        f"Protocol: {predictions}, {people} people, "
        f"pixel coordinates start at {0 if zero_based else 1}"
    )
    return Evaluation(
        values,
        {"results": str(predictions), "data": "mpii", "ground truth": str(ground_truth)},
        intervals,
    )
