"""Converts a TensorFlow.js graph model to an ONNX file, without TensorFlow and without Paddle.

Source: the operations as described in tensorflow.org/api_docs/python/tf/raw_ops and
    onnx.ai/onnx/operators (set 17).
Checked against: the outputs of NanoDet-g for two images (tests/parity/test_nanodet_onnx.py).
Differs: only the operations in `_Conversion.rules` are converted, only in feed-forward networks,
    and only with layout NHWC; nodes that depend only on constants are folded.
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
    kernel_to_oihw,
    read_graph,
)

_TO_NCHW = (0, 3, 1, 2)
_TO_NHWC = (0, 2, 3, 1)
_ELEMENTWISE = {  # TensorFlow's operation -> ONNX's, with the same inputs
    **{name: name for name in ("Identity", "Sigmoid", "Relu", "Mul", "Sub", "Add")},
    **{"AddV2": "Add", "BiasAdd": "Add", "RealDiv": "Div"},
}
_TYPES = {"DT_FLOAT": "float", "DT_INT32": "int32", "DT_UINT8": "uint8"}


def write_graph(model: Path, target: Path) -> None:
    """Writes a TensorFlow.js graph model as an ONNX file of operator set 17.

    Inputs and outputs keep their names, layouts (NHWC) and types.

    Args:
        model: The .json file of the model; its .bin files are in the same folder.
        target: Path of the .onnx file, which is replaced if it exists.

    Raises:
        FileNotFoundError: If the .json file or a .bin file is missing.
        MissingDependencyError: If onnx is not installed.
        InputError: If the model is damaged, or has an operation, layout or loop that is not
            supported.
    """
    _Conversion(model, read_graph(model)).save(target)


class _Conversion:
    """Conversion of a graph model to an ONNX graph.

    The methods in `rules` add the ONNX nodes of one TensorFlow node and return the name, or the
    names, of its outputs in the ONNX graph.

    Args:
        path: Path of the model, for messages.
        source: Graph model.
    """

    def __init__(self, path: Path, source: Graph) -> None:
        self.path = path
        self.source = source
        self.readers = source.readers()
        self.graph = OnnxGraph()
        self.constants = dict(source.tensors)
        # Name of an output in TensorFlow -> its name in the ONNX graph.
        self.names: dict[str, str] = {}
        # Output of a transposition -> (its input, its permutation).
        self.transposed: dict[str, tuple[str, tuple[int, ...]]] = {}
        self.inputs: dict[str, tuple[str, Shape]] = {}
        self.rules: dict[str, Callable[[Node], str | list[str]]] = {
            **dict.fromkeys(CONVOLUTIONS, self.convolution),
            **dict.fromkeys(_ELEMENTWISE, self.elementwise),
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
        """Converts all nodes that the outputs need, and writes the file.

        Args:
            target: Path of the .onnx file.

        Raises:
            InputError: If a node is not supported.
        """
        for node in self.in_order():
            if node.op == "Const" or self.folded(node):
                continue
            if node.op not in self.rules:
                raise InputError(
                    f"{self.path}: node {node.name!r}: operation {node.op} is not supported; "
                    f"supported are {', '.join(sorted(self.rules))}"
                )
            layout = node.attributes.get("data_format", "NHWC")
            if layout != "NHWC":
                raise InputError(
                    f"{self.path}: node {node.name!r}: data_format is {layout!r}, expected 'NHWC'"
                )
            converted = self.rules[node.op](node)
            for index, name in enumerate([converted] if isinstance(converted, str) else converted):
                self.names[f"{node.name}:{index}" if index else node.name] = name
        outputs: dict[str, Shape | None] = {}
        for name in self.source.outputs:
            if self.value(name) != name:
                self.graph.add("Identity", self.value(name), name=name)
            outputs[name] = None
        self.graph.save(target, self.inputs, outputs)

    def in_order(self) -> list[Node]:
        """Returns the nodes that the outputs need, each after its inputs.

        Raises:
            InputError: If the graph contains a loop.
        """
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
                    f"{self.path}: node {node.name!r} depends on itself; loops are not supported"
                )
            else:
                entered.add(node.name)
                waiting += missing
        return list(order.values())

    def folded(self, node: Node) -> bool:
        """Computes a node whose inputs are all constants, and returns whether it did.

        Some converters leave such nodes to compute shapes.
        """
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
        """Returns the name of an output in the ONNX graph; a constant is added to the graph.

        Args:
            name: Name of the output in TensorFlow.
        """
        if name in self.constants and name not in self.names:
            self.names[name] = self.graph.constant(name, self.constants[name])
        return self.names[name]

    def fixed(self, node: Node, index: int) -> np.ndarray:
        """Returns an input of a node that must be a constant.

        Args:
            node: Node.
            index: Index of the input.

        Raises:
            InputError: If there is no such input, or it is computed.
        """
        if len(node.inputs) <= index or node.inputs[index] not in self.constants:
            raise InputError(
                f"{self.path}: node {node.name!r} ({node.op}): input {index} is no constant; "
                "computed ones are not supported"
            )
        return self.constants[node.inputs[index]]

    def numbers(self, node: Node, key: str, default: Sequence[int] = ()) -> list[int]:
        """Returns an attribute that is a list of integers, or the default where it is missing.

        Raises:
            InputError: If the attribute is no list.
        """
        value = node.attributes.get(key, tuple(default))
        if not isinstance(value, tuple):
            raise InputError(
                f"{self.path}: node {node.name!r}: {key} is {value!r}, expected integers"
            )
        return [int(number) for number in value]

    def spatial(self, node: Node, key: str, default: Sequence[int] = ()) -> list[int]:
        """Returns [height, width] of an attribute with four numbers in layout NHWC.

        Raises:
            InputError: If its numbers for batch and channels are not 1.
        """
        numbers = self.numbers(node, key, default)
        if len(numbers) != 4 or numbers[0] != 1 or numbers[3] != 1:
            raise InputError(
                f"{self.path}: node {node.name!r}: {key} is {numbers}, expected 1, height, width, 1"
            )
        return numbers[1:3]

    def padding(self, node: Node) -> str:
        """Returns ONNX's name of the padding of a node."""
        kinds = {"SAME": "SAME_UPPER", "VALID": "VALID"}
        padding = node.attributes.get("padding")
        if padding not in kinds:
            raise InputError(
                f"{self.path}: node {node.name!r}: padding is {padding!r}, expected "
                f"{' or '.join(kinds)}"
            )
        return kinds[str(padding)]

    def moved(self, name: str, perm: Sequence[int], new_name: str) -> str:
        """Adds a transposition and returns its output; two in a row are merged into one or none.

        Args:
            name: Name of the input in the ONNX graph.
            perm: Permutation of its axes.
            new_name: Name of the output, unless there is nothing to transpose.
        """
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
        """Adds an input of the model; sizes that are not fixed are named n0, n1, ..."""
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

    def elementwise(self, node: Node) -> str | list[str]:
        """Adds an operation that has the same inputs in ONNX."""
        operands = [self.value(name) for name in node.inputs]
        if node.name in self.names:  # the addition of a bias that is part of its convolution
            return self.names[node.name]
        return self.graph.add(_ELEMENTWISE[node.op], *operands, name=node.name)

    def convolution(self, node: Node) -> str:
        """Adds a convolution with its bias and activation, between two transpositions."""
        depthwise = "Depthwise" in node.op
        kernel = kernel_to_oihw(self.fixed(node, 1), depthwise)
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
                    f"{self.path}: node {name!r}: its bias {bias!r} is no constant of "
                    f"{len(kernel)} numbers"
                )
            inputs.append(self.graph.constant(f"{name}/bias", values.reshape(-1)))
        channels = self.fixed(node, 1).shape[2]
        (y,) = self.graph.add(
            "Conv",
            *inputs,
            name=f"{name}/convolved",
            auto_pad=self.padding(node),
            kernel_shape=list(kernel.shape[2:]),
            strides=self.spatial(node, "strides"),
            dilations=self.spatial(node, "dilations", (1, 1, 1, 1)),
            group=channels if depthwise else 1,
        )
        fused = node.attributes.get("fused_ops", ())
        for activation in fused if isinstance(fused, tuple) else ():
            if activation in ("Relu", "Relu6"):
                y = self.activated(y, str(activation), f"{name}/activated")
            elif activation != "BiasAdd":
                raise InputError(
                    f"{self.path}: node {name!r}: {activation!r} in fused_ops is not supported, "
                    "expected BiasAdd, Relu or Relu6"
                )
        y = self.moved(y, _TO_NHWC, f"{name}/output")
        if bias is not None and len(node.inputs) < 3:
            self.names[readers[0].name] = y
        return y

    def activated(self, x: str, activation: str, name: str) -> str:
        """Adds an activation, "Relu" or "Relu6", and returns its output."""
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
        (y,) = self.graph.add(
            "MaxPool",
            x,
            name=f"{node.name}/pooled",
            auto_pad=self.padding(node),
            kernel_shape=self.spatial(node, "ksize"),
            strides=self.spatial(node, "strides"),
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
        return self.graph.add(
            "Split",
            self.value(node.inputs[0]),
            self.graph.constant(f"{node.name}/sizes", sizes),
            name=node.name,
            outputs=len(sizes),
            axis=int(self.fixed(node, 2)),
        )

    def reshape(self, node: Node) -> list[str]:
        shape = self.graph.constant(f"{node.name}/shape", self.fixed(node, 1).astype(np.int64))
        return self.graph.add("Reshape", self.value(node.inputs[0]), shape, name=node.name)

    def resize(self, node: Node) -> str:
        """Adds a bilinear resizing with the coordinate transformation of the TensorFlow node."""
        name = node.name
        x = self.moved(self.value(node.inputs[0]), _TO_NCHW, f"{name}/input")
        mode = "asymmetric"
        if node.attributes.get("half_pixel_centers"):
            mode = "half_pixel"
        elif node.attributes.get("align_corners"):
            mode = "align_corners"
        (shape,) = self.graph.add("Shape", x, name=f"{name}/shape", start=0, end=2)
        size = self.graph.constant(f"{name}/plane", self.fixed(node, 1).astype(np.int64))
        (sizes,) = self.graph.add("Concat", shape, size, name=f"{name}/sizes", axis=0)
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
