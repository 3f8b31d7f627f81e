"""fire717's accuracy: its radius, absent joints, and the table."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from paddle_pose.errors import InputError
from paddle_pose.geometry import Window
from paddle_pose.metrics.fire717_accuracy import Fire717Accuracy
from paddle_pose.skeletons import COCO_17
from paddle_pose.structures import Person, Poses, Sample

SIDE = 192.0
WINDOW = Window((300.0, 200.0), (SIDE, SIDE))
ALL = np.ones(17, np.int64)


def sample(keypoints, visible=ALL, number=0):
    """Returns the sample of one person."""
    person = Person(keypoints, visible, (0, 0, 1, 1), number)
    return Sample(number, Path(f"{number}.jpg"), WINDOW, (person,))


def poses(keypoints, scores):
    """Returns one pose with joint scores."""
    return Poses(keypoints[None], np.broadcast_to(scores, (1, 17)).astype(float), np.ones(1))


def scored(*people):
    """Returns the numbers of people, each (true joints, visible, predicted joints, scores)."""
    predictions = [
        (sample(truth, visible, n), poses(predicted, scores))
        for n, (truth, visible, predicted, scores) in enumerate(people)
    ]
    return values_of(*predictions)


def values_of(*predictions):
    """Returns the numbers of predictions."""
    return Fire717Accuracy(COCO_17).compute_scores(predictions, intervals=False).values


TRUTH = np.random.default_rng(0).uniform((220, 120), (380, 280), (17, 2))


@pytest.mark.parametrize(
    ("distance", "acc", "meant"),
    [(4.9, 1.0, 1.0), (5.1, 1.0, 0.0), (30.9, 1.0, 0.0), (31.1, 0.0, 0.0)],
)
def test_the_radius_is_31_px_of_192_and_not_5(distance, acc, meant):
    found = TRUTH + np.array([0.6, 0.8]) * distance
    values = scored((TRUTH, ALL, found, 0.5))
    assert (values["acc"], values["labelled"], values["pck@5/192"]) == (acc, acc, meant)
    assert np.isnan(values["absent"])
    assert {values[name] for name in COCO_17.joints} == {acc}


def test_an_unlabelled_joint_is_a_hit_only_if_it_is_absent():
    nothing = np.zeros(17, np.int64)
    assert scored((TRUTH, nothing, TRUTH, 0.099))["acc"] == 1.0
    values = scored((TRUTH, nothing, TRUTH, 0.1))
    assert (values["acc"], values["absent"]) == (0.0, 0.0)
    assert np.isnan(values["labelled"])


def test_a_labelled_joint_that_is_absent_is_a_miss_even_if_it_is_near():
    values = scored((TRUTH, ALL, TRUTH, 0.099))
    assert (values["acc"], values["labelled"], values["pck@5/192"]) == (0.0, 0.0, 1.0)


def test_the_accuracy_is_the_mean_over_joints_of_hits_per_person():
    half = np.where(np.arange(17) < 8, 1, 0)
    low = np.where(np.arange(17) < 12, 0.5, 0.0)
    values = scored((TRUTH, half, TRUTH, low), (TRUTH, ALL, TRUTH + 50, 0.5))
    # the first person: 8 labelled hits, 4 unlabelled joints that are present (misses), 5 absent
    assert values["acc"] == pytest.approx((8 + 5) / 34)
    assert values["labelled"] == pytest.approx(8 / 25)
    assert values["absent"] == pytest.approx(5 / 9)
    assert values["nose"] == 0.5


def test_the_radius_is_a_fraction_of_each_axis_of_a_stretched_window():
    wide = Sample(
        0,
        Path("0.jpg"),
        Window((0.0, 0.0), (400.0, 100.0)),
        (Person(np.zeros((17, 2)), ALL, (0, 0, 1, 1), 0),),
    )
    along, across = (poses(np.tile(point, (17, 1)), 0.5) for point in ([60.0, 0.0], [0.0, 60.0]))
    assert values_of((wide, along))["acc"] == 1.0
    assert values_of((wide, across))["acc"] == 0.0
    assert values_of((wide, across), (wide, along))["acc"] == 1.0, (
        "the first poses of a sample that occurs twice count"
    )


def test_without_a_pose_all_joints_are_absent():
    half = np.where(np.arange(17) < 8, 1, 0)
    values = values_of(
        (sample(TRUTH, half), Poses(np.zeros((0, 17, 2)), np.zeros((0, 17)), np.zeros(0)))
    )
    assert values["acc"] == pytest.approx(9 / 17)
    assert (values["labelled"], values["absent"]) == (0.0, 1.0)


def test_table_summary_and_the_score_of_a_sample():
    metric = Fire717Accuracy(COCO_17)
    rng = np.random.default_rng(1)
    found = [
        (sample(TRUTH, ALL, n), poses(TRUTH + rng.normal(0, 25, (17, 2)), 0.5)) for n in range(20)
    ]
    scores = metric.compute_scores(found)
    values, lines = scores.values, scores.table.splitlines()
    assert lines[0].endswith("20 people, 95 % bootstrap intervals")
    assert [line.split()[:2] for line in lines[1:]] == [
        [name, f"{value:.4f}"] for name, value in values.items()
    ]
    low, high = scores.intervals["acc"]
    assert low <= values["acc"] <= high
    assert low < high
    plain = metric.compute_scores(found[::-1] + found[:3], intervals=False)
    assert plain.values == pytest.approx(values, abs=0, nan_ok=True)
    assert (plain.intervals, ".." in plain.table) == ({}, False)
    assert set(metric.summary) <= values.keys()
    assert metric.monitor in metric.summary
    good = metric.score_sample(sample(TRUTH), poses(TRUTH, 0.5))
    bad = metric.score_sample(sample(TRUTH), poses(TRUTH + 100, 0.5))
    assert good.quality > bad.quality
    assert (good.words, bad.words) == ("17 of 17 joints hit", "0 of 17 joints hit")
    with pytest.raises(InputError):
        metric.compute_scores([])


def test_among_other_people_the_one_of_the_window_is_scored():
    alone = sample(TRUTH, number=3)
    stranger = Person(TRUTH + 50, ALL, (0, 0, 1, 1), 1)
    central = replace(alone, persons=(*alone.persons, stranger), central=True)
    for found, value in ((TRUTH, 1.0), (TRUTH + 50, 0.0)):
        assert values_of((central, poses(found, 0.5)))["acc"] == value
        assert Fire717Accuracy(COCO_17).score_sample(central, poses(found, 0.5)).quality[0] == value
    with pytest.raises(InputError):
        values_of((replace(central, central=False), poses(TRUTH, 0.5)))
