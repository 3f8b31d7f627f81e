"""PoseTracker and SinglePersonVideo: ids, and a filter for each track."""

import gc
import weakref

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
    """Returns poses with these keypoints [P, K, 2]."""
    return Poses(keypoints, np.full(keypoints.shape[:2], 0.9), np.full(len(keypoints), 0.9))


def two_people(rng):
    """Returns two people [40, 2, 17, 2] who walk, with noise."""
    people = np.stack(
        [
            walk(TIMES, 30.0, 100.0) + np.array([60, 200]),
            walk(TIMES, -20.0, 90.0) + np.array([250, 190]),
        ],
        axis=1,
    )
    return people + rng.normal(0, 1, people.shape)


def stream(pose_tracker, frames, seconds=TIMES):
    """Returns the people of frames after tracking; the label of a frame is its number."""
    labelled = [
        (number, now, SIZE, frame)
        for number, (now, frame) in enumerate(zip(seconds, frames, strict=False))
    ]
    results = list(pose_tracker.stream(labelled))
    assert [number for number, _ in results] == list(range(len(labelled)))
    return [poses for _, poses in results]


def test_each_person_is_smoothed_by_a_separate_filter():
    rng = np.random.default_rng(0)
    people = two_people(rng)
    orders = [rng.permutation(2) for _ in people]
    frames = [found(now[order]) for now, order in zip(people, orders, strict=True)]
    filters = [OneEuro(), OneEuro()]
    for poses, now, order, seconds in zip(
        stream(PoseTracker(), frames), people, orders, TIMES, strict=True
    ):
        assert sorted(poses.ids) == [1, 2]
        expected = np.stack(
            [
                smooth(points / SIZE, seconds) * SIZE
                for smooth, points in zip(filters, now, strict=True)
            ]
        )
        assert np.allclose(poses.keypoints, expected[order])
    assert not np.allclose(expected, now)


def test_without_a_smoother_only_the_ids_change():
    frames = [found(now) for now in two_people(np.random.default_rng(1))[:3]]
    for before, after in zip(frames, stream(PoseTracker(smoother=None), frames), strict=True):
        assert after.keypoints is before.keypoints
        assert after.ids.tolist() == [1, 2]
        assert before.ids.shape == (0,)


def test_a_lost_person_starts_with_a_new_filter():
    people = two_people(np.random.default_rng(2))[:8]
    seconds = [*TIMES[:5], *(9 + TIMES[:3])]
    results = stream(PoseTracker(), map(found, people), seconds)
    assert [poses.ids.tolist() for poses in results] == [[1, 2]] * 5 + [[3, 4]] * 3
    assert np.allclose(results[5].keypoints, people[5], atol=1e-9)
    assert not np.allclose(results[6].keypoints, people[6])


def test_a_person_who_is_never_confirmed_does_not_change():
    people = two_people(np.random.default_rng(3))
    frames = [found(people[0]), found(people[1]), found(people[2, :1]), *map(found, people[3:5])]
    results = stream(PoseTracker(), frames)
    assert [poses.ids.tolist() for poses in results] == [[1, -1], [1, -1], [1], [1, -1], [1, -1]]
    for number in (0, 1, 3, 4):
        assert np.array_equal(results[number].keypoints[1], people[number, 1])


def test_earlier_frames_have_the_id_at_the_persons_index():
    one, other = np.moveaxis(two_people(np.random.default_rng(4))[:6], 1, 0)
    frames = [
        found(one[:1]),
        found(np.stack([one[1], other[1]])),
        found(np.stack([other[2], one[2]])),
        found(np.stack([other[3], one[3]])),
        found(np.stack([one[4], other[4]])),
        found(other[5:]),
    ]
    ids = [poses.ids.tolist() for poses in stream(PoseTracker(), frames)]
    assert ids == [[1], [1, 2], [2, 1], [2, 1], [1, 2], [2]]


@pytest.mark.parametrize("min_hits", [1, 2, 3, 5])
def test_a_frame_waits_for_those_that_confirm_a_track(min_hits):
    people = two_people(np.random.default_rng(5))[:8]
    read = []

    def frames():
        for number, now in enumerate(people):
            read.append(number)
            yield number, TIMES[number], SIZE, found(now)

    waited = [
        len(read) - number - 1
        for number, poses in PoseTracker(Tracker(min_hits=min_hits)).stream(frames())
    ]
    assert waited == [min_hits - 1] * (9 - min_hits) + list(range(min_hits - 2, -1, -1))


