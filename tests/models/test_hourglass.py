from functools import partial

import numpy as np
import paddle
import pytest

from paddle_pose.models.hourglass import Hourglass, hourglass52
from paddle_pose.models.macs import count_macs
from paddle_pose.models.stacked_hourglass import StackedHourglass


def small(**changes):
    settings = {
        "num_joints": 3,
        "channels": (4, 4, 4, 4, 4, 8),
        "blocks": (1, 1, 1, 1, 1, 1),
        "stem_channels": 4,
        "feature_channels": 4,
    }
    return Hourglass(**{**settings, **changes})


def images(width, height, batch=1):
    pixels = np.random.default_rng(0).integers(0, 256, (batch, height, width, 3), dtype=np.uint8)
    return paddle.to_tensor(pixels)


@pytest.mark.parametrize("size", [(128, 128), (256, 256), (384, 384), (256, 384)])
@pytest.mark.parametrize("num_stacks", [1, 2])
def test_hourglass_heatmaps_have_stride_4(size, num_stacks):
    model = small(num_stacks=num_stacks)
    model.eval()
    width, height = size
    maps = model(images(width, height, batch=2))["heatmaps"]
    assert maps.shape == [2, num_stacks, 3, height // 4, width // 4]
    assert maps.dtype == paddle.float32


def trainable_millions(model):
    return sum(p.size for p in model.parameters() if not p.stop_gradient) / 1e6


@pytest.mark.usefixtures("zero_initial_weights")
def test_hourglass52_has_the_published_parameter_count():
    model = hourglass52(inters=True)
    assert trainable_millions(model) == pytest.approx(94.85, abs=0.005)
    # Elements in the file of txyugood's project, including running statistics.
    assert sum(tensor.size for tensor in model.state_dict().values()) == 94_907_280


@pytest.mark.usefixtures("zero_initial_weights")
def test_hourglass104_has_the_published_parameter_count():
    assert trainable_millions(hourglass52(num_stacks=2)) == pytest.approx(187.7, abs=0.05)


def test_macs_are_proportional_to_the_number_of_pixels():
    model = small()
    macs = count_macs(model, (128, 128))
    assert count_macs(model, (256, 256)) == 4 * macs
    assert count_macs(model, (384, 384)) == 9 * macs


@pytest.mark.usefixtures("zero_initial_weights")
def test_hourglass52_has_the_published_macs():
    model = hourglass52()
    assert trainable_millions(model) == pytest.approx(93.67, abs=0.005)
    # Counted on the smallest input, since they are proportional to the number of pixels.
    macs = count_macs(model, (128, 128))
    assert 4 * macs == pytest.approx(28.6e9, rel=0.01)  # 256 x 256 px
    assert 9 * macs == pytest.approx(64.4e9, rel=0.01)  # 384 x 384 px


@pytest.mark.parametrize("shape", [(1, 320, 256, 3), (1, 256, 200, 3), (1, 64, 64, 3)])
def test_hourglass_rejects_sizes_that_cannot_be_halved(shape):
    with pytest.raises(ValueError, match=f"{shape[2]}x{shape[1]} px.*multiples of 128"):
        small()(paddle.zeros(shape, dtype="uint8"))


@pytest.mark.parametrize("shape", [(1, 3, 128, 128), (128, 128, 3)])
def test_hourglass_rejects_inputs_that_are_not_a_batch_of_images(shape):
    with pytest.raises(ValueError, match=r"expected \[N, H, W, 3\]"):
        small()(paddle.zeros(shape, dtype="uint8"))


@pytest.mark.parametrize(
    "arguments", [{"blocks": (1, 1)}, {"channels": (4,), "blocks": (1,)}, {"num_stacks": 0}]
)
def test_hourglass_rejects_invalid_arguments(arguments):
    with pytest.raises(ValueError, match="expected positive numbers"):
        small(**arguments)


def test_all_batch_normalisations_have_the_published_momentum():
    norms = [m for m in small().sublayers() if isinstance(m, paddle.nn.BatchNorm2D)]
    assert norms
    assert {(m._momentum, m._epsilon) for m in norms} == {(0.9, 1e-5)}


def test_initial_weights_have_the_published_distribution():
    model = small(channels=(32, 32), blocks=(1, 1))
    for name, value in model.state_dict().items():
        if value.ndim == 4:
            tolerance = 4 / np.sqrt(2 * value.size)  # four standard errors
            assert value.std().item() == pytest.approx(1e-3, rel=tolerance), name
        else:
            expected = 1 if name.endswith(("bn.weight", "bn1.weight", "_variance")) else None
            if name.endswith(("bias", "_mean")):
                expected = 0
            if expected is not None:
                assert (value == expected).all().item(), name


def test_only_the_unused_block_has_no_gradient():
    model = small(inters=True)
    model.train()
    model(images(128, 128))["heatmaps"].sum().backward()
    without_gradient = {
        name for name, p in model.named_parameters() if p.grad is None and p.trainable
    }
    assert without_gradient == {
        name for name, p in model.inters.named_parameters("inters") if p.trainable
    }
    assert without_gradient


def test_every_block_between_stacks_has_a_gradient():
    model = small(num_stacks=2)
    model.train()
    model(images(128, 128))["heatmaps"].sum().backward()
    assert [n for n, p in model.named_parameters() if p.grad is None and p.trainable] == []


def test_outputs_are_independent_of_other_images_in_the_batch():
    model = small(num_stacks=2)
    model.eval()
    batch = images(128, 128, batch=3)
    together = model(batch)["heatmaps"].numpy()
    alone = np.concatenate([model(batch[i : i + 1])["heatmaps"].numpy() for i in range(3)])
    np.testing.assert_allclose(together, alone, rtol=1e-5, atol=1e-8)


class HeatmapsOnly(paddle.nn.Layer):
    """Returns a tensor: Paddle saves dictionaries as sorted lists, with a warning."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, image):
        return self.network(image)["heatmaps"]


@pytest.mark.parametrize(
    "network",
    [
        partial(small, num_stacks=2, channels=(4, 8), blocks=(1, 1)),
        partial(StackedHourglass, num_stacks=2, num_joints=3, channels=8, depth=2),
    ],
    ids=["cornernet", "newell"],
)
def test_exported_program_accepts_any_batch_size(tmp_path, network):
    model = HeatmapsOnly(network())
    model.eval()
    spec = paddle.static.InputSpec([None, 128, 128, 3], "uint8", "image")
    paddle.jit.save(model, str(tmp_path / "model"), input_spec=[spec])
    loaded = paddle.jit.load(str(tmp_path / "model"))
    for batch in (1, 2):
        pixels = images(128, 128, batch)
        expected = model(pixels).numpy()
        np.testing.assert_allclose(loaded(pixels).numpy(), expected, rtol=1e-4, atol=1e-6)
