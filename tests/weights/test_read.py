"""Weights files of every format: their tensors, and one clear error for every other file."""

import gzip
import json
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from helpers.weights_writers import (
    MAGIC,
    STORAGE_TYPES,
    Built,
    Call,
    Name,
    Storage,
    pickled,
    tensor,
    whole,
    write_stream,
    write_zip,
)

from paddle_pose.errors import InputError
from paddle_pose.io import manifest
from paddle_pose.weights.formats.allow_list import RefusedError
from paddle_pose.weights.formats.number_formats import widen_bfloat16
from paddle_pose.weights.read import read_weights

TORCH = pytest.mark.parametrize("write", [write_zip, write_stream])


def numbers(kind: str) -> np.ndarray:
    values = np.random.default_rng(0).normal(size=(2, 3, 4)) * 50
    if kind == "bfloat16":
        return (values.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
    return np.abs(values).astype(kind)


@TORCH
@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("kind", STORAGE_TYPES)
def test_torch_files_of_every_dtype(tmp_path, write, protocol, kind):
    stored = numbers(kind)
    write(tmp_path / "a.pth", {"w": whole("0", stored, kind)}, protocol)
    read = read_weights(tmp_path / "a.pth")["w"]
    expected = widen_bfloat16(stored) if kind == "bfloat16" else stored
    assert read.dtype == expected.dtype
    np.testing.assert_array_equal(read, expected)


def test_big_endian_zip(tmp_path):
    stored = numbers("float32")
    write_zip(tmp_path / "a.pth", {"w": whole("0", stored)}, big_endian=True)
    read = read_weights(tmp_path / "a.pth")["w"]
    assert read.dtype.isnative
    np.testing.assert_array_equal(read, stored)


@TORCH
def test_tensors_are_views_of_shared_storages(tmp_path, write):
    base = np.arange(48, dtype=np.float32).reshape(6, 8)
    storage = Storage("17", base.ravel())
    views = {
        "base": (tensor(storage, (6, 8), (8, 1)), base),
        "transposed": (tensor(storage, (8, 6), (1, 8)), base.T),
        "steps": (tensor(storage, (2, 2), (16, 3), offset=10), base[1:5:2, 2:8:3]),
        "scalar": (tensor(storage, (), (), offset=5), base[0, 5]),
        "expanded": (tensor(storage, (1000, 8), (0, 1)), np.broadcast_to(base[0], (1000, 8))),
        "empty": (tensor(storage, (0, 4), (4, 1), offset=48), np.zeros((0, 4))),
    }
    write(tmp_path / "a.pth", {name: written for name, (written, _) in views.items()})
    read = read_weights(tmp_path / "a.pth")
    assert list(read) == list(views)
    for name, (_, expected) in views.items():
        np.testing.assert_array_equal(read[name], expected, err_msg=name)
        assert read[name].shape == expected.shape


def test_stream_storages_that_are_parts_of_others(tmp_path):
    """Torch before 0.4 wrote (key, offset, length) for a part of another storage."""
    write_stream(tmp_path / "a.pth", {"w": tensor(Storage("0", np.arange(5.0)), (2,), (1,), 1)})
    content = (tmp_path / "a.pth").read_bytes()
    part = b"(X\x04\x00\x00\x00partK\x02K\x03t"  # ("part", 2, 3) instead of None
    at = content.index(b"K\x05N") + 2
    (tmp_path / "a.pth").write_bytes(content[:at] + part + content[at + 1 :])
    np.testing.assert_array_equal(read_weights(tmp_path / "a.pth")["w"], [3.0, 4.0])


@TORCH
@pytest.mark.parametrize("protocol", [2, 4])
def test_checkpoints_of_training_frameworks(tmp_path, write, protocol):
    weight = whole("0", np.ones((2, 3), np.float32))
    history = Built(
        Call(Name("mmengine.logging.history_buffer", "HistoryBuffer")),
        {"_log_history": np.arange(3.0), "_max_length": 7},
    )
    config = Call(Name("mmcv.utils.config", "ConfigDict"), ({"a": 1},))
    content = {
        "meta": {"epoch": 210, "CLASSES": None, "seed": np.int64(3), "time": "now", "cfg": config},
        "model": "pose_resnet",  # in Microsoft's files this is the name of the network
        "message_hub": {"log_scalars": {"train/loss": history}},
        "state_dict": Built(
            Call(
                Name("collections", "OrderedDict"),
                (
                    [
                        (
                            "module.w",
                            Call(Name("torch._utils", "_rebuild_parameter"), (weight, True, {})),
                        )
                    ],
                ),
            ),
            {"_metadata": {"": {"version": 1}}},
        ),
        "optimizer": {"state": {0: {"step": 3}}, "param_groups": [{"lr": 1e-3, "params": [0, 1]}]},
        "shape": Call(Name("torch", "Size"), ((1, 2),)),
        "device": Call(Name("torch", "device"), ("cuda", 0)),
    }
    write(tmp_path / "a.pth.tar", content, protocol)
    read = read_weights(tmp_path / "a.pth.tar")
    np.testing.assert_array_equal(read.pop("w"), np.ones((2, 3)))
    assert read == {}


UINT64 = Name("torch", "uint64")
REBUILD_V3 = Name("torch._utils", "_rebuild_tensor_v3")
UNTYPED = Storage(
    "0", np.arange(3, dtype="<u8").view(np.uint8), Name("torch.storage", "UntypedStorage")
)


@TORCH
def test_torch_dtypes_without_a_storage_type(tmp_path, write):
    arguments = (UNTYPED, 1, (2,), (1,), False, {}, UINT64)
    write(tmp_path / "a.pth", {"w": Call(REBUILD_V3, arguments)})
    np.testing.assert_array_equal(read_weights(tmp_path / "a.pth")["w"], np.array([1, 2], "u8"))


FLOATS = Storage("0", np.arange(4, dtype=np.float32))
BAD_TENSORS = {
    "past the end": (tensor(FLOATS, (5,), (1,)), "ends at element 4 of a storage of 4"),
    "offset past the end": (tensor(FLOATS, (1,), (1,), 4), "ends at element 4"),
    "stride past the end": (tensor(FLOATS, (2, 2), (3, 1)), "ends at element 4"),
    "negative offset": (tensor(FLOATS, (1,), (1,), -1), "not natural numbers"),
    "negative stride": (tensor(FLOATS, (2,), (-1,), 3), "not natural numbers"),
    "shape without strides": (tensor(FLOATS, (2, 2), (1,)), "not natural numbers"),
    "not a storage": (tensor(np.arange(4.0), (2,), (1,)), "a tensor in a ndarray"),
    "state of a storage": (Built(FLOATS, {"numbers": 1}), "change the state of a _Storage"),
    "state of a tensor": (
        Built(whole("0", np.zeros(2)), (1, (1,), None, False, b"")),
        "change the state of a ndarray",
    ),
    "sparse": (Call(Name("torch._utils", "_rebuild_sparse_tensor"), ()), "_rebuild_sparse_tensor"),
    "storage of another type": (whole("0", np.zeros(2), Name("builtins", "int")), "builtins.int"),
    "two types": ([whole("0", np.zeros(2)), whole("0", np.zeros(2, "i8"))], "two different"),
    "other dtype": (
        Call(REBUILD_V3, (UNTYPED, 0, (1,), (1,), False, {}, Name("torch", "FloatStorage"))),
        "a tensor of torch.FloatStorage",
    ),
    "conjugated": (
        Call(
            Name("torch._utils", "_rebuild_tensor_v2"),
            (FLOATS, 0, (1,), (1,), False, {}, {"conj": True}),
        ),
        "lazy conjugation",
    ),
}


@TORCH
@pytest.mark.parametrize("bad", BAD_TENSORS)
def test_tensors_outside_their_storage_are_refused(tmp_path, write, bad):
    content, message = BAD_TENSORS[bad]
    write(tmp_path / "a.pth", {"w": content})
    with pytest.raises(RefusedError) as caught:
        read_weights(tmp_path / "a.pth")
    assert message in str(caught.value)


def test_zip_records_of_another_size(tmp_path):
    path = tmp_path / "a.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/data.pkl", pickled({}) + b"")
        archive.writestr("b/data.pkl", pickled({}))
    with pytest.raises(InputError, match=r"one data\.pkl"):
        read_weights(path)
    write_zip(path, {"w": whole("0", np.zeros(4))})
    with zipfile.ZipFile(path) as archive:
        records = {name: archive.read(name) for name in archive.namelist()}
    for compression, data in ((zipfile.ZIP_STORED, b"1234"), (zipfile.ZIP_DEFLATED, bytes(32))):
        with zipfile.ZipFile(path, "w", compression) as archive:
            for name, record in records.items():
                archive.writestr(name, data if name.endswith("data/0") else record)
        with pytest.raises(ValueError, match=r"data/0, which has 4|records are compressed"):
            read_weights(path)


