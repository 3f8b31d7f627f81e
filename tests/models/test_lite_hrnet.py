import numpy as np
import paddle
import paddle.nn.functional as F
import pytest

from paddle_pose.models.lite_hrnet import LiteHighResolutionModule, LiteHRNet, ShuffleUnit
from paddle_pose.models.macs import count_macs

TINY = {"width": 4, "modules": (1, 1, 1), "units": 1, "stem_channels": 8}


@pytest.mark.usefixtures("zero_initial_weights")
def test_tinypose_has_the_published_parameters():
    # Source: PaddleDetection states 1.36 M, which counts the running statistics.
    network = LiteHRNet()
    assert sum(p.size for p in network.parameters() if not p.stop_gradient) == 1_318_625
    assert sum(p.size for p in network.state_dict().values()) == pytest.approx(1.36e6, rel=5e-3)
    assert len(network.state_dict()) == 1342


@pytest.mark.usefixtures("zero_initial_weights")
@pytest.mark.parametrize(("size", "millions"), [((96, 128), 75.6), ((192, 256), 302.3)])
def test_tinypose_has_the_macs_of_paddledetections_network(size, millions):
    assert count_macs(LiteHRNet(), size) / 1e6 == pytest.approx(millions, abs=0.05)


@pytest.mark.parametrize("joints", [5, 16])
def test_lite_hrnet_supports_any_number_of_joints(joints):
    network = LiteHRNet(num_joints=joints, **TINY)
    heatmaps = network(paddle.zeros([2, 64, 96, 3], dtype="uint8"))["heatmaps"]
    assert list(heatmaps.shape) == [2, 1, joints, 16, 24]


def test_every_parameter_has_a_gradient():
    network = LiteHRNet(num_joints=2, **{**TINY, "modules": (1, 2, 2)})
    network(paddle.randint(0, 256, [2, 64, 64, 3]).astype("uint8"))["heatmaps"].sum().backward()
    assert [
        name for name, p in network.named_parameters() if not p.stop_gradient and p.grad is None
    ] == []


def test_a_shuffle_unit_keeps_half_of_the_channels_and_alternates_them():
    unit = ShuffleUnit(6)
    x = paddle.rand([1, 6, 4, 4])
    y = unit(x)
    np.testing.assert_array_equal(y[:, ::2].numpy(), x[:, :3].numpy())
    np.testing.assert_array_equal(y[:, 1::2].numpy(), unit.branch2(x[:, 3:]).numpy())


def test_the_fusion_adds_branch_0_twice_and_reads_it_after_its_own_fusion():
    module = LiteHighResolutionModule([4, 8, 16], units=1)
    module.eval()
    for layer in module.sublayers():
        if isinstance(layer, paddle.nn.Conv2D):
            paddle.nn.initializer.Normal(std=0.3)(layer.weight)
    branches = [paddle.randn([1, 4 * 2**i, 8 // 2**i, 8 // 2**i]) for i in range(3)]
    high, middle, low = (units(x) for units, x in zip(module.layers, branches, strict=True))
    to_high, to_middle, to_low = module.fuse_layers
    fused_high = 2 * high + to_high[1](middle) + to_high[2](low)
    expected = [
        fused_high,
        2 * to_middle[0](fused_high) + middle + to_middle[2](low),
        2 * to_low[0](fused_high) + to_low[1](middle) + low,
    ]
    for found, wanted in zip(module(branches), expected, strict=True):
        np.testing.assert_allclose(found.numpy(), F.relu(wanted).numpy(), rtol=1e-4, atol=1e-4)
        assert (wanted < 0).any()  # so that reading an activated map would be seen


def test_lite_hrnet_rejects_a_wrong_image_size():
    with pytest.raises(ValueError, match="multiples of 32"):
        LiteHRNet(**TINY)(paddle.zeros([1, 48, 64, 3], dtype="uint8"))
