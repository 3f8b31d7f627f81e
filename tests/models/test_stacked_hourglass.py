import numpy as np
import paddle
import pytest

from paddle_pose.models.stacked_hourglass import (
    PreActivationBottleneck,
    StackedHourglass,
    stacked_hourglass,
)


def images(width, height, batch=1):
    pixels = np.random.default_rng(0).integers(0, 256, (batch, height, width, 3), dtype=np.uint8)
    return paddle.to_tensor(pixels)


@pytest.mark.parametrize("size", [(64, 64), (256, 256), (320, 192)])
@pytest.mark.parametrize("num_stacks", [1, 3])
def test_stacked_hourglass_heatmaps_have_stride_4(size, num_stacks):
    model = StackedHourglass(num_stacks=num_stacks, num_joints=5, channels=8)
    model.eval()
    width, height = size
    maps = model(images(width, height, batch=2))["heatmaps"]
    assert maps.shape == [2, num_stacks, 5, height // 4, width // 4]


@pytest.mark.parametrize(("num_stacks", "millions"), [(2, 6.7), (8, 25.6)])
def test_stacked_hourglass_has_the_published_parameter_counts(num_stacks, millions):
    parameters = stacked_hourglass(num_stacks).parameters()
    trainable = sum(p.size for p in parameters if not p.stop_gradient)
    assert trainable / 1e6 == pytest.approx(millions, abs=0.05)


@pytest.mark.parametrize(("width", "height"), [(256, 224), (32, 64)])
def test_stacked_hourglass_rejects_sizes_that_cannot_be_halved(width, height):
    with pytest.raises(ValueError, match=f"{width}x{height} px.*multiples of 64"):
        StackedHourglass(channels=8)(images(width, height))


@pytest.mark.parametrize("arguments", [{"num_stacks": 0}, {"channels": 6}, {"depth": 0}])
def test_stacked_hourglass_rejects_invalid_arguments(arguments):
    with pytest.raises(ValueError, match="expected positive numbers"):
        StackedHourglass(**arguments)


def test_residual_block_with_zero_residual_is_the_identity():
    block = PreActivationBottleneck(4, 4)
    block.conv3.weight.set_value(paddle.zeros_like(block.conv3.weight))
    block.conv3.bias.set_value(paddle.zeros_like(block.conv3.bias))
    maps = paddle.randn([1, 4, 3, 2])
    assert (
        (block(maps) == maps).all().item()
    )  # also for negative values: there is no ReLU after the sum


def test_initial_weights_have_the_uniform_distribution_of_pytorch():
    model = StackedHourglass(channels=64, depth=1)
    weight = model.hourglasses[0].up1[0].conv2.weight.numpy()
    bound = 1 / np.sqrt(32 * 9)
    assert np.abs(weight).max() <= bound
    assert weight.std() == pytest.approx(bound / np.sqrt(3), rel=0.05)


def test_later_stages_depend_on_earlier_heatmaps():
    model = StackedHourglass(num_stacks=2, num_joints=2, channels=8, depth=1)
    model.eval()
    pixels = images(16, 16)
    before = model(pixels)["heatmaps"].numpy()
    model.heads[0].bias.set_value(model.heads[0].bias + 1)
    after = model(pixels)["heatmaps"].numpy()
    np.testing.assert_allclose(after[:, 0], before[:, 0] + 1, rtol=1e-5)
    assert np.abs(after[:, 1] - before[:, 1]).max() > 1e-3


def test_every_parameter_has_a_gradient():
    model = StackedHourglass(num_stacks=2, num_joints=2, channels=8, depth=2)
    model.train()
    model(images(32, 32, batch=2))["heatmaps"].sum().backward()
    without_gradient = [
        name for name, p in model.named_parameters() if p.grad is None and not p.stop_gradient
    ]
    assert without_gradient == []
