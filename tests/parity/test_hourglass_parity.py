"""The hourglass networks against the published implementation and a literal one in float64 NumPy.

Source of the published outputs: MMPose's Hourglass-52 (1.x), float32 on a CPU, with generated
weights.
"""

import re

import numpy as np
import paddle
import pytest
from parity import published, reference
from parity.published import relative_error

from paddle_pose.models.hourglass import Hourglass, hourglass52
from paddle_pose.models.stacked_hourglass import StackedHourglass

PUBLISHED_TO_OURS = [
    (r"^backbone\.", ""),
    (r"^hourglass_modules\.", "hourglasses."),
    (r"^stem\.1\.0\.", "stem.1."),
    (r"^(keypoint_)?head\.multi_final_layers\.", "heads."),
    (r"\.running_mean$", "._mean"),
    (r"\.running_var$", "._variance"),
]
TXYUGOOD_TO_PUBLISHED = [
    (r"\.conv(\d)\._conv\.", r".conv\1."),
    (r"\.conv(\d)\._batch_norm\.", r".bn\1."),
    (r"\.downsample\.0\._conv\.", ".downsample.0."),
    (r"\.downsample\.0\._batch_norm\.", ".downsample.1."),
    (r"\._conv\.", ".conv."),
    (r"\._batch_norm\.", ".bn."),
]


def renamed(name, rules):
    for pattern, replacement in rules:
        name = re.sub(pattern, replacement, name)
    return name


def filled_as_published(shared):
    """Returns Hourglass-52 with generated weights, and the functions of `fill.py`."""
    parity = published.rule(shared)
    tensors = parity["fill"](published.shapes(shared, "hourglass52_mmpose1_mpii16"))
    state = {
        renamed(name, PUBLISHED_TO_OURS): value
        for name, value in tensors.items()
        if not name.endswith("num_batches_tracked")
    }
    model = hourglass52(inters=True)
    mismatches = model.set_state_dict({k: paddle.to_tensor(v) for k, v in state.items()})
    assert mismatches == ([], [])
    return model, parity


def filled_by_rule(model):
    """Returns the model with generated weights that keep activations near 1, in inference mode."""
    for index, (name, tensor) in enumerate(sorted(model.state_dict().items())):
        wave = np.sin(np.arange(tensor.size) * 1.7 + index).reshape(tensor.shape)
        if name.endswith("_variance"):
            value = 1 + 0.5 * wave
        elif len(tensor.shape) == 1:
            value = 0.1 * wave + (name.endswith(".weight"))
        else:
            value = wave * np.sqrt(2 / np.prod(tensor.shape[1:]))
        tensor.set_value(value.astype(np.float32))
    model.eval()
    return model


def synthetic_image(width, height):
    y, x, channel = np.mgrid[:height, :width, :3]
    return ((13 * x + 29 * y + 71 * channel + x * y) % 256).astype(np.uint8)


@pytest.mark.parametrize("num_stacks", [1, 2])
def test_hourglass_forward_equals_the_literal_implementation(num_stacks):
    blocks = (1, 2, 2)
    model = filled_by_rule(
        Hourglass(
            num_joints=3,
            num_stacks=num_stacks,
            channels=(6, 6, 10),
            blocks=blocks,
            stem_channels=4,
            feature_channels=8,
        )
    )
    image = synthetic_image(48, 32)
    heatmaps = model(paddle.to_tensor(image[None]))["heatmaps"][0].numpy()
    expected = reference.hourglass(
        {name: tensor.numpy() for name, tensor in model.state_dict().items()},
        image,
        blocks,
        num_stacks,
    )
    assert expected.std() > 0.1, "constant heatmaps could not reveal differences"
    assert relative_error(heatmaps, expected) < 1e-5


def test_stacked_hourglass_forward_equals_the_literal_implementation():
    model = filled_by_rule(StackedHourglass(num_stacks=2, num_joints=3, channels=8, depth=2))
    image = synthetic_image(48, 32)
    heatmaps = model(paddle.to_tensor(image[None]))["heatmaps"][0].numpy()
    state = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    expected = reference.stacked_hourglass(state, image, depth=2, num_stacks=2)
    assert expected.std() > 0.1, "constant heatmaps could not reveal differences"
    assert relative_error(heatmaps, expected) < 1e-5


@pytest.mark.usefixtures("zero_initial_weights")
@pytest.mark.parametrize("txyugood", [False, True], ids=["mmpose", "txyugood"])
def test_published_names_and_shapes_convert_to_ours(shared, txyugood):
    if txyugood:
        tensors = published.shapes(shared, "hourglass52_original_paddle_mpii16")
        tensors = {renamed(name, TXYUGOOD_TO_PUBLISHED): s for name, s in tensors.items()}
    else:
        tensors = published.shapes(shared, "hourglass52_mmpose1_mpii16")
    converted = {
        renamed(name, PUBLISHED_TO_OURS): shape
        for name, shape in tensors.items()
        if not name.endswith("num_batches_tracked")
    }
    state = hourglass52(inters=True).state_dict()
    assert converted == {name: list(tensor.shape) for name, tensor in state.items()}


@pytest.mark.usefixtures("zero_initial_weights")
def test_heatmaps_equal_the_published_ones(shared):
    model, parity = filled_as_published(shared)
    model.eval()
    with paddle.no_grad():
        image = paddle.to_tensor(parity["picture"](256, 256)[None])
        heatmaps = model(image)["heatmaps"][0, -1].numpy()
    expected = published.heatmaps(shared, "hourglass52_mmpose1_mpii16_256x256")
    assert relative_error(heatmaps, expected) < 1e-4


@pytest.mark.slow
@pytest.mark.usefixtures("zero_initial_weights")
@pytest.mark.parametrize("on_device", [False, True], ids=["targets", "device_targets"])
def test_training_losses_equal_the_published_ones(shared, tmp_path, on_device):
    model, _ = filled_as_published(shared)
    # Three of six steps, or two, since each takes 20 seconds on a slow processor. The test of
    # SimpleBaseline compares all six.
    steps = 2 if on_device else 3
    losses, expected = published.training_losses(
        shared, "hourglass52_mmpose1_mpii16", model, (256, 256), tmp_path, steps, on_device
    )
    assert losses[0] == pytest.approx(expected[0], rel=1e-5)
    assert losses[1:] == pytest.approx(expected[1:], rel=0.01)
