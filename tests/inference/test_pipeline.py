"""The stream of frames: boxes, poses, one person, and tracking of each video by itself."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from paddle_pose.codecs.base import Maps
from paddle_pose.codecs.heatmap import HeatmapCodec
from paddle_pose.data.synthetic.motion import walk
from paddle_pose.errors import InputError
from paddle_pose.inference import pipeline
from paddle_pose.inference.detection.base import Detections
from paddle_pose.inference.predictor import Predictor
from paddle_pose.inference.two_stage import PoseDetector
from paddle_pose.io.boxes import Boxes
from paddle_pose.io.frames import Frame, Source
from paddle_pose.skeletons import COCO_17
from paddle_pose.structures import Poses
from paddle_pose.tracking.one_euro import OneEuro

SIZE = (320, 240)
PIXELS = np.full((48, 64, 3), 90, np.uint8)
IMAGE = Source("image", Path("a/x.jpg"), Path("x"))
VIDEO = Source("video", Path("b/x.mp4"), Path("x"))
OTHER = Source("video", Path("c/x.mp4"), Path("x_2"))
CAMERA = Source("camera", Path("0"), Path("camera_0"))


def walking(frames, seed=0):
    """Returns a person who walks, with noise, for each of some frames."""
    rng = np.random.default_rng(seed)
    walker = walk(np.arange(frames) * 0.04, 40.0, 100.0) + np.array([60, 200])
    return [
        Poses(person[None], np.full((1, 17), 0.9), np.ones(1))
        for person in walker + rng.normal(0, 1, walker.shape)
    ]


def film(source, frames, seed=0):
    """Returns frames of a source with the person who walks."""
    return [
        (Frame(source, PIXELS, index, index * 0.04), poses)
        for index, poses in enumerate(walking(frames, seed))
    ]


def test_each_video_is_tracked_by_itself_and_images_are_not():
    image = [(Frame(IMAGE, PIXELS), poses) for poses in walking(1)]
    found = film(VIDEO, 4) + image + film(CAMERA, 5, seed=1) + film(OTHER, 2)
    after = list(pipeline.tracked(iter(found), COCO_17, "oks"))
    assert [frame for frame, _ in after] == [frame for frame, _ in found]
    ids = [poses.ids.tolist() for _, poses in after]
    assert ids == [[1]] * 4 + [[]] + [[1]] * 5 + [[-1]] * 2
    for (_, before), (_, poses) in zip(found, after, strict=True):
        assert poses.keypoints is before.keypoints


def test_without_tracking_nothing_changes_and_no_frame_waits():
    found = film(VIDEO, 5)
    read = []
    results = pipeline.tracked((read.append(pair) or pair for pair in found), COCO_17)
    for number, pair in enumerate(found, start=1):
        assert next(results) is pair
        assert len(read) == number


@pytest.mark.parametrize(
    ("track", "smooth"),
    [("oks", False), ("iou", False), (None, True), ("oks", True), ("iou", True)],
)
def test_ids_and_smoothing_are_as_requested(track, smooth):
    found = film(VIDEO, 12)
    results = list(pipeline.tracked(found, COCO_17, track, smooth))
    assert [poses.ids.tolist() for _, poses in results] == [[1]] * 12
    changed = [
        not np.allclose(before.keypoints, after.keypoints)
        for (_, before), (_, after) in zip(found[1:], results[1:], strict=True)
    ]
    assert all(changed) if smooth else not any(changed)
    assert np.allclose(found[0][1].keypoints, results[0][1].keypoints)


def test_a_smoothed_person_does_not_jump_when_the_track_is_confirmed():
    found = film(VIDEO, 30)
    smooth = OneEuro()
    for (frame, before), (_, after) in zip(
        found, pipeline.tracked(found, COCO_17, smooth=True), strict=True
    ):
        expected = smooth(before.keypoints[0] / frame.size, frame.seconds) * frame.size
        assert np.allclose(after.keypoints[0], expected)


@pytest.mark.parametrize("last", [0, 1, 2, 6])
def test_after_an_early_end_the_waiting_frames_are_yielded(last):
    read, seen = [], []
    found = pipeline.until(
        (read.append(pair) or pair for pair in film(VIDEO, 20)), lambda: len(seen) > last
    )
    for pair in pipeline.tracked(found, COCO_17, "oks"):
        seen.append(pair)
    assert [frame.index for frame, _ in seen] == list(range(last + 3))
    assert len(read) == last + 3
    assert [poses.ids.tolist() for _, poses in seen] == [[1]] * (last + 3)


def test_boxes_are_those_of_a_file_or_none():
    boxes = Boxes(Path("boxes.json"), {"x.jpg": [(1.0, 2.0, 3.0, 4.0)]}, {}, {}, complete=False)
    frames = [Frame(IMAGE, PIXELS), Frame(VIDEO, PIXELS, 1)]
    (_, first), (_, second) = pipeline.with_boxes(frames, boxes)
    assert (first.boxes.tolist(), first.scores.tolist(), second) == (
        [[1.0, 2.0, 3.0, 4.0]],
        [1.0],
        None,
    )
    assert [found for _, found in pipeline.with_boxes(frames)] == [None, None]


@dataclass(frozen=True)
class Stub:
    source: str
    seconds: float
    pixels: np.ndarray = field(default_factory=lambda: np.zeros((*SIZE[::-1], 3), np.uint8))


class Standing(HeatmapCodec):
    """A codec that finds a standing person in every window."""

    kind = "standing"

    def decode(self, maps: Maps):
        return [Poses(walk(np.zeros(1), 0.0, 50.0) + 40, np.full((1, 17), 0.9), np.ones(1))] * len(
            maps["maps"]
        )


def test_one_person_is_tracked_in_each_source_by_itself():
    predictor = Predictor(lambda crops: {"maps": crops}, Standing(COCO_17, (96, 96)))
    frames = [Stub(name, n / 25) for name in ("a.mp4", "b.mp4", "c.png") for n in range(3)]
    found = list(pipeline.one_person(frames, predictor, smooth=True))
    assert [frame for frame, _ in found] == frames
    assert all(poses.ids.tolist() == [1] for _, poses in found)
    whole = [poses.windows[0].tolist() == [0, -40, 320, 320] for _, poses in found]
    assert whole == [True, False, False] * 3


@pytest.mark.parametrize(("min_score", "number"), [(0.5, 1), (1.5, 0)])
def test_the_people_of_a_pose_detector_are_boxes(min_score, number):
    detector = PoseDetector(
        Predictor(lambda crops: {"maps": crops}, Standing(COCO_17, (96, 96))), min_score
    )
    frames = [Frame(VIDEO, np.zeros((*SIZE[::-1], 3), np.uint8), n) for n in range(3)]
    boxed = list(pipeline.with_boxes(frames, detector=detector))
    assert [frame for frame, _ in boxed] == frames
    assert [len(found.boxes) for _, found in boxed] == [number] * 3


def test_a_detector_may_be_any_function_and_its_result_is_checked():
    image = np.zeros((60, 80, 3), np.uint8)

    def detected(boxes):
        return pipeline.detected(lambda pixels: (np.array(boxes), np.ones(len(boxes))), image)

    assert detected([]).boxes.shape == (0, 4)
    found = detected([[1, 2, 3, 4], [5, 5, 0, 9]])
    assert (found.boxes.tolist(), found.scores.tolist()) == ([[1.0, 2.0, 3.0, 4.0]], [1.0])
    for wrong in ([[1, 2, 3]], [[1, 2, 3, float("nan")]], [1, 2, 3, 4]):
        with pytest.raises(InputError):
            detected(wrong)


def standing(count):
    """Returns people of 50 px beside each other, with their boxes."""
    one = walk(np.zeros(1), 0.0, 50.0) + np.array([60.0, 80.0])
    keypoints = np.concatenate([one + np.array([60.0 * n, 0.0]) for n in range(count)])
    boxes = np.array([[30.0 + 60 * n, 0, 60, 120] for n in range(count)])
    return Poses(
        keypoints, np.full((count, 17), 0.5), np.full(count, 0.5), boxes=boxes, windows=boxes
    )


def test_detected_people_are_scored_by_box_and_joints_and_sorted():
    poses = standing(3)
    poses.scores[1, :10] = 0.1  # they do not count: the mean of the others is the same
    found = Detections(poses.boxes[::-1], np.array([0.9, 0.6, 0.3]))
    scored = pipeline.rescored(poses, found, COCO_17)
    assert scored.person_scores == pytest.approx([0.45, 0.3, 0.15])
    assert scored.boxes.tolist() == poses.boxes[::-1].tolist()
    assert np.array_equal(scored.keypoints, poses.keypoints[::-1])


def test_of_two_equal_people_the_one_with_the_lower_score_is_left_out():
    poses = standing(2)
    twice = replace(poses, keypoints=poses.keypoints[[0, 0]] + np.array([[[0.0]], [[0.1]]]))
    scored = pipeline.rescored(twice, Detections(poses.boxes, np.array([0.4, 0.8])), COCO_17)
    assert scored.person_scores == pytest.approx([0.4])
    apart = pipeline.rescored(poses, Detections(poses.boxes, np.array([0.4, 0.8])), COCO_17)
    assert len(apart.scores) == 2


@pytest.mark.parametrize(("shift", "number"), [(7.0, 1), (8.0, 2)])
def test_of_two_similar_people_one_is_left_out(shift, number):
    poses = standing(2)  # the OKS in windows of 60 x 120 px is 0.73 at 7 px and 0.68 at 8 px
    similar = replace(poses, keypoints=poses.keypoints[[0, 0]] + [[[0.0, 0.0]], [[shift, 0.0]]])
    scored = pipeline.rescored(similar, Detections(poses.boxes, np.array([0.4, 0.8])), COCO_17)
    assert len(scored.scores) == number


def test_joints_that_nobody_sees_do_not_tell_two_people_apart():
    poses = standing(2)
    same = replace(poses, keypoints=poses.keypoints[[0, 0]])
    same.keypoints[1, 8:] += 50.0
    found = Detections(poses.boxes, np.array([0.4, 0.8]))
    assert len(pipeline.rescored(same, found, COCO_17).scores) == 2
    same.scores[:, 8:] = 0.01
    assert len(pipeline.rescored(same, found, COCO_17).scores) == 1


def test_people_below_a_threshold_are_left_out_with_all_their_arrays():
    poses = replace(standing(3), person_scores=np.array([0.9, 0.2, 0.19]), ids=np.array([7, 8, 9]))
    kept = pipeline.confident(poses, 0.2)
    assert kept.person_scores.tolist() == [0.9, 0.2]
    assert kept.ids.tolist() == [7, 8]
    for name in ("keypoints", "scores", "boxes", "windows"):
        assert np.array_equal(getattr(kept, name), getattr(poses, name)[:2])
    assert pipeline.confident(poses, None) is poses
    tracked = replace(poses, ids=np.array([7, -1, 9]))
    assert pipeline.confident(tracked, 0.5, keep_tracked=True).ids.tolist() == [7, 9]
    assert pipeline.confident(tracked, 0.5).ids.tolist() == [7]
    assert len(pipeline.confident(replace(poses, ids=np.zeros(0, int)), 2.0).ids) == 0


def test_the_default_threshold_is_for_the_people_of_box_detectors_only():
    def detector(image):
        return np.zeros((0, 4)), np.zeros(0)

    several = PoseDetector(Predictor(lambda crops: {}, Standing(COCO_17, (96, 96))))
    assert pipeline.person_threshold(None, detector) == pipeline.PERSON_THRESHOLD
    assert pipeline.person_threshold(None, None) is None
    assert pipeline.person_threshold(None, several) is None
    assert [pipeline.person_threshold(0.5, one) for one in (detector, several, None)] == [0.5] * 3
    assert pipeline.person_threshold(0.0, detector) == 0.0


def test_a_detected_person_without_a_visible_joint_is_left_out():
    poses = standing(2)
    poses.scores[0] = 0.2  # none above 0.2
    scored = pipeline.rescored(poses, Detections(poses.boxes, np.array([0.9, 0.5])), COCO_17)
    assert scored.boxes.tolist() == poses.boxes[1:].tolist()


def test_in_videos_the_detector_runs_on_every_nth_frame_and_on_all_images():
    calls = []

    def detector(image):
        calls.append(1)
        return np.array([[100.0, 60.0, 120.0, 120.0]]), np.array([0.9])

    predictor = Predictor(lambda crops: {"maps": crops}, Standing(COCO_17, (96, 96)))
    pixels = np.zeros((*SIZE[::-1], 3), np.uint8)
    frames = [Frame(VIDEO, pixels, n) for n in range(7)]
    found = list(pipeline.predict_videos(frames, predictor, detector, every=3))
    assert [frame.index for frame, _ in found] == list(range(7))
    assert len(calls) == 3
    assert all(poses.person_scores == pytest.approx([0.81]) for _, poses in found)
    other = Source("image", Path("y.jpg"), Path("y"))
    images = [Frame(IMAGE, pixels), Frame(other, pixels)]
    list(pipeline.predict_videos(images, predictor, detector, every=3))
    assert len(calls) == 5
