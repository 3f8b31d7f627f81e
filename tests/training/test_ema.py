from contextlib import suppress

import numpy as np
import paddle
import pytest

from paddle_pose.training.ema import Ema


def make(decay=0.9):
    model = paddle.nn.Sequential(paddle.nn.Linear(2, 3), paddle.nn.BatchNorm1D(3))
    return model, Ema(model.state_dict, decay)


def test_average_follows_the_formula():
    model, ema = make()
    expected = {
        name: tensor.numpy().astype("float64") for name, tensor in model.state_dict().items()
    }
    for step in range(1, 120):
        for tensor in model.state_dict().values():
            tensor.set_value(tensor + np.float32(0.1 * step))
        ema.update()
        decay = min(0.9, (1 + step) / (10 + step))
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


@pytest.mark.parametrize("decay", [0.0, 1.0, -1.0, float("nan")])
def test_ema_rejects_a_decay_out_of_range(decay):
    with pytest.raises(ValueError, match="expected a decay between 0 and 1"):
        make(decay)
