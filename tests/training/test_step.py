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
    image, target = (
        rng.normal(size=(size, 3)).astype("float32"),
        rng.normal(size=(size, 2)).astype("float32"),
    )
    return {"image": paddle.to_tensor(image), "targets": {"map": paddle.to_tensor(target)}}


def stepped(accumulate, seen=None):
    paddle.seed(0)
    model = Model()
    state = State(model, adam(model), Precision(), None)

    def loss(outputs, targets):
        if seen is not None:
            seen.append(len(outputs["map"]))
        return terms(outputs, targets)

    step = Step(state, loss, lambda number: 0.1 / (1 + number), accumulate=accumulate)
    step.begin()
    results = [step(batch()) for _ in range(3)]
    return results, model, state


def test_a_step_counts_and_sets_its_rate():
    results, model, state = stepped(1)
    assert (state.progress.step, state.progress.batch) == (3, 3)
    assert state.optimizer.get_lr() == 0.1 / 3
    assert model.training
    for result in results:
        assert result.health.terms.keys() == {"square", "absolute"}
        assert result.health.loss == pytest.approx(sum(result.health.terms.values()))
    assert results[2].health.loss < results[0].health.loss


@pytest.mark.parametrize("accumulate", [2, 3, 7, 50])
def test_parts_of_a_batch_move_the_weights_as_the_batch_does(accumulate):
    seen = []
    whole, parts = stepped(1), stepped(accumulate, seen)
    assert sum(seen) == 3 * 7
    assert len(seen) == 3 * min(accumulate, 7)
    for one, other in zip(whole[0], parts[0], strict=True):
        assert other.health.loss == pytest.approx(one.health.loss, rel=1e-5)
        assert other.health.gradient == pytest.approx(one.health.gradient, rel=1e-5)
        assert other.health.terms["square"] == pytest.approx(one.health.terms["square"], rel=1e-5)
    np.testing.assert_allclose(
        parts[1].linear.weight.numpy(), whole[1].linear.weight.numpy(), rtol=1e-4, atol=1e-6
    )


class Noisy(Model):
    """Answers with chance numbers of Paddle, NumPy and Python beside its map."""

    def forward(self, image):
        drawn = (paddle.rand([1]).item(), np.random.random(), random.random())  # noqa: NPY002 - the global generator
        self.drawn.append(drawn)
        return super().forward(image)


def drawn(seed, first_step, count):
    paddle.seed(0)
    model = Noisy()
    model.drawn = []
    state = State(model, adam(model), Precision(), None)
    state.progress.step = first_step
    step = Step(state, terms, lambda number: 0.1, seed=seed)
    step.begin()
    for _ in range(count):
        step(batch())
    return model.drawn


def test_each_step_has_its_own_chance_which_seed_and_step_decide():
    steps = drawn(seed=3, first_step=0, count=4)
    for numbers in zip(*steps, strict=True):
        assert len(set(numbers)) == 4
    assert drawn(seed=3, first_step=2, count=2) == steps[2:]
    assert not set(drawn(seed=4, first_step=0, count=4)) & set(steps)


def test_no_parts_at_all_are_refused():
    with pytest.raises(ValueError, match="accumulate=0: a batch has one part or more"):
        stepped(0)
