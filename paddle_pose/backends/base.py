"""What a backend is: uint8 images in, named maps out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np

from paddle_pose.environment import argument, command
from paddle_pose.errors import InputError

Backend = Callable[[np.ndarray], dict[str, np.ndarray]]
"""[N, H, W, 3] uint8 RGB -> maps by name, the batch first."""


class ExportedBackend(Protocol):
    """A backend that runs an exported file.

    Attributes:
        outputs: Names of the maps, in the file's order.
        device: Device and version, to show.
    """

    outputs: list[str]
    device: str

    def __call__(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the maps of uint8 images [N, H, W, 3]."""


class Tensor(Protocol):
    """What is used of a `paddle.Tensor` where Paddle is not imported.

    Attributes:
        size: Number of its values.
        trainable: Whether training changes it; parameters only.
    """

    size: int
    trainable: bool

    def numpy(self) -> np.ndarray:
        """Returns its values."""


class Network(Protocol):
    """What is used of a network, a `paddle.nn.Layer`, where Paddle is not imported.

    Attributes:
        training: Whether it is in training mode.
    """

    training: bool

    def eval(self) -> object:
        """Switches to inference mode."""

    def train(self) -> object:
        """Switches to training mode."""

    def parameters(self) -> Sequence[Tensor]:
        """Returns the parameters, trainable or not."""

    def state_dict(self) -> Mapping[str, Tensor]:
        """Returns parameters and running statistics by name."""


def check_device(device: str, threads: int | None = None) -> None:
    """Refuses what names no device, and a number of threads below 1.

    Args:
        device: "auto", "cpu", "gpu", or "gpu:1" for the second one.
        threads: Threads to compute with on the CPU; None for the usual number.

    Raises:
        InputError: If one of them is something else.
    """
    if not isinstance(device, str) or not re.fullmatch(r"auto|cpu|gpu(:[0-9]+)?", device):
        raise InputError(
            f"{argument('--device')} {device!r}: expected auto, cpu, gpu, or gpu:N for the GPU number N"
        )
    if threads is not None and (
        isinstance(threads, bool) or not isinstance(threads, int) or threads < 1
    ):
        raise InputError(
            f"{argument('--threads')} {threads!r}: expected a whole number from 1, or None for the usual one"
        )


def check_input(path: object, shape: Sequence[object], dtype: str) -> None:
    """Refuses an exported network whose input is not a batch of images.

    Args:
        path: of the file.
        shape: of its input, names or None for sizes left open.
        dtype: of its input.

    Raises:
        InputError: If the input is not uint8 [N, H, W, 3].
    """
    if dtype != "uint8" or len(shape) != 4 or shape[3] != 3:
        raise InputError(
            f"{path}: its input is {dtype} {shape}, expected uint8 [N, H, W, 3] RGB: export it with "
            + argument(command("export"), "export_model")
        )
