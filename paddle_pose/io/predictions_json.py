"""`predictions.json`: the keypoints of one person per sample, as readable as the annotations."""

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
    """Writes {"joints", "space", "predictions": [{"image", "annotation_id", "keypoints", "scores"}]}.

    Args:
        path: Path of the file.
        joints: Names of the K joints.
        predictions: Samples of one person beside crowd regions, with keypoints [K, 2] in image px and scores [K].
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
        "space": "pixels of the stored image file, 0-based, (x, y)",
        "predictions": records,
    }
    atomic.write_text(path, json.dumps(document))
