"""Which backend opens which file; each is imported when it is chosen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from paddle_pose.backends.base import Backend, ExportedBackend, Network
from paddle_pose.environment import require_paddle
from paddle_pose.errors import InputError
from paddle_pose.weights.formats.tfjs import is_tfjs

Opener = Callable[[Path, str, int | None], ExportedBackend]
"""Path, device and threads, as in `open_exported` -> its backend."""


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
    """Returns whether `open_exported` opens a file, by its suffix; a .json file of TensorFlow.js holds weights instead."""
    if path.suffix == ".json" and path.is_file():
        return not is_tfjs(path)
    return path.suffix in OPENERS


def open_exported(path: Path, device: str = "auto", threads: int | None = None) -> ExportedBackend:
    """Returns the backend of an exported file.

    Args:
        path: an .onnx, .xml (OpenVINO) or .json (Paddle) file.
        device: "auto", "cpu" or "gpu".
        threads: to compute with on the CPU; None as `environment.threads_to_use`.

    Raises:
        FileNotFoundError: If a file is missing.
        MissingDependencyError: If the file needs a package that is not installed.
        InputError: If the file is not what its name says, or the device is not there.
    """
    if path.suffix not in OPENERS:
        raise InputError(f"{path}: exported files are {', '.join(OPENERS)}")
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    return OPENERS[path.suffix]()(path, device, threads)


def open_live(
    network: Callable[[], Network], device: str = "auto", threads: int | None = None
) -> tuple[Backend, str]:
    """Returns the backend of a live Paddle network, and where it computes.

    Args:
        network: builds it, once the device is chosen.
        device: "auto", "cpu" or "gpu".
        threads: to compute with on the CPU; None leaves them as they are.

    Raises:
        MissingDependencyError: If Paddle is missing or too old.
        InputError: If the device is not there.
    """
    require_paddle()
    from paddle_pose.backends.paddle import PaddleBackend, set_device

    place = set_device(device, threads)
    return PaddleBackend(network()), place
