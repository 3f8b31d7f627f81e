import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from paddle_pose.geometry import Window
from paddle_pose.metrics.pck import PCK
from paddle_pose.skeletons import COCO_17, MPII_16, Skeleton
from paddle_pose.structures import Person, Poses, Sample

WINDOW = Window((100.0, 100.0), (200.0, 200.0))
SHOULDER, HIP = COCO_17.joints.index("left_shoulder"), COCO_17.joints.index("right_hip")


def sample(keypoints, visible=None, number=0, persons=1, crowds=0):
    visible = np.ones(len(keypoints), np.int64) if visible is None else visible
    person = Person(keypoints, visible, (0.0, 0.0, 1.0, 1.0), number)
    crowd = Person(keypoints, visible, (0.0, 0.0, 1.0, 1.0), number, crowd=True)
    return Sample(number, Path(f"{number}.jpg"), WINDOW, (crowd,) * crowds + (person,) * persons)


def poses(keypoints):
    return Poses(keypoints[None], np.ones((1, len(keypoints))), np.ones(1))


def torso_of(length, joints=17):
    """Points at the origin, but the right hip: `length` away, at 3:4."""
    points = np.zeros((joints, 2))
    points[HIP if joints == 17 else MPII_16.joints.index("right_hip")] = (0.6 * length, 0.8 * length)
    return points


def people(count, seed=0):
    rng = np.random.default_rng(seed)
    for n in range(count):
        truth = rng.uniform(0, 200, (17, 2))
        visible = (rng.random(17) < 0.9).astype(np.int64)
        visible[[SHOULDER, HIP]] = 1
        yield sample(truth, visible, n), poses(truth + rng.normal(0, 15, (17, 2)))


def scored(pairs, **options):
    metric = PCK(**options)
    for given, pose in pairs:
        metric.update(given, pose)
    return metric.accumulate()


def test_perfect_predictions_get_100_and_wild_ones_0():
    assert set(scored((s, poses(s.persons[0].keypoints)) for s, _ in people(5)).values()) == {100.0}
    assert set(scored((s, poses(s.persons[0].keypoints + 1e4)) for s, _ in people(5)).values()) == {0.0}


@pytest.mark.parametrize(
    ("options", "reach"),
    [
        ({}, 0.2 * 50),
        ({"threshold": 0.5}, 0.5 * 50),
        ({"reference": "window", "threshold": 5 / 192}, 5 / 192 * 200),
        ({"skeleton": MPII_16}, 0.2 * 50),
    ],
)
def test_the_threshold_is_a_fraction_of_the_reference(options, reach):
    truth = torso_of(50.0, len(options.get("skeleton", COCO_17).joints))
    for factor, value in ((0.99, 100.0), (1.01, 0.0)):
        away = np.array([0.6, -0.8]) * reach * factor
        assert scored([(sample(truth), poses(truth + away))], **options)["Mean"] == value


def test_left_and_right_share_a_number_and_the_mean_weighs_by_count():
    truth = torso_of(50.0)
    missed = truth.copy()
    missed[COCO_17.joints.index("left_wrist")] += 500
    hidden = np.array([0 if name.endswith("knee") else 1 for name in COCO_17.joints])
    values = scored([(sample(truth, number=0), poses(missed)), (sample(truth, hidden, number=1), poses(truth))])
    assert values["Wrist"] == 75.0
    assert {name for name, value in values.items() if value != 100.0} == {"Wrist", "Mean"}
    assert values["Mean"] == pytest.approx(100 * 31 / 32)
    assert tuple(values) == tuple(PCK().summary)
    assert tuple(values) == ("Nose", "Eye", "Ear", "Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle", "Mean")


def test_unlabelled_joints_do_not_count_whatever_their_coordinates():
    pairs = list(people(20))
    before = scored(pairs)
    for given, pose in pairs:
        person = given.persons[0]
        person.keypoints[person.visible == 0] = np.nan
        pose.keypoints[0, person.visible == 0] = 1e9
    assert scored(pairs) == before
    assert 0 < before["Mean"] < 100


def test_people_without_a_torso_are_left_out_and_counted():
    truth, hidden = torso_of(50.0), np.ones(17, np.int64)
    hidden[HIP] = 0
    metric = PCK()
    metric.update(sample(truth, number=0), poses(truth))
    metric.update(sample(truth, hidden, number=1), poses(truth + 500))
    assert metric.accumulate()["Mean"] == 100.0
    assert "1 people (1 without a labelled torso left out)" in metric.table()
    assert metric.score_sample(sample(truth, hidden), poses(truth)).words == "no torso labelled"
    with pytest.raises(ValueError, match="nobody's torso"):
        scored([(sample(truth, hidden), poses(truth))])
    assert scored([(sample(truth, hidden), poses(truth))], reference="window")["Mean"] == 100.0


