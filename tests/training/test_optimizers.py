from math import cos, pi

import numpy as np
import paddle
import pytest

from paddle_pose.training.optimizers import (
    CosineSchedule,
    StepSchedule,
    adam,
    adamw,
    gradient_clip,
    norms_and_biases,
    rmsprop,
    trained_parameters,
)


def test_step_schedule_matches_the_published_recipe():
    """Source: mmpose's recipe for a batch of 64.

    347 steps per epoch, milestones at epochs 170 and 200, 500 steps of warm-up.
    """
    schedule = StepSchedule(5e-4, (170 * 347, 200 * 347), 0.1, 500, 0.001)
    expected = {
        0: 5e-7,
        250: 5e-4 * (0.001 + 0.999 / 2),
        499: 5e-4 * (0.001 + 0.999 * 499 / 500),
        500: 5e-4,
        170 * 347 - 1: 5e-4,
        170 * 347: 5e-5,  # counted from the start of training, not from the end of the warm-up
        200 * 347 - 1: 5e-5,
        200 * 347: 5e-6,
        10**7: 5e-6,
    }
    assert {step: schedule(step) for step in expected} == pytest.approx(expected, rel=1e-12)


def test_step_schedule_applies_a_milestone_within_the_warm_up():
    schedule = StepSchedule(1.0, (5,), 0.1, warmup=10, warmup_start=0.0)
    assert [schedule(step) for step in (4, 5, 10)] == pytest.approx([0.4, 0.05, 0.1])


@pytest.mark.parametrize(
    "make", [lambda w: StepSchedule(2.0, (), warmup=w), lambda w: CosineSchedule(2.0, 1000, w)]
)
def test_schedules_start_at_the_base_rate_without_warm_up(make):
    assert make(0)(0) == 2.0
    rising = [make(20)(step) for step in range(21)]
    assert rising[0] == pytest.approx(0.002)
    assert (np.diff(rising) > 0).all()
    assert make(20)(20) == make(0)(20)


def test_cosine_schedule_ends_at_zero():
    schedule = CosineSchedule(1.0, 200)
    assert [schedule(step) for step in (0, 100, 200, 500)] == pytest.approx(
        [1, 0.5, 0, 0], abs=1e-12
    )
    assert schedule(50) == pytest.approx((1 + cos(pi / 4)) / 2)


def test_adam_first_step_has_the_length_of_the_rate_without_decay():
    layer = paddle.nn.Linear(3, 2, weight_attr=paddle.nn.initializer.Constant(2.0), bias_attr=False)
    optimizer = adam(layer)
    optimizer.set_lr(0.01)
    slope = paddle.to_tensor([[1.0, -3.0], [0.0, 20.0], [0.5, -0.1]])
    (layer.weight * slope).sum().backward()
    optimizer.step()
    assert np.allclose(layer.weight.numpy(), 2 - 0.01 * np.sign(slope.numpy()), atol=1e-6)


def clipped_gradients(**limits):
    """Returns fixed gradients after the clipping of an Adam optimizer."""
    model = paddle.nn.Linear(2, 1)
    clip = adam(model, grad_clip=gradient_clip(**limits))._grad_clip
    pairs = [
        (model.weight, paddle.to_tensor([[3.0], [-0.5]])),
        (model.bias, paddle.to_tensor([4.0])),
    ]
    return np.concatenate([gradient.numpy().ravel() for _, gradient in clip(pairs)])


def test_gradient_clip_limits_norm_or_values():
    gradient = np.array([3.0, -0.5, 4.0])
    np.testing.assert_allclose(
        clipped_gradients(clip_norm=1.0), gradient / np.linalg.norm(gradient), rtol=1e-5
    )
    np.testing.assert_allclose(clipped_gradients(clip_norm=100.0), gradient)
    np.testing.assert_allclose(clipped_gradients(clip_value=1.0), [1.0, -0.5, 1.0])
    assert adam(paddle.nn.Linear(2, 1))._grad_clip is None


@pytest.mark.parametrize(
    "limits", [{"clip_norm": -1.0}, {"clip_value": -1.0}, {"clip_norm": 1.0, "clip_value": 1.0}]
)
def test_gradient_clip_rejects_invalid_limits(limits):
    with pytest.raises(ValueError, match=r"clip_norm=.*clip_value="):
        gradient_clip(**limits)


