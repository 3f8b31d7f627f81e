import numpy as np
import paddle
import paddle.nn.functional as F
import pytest

from paddle_pose.models.layers import (
    BasicBlock,
    Conv2D,
    ConvBN,
    Normalize,
    UpsampleBilinear2x,
    UpsampleNearest2x,
)
from paddle_pose.models.macs import count_macs


def test_normalize_gives_values_calculated_by_hand():
    images = np.array([[[[0, 51, 255]]]], np.uint8)  # 0, 0.2, 1
    result = Normalize(mean=(0.5, 0.1, 0.2), std=(0.5, 0.1, 0.4))(paddle.to_tensor(images))
    assert result.shape == [1, 3, 1, 1]
    np.testing.assert_allclose(result.flatten().numpy(), [-1, 1, 2], rtol=1e-6)


def test_normalize_bgr_reverses_channels_but_not_mean_and_std():
    images = np.array([[[[0, 51, 255]]]], np.uint8)
    result = Normalize((0.5, 0.1, 0.2), (0.5, 0.1, 0.4), order="bgr")(paddle.to_tensor(images))
    np.testing.assert_allclose(result.flatten().numpy(), [1, 1, -0.5], rtol=1e-6)


def test_normalize_accepts_floats_and_has_no_state():
    images = np.random.default_rng(0).integers(0, 256, (2, 3, 5, 3), dtype=np.uint8)
    normalize = Normalize(mean=(0, 0, 0), std=(1, 1, 1), scale=1.0)
    for kind in (np.uint8, np.float32):
        result = normalize(paddle.to_tensor(images.astype(kind))).numpy()
        np.testing.assert_array_equal(result, images.transpose(0, 3, 1, 2))
    assert not normalize.state_dict()
    assert not normalize.parameters()


@pytest.mark.parametrize(
    "arguments", [{"order": "rbg"}, {"mean": (0.5,)}, {"std": (1.0, 0.0, 1.0)}]
)
def test_normalize_rejects_invalid_arguments(arguments):
    with pytest.raises(ValueError, match=r"order|std"):
        Normalize(**arguments)


@pytest.mark.parametrize(
    ("kernel", "arguments"),
    [(1, {}), (3, {"padding": 1, "groups": 6}), (3, {"stride": 2, "padding": [0, 1, 0, 1]})],
)
def test_convolution_with_bias_is_that_of_paddle(kernel, arguments):
    ours = Conv2D(6, 6, kernel, **arguments)
    theirs = paddle.nn.Conv2D(6, 6, kernel, **arguments)
    theirs.set_state_dict(ours.state_dict())
    bias = np.random.default_rng(0).normal(size=6).astype("float32")
    for layer in (ours, theirs):
        layer.bias.set_value(bias)
    images = paddle.randn([2, 6, 8, 10])
    outputs = [layer(images) for layer in (ours, theirs)]
    assert (outputs[0] == outputs[1]).all()
    for output in outputs:
        output.square().sum().backward()
    for name in ("weight", "bias"):
        a, b = (getattr(layer, name).grad.numpy() for layer in (ours, theirs))
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


def test_upsample_nearest_repeats_every_cell():
    maps = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype(np.float32)
    result = UpsampleNearest2x()(paddle.to_tensor(maps)).numpy()
    np.testing.assert_array_equal(result, maps.repeat(2, axis=2).repeat(2, axis=3))


def test_upsample_nearest_sums_gradients_per_cell():
    maps = paddle.zeros([1, 1, 1, 2])
    maps.stop_gradient = False
    weights = paddle.to_tensor([[[[1.0, 2, 3, 4], [5, 6, 7, 8]]]])
    (UpsampleNearest2x()(maps) * weights).sum().backward()
    assert maps.grad.flatten().tolist() == [1 + 2 + 5 + 6, 3 + 4 + 7 + 8]


def test_running_statistics_are_updated_by_one_tenth():
    layer = ConvBN(1, 1, kernel=1)
    layer.conv.weight.set_value(np.ones((1, 1, 1, 1), np.float32))
    layer.train()
    layer(paddle.to_tensor([[[[1.0, 3.0]]]]))  # mean 2, variance 1
    np.testing.assert_allclose(layer.bn._mean.numpy(), [0.9 * 0 + 0.1 * 2], rtol=1e-6)
    np.testing.assert_allclose(layer.bn._variance.numpy(), [0.9 * 1 + 0.1 * 1], rtol=1e-6)


def test_basic_block_applies_relu_after_the_sum():
    block = BasicBlock(2, 2)
    block.eval()
    assert block.downsample is None
    block.conv2.weight.set_value(paddle.zeros_like(block.conv2.weight))
    maps = paddle.to_tensor([[[[1.0, -1.0]], [[-2.0, 2.0]]]])
    assert block(maps).flatten().tolist() == [1, 0, 0, 2]


@pytest.mark.parametrize(("in_channels", "stride"), [(2, 2), (3, 1)])
def test_basic_block_projects_if_the_shape_changes(in_channels, stride):
    maps = paddle.ones([1, in_channels, 4, 6])
    assert BasicBlock(in_channels, 2, stride)(maps).shape == [1, 2, 4 // stride, 6 // stride]


def test_count_macs_matches_manual_count_without_changing_the_model():
    model = paddle.nn.Sequential(
        Normalize(),
        ConvBN(3, 4, kernel=3, stride=2),  # 4 x 8 positions
        ConvBN(4, 4, kernel=3, groups=4),
        paddle.nn.Conv2DTranspose(4, 5, 2, stride=2),  # from 4 x 8 positions
        paddle.nn.AdaptiveAvgPool2D(1),
        paddle.nn.Flatten(),
        paddle.nn.Linear(5, 7),
    )
    model[1].eval()
    modes = [layer.training for layer in model.sublayers(include_self=True)]
    before = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    positions = 4 * 8
    expected = positions * (4 * 3 * 9 + 4 * 9 + 4 * 5 * 4) + 5 * 7
    assert count_macs(model, (16, 8)) == expected
    assert count_macs(model, (16, 8)) == expected  # the hooks were removed
    assert [layer.training for layer in model.sublayers(include_self=True)] == modes
    for name, tensor in model.state_dict().items():
        np.testing.assert_array_equal(tensor.numpy(), before[name])


@pytest.mark.parametrize("align_corners", [False, True])
def test_upsample_bilinear_equals_paddles_interpolation(align_corners):
    x = paddle.rand([2, 3, 4, 5])
    expected = F.interpolate(x, size=[8, 10], mode="bilinear", align_corners=align_corners)
    upsample = UpsampleBilinear2x(align_corners)
    np.testing.assert_allclose(upsample(x).numpy(), expected.numpy(), atol=1e-6)
    assert list(upsample(x[:, :, :1, :1]).shape) == [2, 3, 2, 2]
    assert upsample.state_dict() == {}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_upsample_bilinear_copies_nothing_from_the_host_after_the_first_forward(dtype, monkeypatch):
    x = paddle.arange(2 * 5 * 7, dtype="float32").reshape([1, 2, 5, 7]).astype(dtype)
    first = UpsampleBilinear2x()(x)
    monkeypatch.setattr(paddle, "to_tensor", None)
    again = UpsampleBilinear2x()(x)  # of another layer too
    assert again.dtype == first.dtype == x.dtype
    assert bool((again == first).all())
