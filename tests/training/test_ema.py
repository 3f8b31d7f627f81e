from contextlib import suppress

import numpy as np
import paddle
import pytest

from paddle_pose.training.ema import Ema


def make(decay=0.9, gamma=0):
    model = paddle.nn.Sequential(paddle.nn.Linear(2, 3), paddle.nn.BatchNorm1D(3))
    return model, Ema(model.state_dict, decay, gamma)


@pytest.mark.parametrize("gamma", [0, 50])
def test_average_follows_the_formula(gamma):
    model, ema = make(gamma=gamma)
    expected = {
        name: tensor.numpy().astype("float64") for name, tensor in model.state_dict().items()
    }
    for step in range(1, 120):
        for tensor in model.state_dict().values():
            tensor.set_value(tensor + np.float32(0.1 * step))
        ema.update()
        decay = min(0.9, (1 + step) / (10 + step))
        if gamma:
            share = (1 - 0.1) * np.exp(-step / gamma) + 0.1  # of the new values, as in mmdetection
            decay = 1 - share
        expected = {
            name: decay * expected[name] + (1 - decay) * tensor.numpy()
            for name, tensor in model.state_dict().items()
        }
    assert ema.updates == 119
    for name, average in ema.average.items():
        np.testing.assert_allclose(average.numpy(), expected[name], rtol=1e-5)


def test_first_updates_have_a_small_decay():
    """A constant decay of 0.9999 would contain the initial weights for thousands of steps."""
    model, ema = make(decay=0.9999)
    model[0].weight.set_value(np.full((2, 3), 100, "float32"))
    for _ in range(30):
        ema.update()
    assert ema.average["0.weight"].numpy().min() > 95


def test_in_place_of_sets_the_average_and_restores_the_network():
    model, ema = make()
    own = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    model[0].weight.set_value(own["0.weight"] + 1)
    ema.update()
    live = model[0].weight.numpy()
    with ema.in_place_of(model):
        assert np.array_equal(model[0].weight.numpy(), ema.average["0.weight"].numpy())
        assert not np.array_equal(model[0].weight.numpy(), live)
    assert np.array_equal(model[0].weight.numpy(), live)
    with suppress(KeyError), ema.in_place_of(model):
        raise KeyError
    assert np.array_equal(model[0].weight.numpy(), live)


def test_loaded_average_continues_identically():
    model, ema = make()
    ema.update()
    other = Ema(model.state_dict, 0.9)
    other.load({name: tensor.numpy() for name, tensor in ema.average.items()}, ema.updates)
    model[0].bias.set_value(np.arange(3, dtype="float32"))
    ema.update()
    other.update()
    for name, average in ema.average.items():
        assert np.array_equal(average.numpy(), other.average[name].numpy())
    with pytest.raises(ValueError, match=r"ema.pdparams are not those of this network"):
        other.load({"x": np.ones(1)}, 1)
    wrong = {name: np.zeros((1, *tensor.shape)) for name, tensor in ema.average.items()}
    with pytest.raises(ValueError, match=r"ema.pdparams are not those of this network"):
        other.load(wrong, 1)


@pytest.mark.parametrize("decay", [0.0, 1.0, -1.0, float("nan")])
def test_ema_rejects_a_decay_out_of_range(decay):
    with pytest.raises(ValueError, match="expected a decay between 0 and 1"):
        make(decay)


def test_average_equals_the_formula_in_float32_to_rounding():
    rng = np.random.default_rng(0)
    for _ in range(20):
        shape = rng.integers(1, 5, rng.integers(1, 4)).tolist()
        start = rng.normal(0, 10.0 ** rng.integers(-5, 5), shape).astype("float32")
        tensor = paddle.to_tensor(start)
        ema = Ema(lambda tensor=tensor: {"t": tensor}, 0.999)
        expected = start.astype("float64")
        for step in range(1, 30):
            tensor.set_value(rng.normal(0, np.abs(start).max(), shape).astype("float32"))
            ema.update()
            decay = min(0.999, (1 + step) / (10 + step))
            expected = decay * expected + (1 - decay) * tensor.numpy().astype("float64")
        largest = np.abs(start).max()
        np.testing.assert_allclose(ema.average["t"].numpy(), expected, rtol=0, atol=3e-6 * largest)


def test_average_follows_master_copies_made_by_the_first_step_and_replaced_by_a_resume():
    half = paddle.ones([3], dtype="bfloat16")
    masters = {}
    ema = Ema(lambda: {"w": masters.get("w", half)}, 0.5)
    assert ema.average["w"].dtype == paddle.float32
    masters["w"] = paddle.full([3], 1.001953125)  # not a bfloat16
    ema.update()
    share = 1 - 2 / 11
    first = 1 + share * 0.001953125
    np.testing.assert_allclose(ema.average["w"].numpy(), first, rtol=1e-6)
    ema.load({"w": np.ones(3, "float32")}, 0)
    masters["w"] = paddle.full([3], 2.0)
    ema.update()
    np.testing.assert_allclose(ema.average["w"].numpy(), 1 + share, rtol=1e-6)


def test_average_of_half_precision_tensors_without_master_copies_is_float32():
    half = paddle.ones([3], dtype="bfloat16")
    ema = Ema(lambda: {"w": half}, 0.5)
    half.set_value(paddle.full([3], 2.0, dtype="bfloat16"))
    ema.update()
    np.testing.assert_allclose(ema.average["w"].numpy(), 2 - 2 / 11, rtol=1e-6)
