"""Types of backends, which run a network on uint8 images and return maps by name, and checks."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np

from paddle_pose.environment import argument, command
from paddle_pose.errors import InputError

Backend = Callable[[np.ndarray], dict[str, np.ndarray]]
"""Function that runs a network: it receives uint8 RGB images [N, H, W, 3] and returns {name: map}.

Maps are arrays with N as first axis; their other axes are those of the network, see `OutputSpec` of
the codec. H and W are the network's input size.
"""


class ExportedBackend(Protocol):
    """A backend that runs an exported file.

    Attributes:
        outputs: Names of the maps, in the file's order.
        device: Text for messages that names the device, engine, its version and the threads.
    """

    outputs: list[str]
    device: str

    def __call__(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the maps of images by name, each [N, ...], in the order of `outputs`.

        A file that decodes returns {"keypoints": ...} instead, see `exporting.decoding`.

        Args:
            images: uint8 RGB [N, H, W, 3]; H and W are those of the file's input.
        """


class Tensor(Protocol):
    """The part of `paddle.Tensor` that is used in modules that do not import Paddle.

    Attributes:
        size: Number of elements.
        trainable: Whether training changes the tensor; parameters only.
    """

    size: int
    trainable: bool

    def numpy(self) -> np.ndarray:
        """Returns the values as an array."""


class Network(Protocol):
    """The part of a network (`paddle.nn.Layer`) that is used in modules that do not import Paddle.

    Attributes:
        training: Whether the network is in training mode.
    """

    training: bool

    def eval(self) -> object:
        """Switches to inference mode."""

    def train(self) -> object:
        """Switches to training mode."""

    def parameters(self) -> Sequence[Tensor]:
        """Returns the parameters, trainable or not."""

    def state_dict(self) -> Mapping[str, Tensor]:
        """Returns parameters and running statistics by the names of weights files."""


def check_device(device: str, threads: int | None = None) -> None:
    """Raises an error if a device or a number of threads is not valid.

    Args:
        device: Name of a device: "auto", "cpu", "gpu", or "gpu:1" for the second GPU.
        threads: Number of threads on the CPU, 1 or more; None for the default.

    Raises:
        InputError: If an argument has another value. Whether there is such a device is not checked.
    """
    if not isinstance(device, str) or not re.fullmatch(r"auto|cpu|gpu(:[0-9]+)?", device):
        raise InputError(
            f"{argument('--device')} {device!r}: expected auto, cpu, gpu, or gpu:N for the GPU"
            " number N"
        )
    if threads is not None and (
        isinstance(threads, bool) or not isinstance(threads, int) or threads < 1
    ):
        raise InputError(
            f"{argument('--threads')} {threads!r}: expected an integer of at least 1, or None for"
            " the default"
        )


def check_input(path: object, shape: Sequence[object], dtype: str) -> None:
    """Raises an error if the input of an exported network is not a batch of images.

    Args:
        path: Path of the file, for the message.
        shape: Lengths of the input's axes; a name or None for a dynamic axis. Only the number of
            axes and the last length are checked.
        dtype: NumPy name of the input's type.

    Raises:
        InputError: If the input is not uint8 [N, H, W, 3].
    """
    if dtype != "uint8" or len(shape) != 4 or shape[3] != 3:
        raise InputError(
            f"{path}: its input is {dtype} {shape}, expected uint8 [N, H, W, 3] RGB: export it"
            f" with {argument(command('export'), 'export_model')}; an ONNX file of another program"
            f" is recognized without {argument('--config', 'config')}"
        )
