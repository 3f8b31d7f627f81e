"""Reads TensorFlow.js graph models (`.json` with `.bin` files) without TensorFlow and without running anything.

Source: the format as tfjs-converter writes it (`GraphModel` and `WeightsManifestConfig` of @tensorflow/tfjs 4): a JSON file
    with the nodes of a TensorFlow graph and a manifest of the tensors, which stand one after the other, little-endian and
    unaligned, in the files that the manifest names.
Checked against: MoveNet Lightning, Thunder and MultiPose and NanoDet-g in half precision (tests/parity/test_tfjs_parity.py);
    files of every number format that tests write.
Differs: layers models (Keras) and tensors of strings and complex numbers are refused; functions of a graph are not read.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from paddle_pose.errors import InputError

Attribute = bool | int | float | str | tuple[int | float | str, ...]
MAX_JSON_BYTES = 64 * 10**6  # MoveNet's has 0.2 MB
CONVOLUTIONS = ("Conv2D", "_FusedConv2D", "DepthwiseConv2dNative", "FusedDepthwiseConv2dNative")
_MAX_SIDES = 8
_PLAIN = {"float32": "<f4", "int32": "<i4", "bool": "|b1"}
_QUANTIZED = {"float16": "<f2", "uint8": "|u1", "uint16": "<u2"}
_KERNEL_ENDINGS = ("_weights", "/ReadVariableOp_1", "/ReadVariableOp")
_ADDITIONS = ("BiasAdd", "Add", "AddV2")
_T = TypeVar("_T")


@dataclass(frozen=True)
class Node:
    """An operation of a graph.

    Attributes:
        name: Name of the node.
        op: TensorFlow's name of the operation.
        inputs: Names of the nodes whose outputs it reads; ":1" follows the name where it is not the first output.
        attributes: Values by name: text, numbers, flags, or tuples of them; a shape is a tuple of numbers.
    """

    name: str
    op: str
    inputs: tuple[str, ...]
    attributes: Mapping[str, Attribute]


@dataclass(frozen=True, eq=False)
class Graph:
    """A graph model.

    Attributes:
        nodes: Nodes by name, in the file's order.
        tensors: Values of the constants by their nodes' names: float32, int32 or bool.
        outputs: Names of the nodes whose outputs the model returns, in the file's order.
    """

    nodes: Mapping[str, Node]
    tensors: Mapping[str, np.ndarray]
    outputs: tuple[str, ...]

    def readers(self) -> dict[str, list[Node]]:
        """Returns the nodes that read an output, by its name."""
        readers: dict[str, list[Node]] = {}
        for node in self.nodes.values():
            for name in node.inputs:
                readers.setdefault(name, []).append(node)
        return readers


def is_tfjs(path: Path) -> bool:
    """Returns whether a file is the JSON file of a TensorFlow.js model, by its content.

    Raises:
        FileNotFoundError: If there is no such file.
    """
    with path.open("rb") as stream:
        if not stream.read(64).lstrip().startswith(b"{"):
            return False
        stream.seek(0)
        return b'"weightsManifest"' in stream.read(MAX_JSON_BYTES)


def read_tfjs(path: Path) -> dict[str, np.ndarray]:
    """Returns the weights and biases of all convolutions of a graph model.

    A convolution is called as its kernel's tensor is, without "_weights" or "/ReadVariableOp", as in TFLite files of the same
    network; so the depthwise part of a separable convolution ends in "/depthwise". A bias is the convolution's own input or a
    constant vector that is added to its output. A depthwise convolution without a bias gets zeros, as TFLite files have them.

    Args:
        path: The .json file; the files that it names are beside it.

    Returns:
        Name -> float32, weights [out, in / groups, height, width], depthwise ones [channels, 1, height, width], in the
        order of the file's graph.

    Raises:
        FileNotFoundError: If a file of weights is missing.
        InputError: If a file is truncated or damaged or not a graph model, or holds no convolution, or one that is not read.
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
                f"{path}: node {node.name!r}: its weights {kernel_name!r} are no float32 tensor of four sides in the "
                "manifest; only graphs with constant weights are read"
            )
        name = _convolution_name(kernel_name, depthwise)
        if f"{name}.weight" in tensors:
            raise InputError(
                f"{path}: two convolutions are called {name!r}; convert the model again"
            )
        tensors[f"{name}.weight"] = kernel_in_our_layout(kernel, depthwise)
        channels = len(tensors[f"{name}.weight"])
        bias_name = bias_of(graph, node, readers.get(node.name, []))
        if bias_name is not None:
            bias = graph.tensors.get(bias_name)
            if bias is None or bias.size != channels or bias.dtype != np.float32:
                raise InputError(
                    f"{path}: node {node.name!r}: its bias {bias_name!r} is no float32 tensor of {channels} numbers in the "
                    "manifest; only graphs with constant weights are read"
                )
            tensors[f"{name}.bias"] = bias.reshape(-1)
        elif depthwise:
            tensors[f"{name}.bias"] = np.zeros(channels, np.float32)
    if not tensors:
        raise InputError(
            f"{path}: a graph model without convolutions; name the file with the network's weights"
        )
    return tensors


