"""The stream of frames: boxes for each, one person, and steps that every video begins anew."""

from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from paddle_pose.codecs.base import Maps
from paddle_pose.data.synthetic.motion import walk
from paddle_pose.errors import InputError
from paddle_pose.inference import pipeline
from paddle_pose.inference.predictor import Predictor
from paddle_pose.inference.two_stage import PoseDetector
from paddle_pose.io.boxes import Boxes
from paddle_pose.io.frames import Frame, Source
from paddle_pose.skeletons import COCO_17
from paddle_pose.structures import Poses

SIZE, TIMES = (320, 240), np.arange(12) * 0.04
PIXELS = np.full((48, 64, 3), 90, np.uint8)
IMAGE = Source("image", Path("a/x.jpg"), Path("x"))
VIDEO = Source("video", Path("b/x.mp4"), Path("x"))
CAMERA = Source("camera", Path("0"), Path("camera_0"))


def poses(people=1, ids=()):
    keypoints = np.arange(people * 4.0).reshape(people, 2, 2)
    return Poses(keypoints, np.full((people, 2), 0.5), np.full(people, 0.25), ids=np.array(ids, np.int64))


def test_each_video_has_steps_of_its_own_and_images_have_none():
    made = count()

    def maker():
        number = next(made)
        return lambda index, seconds, size, poses: replace(poses, ids=np.array([100 * number + index]))

    def twice():
        return lambda index, seconds, size, poses: replace(poses, ids=poses.ids * 2)

    frames = [Frame(IMAGE, PIXELS), Frame(VIDEO, PIXELS, 0), Frame(VIDEO, PIXELS, 1, 0.5), Frame(CAMERA, PIXELS, 3)]
    after = pipeline.tracked(((frame, poses()) for frame in frames), [maker, twice])
    assert [found.ids.tolist() for _, found in after] == [[], [0], [2], [206]]


def through(**wanted):
    """A noisy walk through the steps that are asked for: what was found, what came out."""
    rng, walker = np.random.default_rng(0), walk(TIMES, 40.0, 100.0) + np.array([60, 200])
    found = [Poses(p[None], np.full((1, 17), 0.9), np.ones(1)) for p in walker + rng.normal(0, 1, walker.shape)]
    steps = [make() for make in pipeline.tracking_steps(COCO_17, **wanted)]
    results = []
    for index, (seconds, poses) in enumerate(zip(TIMES, found, strict=True)):
        for step in steps:
            poses = step(index, float(seconds), SIZE, poses)
        results.append(poses)
    return found, results


def test_without_tracking_nothing_happens():
    found, results = through()
    assert results == found


@pytest.mark.parametrize(
    "wanted", [{"track": "oks"}, {"track": "iou"}, {"smooth": True}, {"smooth": True, "track": "oks"}], ids=str
)
def test_ids_and_smoothing_come_as_asked_for(wanted):
    found, results = through(**wanted)
    assert [poses.ids.tolist() for poses in results] == [[-1]] * 2 + [[1]] * 10
    changed = [not np.allclose(a.keypoints, b.keypoints) for a, b in zip(found[3:], results[3:], strict=True)]
    assert all(changed) if "smooth" in wanted else not any(changed)


def test_boxes_come_from_a_file_or_from_nowhere():
    boxes = Boxes(Path("boxes.json"), {"x.jpg": [(1.0, 2.0, 3.0, 4.0)]}, {}, {}, complete=False)
    frames = [Frame(IMAGE, PIXELS), Frame(VIDEO, PIXELS, 1)]
    assert [found for _, _, found in pipeline.framed(frames, boxes)] == [[(1.0, 2.0, 3.0, 4.0)], None]
    assert [found for _, _, found in pipeline.framed(frames)] == [None, None]


@dataclass(frozen=True)
class Stub:
    source: str
    seconds: float


class Standing:
    """A codec that finds somebody in every window."""

    skeleton, input_size, alignment = COCO_17, (96, 96), "published"

    def decode(self, maps: Maps):
        return [Poses(walk(np.zeros(1), 0.0, 50.0) + 40, np.full((1, 17), 0.9), np.ones(1))] * len(maps["maps"])


def test_one_person_begins_anew_with_every_source():
    predictor, image = Predictor(lambda crops: {"maps": crops}, Standing()), np.zeros((*SIZE[::-1], 3), np.uint8)
    frames = [Stub(name, n / 25) for name in ("a.mp4", "b.mp4", "c.png") for n in range(3)]
    found = list(pipeline.one_person(((frame, image, None) for frame in frames), predictor, smooth=True))
    assert [frame for frame, _ in found] == frames
    assert all(poses.ids.tolist() == [1] for _, poses in found)
    whole = [poses.windows[0].tolist() == [0, -40, 320, 320] for _, poses in found]
    assert whole == [True, False, False] * 3


@pytest.mark.parametrize(("least", "number"), [(0.5, 1), (1.5, 0)])
def test_a_detectors_people_become_boxes(least, number):
    detector = PoseDetector(Predictor(lambda crops: {"maps": crops}, Standing()), least)
    frames = [Frame(VIDEO, np.zeros((*SIZE[::-1], 3), np.uint8), n) for n in range(3)]
    framed = list(pipeline.framed(frames, detector=detector))
    assert [frame for frame, _, _ in framed] == frames
    assert [len(boxes) for _, _, boxes in framed] == [number] * 3


def test_a_detector_is_any_function_and_what_it_returns_is_checked():
    image = np.zeros((60, 80, 3), np.uint8)

    def detected(boxes):
        return pipeline.detected(lambda pixels: (np.array(boxes), np.ones(len(boxes))), image)

    assert pipeline.detected(None, image) is None
    assert detected([]) == []
    assert detected([[1, 2, 3, 4], [5, 5, 0, 9]]) == [(1.0, 2.0, 3.0, 4.0)]
    for wrong in ([[1, 2, 3]], [[1, 2, 3, float("nan")]], [1, 2, 3, 4]):
        with pytest.raises(InputError):
            detected(wrong)
