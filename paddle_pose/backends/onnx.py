"""Backend for ONNX files, with ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from paddle_pose.backends.base import check_device, check_input
from paddle_pose.environment import argument, needed, threads_to_use
from paddle_pose.errors import InputError

# ONNX Runtime's log level "error". Its warnings, such as those about unused initializers of an INT8
# file, require no action by the user.
_ERRORS = 3
METADATA_KEY = "paddle_pose"  # key in the metadata of an ONNX file, see `backends.metadata`
_DEVICES = {"cpu": "CPUExecutionProvider", "gpu": "CUDAExecutionProvider"}


class NodeArg(Protocol):
    """Description of an input or output of a session, as ONNX Runtime returns it.

    Attributes:
        name: Name in the file.
        shape: Length of each axis; a name or None for a dynamic axis.
        type: Element type, such as "tensor(float)".
    """

    name: str
    shape: list[int | str | None]
    type: str


class ModelMetadata(Protocol):
    """Metadata of a session's file.

    Attributes:
        custom_metadata_map: Custom metadata of the file (`metadata_props`).
    """

    custom_metadata_map: dict[str, str]


class Session(Protocol):
    """The part of `onnxruntime.InferenceSession`, an opened ONNX file, that is used."""

    def get_inputs(self) -> Sequence[NodeArg]:
        """Returns the inputs, in the file's order."""

    def get_outputs(self) -> Sequence[NodeArg]:
        """Returns the outputs, in the file's order."""

    def get_modelmeta(self) -> ModelMetadata:
        """Returns the metadata of the file."""

    def run(
        self, output_names: Sequence[str], input_feed: Mapping[str, np.ndarray]
    ) -> Sequence[np.ndarray]:
        """Runs the network; inputs that do not fit raise errors of ONNX Runtime.

        Args:
            output_names: Names of the outputs to return.
            input_feed: Arrays by the names of the inputs, in the shape and type of each.

        Returns:
            The outputs, in the order of `output_names`.
        """


def open_session(
    path: Path, device: str = "auto", threads: int | None = None
) -> tuple[Session, str]:
    """Returns an ONNX Runtime session for an ONNX file, and a description of it.

    Args:
        path: Path of the .onnx file.
        device: Device: "cpu", "gpu", "gpu:1", or "auto" for the GPU if the installed ONNX Runtime
            supports one, else the CPU.
        threads: Number of threads; None for `environment.threads_to_use`.

    Returns:
        The session, and a text for messages that names the device, ONNX Runtime's version and the
        threads.

    Raises:
        MissingDependencyError: If ONNX Runtime is not installed.
        InputError: If the file is missing or not an ONNX file, `device` or `threads` has another
            value, or ONNX Runtime does not support the device.
    """
    check_device(device, threads)
    runtime = needed("onnxruntime", "onnxruntime>=1.17")
    providers = runtime.get_available_providers()
    if device == "auto":
        device = "gpu" if _DEVICES["gpu"] in providers else "cpu"
    kind, _, number = device.partition(":")
    if _DEVICES[kind] not in providers:
        flag = argument("--device")
        raise InputError(
            f"{flag} {device}, but the installed ONNX Runtime has {', '.join(providers)}; "
            f"install onnxruntime-gpu, or use {flag} cpu"
        )
    provider = (_DEVICES[kind], {"device_id": number} if number else {})
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads or threads_to_use()
    options.log_severity_level = _ERRORS
    try:
        session = runtime.InferenceSession(str(path), options, providers=[provider])
        # Names and metadata that are not UTF-8 raise an error when they are read.
        session.get_modelmeta().custom_metadata_map  # noqa: B018
        inputs = [value.name for value in session.get_inputs()]
        outputs = [value.name for value in session.get_outputs()]
    except Exception as problem:  # ONNX Runtime has an own exception class per cause
        raise InputError(f"{path}: ONNX Runtime cannot open it ({problem})") from problem
    if not inputs or not outputs:
        raise InputError(f"{path}: an ONNX file without inputs or outputs; export it again")
    description = (
        f"{device}, ONNX Runtime {runtime.__version__}, threads {options.intra_op_num_threads}"
    )
    return session, description


class OnnxBackend:
    """Runs an exported ONNX file with ONNX Runtime.

    Args:
        path: Path of the .onnx file.
        device: Device: "cpu", "gpu", "gpu:1", or "auto" for the GPU if the installed ONNX Runtime
            supports one, else the CPU.
        threads: Number of threads; None for `environment.threads_to_use`.

    Attributes:
        outputs: Names of the maps, in the file's order.
        metadata: Export metadata as JSON text, see `exporting.metadata.build_metadata`; None if the
            file has none.
        device: Text for messages that names the device, ONNX Runtime's version and the threads.

    Raises:
        MissingDependencyError: If ONNX Runtime is not installed.
        InputError: If the file is missing, is not an ONNX file whose first input is uint8
            [N, H, W, 3], or the device is not available.
    """

    def __init__(self, path: Path, device: str = "auto", threads: int | None = None) -> None:
        self._session, self.device = open_session(path, device, threads)
        inputs = self._session.get_inputs()
        check_input(path, inputs[0].shape, inputs[0].type.removeprefix("tensor(").removesuffix(")"))
        self._path = path
        self._input = inputs[0].name
        self.outputs = [output.name for output in self._session.get_outputs()]
        self.metadata: str | None = self._session.get_modelmeta().custom_metadata_map.get(
            METADATA_KEY
        )

    def __call__(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the maps of images by name, each [N, ...], in the order of `outputs`.

        Args:
            images: uint8 RGB [N, H, W, 3]; H and W are those of the file's input.

        Raises:
            InputError: If ONNX Runtime cannot run the network.
        """
        try:
            maps = self._session.run(self.outputs, {self._input: images})
        except Exception as problem:  # ONNX Runtime has an own exception class per cause
            raise InputError(f"{self._path}: ONNX Runtime cannot run it ({problem})") from problem
        return dict(zip(self.outputs, maps, strict=True))
