"""The mean pose: what a network that does not look at the image would answer; every trained one has to beat it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from paddle_pose.codecs.base import Codec
from paddle_pose.data.dataset import input_keypoints
from paddle_pose.metrics.base import Metric
from paddle_pose.structures import Poses, Sample


class MeanPose:
    """Answers the same pose for every window, put where the window is.

    Attributes:
        keypoints: [K, 2] mean of the labelled training keypoints, in input px.

    Example:
        `poses = MeanPose(training_samples, codec)(sample)`
    """

    def __init__(self, samples: Sequence[Sample], codec: Codec) -> None:
        """Takes the mean over the people in the windows of training samples.

        Args:
            samples: to learn from.
            codec: says how big the input is.

        A joint that is labelled nowhere is put in the middle of the window.
        """
        seen = [input_keypoints(sample, sample.window, codec) for sample in samples]
        joints = codec.skeleton.num_joints
        keypoints = np.concatenate([np.zeros((0, joints, 2)), *(points for points, _ in seen)])
        labelled = np.concatenate([np.zeros((0, joints)), *(visible for _, visible in seen)]) > 0
        self._codec = codec
        # An unlabelled joint's coordinates may be anything, NaN included.
        sums, counts = (
            np.where(labelled[..., None], keypoints, 0.0).sum(0),
            labelled.sum(0)[:, None],
        )
        middle = np.array(codec.input_size) / 2
        self.keypoints = np.where(counts > 0, sums / np.maximum(counts, 1), middle)

    def __call__(self, sample: Sample) -> Poses:
        """Returns one person in image px, with score 1."""
        poses = Poses(self.keypoints[None], np.ones((1, len(self.keypoints))), np.ones(1))
        return poses.moved(sample.window.to_image(self._codec.input_size, self._codec.alignment))


def mean_pose_scores(
    training: Sequence[Sample], validation: Sequence[Sample], codec: Codec, metric: Metric
) -> dict[str, float]:
    """Returns what the mean pose of training samples scores on validation samples."""
    mean_pose = MeanPose(training, codec)
    predictions = [(sample, mean_pose(sample)) for sample in validation]
    return metric.compute_scores(predictions, intervals=False).values
