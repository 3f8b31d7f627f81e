"""Tracker: which people get an id, keep it and lose it."""

import numpy as np
import pytest

from paddle_pose.data.synthetic.motion import walk
from paddle_pose.skeletons import MPII_16
from paddle_pose.structures import Poses
from paddle_pose.tracking.tracker import Tracker

STEP = 0.04


def standing(*places):
    """Returns people [P, 17, 2] who stand at the given x, in px."""
    return walk(np.zeros(1), 0.0, 100.0) + np.array([(x, 200.0) for x in places])[:, None]


def found(keypoints, scores=0.9, person_scores=None):
    """Returns poses with these keypoints [P, K, 2], joint scores and person scores."""
    scores = np.broadcast_to(np.asarray(scores, float), keypoints.shape[:2])
    if person_scores is None:
        person_scores = np.full(len(keypoints), 0.9)
    return Poses(keypoints, scores, np.array(person_scores))


def run(tracker, keypoints, frames, start=0, **scores):
    """Returns the ids in each of several frames with the same people."""
    return [
        tracker((start + n) * STEP, found(keypoints, **scores)).ids.tolist() for n in range(frames)
    ]


@pytest.mark.parametrize("by", ["oks", "iou"])
def test_ids_do_not_depend_on_the_order_of_the_people(by):
    rng = np.random.default_rng(0)
    tracker = Tracker(by=by)
    people = standing(100, 200, 300, 400)
    first = run(tracker, people, 4)[-1]
    assert sorted(first) == [1, 2, 3, 4]
    for n in range(4, 20):
        order = rng.permutation(4)
        poses = found(
            people[order] + rng.normal(0, 1, (4, 17, 2)), person_scores=rng.uniform(0.3, 1, 4)
        )
        assert tracker(n * STEP, poses).ids.tolist() == [first[p] for p in order]


def test_only_the_ids_change():
    poses = found(standing(100, 200))
    poses.keypoints.setflags(write=False)
    tracked = Tracker()(0.0, poses)
    assert tracked.keypoints is poses.keypoints
    assert tracked.scores is poses.scores
    assert tracked.boxes is poses.boxes
    assert poses.ids.shape == (0,)
    assert tracked.ids.dtype == np.int64


def test_a_new_person_gets_an_id_after_several_frames_running():
    tracker, people = Tracker(min_hits=3), standing(100)
    assert run(tracker, people, 2) == [[-1], [-1]]
    assert run(tracker, people[:0], 1, start=2) == [[]]  # a missed frame: the count starts again
    assert run(tracker, people, 4, start=3) == [[-1], [-1], [1], [1]]


@pytest.mark.parametrize(("gap", "expected"), [(0.9, 1), (1.1, -1)])
def test_a_hidden_person_keeps_the_id_until_the_age_limit(gap, expected):
    tracker, people = Tracker(max_age=1.0), standing(100)
    run(tracker, people, 5)
    last = 4 * STEP
    assert tracker(last + gap / 2, found(people[:0])).ids.tolist() == []
    assert tracker.active_ids == {1}
    assert tracker(last + gap, found(people)).ids.tolist() == [expected]
    assert tracker.active_ids == ({1} if expected == 1 else set())


def test_an_id_is_never_given_twice():
    tracker, people = Tracker(), standing(100)
    assert run(tracker, people, 4)[-1] == [1]
    assert run(tracker, people, 4, start=100)[-1] == [2]


def test_a_new_track_needs_a_higher_score_than_an_existing_one():
    tracker, people = Tracker(new_track_score=0.5, min_score=0.2), standing(100)
    assert run(tracker, people, 5, person_scores=[0.4])[-1] == [-1]
    assert run(tracker, people, 3, start=5, person_scores=[0.6])[-1] == [1]
    assert run(tracker, people, 5, start=8, person_scores=[0.3])[-1] == [1]
    assert run(tracker, people, 1, start=13, person_scores=[0.1]) == [[-1]]
    assert run(tracker, people, 1, start=14, person_scores=[0.3]) == [[1]]


def test_the_person_with_the_highest_score_is_matched_first():
    tracker = Tracker(min_hits=1)
    run(tracker, standing(100), 1)
    both = standing(101, 102)
    assert tracker(STEP, found(both, person_scores=[0.5, 0.9])).ids.tolist() == [2, 1]


@pytest.mark.parametrize("by", ["oks", "iou"])
def test_a_person_at_another_place_gets_another_id(by):
    tracker = Tracker(by=by, min_hits=1)
    assert run(tracker, standing(100), 2)[-1] == [1]
    assert run(tracker, standing(300), 1, start=2) == [[2]]


def test_a_moving_person_is_expected_where_the_velocity_leads():
    times = np.arange(40) * STEP
    people = walk(times, 250.0, 100.0) + np.array([50.0, 200.0])

    def last_id(**rules):
        tracker = Tracker(min_hits=1, **rules)
        for n in [*range(20), *range(35, 40)]:  # hidden for 0.6 s and 150 px
            poses = tracker(times[n], found(people[n : n + 1]))
        return poses.ids.tolist()

    assert last_id() == [1]
    assert last_id(motion=False) == [2]


