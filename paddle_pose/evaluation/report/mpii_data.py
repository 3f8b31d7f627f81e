"""Report data from predictions for MPII's validation set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from paddle_pose.data.mpii import read_ground_truth, read_mpii
from paddle_pose.environment import command
from paddle_pose.errors import InputError
from paddle_pose.evaluation.report.report_data import ReportData
from paddle_pose.io.json_files import read_json
from paddle_pose.io.mpii_predictions import read_predictions
from paddle_pose.metrics import pckh
from paddle_pose.metrics.errors import MatchedPoses
from paddle_pose.skeletons import MPII_16

TRUTH = "mpii_gt_val.mat"


def read(
    predictions: Path,
    truth: Path,
    *,
    zero_based: bool = False,
    scores: Path | None = None,
    protocol: Mapping[str, str] = {},
) -> ReportData:
    """Returns the report data of predictions for MPII's validation set, with their PCKh.

    Args:
        predictions: Path of a .mat or .h5 file with `preds`, [N, 16, 2] (x, y) in image px, one
            pose for each of the N people in the order of `truth`.
        truth: Path of `mpii_gt_val.mat`. If the file is in the folder `annotations` of a data set,
            mpii_val.json beside it states which people are in the same image.
        zero_based: Whether the pixels of the predictions are counted from 0, not from 1.
        scores: Path of the `predictions.json` of the same predictions, which has the scores of the
            joints; None for none.
        protocol: Properties of the evaluation by name, such as {"flip": "True"}; they are shown and
            not checked.

    Returns:
        Data whose values are percent, and lengths (`found.units`) head sizes.

    Raises:
        FileNotFoundError: If a file is missing.
        InputError: If a file has another form than expected, or `scores` belongs to other
            predictions.
        MissingDependencyError: If SciPy or h5py is not installed.
    """
    root = truth.parent.parent
    listed = (
        truth.name == TRUTH
        and truth.parent.name == "annotations"
        and (truth.parent / "mpii_val.json").is_file()
    )
    known = read_ground_truth(truth)
    people = len(known.head_sizes)
    image_ids = np.arange(people)
    images = []
    if listed:
        persons = sorted(
            (
                (person.annotation_id, image)
                for image in read_mpii(root, "val")
                for person in image.persons
            ),
            key=lambda pair: pair[0],
        )
        image_ids = np.array([image.image_id for _, image in persons])
        images = [image.path for _, image in persons]
    preds = read_predictions(predictions, people) - (0.0 if zero_based else 1.0)
    counted = known.labelled & np.isin(np.arange(MPII_16.num_joints), pckh.counted(MPII_16))
    found = MatchedPoses(
        skeleton=MPII_16,
        predicted=preds,
        truth=known.keypoints,
        visible=known.labelled.astype(np.int64),
        counted=counted,
        units=np.broadcast_to(known.head_sizes[:, None], counted.shape),
        reach=0.5,
        sizes=known.head_sizes,
        image_ids=image_ids,
        scores=None if scores is None else _scores(scores, preds),
    )
    errors = pckh.normalized_errors(preds, known.keypoints, known.head_sizes)
    notes = ["MPII's validation files do not state which labelled joints are occluded."]
    notes.append(
        "Swaps are found only between people of the validation set, which does not contain all "
        "people of its images."
        if listed
        else "Without mpii_val.json beside the ground truth it is unknown which people are in the "
        "same image: swaps count as misses."
    )
    return ReportData(
        name=predictions.name,
        dataset="mpii",
        measure="PCKh, percent",
        protocol={
            **protocol,
            "people": str(people),
            "pixels count from": "0" if zero_based else "1",
        },
        found=found,
        values={name: float(value) for name, value in pckh.pckh(errors, known.labelled).items()},
        intervals=pckh.bootstrap(errors, known.labelled),
        remarks={
            "Mean": "threshold 0.5, 14 joints weighted by the number of their labels",
            "Plain mean": "threshold 0.5, 14 joints weighted equally",
            "Mean@0.1": "threshold 0.10 (mmpose, txyugood's project)",
            "Mean@0.11": "threshold 0.11 (@0.1 in HRNet, SimpleBaseline and PaddleDetection)",
        },
        gained=("Mean", "Mean@0.1"),
        rescore=_rescore,
        unit="head size (0.6 x the head box's diagonal)",
        fine=0.1,
        size="the head size",
        images=images,
        person_ids=range(people),
        files={"predictions": predictions, "ground truth": truth},
        notes=tuple(notes),
    )


def _rescore(found: MatchedPoses, without_unmatched: bool) -> dict[str, float]:
    """Returns the PCKh of people with corrected joints; every prediction of MPII has a person."""
    distances = replace(found, counted=found.visible > 0).distances
    return {name: float(value) for name, value in pckh.pckh(distances, found.visible > 0).items()}


def _scores(path: Path, preds: np.ndarray) -> np.ndarray:
    """Returns the scores of `predictions.json`, [N, 16].

    Args:
        path: Path of the file.
        preds: Predictions in 0-based image px, [N, 16, 2], which the file must contain.

    Raises:
        InputError: If the file has another form, or contains other predictions.
    """
    content = read_json(path)
    try:
        records = content["predictions"]
        points = np.array([record["keypoints"] for record in records], np.float64)
        scores = np.array([record["scores"] for record in records], np.float64)
    except (KeyError, TypeError, ValueError) as problem:
        raise InputError(
            f"{path}: not a predictions.json as {command('val')} writes it ({problem})"
        ) from problem
    if (
        points.shape != preds.shape
        or scores.shape != preds.shape[:2]
        or np.abs(points - preds).max(initial=0) > 0.01
    ):
        raise InputError(
            f"{path}: contains other predictions than the .mat file beside it; run "
            f"{command('val')} with an --output folder of its own"
        )
    return scores
