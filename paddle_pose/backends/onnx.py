"""An ONNX file as a backend, through ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from paddle_pose.backends.base import check_device, check_input
from paddle_pose.environment import argument, needed, threads_to_use
from paddle_pose.errors import InputError

_ERRORS = 3  # ONNX Runtime's level: warnings, as about unused initializers of an INT8 file, ask nothing of the user
METADATA_KEY = "paddle_pose"  # key of the file's own metadata, see `exported`
_DEVICES = {"cpu": "CPUExecutionProvider", "gpu": "CUDAExecutionProvider"}


class NodeArg(Protocol):
    """An input or output of a session.

    Attributes:
        name: Name in the file.
        shape: Length of each axis; a name or None for one that the file leaves open.
        type: Type of its numbers, such as "tensor(float)".
    """

    name: str
    shape: list[int | str | None]
    type: str


class ModelMetadata(Protocol):
    """What a session's file says of itself.

    Attributes:
        custom_metadata_map: The file's own metadata (`metadata_props`).
    """

    custom_metadata_map: dict[str, str]


class Session(Protocol):
    """What is used of an `onnxruntime.InferenceSession`."""

    def get_inputs(self) -> Sequence[NodeArg]:
        """Returns the inputs, in the file's order."""

    def get_outputs(self) -> Sequence[NodeArg]:
        """Returns the outputs, in the file's order."""

    def get_modelmeta(self) -> ModelMetadata:
        """Returns what the file says of itself."""

    def run(
        self, output_names: Sequence[str], input_feed: Mapping[str, np.ndarray]
    ) -> Sequence[np.ndarray]:
        """Returns the outputs of these names, in their order, for inputs by name."""


def open_session(
    path: Path, device: str = "auto", threads: int | None = None
) -> tuple[Session, str]:
    """Returns the ONNX Runtime session of a file, and the device and version that it runs with, to show.

    Args:
        path: The .onnx file.
        device: "cpu", "gpu", "gpu:1", or "auto": the GPU where this ONNX Runtime has one.
        threads: Threads to compute with; None as `environment.threads_to_use`.

    Raises:
        MissingDependencyError: If ONNX Runtime is not installed.
        InputError: If the file is not an ONNX file, or the device is not there.
    """
    check_device(device, threads)
    runtime = needed("onnxruntime", "onnxruntime>=1.17")
    there = runtime.get_available_providers()
    if device == "auto":
        device = "gpu" if _DEVICES["gpu"] in there else "cpu"
    kind, _, number = device.partition(":")
    if _DEVICES[kind] not in there:
        flag = argument("--device")
        raise InputError(
            f"{flag} {device}, but the installed ONNX Runtime has {', '.join(there)}; "
            f"install onnxruntime-gpu, or use {flag} cpu"
        )
    provider = (_DEVICES[kind], {"device_id": number} if number else {})
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads or threads_to_use()
    options.log_severity_level = _ERRORS
    try:
        session = runtime.InferenceSession(str(path), options, providers=[provider])
    except Exception as problem:  # its own classes, a different one per cause
        raise InputError(f"{path}: ONNX Runtime cannot open it ({problem})") from problem
    return (
        session,
        f"{device}, ONNX Runtime {runtime.__version__}, threads {options.intra_op_num_threads}",
    )


class OnnxBackend:
    """Looks at images with ONNX Runtime.

    Attributes:
        outputs: names of the maps, in the file's order.
        metadata: the JSON text that the file carries in its metadata; None where it carries none.
        place: where it computes, to show.
    """

    def __init__(self, path: Path, device: str = "auto", threads: int | None = None) -> None:
        """Opens a file.

        Args:
            path: the .onnx file.
            device: "cpu", "gpu", or "auto": the GPU where this ONNX Runtime has one.
            threads: to compute with; None as `environment.threads_to_use`.

        Raises:
            MissingDependencyError: If ONNX Runtime is not installed.
            InputError: If the file is not an ONNX file with one uint8 [N, H, W, 3] input, or the device is not there.
        """
        self._session, self.device = open_session(path, device, threads)
        inputs = self._session.get_inputs()
        check_input(path, inputs[0].shape, inputs[0].type.removeprefix("tensor(").removesuffix(")"))
        self._input = inputs[0].name
        self.outputs = [output.name for output in self._session.get_outputs()]
        self.metadata: str | None = self._session.get_modelmeta().custom_metadata_map.get(
            METADATA_KEY
        )

    def __call__(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the maps of uint8 images [N, H, W, 3]."""
        return dict(
            zip(self.outputs, self._session.run(self.outputs, {self._input: images}), strict=True)
        )
