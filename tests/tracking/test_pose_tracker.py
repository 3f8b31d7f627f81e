"""PoseTracker and SinglePersonVideo: smoothing belongs to a person, and ends with them."""

import numpy as np
import pytest

from paddle_pose import geometry
from paddle_pose.codecs.base import Maps
from paddle_pose.data.synthetic.motion import squats, walk
from paddle_pose.inference.predictor import Predictor
from paddle_pose.skeletons import COCO_17
from paddle_pose.structures import Poses
from paddle_pose.tracking.crop_region import whole_square
from paddle_pose.tracking.one_euro import OneEuro
from paddle_pose.tracking.pose_tracker import PoseTracker, SinglePersonVideo
from paddle_pose.tracking.tracker import Tracker

SIZE = (320, 240)
TIMES = np.arange(40) * 0.04


def found(keypoints):
    return Poses(keypoints, np.full(keypoints.shape[:2], 0.9), np.full(len(keypoints), 0.9))


def two_people(rng):
    people = np.stack(
        [
            walk(TIMES, 30.0, 100.0) + np.array([60, 200]),
            walk(TIMES, -20.0, 90.0) + np.array([250, 190]),
        ],
        axis=1,
    )
    return people + rng.normal(0, 1, people.shape)


def test_everybody_is_smoothed_by_a_filter_of_their_own():
    rng = np.random.default_rng(0)
    people, pose_tracker = two_people(rng), PoseTracker(Tracker(min_hits=1))
    alone = [OneEuro(), OneEuro()]
    for seconds, now in zip(TIMES, people, strict=True):
        order = rng.permutation(2)
        poses = pose_tracker(seconds, SIZE, found(now[order]))
        assert sorted(poses.ids) == [1, 2]
        expected = np.stack(
            [
                smooth(points / SIZE, seconds) * SIZE
                for smooth, points in zip(alone, now, strict=True)
            ]
        )
        assert np.allclose(poses.keypoints, expected[order])
    assert not np.allclose(expected, now)


def test_without_a_smoother_only_ids_come():
    poses = found(two_people(np.random.default_rng(1))[0])
    tracked = PoseTracker(Tracker(min_hits=1), smoother=None)(0.0, SIZE, poses)
    assert tracked.keypoints is poses.keypoints
    assert tracked.ids.tolist() == [1, 2]


def test_who_is_lost_comes_back_unsmoothed():
    people, pose_tracker = two_people(np.random.default_rng(2)), PoseTracker(Tracker(min_hits=1))
    for seconds, now in zip(TIMES[:5], people, strict=False):
        pose_tracker(seconds, SIZE, found(now))
    later = pose_tracker(9.0, SIZE, found(people[5]))
    assert later.ids.tolist() == [3, 4]
    assert np.allclose(later.keypoints, people[5], atol=1e-9)


def test_who_has_no_id_is_left_alone():
    people = two_people(np.random.default_rng(3))
    poses = PoseTracker()(0.0, SIZE, found(people[0]))
    assert poses.ids.tolist() == [-1, -1]
    assert np.array_equal(poses.keypoints, people[0])


class Answers:
    """A codec that finds whoever the test puts there, in the window it is asked about."""

    skeleton, input_size, alignment = COCO_17, (96, 96), "published"

    def __init__(self):
        self.score, self.truth, self.windows = 0.9, np.zeros((17, 2)), []

    def decode(self, maps: Maps):
        """The truth, in the window looked through last."""
        to_input = self.windows[-1].to_input(self.input_size)
        keypoints = geometry.move(self.truth, to_input)[None]
        return [Poses(keypoints, np.full((1, 17), self.score), np.array([self.score]))]


class Spy(Predictor):
    """Tells the codec which window is looked through."""

    def through(self, image, window):
        self.codec.windows.append(window)
        return super().through(image, window)


@pytest.fixture
def video():
    codec = Answers()
    return codec, SinglePersonVideo(Spy(lambda crops: {"maps": crops}, codec))


def test_the_next_look_is_round_the_person_and_smooth(video):
    codec, pose_tracker = video
    image, rng = np.zeros((*SIZE[::-1], 3), np.uint8), np.random.default_rng(0)
    truth = squats(TIMES, height=120.0) + 60
    answers = []
    for seconds, now in zip(TIMES, truth + rng.normal(0, 0.5, truth.shape), strict=True):
        codec.truth = now
        answers.append(pose_tracker(seconds, image))
    assert codec.windows[0] == whole_square(SIZE)
    for window, poses, now in zip(codec.windows[1:], answers[:-1], truth[1:], strict=True):
        low, high = (np.array(window.center) + sign * np.array(window.size) / 2 for sign in (-1, 1))
        assert ((low < now) & (now < high)).all()
        assert window.size[0] < 240
        assert poses.ids.tolist() == [1]
    last = answers[-1]
    assert last.windows[0, :2] + last.windows[0, 2:] / 2 == pytest.approx(codec.windows[-1].center)
    smoothed = np.stack([poses.keypoints[0] for poses in answers])
    assert not np.allclose(smoothed[-1], codec.truth)
    assert np.abs(smoothed - truth).mean() < 1.0


def test_who_is_lost_is_looked_for_everywhere_and_counts_anew(video):
    codec, pose_tracker = video
    image = np.zeros((*SIZE[::-1], 3), np.uint8)
    codec.truth = squats(TIMES[:1], height=120.0)[0] + 60
    for seconds in TIMES[:3]:
        pose_tracker(seconds, image)
    codec.score = 0.2
    nobody = pose_tracker(TIMES[3], image)
    assert nobody.keypoints.shape == (0, 17, 2)
    assert nobody.scores.shape == (0, 17)
    codec.score, codec.truth = 0.9, codec.truth + 20
    again = pose_tracker(TIMES[4], image)
    assert codec.windows[4] == whole_square(SIZE)
    assert again.ids.tolist() == [2]
    assert np.allclose(again.keypoints[0], codec.truth)  # nothing of the past is mixed in
