"""COCO's AP is that of pycocotools, whatever the annotations and the results are."""

import contextlib
import io
import json

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from paddle_pose.metrics.coco_ap import NAMES, GroundTruth
from paddle_pose.skeletons import COCO_17, Skeleton

FIVE = Skeleton(
    "five",
    ("head", "left_hand", "right_hand", "left_foot", "right_foot"),
    (("left_hand", "right_hand"), ("left_foot", "right_foot")),
    (),
    (0.03, 0.06, 0.06, 0.09, 0.09),
    (1,) * 5,
)


def of_pycocotools(content, results, skeleton):
    """Returns the ten numbers by name as pycocotools computes them; NaN for its -1."""
    labelled = {
        record["category_id"]
        for record in content["annotations"]
        if record["num_keypoints"] and not record["iscrowd"]
    }
    truth = COCO()
    # Numbered from 1: pycocotools takes a match with id 0 for no match.
    people = [{**record, "id": n} for n, record in enumerate(content["annotations"], 1)]
    truth.dataset = {**content, "annotations": people}
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes([dict(r) for r in results]), "keypoints")
        evaluation.params.kpt_oks_sigmas = np.array(skeleton.sigmas)
        evaluation.params.catIds = sorted(labelled)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return {
        name: value if value >= 0 else np.nan
        for name, value in zip(NAMES, evaluation.stats, strict=True)
    }


def random_data(seed):
    """Returns annotations and results with everything that decides about a match.

    People of all sizes and of one or three categories, also above each other, regions with many
    people, people without labelled joints, images without people or without results, more than 20
    results of an image, equal scores, and results and people that occur twice.
    """
    rng = np.random.default_rng(seed)
    kinds = [[1], [2, 5, 9]][seed % 2]
    images = rng.permutation(1000)[:30]
    annotations, results = [], []
    for image_id in map(int, images):
        side = float(rng.choice([20, 60, 200, 500]))
        for _ in range(rng.choice([0, 1, 3, 8])):
            if annotations and rng.random() < 0.15:  # the same person twice: equal OKS
                record = {**annotations[-1], "image_id": image_id}
            else:
                points = rng.uniform(0, side, (5, 2)) + rng.integers(0, 2, 2) * side / 4
                flags = rng.choice([0, 1, 2], 5, p=[0.3, 0.2, 0.5]) * (rng.random() > 0.15)
                record = {
                    "image_id": image_id,
                    "category_id": int(rng.choice(kinds)),
                    "iscrowd": int(rng.random() < 0.15),
                    "area": float(np.ptp(points, axis=0).prod() * rng.uniform(0.3, 1.5)),
                    "bbox": [*points.min(axis=0).tolist(), *np.ptp(points, axis=0).tolist()],
                    "num_keypoints": int((flags > 0).sum()),
                    "keypoints": np.column_stack([points, flags]).ravel().tolist(),
                }
            annotations.append({**record, "id": len(annotations)})
        own = [record for record in annotations if record["image_id"] == image_id]
        for _ in range(rng.choice([0, 2, 10, 40])):
            points = rng.uniform(0, side, (5, 2))
            if own and rng.random() < 0.8:
                near = own[rng.integers(len(own))]["keypoints"]
                noise = rng.choice([0, 0.01, 0.03, 0.1]) * side
                points = np.reshape(near, (5, 3))[:, :2] + rng.normal(0, 1, (5, 2)) * noise
            results.append(
                {
                    "image_id": image_id,
                    "category_id": int(rng.choice([*kinds, 77])),
                    "keypoints": np.column_stack([points, np.ones(5)]).ravel().tolist(),
                    "score": float(rng.choice([rng.random(), 0.5, 0.25])),
                }
            )
    content = {
        "images": [{"id": int(image_id)} for image_id in images],
        "annotations": annotations,
        "categories": [{"id": kind, "keypoints": list(FIVE.joints)} for kind in kinds],
    }
    return content, [results[n] for n in rng.permutation(len(results))]


@pytest.mark.parametrize("seed", range(40))
def test_the_numbers_are_those_of_pycocotools(seed):
    content, results = random_data(seed)
    values = GroundTruth(content, FIVE).score(results)
    assert values == pytest.approx(of_pycocotools(content, results, FIVE), abs=1e-13, nan_ok=True)
    assert 0 < values["AP"] < 1


@pytest.mark.parametrize(
    ("folder", "split"), [("coco4", "val"), ("coco_mini", "val"), ("coco_mini", "train")]
)
def test_on_real_people_the_numbers_are_those_of_pycocotools(shared, folder, split):
    path = shared / "data" / folder / "annotations" / f"person_keypoints_{split}2017.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    rng = np.random.default_rng(0)
    results = []
    for record in content["annotations"]:
        points = np.array(record["keypoints"], float).reshape(-1, 3)
        for noise in (0.0, 0.03, 0.1)[: rng.integers(0, 4)]:
            points[:, :2] += rng.normal(0, noise * record["area"] ** 0.5, (17, 2))
            results.append(
                {
                    "image_id": record["image_id"],
                    "category_id": 1,
                    "keypoints": points.ravel().tolist(),
                    "score": round(float(rng.random()), 1),
                }
            )
    values = GroundTruth(path, COCO_17).score(results)
    expected = of_pycocotools(content, results, COCO_17)
    assert values == pytest.approx(expected, abs=1e-13, nan_ok=True)
    assert 0.02 < values["AP"] < 0.98