def files(folder: Path) -> dict[str, Path]:
    """Writes the same two tensors in every format and returns the paths by format."""
    w, b = np.arange(6, dtype=np.float32).reshape(2, 3), np.float32([7])
    paths = {name: folder / f"a.{name}" for name in ("zip", "stream", "pdparams", "safetensors")}
    write_zip(paths["zip"], {"w": whole("0", w), "b": whole("1", b)})
    write_stream(paths["stream"], {"w": whole("0", w), "b": whole("1", b)})
    paths["pdparams"].write_bytes(pickle.dumps({"w": w, "b": b}, 4))
    safetensors.numpy.save_file({"w": w, "b": b}, paths["safetensors"])
    return paths


FORMATS = pytest.mark.parametrize("kind", ["zip", "stream", "pdparams", "safetensors"])


@FORMATS
def test_the_format_is_recognized_by_content_not_by_extension(tmp_path, kind):
    path = files(tmp_path)[kind].rename(tmp_path / "weights.bin")
    read = read_weights(path)
    np.testing.assert_array_equal(read["w"], np.arange(6).reshape(2, 3))
    np.testing.assert_array_equal(read["b"], [7])


@FORMATS
def test_every_truncation_raises_one_clear_error(tmp_path, kind):
    path = files(tmp_path)[kind]
    data = path.read_bytes()
    for end in range(len(data)):
        path.write_bytes(data[:end])
        with pytest.raises(ValueError, match=str(path)):
            read_weights(path)


