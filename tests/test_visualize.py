from dataclasses import replace

import cv2
import numpy as np
import pytest

from paddle_pose import visualize
from paddle_pose.skeletons import COCO_17, MPII_16, Skeleton
from paddle_pose.structures import Poses


@pytest.fixture
def image():
    return np.full((120, 160, 3), 90, np.uint8)


def one_person(scores):
    x, y = np.meshgrid(np.arange(4) * 30 + 30.0, np.arange(4) * 25 + 20.0)
    keypoints = np.stack([x.ravel(), y.ravel()], axis=-1)  # far apart from each other
    return Poses(keypoints[None], scores[None], np.ones(1))


def test_joints_are_drawn_at_their_position_in_the_colour_of_their_side(image):
    scores = np.zeros(16)
    for name, color in (
        ("left_wrist", visualize.LEFT),
        ("right_ankle", visualize.RIGHT),
        ("thorax", visualize.MIDDLE),
    ):
        j = MPII_16.joints.index(name)
        poses = one_person(np.where(np.arange(16) == j, 1.0, scores))
        drawing = visualize.draw_poses(image, poses, MPII_16)
        x, y = poses.keypoints[0, j].astype(int)
        assert tuple(drawing[y, x]) == color
        changed_y, changed_x = np.nonzero((drawing != image).any(axis=-1))
        assert np.hypot(changed_x - x, changed_y - y).max() < 6, "something was drawn elsewhere"


def test_a_limb_from_side_to_side_is_in_the_middle_and_the_mirror_pairs_name_the_sides(image):
    crab = Skeleton("crab", ("a", "b"), (("b", "a"),), (("a", "b"),), (0.1, 0.1), (1.0, 1.0))
    poses = Poses(np.array([[[30.0, 60.0], [130.0, 60.0]]]), np.ones((1, 2)), np.ones(1))
    drawing = visualize.draw_poses(image, poses, crab)
    colors = [drawing[60, x].astype(int) for x in (30, 80, 130)]
    for color, expected in zip(
        colors, (visualize.RIGHT, visualize.MIDDLE, visualize.LEFT), strict=True
    ):
        assert np.abs(color - expected).max() < 25  # the edges of a line are smooth
    assert COCO_17.side("left_hip") == "left"


def test_names_are_drawn_one_below_the_other(monkeypatch, image):
    places = []
    monkeypatch.setattr(visualize, "caption", lambda pixels, text, place: places.append(place))
    poses = Poses(np.full((1, 16, 2), (150.0, 20.0)), np.ones((1, 16)), np.ones(1))
    visualize.draw_poses(image, poses, MPII_16, names=True)
    rows = sorted(y for _, y in places)
    assert len(rows) == 16
    assert min(np.diff(rows)) >= 11
    assert max(x for x, _ in places) < 140, "the image ends at 160"


def test_ids_are_drawn_for_tracked_people(monkeypatch, image):
    written = []
    monkeypatch.setattr(
        visualize, "caption", lambda pixels, text, place, scale: written.append((text, place))
    )
    two = Poses(np.full((2, 16, 2), (80.0, 60.0)), np.array([[1.0] * 16, [0.0] * 16]), np.ones(2))
    visualize.draw_poses(image, two, MPII_16)
    assert written == []
    visualize.draw_poses(image, replace(two, ids=np.array([7, 8])), MPII_16)
    assert [text for text, _ in written] == ["#7"], "nothing is drawn of the other one"


def test_limb_is_drawn_only_with_both_joints(image):
    ankle, knee = (MPII_16.joints.index(name) for name in ("right_ankle", "right_knee"))
    scores = np.zeros(16)
    scores[[ankle, knee]] = 1.0
    poses = one_person(scores)
    x, y = poses.keypoints[0, [ankle, knee]].mean(axis=0).astype(int)
    drawn = visualize.draw_poses(image, poses, MPII_16)[y, x].astype(int)
    assert np.abs(drawn - visualize.RIGHT).max() < 25  # its edges are smooth
    scores[knee] = 0.1
    assert tuple(visualize.draw_poses(image, poses, MPII_16)[y, x]) == (90, 90, 90)


def test_input_image_is_unchanged_and_uncertain_or_missing_joints_are_not_drawn(image):
    before = image.copy()
    poses = one_person(np.full(16, 0.19))
    poses.keypoints[0, 3] = np.nan
    assert np.array_equal(visualize.draw_poses(image, poses, MPII_16), before)
    assert not np.array_equal(
        visualize.draw_poses(image, poses, MPII_16, threshold=0.1, names=True), before
    )
    assert np.array_equal(image, before)


def test_heatmaps_are_drawn_over_the_crop_in_the_order_of_joints(image):
    heatmaps = np.zeros((16, 30, 40), np.float32)
    heatmaps[5, 20, 30] = 1.0
    tiles = visualize.draw_heatmaps(image, heatmaps, MPII_16)
    assert tiles.shape == (4 * 120, 4 * 160, 3)
    assert tiles.dtype == np.uint8

    def tile(j):
        return tiles[j // 4 * 120 + 40 :, j % 4 * 160 :][:80, :160].astype(int)

    hottest = np.abs(tile(5) - tile(6)).sum(axis=-1)  # the caption lies above
    y, x = np.unravel_index(hottest.argmax(), hottest.shape)
    assert abs(x - 122) <= 4
    assert abs(y + 40 - 82) <= 4


def test_last_row_of_a_grid_is_filled_with_black():
    tiles = [np.full((2, 3, 3), n + 1, np.uint8) for n in range(5)]
    grid = visualize.grid(tiles, columns=4)
    assert grid.shape == (4, 12, 3)
    assert grid[0, ::3, 0].tolist() == [1, 2, 3, 4]
    assert grid[2, ::3, 0].tolist() == [5, 0, 0, 0]


def test_png_for_a_notebook_contains_the_image(image):
    image = image.copy()
    image[10:30, 10:30] = (255, 0, 0)
    content = np.frombuffer(visualize.png(image), np.uint8)
    read = cv2.imdecode(content, cv2.IMREAD_COLOR)[..., ::-1]
    assert read.shape == image.shape
    assert np.abs(read.astype(int) - image).max() < 16