def test_invisible_joints_do_not_count():
    people = standing(100)
    rng = np.random.default_rng(0)
    scores = np.full(17, 0.9)
    scores[:11] = 0.2
    wild = people.copy()
    wild[:, :11] += rng.normal(0, 300, (1, 11, 2))
    for by in ("oks", "iou"):
        tracker = Tracker(by=by, min_hits=1)
        run(tracker, people, 2, scores=scores)
        assert run(tracker, wild, 1, start=2, scores=scores) == [[1]]
    few = np.where(np.arange(17) < 3, 0.9, 0.1)
    assert run(Tracker(min_hits=1), people, 2, scores=few) == [[1], [2]]  # too few to compare
    assert run(Tracker(by="iou", min_hits=1), people, 2, scores=np.zeros(17)) == [[1], [2]]


def test_the_number_of_tracks_is_limited():
    tracker = Tracker(max_tracks=2, min_hits=1)
    run(tracker, standing(100, 200, 300), 3)
    assert len(tracker.active_ids) == 2


def test_empty_frames_and_other_skeletons():
    tracker = Tracker(MPII_16, min_hits=1)
    assert tracker(0.0, found(np.zeros((0, 16, 2)))).ids.shape == (0,)
    people = np.random.default_rng(0).uniform(0, 90, (1, 16, 2))
    assert run(tracker, people, 3) == [[1], [1], [1]]


def test_times_that_repeat_or_go_back_change_no_id():
    tracker, people = Tracker(min_hits=1), standing(100)
    times = (1.0, 1.0, 0.5, 1.04)
    assert [tracker(now, found(people)).ids.tolist() for now in times] == [[1]] * 4


def swaying(seconds, seed=0):
    """Returns a person [T, 1, 17, 2] who stands and moves by a few px between frames."""
    rng = np.random.default_rng(seed)
    return standing(100) + rng.normal(0, 2, (len(seconds), 1, 1, 2))


@pytest.mark.parametrize("by", ["oks", "iou"])
@pytest.mark.parametrize("rate", [0.1, 0.5, 1.0, 2.0])
def test_low_frame_rates_have_ids(by, rate):
    tracker, seconds = Tracker(by=by), np.arange(12) / rate
    ids = [
        tracker(now, found(person)).ids.tolist()
        for now, person in zip(seconds, swaying(seconds), strict=True)
    ]
    assert ids == [[-1]] * 2 + [[1]] * 10


@pytest.mark.parametrize("rate", [0.1, 0.5])
@pytest.mark.parametrize(("missed", "expected"), [(1, 1), (2, 1), (3, -1)])
def test_at_low_frame_rates_the_age_limit_is_three_frames(rate, missed, expected):
    tracker, person = Tracker(), standing(100)
    numbers = [*range(5), 5 + missed]
    for number in range(6 + missed):
        poses = tracker(number / rate, found(person if number in numbers else person[:0]))
    assert poses.ids.tolist() == [expected]


def test_at_low_frame_rates_irregular_times_have_ids():
    rng = np.random.default_rng(0)
    seconds = np.cumsum(rng.uniform(6.0, 14.0, 20))
    tracker = Tracker()
    ids = [
        tracker(now, found(person)).ids.tolist()
        for now, person in zip(seconds, swaying(seconds), strict=True)
    ]
    assert ids == [[-1]] * 2 + [[1]] * 18


def test_a_single_pause_does_not_raise_the_age_limit():
    tracker, person = Tracker(), standing(100)
    run(tracker, person, 3)
    assert tracker(8.0, found(person)).ids.tolist() == [-1]
    assert run(tracker, person, 2, start=201) == [[-1], [2]]


def test_at_low_frame_rates_a_person_who_moves_far_has_no_id():
    tracker = Tracker()
    for number in range(8):
        poses = tracker(2.0 * number, found(standing(100 + 120 * number)))
        assert poses.ids.tolist() == [-1]


@pytest.mark.parametrize("then", [(132, 140), (124, 124), (116, 108)], ids=["on", "stop", "back"])
def test_at_low_frame_rates_a_motion_may_go_on_or_end(then):
    tracker = Tracker(min_hits=1)
    for number, x in enumerate((100, 108, 116, 124, *then)):
        poses = tracker(2.0 * number, found(standing(x)))
        assert poses.ids.tolist() == [1]


def test_wrong_arguments_and_times_are_refused():
    with pytest.raises(ValueError, match="expected 'oks' or 'iou'"):
        Tracker(by="size")
    with pytest.raises(ValueError, match=r"new_track_score 0.1 at least min_score 0.2"):
        Tracker(new_track_score=0.1, min_score=0.2)
    with pytest.raises(ValueError, match="must be finite, got nan"):
        Tracker()(float("nan"), found(standing(100)))
