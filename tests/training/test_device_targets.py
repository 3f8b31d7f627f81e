import importlib
from dataclasses import replace

import numpy as np
import paddle
import pytest
from helpers.vector_codec import VectorCodec

from paddle_pose import build
from paddle_pose.codecs.heatmap import HeatmapCodec
from paddle_pose.codecs.movenet import MoveNetCodec
from paddle_pose.configs.overrides import override
from paddle_pose.configs.registry import CONFIGS
from paddle_pose.data.synthetic.dataset import write_coco
from paddle_pose.errors import InputError
from paddle_pose.skeletons import COCO_17
from paddle_pose.training.device_targets import HeatmapTargets

PLAIN = HeatmapCodec(skeleton=COCO_17, input_size=(96, 128))
CODECS = {
    "rounded": PLAIN,
    "windowed": replace(PLAIN, alignment="udp"),
    "exact": replace(PLAIN, unbiased=True),
    "exact-udp": replace(PLAIN, unbiased=True, alignment="udp"),
    "rounded-udp-warp": replace(PLAIN, alignment="udp_warp"),
    "narrow": replace(PLAIN, sigma=0.7),
    "wide": replace(PLAIN, stride=8, sigma=3.4, unbiased=True),
}
EACH = pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)


@EACH
@pytest.mark.parametrize("joint_sigmas", [False, True], ids=["one sigma", "joint sigmas"])
@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_heatmap_targets_equal_those_of_the_codec(codec, joint_sigmas, kind):
    codec = replace(codec, joint_sigmas=joint_sigmas)
    rng = np.random.default_rng(0)
    size = np.array(codec.input_size)
    anywhere = rng.uniform(-40, size + 40, (60, 17, 2))
    # On cell centres, and half-way between them.
    between_cells = rng.integers(-12, size // 2 + 12, (60, 17, 2)) * 2.0
    at_borders = np.where(
        rng.random((20, 17, 2)) < 0.5,
        rng.choice([-3.0, -2.0, -0.5, 0.0, 1.0], (20, 17, 2)),
        size - 1,
    )
    far = rng.choice([-1e5, 1e5, 50.0], (10, 17, 2))
    keypoints = np.concatenate([anywhere, between_cells, at_borders, far]).astype(kind)
    visible = rng.integers(0, 3, keypoints.shape[:2])
    non_finite = rng.choice([np.nan, np.inf, -np.inf, 0.0], keypoints.shape).astype(kind)
    keypoints = np.where(visible[..., None] > 0, keypoints, non_finite)
    expected = codec.encode_batch(keypoints[:, None].astype("float64"), visible[:, None])
    targets = HeatmapTargets(codec)(
        paddle.to_tensor(keypoints[:, None]), paddle.to_tensor(visible[:, None])
    )
    assert targets.keys() == expected.keys()
    for name, values in expected.items():
        assert targets[name].dtype == paddle.float32
        assert targets[name].stop_gradient
        np.testing.assert_allclose(targets[name].numpy(), values, rtol=0, atol=1e-6)
    assert 0.2 < expected["weights"].mean() < 0.8
    assert expected["heatmaps"].max() > 0.9


def train_losses(config, root, folder):
    """Trains for three epochs and returns the losses."""
    samples = build.samples(config, root, "train")
    loader = build.loader(config, samples)
    trainer = build.trainer(config, build.model(config), folder, loader, data={"training": samples})
    losses = []
    trainer.log.scalars = lambda kind, step, values: losses.append(values["loss"])
    trainer.fit(loader, epochs=3)
    trainer.log.close()
    return np.array(losses)


@pytest.mark.parametrize(
    "changes",
    [{}, {"codec.alignment": "udp", "train.accumulate": 2}],
    ids=["plain", "udp in parts"],
)
def test_training_with_device_targets_has_the_same_losses(synthetic_mpii, tmp_path, changes):
    config = override(
        CONFIGS["hourglass_tiny_128"],
        {
            "codec.input_size": (64, 64),
            "train.batch_size": 4,
            "train.num_workers": 0,
            "train.log_every": 1,
            "train.schedule.warmup": 0,
            "train.learning_rate": 1e-4,  # at large rates, Adam amplifies rounding differences
            "augment.half_body": 0.5,
            **changes,
        },
    )
    expected_losses = train_losses(config, synthetic_mpii, tmp_path / "expected_losses")
    device_losses = train_losses(
        override(config, {"train.device_targets": True}), synthetic_mpii, tmp_path / "device"
    )
    assert len(expected_losses) >= 3
    assert len(np.unique(expected_losses)) == len(expected_losses)
    np.testing.assert_allclose(device_losses, expected_losses, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["movenet_lightning_coco", "movenet_original_coco"])
def test_movenet_training_with_device_targets_has_the_same_losses(name, tmp_path):
    root = write_coco(
        tmp_path / "people", num_train=16, num_val=1, seed=1, size=(160, 160), persons=(1, 3)
    )
    config = override(
        CONFIGS[name],
        {
            "codec.input_size": (64, 64),
            "train.batch_size": 4,
            "train.num_workers": 0,
            "train.log_every": 1,
            "train.learning_rate": 1e-5,  # at large rates, Adam amplifies rounding differences
            "train.schedule.warmup": 0,
            "train.init": "",
        },
    )
    config = replace(config, data=replace(config.data, dataset="coco", framing="central_person"))
    samples = build.samples(config, root, "train")
    assert len({len(sample.persons) for sample in samples}) > 1
    expected_losses = train_losses(config, root, tmp_path / "expected_losses")
    device_losses = train_losses(
        override(config, {"train.device_targets": True}), root, tmp_path / "device"
    )
    assert len(np.unique(expected_losses)) == len(expected_losses) >= 9
    assert device_losses[0] == pytest.approx(expected_losses[0], rel=1e-5)
    assert device_losses[1:] == pytest.approx(expected_losses[1:], rel=0.01)


def test_device_targets_of_an_unsupported_codec_raise():
    config = replace(CONFIGS["hourglass_tiny_128"], codec=VectorCodec())
    assert build.device_targets(config) is None
    with pytest.raises(InputError, match=r"train\.device_targets"):
        build.device_targets(override(config, {"train.device_targets": "true"}))


@pytest.mark.parametrize("codec", [HeatmapCodec(), MoveNetCodec()], ids=lambda codec: codec.kind)
def test_class_named_by_the_codec_exists(codec):
    module, _, name = codec.device_targets.partition(":")
    assert getattr(importlib.import_module(module), name).__name__ in (
        "HeatmapTargets",
        "MoveNetTargets",
    )
