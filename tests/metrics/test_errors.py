"""Kinds of errors of poses that are constructed to have them."""

from dataclasses import replace

import numpy as np
import pytest

from paddle_pose.metrics.errors import GOOD, KINDS, MatchedPoses, kinds, shares
from paddle_pose.metrics.oks import oks
from paddle_pose.skeletons import COCO_17, MPII_16

FLIP = list(MPII_16.flip)


def people(count=6, seed=0, head=20.0):
    """Returns people with exact poses, two in each image; joints are at least 90 px apart."""
    places = np.stack(np.meshgrid(np.arange(4) * 100.0, np.arange(4) * 100.0), axis=-1).reshape(
        16, 2
    )
    truth = (
        places
        + 2000 * np.arange(count)[:, None, None]
        + np.random.default_rng(seed).uniform(-5, 5, (count, 16, 2))
    )
    visible = np.ones((count, 16), np.int64)
    return MatchedPoses(
        skeleton=MPII_16,
        predicted=truth.copy(),
        truth=truth,
        visible=visible,
        counted=visible > 0,
        units=np.full((count, 16), head),
        reach=0.5,
        sizes=np.full(count, head),
        image_ids=np.arange(count) // 2,
    )


def named(found):
    """Returns the set of the kinds of all joints."""
    return {KINDS[k] if k >= 0 else "not counted" for k in kinds(found).ravel()}


def moved(found, heads):
    """Returns the same people with poses that are some head sizes away from the truth."""
    return replace(
        found, predicted=found.truth + np.array([0.6, -0.8]) * heads * found.units[..., None]
    )


def test_exact_predictions_are_good():
    assert named(people()) == {"good"}


@pytest.mark.parametrize(
    ("heads", "kind"),
    [
        (0.05, "good"),
        (0.24, "good"),
        (0.245, "jitter"),
        (0.499, "jitter"),
        (0.501, "miss"),
        (2.0, "miss"),
    ],
)
def test_known_amounts_of_jitter(heads, kind):
    assert named(moved(people(), heads)) == {kind}


def test_the_limits_are_those_of_the_similarity():
    assert pytest.approx(0.85) == 2.0 ** -(GOOD**2)
    assert pytest.approx(0.2421, abs=1e-4) == GOOD * 0.5


def test_the_reach_of_coco_is_the_distance_with_a_similarity_of_one_half():
    sigmas = np.array(COCO_17.sigmas)
    area = 5000.0
    reach = np.sqrt(2 * np.log(2)) * 2 * sigmas * np.sqrt(area)
    for k in range(17):
        alone = np.arange(17) == k
        moved = np.zeros((17, 2))
        moved[k, 0] = reach[k]

        def similarity(points, only=alone):
            return oks(points, np.zeros((17, 2)), area, COCO_17.sigmas, labelled=only)

        assert similarity(moved) == pytest.approx(0.5)
        assert similarity(moved * GOOD) == pytest.approx(0.85)


def test_exchanged_sides_are_inversions_and_joints_without_a_side_stay_good():
    found = people()
    inverted = replace(found, predicted=found.truth[:, FLIP])
    sided = np.array(FLIP) != np.arange(16)
    assert {KINDS[k] for k in kinds(inverted)[:, sided].ravel()} == {"inversion"}
    assert {KINDS[k] for k in kinds(inverted)[:, ~sided].ravel()} == {"good"}


def test_without_a_label_of_the_other_side_there_is_no_inversion():
    found = people()
    visible = found.visible.copy()
    visible[:, 0] = 0  # right_ankle
    found = replace(found, predicted=found.truth[:, FLIP], visible=visible, counted=visible > 0)
    kind = kinds(found)
    assert {KINDS[k] for k in kind[:, 5]} == {"miss"}
    assert set(kind[:, 0]) == {-1}


@pytest.mark.parametrize("order", [list(range(16)), FLIP])
def test_a_joint_of_another_person_in_the_image_is_a_swap_on_either_side(order):
    found = people()
    others = found.truth[np.arange(6) ^ 1]
    assert named(replace(found, predicted=others[:, order])) == {"swap"}
    apart = replace(found, predicted=others[:, order], image_ids=np.arange(6))
    assert named(apart) == {"miss"}


def test_the_nearer_joint_decides_between_inversion_and_swap():
    found = people(2)
    truth = found.truth.copy()
    truth[1, 0] = truth[0, 5] + (
        4.0,
        0.0,
    )  # right ankle of the second person near the left one of the first
    predicted = found.predicted.copy()
    predicted[0, 0] = truth[0, 5] + (1.0, 0.0)
    assert KINDS[kinds(replace(found, truth=truth, predicted=predicted))[0, 0]] == "inversion"
    predicted[0, 0] = truth[0, 5] + (3.0, 0.0)
    assert KINDS[kinds(replace(found, truth=truth, predicted=predicted))[0, 0]] == "swap"


def test_people_without_a_pose_are_unfound_and_uncounted_joints_have_no_kind():
    found = people()
    predicted = found.predicted.copy()
    predicted[2] = np.nan
    counted = found.counted.copy()
    counted[:, 6] = False
    kind = kinds(replace(found, predicted=predicted, counted=counted))
    assert (kind[2] == np.where(np.arange(16) == 6, -1, KINDS.index("unfound"))).all()
    assert (kind[:, 6] == -1).all()
    assert set(kind[[0, 1, 3]].ravel()) == {-1, KINDS.index("good")}


def test_shares_sum_to_100_and_a_corrected_kind_disappears():
    rng = np.random.default_rng(1)
    found = people(20)
    found = replace(found, predicted=found.truth + rng.normal(0, 8, found.truth.shape))
    kind = kinds(found)
    counted = shares(kind)
    assert sum(number for number, _ in counted.values()) == 20 * 16
    assert sum(share for _, share in counted.values()) == pytest.approx(100)
    for n, name in enumerate(KINDS[1:], start=1):
        assert shares(kinds(found.corrected(kind == n)))[name][0] == 0
    assert named(found.corrected(kind >= 0)) == {"good"}
    assert (found.corrected(kind >= 0).distances == 0).all()


def test_without_counted_joints_shares_are_nan():
    found = people(2)
    assert np.isnan(shares(kinds(replace(found, counted=np.zeros_like(found.counted))))["good"][1])