def test_nobody_found_misses_every_joint_and_is_not_saved(tmp_path):
    truth = torso_of(50.0)
    nobody = Poses(np.zeros((0, 17, 2)), np.zeros((0, 17)), np.zeros(0))
    metric = PCK()
    metric.update(sample(truth, number=0), nobody)
    metric.update(sample(truth, number=1), poses(truth))
    assert metric.accumulate()["Mean"] == 50.0
    (path,) = metric.save(tmp_path / "new")
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["joints"] == list(COCO_17.joints)
    assert [record["annotation_id"] for record in content["predictions"]] == [1]
    assert np.allclose(content["predictions"][0]["keypoints"], truth)
    assert metric.score_sample(sample(truth), nobody).words == "nothing found"


def test_crowd_regions_are_nobody():
    truth = torso_of(50.0)
    metric = PCK()
    metric.update(sample(truth, number=4, crowds=2), poses(truth))
    assert metric.accumulate()["Mean"] == 100.0
    for count in (0, 2):
        with pytest.raises(ValueError, match=f"one person per sample, got {count}"):
            PCK().update(sample(truth, persons=count, crowds=1), poses(truth))


def test_order_and_repetition_change_nothing_and_reset_forgets():
    pairs = list(people(30))
    before = scored(pairs)
    assert scored(pairs[::-1]) == before
    assert scored(pairs + pairs[:7]) == before
    metric = PCK()
    metric.update(*pairs[0])
    metric.reset()
    with pytest.raises(ValueError, match="PCK was asked for a score before it was given a pose"):
        metric.accumulate()


def test_the_table_names_every_number_with_an_interval_that_holds_it():
    metric = PCK()
    for given, pose in people(40):
        metric.update(given, pose)
    lines = metric.table().splitlines()
    assert lines[0] == "PCK@0.2 of the torso in percent, 40 people, 95 % bootstrap intervals"
    for (name, value), line in zip(metric.accumulate().items(), lines[1:], strict=True):
        shown, number, low, _, high = line.split()
        assert (shown, number) == (name, f"{value:.2f}")
        assert float(low) <= value <= float(high)
        assert float(low) < float(high)


def test_judging_orders_people_and_keeps_nothing():
    truth = torso_of(50.0)
    half = truth.copy()
    half[:8] += 500
    metric = PCK()
    good, bad = (metric.score_sample(sample(truth), poses(points)) for points in (truth + 1, half))
    assert good.quality > bad.quality
    assert (good.words, bad.words) == ("17 of 17 joints found", "9 of 17 joints found")
    with pytest.raises(ValueError, match="before it was given a pose"):
        metric.accumulate()


def test_what_cannot_be_measured_is_refused():
    with pytest.raises(ValueError, match=r"skeleton 'two' has no left_shoulder and right_hip"):
        PCK(Skeleton("two", ("a", "b"), (), (), (1, 1), (1, 1)))
    with pytest.raises(ValueError, match="threshold above 0"):
        PCK(threshold=0.0)
    with pytest.raises(ValueError, match=r"0.jpg: person 0 has 16 joints, skeleton coco_17 17"):
        PCK().update(sample(np.zeros((16, 2))), poses(np.zeros((16, 2))))


def test_among_others_the_person_whose_window_it_is_is_measured():
    truth = torso_of(50.0)
    among = sample(truth, persons=1, crowds=1)
    stranger = Person(truth + 90, np.ones(17, np.int64), (0.0, 0.0, 1.0, 1.0), 5)
    persons = (among.persons[1], stranger, among.persons[0])
    central = replace(among, persons=persons, central=True)
    assert scored([(central, poses(truth))])["Mean"] == 100.0
    assert scored([(central, poses(truth + 90))])["Mean"] == 0.0
    assert PCK().score_sample(central, poses(truth)).quality[0] == 1.0
    with pytest.raises(ValueError, match="PCK needs one person per sample, got 2"):
        scored([(replace(central, central=False), poses(truth))])
    with pytest.raises(ValueError, match="PCK needs one person per sample, got 0"):
        scored([(replace(central, persons=persons[2:]), poses(truth))])