@FORMATS
def test_damaged_bytes_raise_nothing_but_valueerror(tmp_path, kind):
    path = files(tmp_path)[kind]
    data = path.read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(300):
        damaged = bytearray(data)
        for place in rng.integers(0, len(data), 2):
            damaged[place] = rng.integers(0, 256)
        path.write_bytes(damaged)
        try:
            read = read_weights(path)
        except ValueError as error:
            assert str(path) in str(error)  # noqa: PT017 - some damage has no effect
        else:
            assert all(isinstance(value, np.ndarray) for value in read.values())


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"", "the file is empty", id="empty"),
        pytest.param(b"\n<!DOCTYPE html><html>", "a web page", id="web page"),
        pytest.param(
            b"version https://git-lfs.github.com/spec/v1\noid", "Git LFS pointer", id="git lfs"
        ),
        pytest.param(b'{"meta": 1}', "is JSON", id="json"),
        pytest.param(gzip.compress(b"x"), "gzip", id="gzip"),
        pytest.param(bytes(100), "unknown format", id="zeros"),
        pytest.param(
            b"\x08\x00\x00\x00TFL3" + bytes(50),
            "TFLite file",
            id="tflite",
        ),
        pytest.param(pickled([1, 2]), "a list, expected named tensors", id="list"),
        pytest.param(pickled({"a": "text"}), "'a' is a str, expected a tensor", id="text"),
        pytest.param(
            pickled({"a": {"b": None}}), "'a.b' is a NoneType, expected a tensor", id="none"
        ),
        pytest.param(pickled({"epoch": 3}), "no tensors", id="only a number"),
        pytest.param(pickled({}), "no tensors", id="empty dict"),
        pytest.param(
            pickled({"a": {"b": np.ones(2)}, "a.b": np.ones(2)}),
            "two tensors have the name 'a.b'",
            id="same name twice",
        ),
        pytest.param(pickled(MAGIC), "truncated or damaged", id="truncated pickle"),
        pytest.param(b"\x80\x02}q\x00U\x01ah\x00s.", "'a.a.' is nested", id="endless pickle"),
        pytest.param(b"PK\x03\x04" + bytes(50), "damaged zip file", id="zip"),
        pytest.param(
            b"\x09\x00\x00\x00\x00\x00\x00\x00{" + bytes(50),
            "damaged safetensors",
            id="safetensors",
        ),
    ],
)
def test_other_files_are_refused(tmp_path, data, message):
    path = tmp_path / "model.pdparams"
    path.write_bytes(data)
    with pytest.raises(InputError, match=str(path)) as caught:
        read_weights(path)
    assert message in str(caught.value)


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing\.pth: no such weights file"):
        read_weights(tmp_path / "nothing.pth")
    with pytest.raises(ValueError, match="is a folder"):
        read_weights(tmp_path)


