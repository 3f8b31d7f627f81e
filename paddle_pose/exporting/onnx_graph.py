"""Builds ONNX graphs node by node; only the package `onnx` is needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from paddle_pose.backends.onnx import METADATA_KEY
from paddle_pose.environment import needed
from paddle_pose.exporting.convert import OPSET

IR_VERSION = 8  # the oldest version for the operator set; ONNX Runtime 1.17 reads up to 9
Shape = Sequence[int | str]  # sizes; a name for a size that is not fixed


class OnnxGraph:
    """An ONNX graph under construction: nodes are added in the order of computation, then saved.

    Attributes:
        initializers: Constants and weights by name; weights may be added at any time before `save`.

    Raises:
        MissingDependencyError: If onnx is not installed.
    """

    def __init__(self) -> None:
        self._onnx = needed("onnx", "onnx>=1.16")
        self._nodes: list[Any] = []
        self.initializers: dict[str, np.ndarray] = {}

    def constant(self, name: str, values: np.ndarray | Sequence[int] | Sequence[float]) -> str:
        """Adds a constant and returns its name.

        Args:
            name: Name of the constant; a constant of the same name is replaced.
            values: Array, which keeps its dtype; or Python numbers, of which floats become float32
                and integers int64.
        """
        array = np.asarray(values)
        if not isinstance(values, np.ndarray):
            array = array.astype(np.int64 if array.dtype.kind == "i" else np.float32)
        self.initializers[name] = array
        return name

    def add(
        self, op: str, *inputs: str, name: str, outputs: int = 1, **attributes: object
    ) -> list[str]:
        """Adds a node.

        Args:
            op: Name of the ONNX operator.
            inputs: Names of its inputs: those of inputs of the graph, initializers or outputs of
                earlier nodes; "" leaves out an optional input.
            name: Name of the node and of its first output; the second output is "name:1".
            outputs: Number of outputs.
            attributes: Attributes of the operator by ONNX's names.

        Returns:
            Names of the outputs, in the operator's order.
        """
        names = [name if index == 0 else f"{name}:{index}" for index in range(outputs)]
        self._nodes.append(self._onnx.helper.make_node(op, list(inputs), names, name, **attributes))
        return names

    def save(
        self,
        path: Path,
        inputs: Mapping[str, tuple[str, Shape]],
        outputs: Mapping[str, Shape | None],
        metadata: str | None = None,
    ) -> None:
        """Writes the graph as an ONNX file after checking it with `onnx.checker`.

        Nodes that no output needs are left out. ONNX's own errors are raised for a graph that is
        not valid.

        Args:
            path: Path of the .onnx file.
            inputs: Inputs by name: (type, shape); the type is ONNX's in lower case, such as
                "uint8", "float" or "int32"; a size that is not fixed is a name such as "N".
            outputs: Shapes of the float32 outputs by name; None infers the shape from the nodes.
            metadata: Export metadata as JSON text; None for none.
        """
        helper = self._onnx.helper
        types = self._onnx.TensorProto
        nodes = []
        used = set(outputs)
        for node in reversed(self._nodes):
            if used & set(node.output):
                nodes.append(node)
                used |= set(node.input)
        graph = helper.make_graph(
            nodes[::-1],
            "paddle_pose",
            [
                helper.make_tensor_value_info(n, getattr(types, t.upper()), shape)
                for n, (t, shape) in inputs.items()
            ],
            [
                helper.make_tensor_value_info(name, types.FLOAT, shape)
                for name, shape in outputs.items()
            ],
            [
                self._onnx.numpy_helper.from_array(np.ascontiguousarray(values), name)
                for name, values in self.initializers.items()
                if name in used
            ],
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="paddle_pose",
        )
        if metadata is not None:
            helper.set_model_props(model, {METADATA_KEY: metadata})
        model = self._onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
        del model.graph.value_info[:]  # inferred shapes of intermediate tensors are not stored
        self._onnx.checker.check_model(model, full_check=True)
        self._onnx.save_model(model, str(path))