@pytest.mark.parametrize("length", [0, 1, 2])
def test_a_video_that_is_too_short_for_ids_is_complete(length):
    frames = [found(now) for now in two_people(np.random.default_rng(6))[:length]]
    results = stream(PoseTracker(), frames)
    assert [poses.ids.tolist() for poses in results] == [[-1, -1]] * length


def test_an_error_is_raised_after_the_frames_before_it():
    people = two_people(np.random.default_rng(7))[:4]

    def frames():
        for number, now in enumerate(people):
            yield number, TIMES[number], SIZE, found(now)
        raise OSError("broken")

    results = PoseTracker().stream(frames())
    assert [next(results)[0] for _ in people] == [0, 1, 2, 3]
    with pytest.raises(OSError, match="broken"):
        next(results)


def test_filters_are_dropped_with_their_tracks():
    made = weakref.WeakSet()

    def smoother():
        smooth = OneEuro()
        made.add(smooth)
        return smooth

    people = two_people(np.random.default_rng(8))
    seconds = np.concatenate([10 * part + TIMES[:5] for part in range(20)])
    frames = [found(people[n % 5]) for n in range(100)]
    pose_tracker = PoseTracker(smoother=smoother)
    assert stream(pose_tracker, frames, seconds)[-1].ids.tolist() == [39, 40]
    gc.collect()
    assert len(made) == 2


class KnownPerson:
    """A codec that returns the true person of the test, whatever the maps are."""

    skeleton = COCO_17
    input_size = (96, 96)
    alignment = "published"
    border = 0
    by_area = False

    def __init__(self):
        self.score = 0.9
        self.truth = np.zeros((17, 2))
        self.windows = []

    def size_of(self, window):
        return self.input_size

    def decode(self, maps: Maps):
        """Returns the true person in input px of the last window."""
        to_input = self.windows[-1].to_input(self.input_size)
        keypoints = geometry.move(self.truth, to_input)[None]
        return [Poses(keypoints, np.full((1, 17), self.score), np.array([self.score]))]


class RecordingPredictor(Predictor):
    """A predictor that records the windows in its codec."""

    def predict_window(self, image, window):
        self.codec.windows.append(window)
        return super().predict_window(image, window)


@pytest.fixture
def video():
    codec = KnownPerson()
    return codec, SinglePersonVideo(RecordingPredictor(lambda crops: {"maps": crops}, codec))


def test_the_next_window_is_around_the_person_and_keypoints_are_smoothed(video):
    codec, pose_tracker = video
    image = np.zeros((*SIZE[::-1], 3), np.uint8)
    rng = np.random.default_rng(0)
    truth = squats(TIMES, height=120.0) + 60
    results = []
    for seconds, now in zip(TIMES, truth + rng.normal(0, 0.5, truth.shape), strict=True):
        codec.truth = now
        results.append(pose_tracker(seconds, image))
    assert codec.windows[0] == whole_square(SIZE)
    for window, poses, now in zip(codec.windows[1:], results[:-1], truth[1:], strict=True):
        low, high = (np.array(window.center) + sign * np.array(window.size) / 2 for sign in (-1, 1))
        assert ((low < now) & (now < high)).all()
        assert window.size[0] < 240
        assert poses.ids.tolist() == [1]
    last = results[-1]
    assert last.windows[0, :2] + last.windows[0, 2:] / 2 == pytest.approx(codec.windows[-1].center)
    smoothed = np.stack([poses.keypoints[0] for poses in results])
    assert not np.allclose(smoothed[-1], codec.truth)
    assert np.abs(smoothed - truth).mean() < 1.0


def test_after_a_lost_person_the_window_is_the_whole_image_and_the_id_is_new(video):
    codec, pose_tracker = video
    image = np.zeros((*SIZE[::-1], 3), np.uint8)
    codec.truth = squats(TIMES[:1], height=120.0)[0] + 60
    for seconds in TIMES[:3]:
        pose_tracker(seconds, image)
    codec.score = 0.2
    empty = pose_tracker(TIMES[3], image)
    assert empty.keypoints.shape == (0, 17, 2)
    assert empty.scores.shape == (0, 17)
    codec.score = 0.9
    codec.truth = codec.truth + 20
    again = pose_tracker(TIMES[4], image)
    assert codec.windows[4] == whole_square(SIZE)
    assert again.ids.tolist() == [2]
    assert np.allclose(again.keypoints[0], codec.truth)  # a new filter
