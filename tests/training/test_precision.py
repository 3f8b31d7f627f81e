import numpy as np
import paddle
import pytest

from paddle_pose.errors import InputError
from paddle_pose.training.precision import LossScale, Precision


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
