import json
import os
import pickle
import shutil

import numpy as np
import paddle
import pytest

from paddle_pose.training import checkpoint
from paddle_pose.training.optimizers import adam

STATE = {"epoch": 2, "step": 14, "best": {"Mean": 1 / 3}}


def network(width=4):
    return paddle.nn.Sequential(
        paddle.nn.Conv2D(3, width, 3), paddle.nn.BatchNorm2D(width), paddle.nn.ReLU(), paddle.nn.Conv2D(width, 2, 1)
    )


def train(model, optimizer, steps, seed):
    """Some steps on reproducible pictures; their losses."""
    rng, losses = np.random.default_rng(seed), []
    model.train()
    for step in range(steps):
        optimizer.set_lr(0.01 / (1 + step))
        loss = (model(paddle.to_tensor(rng.random((2, 3, 8, 8)).astype("float32"))) - 1).square().mean()
        loss.backward()
        optimizer.step()
        optimizer.clear_grad()
        losses.append(loss.item())
    return losses


def weights(model):
    return {name: tensor.numpy() for name, tensor in model.state_dict().items()}


def equal(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


@pytest.fixture
def trained():
    model = network()
    optimizer = adam(model)
    train(model, optimizer, 3, seed=0)
    return model, optimizer


def test_a_loaded_run_continues_to_the_same_bits(tmp_path, trained):
    """Also in a process where Paddle has counted other layers, so that the same ones have other inner names."""
    model, optimizer = trained
    checkpoint.save(tmp_path / "last", model, optimizer, STATE, '{"a": 1}\n')
    network(), paddle.nn.Linear(2, 2)
    other = network()
    others = adam(other)
    assert other[0].weight.name != model[0].weight.name
    assert not equal(weights(other), weights(model))
    assert checkpoint.load(tmp_path / "last", other, others) == STATE
    assert equal(weights(other), weights(model))
    assert train(other, others, 3, seed=1) == train(model, optimizer, 3, seed=1)
    assert equal(weights(other), weights(model))
    # the moments make the difference: without them it goes elsewhere
    fresh = network()
    checkpoint.put(fresh, checkpoint.read_weights(tmp_path / "last" / "model.pdparams"), tmp_path)
    train(fresh, adam(fresh), 3, seed=1)
    assert not equal(weights(fresh), weights(model))


def test_loading_into_a_network_that_has_trained_already_forgets_that(tmp_path, trained):
    model, optimizer = trained
    checkpoint.save(tmp_path / "last", model, optimizer, STATE, "{}\n")
    expected = train(model, optimizer, 3, seed=1)
    other = network()
    others = adam(other)
    train(other, others, 2, seed=5)
    checkpoint.load(tmp_path / "last", other, others)
    assert train(other, others, 3, seed=1) == expected


def test_the_files_are_plain(tmp_path, trained):
    model, optimizer = trained
    folder = tmp_path / "run" / "last"
    checkpoint.save(folder, model, optimizer, STATE, '{"a": 1}\n')
    assert sorted(p.name for p in folder.iterdir()) == ["config.json", "model.pdopt", "model.pdparams", "state.json"]
    assert [p.name for p in folder.parent.iterdir()] == ["last"], "nothing is left beside it"
    loaded = paddle.load(str(folder / "model.pdparams"))
    assert equal({name: tensor.numpy() for name, tensor in loaded.items()}, weights(model))
    assert json.loads((folder / "state.json").read_text()) == STATE
    assert (folder / "config.json").read_text() == '{"a": 1}\n'
    checkpoint.save(folder.with_name("best"), model, None, STATE, "{}\n")
    assert not (folder.with_name("best") / "model.pdopt").exists()


class CutError(OSError):
    pass


@pytest.mark.parametrize("left", [(), (".writing",), (".old",)], ids=["clean", "writing", "old"])
@pytest.mark.parametrize("at", range(14))
def test_a_save_cut_short_anywhere_leaves_a_whole_checkpoint(tmp_path, monkeypatch, trained, at, left):
    """Each call that changes the disk is cut once: before a first save, and again where leftovers lie about."""
    model, optimizer = trained
    folder = tmp_path / "last"
    checkpoint.save(folder, model, optimizer, {"epoch": 1}, "{}\n")
    if ".writing" in left:
        (tmp_path / "last.writing").mkdir()
        (tmp_path / "last.writing" / "model.pdparams").write_bytes(b"half")
    if ".old" in left:  # a save was cut between its two renamings
        os.replace(folder, tmp_path / "last.old")
    assert checkpoint.find(folder) == (tmp_path / "last.old" if ".old" in left else folder)
    calls = 0

    def counted(function):
        def run(*args, **kwargs):
            nonlocal calls
            calls += 1
            if calls == at + 1:
                raise CutError(f"cut at {function.__name__}")
            return function(*args, **kwargs)

        return run

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", counted(os.replace))
        patch.setattr(shutil, "rmtree", counted(shutil.rmtree))
        patch.setattr(paddle, "save", counted(paddle.save))
        patch.setattr(checkpoint, "_sync", counted(checkpoint._sync))
        try:
            checkpoint.save(folder, model, optimizer, {"epoch": 2}, "{}\n")
            cut = False
        except CutError:
            cut = True
    assert cut == (calls > at)
    found = checkpoint.find(folder)
    assert found is not None
    state = json.loads((found / "state.json").read_text())
    assert state["epoch"] in ((1, 2) if cut else (2,))
    assert equal(checkpoint.read_weights(found / "model.pdparams"), weights(model))
    checkpoint.save(folder, model, optimizer, {"epoch": 3}, "{}\n")  # and the next save is as any other
    assert [p.name for p in tmp_path.iterdir()] == ["last"]
    assert json.loads((checkpoint.find(folder) / "state.json").read_text()) == {"epoch": 3}


def test_nothing_is_found_where_nothing_whole_is(tmp_path):
    assert checkpoint.find(tmp_path / "last") is None
    (tmp_path / "last").mkdir()
    (tmp_path / "last" / "state.json").write_text("{}")
    assert checkpoint.find(tmp_path / "last") is None


def test_another_network_is_refused_with_the_files_name(tmp_path, trained):
    model, optimizer = trained
    checkpoint.save(tmp_path / "last", model, optimizer, STATE, "{}\n")
    other = network(width=6)
    before = weights(other)
    with pytest.raises(ValueError, match=r"model.pdparams: the weights do not fit the network.*misshapen"):
        checkpoint.load(tmp_path / "last", other, adam(other))
    assert equal(weights(other), before)
    smaller = model[:3]
    with pytest.raises(ValueError, match=r"2 unexpected: 3\.weight, 3\.bias"):
        checkpoint.load(tmp_path / "last", smaller, adam(smaller))


def test_moments_of_another_network_are_refused(tmp_path, trained):
    model, optimizer = trained
    checkpoint.save(tmp_path / "last", model, optimizer, STATE, "{}\n")
    paddle.save({"head.weight/moment1_0": paddle.ones([2])}, str(tmp_path / "last" / "model.pdopt"))
    with pytest.raises(ValueError, match=r"optimizer state for 'head.weight'"):
        checkpoint.load(tmp_path / "last", model, optimizer)


@pytest.mark.parametrize("name", ["model.pdparams", "model.pdopt"])
def test_a_checkpoint_that_wants_to_run_something_is_refused(tmp_path, trained, name):
    class Malice:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "executed"),)

    model, optimizer = trained
    checkpoint.save(tmp_path / "last", model, optimizer, STATE, "{}\n")
    (tmp_path / "last" / name).write_bytes(pickle.dumps({"0.weight": Malice()}, protocol=2))
    with pytest.raises(ValueError, match=f"{name}.*refused"):
        checkpoint.load(tmp_path / "last", model, optimizer)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("name", ["model.pdparams", "model.pdopt", "state.json"])
def test_missing_and_broken_files_are_errors(tmp_path, trained, name):
    model, optimizer = trained
    checkpoint.save(tmp_path / "last", model, optimizer, STATE, "{}\n")
    path = tmp_path / "last" / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ValueError, match=r"truncated|damaged|ended|delimiter|Expecting|not a|broken"):
        checkpoint.load(tmp_path / "last", model, optimizer)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=name):
        checkpoint.load(tmp_path / "last", model, optimizer)
