"""Writes `predictions.json`, the predicted keypoints of one person per sample."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from paddle_pose.io import atomic
from paddle_pose.structures import Sample


def write(
    path: Path, joints: Sequence[str], predictions: Iterable[tuple[Sample, np.ndarray, np.ndarray]]
) -> None:
    """Writes predictions as a JSON file.

    The file contains {"joints", "space", "predictions": [{"image", "annotation_id", "keypoints",
    "scores"}, ...]}.

    Args:
        path: Path of the file; an existing file is replaced.
        joints: Names of the K joints, in the order of the keypoints.
        predictions: One triple per sample: the sample, with one annotated person apart from crowd
            regions; its keypoints, [K, 2] (x, y) in image px; and their scores, [K].
    """
    records = [
        {
            "image": sample.image_path.name,
            "annotation_id": next(
                person.annotation_id for person in sample.persons if not person.crowd
            ),
            "keypoints": np.round(keypoints, 3).tolist(),
            "scores": np.round(scores, 5).tolist(),
        }
        for sample, keypoints, scores in predictions
    ]
    document = {
        "joints": list(joints),
        "space": "pixels of the image as its annotations measure it, 0-based, (x, y)",
        "predictions": records,
    }
    atomic.write_text(path, json.dumps(document))
