"""PCKh: thresholds, groups, means, intervals, files and tables."""

import json
from pathlib import Path

import numpy as np
import pytest

from paddle_pose.errors import InputError
from paddle_pose.geometry import Window
from paddle_pose.io.mpii_predictions import read_predictions
from paddle_pose.metrics.pckh import GROUPS, PCKh, bootstrap, counted, normalized_errors, pckh
from paddle_pose.skeletons import MPII_16
from paddle_pose.structures import Person, Poses, Sample

WINDOW = Window((50.0, 50.0), (100.0, 100.0))


def sample(keypoints, visible=None, head=20.0, number=0, persons=1):
    """Returns a sample with copies of a person."""
    visible = np.ones(16, np.int64) if visible is None else visible
    person = Person(keypoints, visible, (0.0, 0.0, 1.0, 1.0), number, head_size=head)
    return Sample(number, Path(f"{number}.jpg"), WINDOW, (person,) * persons)


def poses(keypoints):
    """Returns one pose."""
    return Poses(keypoints[None], np.ones((1, 16)), np.ones(1))


def people(count, seed=0, noise=12.0):
    """Yields samples with poses near the truth: a mixture of hits and misses."""
    rng = np.random.default_rng(seed)
    for n in range(count):
        truth = rng.uniform(0, 200, (16, 2))
        visible = (rng.random(16) < 0.9).astype(np.int64)
        given = sample(truth, visible, head=float(rng.uniform(10, 60)), number=n)
        yield given, poses(truth + rng.normal(0, noise, (16, 2)))


NO_POSE = Poses(np.zeros((0, 16, 2)), np.zeros((0, 16)), np.zeros(0))


def scored(pairs):
    """Returns the numbers of predictions."""
    return PCKh().compute_scores(pairs, intervals=False).values


def test_perfect_predictions_get_100_and_distant_ones_0():
    pairs = [(s, poses(s.persons[0].keypoints)) for s, _ in people(5)]
    assert set(scored(pairs).values()) == {100.0}
    pairs = [(s, poses(s.persons[0].keypoints + 1e4)) for s, _ in people(5)]
    assert set(scored(pairs).values()) == {0.0}


@pytest.mark.parametrize(
    ("distance", "hits"),
    [
        (0.49, {"Mean": 1, "Mean@0.1": 0, "Mean@0.11": 0}),
        (0.51, {"Mean": 0, "Mean@0.1": 0, "Mean@0.11": 0}),
        (0.105, {"Mean": 1, "Mean@0.1": 0, "Mean@0.11": 1}),
        (0.095, {"Mean": 1, "Mean@0.1": 1, "Mean@0.11": 1}),
        (0.5, {"Mean": 1, "Mean@0.1": 0, "Mean@0.11": 0}),  # the threshold itself is a hit
    ],
)
def test_thresholds_in_head_sizes(distance, hits):
    truth = np.zeros((16, 2))
    away = np.array([0.6, 0.8]) * distance * 20.0
    values = scored([(sample(truth, head=20.0), poses(truth + away))])
    assert {name: values[name] for name in hits} == {
        name: 100.0 * hit for name, hit in hits.items()
    }


@pytest.mark.parametrize(("group", "names"), GROUPS.items())
def test_a_missed_joint_lowers_its_own_group_only(group, names):
    truth = np.zeros((16, 2))
    missed = truth.copy()
    missed[MPII_16.joints.index(names[0])] = 500
    values = scored([(sample(truth), poses(missed))])
    assert {g: values[g] for g in GROUPS} == {
        g: 100 - 100 / len(names) if g == group else 100.0 for g in GROUPS
    }
    assert values["Mean"] == pytest.approx(100 * 13 / 14)


@pytest.mark.parametrize("name", ["pelvis", "thorax", "upper_neck"])
def test_pelvis_and_thorax_do_not_count_and_the_neck_counts_in_the_mean_only(name):
    truth = np.zeros((16, 2))
    missed = truth.copy()
    missed[MPII_16.joints.index(name)] = 500
    values = scored([(sample(truth), poses(missed))])
    assert {values[g] for g in GROUPS} == {100.0}
    assert values["Mean"] == pytest.approx(100 * 13 / 14 if name == "upper_neck" else 100.0)


