"""Unfolded weights give the same maps as the folded ones, also in training mode."""

from pathlib import Path

import numpy as np
import paddle
import pytest

from paddle_pose.models.movenet import MoveNet
from paddle_pose.skeletons import Skeleton
from paddle_pose.training.initialize import load_initial_weights
from paddle_pose.training.unfold_batch_norm import unfold_batch_norm

IMAGES = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3)).astype(np.uint8)


@pytest.fixture
def folded():
    """A network without batch normalisations, with large biases and activations near 1."""
    network = MoveNet(3, width=0.25, batch_norm="none")
    rng = np.random.default_rng(1)
    for tensor in network.state_dict().values():
        fan_in = np.prod(tensor.shape[1:]) if len(tensor.shape) > 1 else 10
        tensor.set_value(rng.normal(0, 1 / np.sqrt(fan_in), tensor.shape).astype(np.float32))
    network.eval()
    return network


def tensors_of(network):
    return {name: value.numpy() for name, value in network.state_dict().items()}


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_unfolded_network_computes_the_same_maps(folded, mode):
    network = MoveNet(3, width=0.25)
    lines = load_initial_weights(
        network, tensors_of(folded), Path("a.tflite"), lambda: paddle.to_tensor(IMAGES)
    )
    total = len(network.state_dict())
    assert f"{total}/{total} tensors" in lines[0]
    assert "folded" in lines[1]
    getattr(network, mode)()
    images = paddle.to_tensor(IMAGES if mode == "train" else IMAGES[:, ::-1].copy())
    with paddle.no_grad():
        for name, expected in folded(images).items():
            assert expected.numpy().std() > 0.01
            np.testing.assert_allclose(
                network(images)[name].numpy(), expected.numpy(), atol=2e-3, err_msg=name
            )


def test_unfolded_statistics_are_those_of_the_batch(folded):
    network = MoveNet(3, width=0.25)
    tensors = unfold_batch_norm(network, tensors_of(folded), paddle.to_tensor(IMAGES))
    assert tensors.keys() == network.state_dict().keys()
    with paddle.no_grad():
        stem = network.backbone.stem.conv(network.normalize(paddle.to_tensor(IMAGES)))
    np.testing.assert_allclose(
        tensors["backbone.stem.bn._mean"], stem.mean([0, 2, 3]).numpy(), atol=1e-5
    )


def test_unfold_batch_norm_returns_unfolded_files_unchanged(folded):
    network = MoveNet(3, width=0.25)
    own = tensors_of(network)
    assert unfold_batch_norm(network, own, paddle.to_tensor(IMAGES)).keys() == own.keys()
    plain = tensors_of(folded)
    assert unfold_batch_norm(folded, plain, paddle.to_tensor(IMAGES)).keys() == plain.keys()
    other = {"fc.weight": np.zeros((2, 2), np.float32)}
    assert unfold_batch_norm(network, other, paddle.to_tensor(IMAGES)) == other


def test_backbone_only_file_is_unfolded_and_the_rest_is_listed(folded):
    tensors = {
        name: value for name, value in tensors_of(folded).items() if name.startswith("backbone.")
    }
    tensors["top/classifier.weight"] = np.zeros((5, 3, 1, 1), np.float32)
    network = MoveNet(3, width=0.25)
    lines = load_initial_weights(
        network, tensors, Path("a.tflite"), lambda: paddle.to_tensor(IMAGES)
    )
    text = "\n".join(lines)
    assert "backbone" not in text
    assert "top/classifier.weight" in text
    assert "pyramid.*" in text


def test_the_head_is_loaded_by_joint_from_a_folded_file(folded):
    skeleton = Skeleton("own", ("b", "new"), (), (), sigmas=(1.0, 1.0), weights=(1.0, 1.0))
    network = MoveNet(2, width=0.25)
    before = tensors_of(network)
    lines = load_initial_weights(
        network,
        tensors_of(folded),
        Path("a.tflite"),
        lambda: paddle.to_tensor(IMAGES),
        joints=("a", "b", "c"),
        skeleton=skeleton,
    )
    assert "loaded by joint: heads.* (6): 1 of 2 joints (b); randomly initialized: new" in lines[1]
    for head, entries in {"heatmaps": 1, "regressions": 2, "offsets": 2}.items():
        for kind in ("weight", "bias"):
            name = f"heads.{head}.out.conv.{kind}"
            loaded = tensors_of(network)[name]
            theirs = tensors_of(folded)[name]
            assert np.array_equal(loaded[:entries], theirs[entries : 2 * entries]), name
            assert np.array_equal(loaded[entries:], before[name][entries:]), name
