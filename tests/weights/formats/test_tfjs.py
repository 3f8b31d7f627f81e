"""TensorFlow.js files of every number format; errors for damaged ones state file and field."""

import json

import numpy as np
import pytest
from helpers.tfjs_writer import Convolution, Stored, write_model

from paddle_pose.errors import InputError
from paddle_pose.weights.formats.tfjs import is_tfjs, read_graph
from paddle_pose.weights.read import read_weights

RNG = np.random.default_rng(0)
DENSE, DEPTHWISE = (3, 2, 2, 4), (3, 3, 4, 1)


def floats(shape, kind="f4"):
    return RNG.normal(size=shape).astype(kind)


HALF = {"dtype": "float16", "original_dtype": "float32"}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.json"


@pytest.fixture
def small(path):
    """Writes a model with both kinds of convolutions and returns the content of its .json file.

    The weights have 72 + 16 bytes.
    """
    return write_model(
        path,
        [
            Convolution(
                Stored("a/Conv2D_weights", floats((1, 1, 2, 4), "f2"), HALF),
                Stored("a/b", floats(4)),
            ),
            Convolution(
                Stored("c/depthwise_weights", floats((3, 3, 4, 1), "f2"), HALF), depthwise=True
            ),
        ],
    )


def rewrite(path, content):
    path.write_text(json.dumps(content))


@pytest.mark.parametrize("kind", ["f4", "f2"])
def test_floats_are_transposed(path, kind):
    how = HALF if kind == "f2" else None
    dense = floats(DENSE, kind)
    depthwise = floats(DEPTHWISE, kind)
    bias = floats(4)
    write_model(
        path,
        [
            Convolution(Stored("a/Conv2D_weights", dense, how), Stored("bias", bias)),
            Convolution(Stored("s/separable/ReadVariableOp", depthwise, how), depthwise=True),
            Convolution(Stored("s/separable/ReadVariableOp_1", floats((1, 1, 4, 4)))),
            Convolution(Stored("d/depthwise_weights", depthwise, how), depthwise=True),
        ],
    )
    tensors = read_weights(path)
    assert list(tensors) == [
        "a/Conv2D.weight",
        "a/Conv2D.bias",
        "s/separable/depthwise.weight",
        "s/separable/depthwise.bias",
        "s/separable.weight",
        "d/depthwise.weight",
        "d/depthwise.bias",
    ]
    assert all(tensor.dtype == np.float32 for tensor in tensors.values())
    weight = tensors["a/Conv2D.weight"]
    assert weight.shape == (4, 2, 3, 2)
    assert weight[3, 1, 2, 0] == dense[2, 0, 1, 3]
    np.testing.assert_array_equal(tensors["a/Conv2D.bias"], bias)
    weight = tensors["s/separable/depthwise.weight"]
    assert weight.shape == (4, 1, 3, 3)
    assert weight[2, 0, 0, 1] == depthwise[0, 1, 2, 0]
    assert not tensors["d/depthwise.bias"].any()


def test_output_channels_of_one_input_channel_are_adjacent(path):
    kernel = floats((3, 3, 2, 3))
    write_model(path, [Convolution(Stored("d/depthwise_weights", kernel), depthwise=True)])
    weight = read_weights(path)["d/depthwise.weight"]
    assert weight.shape == (6, 1, 3, 3)
    assert weight[4, 0, 1, 2] == kernel[1, 2, 1, 1]


@pytest.mark.parametrize("depthwise", [False, True])
def test_an_added_constant_is_the_bias(path, depthwise):
    kernel, bias = floats(DEPTHWISE if depthwise else DENSE), floats((1, 1, 1, 4))
    write_model(
        path, [Convolution(Stored("a_weights", kernel), Stored("b", bias), depthwise, added=True)]
    )
    name = "a/depthwise.bias" if depthwise else "a.bias"
    np.testing.assert_array_equal(read_weights(path)[name], bias.ravel())


@pytest.mark.parametrize("kind", ["uint8", "uint16"])
def test_integers_are_scaled_and_shifted(path, kind):
    stored = RNG.integers(0, np.iinfo(kind).max, DENSE).astype(kind)
    whole = np.array([0, 3], kind)
    write_model(
        path,
        [Convolution(Stored("a_weights", stored, {"dtype": kind, "scale": 0.25, "min": -3}))],
        [Stored("sizes", whole, {"dtype": kind, "scale": 1.4, "min": 1}, "int32")],
    )
    tensors = read_graph(path).tensors
    np.testing.assert_array_equal(tensors["a_weights"], np.float32(0.25) * stored - 3)
    assert tensors["sizes"].dtype == np.int32
    assert tensors["sizes"].tolist() == [1, 5]  # 1 and 5.2


