import json
import os
import pickle

import numpy as np
import paddle
import pytest

from paddle_pose.training import checkpoint
from paddle_pose.training.ema import Ema
from paddle_pose.training.optimizers import adam, adamw, rmsprop
from paddle_pose.training.precision import Precision, float32
from paddle_pose.training.run_state import Progress, State, moments, read_state, set_moments


def network(width=4):
    return paddle.nn.Sequential(
        paddle.nn.Conv2D(3, width, 3),
        paddle.nn.BatchNorm2D(width),
        paddle.nn.ReLU(),
        paddle.nn.Conv2D(width, 2, 1),
    )


def new(width=4, make=adam, **settings):
    model = network(width)
    optimizer = make(model, **settings)
    return State(model, optimizer, Precision(), Ema(lambda: float32(model, optimizer), 0.9))


def train(state, steps, seed):
    """Runs steps on reproducible images and returns their losses."""
    rng, losses = np.random.default_rng(seed), []
    state.model.train()
    for step in range(steps):
        state.optimizer.set_lr(0.01 / (1 + step))
        loss = (
            (state.model(paddle.to_tensor(rng.random((2, 3, 8, 8)).astype("float32"))) - 1)
            .square()
            .mean()
        )
        loss.backward()
        state.optimizer.step()
        state.optimizer.clear_grad()
        state.ema.update()
        losses.append(loss.item())
    return losses


def save(state, folder):
    checkpoint.save(folder, state.files(), state.scalars(), "{}\n")
    return folder


def load(state, folder):
    state.load(folder, read_state(folder))


def equal(a, b):
    same = a.keys() == b.keys()
    return same and all(
        np.array_equal(a[file][name], b[file][name])
        for file in a
        for name in {**a[file], **b[file]}
    )


@pytest.fixture
def trained():
    state = new()
    train(state, 3, seed=0)
    state.progress = Progress(1, 2, 3, {"Mean": 1 / 3, "weights": "averaged"}, 4, 5, 6)
    return state


def test_restored_state_continues_bit_identically(tmp_path, trained):
    """Also if other layers were built before, so that Paddle's internal names differ."""
    folder = save(trained, tmp_path / "last")
    network()
    paddle.nn.Linear(2, 2)
    other = new()
    assert other.model[0].weight.name != trained.model[0].weight.name
    load(other, folder)
    assert equal(other.files(), trained.files())
    assert other.progress == trained.progress
    assert other.ema.updates == 3
    assert train(other, 3, seed=1) == train(trained, 3, seed=1)
    assert equal(other.files(), trained.files())
    assert (
        save(other, tmp_path / "b").joinpath("model.pdopt").read_bytes()
        == save(trained, tmp_path / "a").joinpath("model.pdopt").read_bytes()
    )


def test_moments_affect_the_following_steps(tmp_path, trained):
    folder = save(trained, tmp_path / "last")
    (folder / "model.pdopt").unlink()
    checkpoint.write_manifest(folder)
    other = new()
    load(other, folder)
    train(other, 3, seed=1)
    train(trained, 3, seed=1)
    assert not equal(other.files(), trained.files())


def test_load_replaces_the_state_of_a_trained_network(tmp_path, trained):
    folder = save(trained, tmp_path / "last")
    expected = train(trained, 3, seed=1)
    other = new()
    train(other, 2, seed=5)
    load(other, folder)
    assert train(other, 3, seed=1) == expected


@pytest.mark.parametrize(
    ("make", "settings"),
    [
        pytest.param(adam, {"weight_decay": 0.1}, id="adam"),
        pytest.param(adamw, {"weight_decay": 0.1, "decay_norms_and_biases": False}, id="adamw"),
        pytest.param(rmsprop, {"momentum": 0.9, "weight_decay": 0.1}, id="rmsprop"),
    ],
)
def test_moments_of_every_optimizer_are_restored(tmp_path, make, settings):
    state = new(make=make, **settings)
    train(state, 3, seed=0)
    folder = save(state, tmp_path / "last")
    expected = train(state, 3, seed=1)
    other, without = new(make=make, **settings), new(make=make, **settings)
    load(other, folder)
    assert train(other, 3, seed=1) == expected
    load(without, folder)
    set_moments(without.model, without.optimizer, {})
    without.optimizer = make(without.model, **settings)
    assert train(without, 3, seed=1) != expected


def test_checkpoint_before_the_first_step_has_no_moments(tmp_path):
    state = new()
    folder = save(state, tmp_path / "last")
    assert not (folder / "model.pdopt").exists()
    other = new()
    load(other, folder)
    assert equal(other.files(), state.files())
    assert train(other, 2, seed=1) == train(state, 2, seed=1)


def test_average_can_be_dropped_and_added_on_resume(tmp_path, trained):
    folder = save(trained, tmp_path / "with")
    without = State(network(), adam(network()), Precision(), None)
    without.optimizer = adam(without.model)
    load(without, folder)
    assert "ema.pdparams" in json.loads((folder / "manifest.json").read_text())["files"]
    restarted = new()
    load(restarted, save(without, tmp_path / "without"))
    assert restarted.ema.updates == 0
    assert equal({"a": restarted.files()["ema.pdparams"]}, {"a": trained.files()["model.pdparams"]})


def test_load_of_another_network_fails_without_changes(tmp_path, trained):
    folder = save(trained, tmp_path / "last")
    other = new(width=6)
    before = other.files()
    with pytest.raises(
        ValueError,
        match=r"model.pdparams: the weights do not fit the network.*with a different shape",
    ):
        load(other, folder)
    assert equal(other.files(), before)


def test_set_moments_rejects_another_network(trained):
    with pytest.raises(ValueError, match=r"optimizer state for 'head.weight'"):
        set_moments(trained.model, trained.optimizer, {"head.weight/moment1_0": np.ones(2)})


def test_master_weights_are_saved_under_parameter_names(trained):
    """With half-precision weights, the float32 copies in the optimizer are saved."""

    class Masters:
        def __init__(self, state):
            self.state = state

        def state_dict(self):
            return self.state

        def set_state_dict(self, state):
            self.state = state

    name = trained.model[0].weight.name
    master = trained.model[0].weight.clone() + 1e-9
    optimizer = Masters(
        {"master_weights": {name: master}, f"{name}_fp32_master_0_moment1_0": master * 2}
    )
    saved = moments(trained.model, optimizer)
    assert sorted(saved) == ["0.weight/fp32_master_0_moment1_0", "0.weight/master"]
    assert float32(trained.model, optimizer)["0.weight"] is master
    other = Masters({})
    set_moments(trained.model, other, saved)
    assert other.state["master_weights"].keys() == {name}
    assert other.state.keys() == optimizer.state.keys()


@pytest.mark.parametrize("name", ["model.pdparams", "model.pdopt", "ema.pdparams"])
def test_load_rejects_a_checkpoint_with_executable_pickles(tmp_path, trained, name):
    class Malicious:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "executed"),)

    folder = save(trained, tmp_path / "last")
    (folder / name).write_bytes(pickle.dumps({"0.weight": Malicious()}, protocol=2))
    with pytest.raises(ValueError, match=f"{name}: damaged"):
        load(new(), folder)
    checkpoint.write_manifest(folder)
    with pytest.raises(ValueError, match=f"{name}.*refused"):
        load(new(), folder)
    assert not (tmp_path / "executed").exists()
