from dataclasses import replace

import cv2
import numpy as np

from paddle_pose.evaluation.tiles import draw_tile
from paddle_pose.skeletons import MPII_16
from paddle_pose.structures import Person, Poses

IDENTITY = np.eye(3)[:2]
HALF = np.array([[0.5, 0.0, 0.0], [0.0, 0.5, 0.0]])


def person(offset=0.0):
    points = np.stack([np.linspace(10, 90, 16), np.linspace(20, 80, 16)], axis=1) + offset
    return Person(points, np.full(16, 2), (0.0, 0.0, 100.0, 100.0), 0)


def test_a_tile_shows_photograph_ground_truth_and_prediction(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.full((100, 100, 3), 40, np.uint8))
    bare = draw_tile(tmp_path / "a.png", (50, 50), HALF, MPII_16, truth=[])
    assert bare.shape == (50, 50, 3)
    assert (bare == 40).all()
    truth = draw_tile(tmp_path / "a.png", (50, 50), HALF, MPII_16, truth=[person()])
    assert (truth >= bare).all()
    assert truth[25, 25].min() > 100, "the ground truth is white"
    found = Poses(person().keypoints[None], np.full((1, 16), 0.15), np.ones(1))
    hidden = draw_tile(tmp_path / "a.png", (50, 50), HALF, MPII_16, truth=[], poses=found)
    assert np.array_equal(hidden, bare)
    shown = draw_tile(
        tmp_path / "a.png", (50, 50), HALF, MPII_16, truth=[], poses=found, threshold=0.1
    )
    assert np.ptp(shown, axis=2).max() > 100, "the prediction is coloured"


def test_the_background_is_grey_without_photograph(tmp_path):
    for path in (None, tmp_path / "none.png"):
        tile = draw_tile(path, (40, 30), IDENTITY, MPII_16, truth=[replace(person(), crowd=True)])
        assert tile.shape == (30, 40, 3)
        assert len(np.unique(tile)) == 1