def test_safetensors_with_half_precisions(tmp_path):
    bits = numbers("bfloat16")
    header = json.dumps(
        {
            "bf": {"dtype": "BF16", "shape": [2, 3, 4], "data_offsets": [0, 48]},
            "h": {"dtype": "F16", "shape": [2], "data_offsets": [48, 52]},
        }
    ).encode()
    path = tmp_path / "a.safetensors"
    numbers_after = bits.tobytes() + np.float16([1, 2]).tobytes()
    path.write_bytes(len(header).to_bytes(8, "little") + header + numbers_after)
    read = read_weights(path)
    np.testing.assert_array_equal(read["bf"], widen_bfloat16(bits))
    np.testing.assert_array_equal(read["h"], np.float16([1, 2]))


def test_paddle_parts_are_joined_and_name_tables_dropped(tmp_path):
    big = np.arange(10, dtype=np.float32)
    content = {
        "small": np.ones(2, np.float32),
        "big@@.0": big[:6],
        "big@@.1": big[6:],
        "UnpackBigParamInfor@@": {"big": {"OriginShape": (2, 5), "slices": ["big@@.0", "big@@.1"]}},
        "StructuredToParameterName@@": {"small": "linear_0.w_0", "big": "linear_0.b_0"},
    }
    path = tmp_path / "model.pdparams"
    path.write_bytes(pickle.dumps(content, 2))
    read = read_weights(path)
    assert list(read) == ["small", "big"]
    np.testing.assert_array_equal(read["big"], big.reshape(2, 5))
    del content["big@@.1"]
    path.write_bytes(pickle.dumps(content, 2))
    with pytest.raises(ValueError, match="cannot join the parts"):
        read_weights(path)


class TestPaddle:
    """Files that Paddle itself writes."""

    @pytest.fixture
    def paddle(self):
        return pytest.importorskip("paddle")

    @pytest.fixture
    def net(self, paddle):
        return paddle.nn.Sequential(paddle.nn.Conv2D(3, 4, 3), paddle.nn.BatchNorm2D(4))

    @staticmethod
    def check(net, read):
        assert list(read) == list(net.state_dict())
        for name, value in net.state_dict().items():
            np.testing.assert_array_equal(read[name], value.numpy(), strict=True)

    @pytest.mark.parametrize("protocol", [2, 3, 4])
    def test_pdparams(self, paddle, net, tmp_path, protocol):
        path = tmp_path / "model.pdparams"
        paddle.save(net.state_dict(), str(path), protocol=protocol)
        self.check(net, read_weights(path))

    def test_safetensors(self, paddle, net, tmp_path):
        path = tmp_path / "model.pdparams"
        paddle.save(net.state_dict(), str(path), safetensors=True)
        read = read_weights(path)
        self.check(net, {name: read[name] for name in net.state_dict()})

    def test_network_and_optimizer_in_one_file(self, paddle, net, tmp_path):
        path = tmp_path / "all.pdparams"
        paddle.save({"model": net.state_dict(), "epoch": 3}, str(path))
        self.check(net, read_weights(path))

    def test_optimizer(self, paddle, net, tmp_path):
        rate = paddle.optimizer.lr.MultiStepDecay(0.1, [1])
        adam = paddle.optimizer.Adam(rate, parameters=net.parameters())
        net(paddle.ones([2, 3, 5, 5])).mean().backward()
        adam.step()
        path = tmp_path / "model.pdopt"
        paddle.save(adam.state_dict(), str(path))
        read = read_weights(path)
        assert read["LR_Scheduler.last_epoch"].shape == ()
        moments = {n: v for n, v in adam.state_dict().items() if hasattr(v, "numpy")}
        assert len(moments) >= 12
        for name, value in moments.items():
            np.testing.assert_array_equal(read[name], value.numpy())

    def test_bfloat16(self, paddle, tmp_path):
        value = paddle.to_tensor([1.0, -2.5]).astype("bfloat16")
        for name, safe in (("a.pdparams", False), ("b.pdparams", True)):
            paddle.save({"w": value}, str(tmp_path / name), safetensors=safe)
            np.testing.assert_array_equal(
                read_weights(tmp_path / name)["w"], np.float32([1.0, -2.5]), strict=True
            )