def kernel_in_our_layout(kernel: np.ndarray, depthwise: bool) -> np.ndarray:
    """Returns TensorFlow's kernel [height, width, in, out], depthwise [height, width, channels, multiplier], as
    [out, in / groups, height, width].

    Example:
        >>> kernel_in_our_layout(np.zeros((3, 3, 8, 1)), depthwise=True).shape
        (8, 1, 3, 3)
    """  # noqa: D205
    if depthwise:
        return kernel.transpose(2, 3, 0, 1).reshape(-1, 1, *kernel.shape[:2])
    return kernel.transpose(3, 2, 0, 1)


def bias_of(graph: Graph, node: Node, readers: Sequence[Node]) -> str | None:
    """Returns the name of a convolution's bias: its third input, or a constant that its only reader adds; None without one.

    Args:
        graph: Graph of the convolution.
        node: Convolution.
        readers: Nodes that read its output.
    """
    if len(node.inputs) > 2:
        return node.inputs[2]
    if len(readers) == 1 and readers[0].op in _ADDITIONS and node.name not in graph.outputs:
        return next((name for name in readers[0].inputs if name in graph.tensors), None)
    return None


def read_graph(path: Path) -> Graph:
    """Returns the nodes and the tensors of a graph model.

    Args:
        path: The .json file; the files that it names are beside it. Other folders are never read.

    Raises:
        FileNotFoundError: If a file of weights is missing.
        InputError: If a file is truncated or damaged, names a file elsewhere, or is not a graph model.
    """
    model = _parse(path)
    if model.optional("format", str, "graph-model") != "graph-model":
        raise InputError(
            f"{path}: format {model.get('format', str)!r}; only 'graph-model' is read: convert it with tfjs"
        )
    nodes: dict[str, Node] = {}
    for fields in model.object("modelTopology").objects("node"):
        node = _node(fields)
        if node.name in nodes:
            raise InputError(f"{path}: two nodes are called {node.name!r}; the file is damaged")
        nodes[node.name] = node
    tensors: dict[str, np.ndarray] = {}
    read: set[str] = set()
    for group in model.objects("weightsManifest"):
        for name, tensor in _read_group(path, group, read):
            if name in tensors:
                raise InputError(f"{path}: two tensors are called {name!r}; the file is damaged")
            tensors[name] = tensor
    for node in nodes.values():
        missing = [name for name in node.inputs if name.partition(":")[0] not in nodes]
        if missing:
            raise InputError(
                f"{path}: node {node.name!r} reads {missing[0]!r}, which is no node; the file is damaged"
            )
        if node.op == "Const" and node.name not in tensors:
            raise InputError(
                f"{path}: weightsManifest has no tensor {node.name!r}; the file is damaged"
            )
    return Graph(nodes, tensors, _outputs(path, model, nodes))


