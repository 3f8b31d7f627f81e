"""Mixed precision, as far as Paddle lets a CPU do it.

On a CPU `paddle.amp.auto_cast` has no effect, and `paddle.amp.decorate` returns its arguments. The
function by which `decorate` casts a network on a GPU, `amp_initialize`, works on a CPU too. That
half-precision convolutions run inside `auto_cast` can only be tested on a GPU (scripts/gpu_check.py).
"""

import importlib

import numpy as np
import paddle
import pytest

from paddle_pose import build
from paddle_pose.configs.registry import CONFIGS
from paddle_pose.engine.train import train
from paddle_pose.errors import InputError
from paddle_pose.models.layers import Normalize
from paddle_pose.training.ema import Ema
from paddle_pose.training.optimizers import adam
from paddle_pose.training.precision import LossScale, Precision, float32, full_precision


def scaled(value=1024.0):
    """Returns a precision with a loss scale as for float16 on a GPU; it computes in float32."""
    precision = Precision()
    precision.scale = LossScale(value)
    return precision


def gradients(model):
    return [parameter.grad.numpy() for parameter in model.parameters()]


def test_unscale_restores_gradients_exactly():
    paddle.seed(0)
    model, image = paddle.nn.Linear(3, 2), paddle.randn([5, 3])
    Precision().backward(model(image).square().mean())
    expected = gradients(model)
    model.clear_gradients()
    precision = scaled()
    precision.backward(model(image).square().mean())
    assert not np.array_equal(gradients(model)[0], expected[0])
    precision.unscale(model.parameters())
    assert all(np.array_equal(a, b) for a, b in zip(gradients(model), expected, strict=True))


def test_loss_scale_halves_on_overflow_and_doubles_after_finite_steps():
    scale = LossScale(4.0, grow_every=3)
    values = []
    for finite in (False, True, True, True, True, False, False, False, False):
        scale.update(finite)
        values.append(scale.value)
    assert values == [2, 2, 2, 4, 4, 2, 1, 1, 1]


def test_loss_scale_is_restored_from_a_checkpoint():
    precision = scaled(2.0)
    for _ in range(7):
        precision.update(True)
    other = scaled()
    other.load(precision.state())
    assert other.scale == precision.scale == LossScale(2.0, good=7)


def test_float32_precision_has_no_loss_scale():
    precision = Precision()
    precision.update(False)
    precision.load({"value": 2.0, "good": 1, "grow_every": 3})
    assert precision.state() == {}
    model = paddle.nn.Linear(2, 2)
    assert precision.prepare(model, None) == (model, None)


@pytest.mark.parametrize("level", ["O1", "O2"])
def test_half_precision_without_gpu_raises(level):
    with pytest.raises(InputError, match=rf"train.amp {level}"):
        Precision(level)


@pytest.fixture
def gpu(monkeypatch):
    """Makes a precision call Paddle as on a GPU; `decorate` casts the network as it does there."""
    amp = importlib.import_module("paddle.amp.auto_cast")

    def decorate(model, optimizer, level, dtype, master_weight, master_grad, excluded_layers=None):
        assert level == "O2"
        assert master_weight
        assert master_grad
        amp.amp_initialize([model], dtype, excluded_layers)
        return model, optimizer

    monkeypatch.setattr(paddle, "get_device", lambda: "gpu:0")
    monkeypatch.setattr(paddle.amp, "decorate", decorate)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize(
    "name", ["hourglass_tiny_128", "movenet_lightning_coco", "simple_baseline_r50_mpii_256"]
)
def test_level_o2_normalizes_images_in_float32(gpu, name, dtype):
    model = build.model(CONFIGS[name])
    images = paddle.randint(0, 256, [1, 8, 8, 3]).astype("uint8")
    (normalize,) = (layer for layer in model.sublayers() if isinstance(layer, Normalize))
    expected = normalize(images)
    model, _ = Precision("O2", dtype).prepare(model, adam(model))
    assert str(model.parameters()[0].dtype) == f"paddle.{dtype}"
    found = normalize(images)
    assert found.dtype == paddle.float32
    assert np.array_equal(found.numpy(), expected.numpy())


def test_saved_and_averaged_weights_of_level_o2_are_the_master_copies(gpu):
    paddle.seed(0)
    model = paddle.nn.Linear(4, 3)
    model, optimizer = Precision("O2", "bfloat16").prepare(model, adam(model))
    average = Ema(lambda: full_precision(model, optimizer), 0.5)
    # An optimizer step cannot run on a CPU in half precision; its master copies are set instead.
    masters = {
        parameter.name: paddle.full(parameter.shape, 1.001) for parameter in model.parameters()
    }
    optimizer._master_weights = masters
    assert float32(model, optimizer)["weight"] is masters[model.weight.name]
    average.update()
    masters[model.weight.name].set_value(paddle.full([4, 3], 7.0))
    before = average.average["weight"].numpy()
    average.update()
    decay = 3 / 12
    np.testing.assert_allclose(
        average.average["weight"].numpy(), decay * before + (1 - decay) * 7, rtol=1e-6
    )


def test_evaluations_of_a_training_run_in_its_precision(synthetic_mpii, tmp_path, monkeypatch):
    modes = []
    original = Precision.run

    def run(self, model, image):
        modes.append(model.training)
        return original(self, model, image)

    monkeypatch.setattr(Precision, "run", run)
    train(
        "hourglass_tiny_128",
        data=synthetic_mpii,
        output=tmp_path / "run",
        device="cpu",
        overrides={"codec.input_size": (64, 64), "train.epochs": 1, "train.batch_size": 4},
        progress=None,
    )
    assert modes.count(True) == 2
    assert modes.count(False) >= 1
