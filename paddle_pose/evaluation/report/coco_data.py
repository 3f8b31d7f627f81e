"""COCO's results as a report's subject.

A result belongs to the person of its image with whom its OKS, as it is or with left and right exchanged, is largest and at
least 0.1, better scores first, each person once; the others match nobody.

Source: Ronchi and Perona (ICCV 2017) for the threshold 0.1.
Differs: left and right may be exchanged, so that somebody inverted from head to foot is found.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from paddle_pose.data.skeleton_file import read_skeleton
from paddle_pose.evaluation.report.report_data import ReportData
from paddle_pose.io import coco_json
from paddle_pose.metrics import coco_ap
from paddle_pose.metrics.errors import GOOD, NEAR_KS, MatchedPoses
from paddle_pose.metrics.oks import oks
from paddle_pose.skeletons import COCO_17, Skeleton

MATCHED_OKS = 0.1
# At KS .5 a joint is sqrt(2 ln 2) standard deviations away.
_REACH = math.sqrt(-2 * math.log(NEAR_KS))


def read(
    predictions: Path,
    truth: Path,
    *,
    skeleton: Skeleton | None = None,
    images: Path | None = None,
    protocol: Mapping[str, str] = {},
) -> ReportData:
    """Reads results in COCO's format and scores them as they are.

    Args:
        predictions: a JSON list of {image_id, category_id, keypoints, score}.
        truth: an annotation file, e.g. `person_keypoints_val2017.json`.
        skeleton: of the results; None takes that of the annotations, COCO's where they name no joints.
        images: their folder; None looks for it beside `annotations`, as COCO's layout has it.
        protocol: what the predictions were made with.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a file is not as expected.
    """
    content, _ = coco_json.read(truth)
    named = coco_json.joint_names(content, str(truth))
    skeleton = skeleton or (read_skeleton(None, truth) if named else COCO_17)
    sigmas = np.array(skeleton.sigmas)
    ground_truth = coco_ap.GroundTruth(content, skeleton)
    results = coco_ap.read_results(predictions, ground_truth, skeleton)
    records, shared = coco_json.in_skeleton(content, str(truth), skeleton)
    people = [
        record
        for record in records
        if not record.get("iscrowd") and any(v > 0 for v in record["keypoints"][2::3])
    ]
    points = np.array([record["keypoints"] for record in people], np.float64).reshape(
        -1, len(sigmas), 3
    )
    areas = np.array([record["area"] for record in people], np.float64)
    image_ids = np.array([record["image_id"] for record in people])
    matched = match(results, points, areas, image_ids, skeleton)
    triples = np.array([record["keypoints"] for record in results], np.float64).reshape(
        -1, len(sigmas), 3
    )
    there = (matched >= 0)[:, None]
    found = MatchedPoses(
        skeleton=skeleton,
        predicted=np.where(there[..., None], triples[matched][..., :2], np.nan),
        truth=points[..., :2],
        visible=points[..., 2].astype(np.int64),
        counted=points[..., 2] > 0,
        units=_REACH * 2 * sigmas * np.sqrt(areas)[:, None],
        reach=1.0,
        sizes=np.sqrt(areas),
        image_ids=image_ids,
        scores=np.where(there, triples[matched][..., 2], np.nan),
    )

    def rescore(changed: MatchedPoses, without_unmatched: bool) -> dict[str, float]:
        kept = _records(results, matched, found, changed, without_unmatched)
        return _percent(ground_truth.score(kept)) if kept else dict.fromkeys(coco_ap.NAMES, 0.0)

    folder = images or truth.parent.parent / truth.stem.removeprefix("person_keypoints_")
    names = {image["id"]: str(image.get("file_name", "")) for image in content["images"]}
    return ReportData(
        name=str(predictions),
        measure="COCO keypoints, percent",
        protocol={
            **protocol,
            "truth": str(truth),
            "people": str(len(people)),
            "results": str(len(results)),
        },
        found=found,
        values=_percent(ground_truth.score(results)),
        intervals={},
        remarks={
            "AP": "OKS 0.50:0.05:0.95; AP has no interval here",
            "AR": "at most 20 people per image",
        },
        gained=("AP", "AP50", "AP75"),
        rescore=rescore,
        unit="the distance at which KS is .5",
        fine=GOOD,
        size="square root of the segment's area",
        images=[folder / names[image_id] for image_id in image_ids],
        unmatched=len(results) - int((matched >= 0).sum()),
        notes=(
            "Results are scored as they are: no rescoring, no NMS.",
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
    """Returns [N] which result found each person, -1 where none did.

    Args:
        results: in COCO's format.
        points: [N, K, 3] x, y, v of the people.
        areas: [N] px^2.
        image_ids: [N].
        skeleton: of K joints.
    """
    matched = np.full(len(points), -1)
    here: dict[int, list[int]] = {}
    for n, image_id in enumerate(image_ids):
        here.setdefault(int(image_id), []).append(n)
    for r in sorted(range(len(results)), key=lambda r: -results[r]["score"]):
        free = [n for n in here.get(results[r]["image_id"], []) if matched[n] < 0]
        if not free:
            continue
        pose = np.array(results[r]["keypoints"], np.float64).reshape(-1, 3)[:, :2]
        either = np.stack([pose, pose[list(skeleton.flip)]])
        alike = [
            oks(either, points[n, :, :2], areas[n], skeleton.sigmas, points[n, :, 2] > 0).max()
            for n in free
        ]
        if max(alike) >= MATCHED_OKS:
            matched[free[int(np.argmax(alike))]] = r
    return matched


def _records(
    results: list[dict[str, Any]],
    matched: np.ndarray,
    found: MatchedPoses,
    changed: MatchedPoses,
    without_unmatched: bool,
) -> list[dict[str, Any]]:
    """Returns results with the changed joints in them; people who were unfound get one, with the median score."""
    kept = set(matched.tolist()) if without_unmatched else set(range(len(results)))
    records = {r: dict(results[r]) for r in sorted(kept - {-1})}
    differs = (changed.predicted != found.predicted).any(axis=-1) & np.isfinite(
        changed.predicted
    ).all(axis=-1)
    usual = {
        "category_id": results[0]["category_id"],
        "score": float(np.median([r["score"] for r in results])),
    }
    for n in np.flatnonzero(differs.any(axis=1)):
        place = int(matched[n]) if matched[n] >= 0 else len(results) + int(n)
        new = {
            "image_id": int(found.image_ids[n]),
            "keypoints": [0.0] * differs.shape[1] * 3,
            **usual,
        }
        record = records.get(place, new)
        triples = np.array(record["keypoints"], np.float64).reshape(-1, 3)
        triples[differs[n], :2] = changed.predicted[n, differs[n]]
        records[place] = {**record, "keypoints": triples.ravel().tolist()}
    return list(records.values())


def _percent(values: Mapping[str, float]) -> dict[str, float]:
    return {name: 100 * value for name, value in values.items()}
