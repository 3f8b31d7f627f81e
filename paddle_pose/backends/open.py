"""Choice of the backend for a file or a network; a backend is imported when it is chosen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from paddle_pose.backends.base import Backend, ExportedBackend, Network
from paddle_pose.environment import require_paddle
from paddle_pose.errors import InputError
from paddle_pose.weights.formats.tfjs import is_tfjs

Opener = Callable[[Path, str, int | None], ExportedBackend]
"""Returns the backend of a file for the arguments of `open_exported`: path, device, threads."""


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


def is_exported(path: Path) -> bool:
    """Returns whether `open_exported` can open a file, judged by its suffix.

    A .json file of TensorFlow.js, which contains weights, is not an exported file.

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
        device: Device: "auto", "cpu", "gpu", or "gpu:1" for the second GPU.
        threads: Number of threads on the CPU; None for `environment.threads_to_use`.

    Raises:
        FileNotFoundError: If a file does not exist.
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
    """Sets Paddle's device, then builds a network and returns its backend.

    Args:
        network: Function that builds the network; called after the device is set.
        device: Device: "auto", "cpu", "gpu", or "gpu:1" for the second GPU.
        threads: Number of threads on the CPU; None does not change it.

    Returns:
        The backend, and device and Paddle's version for messages.

    Raises:
        MissingDependencyError: If Paddle is not installed or too old.
        InputError: If the device is not available.
    """
    require_paddle()
    from paddle_pose.backends.paddle import PaddleBackend, set_device

    description = set_device(device, threads)
    return PaddleBackend(network()), description