class _Fields:
    """A JSON object of the file; the type of each value is checked when it is taken.

    Args:
        path: Path of the file, for messages.
        where: Place of the object in the file, likewise; "" for the file itself.
        content: The object, not checked yet.
    """

    def __init__(self, path: Path, where: str, content: object) -> None:
        if not isinstance(content, dict):
            raise InputError(
                f"{path}: {where or 'the file'} is a {type(content).__name__}, expected an object"
            )
        self.path = path
        self.where = where
        self.content = content

    def place(self, key: str) -> str:
        return f"{self.where}.{key}" if self.where else key

    def get(self, key: str, kind: type[_T]) -> _T:
        value = self.content.get(key)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            found = f"is a {type(value).__name__}" if key in self.content else "is missing"
            raise InputError(
                f"{self.path}: {self.place(key)} {found}, expected a {kind.__name__}; the file is damaged"
            )
        return value

    def optional(self, key: str, kind: type[_T], default: _T) -> _T:
        return self.get(key, kind) if self.content.get(key) is not None else default

    def object(self, key: str) -> _Fields:
        return _Fields(self.path, self.place(key), self.get(key, dict))

    def objects(self, key: str) -> Iterator[_Fields]:
        for index, value in enumerate(self.get(key, list)):
            yield _Fields(self.path, f"{self.place(key)}[{index}]", value)

    def texts(self, key: str) -> tuple[str, ...]:
        values = self.optional(key, list, [])
        if not all(isinstance(value, str) for value in values):
            raise InputError(
                f"{self.path}: {self.place(key)} is {values!r:.80}, expected a list of strings"
            )
        return tuple(values)


def _parse(path: Path) -> _Fields:
    with path.open("rb") as stream:
        text = stream.read(MAX_JSON_BYTES + 1)
    if len(text) > MAX_JSON_BYTES:
        raise InputError(
            f"{path}: more than {MAX_JSON_BYTES:,} bytes of JSON; graph models keep their weights in .bin files"
        )
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: truncated or damaged JSON ({error}); fetch it again") from error
    if not isinstance(content, dict) or "weightsManifest" not in content:
        raise InputError(
            f"{path}: is JSON without a weightsManifest, not weights; name the weights, not their description"
        )
    return _Fields(path, "", content)


def _node(fields: _Fields) -> Node:
    attributes = {}
    for key, value in fields.optional("attr", dict, {}).items():
        attribute = _attribute(_Fields(fields.path, f"{fields.where}.attr.{key}", value))
        if attribute is not None:
            attributes[key] = attribute
    inputs = (name.removesuffix(":0") for name in fields.texts("input") if not name.startswith("^"))
    return Node(fields.get("name", str), fields.get("op", str), tuple(inputs), attributes)


def _attribute(fields: _Fields) -> Attribute | None:
    """Returns the value of an attribute; None for kinds that no graph here needs, as functions and tensors."""
    for kind, value in fields.content.items():
        if kind == "list":
            some = fields.object(kind)
            values = [
                _scalar(fields, key, one)
                for key in some.content
                for one in some.optional(key, list, [])
            ]
            return tuple(value for value in values if value is not None)
        if kind == "shape":
            sizes = fields.object(kind).optional("dim", list, [])
            return tuple(
                int(_whole(fields, size.get("size", 0) if isinstance(size, dict) else size))
                for size in sizes
            )
        return _scalar(fields, kind, value)
    return None