def test_tensors_across_several_files_and_with_few_dimensions(path, small):
    group = small["weightsManifest"][0]
    group["weights"] += [
        {"name": "size", "shape": [], "dtype": "int32"},
        {"name": "none", "shape": [0, 2], "dtype": "int32"},
        {"name": "yes", "shape": [2], "dtype": "bool"},
    ]
    data = path.with_name("weights.bin").read_bytes() + np.int32(7).tobytes() + b"\1\0"
    group["paths"] = ["one.bin", "two.bin", "three.bin"]
    for name, (start, end) in zip(group["paths"], [(0, 21), (21, 50), (50, None)], strict=True):
        path.with_name(name).write_bytes(data[start:end])
    expected = read_weights(path)
    rewrite(path, small)
    tensors = read_graph(path).tensors
    assert tensors["size"] == 7
    assert tensors["none"].shape == (0, 2)
    assert tensors["yes"].tolist() == [True, False]
    for name, tensor in read_weights(path).items():
        np.testing.assert_array_equal(tensor, expected[name])


def test_attributes_and_outputs(path, small):
    node = read_graph(path).nodes["convolution_0"]
    assert node.op == "_FusedConv2D"
    assert node.inputs == ("image", "a/Conv2D_weights", "a/b")
    assert node.attributes == {
        "strides": (1, 1, 1, 1),
        "padding": "SAME",
        "fused_ops": ("BiasAdd",),
    }
    assert read_graph(path).outputs == ("convolution_1",)
    nodes = small["modelTopology"]["node"]
    nodes[-1]["input"] = ["convolution_0:0", "c/depthwise_weights", "^image"]
    nodes[-1]["attr"] = {
        "alpha": {"f": 0.5},
        "b": {"b": True},
        "shape": {"shape": {"dim": [{"size": "2"}, {}]}},
        "f": {"func": {"name": "g"}},
        "axes": {"list": {"i": [1, "-2"]}},
        "none": {"list": {}},
    }
    del small["signature"]
    rewrite(path, small)
    graph = read_graph(path)
    assert graph.nodes["convolution_1"].inputs == ("convolution_0", "c/depthwise_weights")
    assert graph.nodes["convolution_1"].attributes == {
        "alpha": 0.5,
        "b": True,
        "shape": (2, 0),
        "axes": (1, -2),
        "none": (),
    }
    assert graph.outputs == ("convolution_1",)


def change(*keys, to):
    """Returns a function that replaces one value in the content of the .json file."""

    def apply(content):
        for key in keys[:-1]:
            content = content[key]
        content[keys[-1]] = to

    return apply


GROUP, NODES = ("weightsManifest", 0), ("modelTopology", "node")
WEIGHT = (*GROUP, "weights", 0)
BAD = {
    "another format": (change("format", to="layers-model"), "layers-model"),
    "a manifest of nothing": (change("weightsManifest", to=None), "weightsManifest"),
    "a list as a manifest's group": (change("weightsManifest", 0, to=[]), "weightsManifest[0]"),
    "no nodes": (change(*NODES, to={}), "modelTopology.node"),
    "a node without a name": (change(*NODES, 1, to={"op": "Const"}), "modelTopology.node[1].name"),
    "two nodes of a name": (change(*NODES, 1, "name", to="a/Conv2D_weights"), "a/Conv2D_weights"),
    "a number as an input": (change(*NODES, 4, "input", to=[1, 2]), "modelTopology.node[4].input"),
    "an input that is not there": (change(*NODES, 4, "input", to=["image", "gone"]), "gone"),
    "a kernel that is computed": (
        change(*NODES, 4, "input", to=["image", "image"]),
        "convolution_0",
    ),
    "a convolution of one input": (change(*NODES, 4, "input", to=["image"]), "convolution_0"),
    "a bias that is computed": (change(*NODES, 4, "input", 2, to="image"), "'image'"),
    "a bias of another size": (
        change(*NODES, 4, "input", 2, to="c/depthwise_weights"),
        "'c/depthwise_weights'",
    ),
    "text that is no base64": (
        change(*NODES, 4, "attr", "padding", to={"s": "?"}),
        "node[4].attr.padding",
    ),
    "a number that is none": (
        change(*NODES, 4, "attr", "strides", "list", "i", 0, to="x"),
        "node[4].attr.strides",
    ),
    "a list that is none": (
        change(*NODES, 4, "attr", "strides", "list", "i", to=3),
        "node[4].attr.strides.list.i",
    ),
    "an attribute that is none": (
        change(*NODES, 4, "attr", "padding", to=3),
        "node[4].attr.padding",
    ),
    "a tensor that is not there": (change(*NODES, 0, to={"name": "new", "op": "Const"}), "'new'"),
    "an output that is not there": (change("signature", "outputs", "y", "name", to="gone"), "gone"),
    "two tensors of a name": (
        change(*GROUP, "weights", 1, "name", to="a/Conv2D_weights"),
        "a/Conv2D_weights",
    ),
    "text as a shape": (change(*WEIGHT, "shape", to="1"), "weights[0].shape"),
    "negative sizes": (change(*WEIGHT, "shape", to=[-1, -1, 2, 4]), "weights[0].shape"),
    "sizes that are flags": (change(*WEIGHT, "shape", to=[True, 1, 2, 4]), "weights[0].shape"),
    "too many dimensions": (change(*WEIGHT, "shape", to=[1] * 9), "weights[0].shape"),
    "more than is stored": (change(*WEIGHT, "shape", to=[10**9, 10**9, 2, 4]), "weights.bin"),
    "less than is stored": (change(*WEIGHT, "shape", to=[1, 1, 1, 4]), "weights.bin"),
    "another number format": (change(*WEIGHT, "dtype", to="complex64"), "complex64"),
    "a quantization of another kind": (
        change(*WEIGHT, "quantization", to={"dtype": "int4"}),
        "int4",
    ),
    "text as a quantization": (
        change(*WEIGHT, "quantization", to="uint8"),
        "weights[0].quantization",
    ),
    "no scale": (
        change(*WEIGHT, "quantization", to={"dtype": "uint8", "min": 0}),
        "quantization.scale",
    ),
    "an infinite scale": (
        change(*WEIGHT, "quantization", to={"dtype": "uint8", "scale": float("inf"), "min": 0}),
        "quantization.scale",
    ),
}


