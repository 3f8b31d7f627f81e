"""Window of the next frame: properties, and a literal restatement in normalised coordinates."""

import numpy as np
import pytest

from paddle_pose.geometry import Window
from paddle_pose.skeletons import COCO_17, MPII_16
from paddle_pose.structures import Poses
from paddle_pose.tracking.crop_region import next_window, pose_score, whole_square

SIZE = (640, 480)
WHOLE = Window((320.0, 240.0), (640.0, 640.0))
HIPS, SHOULDERS = (
    [COCO_17.joints.index(f"{side}_{name}") for side in ("left", "right")]
    for name in ("hip", "shoulder")
)


def poses(keypoints, scores):
    scores = np.broadcast_to(np.asarray(scores, float), (len(keypoints),))
    return Poses(np.asarray(keypoints, float)[None], scores[None], np.ones(1))


def random_person(rng, center=(320, 240), spread=30.0):
    """Returns joints [17, 2] in px around a centre."""
    return rng.normal(center, spread, (17, 2))


def restated(keypoints, scores, width, height):
    """Returns (y_min, x_min, y_max, x_max) in fractions of the image by the tutorial's rule."""
    point = {
        name: (y / height, x / width)
        for name, (x, y) in zip(COCO_17.joints, keypoints, strict=True)
    }
    score = dict(zip(COCO_17.joints, scores, strict=True))
    if width > height:
        initial = ((height - width) / 2 / height, 0.0, (height + width) / 2 / height, 1.0)
    else:
        initial = (0.0, (width - height) / 2 / width, 1.0, (width + height) / 2 / width)
    hip = score["left_hip"] > 0.2 or score["right_hip"] > 0.2
    shoulder = score["left_shoulder"] > 0.2 or score["right_shoulder"] > 0.2
    if not (hip and shoulder):
        return initial
    center_y = (point["left_hip"][0] + point["right_hip"][0]) / 2 * height
    center_x = (point["left_hip"][1] + point["right_hip"][1]) / 2 * width
    torso_y = torso_x = body_y = body_x = 0.0
    for name in ("left_shoulder", "right_shoulder", "left_hip", "right_hip"):
        torso_y = max(torso_y, abs(center_y - point[name][0] * height))
        torso_x = max(torso_x, abs(center_x - point[name][1] * width))
    for name in COCO_17.joints:
        if score[name] < 0.2:
            continue
        body_y = max(body_y, abs(center_y - point[name][0] * height))
        body_x = max(body_x, abs(center_x - point[name][1] * width))
    half = max(torso_x * 1.9, torso_y * 1.9, body_y * 1.2, body_x * 1.2)
    half = min(half, max(center_x, width - center_x, center_y, height - center_y))
    if half > max(width, height) / 2:
        return initial
    top, left = center_y - half, center_x - half
    return (top / height, left / width, (top + 2 * half) / height, (left + 2 * half) / width)


@pytest.mark.parametrize("size", [(640, 480), (480, 640), (200, 200)])
def test_the_rule_is_the_tutorials(size):
    rng = np.random.default_rng(0)
    whole = 0
    for _ in range(300):
        center = rng.uniform(-0.1, 1.1, 2) * size
        keypoints = random_person(rng, center, rng.choice([10, 40, 120]))
        scores = rng.uniform(0, rng.choice([0.3, 0.9]), 17)
        window = next_window(poses(keypoints, scores), size, min_pose_score=0.0)
        top, left, bottom, right = restated(keypoints, scores, *size)
        assert window.center == pytest.approx(
            ((left + right) / 2 * size[0], (top + bottom) / 2 * size[1]), abs=1e-6
        )
        assert window.size == pytest.approx(
            ((right - left) * size[0], (bottom - top) * size[1]), abs=1e-6
        )
        assert window.size[0] == window.size[1]
        assert window.size[0] <= max(size) + 1e-9
        whole += window == whole_square(size)
    assert 30 < whole < 270


def test_the_window_is_centred_between_the_hips_and_contains_all_visible_joints():
    rng = np.random.default_rng(1)
    for _ in range(50):
        keypoints = random_person(rng)
        window = next_window(poses(keypoints, 0.9), SIZE)
        assert window.center == pytest.approx(tuple(keypoints[HIPS].mean(axis=0)))
        assert (np.abs(keypoints - window.center) <= window.size[0] / 2).all()
        assert (window.rotation, window.flip) == (0.0, False)


def test_an_invisible_joint_does_not_enlarge_the_window():
    keypoints = random_person(np.random.default_rng(2))
    before = next_window(poses(keypoints, 0.9), SIZE)
    scores = np.full(17, 0.9)
    scores[10] = 0.1
    keypoints[10] += 200
    assert next_window(poses(keypoints, scores), SIZE) == before
    assert next_window(poses(keypoints, 0.9), SIZE) != before


@pytest.mark.parametrize("hidden", [HIPS, SHOULDERS])
def test_without_a_torso_it_is_the_whole_image(hidden):
    keypoints = random_person(np.random.default_rng(3))
    scores = np.full(17, 0.9)
    scores[hidden] = 0.1
    assert next_window(poses(keypoints, scores), SIZE) == WHOLE
    scores[hidden[0]] = 0.3  # one of the two is enough
    assert next_window(poses(keypoints, scores), SIZE) != WHOLE


def test_a_lost_pose_gives_the_whole_image_without_averaging():
    keypoints = random_person(np.random.default_rng(4))
    old = Window((100.0, 100.0), (50.0, 50.0))
    no_poses = Poses(np.zeros((0, 17, 2)), np.zeros((0, 17)), np.zeros(0))
    assert next_window(no_poses, SIZE, old) == WHOLE
    assert next_window(poses(keypoints, 0.24), SIZE, old) == WHOLE
    assert next_window(poses(keypoints, 0.24), SIZE, min_pose_score=0.0) != WHOLE
    assert pose_score(np.array([0.1, 0.2])) == 0.0


def test_the_corners_are_low_passed():
    keypoints = random_person(np.random.default_rng(5))
    old = Window((100.0, 120.0), (50.0, 50.0))
    new = next_window(poses(keypoints, 0.9), SIZE)
    averaged = next_window(poses(keypoints, 0.9), SIZE, old)

    def corners(window):
        half = np.array(window.size) / 2
        return np.concatenate([np.array(window.center) - half, np.array(window.center) + half])

    assert np.allclose(corners(averaged), 0.9 * corners(new) + 0.1 * corners(old))
    assert next_window(poses(keypoints, 0.9), SIZE, old, low_pass=1.0) == new
    assert averaged.size[0] == averaged.size[1]


def test_the_window_moves_and_grows_with_the_image():
    keypoints = random_person(np.random.default_rng(6))
    small = next_window(poses(keypoints, 0.9), SIZE)
    large = next_window(poses(3 * keypoints, 0.9), (3 * SIZE[0], 3 * SIZE[1]))
    assert large.center == pytest.approx(tuple(3 * c for c in small.center))
    assert large.size == pytest.approx(tuple(3 * s for s in small.size))


def test_other_skeletons_and_points_that_coincide():
    rng = np.random.default_rng(7)
    keypoints = rng.normal((320, 240), 30, (16, 2))
    window = next_window(poses(keypoints, 0.9), SIZE, skeleton=MPII_16)
    assert window.center == pytest.approx(tuple(keypoints[[2, 3]].mean(axis=0)))
    assert next_window(poses(np.full((17, 2), 100.0), 0.9), SIZE) == WHOLE
