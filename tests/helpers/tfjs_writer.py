"""Writes small TensorFlow.js graph models: one chain of convolutions, in any number format."""

import base64
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True, eq=False)
class Stored:
    """A stored tensor; `quantization` has the form of the manifest, None for none."""

    name: str
    numbers: np.ndarray
    quantization: dict | None = None
    dtype: str = ""

    def entry(self) -> dict:
        """Returns the entry in the manifest."""
        dtype = self.dtype or ("float32" if self.quantization else str(self.numbers.dtype))
        more = {"quantization": self.quantization} if self.quantization else {}
        return {"name": self.name, "shape": list(self.numbers.shape), "dtype": dtype, **more}


@dataclass(frozen=True, eq=False)
class Convolution:
    """A convolution with its kernel, and a bias as its input or as a sum after it."""

    kernel: Stored
    bias: Stored | None = None
    depthwise: bool = False
    added: bool = False

    @property
    def op(self) -> str:
        """Name of the operation in TensorFlow."""
        fused = self.bias is not None and not self.added
        if self.depthwise:
            return "FusedDepthwiseConv2dNative" if fused else "DepthwiseConv2dNative"
        return "_FusedConv2D" if fused else "Conv2D"


def model_of(convolutions, tensors=()) -> dict:
    """Returns the content of the .json file of a chain; `tensors` come first in weights.bin."""
    stored = [*tensors, *(t for c in convolutions for t in (c.kernel, c.bias) if t is not None)]
    nodes = [{"name": t.name, "op": "Const"} for t in stored]
    nodes.append({"name": "image", "op": "Placeholder", "attr": {"dtype": {"type": "DT_FLOAT"}}})
    last = "image"
    for index, convolution in enumerate(convolutions):
        inputs = [last, convolution.kernel.name]
        fused = convolution.bias is not None and not convolution.added
        attributes = {
            "strides": {"list": {"i": ["1", "1", "1", "1"]}},
            "padding": {"s": base64.b64encode(b"SAME").decode()},
        }
        if fused:
            inputs.append(convolution.bias.name)
            attributes["fused_ops"] = {"list": {"s": [base64.b64encode(b"BiasAdd").decode()]}}
        last = f"convolution_{index}"
        nodes.append({"name": last, "op": convolution.op, "input": inputs, "attr": attributes})
        if convolution.added:
            nodes.append(
                {"name": f"sum_{index}", "op": "AddV2", "input": [last, convolution.bias.name]}
            )
            last = f"sum_{index}"
    return {
        "format": "graph-model",
        "signature": {"outputs": {"y": {"name": f"{last}:0"}}},
        "modelTopology": {"node": nodes},
        "weightsManifest": [{"paths": ["weights.bin"], "weights": [t.entry() for t in stored]}],
    }


def write_model(path: Path, convolutions, tensors=()) -> dict:
    """Writes a model; returns the content of its .json file."""
    content = model_of(convolutions, tensors)
    path.write_text(json.dumps(content))
    stored = [*tensors, *(t for c in convolutions for t in (c.kernel, c.bias) if t is not None)]
    path.with_name("weights.bin").write_bytes(b"".join(t.numbers.tobytes() for t in stored))
    return content
