"""MobileNetV2: sizes, channels, padding, and the shared residuals of fire717's MoveNet."""

import numpy as np
import paddle
import paddle.nn.functional as F
import pytest

from paddle_pose.models.mobilenet_v2 import ConvUnit, MobileNetV2
from paddle_pose.models.movenet_sizes import scaled


def parameters(network):
    return sum(p.size for p in network.parameters() if p.trainable)


@pytest.mark.parametrize(("batch_norm", "count"), [(True, 2_223_872), (False, 2_223_872 - 17_056)])
def test_mobilenet_v2_has_the_published_parameter_count(batch_norm, count):
    # Source: torchvision's mobilenet_v2 without its classifier. Folding replaces scale and shift of
    # a channel by one bias.
    assert parameters(MobileNetV2(batch_norm=batch_norm)) == count


def test_forward_returns_features_at_four_strides():
    backbone = MobileNetV2(width=0.25)
    features = backbone(paddle.zeros([2, 3, 64, 96]))
    assert [list(x.shape) for x in features] == [
        [2, channels, 64 // stride, 96 // stride]
        for channels, stride in zip(backbone.out_channels, (4, 8, 16, 32), strict=True)
    ]


def test_scaled_returns_multiples_of_eight_at_most_10_percent_below():
    assert [scaled(c, 1.75) for c in (32, 16, 24, 32, 64, 96, 160, 320)] == [
        56,
        32,
        40,
        56,
        112,
        168,
        280,
        560,
    ]
    for width in np.linspace(0.1, 3, 30):
        for channels in (16, 24, 96):
            assert scaled(channels, width) % 8 == 0
            assert scaled(channels, width) >= 0.9 * channels * width


@pytest.mark.parametrize(
    ("padding", "first_cells"), [("same", [(1, 1), (0, 0)]), ("symmetric", [(0, 0), (3, 3)])]
)
def test_padding_determines_the_centres_of_strided_kernels(padding, first_cells):
    """With "same" the centres are on odd cells, with "symmetric" on even cells."""
    unit = ConvUnit(1, 1, kernel=3, stride=2, bias=False, padding=padding)
    unit.conv.weight.set_value(np.float32([[[[0, 0, 0], [0, 1, 0], [0, 0, 0]]]]))
    (row, column), _ = first_cells
    cells = paddle.arange(16, dtype="float32").reshape([1, 1, 4, 4])
    assert unit(cells)[0, 0].tolist() == cells[0, 0, row::2, column::2].tolist()


@pytest.mark.parametrize("groups", [1, 4])
def test_same_padding_equals_padding_the_input(groups):
    unit = ConvUnit(4, 4, kernel=3, stride=2, groups=groups, padding="same")
    x = paddle.rand([2, 4, 6, 8])
    x.stop_gradient = False
    padded = F.conv2d(
        F.pad(x, [0, 1, 0, 1]), unit.conv.weight, unit.conv.bias, stride=2, padding=0, groups=groups
    )
    assert padded.shape == [2, 4, 3, 4]
    parts = [x, unit.conv.weight, unit.conv.bias]
    for y in (unit(x), padded):
        parts.append(paddle.grad((y * y).sum(), parts[:3]))
    np.testing.assert_allclose(unit(x).numpy(), padded.numpy(), atol=1e-5)
    for result, expected in zip(*parts[3:], strict=True):
        np.testing.assert_allclose(result.numpy(), expected.numpy(), rtol=1e-4, atol=1e-4)


def test_shared_residuals_equal_copies_of_the_shared_block():
    """Copies of the shared block at every position give the same features."""
    shared, separate = (
        MobileNetV2(0.1, "stage", "relu", "symmetric", share_residuals=s) for s in (True, False)
    )
    state = {}
    index = 0
    for number, (block, repeats) in enumerate(zip(shared.blocks, shared.repeats, strict=True)):
        for _ in range(repeats):
            for name, value in block.state_dict().items():
                state[f"blocks.{index}.{name}"] = value
            index += 1
        # As published, the last block is never used.
        assert (repeats == 0) == (number == len(shared.blocks) - 1)
    rest = {
        name: value for name, value in shared.state_dict().items() if not name.startswith("blocks.")
    }
    assert separate.set_state_dict({**state, **rest}) == ([], [])
    image = paddle.rand([1, 3, 32, 32])
    for network in (shared, separate):
        network.eval()
    for one, other in zip(shared(image), separate(image), strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


@pytest.mark.parametrize(
    "wrong", [{"width": 0}, {"activation": "elu"}, {"padding": "valid"}, {"expansion": "all"}]
)
def test_mobilenet_v2_rejects_wrong_arguments(wrong):
    with pytest.raises(ValueError, match=rf"{next(iter(wrong))}=.*expected"):
        MobileNetV2(**wrong)
