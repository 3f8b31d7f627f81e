"""The mean pose: a baseline that ignores the image and that every trained network should beat."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from paddle_pose.codecs.base import Codec
from paddle_pose.data.dataset import input_keypoints
from paddle_pose.metrics.base import Metric
from paddle_pose.structures import Poses, Sample


class MeanPose:
    """Predictor that returns the mean pose of the training data for every window.

    Args:
        samples: Training samples; the mean is taken over all people in their windows, joint by
            joint in input px.
        codec: Codec that states the size and alignment of the input and the skeleton.

    Attributes:
        keypoints: Mean of the labelled training keypoints in input px, [K, 2]; a joint that is
            never labelled is in the middle of the input.

    Example:
        `poses = MeanPose(training_samples, codec)(sample)`
    """

    def __init__(self, samples: Sequence[Sample], codec: Codec) -> None:
        people = [input_keypoints(sample, sample.window, codec) for sample in samples]
        joints = codec.skeleton.num_joints
        keypoints = np.concatenate([np.zeros((0, joints, 2)), *(points for points, _ in people)])
        labelled = np.concatenate([np.zeros((0, joints)), *(visible for _, visible in people)]) > 0
        self._codec = codec
        # The coordinates of an unlabelled joint may be anything, also NaN.
        sums = np.where(labelled[..., None], keypoints, 0.0).sum(0)
        counts = labelled.sum(0)[:, None]
        middle = np.array(codec.input_size) / 2
        self.keypoints = np.where(counts > 0, sums / np.maximum(counts, 1), middle)

    def __call__(self, sample: Sample) -> Poses:
        """Returns the mean pose in a sample's window: one person in image px, all scores 1.

        Args:
            sample: Sample whose window is used; its people are not.
        """
        poses = Poses(self.keypoints[None], np.ones((1, len(self.keypoints))), np.ones(1))
        return poses.moved(sample.window.to_image(self._codec.input_size, self._codec.alignment))


def mean_pose_scores(
    training: Sequence[Sample], validation: Sequence[Sample], codec: Codec, metric: Metric
) -> dict[str, float]:
    """Returns the values of a metric for the mean pose, by name and in the metric's unit.

    Args:
        training: Samples that the mean is taken over, see `MeanPose`.
        validation: Samples that the mean pose is evaluated on.
        codec: Codec that states the size and alignment of the input and the skeleton.
        metric: Metric of the evaluation.

    Raises:
        InputError: If there are no validation samples, or a sample lacks the length that the metric
            measures in.
    """
    mean_pose = MeanPose(training, codec)
    predictions = [(sample, mean_pose(sample)) for sample in validation]
    return metric.compute_scores(predictions, intervals=False).values
