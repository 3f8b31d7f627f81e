"""Measures the box AP of a person detector: `person_boxes.py DETECTOR.onnx DATASET_ROOT`.

COCO's protocol for one category: AP over IoU .5 to .95, at most 100 boxes in an image, crowd
regions ignored; people without keypoints count.
"""

import argparse
import contextlib
import io
import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from paddle_pose.data.coco import SPLITS, annotation_file
from paddle_pose.inference.detection.base import Detections, Detector
from paddle_pose.inference.detection.open import open_detector
from paddle_pose.inference.detection.recognize import DETECTOR_FORMATS
from paddle_pose.io import images
from paddle_pose.metrics.resampling import bootstrap

PERSON = 1  # COCO's category
MAX_BOXES = 100
# Of keypoints, "AR100" counts at most 20 people in an image.
NAMES = ("AP", "AP50", "AP75", "AR100")


def evaluate_records(
    annotations: Path,
    records: Sequence[Mapping[str, object]],
    image_ids: Sequence[int],
    kind: Literal["bbox", "keypoints"],
) -> COCOeval:
    """Returns pycocotools' evaluation of people of all sizes for each image, for `scores`.

    Args:
        annotations: Annotation file in COCO's format.
        records: Results in COCO's format.
        image_ids: Ids of the images that were evaluated.
        kind: Compared quantity, boxes or keypoints.
    """
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools prints
        truth = COCO(str(annotations))
        # `loadRes` does not accept an empty list.
        detected = truth.loadRes([dict(record) for record in records]) if records else COCO()
        evaluation = COCOeval(truth, detected, kind)
        evaluation.params.catIds = [PERSON]
        evaluation.params.imgIds = sorted(image_ids)
        if kind == "bbox":
            evaluation.params.maxDets = [MAX_BOXES]
        evaluation.params.areaRng = evaluation.params.areaRng[:1]
        evaluation.params.areaRngLbl = ["all"]
        evaluation.evaluate()
    return evaluation


def box_ap(annotations: Path, found: Mapping[int, Detections]) -> COCOeval:
    """Returns pycocotools' evaluation of people's boxes on the images in `found`, for `scores`.

    Args:
        annotations: Annotation file in COCO's format.
        found: Detected people by image id.
    """
    records = [
        {"image_id": image_id, "category_id": PERSON, "bbox": box.tolist(), "score": float(score)}
        for image_id, detections in found.items()
        for box, score in zip(detections.boxes, detections.scores)
    ]
    return evaluate_records(annotations, records, list(found), "bbox")


def scores(evaluation: COCOeval, counts: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Returns the results of B resampled data sets.

    Args:
        evaluation: Evaluation as returned by `evaluate_records`; unchanged afterwards.
        counts: [B, images], how often each resampled data set contains each image, in the order of
            the image ids; None for the data set itself (B = 1).

    Returns:
        Arrays [B] by the names in `NAMES`.
    """
    per_image, image_ids = evaluation.evalImgs, evaluation.params.imgIds
    rows = []
    for row in np.ones((1, len(image_ids))) if counts is None else counts:
        chosen = np.repeat(np.arange(len(image_ids)), row.astype(int))
        evaluation.evalImgs = [per_image[n] for n in chosen]
        evaluation.params.imgIds = list(range(len(chosen)))
        evaluation._paramsEval = evaluation.params
        with contextlib.redirect_stdout(io.StringIO()):
            evaluation.accumulate(evaluation.params)
        precision = evaluation.eval["precision"][:, :, 0, 0, 0]  # [IoU, recall]
        recall = evaluation.eval["recall"][:, 0, 0, 0]  # [IoU]
        rows.append([precision.mean(), precision[0].mean(), precision[5].mean(), recall.mean()])
    evaluation.evalImgs, evaluation.params.imgIds = per_image, image_ids
    return {name: np.array(values) for name, values in zip(NAMES, zip(*rows))}


def evaluate_detector(
    detector: Detector, root: Path, split: str = "val", resamples: int = 0
) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
    """Returns the box AP of a detector on a data set.

    Args:
        detector: Person detector.
        root: Folder in COCO's layout.
        split: "train" or "val".
        resamples: Number of resampled data sets for the intervals; 0 for no intervals.

    Returns:
        Values by the names in `NAMES`, and their 95 % intervals; no intervals with `resamples=0`.
    """
    annotations = annotation_file(root, split)
    with contextlib.redirect_stdout(io.StringIO()):
        records = COCO(str(annotations)).imgs.values()
    folder = Path(root) / f"{split}2017"
    found = {
        record["id"]: detector(images.read(folder / record["file_name"])[0]) for record in records
    }
    return values_and_intervals(box_ap(annotations, found), resamples)


def values_and_intervals(
    evaluation: COCOeval, resamples: int
) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
    """Returns the results of an evaluation.

    Args:
        evaluation: Evaluation as returned by `evaluate_records`.
        resamples: Number of resampled data sets for the intervals, drawn with the seed of
            `bootstrap`; 0 for no intervals.

    Returns:
        Values by the names in `NAMES`, and their 95 % intervals; no intervals with `resamples=0`.
    """
    values = {name: float(value[0]) for name, value in scores(evaluation).items()}
    images = len(evaluation.params.imgIds)
    intervals = (
        bootstrap(lambda counts: scores(evaluation, counts), images, resamples) if resamples else {}
    )
    return values, intervals


def build_parser() -> argparse.ArgumentParser:
    """Returns the parser of the flags."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("detector", type=Path, help="ONNX file of a person detector")
    parser.add_argument("dataset_root", type=Path, help="folder in COCO's layout")
    parser.add_argument("--split", choices=SPLITS, default="val", help="default: val")
    parser.add_argument(
        "--detector_format",
        choices=DETECTOR_FORMATS,
        help="format of the detector's outputs (default: recognised from the file)",
    )
    parser.add_argument(
        "--min_score",
        type=float,
        default=0.05,
        help="score that a box must exceed (default: 0.05)",
    )
    parser.add_argument(
        "--resamples",
        type=int,
        default=1000,
        help="resampled data sets for the intervals (default: 1000)",
    )
    return parser


def main() -> None:
    """Prints the results with their intervals."""
    arguments = build_parser().parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    detector = open_detector(
        arguments.detector,
        format=arguments.detector_format,
        min_score=arguments.min_score,
        max_people=MAX_BOXES,
    )
    values, intervals = evaluate_detector(
        detector, arguments.dataset_root, arguments.split, arguments.resamples
    )
    for name in NAMES:
        interval = "  [{:.3f}, {:.3f}]".format(*intervals[name]) if intervals else ""
        print(f"{name:<6} {values[name]:.3f}{interval}")


if __name__ == "__main__":
    main()
