"""pycocotools' side of the benchmarks: its keypoint AP, called as in its demonstration."""

import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import synthetic_results
from protocol import serve
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval


def coco_ap(people: str) -> Callable[[], dict[str, np.ndarray]]:
    """Prepares COCO AP of synthetic people: indexing, matching, summary.

    Args:
        people: Number of people.
    """
    content, results = synthetic_results.coco(int(people))

    def run() -> dict[str, np.ndarray]:
        truth = COCO()
        truth.dataset = content
        truth.createIndex()
        evaluation = COCOeval(
            truth, truth.loadRes([dict(record) for record in results]), "keypoints"
        )
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
        return {"stats": evaluation.stats}

    return run


if __name__ == "__main__":
    serve({"coco_ap": coco_ap})