def test_the_mean_weights_joints_by_their_count_and_the_plain_mean_does_not():
    wrist = MPII_16.joints.index("left_wrist")
    truth = np.zeros((16, 2))
    visible = np.ones(16, np.int64)
    hidden = np.where(np.arange(16) == wrist, 0, 1)
    missed = truth.copy()
    missed[wrist] = 500
    values = scored(
        [(sample(truth, visible, number=0), poses(missed))]
        + [(sample(truth, hidden, number=n), poses(truth)) for n in (1, 2, 3)]
    )
    assert values["Wrist"] == 50.0
    assert values["Mean"] == pytest.approx(100 * (14 * 4 - 3 - 1) / (14 * 4 - 3))
    assert values["Plain mean"] == pytest.approx(100 * 13 / 14)


def test_unlabelled_joints_do_not_count_whatever_their_coordinates_and_occluded_ones_do():
    pairs = list(people(20))
    before = scored(pairs)
    for given, pose in pairs:
        person = given.persons[0]
        person.keypoints[person.visible == 0] = np.nan
        pose.keypoints[0, person.visible == 0] = 1e9
        person.visible[person.visible > 0] = 2
    assert scored(pairs) == before
    assert 0 < before["Mean"] < 100


def test_order_and_repetition_change_nothing():
    pairs = list(people(30))
    before = scored(pairs)
    assert scored(pairs[::-1]) == before
    assert scored(pairs + pairs[:7]) == before
    assert scored(pairs[7:]) != before
    assert PCKh().compute_scores(pairs[::-1] + pairs[:7]) == PCKh().compute_scores(pairs), (
        "intervals and table, too"
    )


def test_if_a_sample_occurs_twice_the_last_poses_count():
    pairs = list(people(3))
    worse = (pairs[1][0], poses(pairs[1][1].keypoints[0] + 1e4))
    assert scored([*pairs, worse]) == scored([pairs[0], worse, pairs[2]])
    assert scored([*pairs, worse])["Mean"] < scored(pairs)["Mean"]


def test_no_predictions_are_an_error(tmp_path):
    with pytest.raises(InputError):
        PCKh().compute_scores([])
    with pytest.raises(InputError):
        PCKh().save([], tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "changes", [{"head": float("nan")}, {"head": 0.0}, {"persons": 0}, {"persons": 2}], ids=repr
)
def test_samples_without_head_size_or_with_several_people_are_refused(changes):
    truth = np.zeros((16, 2))
    assert scored([(sample(truth), poses(truth))])["Mean"] == 100.0
    with pytest.raises(InputError):
        PCKh().compute_scores([(sample(truth, **changes), poses(truth))])


def test_people_with_other_joints_are_refused():
    truth = np.zeros((17, 2))
    with pytest.raises(InputError):
        PCKh().compute_scores([(sample(truth, np.ones(17, np.int64)), poses(truth[:16]))])


def test_without_a_pose_every_joint_is_a_miss(tmp_path):
    truth = np.zeros((16, 2))
    pairs = [(sample(truth, number=0), NO_POSE), (sample(truth, number=1), poses(truth))]
    assert set(scored(pairs).values()) == {50.0}
    assert (
        PCKh().score_sample(*pairs[0]).quality
        < PCKh().score_sample(pairs[0][0], poses(truth + 1e4)).quality
    )
    mat, document = PCKh().save(pairs, tmp_path)
    preds = read_predictions(mat, 2)
    assert scored(
        [(given, poses(points - 1)) for (given, _), points in zip(pairs, preds, strict=True)]
    ) == scored(pairs)
    content = json.loads(document.read_text(encoding="utf-8"))
    assert [record["annotation_id"] for record in content["predictions"]] == [1]


