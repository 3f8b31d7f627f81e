"""Tracking of badly detected people in a synthetic video, measured with motmetrics.

The people cross, enter and leave. IDF1 is the F1 score of detections with the right identity
(Ristani et al., 2016); a switch is a change of a person's id. A detected person matches a true one
if the mean distance of their joints is at most 0.25 of the true person's height.
"""

import motmetrics
import numpy as np
import pytest

from paddle_pose.data.synthetic.motion import crossing_people
from paddle_pose.structures import Poses
from paddle_pose.tracking.pose_tracker import PoseTracker
from paddle_pose.tracking.tracker import Tracker

SIZE = (640, 360)
FRAMES = crossing_people(size=SIZE)


def heights(people):
    return np.ptp(people[..., 1], axis=-1)


def hidden(people):
    """Returns which people are hidden by a nearer person, whose feet are lower in the image."""
    middle, feet = people[..., 0].mean(axis=1), people[..., 1].max(axis=1)
    near = np.abs(middle - middle[:, None]) < 0.08 * heights(people)[:, None]
    return (near & (feet > feet[:, None])).any(axis=1)


def badly_found(frame, rng):
    """Returns the detected people of a frame in random order, with errors.

    Joints have noise, one in ten is at a wrong position; one person in twelve and the hidden ones
    are missed, and false people are added.
    """
    there = ~hidden(frame.keypoints) & (rng.random(len(frame.ids)) > 0.08)
    people = frame.keypoints[there]
    people = people + rng.normal(0, 0.012, people.shape) * heights(people)[:, None, None]
    scores = rng.uniform(0.35, 0.95, people.shape[:2])
    wrong = rng.random(scores.shape) < 0.1
    people = np.where(wrong[..., None], people + rng.normal(0, 40, people.shape), people)
    scores = np.where(wrong, 0.1, scores)
    if rng.random() < 0.1:
        people = np.concatenate([people, rng.uniform((0, 0), SIZE) + rng.normal(0, 30, (1, 17, 2))])
        scores = np.concatenate([scores, rng.uniform(0.3, 0.5, (1, 17))])
    order = rng.permutation(len(people))
    return Poses(people[order], scores[order], scores[order].mean(axis=1))


def judged(tracked):
    """Returns IDF1, id switches and false positives of tracked people."""
    account = motmetrics.MOTAccumulator(auto_id=True)
    for frame, poses in zip(FRAMES, tracked, strict=True):
        people, known = frame.keypoints, poses.ids > 0
        apart = np.linalg.norm(people[:, None] - poses.keypoints[known], axis=-1).mean(axis=-1)
        apart = apart / heights(people)[:, None]
        account.update(frame.ids, poses.ids[known], np.where(apart <= 0.25, apart, np.nan))
    names = ["idf1", "num_switches", "num_false_positives"]
    return motmetrics.metrics.create().compute(account, metrics=names).iloc[0].to_dict()


def pose_tracker(seed, tracker):
    """Returns the tracking scores of the video of a seed."""
    rng = np.random.default_rng(seed)
    frames = [(None, frame.seconds, SIZE, badly_found(frame, rng)) for frame in FRAMES]
    return [poses for _, poses in PoseTracker(tracker).stream(frames)]


def seen_in_full(ids):
    return [
        Poses(
            frame.keypoints,
            np.ones(frame.keypoints.shape[:2]),
            np.ones(len(frame.ids)),
            ids=ids(frame),
        )
        for frame in FRAMES
    ]


def test_score_of_a_perfect_and_of_a_wrong_tracking():
    assert judged(seen_in_full(lambda frame: frame.ids))["idf1"] == 1.0
    late = FRAMES[-1].seconds / 2
    swapped = judged(
        seen_in_full(
            lambda frame: np.choose(frame.ids * (frame.seconds > late), [frame.ids, 2, 1, 3, 4, 5])
        )
    )
    assert swapped["num_switches"] == 2
    assert swapped["idf1"] < 0.9


@pytest.mark.parametrize("by", ["oks", "iou"])
def test_exactly_detected_people_are_tracked_in_every_frame(by):
    people = seen_in_full(lambda frame: frame.ids)
    frames = [
        (None, frame.seconds, SIZE, poses) for frame, poses in zip(FRAMES, people, strict=True)
    ]
    pose_tracker = PoseTracker(Tracker(by=by), smoother=None)
    tracked = [poses for _, poses in pose_tracker.stream(frames)]
    result = judged(tracked)
    assert result["num_switches"] == 0
    assert result["idf1"] == 1.0
    assert set(np.concatenate([poses.ids for poses in tracked])) == {1, 2, 3, 4, 5}


@pytest.mark.parametrize("seed", range(3))
def test_badly_detected_people_keep_their_ids(seed):
    result = judged(pose_tracker(seed, Tracker()))
    assert result["num_switches"] == 0
    assert result["num_false_positives"] == 0
    assert result["idf1"] > 0.88  # about one person in six is hidden or missed in a frame


def test_motion_and_new_track_rules_improve_tracking():
    whole, still, hasty = (
        judged(pose_tracker(0, Tracker(**rules)))
        for rules in ({}, {"motion": False}, {"min_hits": 1})
    )
    assert whole["idf1"] > still["idf1"] + 0.1
    assert still["num_switches"] >= 3
    assert hasty["num_false_positives"] >= 5