class TestDamagedNumbers:
    """Files that can be read, but with other numbers than those that were written."""

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
    @pytest.mark.parametrize("name", ["a.pdparams", "a.safetensors", "a.pth"])
    def test_tensors_that_are_not_finite_are_refused_by_name(self, tmp_path, name, dtype, bad):
        damaged = np.ones(5, dtype)
        damaged[3] = bad
        tensors = {"good": np.ones(2, dtype), "head.weight": damaged, "count": np.int64(3)}
        path = tmp_path / name
        if path.suffix == ".safetensors":
            safetensors.numpy.save_file(
                {key: np.atleast_1d(value) for key, value in tensors.items()}, path
            )
        elif path.suffix == ".pth":
            write_zip(
                path, {key: whole(key, np.atleast_1d(value)) for key, value in tensors.items()}
            )
        else:
            path.write_bytes(pickle.dumps(tensors, 4))
        with pytest.raises(
            ValueError, match=rf"{name}: 1 of 5 numbers of 'head\.weight' are NaN or infinite"
        ):
            read_weights(path)

    def test_a_file_is_compared_with_the_manifest_beside_it(self, tmp_path):
        path = tmp_path / "model.pdparams"
        path.write_bytes(pickle.dumps({"w": np.ones(4, np.float32)}, 4))
        manifest.write(tmp_path, {})
        read_weights(path)
        content = bytearray(path.read_bytes())
        content[content.index(np.float32(1).tobytes()) + 1] ^= 1  # another finite number
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"model\.pdparams: damaged"):
            read_weights(path)
        (tmp_path / manifest.MANIFEST).unlink()
        assert not np.array_equal(read_weights(path)["w"], np.ones(4))


def test_one_tensor_under_many_names_counts_each_time(tmp_path, monkeypatch):
    monkeypatch.setattr("paddle_pose.io.limits.MEMORY_SPARE", 0)
    tensor = np.ones(50_000, np.float32)
    path = tmp_path / "w.pdparams"
    path.write_bytes(pickle.dumps({f"w{n}": tensor for n in range(20)}, 4))
    with pytest.raises(InputError, match=r"w\.pdparams: its content needs more than"):
        read_weights(path)


def test_a_view_that_repeats_one_number_counts_with_its_size(tmp_path):
    storage = Storage("0", np.ones(1, np.float32))
    write_zip(tmp_path / "w.pth", {"w": tensor(storage, (1 << 20, 1 << 20), (0, 0))})
    with pytest.raises(InputError, match=r"w\.pth: its content needs more than"):
        read_weights(tmp_path / "w.pth")


def test_an_integer_beyond_64_bits_is_no_tensor(tmp_path):
    path = tmp_path / "w.pdparams"
    path.write_bytes(pickle.dumps({"w": np.ones(3, np.float32), "n": 10**400}, 4))
    with pytest.raises(InputError, match=r"w\.pdparams: 'n' is an integer beyond 64 bits"):
        read_weights(path)