def errors_of(count):
    """Returns errors in head sizes and which joints are labelled, both [N, 16]."""
    pairs = list(people(count, seed=3))
    persons = [s.persons[0] for s, _ in pairs]
    return normalized_errors(
        np.stack([pose.keypoints[0] for _, pose in pairs]),
        np.stack([p.keypoints for p in persons]),
        np.array([p.head_size for p in persons]),
    ), np.stack([p.visible for p in persons]) > 0


def test_intervals_contain_the_value_and_shrink_with_the_number_of_people():
    widths = {}
    for count in (25, 400):
        errors, labelled = errors_of(count)
        values, intervals = pckh(errors, labelled), bootstrap(errors, labelled, resamples=300)
        assert intervals.keys() == values.keys()
        for name, (low, high) in intervals.items():
            assert low <= values[name] <= high
        widths[count] = intervals["Mean"][1] - intervals["Mean"][0]
    assert 2.5 < widths[25] / widths[400] < 6.5  # the square root of 16 is 4
    assert bootstrap(errors, labelled, resamples=300) == intervals, "the same seed draws the same"
    assert bootstrap(errors, labelled, resamples=300, seed=1) != intervals


def test_counts_are_the_same_as_repeated_people():
    errors, labelled = errors_of(4)
    twice = np.array([0, 0, 3, 3, 3, 1])
    drawn = pckh(errors, labelled, np.array([[2.0, 1.0, 0.0, 3.0]]))
    expected = pckh(errors[twice], labelled[twice])
    for name, value in expected.items():
        assert drawn[name][0] == pytest.approx(value, nan_ok=True)


def test_a_joint_that_is_never_labelled_is_nan_in_its_group_and_not_in_the_mean():
    truth = np.zeros((16, 2))
    ankles = np.array([0 if "ankle" in name else 1 for name in MPII_16.joints])
    scores = PCKh().compute_scores([(sample(truth, ankles), poses(truth))])
    assert np.isnan(scores.values["Ankle"])
    assert scores.values["Mean"] == scores.values["Knee"] == 100.0
    assert "Ankle" in scores.table


def test_saved_predictions_read_back_score_the_same(tmp_path):
    pairs = list(people(12))
    mat, document = PCKh().save(pairs[::-1], tmp_path / "new")
    preds = read_predictions(mat, 12)
    # in the annotations' order, 1-based
    assert np.allclose(
        preds, np.stack([pose.keypoints[0] for _, pose in pairs]) + 1, atol=0, rtol=1e-15
    )
    again = [(given, poses(points - 1)) for (given, _), points in zip(pairs, preds, strict=True)]
    assert scored(again) == scored(pairs)
    content = json.loads(document.read_text(encoding="utf-8"))
    assert content["joints"] == list(MPII_16.joints)
    assert [record["image"] for record in content["predictions"]] == [f"{n}.jpg" for n in range(12)]
    kept = [record["keypoints"] for record in content["predictions"]]
    assert np.allclose(kept, preds - 1, atol=1e-3)


@pytest.mark.parametrize("intervals", [True, False])
def test_the_table_has_every_number_with_its_interval(intervals):
    pairs = list(people(10))
    scores = PCKh().compute_scores(pairs, intervals=intervals)
    assert scores.values == scored(pairs)
    assert scores.intervals.keys() == (scores.values.keys() if intervals else set())
    title, *lines = scores.table.splitlines()
    assert "10" in title.split()
    for name, value in scores.values.items():
        (line,) = (line for line in lines if line.startswith(f"  {name} "))
        number, *rest = line.removeprefix(f"  {name} ").split()
        assert number == f"{value:.2f}"
        assert (".." in rest) == intervals
        if intervals:
            low, high = scores.intervals[name]
            assert rest[:3] == [f"{low:.2f}", "..", f"{high:.2f}"]


def test_the_counted_joints_and_the_summary():
    assert [MPII_16.joints[j] for j in range(16) if j not in counted(MPII_16)] == [
        "pelvis",
        "thorax",
    ]
    assert PCKh.monitor in PCKh().summary
    assert set(PCKh().summary) <= scored(list(people(2))).keys()
