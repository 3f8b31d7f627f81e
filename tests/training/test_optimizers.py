from math import cos, pi

import numpy as np
import paddle
import pytest

from paddle_pose.training.optimizers import CosineSchedule, StepSchedule, adam, schedule


def test_the_published_schedule_at_its_edges():
    """Source: mmpose's recipe for a batch of 64: 347 steps an epoch, drops at epochs 170 and 200, 500 steps of warm-up."""
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


def test_a_milestone_within_the_warm_up_counts():
    schedule = StepSchedule(1.0, (5,), 0.1, warmup=10, warmup_start=0.0)
    assert [schedule(step) for step in (4, 5, 10)] == pytest.approx([0.4, 0.05, 0.1])


@pytest.mark.parametrize("make", [lambda w: StepSchedule(2.0, (), warmup=w), lambda w: CosineSchedule(2.0, 1000, w)])
def test_without_a_warm_up_it_starts_at_the_top(make):
    assert make(0)(0) == 2.0
    rising = [make(20)(step) for step in range(21)]
    assert rising[0] == pytest.approx(0.002)
    assert (np.diff(rising) > 0).all()
    assert make(20)(20) == make(0)(20)


def test_the_cosine_ends_at_zero():
    schedule = CosineSchedule(1.0, 200)
    assert [schedule(step) for step in (0, 100, 200, 500)] == pytest.approx([1, 0.5, 0, 0], abs=1e-12)
    assert schedule(50) == pytest.approx((1 + cos(pi / 4)) / 2)


def test_adams_first_step_is_as_long_as_the_rate_and_decays_nothing():
    layer = paddle.nn.Linear(3, 2, weight_attr=paddle.nn.initializer.Constant(2.0), bias_attr=False)
    optimizer = adam(layer)
    optimizer.set_lr(0.01)
    slope = paddle.to_tensor([[1.0, -3.0], [0.0, 20.0], [0.5, -0.1]])
    (layer.weight * slope).sum().backward()
    optimizer.step()
    assert np.allclose(layer.weight.numpy(), 2 - 0.01 * np.sign(slope.numpy()), atol=1e-6)


def test_a_recipe_in_epochs_becomes_steps():
    steps = schedule("steps", 1.0, 10, epochs=9, milestones=(2, 3), gamma=0.5, warmup=0, warmup_start=0.0)
    assert [steps(n) for n in (19, 20, 30)] == [1.0, 0.5, 0.25]
    assert schedule("cosine", 1.0, 10, 9, (2,), 0.5, 4, 0.0) == CosineSchedule(1.0, 90, 4, 0.0)


def moved(**limits):
    """What one step of plain descent with Adam's clipping does to the gradient it is given."""
    model = paddle.nn.Linear(2, 1)
    clip = adam(model, **limits)._grad_clip
    pairs = [(model.weight, paddle.to_tensor([[3.0], [-0.5]])), (model.bias, paddle.to_tensor([4.0]))]
    return np.concatenate([gradient.numpy().ravel() for _, gradient in clip(pairs)])


def test_gradients_are_clipped_together_or_one_by_one():
    gradient = np.array([3.0, -0.5, 4.0])
    np.testing.assert_allclose(moved(clip_norm=1.0), gradient / np.linalg.norm(gradient), rtol=1e-5)
    np.testing.assert_allclose(moved(clip_norm=100.0), gradient)
    np.testing.assert_allclose(moved(clip_value=1.0), [1.0, -0.5, 1.0])
    assert adam(paddle.nn.Linear(2, 1))._grad_clip is None


@pytest.mark.parametrize("limits", [{"clip_norm": -1.0}, {"clip_value": -1.0}, {"clip_norm": 1.0, "clip_value": 1.0}])
def test_limits_that_make_no_sense_are_refused(limits):
    with pytest.raises(ValueError, match="expected one positive limit at most"):
        adam(paddle.nn.Linear(2, 1), **limits)
