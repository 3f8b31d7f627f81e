"""The mean pose: the mean of the labelled keypoints, placed in each window."""

from pathlib import Path

import numpy as np

from paddle_pose.codecs.heatmap import HeatmapCodec
from paddle_pose.evaluation.mean_pose import MeanPose, mean_pose_scores
from paddle_pose.geometry import Window
from paddle_pose.metrics.pck import PCK
from paddle_pose.skeletons import MPII_16
from paddle_pose.structures import Person, Sample

CODEC = HeatmapCodec(input_size=(64, 64))


def sample(corner, scale, pose, visible=None):
    """Returns a sample with one person in a window.

    Args:
        corner: Top left corner of the window in image px.
        scale: Image px per input px.
        pose: Keypoints of the person in input px.
        visible: Visibility of the keypoints; None labels all.
    """
    window = Window(center=tuple(np.add(corner, 32 * scale)), size=(64 * scale, 64 * scale))
    visible = np.ones(16, np.int64) if visible is None else visible
    person = Person(np.asarray(pose, float) * scale + corner, visible, (0.0, 0.0, 1.0, 1.0), 1)
    return Sample(1, Path("image.jpg"), window, (person,))


def test_the_mean_is_computed_in_input_px_and_placed_in_another_window():
    rng = np.random.default_rng(0)
    first, second = rng.uniform(0, 64, (2, 16, 2))
    mean_pose = MeanPose([sample((10, 20), 2.0, first), sample((-5, 300), 0.5, second)], CODEC)
    np.testing.assert_allclose(mean_pose.keypoints, (first + second) / 2)
    poses = mean_pose(sample((100, 50), 3.0, first))
    np.testing.assert_allclose(poses.keypoints[0], (first + second) / 2 * 3 + [100, 50])
    assert poses.scores.shape == (1, 16)


def test_unlabelled_joints_do_not_count():
    pose = np.full((16, 2), 30.0)
    incomplete = np.full((16, 2), 10.0)
    incomplete[4] = np.nan
    visible = np.arange(16) != 4
    mean_pose = MeanPose(
        [sample((0, 0), 1.0, pose), sample((0, 0), 1.0, incomplete, visible.astype(int))], CODEC
    )
    np.testing.assert_allclose(
        mean_pose.keypoints, np.where(visible, 20.0, 30.0)[:, None].repeat(2, 1)
    )


def test_a_joint_that_is_never_labelled_is_in_the_middle():
    mean_pose = MeanPose(
        [sample((0, 0), 1.0, np.ones((16, 2)), (np.arange(16) != 4).astype(int))], CODEC
    )
    assert mean_pose.keypoints[4].tolist() == [32.0, 32.0]
    assert mean_pose.keypoints[5].tolist() == [1.0, 1.0]


def test_the_mean_pose_of_training_samples_is_evaluated_on_validation_samples():
    metric = PCK(MPII_16, threshold=0.1, reference="window")  # a tenth of 64 input px
    pose = np.full((16, 2), 30.0)
    for distance, value in ((6.0, 100.0), (7.0, 0.0)):
        scores = mean_pose_scores(
            [sample((0, 0), 1.0, pose)],
            [sample((9, 9), 2.0, np.add(pose, (distance, 0)))],
            CODEC,
            metric,
        )
        assert scores["Mean"] == value
