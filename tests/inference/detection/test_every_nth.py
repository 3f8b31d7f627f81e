"""EveryNth: on which frames the detector runs, and the boxes between."""

import numpy as np
import pytest

from paddle_pose.inference.detection.base import Detections
from paddle_pose.inference.detection.every_nth import EveryNth
from paddle_pose.structures import Poses

IMAGE = np.zeros((200, 400, 3), np.uint8)
JOINTS = np.array([[0.0, 0.0], [40.0, 0.0], [20.0, 50.0], [0.0, 100.0], [40.0, 100.0]])
NO_PEOPLE = Poses(np.zeros((0, 5, 2)), np.zeros((0, 5)), np.zeros(0))


class Detector:
    """A detector that always returns the same boxes, and counts its runs."""

    def __init__(self, boxes):
        self.boxes = boxes
        self.calls = 0

    def __call__(self, image):
        self.calls += 1
        return Detections(np.array(self.boxes, float).reshape(-1, 4), np.ones(len(self.boxes)))


def people_at(*lefts, score=1.0):
    """Returns people whose left foot is at these x."""
    keypoints = np.array([JOINTS + np.array([x, 20]) for x in lefts])
    return Poses(keypoints, np.full((len(lefts), 5), score), np.ones(len(lefts)))


@pytest.mark.parametrize(("n", "calls"), [(1, 20), (5, 4), (7, 3)])
def test_the_detector_runs_on_every_nth_frame_and_poses_give_the_boxes_between(n, calls):
    detector = Detector([[0, 0, 60, 120]])
    every_nth = EveryNth(detector, n)
    previous = None
    for frame in range(20):
        before = detector.calls
        ((box,), (score,)) = every_nth.boxes(frame, IMAGE, previous)
        assert score == 1.0
        if detector.calls == before:
            # Around the joints of the previous frame, with a margin of a tenth of 100 px.
            assert box.tolist() == [4.0 * (frame - 1) - 10, 10.0, 60.0, 120.0]
        else:
            assert box.tolist() == [0.0, 0.0, 60.0, 120.0]
        previous = people_at(4.0 * frame)
    assert detector.calls == calls


def test_the_detector_runs_at_once_if_all_people_are_lost():
    detector = Detector([[0, 0, 60, 120]])
    every_nth = EveryNth(detector, 10)
    every_nth.boxes(0, IMAGE, None)
    moved = every_nth.boxes(1, IMAGE, people_at(0, 100))
    assert moved.boxes[1].tolist() == [90.0, 10.0, 60.0, 120.0]
    assert detector.calls == 1
    every_nth.boxes(2, IMAGE, people_at(0, score=0.1))
    assert detector.calls == 2
    assert len(every_nth.boxes(11, IMAGE, people_at(0)).scores) == 1  # counted from the last run
    assert detector.calls == 2
    every_nth.boxes(12, IMAGE, people_at(0))
    assert detector.calls == 3


def test_after_no_people_the_detector_runs_on_the_nth_frame():
    detector = Detector([])
    every_nth = EveryNth(detector, 5)
    found = [every_nth.boxes(frame, IMAGE, NO_PEOPLE if frame else None) for frame in range(10)]
    assert [len(each.scores) for each in found] == [0] * 10
    assert detector.calls == 2


def test_skipped_frames_count_and_another_video_starts_with_the_detector():
    detector = Detector([[0, 0, 60, 120]])
    every_nth = EveryNth(detector, 5)
    for frame in (3, 6, 9, 2, 4):
        every_nth.boxes(frame, IMAGE, people_at(0))
    assert detector.calls == 3  # at 3, 9 and 2


def test_joints_below_the_minimum_score_are_left_out():
    poses = people_at(0)
    poses.scores[0, :2] = 0.4
    boxes = []
    for min_score in (0.3, 0.5):
        every_nth = EveryNth(Detector([[0, 0, 60, 120]]), 5, min_keypoint_score=min_score)
        every_nth.boxes(0, IMAGE, None)
        boxes.append(every_nth.boxes(1, IMAGE, poses).boxes.tolist())
    assert boxes == [[[-10.0, 10.0, 60.0, 120.0]], [[-5.0, 65.0, 50.0, 60.0]]]


def test_the_score_of_a_box_stays_with_the_person():
    every_nth = EveryNth(Detector([[0, 0, 60, 120]]), 5)
    every_nth.boxes(0, IMAGE, None)
    poses = people_at(0, 100, score=0.5)
    poses.person_scores[:] = (0.2, 0.4)  # boxes of 0.4 and 0.8
    moved = every_nth.boxes(1, IMAGE, poses)
    assert moved.scores == pytest.approx([0.8, 0.4])
    assert moved.boxes[:, 0].tolist() == [90.0, -10.0]


def test_n_below_one_is_refused():
    with pytest.raises(ValueError, match="0"):
        EveryNth(Detector([]), 0)
