import numpy as np
import paddle
import pytest

from paddle_pose.training.non_finite_guard import NonFiniteGuard

BAD = [float("nan"), float("inf"), -float("inf")]


def network():
    return paddle.nn.Sequential(
        paddle.nn.Conv2D(2, 3, 1),
        paddle.nn.BatchNorm2D(3),
        paddle.nn.Conv2D(3, 1, 1),
        paddle.nn.BatchNorm2D(1),
    )


def forward(model, value=1.0):
    pixels = np.random.default_rng(0).random((4, 2, 5, 5)).astype("float32")
    pixels[0, 0, 0, 0] = value
    loss = model(paddle.to_tensor(pixels)).square().mean()
    loss.backward()
    return loss


def statistics(model):
    return [model[i].state_dict()[name].numpy() for i in (1, 3) for name in ("_mean", "_variance")]


def test_check_returns_loss_and_gradient_norm_of_a_finite_step():
    model = network()
    guard = NonFiniteGuard(model)
    loss = forward(model)
    health = guard.check(loss)
    norm = np.sqrt(
        sum(
            (p.grad.numpy().astype("float64") ** 2).sum()
            for p in model.parameters()
            if p.grad is not None
        )
    )
    assert health.finite
    assert health.loss == loss.item()
    assert health.gradient == pytest.approx(norm, rel=1e-5)


def test_the_norm_of_many_gradients_is_exact():
    """Regression: Paddle's norm of a vector adds up in order in float32 on a CPU."""
    layer = paddle.nn.Linear(2000, 1000)
    (layer(paddle.ones([1, 2000])).sum() * 1e-3).backward()
    health = NonFiniteGuard(layer).check(paddle.zeros([]))
    assert health.gradient == pytest.approx(1e-3 * np.sqrt(2000 * 1000 + 1000), rel=1e-5)


@pytest.mark.parametrize("bad", BAD)
def test_undo_restores_running_statistics_bit_for_bit(bad):
    model = network()
    guard = NonFiniteGuard(model)
    assert guard.check(forward(model)).finite
    model.clear_gradients()
    before = statistics(model)
    assert not guard.check(forward(model, bad)).finite
    assert not np.isfinite(statistics(model)[0]).all()
    guard.undo()
    assert all(np.array_equal(a, b) for a, b in zip(statistics(model), before, strict=True))
    model.clear_gradients()
    assert guard.check(forward(model)).finite, "the next step is not affected"


@pytest.mark.parametrize("bad", BAD)
def test_check_detects_a_non_finite_gradient(bad):
    model = network()
    guard = NonFiniteGuard(model)
    loss = forward(model)
    gradient = model[0].weight.grad.numpy()
    gradient[2, 1, 0, 0] = bad
    model[0].weight.grad.set_value(gradient)
    assert not guard.check(loss).finite


@pytest.mark.parametrize("bad", BAD)
def test_check_detects_a_non_finite_loss(bad):
    model = network()
    guard = NonFiniteGuard(model)
    forward(model)
    assert not guard.check(paddle.to_tensor(bad)).finite


def test_guard_accepts_a_network_without_statistics_and_gradients():
    model = paddle.nn.Linear(2, 2)
    guard = NonFiniteGuard(model)
    health = guard.check(paddle.to_tensor(1.5))
    assert (health.loss, health.gradient, health.finite) == (1.5, 0.0, True)
    guard.undo()
