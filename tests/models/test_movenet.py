"""MoveNet: published parameter counts and MACs, named maps, and initial predictions."""

import numpy as np
import paddle
import pytest

from paddle_pose.models.macs import count_macs
from paddle_pose.models.movenet import MoveNet, fire717_movenet

NAMES = ["centers", "heatmaps", "regressions", "offsets"]


def parameters(network):
    return sum(p.size for p in network.parameters() if p.trainable)


@pytest.mark.parametrize(
    ("network", "count", "side", "macs"),
    [
        (lambda: MoveNet(batch_norm="none"), 2_318_190, 192, 270.5e6),
        (lambda: MoveNet(batch_norm="none", width=1.75), 6_226_262, 256, 1219.8e6),
        (lambda: MoveNet(batch_norm="none", width=1.5, box_heads=True), 4_723_610, 256, 971.3e6),
        (lambda: fire717_movenet(), 1_912_118, 192, 228.6e6),
        (lambda: fire717_movenet(share_residuals=True), 2_203_046, 192, 228.6e6),
    ],
    ids=["lightning", "thunder", "multipose", "fire717", "fire717, shared"],
)
def test_movenet_has_the_published_parameters_and_macs(network, count, side, macs):
    network = network()
    assert parameters(network) == count
    assert count_macs(network, (side, side)) == pytest.approx(macs, abs=0.05e6)


@pytest.mark.parametrize(
    "make", [lambda k: MoveNet(k, width=0.25), fire717_movenet], ids=["google", "fire717"]
)
@pytest.mark.parametrize("joints", [1, 5, 17])
def test_movenet_supports_any_number_of_joints_and_image_size(make, joints):
    maps = make(joints)(paddle.zeros([2, 64, 96, 3], dtype="uint8"))
    assert list(maps) == NAMES
    channels = [1, joints, 2 * joints, 2 * joints]
    assert [list(x.shape) for x in maps.values()] == [[2, c, 16, 24] for c in channels]


def test_box_heads_add_two_maps():
    maps = MoveNet(5, width=0.25, box_heads=True)(paddle.zeros([1, 64, 96, 3], dtype="uint8"))
    assert list(maps) == [*NAMES, "box_sizes", "box_offsets"]
    assert list(maps["box_sizes"].shape) == list(maps["box_offsets"].shape) == [1, 2, 16, 24]


@pytest.mark.parametrize(
    ("network", "prior"),
    [
        (lambda: MoveNet(5, width=0.25), 0.1),
        (lambda: MoveNet(5, width=0.25, prior=0.01), 0.01),
        (lambda: fire717_movenet(5), 0.5),
    ],
)
def test_untrained_movenet_predicts_its_prior(network, prior):
    maps = network()(paddle.randint(0, 256, [2, 64, 64, 3]).astype("uint8"))
    for name in ("centers", "heatmaps"):
        np.testing.assert_allclose(maps[name].numpy(), prior, rtol=0.1)


@pytest.mark.parametrize("batch_norm", ["none", "backbone", "all"])
def test_every_parameter_has_a_gradient(batch_norm):
    network = MoveNet(2, width=0.25, batch_norm=batch_norm)
    maps = network(paddle.randint(0, 256, [2, 32, 64, 3]).astype("uint8"))
    sum(x.sum() for x in maps.values()).backward()
    assert [name for name, p in network.named_parameters() if p.trainable and p.grad is None] == []


def test_head_layers_are_all_layers_except_the_backbone():
    network = MoveNet(2, width=0.25)
    children = {name for name, _ in network.named_children()}
    assert children == {"normalize", "backbone", *network.head_layers}


def test_images_are_normalised_to_minus_one_to_one():
    images = paddle.to_tensor(np.uint8([0, 255, 51] * 4).reshape(1, 2, 2, 3))
    np.testing.assert_allclose(
        MoveNet(1, width=0.25).normalize(images)[0, :, 0, 0].tolist(), [-1, 1, -0.6], atol=1e-6
    )


def test_movenet_rejects_wrong_arguments_and_image_sizes():
    for wrong in ({"num_joints": 0}, {"prior": 1.0}, {"pyramid": "fpn"}, {"batch_norm": True}):
        with pytest.raises(ValueError, match=rf"{next(iter(wrong))}=.*expected"):
            MoveNet(**wrong)
    with pytest.raises(ValueError, match="multiples of 32"):
        MoveNet(1, width=0.25)(paddle.zeros([1, 48, 64, 3], dtype="uint8"))
