"""Reads what a report is about and writes it as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from paddle_pose.backends.metadata import RUN_EXPORTS
from paddle_pose.environment import command
from paddle_pose.errors import InputError
from paddle_pose.evaluation.report import coco_data, mpii_data, page, sections
from paddle_pose.evaluation.report.report_data import ReportData
from paddle_pose.evaluation.report.run import Run, find
from paddle_pose.io import atomic
from paddle_pose.io.coco_json import read_json
from paddle_pose.skeletons import SKELETONS, Skeleton

# What an evaluation writes, by metric.
REPORTED = {"pckh": "pred.mat", "ap": "keypoints_results.json"}

_IMAGE_FOLDER = ("image_folder", "pictures")  # keys of scores.json, the second one in older files


def read(
    source: Path,
    *,
    dataset_root: Path | None = None,
    ground_truth: Path | None = None,
    zero_based: bool = False,
    skeleton: Skeleton | None = None,
) -> tuple[ReportData | None, Run | None]:
    """Reads predictions and the run they came from.

    Args:
        source: Predictions (.mat, .h5; .json for COCO), or the folder of an evaluation or of a training run.
        dataset_root: the data set; where neither it nor `ground_truth` is given, scores.json in the folder says the truth.
        ground_truth: mpii_gt_val.mat, or person_keypoints_val2017.json.
        zero_based: whether predictions in .mat or .h5 count pixels from 0.
        skeleton: of results in COCO's format; None as scores.json or the annotations say.

    Returns:
        The predictions with their truth, and the run; None for what is not there.

    Raises:
        FileNotFoundError: If a file is missing.
        InputError: If a file is not as expected, or there is nothing to report.
    """
    if not source.exists():
        raise FileNotFoundError(
            f"{source}: not found; expected predictions, or a folder of an evaluation or a training"
        )
    predictions: Path | None = source
    protocol: dict[str, Any] = {}
    folders, scores = [], None
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
                f"{source}: holds neither {' nor '.join(names)} nor a run's config.json; a network without "
                "all of MPII's joints writes no pred.mat"
            )
        return None, run
    coco = predictions.suffix == ".json"
    truth, images = ground_truth, None
    if truth is None and dataset_root is None and "truth" in protocol:
        truth = Path(str(protocol["truth"]))
        images = Path(str(next((protocol[key] for key in _IMAGE_FOLDER if key in protocol), "")))
    truth = truth or _truth(predictions, dataset_root, coco)
    words = {
        name: str(value)
        for name, value in protocol.items()
        if name not in ("truth", *_IMAGE_FOLDER)
    }
    if coco:
        if zero_based:
            raise InputError(
                "--zero_based: COCO's results always count pixels from 0; leave the flag out"
            )
        skeleton = skeleton or SKELETONS.get(words.get("joints", ""))
        return coco_data.read(
            predictions, truth, skeleton=skeleton, images=images, protocol=words
        ), run
    return mpii_data.read(
        predictions, truth, zero_based=zero_based, scores=scores, protocol=words
    ), run


def write(source: Path, path: Path, **where: Any) -> Path:
    """Writes the report on predictions or a run.

    Args:
        source: as for `read`.
        path: of the page.
        where: the other arguments of `read`.

    Returns:
        The path.

    Raises:
        FileNotFoundError: If a file is missing.
        InputError: If a file is not as expected, or there is nothing to report.
    """
    text = page_of(*read(source, **where))
    atomic.write_text(path, text)
    return path


def page_of(data: ReportData | None, run: Run | None) -> str:
    """Returns the report as HTML.

    Raises:
        InputError: If there is nothing to report.
    """
    body = []
    if data is not None:
        written = (
            sections.summary,
            sections.taxonomy,
            sections.displacement,
            sections.thresholds,
            sections.parts,
            sections.scores,
            sections.people,
        )
        body = [section(data) for section in written]
    if run is not None:
        body.append(sections.training(run, data.gained if data else ("Mean", "Mean@0.1", "AP")))
    if not body:
        raise InputError("there is nothing to report: neither predictions nor a run")
    about = "/".join(Path(data.name).parts[-2:]) if data else str(run.source.parent) if run else ""
    return page.document(f"Report on {about}", "姿态估计评估报告", body)


def _protocol(path: Path) -> dict[str, Any]:
    content = read_json(path)
    if not isinstance(content, dict) or not isinstance(content.get("protocol"), dict):
        raise InputError(f"{path}: expected {{protocol, values}} as {command('val')} writes it")
    protocol: dict[str, Any] = content["protocol"]
    return protocol


def _truth(predictions: Path, root: Path | None, coco: bool) -> Path:
    if root is None:
        raise InputError(
            f"{predictions}: name the truth with --dataset_root D or --ground_truth FILE"
        )
    path = root / "annotations" / ("person_keypoints_val2017.json" if coco else mpii_data.TRUTH)
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: not found; {predictions} is scored with it. Name another with --ground_truth FILE"
        )
    return path
