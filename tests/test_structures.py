import numpy as np

from paddle_pose.geometry import Window, move
from paddle_pose.structures import Poses


def test_moved_changes_only_keypoints_and_boxes():
    rng = np.random.default_rng(0)
    poses = Poses(
        rng.uniform(0, 64, (2, 5, 2)), rng.random((2, 5)), rng.random(2), rng.random((2, 4))
    )
    window = Window((40.0, 30.0), (80.0, 100.0), rotation=20, flip=True)
    moved = poses.moved(window.to_image((64, 64)))
    assert np.allclose(moved.moved(window.to_input((64, 64))).keypoints, poses.keypoints)
    assert np.abs(moved.keypoints - poses.keypoints).min() > 1e-6
    for name in ("scores", "person_scores"):
        assert getattr(moved, name) is getattr(poses, name)
    corners = poses.boxes[:, None, :2] + poses.boxes[:, None, 2:] * [[0, 0], [1, 0], [0, 1], [1, 1]]
    corners = move(corners, window.to_image((64, 64)))
    assert np.allclose(moved.boxes[:, :2], corners.min(axis=1))
    assert np.allclose(moved.boxes[:, :2] + moved.boxes[:, 2:], corners.max(axis=1))


def test_moved_without_people():
    empty = Poses(np.zeros((0, 16, 2)), np.zeros((0, 16)), np.zeros(0))
    assert empty.moved(np.eye(2, 3)).keypoints.shape == (0, 16, 2)
    assert empty.boxes.shape == empty.moved(np.eye(2, 3)).boxes.shape == (0, 4)
