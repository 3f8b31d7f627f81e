"""Written weights: every reader returns the same tensors, and no file is written half."""

import pickle

import numpy as np
import pytest
import safetensors.numpy

from paddle_pose.errors import InputError
from paddle_pose.weights.read import read_weights
from paddle_pose.weights.write import write_weights

SUFFIXES = pytest.mark.parametrize("suffix", [".safetensors", ".pdparams"])


def some_tensors():
    base = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32)
    return {
        "stem.0.weight": base,
        "transposed": base.T,
        "steps": base[::2, :, 1:4],
        "scalar": np.float32(2.5),
        "empty": np.zeros((0, 3), np.float32),
        "mean": np.asfortranarray(base[0]),
    }


@SUFFIXES
def test_read_weights_returns_what_was_written(tmp_path, suffix):
    path = tmp_path / "new" / "folder" / f"model{suffix}"
    write_weights(path, some_tensors())
    read = read_weights(path)
    assert read.keys() == some_tensors().keys()
    for name, expected in some_tensors().items():
        np.testing.assert_array_equal(read[name], expected, err_msg=name, strict=True)
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_paddle_loads_the_file(tmp_path):
    paddle = pytest.importorskip("paddle")
    layer = paddle.nn.Linear(2, 3)
    path = tmp_path / "model.pdparams"
    write_weights(path, {name: value.numpy() + 1 for name, value in layer.state_dict().items()})
    loaded = paddle.load(str(path))
    expected = {name: value.numpy() + 1 for name, value in layer.state_dict().items()}
    assert layer.set_state_dict(loaded) == ([], [])
    for name, value in layer.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), expected[name])


def test_safetensors_loads_the_file(tmp_path):
    write_weights(tmp_path / "model.safetensors", some_tensors())
    loaded = safetensors.numpy.load_file(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(loaded["transposed"], some_tensors()["transposed"])


def test_paddle_files_are_pickles_of_protocol_4(tmp_path):
    write_weights(tmp_path / "a.pdparams", {"a": np.zeros(2)})
    content = (tmp_path / "a.pdparams").read_bytes()
    assert content[:2] == bytes([pickle.PROTO[0], 4])
    assert list(pickle.loads(content)) == ["a"]


@pytest.mark.parametrize("name", ["model.pth", "model", "model.PDPARAMS.zip"])
def test_other_extensions_are_refused(tmp_path, name):
    with pytest.raises(InputError, match=r"\.safetensors or \.pdparams"):
        write_weights(tmp_path / name, some_tensors())
    assert list(tmp_path.iterdir()) == []


@SUFFIXES
def test_a_failure_leaves_the_older_file(tmp_path, monkeypatch, suffix):
    path = tmp_path / f"model{suffix}"
    write_weights(path, {"a": np.zeros(2, np.float32)})
    before = path.read_bytes()

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("paddle_pose.weights.write.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_weights(path, some_tensors())
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
