"""Choice of the backend for a file or a network; a backend is imported when it is chosen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from paddle_pose.backends.base import Backend, ExportedBackend, Network
from paddle_pose.environment import require_paddle
from paddle_pose.errors import InputError
from paddle_pose.weights.formats.tfjs import is_tfjs

Opener = Callable[[Path, str, int | None], ExportedBackend]
"""Function that returns the backend of an exported file for (path, device, threads).

The arguments and the errors are those of `open_exported`.
"""


def _onnx() -> Opener:
    from paddle_pose.backends.onnx import OnnxBackend

    return OnnxBackend


def _openvino() -> Opener:
    from paddle_pose.backends.openvino import OpenVinoBackend

    return OpenVinoBackend


def _paddle() -> Opener:
    require_paddle()
    from paddle_pose.backends.paddle import PaddleProgram

    return PaddleProgram


OPENERS: dict[str, Callable[[], Opener]] = {".onnx": _onnx, ".xml": _openvino, ".json": _paddle}
"""Function that imports and returns the opener of a format, by the suffix of exported files."""


def is_exported(path: Path) -> bool:
    """Returns whether a file is an exported file, which `open_exported` opens, by its suffix.

    An existing .json file of TensorFlow.js, which contains weights, is not an exported file.

    Args:
        path: Path of the file, which need not exist.
    """
    if path.suffix == ".json" and path.is_file():
        return not is_tfjs(path)
    return path.suffix in OPENERS


def open_exported(path: Path, device: str = "auto", threads: int | None = None) -> ExportedBackend:
    """Returns the backend of an exported file.

    Args:
        path: Path of an .onnx, .xml (OpenVINO) or .json (Paddle) file.
        device: Device: "cpu", "gpu", "gpu:1" for the second GPU, or "auto", which is the GPU if the
            installed engine supports one, else the CPU; for OpenVINO always the CPU.
        threads: Number of threads on the CPU; None for `environment.threads_to_use`.

    Raises:
        FileNotFoundError: If the file does not exist.
        MissingDependencyError: If the file needs a package that is not installed.
        InputError: If the file has another suffix or is not of the format of its suffix, or the
            device is not available.
    """
    if path.suffix not in OPENERS:
        raise InputError(f"{path}: expected an exported file, one of {', '.join(OPENERS)}")
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    return OPENERS[path.suffix]()(path, device, threads)


def open_live(
    network: Callable[[], Network], device: str = "auto", threads: int | None = None
) -> tuple[Backend, str]:
    """Returns the backend of a network in Paddle, after setting Paddle's device for the process.

    Args:
        network: Function without arguments that builds and returns the network
            (`paddle.nn.Layer`); it is called after the device is set.
        device: Device: "cpu", "gpu", "gpu:1" for the second GPU, or "auto" for the GPU if the
            installed Paddle supports one, else the CPU.
        threads: Number of threads on the CPU; None does not change it.

    Returns:
        The backend, and a text for messages that names the device and Paddle's version.

    Raises:
        MissingDependencyError: If Paddle is not installed or too old.
        InputError: If the device is not available; also what `network` raises.
    """
    require_paddle()
    from paddle_pose.backends.paddle import PaddleBackend, set_device

    description = set_device(device, threads)
    return PaddleBackend(network()), description
