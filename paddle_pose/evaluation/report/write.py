"""Reads predictions or a training run and writes a report on them as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from paddle_pose.backends.metadata import RUN_EXPORTS
from paddle_pose.environment import command
from paddle_pose.errors import InputError
from paddle_pose.evaluation.report import coco_data, mpii_data, page, sections, summary
from paddle_pose.evaluation.report.findings import analyse
from paddle_pose.evaluation.report.page import Section
from paddle_pose.evaluation.report.provenance import Provenance, provenance
from paddle_pose.evaluation.report.report_data import ReportData
from paddle_pose.evaluation.report.run import Run, find
from paddle_pose.io import atomic
from paddle_pose.io.json_files import read_json
from paddle_pose.skeletons import SKELETONS, Skeleton

REPORTED = {"pckh": "pred.mat", "ap": "keypoints_results.json"}
"""Name of the prediction file that an evaluation writes, by metric."""

_IMAGE_FOLDER = ("image_folder", "pictures")  # keys of scores.json; older files have the second


def read(
    source: Path,
    *,
    dataset_root: Path | None = None,
    ground_truth: Path | None = None,
    zero_based: bool = False,
    skeleton: Skeleton | None = None,
    boxes_from_keypoints: bool = False,
) -> tuple[ReportData | None, Run | None]:
    """Returns the predictions and the training run of a report.

    Args:
        source: Prediction file (.mat or .h5 for MPII, .json in COCO's results format), or folder of
            an evaluation or of a training run.
        dataset_root: Folder of the data set, with the ground truth in `annotations`. If neither
            this nor `ground_truth` is given, the ground truth is the one that scores.json in the
            folder `source` names.
        ground_truth: Path of mpii_gt_val.mat or person_keypoints_val2017.json; it takes precedence.
        zero_based: Whether the pixels of predictions in .mat and .h5 files are counted from 0, not
            from 1.
        skeleton: Skeleton of results in COCO's format; None takes the one that scores.json or the
            annotations name.
        boxes_from_keypoints: Whether annotated people without an area get that of the box round
            their joints; also if scores.json says so.

    Returns:
        (predictions matched with their ground truth, run); None for a missing one, but not for
        both.

    Raises:
        FileNotFoundError: If `source` or the ground truth is missing.
        InputError: If a file has another form than expected, the ground truth is unknown, the
            folder has neither predictions nor a run, or `zero_based` is set for a .json file.
        MissingDependencyError: If SciPy or h5py, which .mat and .h5 files need, is not installed.
    """
    if not source.exists():
        raise FileNotFoundError(
            f"{source}: not found; expected a prediction file, or the folder of an evaluation or a "
            "training run"
        )
    predictions: Path | None = source
    protocol: dict[str, Any] = {}
    folders = []
    scores = None
    if source.is_dir():
        if (source / "scores.json").is_file():
            protocol = _protocol(source / "scores.json")
        names = [
            name for metric, name in REPORTED.items() if protocol.get("metric", metric) == metric
        ]
        predictions = next((source / name for name in names if (source / name).is_file()), None)
        scores = source / "predictions.json" if (source / "predictions.json").is_file() else None
        checkpoint = Path(str(protocol.get("checkpoint", source / "none")))
        folder = checkpoint.parent
        folders = [source, folder.parent if folder.name == RUN_EXPORTS else folder]
    run = find(folders)
    if predictions is None:
        if run is None:
            raise InputError(
                f"{source}: contains neither {' nor '.join(names)} nor a run's config.json, so "
                "there is nothing to report; for a network without all of MPII's joints no "
                "pred.mat is written"
            )
        return None, run
    coco = predictions.suffix == ".json"
    truth = ground_truth
    images = None
    if truth is None and dataset_root is None and "truth" in protocol:
        truth = Path(str(protocol["truth"]))
        images = Path(str(next((protocol[key] for key in _IMAGE_FOLDER if key in protocol), "")))
    truth = truth or _truth(predictions, dataset_root, coco)
    properties = {
        name: " x ".join(map(str, value)) if isinstance(value, list) else str(value)
        for name, value in protocol.items()
        if name not in ("truth", *_IMAGE_FOLDER)
    }
    if coco:
        if zero_based:
            raise InputError(
                "--zero_based: COCO's results always count pixels from 0; leave the flag out"
            )
        skeleton = skeleton or SKELETONS.get(properties.get("joints", ""))
        return coco_data.read(
            predictions,
            truth,
            skeleton=skeleton,
            images=images,
            protocol=properties,
            boxes_from_keypoints=boxes_from_keypoints or "boxes_from_keypoints" in properties,
        ), run
    return mpii_data.read(
        predictions, truth, zero_based=zero_based, scores=scores, protocol=properties
    ), run


def write(source: Path, path: Path, *, command: str = "", **where: Any) -> Path:
    """Writes a report on predictions or a training run as one HTML file, and returns `path`.

    Args:
        source: Prediction file or folder, as for `read`.
        path: Path of the HTML file, which is replaced if it exists; missing folders are created.
        command: Command that evaluated the predictions; "" takes that of scores.json, if `source`
            is the folder of an evaluation.
        where: Keyword arguments of `read`: dataset_root, ground_truth, zero_based, skeleton,
            boxes_from_keypoints.

    Raises:
        FileNotFoundError: As from `read`.
        InputError: As from `read`, or if an image cannot be decoded.
        MissingDependencyError: As from `read`, or if Matplotlib is not installed.
        OSError: If the report cannot be written.
    """
    data, run = read(source, **where)
    stored = source / "scores.json"
    if not command and stored.is_file():
        command = str(read_json(stored).get("command", ""))
    files = {**(data.files if data else {}), **({"config": run.source} if run else {})}
    if data is not None and "checkpoint" in data.protocol:
        files["checkpoint"] = Path(data.protocol["checkpoint"])
    atomic.write_text(path, page_of(data, run, provenance(files, command)))
    return path


def page_of(data: ReportData | None, run: Run | None, made: Provenance | None = None) -> str:
    """Returns a report as the text of an HTML page.

    Args:
        data: Predictions matched with their ground truth; None leaves their sections out.
        run: Training run; None leaves its section out.
        made: Provenance of the report; None leaves its section out.

    Raises:
        InputError: If `data` and `run` are None, or an image cannot be decoded.
        MissingDependencyError: If Matplotlib is not installed.
    """
    body: list[Section | None] = []
    lead = ""
    if data is not None:
        findings = analyse(data)
        lead = summary.lead(data, findings)
        body = [
            sections.results(data),
            sections.published_results(data),
            sections.taxonomy(data, findings),
            sections.displacement(data, findings),
            sections.thresholds(data),
            sections.parts(data),
            sections.scores(data),
            sections.people(data, findings),
        ]
    if run is not None:
        body.append(sections.training(run, data.gained if data else ("Mean", "Mean@0.1", "AP")))
    if not body:
        raise InputError(
            "there is nothing to report: neither predictions nor a training run were found"
        )
    if made is not None:
        body.append(sections.origin(made))
    return page.document("Evaluation report", [part for part in body if part], lead)


def _protocol(path: Path) -> dict[str, Any]:
    """Returns the protocol of a scores.json; raises InputError if the file has another form."""
    content = read_json(path)
    if not isinstance(content, dict) or not isinstance(content.get("protocol"), dict):
        raise InputError(f"{path}: expected {{protocol, values}} as {command('val')} writes it")
    protocol: dict[str, Any] = content["protocol"]
    return protocol


def _truth(predictions: Path, root: Path | None, coco: bool) -> Path:
    """Returns the path of the ground truth in a data set.

    Args:
        predictions: Path of the predictions, for messages.
        root: Folder of the data set.
        coco: Whether the predictions are in COCO's format.

    Raises:
        FileNotFoundError: If the data set has no such file.
        InputError: If no data set is given.
    """
    if root is None:
        raise InputError(
            f"{predictions}: the ground truth is unknown; state it with --dataset_root D or "
            "--ground_truth FILE"
        )
    path = root / "annotations" / ("person_keypoints_val2017.json" if coco else mpii_data.TRUTH)
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: not found, but {predictions} is evaluated with it; state another ground "
            "truth with --ground_truth FILE"
        )
    return path
