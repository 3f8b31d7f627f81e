"""What a backend is: uint8 images in, named maps out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from paddle_pose.environment import command
from paddle_pose.errors import InputError

Backend = Callable[[np.ndarray], dict[str, np.ndarray]]
"""[N, H, W, 3] uint8 RGB -> maps by name, the batch first."""


def check_input(path: object, shape: list[Any], dtype: str) -> None:
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
            f"{path}: its input is {dtype} {shape}, expected uint8 [N, H, W, 3] RGB: export it with {command('export')}"
        )
