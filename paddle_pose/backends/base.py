"""What a backend is: uint8 images in, named maps out."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from paddle_pose.environment import argument, command
from paddle_pose.errors import InputError, MissingDependencyError

Backend = Callable[[np.ndarray], dict[str, np.ndarray]]
"""[N, H, W, 3] uint8 RGB -> maps by name, the batch first."""


def needed(module: str, requirement: str, extra: str, note: str = "") -> Any:
    """Imports a package that only some users need.

    Args:
        module: to import.
        requirement: what pip calls it.
        extra: the extra of this project that brings it.
        note: what else to know before installing it.

    Returns:
        The module.

    Raises:
        MissingDependencyError: If it is not installed; says how to install it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as problem:
        if problem.name != module.split(".")[0]:
            raise
        raise MissingDependencyError(
            f'{requirement} is not installed; run: pip install "{requirement}" '
            f'(or "paddle_pose[{extra}]", which brings all that is needed here){note}',
        ) from problem


def check_device(device: str, threads: int | None = None) -> None:
    """Refuses what names no device, and a number of threads below 1.

    Args:
        device: "auto", "cpu", "gpu", or "gpu:1" for the second one.
        threads: Threads to compute with on the CPU; None for the usual number.

    Raises:
        InputError: If one of them is something else.
    """
    if not isinstance(device, str) or not re.fullmatch(r"auto|cpu|gpu(:[0-9]+)?", device):
        raise InputError(f"{argument('--device')} {device!r}: expected auto, cpu, gpu, or gpu:N for the GPU number N")
    if threads is not None and (isinstance(threads, bool) or not isinstance(threads, int) or threads < 1):
        raise InputError(
            f"{argument('--threads')} {threads!r}: expected a whole number from 1, or None for the usual one"
        )


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
            f"{path}: its input is {dtype} {shape}, expected uint8 [N, H, W, 3] RGB: export it with "
            + argument(command("export"), "export_model")
        )
