"""Report data from results in COCO's format.

Results are matched with annotated people in the order of their scores, each person at most once. A
result is matched with the free person of its image with the greatest OKS, computed for the result
and for the result with left and right exchanged, if that OKS is at least 0.1.

Source: Ronchi and Perona (ICCV 2017) for the threshold 0.1.
Differs: left and right may be exchanged, so that a completely inverted person is matched, too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from paddle_pose.data.skeleton_file import read_skeleton
from paddle_pose.evaluation.report.report_data import ReportData
from paddle_pose.io import coco_records
from paddle_pose.io.annotated_sizes import AnnotatedSizes
from paddle_pose.io.image_names import located
from paddle_pose.metrics import coco_ap
from paddle_pose.metrics.errors import GOOD, NEAR_KS, MatchedPoses
from paddle_pose.metrics.oks import oks
from paddle_pose.skeletons import COCO_17, Skeleton

MATCHED_OKS = 0.1
"""Lowest OKS of a result and a person who are matched. Source: Ronchi and Perona."""
# At KS .5 the distance of a joint is sqrt(2 ln 2) standard deviations.
_REACH = math.sqrt(-2 * math.log(NEAR_KS))


def read(
    predictions: Path,
    truth: Path,
    *,
    skeleton: Skeleton | None = None,
    images: Path | None = None,
    protocol: Mapping[str, str] = {},
    boxes_from_keypoints: bool = False,
) -> ReportData:
    """Returns the report data of results in COCO's format; scores are used unchanged.

    Args:
        predictions: Path of the results, a JSON list of {image_id, category_id, keypoints, score};
            keypoints are 3K numbers, x and y in image px and the score of each joint.
        truth: Path of the annotation file, such as `person_keypoints_val2017.json`.
        skeleton: Skeleton of the results; None takes that of the annotations, or COCO's if they
            name no joints.
        images: Folder of the images, which need not exist; None takes the folder of the split
            beside the folder of the annotation file, such as val2017.
        protocol: Properties of the evaluation by name, such as {"flip": "True"}; they are shown and
            not checked.
        boxes_from_keypoints: Whether people without an area get that of the box round their
            labelled joints; see `coco_records.examine`.

    Returns:
        Data whose values are percent; lengths (`found.units`) are distances at which KS, the
        keypoint similarity, is .5.

    Raises:
        FileNotFoundError: If the results or the annotation file are missing.
        InputError: If one of these files has another form than expected.
    """
    named, _ = coco_records.read_categories(truth)
    skeleton = skeleton or (read_skeleton(None, truth) if named else COCO_17)
    file = coco_records.read(
        truth, skeleton.joints, files=False, boxes_from_keypoints=boxes_from_keypoints
    )
    sigmas = np.array(skeleton.sigmas)
    ground_truth = coco_ap.GroundTruth(truth, skeleton, boxes_from_keypoints=boxes_from_keypoints)
    results = coco_ap.read_results(predictions, ground_truth, skeleton)
    records, shared = coco_ap.people_who_count(file, skeleton, without_area=boxes_from_keypoints)
    people = [record.as_coco() for record in records if record.num_labelled and not record.crowd]
    points = np.array([record["keypoints"] for record in people], np.float64).reshape(
        -1, len(sigmas), 3
    )
    areas = np.array([record["area"] for record in people], np.float64)
    image_ids = np.array([record["image_id"] for record in people])
    matched = match(results, points, areas, image_ids, skeleton)
    triples = np.array([record["keypoints"] for record in results], np.float64).reshape(
        -1, len(sigmas), 3
    )
    is_matched = (matched >= 0)[:, None]
    found = MatchedPoses(
        skeleton=skeleton,
        predicted=np.where(is_matched[..., None], triples[matched][..., :2], np.nan),
        truth=points[..., :2],
        visible=points[..., 2].astype(np.int64),
        counted=points[..., 2] > 0,
        units=_REACH * 2 * sigmas * np.sqrt(areas)[:, None],
        reach=1.0,
        sizes=np.sqrt(areas),
        image_ids=image_ids,
        scores=np.where(is_matched, triples[matched][..., 2], np.nan),
    )

    def rescore(changed: MatchedPoses, without_unmatched: bool) -> dict[str, float]:
        kept = _records(results, matched, found, changed, without_unmatched)
        return _percent(ground_truth.score(kept)) if kept else dict.fromkeys(coco_ap.NAMES, 0.0)

    folder = images or truth.parent.parent / truth.stem.removeprefix("person_keypoints_")
    paths = {image.id: located(folder, image.file_name) for image in file.images}
    sizes = {paths[image.id]: image.size for image in file.images if np.isfinite(image.size).all()}
    return ReportData(
        name=predictions.name,
        dataset="coco",
        measure="COCO keypoints, percent",
        protocol={
            **protocol,
            "people": str(len(people)),
            "results": str(len(results)),
        },
        found=found,
        values=_percent(ground_truth.score(results)),
        intervals=_percents(ground_truth.intervals(results)),
        remarks={
            "AP": "mean over OKS 0.50:0.05:0.95",
            "AR": "at most 20 people per image",
        },
        gained=("AP", "AP50", "AP75"),
        rescore=rescore,
        unit="the distance at which KS is .5",
        fine=GOOD,
        size="the square root of the segment's area",
        images=[paths[image_id] for image_id in image_ids],
        upright_rule=AnnotatedSizes(sizes, truth),
        person_ids=[int(record["id"]) for record in people],
        files={"predictions": predictions, "ground truth": truth},
        unmatched=len(results) - int((matched >= 0).sum()),
        notes=(
            "Results are evaluated unchanged: no rescoring, no NMS.",
            "A prediction matches the person of its image with the greatest OKS, if that is at least "
            f"{MATCHED_OKS} and no prediction of a higher score has that person.",
            *([f"Cross-evaluation: {shared}."] if shared else []),
        ),
    )


def match(
    results: list[dict[str, Any]],
    points: np.ndarray,
    areas: np.ndarray,
    image_ids: np.ndarray,
    skeleton: Skeleton,
) -> np.ndarray:
    """Returns the index of the result that is matched with each person, [N]; -1 for none.

    The rule is stated at the beginning of this module.

    Args:
        results: Results in COCO's format: dicts with "image_id", "score" and "keypoints" (3K
            numbers x, y in image px and score).
        points: Annotated keypoints of the people, [N, K, 3]: x, y in image px, and COCO's
            visibility, 0 for joints that do not count.
        areas: Areas of the people's segments in px^2, [N].
        image_ids: Ids of the people's images, [N].
        skeleton: Skeleton of K joints, with the sigmas of OKS.
    """
    matched = np.full(len(points), -1)
    people: dict[int, list[int]] = {}
    for n, image_id in enumerate(image_ids):
        people.setdefault(int(image_id), []).append(n)
    for r in sorted(range(len(results)), key=lambda r: -results[r]["score"]):
        free = [n for n in people.get(results[r]["image_id"], []) if matched[n] < 0]
        if not free:
            continue
        pose = np.array(results[r]["keypoints"], np.float64).reshape(-1, 3)[:, :2]
        both = np.stack([pose, pose[list(skeleton.flip)]])
        similarities = [
            oks(both, points[n, :, :2], areas[n], skeleton.sigmas, points[n, :, 2] > 0).max()
            for n in free
        ]
        if max(similarities) >= MATCHED_OKS:
            matched[free[int(np.argmax(similarities))]] = r
    return matched


def _records(
    results: list[dict[str, Any]],
    matched: np.ndarray,
    found: MatchedPoses,
    changed: MatchedPoses,
    without_unmatched: bool,
) -> list[dict[str, Any]]:
    """Returns the results with corrected joints, in COCO's format.

    A person without a result gets a new one, with the median score of all results.

    Args:
        results: Original results.
        matched: Index of each person's result, [N]; -1 for none.
        found: People with their predictions.
        changed: People of `found` with corrected joints.
        without_unmatched: Whether results that are matched with no person are left out.
    """
    kept = set(matched.tolist()) if without_unmatched else set(range(len(results)))
    records = {r: dict(results[r]) for r in sorted(kept - {-1})}
    differs = (changed.predicted != found.predicted).any(axis=-1) & np.isfinite(
        changed.predicted
    ).all(axis=-1)
    common = {
        "category_id": results[0]["category_id"],
        "score": float(np.median([r["score"] for r in results])),
    }
    for n in np.flatnonzero(differs.any(axis=1)):
        index = int(matched[n]) if matched[n] >= 0 else len(results) + int(n)
        new = {
            "image_id": int(found.image_ids[n]),
            "keypoints": [0.0] * differs.shape[1] * 3,
            **common,
        }
        record = records.get(index, new)
        triples = np.array(record["keypoints"], np.float64).reshape(-1, 3)
        triples[differs[n], :2] = changed.predicted[n, differs[n]]
        records[index] = {**record, "keypoints": triples.ravel().tolist()}
    return list(records.values())


def _percent(values: Mapping[str, float]) -> dict[str, float]:
    """Returns fractions as percentages, by name."""
    return {name: 100 * value for name, value in values.items()}


def _percents(values: Mapping[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
    """Returns intervals of fractions as percentages, by name."""
    return {name: (100 * low, 100 * high) for name, (low, high) in values.items()}
