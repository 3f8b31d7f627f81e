import random

import numpy as np
import paddle
import pytest

from paddle_pose.training.optimizers import adam
from paddle_pose.training.precision import Precision
from paddle_pose.training.run_state import State
from paddle_pose.training.step import Step


class Model(paddle.nn.Layer):
    def __init__(self):
        super().__init__()
        self.linear = paddle.nn.Linear(3, 2)

    def forward(self, image):
        return {"map": self.linear(image)}


def terms(outputs, targets):
    error = outputs["map"] - targets["map"]
    return {"square": error.square().mean(), "absolute": error.abs().mean()}


def batch(size=7):
    rng = np.random.default_rng(0)
    image = rng.normal(size=(size, 3)).astype("float32")
    target = rng.normal(size=(size, 2)).astype("float32")
    return {"image": paddle.to_tensor(image), "targets": {"map": paddle.to_tensor(target)}}


def train_three_steps(accumulate, part_sizes=None):
    paddle.seed(0)
    model = Model()
    state = State(model, adam(model), Precision(), None)

    def loss(outputs, targets):
        if part_sizes is not None:
            part_sizes.append(len(outputs["map"]))
        return terms(outputs, targets)

    step = Step(state, loss, lambda number: 0.1 / (1 + number), accumulate=accumulate)
    step.begin()
    results = [step(batch()) for _ in range(3)]
    return results, model, state


def test_step_updates_progress_and_learning_rate():
    results, model, state = train_three_steps(1)
    assert (state.progress.step, state.progress.batch) == (3, 3)
    assert state.optimizer.get_lr() == 0.1 / 3
    assert model.training
    for result in results:
        assert result.health.terms.keys() == {"square", "absolute"}
        assert result.health.loss == pytest.approx(sum(result.health.terms.values()))
    assert results[2].health.loss < results[0].health.loss


@pytest.mark.parametrize("accumulate", [2, 3, 7, 50])
def test_gradient_accumulation_gives_the_weights_of_the_whole_batch(accumulate):
    part_sizes = []
    whole = train_three_steps(1)
    parts = train_three_steps(accumulate, part_sizes)
    assert sum(part_sizes) == 3 * 7
    assert len(part_sizes) == 3 * min(accumulate, 7)
    for one, other in zip(whole[0], parts[0], strict=True):
        assert other.health.loss == pytest.approx(one.health.loss, rel=1e-5)
        assert other.health.gradient == pytest.approx(one.health.gradient, rel=1e-5)
        assert other.health.terms["square"] == pytest.approx(one.health.terms["square"], rel=1e-5)
    np.testing.assert_allclose(
        parts[1].linear.weight.numpy(), whole[1].linear.weight.numpy(), rtol=1e-4, atol=1e-6
    )


class Noisy(Model):
    """Draws random values from the generators of Paddle, NumPy and Python in each forward."""

    def forward(self, image):
        from_numpy = np.random.random()  # noqa: NPY002 - the global generator
        self.random_values.append((paddle.rand([1]).item(), from_numpy, random.random()))
        return super().forward(image)


def random_values(seed, first_step, count):
    paddle.seed(0)
    model = Noisy()
    model.random_values = []
    state = State(model, adam(model), Precision(), None)
    state.progress.step = first_step
    step = Step(state, terms, lambda number: 0.1, seed=seed)
    step.begin()
    for _ in range(count):
        step(batch())
    return model.random_values


def test_random_values_depend_on_seed_and_step_only():
    steps = random_values(seed=3, first_step=0, count=4)
    for numbers in zip(*steps, strict=True):
        assert len(set(numbers)) == 4
    assert random_values(seed=3, first_step=2, count=2) == steps[2:]
    assert not set(random_values(seed=4, first_step=0, count=4)) & set(steps)


def test_step_rejects_zero_parts():
    with pytest.raises(ValueError, match="accumulate=0"):
        train_three_steps(0)
