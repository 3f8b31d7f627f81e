"""ONNX files of other programs: reading inputs, outputs and metadata, and running the network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from paddle_pose.backends.onnx import NodeArg, open_session
from paddle_pose.errors import InputError

_NUMBERS = {"float": "float32", "double": "float64"}  # ONNX Runtime's names that are not NumPy's


@dataclass(frozen=True)
class Tensor:
    """An input or output of a network.

    Attributes:
        name: Name in the file.
        shape: Length of each axis; None for a dynamic axis.
        dtype: Element type, as NumPy calls it, such as "float32".
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str


class ForeignOnnx:
    """Runs an ONNX file of another program with ONNX Runtime.

    An instance may be called from several threads.

    Args:
        path: Path of the .onnx file.
        device: Device: "cpu", "gpu", "gpu:1", or "auto" for the GPU if the installed ONNX Runtime
            supports one, else the CPU.
        threads: Number of threads; None for `environment.threads_to_use`.

    Attributes:
        path: Path of the .onnx file.
        device: Text for messages that names the device, ONNX Runtime's version and the threads.
        inputs: Inputs, in the file's order.
        outputs: Outputs, in the file's order.
        metadata: Custom metadata of the file (`metadata_props`).

    Raises:
        FileNotFoundError: If the file does not exist.
        MissingDependencyError: If ONNX Runtime is not installed.
        InputError: If the file is not an ONNX file, or the device is not available.
    """

    def __init__(self, path: Path, device: str = "auto", threads: int | None = None) -> None:
        if not path.is_file():
            raise FileNotFoundError(f"{path}: no such file")
        self.path = path
        self._session, self.device = open_session(path, device, threads)
        self.inputs = [_tensor(value) for value in self._session.get_inputs()]
        self.outputs = [_tensor(value) for value in self._session.get_outputs()]
        self.metadata: Mapping[str, str] = self._session.get_modelmeta().custom_metadata_map

    def __call__(self, values: np.ndarray) -> dict[str, np.ndarray]:
        """Returns all outputs of the network by name, in the file's order.

        Args:
            values: Array for the first input, in its shape and dtype, see `inputs`; all other
                inputs must have defaults in the file.

        Raises:
            InputError: If ONNX Runtime cannot run the network with this array.
        """
        names = [output.name for output in self.outputs]
        try:
            results = self._session.run(names, {self.inputs[0].name: values})
        except Exception as problem:  # ONNX Runtime has an own exception class per cause
            raise InputError(f"{self.path}: ONNX Runtime cannot run it ({problem})") from problem
        return dict(zip(names, results, strict=True))


def _tensor(value: NodeArg) -> Tensor:
    """Returns the description of an input or output with NumPy's names of types."""
    shape = tuple(length if isinstance(length, int) else None for length in value.shape)
    dtype = value.type.removeprefix("tensor(").removesuffix(")")
    return Tensor(value.name, shape, _NUMBERS.get(dtype, dtype))
