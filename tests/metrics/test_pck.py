"""PCK: thresholds, people without a torso, files and tables."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from paddle_pose.errors import InputError
from paddle_pose.geometry import Window
from paddle_pose.metrics.pck import PCK, usual_pck
from paddle_pose.skeletons import COCO_17, MPII_16, Skeleton
from paddle_pose.structures import Person, Poses, Sample

WINDOW = Window((100.0, 100.0), (200.0, 200.0))
SHOULDER = COCO_17.joints.index("left_shoulder")
HIP = COCO_17.joints.index("right_hip")
NO_POSE = Poses(np.zeros((0, 17, 2)), np.zeros((0, 17)), np.zeros(0))


def sample(keypoints, visible=None, number=0, persons=1, crowds=0):
    """Returns a sample with crowd regions and copies of a person."""
    visible = np.ones(len(keypoints), np.int64) if visible is None else visible
    person = Person(keypoints, visible, (0.0, 0.0, 1.0, 1.0), number)
    crowd = Person(keypoints, visible, (0.0, 0.0, 1.0, 1.0), number, crowd=True)
    return Sample(number, Path(f"{number}.jpg"), WINDOW, (crowd,) * crowds + (person,) * persons)


def poses(keypoints):
    """Returns one pose."""
    return Poses(keypoints[None], np.ones((1, len(keypoints))), np.ones(1))


def torso_of(length, joints=17):
    """Returns joints at the origin, with the right hip at a distance in px."""
    points = np.zeros((joints, 2))
    points[HIP if joints == 17 else MPII_16.joints.index("right_hip")] = (
        0.6 * length,
        0.8 * length,
    )
    return points


def people(count, seed=0):
    """Yields samples with poses near the truth."""
    rng = np.random.default_rng(seed)
    for n in range(count):
        truth = rng.uniform(0, 200, (17, 2))
        visible = (rng.random(17) < 0.9).astype(np.int64)
        visible[[SHOULDER, HIP]] = 1
        yield sample(truth, visible, n), poses(truth + rng.normal(0, 15, (17, 2)))


def scored(pairs, **options):
    """Returns the numbers of predictions."""
    return PCK(**options).compute_scores(pairs, intervals=False).values


def test_perfect_predictions_get_100_and_distant_ones_0():
    assert set(scored([(s, poses(s.persons[0].keypoints)) for s, _ in people(5)]).values()) == {
        100.0
    }
    assert set(
        scored([(s, poses(s.persons[0].keypoints + 1e4)) for s, _ in people(5)]).values()
    ) == {0.0}


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


def test_left_and_right_share_a_number_and_the_mean_weights_by_count():
    truth = torso_of(50.0)
    missed = truth.copy()
    missed[COCO_17.joints.index("left_wrist")] += 500
    hidden = np.array([0 if name.endswith("knee") else 1 for name in COCO_17.joints])
    values = scored(
        [(sample(truth, number=0), poses(missed)), (sample(truth, hidden, number=1), poses(truth))]
    )
    assert values["Wrist"] == 75.0
    assert {name for name, value in values.items() if value != 100.0} == {"Wrist", "Mean"}
    assert values["Mean"] == pytest.approx(100 * 31 / 32)
    assert tuple(values) == tuple(PCK().summary)
    assert tuple(values) == (
        "Nose",
        "Eye",
        "Ear",
        "Shoulder",
        "Elbow",
        "Wrist",
        "Hip",
        "Knee",
        "Ankle",
        "Mean",
    )


def test_unlabelled_joints_do_not_count_whatever_their_coordinates():
    pairs = list(people(20))
    before = scored(pairs)
    for given, pose in pairs:
        person = given.persons[0]
        person.keypoints[person.visible == 0] = np.nan
        pose.keypoints[0, person.visible == 0] = 1e9
    assert scored(pairs) == before
    assert 0 < before["Mean"] < 100


def test_people_without_a_torso_are_left_out_and_their_number_is_stated():
    truth = torso_of(50.0)
    hidden = np.ones(17, np.int64)
    hidden[HIP] = 0
    pairs = [
        (sample(truth, number=0), poses(truth)),
        (sample(truth, hidden, number=1), poses(truth + 500)),
    ]
    scores = PCK().compute_scores(pairs)
    assert scores.values["Mean"] == 100.0
    assert "1 people (1 without a labelled torso left out)" in scores.table
    assert PCK().score_sample(sample(truth, hidden), poses(truth)).words == "no torso labelled"
    with pytest.raises(InputError):
        scored([(sample(truth, hidden), poses(truth))])
    assert scored([(sample(truth, hidden), poses(truth))], reference="window")["Mean"] == 100.0


def test_without_a_pose_every_joint_is_a_miss_and_the_person_is_not_saved(tmp_path):
    truth = torso_of(50.0)
    pairs = [(sample(truth, number=0), NO_POSE), (sample(truth, number=1), poses(truth))]
    assert scored(pairs)["Mean"] == 50.0
    (path,) = PCK().save(pairs, tmp_path / "new")
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["joints"] == list(COCO_17.joints)
    assert [record["annotation_id"] for record in content["predictions"]] == [1]
    assert np.allclose(content["predictions"][0]["keypoints"], truth)
    assert PCK().score_sample(sample(truth), NO_POSE).words == "nothing found"


def test_crowd_regions_do_not_count_as_people():
    truth = torso_of(50.0)
    assert scored([(sample(truth, number=4, crowds=2), poses(truth))])["Mean"] == 100.0
    for count in (0, 2):
        with pytest.raises(InputError):
            scored([(sample(truth, persons=count, crowds=1), poses(truth))])


def test_order_and_repetition_change_nothing():
    pairs = list(people(30))
    before = scored(pairs)
    assert scored(pairs[::-1]) == before
    assert scored(pairs + pairs[:7]) == before
    assert PCK().compute_scores(pairs[::-1] + pairs[:7]) == PCK().compute_scores(pairs), (
        "intervals and table, too"
    )


def test_if_a_sample_occurs_twice_the_last_poses_count():
    pairs = list(people(3))
    worse = (pairs[1][0], poses(pairs[1][1].keypoints[0] + 1e4))
    assert scored([*pairs, worse]) == scored([pairs[0], worse, pairs[2]])
    assert scored([*pairs, worse])["Mean"] < scored(pairs)["Mean"]


def test_no_predictions_are_an_error(tmp_path):
    with pytest.raises(InputError):
        PCK().compute_scores([])
    with pytest.raises(InputError):
        PCK().save([], tmp_path)


def test_the_table_has_every_number_with_an_interval_around_it():
    pairs = list(people(40))
    scores = PCK().compute_scores(pairs)
    lines = scores.table.splitlines()
    assert lines[0] == "PCK@0.2 of the torso in percent, 40 people, 95 % bootstrap intervals"
    for (name, value), line in zip(scores.values.items(), lines[1:], strict=True):
        low, high = scores.intervals[name]
        assert line.split() == [name, f"{value:.2f}", f"{low:.2f}", "..", f"{high:.2f}"]
        assert low <= value <= high
        assert low < high
    plain = PCK().compute_scores(pairs, intervals=False)
    assert (plain.values, plain.intervals) == (scores.values, {})
    assert [line.split() for line in plain.table.splitlines()[1:]] == [
        line.split()[:2] for line in lines[1:]
    ]


def test_the_score_of_a_sample_orders_people():
    truth = torso_of(50.0)
    half = truth.copy()
    half[:8] += 500
    metric = PCK()
    good, bad = (metric.score_sample(sample(truth), poses(points)) for points in (truth + 1, half))
    assert good.quality > bad.quality
    assert (good.words, bad.words) == ("17 of 17 joints found", "9 of 17 joints found")


def test_unsuitable_skeletons_and_thresholds_are_refused():
    with pytest.raises(InputError):
        PCK(Skeleton("two", ("a", "b"), (), (), (1, 1), (1, 1)))
    with pytest.raises(InputError):
        PCK(threshold=0.0)
    with pytest.raises(InputError):
        scored([(sample(np.zeros((16, 2))), poses(np.zeros((16, 2))))])


def test_among_other_people_the_one_of_the_window_is_scored():
    truth = torso_of(50.0)
    among = sample(truth, persons=1, crowds=1)
    stranger = Person(truth + 90, np.ones(17, np.int64), (0.0, 0.0, 1.0, 1.0), 5)
    persons = (among.persons[1], stranger, among.persons[0])
    central = replace(among, persons=persons, central=True)
    assert scored([(central, poses(truth))])["Mean"] == 100.0
    assert scored([(central, poses(truth + 90))])["Mean"] == 0.0
    assert PCK().score_sample(central, poses(truth)).quality[0] == 1.0
    with pytest.raises(InputError):
        scored([(replace(central, central=False), poses(truth))])
    with pytest.raises(InputError):
        scored([(replace(central, persons=persons[2:]), poses(truth))])


def test_without_a_torso_the_usual_pck_is_of_the_window():
    hands = Skeleton("hands", ("left_hand", "right_hand"), (), (), (0.1, 0.1), (1.0, 1.0))
    assert usual_pck(COCO_17) == PCK(COCO_17)
    assert usual_pck(hands) == PCK(hands, threshold=0.05, reference="window")
