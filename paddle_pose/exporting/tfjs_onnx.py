"""Translates a TensorFlow.js graph model into an ONNX file, node by node, without TensorFlow and without Paddle.

Source: the operations as tensorflow.org/api_docs/python/tf/raw_ops and onnx.ai/onnx/operators (set 17) describe them.
Checked against: NanoDet-g's outputs for two photographs (tests/parity/test_nanodet_onnx.py).
Differs: only the operations of `_Translation.rules`, of feed-forward networks, and only with the layout NHWC; what depends on
    constants alone is computed here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from paddle_pose.errors import InputError
from paddle_pose.exporting.onnx_graph import OnnxGraph, Shape
from paddle_pose.weights.formats.tfjs import (
    CONVOLUTIONS,
    Graph,
    Node,
    bias_of,
    kernel_in_our_layout,
    read_graph,
)

_TO_NCHW, _TO_NHWC = (0, 3, 1, 2), (0, 2, 3, 1)
_SAME_NAME = {
    **{name: name for name in ("Identity", "Sigmoid", "Relu", "Mul", "Sub", "Add")},
    **{"AddV2": "Add", "BiasAdd": "Add", "RealDiv": "Div"},
}
_TYPES = {"DT_FLOAT": "float", "DT_INT32": "int32", "DT_UINT8": "uint8"}


def write_graph(model: Path, target: Path) -> None:
    """Writes the ONNX file of a graph model: the inputs and outputs keep their names, layouts and types.

    Args:
        model: The .json file; the files that it names are beside it.
        target: Path of the .onnx file.

    Raises:
        FileNotFoundError: If a file of weights is missing.
        MissingDependencyError: If onnx is not installed.
        InputError: If the model is damaged, or has an operation that is not translated.
    """
    _Translation(model, read_graph(model)).save(target)


class _Translation:
    """A graph model and its translation.

    Args:
        path: Path of the model, for messages.
        source: The graph model.
    """

    def __init__(self, path: Path, source: Graph) -> None:
        self.path = path
        self.source = source
        self.readers = source.readers()
        self.graph = OnnxGraph()
        self.constants = dict(source.tensors)
        self.names: dict[
            str, str
        ] = {}  # TensorFlow's name of an output -> its name in the ONNX graph
        self.transposed: dict[
            str, tuple[str, tuple[int, ...]]
        ] = {}  # output -> what was transposed, and how
        self.inputs: dict[str, tuple[str, Shape]] = {}
        self.rules: dict[str, Callable[[Node], str | list[str]]] = {
            **dict.fromkeys(CONVOLUTIONS, self.convolution),
            **dict.fromkeys(_SAME_NAME, self.same_name),
            **dict.fromkeys(("Pad", "PadV2"), self.pad),
            "Placeholder": self.placeholder,
            "LeakyRelu": self.leaky_relu,
            "Relu6": self.relu6,
            "MaxPool": self.max_pool,
            "Transpose": self.transpose,
            "ConcatV2": self.concat,
            "SplitV": self.split,
            "Reshape": self.reshape,
            "ResizeBilinear": self.resize,
        }

    def save(self, target: Path) -> None:
        """Translates all nodes that the outputs need, and writes the file."""
        for node in self.in_order():
            if node.op == "Const" or self.folded(node):
                continue
            if node.op not in self.rules:
                raise InputError(
                    f"{self.path}: node {node.name!r} is a {node.op}, which is not translated; translated are "
                    f"{', '.join(sorted(self.rules))}"
                )
            if node.attributes.get("data_format", "NHWC") != "NHWC":
                raise InputError(
                    f"{self.path}: node {node.name!r}: only the layout NHWC is translated"
                )
            made = self.rules[node.op](node)
            for index, name in enumerate([made] if isinstance(made, str) else made):
                self.names[f"{node.name}:{index}" if index else node.name] = name
        outputs: dict[str, Shape | None] = {}
        for name in self.source.outputs:
            if self.value(name) != name:
                self.graph.add("Identity", self.value(name), name=name)
            outputs[name] = None
        self.graph.save(target, self.inputs, outputs)

    def in_order(self) -> list[Node]:
        """Returns the nodes that the outputs need, each behind what it reads."""
        order: dict[str, Node] = {}
        entered: set[str] = set()
        waiting = [name.partition(":")[0] for name in reversed(self.source.outputs)]
        while waiting:
            node = self.source.nodes[waiting[-1]]
            missing = [name.partition(":")[0] for name in node.inputs]
            missing = [name for name in missing if name not in order]
            if node.name in order or not missing:
                order[waiting.pop()] = node
            elif node.name in entered:
                raise InputError(
                    f"{self.path}: node {node.name!r} needs its own output; loops are not translated"
                )
            else:
                entered.add(node.name)
                waiting += missing
        return list(order.values())

    def folded(self, node: Node) -> bool:
        """Computes a node of constants alone, as the shapes that some converters leave; returns whether it did."""
        if not node.inputs or any(name not in self.constants for name in node.inputs):
            return False
        values = [self.constants[name] for name in node.inputs]
        if node.op == "Identity":
            self.constants[node.name] = values[0]
        elif node.op in ("Add", "AddV2"):
            self.constants[node.name] = values[0] + values[1]
        elif node.op == "SparseToDense":
            indices, shape, entries, default = values
            dense = np.full(shape, default)
            dense[tuple(indices.reshape(-1, len(shape)).T)] = entries
            self.constants[node.name] = dense
        return node.name in self.constants

    def value(self, name: str) -> str:
        """Returns the name in the ONNX graph of an output, which becomes a constant of it where it is one."""
        if name in self.constants and name not in self.names:
            self.names[name] = self.graph.constant(name, self.constants[name])
        return self.names[name]

    def fixed(self, node: Node, index: int) -> np.ndarray:
        """Returns the constant that is a node's input."""
        if len(node.inputs) <= index or node.inputs[index] not in self.constants:
            raise InputError(
                f"{self.path}: node {node.name!r} ({node.op}): its input {index} is no constant"
            )
        return self.constants[node.inputs[index]]

    def numbers(self, node: Node, key: str, default: Sequence[int] = ()) -> list[int]:
        """Returns an attribute that is a list of whole numbers."""
        value = node.attributes.get(key, tuple(default))
        if not isinstance(value, tuple):
            raise InputError(
                f"{self.path}: node {node.name!r}: {key} is {value!r}, expected whole numbers"
            )
        return [int(number) for number in value]

    def plane(self, node: Node, key: str, default: Sequence[int] = ()) -> list[int]:
        """Returns the numbers for height and width of an attribute in the layout NHWC."""
        numbers = self.numbers(node, key, default)
        if len(numbers) != 4 or numbers[0] != 1 or numbers[3] != 1:
            raise InputError(
                f"{self.path}: node {node.name!r}: {key} is {numbers}, expected 1, height, width, 1"
            )
        return numbers[1:3]

    def padding(self, node: Node) -> str:
        """Returns ONNX's name of a padding."""
        kinds = {"SAME": "SAME_UPPER", "VALID": "VALID"}
        padding = node.attributes.get("padding")
        if padding not in kinds:
            raise InputError(
                f"{self.path}: node {node.name!r}: padding is {padding!r}, expected {' or '.join(kinds)}"
            )
        return kinds[str(padding)]

    def moved(self, name: str, perm: Sequence[int], new_name: str) -> str:
        """Returns an output transposed; two transpositions in a row become one or none."""
        axes = tuple(perm)
        if name in self.transposed:
            name, before = self.transposed[name]
            axes = tuple(before[axis] for axis in axes)
        if axes == tuple(range(len(axes))):
            return name
        (moved,) = self.graph.add("Transpose", name, name=new_name, perm=list(axes))
        self.transposed[moved] = name, axes
        return moved

    def placeholder(self, node: Node) -> str:
        dtype = node.attributes.get("dtype")
        if dtype not in _TYPES:
            raise InputError(
                f"{self.path}: node {node.name!r}: dtype is {dtype!r}, expected {', '.join(_TYPES)}"
            )
        shape = self.numbers(node, "shape")
        self.inputs[node.name] = (
            _TYPES[str(dtype)],
            [n if n > 0 else f"n{i}" for i, n in enumerate(shape)],
        )
        return node.name

    def same_name(self, node: Node) -> str | list[str]:
        operands = [self.value(name) for name in node.inputs]
        if node.name in self.names:  # a bias that its convolution has added already
            return self.names[node.name]
        return self.graph.add(_SAME_NAME[node.op], *operands, name=node.name)

    def convolution(self, node: Node) -> str:
        depthwise = "Depthwise" in node.op
        kernel = kernel_in_our_layout(self.fixed(node, 1), depthwise)
        name, readers = node.name, self.readers.get(node.name, [])
        inputs = [
            self.moved(self.value(node.inputs[0]), _TO_NCHW, f"{name}/input"),
            self.graph.constant(f"{name}/kernel", kernel),
        ]
        bias = bias_of(self.source, node, readers)
        if bias is not None:
            values = self.constants.get(bias)
            if values is None or values.size != len(kernel):
                raise InputError(
                    f"{self.path}: node {name!r}: its bias {bias!r} is no constant of {len(kernel)} numbers"
                )
            inputs.append(self.graph.constant(f"{name}/bias", values.reshape(-1)))
        channels = self.fixed(node, 1).shape[2]
        (y,) = self.graph.add(
            "Conv",
            *inputs,
            name=f"{name}/convolved",
            auto_pad=self.padding(node),
            kernel_shape=list(kernel.shape[2:]),
            strides=self.plane(node, "strides"),
            dilations=self.plane(node, "dilations", (1, 1, 1, 1)),
            group=channels if depthwise else 1,
        )
        fused = node.attributes.get("fused_ops", ())
        for activation in fused if isinstance(fused, tuple) else ():
            if activation in ("Relu", "Relu6"):
                y = self.activated(y, str(activation), f"{name}/activated")
            elif activation != "BiasAdd":
                raise InputError(
                    f"{self.path}: node {name!r}: {activation!r} in fused_ops is not translated"
                )
        y = self.moved(y, _TO_NHWC, f"{name}/output")
        if bias is not None and len(node.inputs) < 3:
            self.names[readers[0].name] = y
        return y

    def activated(self, x: str, activation: str, name: str) -> str:
        if activation == "Relu":
            return self.graph.add("Relu", x, name=name)[0]
        bounds = [self.graph.constant(f"relu6/{n}", np.array(n, np.float32)) for n in (0, 6)]
        return self.graph.add("Clip", x, *bounds, name=name)[0]

    def relu6(self, node: Node) -> str:
        return self.activated(self.value(node.inputs[0]), "Relu6", node.name)

    def leaky_relu(self, node: Node) -> list[str]:
        alpha = node.attributes.get("alpha", 0.2)
        return self.graph.add("LeakyRelu", self.value(node.inputs[0]), name=node.name, alpha=alpha)

    def max_pool(self, node: Node) -> str:
        x = self.moved(self.value(node.inputs[0]), _TO_NCHW, f"{node.name}/input")
        kernel, strides = self.plane(node, "ksize"), self.plane(node, "strides")
        padding, name = self.padding(node), f"{node.name}/pooled"
        (y,) = self.graph.add(
            "MaxPool", x, name=name, auto_pad=padding, kernel_shape=kernel, strides=strides
        )
        return self.moved(y, _TO_NHWC, f"{node.name}/output")

    def pad(self, node: Node) -> str | list[str]:
        pads = self.fixed(node, 1)
        if not pads.any():
            return self.value(node.inputs[0])
        value = self.fixed(node, 2) if node.op == "PadV2" else np.zeros((), np.float32)
        pads_name = self.graph.constant(f"{node.name}/pads", pads.T.reshape(-1).astype(np.int64))
        value_name = self.graph.constant(f"{node.name}/value", value.reshape(()))
        return self.graph.add(
            "Pad", self.value(node.inputs[0]), pads_name, value_name, name=node.name
        )

    def transpose(self, node: Node) -> str:
        return self.moved(self.value(node.inputs[0]), self.fixed(node, 1).tolist(), node.name)

    def concat(self, node: Node) -> list[str]:
        axis = int(self.fixed(node, len(node.inputs) - 1))
        return self.graph.add(
            "Concat", *map(self.value, node.inputs[:-1]), name=node.name, axis=axis
        )

    def split(self, node: Node) -> list[str]:
        sizes = self.fixed(node, 1).astype(np.int64)
        name, axis = self.graph.constant(f"{node.name}/sizes", sizes), int(self.fixed(node, 2))
        return self.graph.add(
            "Split", self.value(node.inputs[0]), name, name=node.name, outputs=len(sizes), axis=axis
        )

    def reshape(self, node: Node) -> list[str]:
        shape = self.graph.constant(f"{node.name}/shape", self.fixed(node, 1).astype(np.int64))
        return self.graph.add("Reshape", self.value(node.inputs[0]), shape, name=node.name)

    def resize(self, node: Node) -> str:
        name = node.name
        x = self.moved(self.value(node.inputs[0]), _TO_NCHW, f"{name}/input")
        mode = "asymmetric"
        if node.attributes.get("half_pixel_centers"):
            mode = "half_pixel"
        elif node.attributes.get("align_corners"):
            mode = "align_corners"
        (shape,) = self.graph.add("Shape", x, name=f"{name}/shape", start=0, end=2)
        plane = self.graph.constant(f"{name}/plane", self.fixed(node, 1).astype(np.int64))
        (sizes,) = self.graph.add("Concat", shape, plane, name=f"{name}/sizes", axis=0)
        (y,) = self.graph.add(
            "Resize",
            x,
            "",
            "",
            sizes,
            name=f"{name}/resized",
            mode="linear",
            coordinate_transformation_mode=mode,
        )
        return self.moved(y, _TO_NHWC, f"{name}/output")
