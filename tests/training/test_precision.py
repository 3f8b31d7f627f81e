import numpy as np
import paddle
import pytest

from paddle_pose.training.precision import LossScale, Precision


def scaled(value=1024.0):
    """As on a GPU in float16, with a scale; the network itself stays in float32."""
    precision = Precision()
    precision.scale = LossScale(value)
    return precision


def gradients(model):
    return [parameter.grad.numpy() for parameter in model.parameters()]


def test_a_power_of_two_leaves_no_trace_in_the_gradients():
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


def test_overflow_halves_and_long_calm_doubles():
    scale = LossScale(4.0, grow_every=3)
    seen = []
    for finite in (False, True, True, True, True, False, False, False, False):
        scale.update(finite)
        seen.append(scale.value)
    assert seen == [2, 2, 2, 4, 4, 2, 1, 1, 1]


def test_the_scale_survives_a_checkpoint():
    precision = scaled(2.0)
    for _ in range(7):
        precision.update(True)
    other = scaled()
    other.load(precision.state())
    assert other.scale == precision.scale == LossScale(2.0, good=7)


def test_float32_has_no_scale():
    precision = Precision()
    precision.update(False)
    precision.load({"value": 2.0, "good": 1, "grow_every": 3})
    assert precision.state() == {}
    model = paddle.nn.Linear(2, 2)
    assert precision.prepare(model, None) == (model, None)


@pytest.mark.parametrize("level", ["O1", "O2"])
def test_half_precision_is_refused_where_paddle_would_ignore_it(level):
    with pytest.raises(
        ValueError, match=rf"train.amp {level} needs a GPU: on cpu Paddle ignores it"
    ):
        Precision(level)
