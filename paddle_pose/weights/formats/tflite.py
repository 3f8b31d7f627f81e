"""Reads the convolutions of a TFLite file as float32, without TensorFlow and without running anything.

Source: the schema of TFLite 3 (the package `tflite`, generated from tensorflow/lite/schema.fbs) and TensorFlow's
    quantisation specification: real = scale * (stored - zero_point), one scale per tensor or per channel.
Checked against: MoveNet Lightning INT8 (tests/parity/test_movenet_parity.py) and MobileNetV2 INT8 of Google's Coral project;
    files of every number format that tests write.
Differs: the graph is not read, nor are constants that no convolution multiplies with.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from paddle_pose.environment import needed
from paddle_pose.errors import InputError

_CONV_2D = 3  # values of the schema's BuiltinOperator
_DEPTHWISE_CONV_2D = 4
_DEQUANTIZE = 6
_LAYOUTS = {  # operation -> how its weights become [out, in / groups, height, width]
    _CONV_2D: (0, 3, 1, 2),
    _DEPTHWISE_CONV_2D: (3, 0, 1, 2),
}
_NUMBERS = {  # the schema's TensorType -> number format
    0: "<f4",
    1: "<f2",
    9: "<i1",
    3: "<u1",
    7: "<i2",
    2: "<i4",
}


def read_tflite(path: Path) -> dict[str, np.ndarray]:
    """Returns the weights and biases of all convolutions, de-quantised.

    A convolution is called as its weights are, up to the first semicolon (the converter joins the names of what it
    merged): "model/Conv1/Conv2D" becomes "model/Conv1/Conv2D.weight" and "….bias".

    Args:
        path: a .tflite file of INT8, FP16 or FP32 weights.

    Returns:
        Name -> float32, weights [out, in / groups, height, width], depthwise ones [channels, 1, height, width], in the
        order of the file's graph.

    Raises:
        InputError: If the file is truncated or damaged, holds no convolution, or one of a kind that is not read.
        MissingDependencyError: If the package tflite is not installed.
    """
    schema = needed("tflite", "tflite>=2.10", "train")
    try:
        tensors = dict(
            _Graph(schema.Model.GetRootAs(path.read_bytes(), 0), path.stat().st_size).convolutions()
        )
    except Exception as error:  # a damaged file can raise nearly anything, and means nothing by it
        raise InputError(
            f"{path}: truncated, damaged or unknown kind of TFLite file ({error}); fetch it again"
        ) from error
    if not tensors:
        raise InputError(
            f"{path}: a TFLite file without convolutions; name the file with the network's weights"
        )
    return tensors


class _Graph:
    """The main graph of a file; whatever it claims is compared with the size of the file.

    Args:
        model: The file, as the package tflite reads it.
        size: Bytes of the file.
    """

    def __init__(self, model: Any, size: int) -> None:
        self.size = self.left = size  # bytes that weights may still take: each is stored once
        self.model = model
        self.graph: Any = self.model.Subgraphs(0)
        self.count = self._checked(self.graph.TensorsLength(), "tensors")
        self.operators = []
        for i in range(self._checked(self.graph.OperatorsLength(), "operations")):
            operator = self.graph.Operators(i)
            code = self.model.OperatorCodes(operator.OpcodeIndex())
            kind = max(
                code.BuiltinCode(), code.DeprecatedBuiltinCode()
            )  # the old field ends at 127
            if kind in _LAYOUTS or kind == _DEQUANTIZE:
                self.operators.append((kind, operator))
        # weights of half precision pass through an operation that widens them
        self.narrow = {
            o.Outputs(0): o.Inputs(0) for kind, o in self.operators if kind == _DEQUANTIZE
        }

    def convolutions(self) -> Iterator[tuple[str, np.ndarray]]:
        """Yields name -> array of every weight and bias."""
        seen = set()
        for kind, operator in self.operators:
            if kind not in _LAYOUTS:
                continue
            tensor = self._tensor(operator.Inputs(1))
            name = tensor.Name().decode().split(";")[0]
            if name in seen:
                raise InputError(f"two convolutions are called {name!r}")
            seen.add(name)
            weight = self._numbers(tensor, name)
            if weight.ndim != 4:
                raise InputError(
                    f"the weights {name!r} have shape {weight.shape}, expected four sides"
                )
            yield f"{name}.weight", weight.transpose(_LAYOUTS[kind])
            if operator.InputsLength() > 2 and operator.Inputs(2) >= 0:
                yield (
                    f"{name}.bias",
                    self._numbers(self._tensor(operator.Inputs(2)), f"{name}.bias"),
                )

    def _checked(self, number: int, what: str) -> int:
        if number > self.size:
            raise InputError(f"{number} {what} in {self.size} bytes")
        return number

    def _tensor(self, index: int) -> Any:
        index = self.narrow.get(index, index)
        if not 0 <= index < self.count:
            raise InputError(f"tensor {index} of {self.count}")
        return self.graph.Tensors(index)

    def _numbers(self, tensor: Any, name: str) -> np.ndarray:
        if tensor.Type() not in _NUMBERS:
            raise InputError(
                f"{name!r} is of number format {tensor.Type()}; read are INT8, FP16 and FP32"
            )
        number = np.dtype(_NUMBERS[tensor.Type()])
        shape = tuple(tensor.Shape(i) for i in range(min(tensor.ShapeLength(), 5)))
        buffer = self.model.Buffers(tensor.Buffer())
        stored = buffer.DataLength()
        if min(shape, default=0) < 1 or math.prod(shape) * number.itemsize != stored:
            raise InputError(f"{name!r} has shape {shape}, {stored} bytes")
        self.left -= stored
        if self.left < 0:
            raise InputError(f"more bytes of weights than the {self.size} of the file")
        stored_numbers = np.frombuffer(buffer.DataAsNumpy().tobytes(), number).reshape(shape)
        real = self._real(stored_numbers, tensor, name)
        if not np.isfinite(real).all():
            raise InputError(f"{name!r} holds numbers that are not finite")
        return real

    def _real(self, stored: np.ndarray, tensor: Any, name: str) -> np.ndarray:
        if stored.dtype.kind == "f":
            return stored.astype(np.float32)
        how = tensor.Quantization()
        count = how.ScaleLength() if how else 0
        axis = how.QuantizedDimension() if count > 1 else 0
        zeros = how.ZeroPointLength() if how else 0
        if (
            not 0 <= axis < stored.ndim
            or count not in (1, stored.shape[axis])
            or zeros not in (0, 1, count)
        ):
            raise InputError(
                f"{name!r}, {stored.dtype} of shape {stored.shape}, has {count} scales on side {axis}"
            )
        scale = how.ScaleAsNumpy().astype(np.float64)
        zero = how.ZeroPointAsNumpy().astype(np.float64) if zeros else np.zeros(1)
        sides = [1] * stored.ndim
        sides[axis] = -1
        values: np.ndarray = (scale.reshape(sides) * (stored - zero.reshape(sides))).astype(
            np.float32
        )
        return values