def _scalar(fields: _Fields, kind: str, value: object) -> bool | int | float | str | None:
    if kind == "i":
        return _whole(fields, value)
    if kind == "s" and isinstance(value, str):
        try:
            return base64.b64decode(value, validate=True).decode("utf-8", "replace")
        except ValueError as error:
            raise InputError(
                f"{fields.path}: {fields.where} is no text in base64 ({error}); the file is damaged"
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


def _whole(fields: _Fields, value: object) -> int:
    """Returns a whole number, which the format writes as text, too."""
    try:
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise ValueError("no whole number")
        return int(value)
    except ValueError as error:
        raise InputError(
            f"{fields.path}: {fields.where} is {value!r:.80}, expected a whole number"
        ) from error


def _read_group(path: Path, group: _Fields, read: set[str]) -> Iterator[tuple[str, np.ndarray]]:
    """Yields name -> tensor of one group of the manifest; adds the files it reads to `read`."""
    files = []
    for name in group.texts("paths"):
        if name in ("", ".", "..") or any(letter in name for letter in "/\\:\0"):
            raise InputError(
                f"{path}: {group.place('paths')} names {name!r}, expected a file beside the .json file"
            )
        if name in read:
            raise InputError(
                f"{path}: {group.place('paths')} names {name!r} twice; the file is damaged"
            )
        read.add(name)
        file = path.parent / name
        if not file.is_file():
            raise FileNotFoundError(
                f"{file}: no such file; it holds the weights of {path}: put it beside that file"
            )
        files.append(file)
    entries = [_Entry(fields) for fields in group.objects("weights")]
    claimed, there = (
        sum(entry.size for entry in entries),
        sum(file.stat().st_size for file in files),
    )
    if claimed != there:
        raise InputError(
            f"{path}: {group.place('weights')} takes {claimed:,} bytes, but {', '.join(file.name for file in files)} "
            f"{'has' if len(files) == 1 else 'have'} {there:,}; fetch both again"
        )
    data = memoryview(b"".join(file.read_bytes() for file in files))
    start = 0
    for entry in entries:
        yield entry.name, entry.decode(data[start : start + entry.size])
        start += entry.size


class _Entry:
    """A tensor in the manifest.

    Args:
        fields: The tensor's object in the file.
    """

    def __init__(self, fields: _Fields) -> None:
        self.fields, self.name = fields, fields.get("name", str)
        self.kind = fields.get("dtype", str)
        sizes = fields.get("shape", list)
        if len(sizes) > _MAX_SIDES or any(
            isinstance(n, bool) or not isinstance(n, int) or n < 0 for n in sizes
        ):
            raise InputError(
                f"{fields.path}: {fields.place('shape')} of {self.name!r} is {sizes!r:.80}, expected sizes"
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
                f"{fields.content.get('quantization')!r:.80}; read are {', '.join(_PLAIN)}, and of the first two "
                f"{', '.join(_QUANTIZED)}"
            )
        self.stored = np.dtype(stored)
        self.size = math.prod(self.shape) * self.stored.itemsize  # bytes
        self.scale_and_minimum: tuple[float, float] | None = None
        if how is not None and self.stored.kind == "u":
            self.scale_and_minimum = self._number(how, "scale"), self._number(how, "min")

    def decode(self, data: memoryview) -> np.ndarray:
        """Returns the tensor: float32, int32 or bool."""
        numbers = np.frombuffer(data, self.stored).reshape(self.shape)
        if self.scale_and_minimum is not None:
            scale, minimum = self.scale_and_minimum
            real = numbers * np.float64(scale) + minimum
            return (np.rint(real) if self.kind == "int32" else real).astype(self.kind)
        return numbers.astype(self.kind)

    @staticmethod
    def _number(how: _Fields, key: str) -> float:
        value: Any = how.content.get(key)
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not math.isfinite(value)
        ):
            raise InputError(
                f"{how.path}: {how.place(key)} is {value!r:.80}, expected a finite number"
            )
        return float(value)


def _outputs(path: Path, model: _Fields, nodes: Mapping[str, Node]) -> tuple[str, ...]:
    """Returns the outputs that the signature names; without a signature, what no node reads."""
    signature = model.optional("signature", dict, {})
    if signature.get("outputs"):
        entries = _Fields(path, "signature", signature).object("outputs")
        names = [
            _Fields(path, entries.place(key), value).get("name", str)
            for key, value in entries.content.items()
        ]
        outputs = tuple(name.removesuffix(":0") for name in names)
    else:
        used = {name.partition(":")[0] for node in nodes.values() for name in node.inputs}
        outputs = tuple(name for name in nodes if name not in used)
    for name in outputs:
        if name.partition(":")[0] not in nodes:
            raise InputError(
                f"{path}: signature.outputs names {name!r}, which is no node; the file is damaged"
            )
    return outputs


def _convolution_name(kernel: str, depthwise: bool) -> str:
    """Returns what a convolution is called by the name of its kernel."""
    for ending in _KERNEL_ENDINGS:
        if kernel.endswith(ending):
            kernel = kernel.removesuffix(ending)
            break
    return f"{kernel}/depthwise" if depthwise and not kernel.endswith("/depthwise") else kernel
