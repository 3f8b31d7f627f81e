"""Reads TensorFlow.js graph models (`.json` with `.bin` files) without TensorFlow.

Nothing in a file is executed.

Source: the format as tfjs-converter writes it (`GraphModel` and `WeightsManifestConfig` of
    @tensorflow/tfjs 4): a JSON file with the nodes of a TensorFlow graph and a manifest of the
    tensors, which are stored one after another, little-endian and unaligned, in the files that the
    manifest names.
Checked against: MoveNet Lightning, Thunder and MultiPose and NanoDet-g in half precision
    (tests/parity/test_tfjs_parity.py); files of every number format, written by the tests.
Differs: layers models (Keras) and tensors of strings and complex numbers are refused; functions of
    a graph are not read.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from paddle_pose.errors import InputError
from paddle_pose.io.json_files import parse_json

Attribute = bool | int | float | str | tuple[int | float | str, ...]
MAX_JSON_BYTES = 64 * 10**6  # the JSON file of MoveNet has 0.2 MB
CONVOLUTIONS = ("Conv2D", "_FusedConv2D", "DepthwiseConv2dNative", "FusedDepthwiseConv2dNative")
_MAX_AXES = 8
_PLAIN = {"float32": "<f4", "int32": "<i4", "bool": "|b1"}
_QUANTIZED = {"float16": "<f2", "uint8": "|u1", "uint16": "<u2"}
_KERNEL_ENDINGS = ("_weights", "/ReadVariableOp_1", "/ReadVariableOp")
_ADDITIONS = ("BiasAdd", "Add", "AddV2")
_T = TypeVar("_T")


@dataclass(frozen=True)
class Node:
    """A node of a graph.

    Attributes:
        name: Name of the node.
        op: TensorFlow's name of the operation.
        inputs: Names of the outputs that the node reads: the name of a node for its first output,
            with ":1" for its second.
        attributes: Values by name: strings, numbers, flags, or tuples of them; a shape is a tuple
            of numbers.
    """

    name: str
    op: str
    inputs: tuple[str, ...]
    attributes: Mapping[str, Attribute]


@dataclass(frozen=True, eq=False)
class Graph:
    """A graph model: TensorFlow.js's format for a graph of TensorFlow operations.

    Attributes:
        nodes: Nodes by name, in the file's order.
        tensors: Values of the constants, by the names of their nodes: float32, int32 or bool.
        outputs: Names of the outputs that the model returns, written as `Node.inputs`, in the
            file's order.
    """

    nodes: Mapping[str, Node]
    tensors: Mapping[str, np.ndarray]
    outputs: tuple[str, ...]

    def readers(self) -> dict[str, list[Node]]:
        """Returns {name of an output: nodes that have it among their inputs}.

        Names are those in `Node.inputs`; an output that no node reads has no entry.
        """
        readers: dict[str, list[Node]] = {}
        for node in self.nodes.values():
            for name in node.inputs:
                readers.setdefault(name, []).append(node)
        return readers


def is_tfjs(path: Path) -> bool:
    """Returns whether the content of a file is the JSON file of a TensorFlow.js model.

    Args:
        path: Path of the file.

    Raises:
        FileNotFoundError: If there is no such file.
    """
    with path.open("rb") as stream:
        if not stream.read(64).lstrip().startswith(b"{"):
            return False
        stream.seek(0)
        return b'"weightsManifest"' in stream.read(MAX_JSON_BYTES)


def read_tfjs(path: Path) -> dict[str, np.ndarray]:
    """Returns the weights and biases of all convolutions of a TensorFlow.js graph model.

    A convolution has the name of its kernel's tensor, without "_weights" or "/ReadVariableOp", as
    in TFLite files of the same network; the name of the depthwise part of a separable convolution
    therefore ends in "/depthwise". A bias is the third input of the convolution or a constant
    vector that is added to its output. A depthwise convolution without a bias gets zeros, as in
    TFLite files.

    Args:
        path: The .json file; the .bin files that it names are in the same folder.

    Returns:
        float32 arrays by name, in the order of the graph: weights
        [out, in / groups, height, width], depthwise ones [channels, 1, height, width].

    Raises:
        FileNotFoundError: If the .json file or a .bin file is missing.
        InputError: If a file is truncated, damaged or not a graph model, or contains no
            convolution, or one whose weights or bias are no float32 constants.
    """
    graph = read_graph(path)
    readers = graph.readers()
    tensors: dict[str, np.ndarray] = {}
    for node in graph.nodes.values():
        if node.op not in CONVOLUTIONS:
            continue
        depthwise = "Depthwise" in node.op
        kernel_name = node.inputs[1] if len(node.inputs) > 1 else ""
        kernel = graph.tensors.get(kernel_name)
        if kernel is None or kernel.ndim != 4 or not kernel.size or kernel.dtype != np.float32:
            raise InputError(
                f"{path}: node {node.name!r}: its weights {kernel_name!r} are no 4-D float32 "
                "tensor in the manifest; only graphs with constant weights are supported"
            )
        name = _convolution_name(kernel_name, depthwise)
        if f"{name}.weight" in tensors:
            raise InputError(
                f"{path}: two convolutions have the name {name!r}; convert the model again"
            )
        tensors[f"{name}.weight"] = kernel_to_oihw(kernel, depthwise)
        channels = len(tensors[f"{name}.weight"])
        bias_name = bias_of(graph, node, readers.get(node.name, []))
        if bias_name is not None:
            bias = graph.tensors.get(bias_name)
            if bias is None or bias.size != channels or bias.dtype != np.float32:
                raise InputError(
                    f"{path}: node {node.name!r}: its bias {bias_name!r} is no float32 tensor of "
                    f"{channels} numbers in the manifest; only graphs with constant weights are "
                    "supported"
                )
            tensors[f"{name}.bias"] = bias.reshape(-1)
        elif depthwise:
            tensors[f"{name}.bias"] = np.zeros(channels, np.float32)
    if not tensors:
        raise InputError(
            f"{path}: a graph model without convolutions; pass the file with the network's weights"
        )
    return tensors


def kernel_to_oihw(kernel: np.ndarray, depthwise: bool) -> np.ndarray:
    """Returns a TensorFlow kernel in the layout of Paddle, PyTorch and ONNX.

    Args:
        kernel: [height, width, in, out]; depthwise [height, width, channels, multiplier].
        depthwise: Whether the convolution is depthwise.

    Returns:
        [out, in / groups, height, width].

    Example:
        >>> kernel_to_oihw(np.zeros((3, 3, 8, 1)), depthwise=True).shape
        (8, 1, 3, 3)
    """
    if depthwise:
        return kernel.transpose(2, 3, 0, 1).reshape(-1, 1, *kernel.shape[:2])
    return kernel.transpose(3, 2, 0, 1)


def bias_of(graph: Graph, node: Node, readers: Sequence[Node]) -> str | None:
    """Returns the name of a convolution's bias in `Graph.tensors`; None if it has none.

    The bias is the third input of the convolution, which need not be a constant, or a constant that
    the only reader of the convolution's output adds.

    Args:
        graph: Graph of the convolution.
        node: Node of the convolution.
        readers: Nodes that read the output of the convolution, see `Graph.readers`.
    """
    if len(node.inputs) > 2:
        return node.inputs[2]
    if len(readers) == 1 and readers[0].op in _ADDITIONS and node.name not in graph.outputs:
        return next((name for name in readers[0].inputs if name in graph.tensors), None)
    return None


def read_graph(path: Path) -> Graph:
    """Returns the nodes and the tensors of a TensorFlow.js graph model.

    Args:
        path: The .json file; the .bin files that it names are in the same folder. Files in other
            folders are never read.

    Raises:
        FileNotFoundError: If the .json file or a .bin file is missing.
        InputError: If a file is truncated or damaged, names a file in another folder, or is not a
            graph model.
    """
    model = _parse(path)
    if model.optional("format", str, "graph-model") != "graph-model":
        raise InputError(
            f"{path}: format {model.get('format', str)!r}, expected 'graph-model'; convert the "
            "model with tensorflowjs_converter --output_format tfjs_graph_model"
        )
    nodes: dict[str, Node] = {}
    for fields in model.object("modelTopology").objects("node"):
        node = _node(fields)
        if node.name in nodes:
            raise InputError(f"{path}: two nodes have the name {node.name!r}; the file is damaged")
        nodes[node.name] = node
    tensors: dict[str, np.ndarray] = {}
    read: set[str] = set()
    for group in model.objects("weightsManifest"):
        for name, tensor in _read_group(path, group, read):
            if name in tensors:
                raise InputError(f"{path}: two tensors have the name {name!r}; the file is damaged")
            tensors[name] = tensor
    for node in nodes.values():
        missing = [name for name in node.inputs if name.partition(":")[0] not in nodes]
        if missing:
            raise InputError(
                f"{path}: node {node.name!r} has the input {missing[0]!r}, but there is no such "
                "node; the file is damaged"
            )
        if node.op == "Const" and node.name not in tensors:
            raise InputError(
                f"{path}: weightsManifest has no tensor {node.name!r}; the file is damaged"
            )
    return Graph(nodes, tensors, _outputs(path, model, nodes))


class _Fields:
    """A JSON object of the file; its methods check the type of each value that they return.

    Args:
        path: Path of the file, for messages.
        where: Dotted position of the object in the file, for messages; "" for the whole file.
        content: Parsed object, not checked yet.

    Raises:
        InputError: If the content is no JSON object; every method raises it for a value of another
            type than expected.
    """

    def __init__(self, path: Path, where: str, content: object) -> None:
        if not isinstance(content, dict):
            raise InputError(
                f"{path}: {where or 'the file'} is a {type(content).__name__}, expected an object"
            )
        self.path = path
        self.where = where
        self.content = content

    def position(self, key: str) -> str:
        """Returns the dotted position of a value in the file."""
        return f"{self.where}.{key}" if self.where else key

    def get(self, key: str, kind: type[_T]) -> _T:
        """Returns a value that must exist."""
        value = self.content.get(key)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            found = f"is a {type(value).__name__}" if key in self.content else "is missing"
            raise InputError(
                f"{self.path}: {self.position(key)} {found}, expected a {kind.__name__}; the file "
                "is damaged"
            )
        return value

    def optional(self, key: str, kind: type[_T], default: _T) -> _T:
        """Returns a value, or a default where it is missing or null."""
        return self.get(key, kind) if self.content.get(key) is not None else default

    def object(self, key: str) -> _Fields:
        """Returns a value that is a JSON object."""
        return _Fields(self.path, self.position(key), self.get(key, dict))

    def objects(self, key: str) -> Iterator[_Fields]:
        """Yields the JSON objects of a list."""
        for index, value in enumerate(self.get(key, list)):
            yield _Fields(self.path, f"{self.position(key)}[{index}]", value)

    def strings(self, key: str) -> tuple[str, ...]:
        """Returns a list of strings; empty where it is missing."""
        values = self.optional(key, list, [])
        if not all(isinstance(value, str) for value in values):
            raise InputError(
                f"{self.path}: {self.position(key)} is {values!r:.80}, expected a list of strings"
            )
        return tuple(values)


def _parse(path: Path) -> _Fields:
    """Returns the JSON object of a model file; raises InputError if it is none."""
    with path.open("rb") as stream:
        text = stream.read(MAX_JSON_BYTES + 1)
    if len(text) > MAX_JSON_BYTES:
        raise InputError(
            f"{path}: more than {MAX_JSON_BYTES:,} bytes of JSON; expected a graph model, whose "
            "weights are in .bin files"
        )
    content = parse_json(text, path, "truncated or damaged: download it again")
    if not isinstance(content, dict) or "weightsManifest" not in content:
        raise InputError(
            f"{path}: is JSON without a weightsManifest, so no TensorFlow.js model; pass the "
            "weights file, not its metadata"
        )
    return _Fields(path, "", content)


def _node(fields: _Fields) -> Node:
    """Returns a node; control inputs ("^name") are left out."""
    attributes = {}
    for key, value in fields.optional("attr", dict, {}).items():
        attribute = _attribute(_Fields(fields.path, f"{fields.where}.attr.{key}", value))
        if attribute is not None:
            attributes[key] = attribute
    inputs = (
        name.removesuffix(":0") for name in fields.strings("input") if not name.startswith("^")
    )
    return Node(fields.get("name", str), fields.get("op", str), tuple(inputs), attributes)


def _attribute(fields: _Fields) -> Attribute | None:
    """Returns the value of an attribute; None for kinds that are not needed: functions, tensors."""
    for kind, value in fields.content.items():
        if kind == "list":
            items = fields.object(kind)
            values = [
                _scalar(fields, key, item)
                for key in items.content
                for item in items.optional(key, list, [])
            ]
            return tuple(value for value in values if value is not None)
        if kind == "shape":
            sizes = fields.object(kind).optional("dim", list, [])
            return tuple(
                int(_integer(fields, size.get("size", 0) if isinstance(size, dict) else size))
                for size in sizes
            )
        return _scalar(fields, kind, value)
    return None


def _scalar(fields: _Fields, kind: str, value: object) -> bool | int | float | str | None:
    """Returns a single value of an attribute; None for kinds that are not needed.

    Args:
        fields: Attribute that contains the value.
        kind: Kind of the value in the format: "i", "s", "type", "b" or "f".
        value: Value in the JSON file; text is in base64.

    Raises:
        InputError: If the value is not of its kind.
    """
    if kind == "i":
        return _integer(fields, value)
    if kind == "s" and isinstance(value, str):
        try:
            return base64.b64decode(value, validate=True).decode("utf-8", "replace")
        except ValueError as error:
            raise InputError(
                f"{fields.path}: {fields.where} is no base64 text ({error}); the file is damaged"
            ) from error
    if kind == "type" and isinstance(value, str):
        return value
    if kind == "b" and isinstance(value, bool):
        return value
    if kind == "f" and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if kind in ("s", "type", "b", "f"):
        raise InputError(
            f"{fields.path}: {fields.where}.{kind} is {value!r:.80}; the file is damaged"
        )
    return None


def _integer(fields: _Fields, value: object) -> int:
    """Returns an integer; the format writes some of them as text."""
    try:
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise ValueError("not an integer")
        return int(value)
    except ValueError as error:
        raise InputError(
            f"{fields.path}: {fields.where} is {value!r:.80}, expected an integer"
        ) from error


def _read_group(path: Path, group: _Fields, read: set[str]) -> Iterator[tuple[str, np.ndarray]]:
    """Yields the tensors of one group of the manifest with their names.

    Args:
        path: Path of the .json file.
        group: Group of the manifest.
        read: Names of the .bin files read so far; those of the group are added.

    Raises:
        FileNotFoundError: If a .bin file is missing.
        InputError: If a .bin file is in another folder, named twice, or of another size.
    """
    files = []
    for name in group.strings("paths"):
        if name in ("", ".", "..") or any(letter in name for letter in "/\\:\0"):
            raise InputError(
                f"{path}: {group.position('paths')} names {name!r}, expected a file in the folder "
                "of the .json file"
            )
        if name in read:
            raise InputError(
                f"{path}: {group.position('paths')} names {name!r} twice; the file is damaged"
            )
        read.add(name)
        file = path.parent / name
        if not file.is_file():
            raise FileNotFoundError(
                f"{file}: no such file; it contains the weights of {path}: put it into the same "
                "folder"
            )
        files.append(file)
    entries = [_Entry(fields) for fields in group.objects("weights")]
    expected = sum(entry.size for entry in entries)
    stored = sum(file.stat().st_size for file in files)
    if expected != stored:
        raise InputError(
            f"{path}: {group.position('weights')} needs {expected:,} bytes, but "
            f"{', '.join(file.name for file in files)} {'has' if len(files) == 1 else 'have'} "
            f"{stored:,}; download both again"
        )
    data = memoryview(b"".join(file.read_bytes() for file in files))
    start = 0
    for entry in entries:
        yield entry.name, entry.decode(data[start : start + entry.size])
        start += entry.size


class _Entry:
    """A tensor in the manifest.

    Args:
        fields: JSON object of the tensor.

    Raises:
        InputError: If the shape is invalid, or the number format is not supported.
    """

    def __init__(self, fields: _Fields) -> None:
        self.fields = fields
        self.name = fields.get("name", str)
        self.kind = fields.get("dtype", str)
        sizes = fields.get("shape", list)
        if len(sizes) > _MAX_AXES or any(
            isinstance(n, bool) or not isinstance(n, int) or n < 0 for n in sizes
        ):
            raise InputError(
                f"{fields.path}: {fields.position('shape')} of {self.name!r} is {sizes!r:.80}, "
                f"expected at most {_MAX_AXES} sizes that are not negative"
            )
        self.shape = tuple(sizes)
        stored = _PLAIN.get(self.kind)
        how = None
        if fields.content.get("quantization") is not None:
            how = fields.object("quantization")
            stored = (
                _QUANTIZED.get(how.get("dtype", str)) if self.kind in ("float32", "int32") else None
            )
        if stored is None:
            raise InputError(
                f"{fields.path}: {self.name!r} is of dtype {self.kind!r}, quantization "
                f"{fields.content.get('quantization')!r:.80}; supported are {', '.join(_PLAIN)}, "
                f"and float32 and int32 quantized as {', '.join(_QUANTIZED)}"
            )
        self.stored = np.dtype(stored)
        self.size = math.prod(self.shape) * self.stored.itemsize  # bytes
        self.scale_and_minimum: tuple[float, float] | None = None
        if how is not None and self.stored.kind == "u":
            self.scale_and_minimum = self._number(how, "scale"), self._number(how, "min")

    def decode(self, data: memoryview) -> np.ndarray:
        """Returns the values of the tensor: float32, int32 or bool.

        Args:
            data: Stored bytes of the tensor, `size` of them.
        """
        numbers = np.frombuffer(data, self.stored).reshape(self.shape)
        if self.scale_and_minimum is not None:
            scale, minimum = self.scale_and_minimum
            real = numbers * np.float64(scale) + minimum
            return (np.rint(real) if self.kind == "int32" else real).astype(self.kind)
        return numbers.astype(self.kind)

    @staticmethod
    def _number(how: _Fields, key: str) -> float:
        """Returns a finite number of the quantization; raises InputError for anything else."""
        value: Any = how.content.get(key)
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not math.isfinite(value)
        ):
            raise InputError(
                f"{how.path}: {how.position(key)} is {value!r:.80}, expected a finite number"
            )
        return float(value)


def _outputs(path: Path, model: _Fields, nodes: Mapping[str, Node]) -> tuple[str, ...]:
    """Returns the names of the model's outputs: those of the signature, or all unused outputs.

    Raises:
        InputError: If the signature names a node that does not exist.
    """
    signature = model.optional("signature", dict, {})
    if signature.get("outputs"):
        entries = _Fields(path, "signature", signature).object("outputs")
        names = [
            _Fields(path, entries.position(key), value).get("name", str)
            for key, value in entries.content.items()
        ]
        outputs = tuple(name.removesuffix(":0") for name in names)
    else:
        used = {name.partition(":")[0] for node in nodes.values() for name in node.inputs}
        outputs = tuple(name for name in nodes if name not in used)
    for name in outputs:
        if name.partition(":")[0] not in nodes:
            raise InputError(
                f"{path}: signature.outputs names {name!r}, but there is no such node; the file is "
                "damaged"
            )
    return outputs


def _convolution_name(kernel: str, depthwise: bool) -> str:
    """Returns the name of a convolution, derived from the name of its kernel."""
    for ending in _KERNEL_ENDINGS:
        if kernel.endswith(ending):
            kernel = kernel.removesuffix(ending)
            break
    return f"{kernel}/depthwise" if depthwise and not kernel.endswith("/depthwise") else kernel
