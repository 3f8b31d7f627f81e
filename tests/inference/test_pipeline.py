"""predict.py's flags for videos: what goes together, and that every video begins anew."""

import argparse
from dataclasses import dataclass

import numpy as np
import pytest

from paddle_pose.codecs.base import Maps
from paddle_pose.commands import follow_people
from paddle_pose.data.synthetic.motion import walk
from paddle_pose.inference.predictor import Predictor
from paddle_pose.skeletons import COCO_17
from paddle_pose.structures import Poses

SIZE, TIMES = (320, 240), np.arange(12) * 0.04


def arguments(*words):
    parser = argparse.ArgumentParser()
    follow_people.add_tracking(parser)
    for flag in ("--boxes", "--detector", "--people"):
        parser.add_argument(flag)
    parser.add_argument("--maps", action="store_true")
    return parser.parse_args(words)


def through(*words):
    """A noisy walk through the steps that the flags ask for: what was found, what came out."""
    rng, walker = np.random.default_rng(0), walk(TIMES, 40.0, 100.0) + np.array([60, 200])
    found = [Poses(p[None], np.full((1, 17), 0.9), np.ones(1)) for p in walker + rng.normal(0, 1, walker.shape)]
    steps = [make() for make in follow_people.steps(arguments(*words), COCO_17)]
    answers = []
    for index, (seconds, poses) in enumerate(zip(TIMES, found, strict=True)):
        for step in steps:
            poses = step(index, float(seconds), SIZE, poses)
        answers.append(poses)
    return found, answers


def test_without_flags_nothing_happens():
    found, answers = through()
    assert answers == found
    assert follow_people.steps(arguments("--one_person", "--smooth"), COCO_17) == []


@pytest.mark.parametrize("words", [("--track",), ("--track", "iou"), ("--smooth",), ("--smooth", "--track", "oks")])
def test_ids_and_smoothing_come_with_their_flags(words):
    found, answers = through(*words)
    assert [poses.ids.tolist() for poses in answers] == [[-1]] * 2 + [[1]] * 10
    changed = [not np.allclose(a.keypoints, b.keypoints) for a, b in zip(found[3:], answers[3:], strict=True)]
    assert all(changed) if "--smooth" in words else not any(changed)


@dataclass(frozen=True)
class Frame:
    source: str
    seconds: float


class Standing:
    """A codec that finds somebody in every window."""

    skeleton, input_size, alignment = COCO_17, (96, 96), "published"

    def decode(self, maps: Maps):
        return [Poses(walk(np.zeros(1), 0.0, 50.0) + 40, np.full((1, 17), 0.9), np.ones(1))]


def test_one_person_begins_anew_with_every_source():
    predictor, image = Predictor(lambda crops: {"maps": crops}, Standing()), np.zeros((*SIZE[::-1], 3), np.uint8)
    frames = [Frame(name, n / 25) for name in ("a.mp4", "b.mp4", "c.png") for n in range(3)]
    found = list(follow_people.one_person(((frame, image, None) for frame in frames), predictor, smooth=True))
    assert [frame for frame, _ in found] == frames
    assert all(poses.ids.tolist() == [1] for _, poses in found)
    whole = [poses.boxes[0].tolist() == [0, -40, 320, 320] for _, poses in found]
    assert whole == [True, False, False] * 3


@pytest.mark.parametrize("words", [("--track",), ("--boxes", "b.json"), ("--detector", "d"), ("--maps",)])
def test_what_does_not_go_with_one_person_is_refused(words):
    follow_people.check(arguments(*words))
    follow_people.check(arguments("--one_person", "--smooth"))
    with pytest.raises(ValueError, match=f"--one_person does not go with {words[0]}"):
        follow_people.check(arguments("--one_person", *words))
