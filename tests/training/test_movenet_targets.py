from dataclasses import replace

import numpy as np
import paddle
import pytest

from paddle_pose.codecs.movenet import MoveNetCodec
from paddle_pose.data.dataset import padded
from paddle_pose.training.movenet_targets import MoveNetTargets

PLAIN = MoveNetCodec(input_size=(96, 64), max_persons=6)
CODECS = {
    "boxes": PLAIN,
    "keypoint-centers": replace(PLAIN, center="keypoints", offset_radius=3.0),
    "map-units": replace(PLAIN, regression_unit="map", regression_radius=5.0),
    "fire717": replace(PLAIN, kernel="fire717", regression_radius=0.0, offset_radius=0.0),
    "wide": replace(PLAIN, sigma=4.0, min_sigma=0.5, stride=8),
}


def random_people(rng, count, size):
    """Returns keypoints [P, 17, 2], visible [P, 17] and boxes [P, 4] that overlap often."""
    middles = rng.uniform(-10, size + 10, (count, 1, 2))
    spreads = rng.choice([6.0, 20.0, 60.0], (count, 1, 1))
    keypoints = middles + rng.normal(0, spreads, (count, 17, 2))
    on_grid = rng.random((count, 17, 1)) < 0.3  # joints that share cells with those of others
    keypoints = np.where(on_grid, np.round(keypoints / 8) * 8, keypoints)
    visible = rng.integers(0, 3, (count, 17)) * (rng.random((count, 1)) < 0.8)
    strange = rng.choice([np.nan, np.inf, -np.inf, 0.0], keypoints.shape)
    keypoints = np.where(visible[..., None] > 0, keypoints, strange)
    corners = middles[:, 0] - spreads[:, 0] * rng.uniform(0.5, 2, (count, 2))
    sides = spreads[:, 0] * rng.choice([1.0, 2.0, 3.0], (count, 2))  # equal areas happen
    return keypoints, visible, np.hstack([corners, sides])


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_targets_equal_the_codecs(codec):
    rng = np.random.default_rng(0)
    samples = [random_people(rng, n, np.array(codec.input_size)) for n in (1, 0, 5, 3, 8, 2, 1)]
    expected = codec.encode_batch(*zip(*samples, strict=True))
    drawn = MoveNetTargets(codec)(*map(paddle.to_tensor, padded(samples).values()))
    assert drawn.keys() == expected.keys()
    for name, values in expected.items():
        assert drawn[name].dtype == paddle.float32
        assert drawn[name].stop_gradient
        np.testing.assert_allclose(drawn[name].numpy(), values, rtol=0, atol=1e-5, err_msg=name)
    for name in ("center", "heatmap", "regression", "offset"):
        assert 0 < expected[f"{name}_weights"].mean() < 1