def one_step(make, model, gradients, rate=0.1, **settings):
    """Returns the parameters after one step with these gradients, as float64 arrays."""
    optimizer = make(model, **settings)
    optimizer.set_lr(rate)
    trained = trained_parameters(model)
    sum((p * paddle.to_tensor(g)).sum() for p, g in zip(trained, gradients, strict=True)).backward()
    optimizer.step()
    return [parameter.numpy().astype(np.float64) for parameter in trained]


def normalised():
    """Returns a network with normalisation layers of several types, and gradients for it."""
    paddle.seed(1)
    nn = paddle.nn
    model = nn.Sequential(
        nn.Conv2D(2, 2, 1), nn.BatchNorm2D(2), nn.LayerNorm(2), nn.GroupNorm(1, 2), nn.Linear(2, 2)
    )
    for parameter in model.parameters():
        parameter.set_value(paddle.full_like(parameter, 2.0))
    rng = np.random.default_rng(0)
    return model, [
        rng.normal(0, 1, parameter.shape).astype(np.float32)
        for parameter in trained_parameters(model)
    ]


@pytest.mark.parametrize("exempt", [False, True], ids=["all decay", "norms and biases do not"])
def test_adamw_decays_norms_and_biases_only_if_requested(exempt):
    model, gradients = normalised()
    weights = {"0.weight", "4.weight"}
    names = [name for name, parameter in model.named_parameters() if not parameter.stop_gradient]
    assert {"1.weight", "1.bias", "2.weight", "3.bias", "0.bias"} <= set(names)
    assert {
        name for name, p in model.named_parameters() if p.name not in norms_and_biases(model)
    } == weights
    after = one_step(adamw, model, gradients, weight_decay=0.5, decay_norms_and_biases=not exempt)
    for name, value, gradient in zip(names, after, gradients, strict=True):
        decays = name in weights or not exempt
        # The first step of Adam has the length of the rate.
        expected = 2 * (1 - 0.1 * 0.5 * decays) - 0.1 * np.sign(gradient)
        np.testing.assert_allclose(value, expected, atol=1e-5, err_msg=name)


def test_adam_adds_weight_decay_to_the_gradient():
    model = paddle.nn.Linear(1, 1, weight_attr=paddle.nn.initializer.Constant(2.0))
    optimizer = adam(model, weight_decay=0.5, epsilon=1e-12)
    optimizer.set_lr(0.1)
    for gradient in (-1.0, 3.0):  # the second step depends on the size, not only on the sign
        (model.weight * gradient).sum().backward()
        before = model.weight.item()
        optimizer.step()
        optimizer.clear_grad()
    # The first sum, -1 + 0.5 * 2 = 0, changes nothing; the second is 3 + 0.5 * 2 = 4.
    assert before == pytest.approx(2.0, abs=1e-6)
    mean = 0.1 * 4 / (1 - 0.9**2)
    square = 0.001 * 16 / (1 - 0.999**2)
    assert model.weight.item() == pytest.approx(2 - 0.1 * mean / square**0.5, rel=1e-4)


def test_rmsprop_matches_its_formula():
    model = paddle.nn.Linear(2, 1, bias_attr=False, weight_attr=paddle.nn.initializer.Constant(2.0))
    optimizer = rmsprop(model, rho=0.9, epsilon=1e-3, momentum=0.5, weight_decay=0.25)
    optimizer.set_lr(0.1)
    weight = np.full(2, 2.0)
    square = np.zeros(2)
    update = np.zeros(2)
    for gradient in ([1.0, -3.0], [0.5, 2.0], [-1.0, 0.0]):
        (model.weight * paddle.to_tensor(gradient).reshape([2, 1])).sum().backward()
        optimizer.step()
        optimizer.clear_grad()
        total = np.array(gradient) + 0.25 * weight
        square = 0.9 * square + 0.1 * total**2
        update = 0.5 * update + 0.1 * total / np.sqrt(square + 1e-3)
        weight = weight - update
    np.testing.assert_allclose(model.weight.numpy().ravel(), weight, rtol=1e-5)


def test_optimizers_ignore_frozen_parameters():
    for make in (adam, adamw, rmsprop):
        model = paddle.nn.Linear(2, 1)
        model.bias.stop_gradient = True
        assert [parameter.name for parameter in make(model)._parameter_list] == [model.weight.name]