@pytest.mark.parametrize("bad", BAD)
def test_errors_name_the_file_and_the_field(path, small, bad):
    apply, named = BAD[bad]
    apply(small)
    rewrite(path, small)
    with pytest.raises(InputError) as caught:
        read_weights(path)
    assert str(path) in str(caught.value)
    assert named in str(caught.value)


@pytest.mark.parametrize(
    "name", ["../secret.bin", "/etc/hostname", "folder/a.bin", "..", "", "C:a.bin", "a\\b.bin"]
)
def test_no_file_outside_the_folder_is_read(path, small, name):
    folder = path.parent / "model"
    (folder / "folder").mkdir(parents=True)
    data = path.with_name("weights.bin").read_bytes()
    for place in (path.with_name("secret.bin"), folder / "folder" / "a.bin"):
        place.write_bytes(data)
    small["weightsManifest"][0]["paths"] = [name]
    rewrite(folder / "model.json", small)
    with pytest.raises(InputError) as caught:
        read_weights(folder / "model.json")
    assert repr(name) in str(caught.value)


def test_a_file_named_twice_is_refused(path, small):
    small["weightsManifest"][0]["paths"] *= 2
    rewrite(path, small)
    with pytest.raises(InputError, match=r"weights\.bin"):
        read_weights(path)


def test_a_missing_file_is_named(path, small):
    path.with_name("weights.bin").unlink()
    with pytest.raises(FileNotFoundError, match=r"weights\.bin"):
        read_weights(path)


def test_every_truncation_of_the_weights_is_an_error(path, small):
    weights = path.with_name("weights.bin")
    data = weights.read_bytes()
    for end in range(len(data)):
        weights.write_bytes(data[:end])
        with pytest.raises(InputError):
            read_weights(path)
    weights.write_bytes(data + b"\0")
    with pytest.raises(InputError):
        read_weights(path)


def test_every_truncation_of_the_json_is_an_error(path, small):
    text = path.read_bytes()
    for end in range(len(text)):
        path.write_bytes(text[:end])
        with pytest.raises(InputError, match=r"model\.json"):
            read_weights(path)


def test_deeply_nested_and_infinite_numbers_are_errors(path, small):
    path.write_text('{"weightsManifest": ' + "[" * 100_000)
    with pytest.raises(InputError):
        read_weights(path)
    write_model(path, [Convolution(Stored("a_weights", np.full(DENSE, np.inf, "f4")))])
    with pytest.raises(InputError, match=r"'a\.weight'"):
        read_weights(path)


@pytest.mark.parametrize(
    "kernel",
    [np.zeros((3, 3, 0, 4), "f4"), np.zeros(DENSE, "i4"), np.zeros((3, 3, 2), "f4")],
    ids=["none", "int32", "3d"],
)
def test_a_kernel_of_no_numbers_or_other_numbers_is_an_error(path, kernel):
    for depthwise in (False, True):
        write_model(path, [Convolution(Stored("a_weights", kernel), depthwise=depthwise)])
        with pytest.raises(InputError, match="a_weights"):
            read_weights(path)


def test_a_model_without_convolutions_is_an_error(path):
    write_model(path, [], [Stored("a", floats(3))])
    with pytest.raises(InputError):
        read_weights(path)


def test_damaged_bytes_of_the_json_raise_nothing_else(path, small):
    text = path.read_bytes()
    rng = np.random.default_rng(0)
    read = 0
    for _ in range(500):
        damaged = bytearray(text)
        for place in rng.integers(0, len(text), 2):
            damaged[place] = rng.integers(32, 127)
        path.write_bytes(damaged)
        try:
            read += bool(read_weights(path))
        except (InputError, FileNotFoundError) as error:
            assert str(path.parent) in str(error)  # noqa: PT017 - some damage has no effect
    assert 0 < read < 500


def test_other_json_is_not_recognized_as_a_model(path, small):
    assert is_tfjs(path)
    assert not is_tfjs(path.with_name("weights.bin"))
    rewrite(path, {"base_code": {"magic": "pir"}})
    assert not is_tfjs(path)
