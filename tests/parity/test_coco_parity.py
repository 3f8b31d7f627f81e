"""AP against a literal float64 implementation on real annotations; one data set in two layouts."""

import json

import numpy as np
import pytest
from parity import reference

from paddle_pose.data.coco import read_coco
from paddle_pose.data.framing import one_per_person
from paddle_pose.data.mpii import read_mpii
from paddle_pose.metrics.coco_ap import NAMES, CocoAP, score_results
from paddle_pose.skeletons import COCO_17, MPII_16
from paddle_pose.structures import Poses


def truth_of(shared, folder, split="val"):
    path = shared / "data" / folder / "annotations" / f"person_keypoints_{split}2017.json"
    return path, json.loads(path.read_text(encoding="utf-8"))


def perturbed(content, rng):
    """Returns predictions for all people, with noise, misses, duplicates and wrong positions."""
    results = []
    for annotation in content["annotations"]:
        points = np.array(annotation["keypoints"], float).reshape(-1, 3)
        left, top, width, height = annotation["bbox"]
        unrelated = rng.uniform((left, top), (left + width, top + height), (len(points), 2))
        near = points[:, :2] + rng.normal(
            0, rng.choice([0.0, 0.02, 0.08]) * annotation["area"] ** 0.5, (17, 2)
        )
        for keypoints in (near if annotation["num_keypoints"] else unrelated, unrelated)[
            : rng.integers(0, 3)
        ]:
            results.append(
                {
                    "image_id": annotation["image_id"],
                    "category_id": 1,
                    "keypoints": np.column_stack([keypoints, np.ones(17)]).ravel().tolist(),
                    "score": float(rng.random()),
                }
            )
    return results


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(
    ("folder", "split"), [("coco4", "val"), ("coco_mini", "val"), ("coco_mini", "train")]
)
def test_coco_ap_equals_the_literal_implementation(shared, tmp_path, folder, split, seed):
    path, content = truth_of(shared, folder, split)
    results = perturbed(content, np.random.default_rng(seed))
    (tmp_path / "results.json").write_text(json.dumps(results), encoding="utf-8")
    values = score_results(tmp_path / "results.json", path, COCO_17).values
    expected = reference.average_precision(content, results, COCO_17.sigmas)
    assert 0.02 < expected["AP"] < 0.98
    assert values == pytest.approx(
        {name: float(expected[name]) for name in NAMES}, abs=1e-9, nan_ok=True
    )


@pytest.mark.parametrize("folder", ["coco4", "coco_mini"])
def test_ground_truth_has_ap_one(shared, folder):
    path, _ = truth_of(shared, folder)
    predictions = [
        (sample, Poses(sample.persons[0].keypoints[None], np.ones((1, 17)), np.ones(1)))
        for sample in one_per_person(read_coco(shared / "data" / folder, "val"), (192, 256))
    ]
    scores = CocoAP(path, COCO_17).compute_scores(predictions)
    assert scores.values == pytest.approx(dict.fromkeys(NAMES, 1.0))
    assert "ground-truth boxes" in scores.table


def test_mpii_and_coco_layouts_give_the_same_keypoints(shared, tmp_path):
    """Source: test data with 1-based MPII annotations and 0-based COCO annotations."""
    folder = shared / "data" / "lspet"
    (tmp_path / "annotations").mkdir()
    (tmp_path / "val2017").symlink_to(folder / "images")
    annotations = folder / "annotations" / "person_keypoints_val.json"
    (tmp_path / "annotations" / "person_keypoints_val2017.json").symlink_to(annotations)
    both = [name for name in COCO_17.joints if name in MPII_16.joints]
    assert len(both) == 12
    slots = [[skeleton.joints.index(name) for name in both] for skeleton in (MPII_16, COCO_17)]
    as_mpii = {image.path.name: image.persons[0] for image in read_mpii(folder, "val")}
    as_coco = {image.path.name: image.persons[0] for image in read_coco(tmp_path, "val")}
    assert len(as_mpii) == 200
    assert as_mpii.keys() == as_coco.keys()
    for name, person in as_mpii.items():
        a, b = person.visible[slots[0]] > 0, as_coco[name].visible[slots[1]] > 0
        assert a.tolist() == b.tolist(), name
        differences = np.abs(person.keypoints[slots[0]] - as_coco[name].keypoints[slots[1]])[a]
        assert differences.max() < 0.02, name
