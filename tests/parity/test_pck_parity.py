"""PCK and fire717's accuracy against literal implementations, joint by joint, on real people."""

import numpy as np
import pytest
from parity import reference

from paddle_pose.data.coco import read_coco
from paddle_pose.geometry import Window
from paddle_pose.metrics.fire717_accuracy import Fire717Accuracy
from paddle_pose.metrics.pck import PCK
from paddle_pose.skeletons import COCO_17
from paddle_pose.structures import Poses, Sample


@pytest.fixture(scope="module")
def predicted(shared):
    """Returns (sample, predicted joints, scores) of real people, with small and large errors."""
    rng = np.random.default_rng(0)
    found = []
    for image in read_coco(shared / "data" / "coco_mini", "val"):
        for person in image.persons:
            if person.crowd:
                continue
            x, y, width, height = person.box
            side = width + height
            sample = Sample(
                image.image_id,
                image.path,
                Window((x + width / 2, y + height / 2), (side, side)),
                (person,),
            )
            noise = rng.normal(0, rng.choice([0.02, 0.1]) * side, (17, 2))
            inside = np.clip(person.keypoints + noise, (x, y), (x + width, y + height))
            found.append((sample, inside, rng.uniform(0, 0.4, 17)))
    return found


def test_pck_equals_the_literal_implementation(predicted):
    predictions = [
        (sample, Poses(points[None], scores[None], np.ones(1)))
        for sample, points, scores in predicted
    ]
    people = [sample.persons[0] for sample, *_ in predicted]
    joints, mean = reference.pck(
        [points for _, points, _ in predicted],
        [p.keypoints for p in people],
        [p.visible for p in people],
        0.2,
    )
    computed = PCK().compute_scores(predictions)
    values = computed.values
    assert values["Mean"] == pytest.approx(mean, rel=1e-12)
    assert values["Nose"] == pytest.approx(joints[COCO_17.joints.index("nose")], rel=1e-12)
    assert 20 < mean < 90
    left_out = sum(not (p.visible[5] and p.visible[12]) for p in people)
    assert 0 < left_out < len(people)
    assert (
        f"{len(people) - left_out} people ({left_out} without a labelled torso left out)"
        in computed.table
    )


def test_fire717_accuracy_equals_the_literal_implementation(predicted):
    truth, predictions = [], []
    for sample, points, _ in predicted:
        corner = np.array(sample.window.center) - np.array(sample.window.size) / 2
        predictions.append((points - corner) / sample.window.size)
        truth.append((sample.persons[0].keypoints - corner) / sample.window.size)
    visible = [sample.persons[0].visible for sample, *_ in predicted]
    expected = reference.movenet_accuracy(
        predictions, [scores for *_, scores in predicted], truth, visible
    )
    found = [
        (sample, Poses(points[None], scores[None], np.ones(1)))
        for sample, points, scores in predicted
    ]
    values = Fire717Accuracy(COCO_17).compute_scores(found, intervals=False).values
    assert values["acc"] == pytest.approx(expected, rel=1e-12)
    assert 0.2 < expected < 0.9
