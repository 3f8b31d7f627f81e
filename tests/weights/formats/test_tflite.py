"""TFLite files of every number format, and one clear error for damaged ones."""

import numpy as np
import pytest
from helpers.tflite_writer import Convolution, Stored, tflite_bytes

from paddle_pose.errors import InputError
from paddle_pose.weights.read import read_weights

RNG = np.random.default_rng(0)
DENSE, DEPTHWISE = (4, 3, 3, 2), (1, 3, 3, 4)


def integers(shape, kind="i1"):
    return RNG.integers(*((0, 256) if kind == "u1" else (-127, 128)), shape).astype(kind)


def read(tmp_path, *convolutions):
    path = tmp_path / "model.tflite"
    path.write_bytes(tflite_bytes(convolutions))
    return read_weights(path)


@pytest.mark.parametrize("kind", ["f4", "f2"])
def test_floats_are_transposed(tmp_path, kind):
    dense, depthwise = RNG.normal(size=DENSE).astype(kind), RNG.normal(size=DEPTHWISE).astype(kind)
    bias = RNG.normal(size=4).astype("f4")
    tensors = read(
        tmp_path,
        Convolution(Stored("a/Conv2D;b/BiasAdd", dense), Stored("bias", bias)),
        Convolution(Stored("c/depthwise", depthwise), None, depthwise=True),
    )
    assert list(tensors) == ["a/Conv2D.weight", "a/Conv2D.bias", "c/depthwise.weight"]
    assert all(tensor.dtype == np.float32 for tensor in tensors.values())
    weight = tensors["a/Conv2D.weight"]
    assert weight.shape == (4, 2, 3, 3)
    assert weight[3, 1, 0, 2] == dense[3, 0, 2, 1]
    np.testing.assert_array_equal(tensors["a/Conv2D.bias"], bias)
    weight = tensors["c/depthwise.weight"]
    assert weight.shape == (4, 1, 3, 3)
    assert weight[2, 0, 0, 1] == depthwise[0, 0, 1, 2]


@pytest.mark.parametrize("kind", ["i1", "u1", "i2"])
def test_integers_are_scaled_per_channel_or_per_tensor(tmp_path, kind):
    dense, depthwise = integers(DENSE, kind), integers(DEPTHWISE, kind)
    bias = RNG.integers(-(10**6), 10**6, 4).astype("i4")
    tensors = read(
        tmp_path,
        Convolution(
            Stored("a", dense, (0.5, 0.25, 2.0, 1.0), (1, 2, 3, 4)),
            Stored("bias", bias, (0.125, 0.25, 0.5, 1.0), (0, 0, 0, 0)),
        ),
        Convolution(
            Stored("b", depthwise, (0.5, 0.25, 2.0, 1.0), (0,) * 4, axis=3), depthwise=True
        ),
        Convolution(Stored("c", dense, (0.5,), (100,))),
        Convolution(Stored("d", dense, (0.5,))),
    )
    assert tensors["a.weight"][2, 1, 0, 2] == 2.0 * (int(dense[2, 0, 2, 1]) - 3)
    np.testing.assert_array_equal(tensors["a.bias"], bias * np.float32([0.125, 0.25, 0.5, 1]))
    assert tensors["b.weight"][1, 0, 2, 0] == 0.25 * depthwise[0, 2, 0, 1]
    assert tensors["c.weight"][0, 1, 2, 2] == 0.5 * (int(dense[0, 2, 2, 1]) - 100)
    assert tensors["d.weight"][0, 1, 2, 2] == 0.5 * dense[0, 2, 2, 1]


