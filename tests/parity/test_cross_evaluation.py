"""Ground truth of one skeleton has a perfect score with the metric of the other skeleton.

A joint that is moved lowers the score.
"""

import numpy as np
import pytest

from paddle_pose.data.coco import read_annotations
from paddle_pose.data.framing import one_per_person
from paddle_pose.data.mpii import read_mpii
from paddle_pose.data.synthetic.dataset import write_coco
from paddle_pose.metrics.coco_ap import CocoAP
from paddle_pose.metrics.pckh import PCKh
from paddle_pose.skeletons import COCO_17, MPII_16
from paddle_pose.structures import Poses

SIZE = (192, 256)
LIMBS = [name for name in COCO_17.joints if name in MPII_16.joints]


@pytest.fixture(params=["synthetic", "lspet"])
def both_layouts(request, tmp_path, synthetic_mpii):
    """Returns the same people as (folder in MPII's layout, COCO annotation file, its images)."""
    if request.param == "lspet":
        folder = request.getfixturevalue("shared") / "data" / "lspet"
        return folder, folder / "annotations" / "person_keypoints_val.json", folder / "images"
    synthetic = write_coco(tmp_path / "coco", num_train=0, num_val=8, size=(256, 256))
    return (
        synthetic_mpii,
        synthetic / "annotations" / "person_keypoints_val2017.json",
        synthetic / "val2017",
    )


def poses_of(person, skeleton):
    """Returns a person's labelled joints as poses of a skeleton; unlabelled joints are far away."""
    keypoints = np.where(person.visible[:, None] > 0, person.keypoints, -1e4)
    return Poses(keypoints[None], np.where(person.visible > 0, 1.0, 0.1)[None], np.ones(1))


def persons_by_image(samples):
    """Returns the person of each sample, sorted by image name, which both layouts sort alike."""
    return [
        sample.persons[0] for sample in sorted(samples, key=lambda sample: sample.image_path.name)
    ]


def test_pckh_of_a_coco_network_on_mpii(both_layouts, capsys):
    folder, annotations, images = both_layouts
    samples = one_per_person(read_mpii(folder, "val", COCO_17), SIZE)
    assert (
        "=> 12 of 16 joints (left out: pelvis, thorax, upper_neck, head_top) are in coco_17"
        in capsys.readouterr().out
    )
    persons = persons_by_image(one_per_person(read_annotations(annotations, images), SIZE))
    ordered = sorted(samples, key=lambda sample: sample.image_path.name)
    metric = PCKh(COCO_17)
    assert all((sample.persons[0].visible[:5] == 0).all() for sample in ordered), (
        "MPII labels no face"
    )
    predictions = [
        (sample, poses_of(person, COCO_17)) for sample, person in zip(ordered, persons, strict=True)
    ]
    scores = metric.compute_scores(predictions)
    values = scores.values
    assert "Head" not in values
    assert "Head" not in metric.summary
    assert values == pytest.approx(dict.fromkeys(values, 100.0))
    assert "\ncross-evaluation: 12 of 16 joints (left out: pelvis, " in scores.table
    assert "12 joints weighted by count" in scores.table
    for _, poses in predictions:
        poses.keypoints[0, COCO_17.joints.index("left_elbow")] += 1e3
    worse = metric.compute_scores(predictions).values
    assert worse["Elbow"] == 50.0
    assert {name for name in worse if worse[name] == 100.0} == {
        "Shoulder",
        "Wrist",
        "Hip",
        "Knee",
        "Ankle",
    }


def test_ap_of_an_mpii_network_on_coco(both_layouts, capsys):
    folder, annotations, images = both_layouts
    samples = one_per_person(read_annotations(annotations, images, MPII_16), SIZE)
    assert "=> 12 of 17 joints (left out: nose, left_eye, right_eye, " in capsys.readouterr().out
    persons = persons_by_image(one_per_person(read_mpii(folder, "val"), SIZE))
    ordered = sorted(samples, key=lambda sample: sample.image_path.name)
    metric = CocoAP(annotations, MPII_16)
    scores = metric.compute_scores(
        [
            (sample, poses_of(person, MPII_16))
            for sample, person in zip(ordered, persons, strict=True)
        ]
    )
    assert scores.values["AP"] == pytest.approx(1.0)
    assert scores.values["AR"] == pytest.approx(1.0)
    assert "\ncross-evaluation: 12 of 17 joints (left out: nose, " in scores.table
    # Joints that are not annotated do not affect the score; all other joints do.
    for name, same in (("head_top", True), ("left_elbow", False)):
        predictions = [
            (sample, poses_of(person, MPII_16))
            for sample, person in zip(ordered, persons, strict=True)
        ]
        for _, poses in predictions:
            poses.keypoints[0, MPII_16.joints.index(name)] += 1e3
        assert (metric.compute_scores(predictions).values["AP"] == pytest.approx(1.0)) is same, name


def test_common_joints_equal_the_published_ones():
    """Source: mmpose's table for joint training on both: MPII's 0 1 2 3 4 5 10 11 12 13 14 15."""
    published = {
        0: 16,
        1: 14,
        2: 12,
        3: 11,
        4: 13,
        5: 15,
        10: 10,
        11: 8,
        12: 6,
        13: 5,
        14: 7,
        15: 9,
    }
    assert {
        j: slot for j, slot in enumerate(MPII_16.slots(COCO_17.joints)) if slot >= 0
    } == published
    assert {
        slot: j for j, slot in enumerate(COCO_17.slots(MPII_16.joints)) if slot >= 0
    } == published
    assert len(LIMBS) == 12