BAD = {
    "no scale": (
        Convolution(Stored("a", integers(DENSE))),
        "'a', int8 of shape (4, 3, 3, 2), has 0 scales",
    ),
    "too few scales": (
        Convolution(Stored("a", integers(DENSE), (1.0, 2.0))),
        "has 2 scales on axis 0",
    ),
    "no such axis": (
        Convolution(Stored("a", integers(DENSE), (1.0,) * 4, axis=7)),
        "4 scales on axis 7",
    ),
    "another number of zero points": (
        Convolution(Stored("a", integers(DENSE), (1.0,) * 4, (0, 1, 2))),
        "has 4 scales",
    ),
    "more than is stored": (
        Convolution(Stored("a", integers(DENSE), (1.0,), shape=(4, 3, 3, 3))),
        "72 bytes",
    ),
    "negative": (
        Convolution(Stored("a", integers(DENSE), (1.0,), shape=(-4, 3, -3, 2))),
        "72 bytes",
    ),
    "three dimensions": (Convolution(Stored("a", integers((4, 3, 2)), (1.0,))), "(4, 3, 2)"),
    "other numbers": (Convolution(Stored("a", np.zeros(DENSE, "i8"))), "number format 4"),
    "not finite": (Convolution(Stored("a", np.full(DENSE, np.nan, "f4"))), "not finite"),
    "infinite scale": (Convolution(Stored("a", integers(DENSE), (float("inf"),))), "not finite"),
}


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize("bad", BAD)
def test_errors_name_the_file_and_the_cause(tmp_path, bad):
    convolution, message = BAD[bad]
    with pytest.raises(ValueError, match=r"model\.tflite: ") as caught:
        read(tmp_path, convolution)
    assert message in str(caught.value)


def test_two_convolutions_of_one_name_and_none_are_refused(tmp_path):
    convolution = Convolution(Stored("a", np.ones(DENSE, "f4")))
    with pytest.raises(InputError, match="two convolutions have the name 'a'"):
        read(tmp_path, convolution, convolution)
    with pytest.raises(InputError, match="without convolutions"):
        read(tmp_path)


@pytest.fixture
def small():
    """Returns a file with both kinds of convolutions and three number formats."""
    return tflite_bytes(
        [
            Convolution(
                Stored("a", integers((2, 1, 1, 2)), (1.0, 2.0), (0, 0)),
                Stored("b", np.ones(2, "f4")),
            ),
            Convolution(Stored("c", np.ones((1, 3, 3, 2), "f2")), depthwise=True),
        ]
    )


def test_every_truncation_raises_one_clear_error(tmp_path, small):
    path = tmp_path / "model.tflite"
    path.write_bytes(small)
    assert len(read_weights(path)) == 3
    for end in range(len(small)):
        path.write_bytes(small[:end])
        try:
            tensors = read_weights(path)
        except ValueError as error:
            assert str(path) in str(error)  # noqa: PT017 - the last bytes may be padding
        else:
            assert end > 0.9 * len(small)
            assert len(tensors) == 3


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # damaged scales
def test_damaged_bytes_raise_nothing_but_valueerror(tmp_path, small):
    path = tmp_path / "model.tflite"
    rng = np.random.default_rng(0)
    for _ in range(500):
        damaged = bytearray(small)
        for place in rng.integers(0, len(small), 2):
            damaged[place] = rng.integers(0, 256)
        path.write_bytes(damaged)
        try:
            tensors = read_weights(path)
        except ValueError as error:
            assert str(path) in str(error)  # noqa: PT017 - some damage has no effect
        else:
            assert all(np.isfinite(tensor).all() for tensor in tensors.values())


def test_stated_counts_are_compared_with_the_size_of_the_file(tmp_path, small):
    """Replaces numbers of operators and tensors by four thousand millions."""
    path = tmp_path / "model.tflite"
    huge = 0
    for at in range(0, len(small) - 3, 4):
        if small[at : at + 4] in (b"\3\0\0\0", b"\2\0\0\0", b"\1\0\0\0"):
            path.write_bytes(small[:at] + b"\xff\xff\xff\xf0" + small[at + 4 :])
            try:
                read_weights(path)
            except ValueError as error:
                huge += "operations in" in str(error) or "tensors in" in str(error)
    assert huge >= 1


def test_googles_files(shared):
    folder = shared / "data"
    movenet = read_weights(folder / "movenet" / "movenet_single_pose_lightning_ptq.tflite")
    assert len(movenet) == 148
    assert sum(tensor.size for tensor in movenet.values()) == 2_318_190
    mobilenet = read_weights(folder / "mobilenet_v2" / "tf2_mobilenet_v2_1.0_224_ptq.tflite")
    # 2.22 M without the classifier; folding leaves one number instead of two for each of the 17,056
    # channels with batch normalisation.
    assert sum(tensor.size for tensor in mobilenet.values()) == 2_223_872 - 17_056 + 1281 * 1001
