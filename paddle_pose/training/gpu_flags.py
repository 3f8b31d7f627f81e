"""Settings of Paddle that only matter on GPUs. All of them are off by default.

This project has not measured them; `scripts/gpu_check.py` trains with each on and off.

Source: Paddle's guide on flags,
    https://www.paddlepaddle.org.cn/documentation/docs/en/guides/flags/cudnn_en.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import paddle

from paddle_pose.errors import InputError


def flags(deterministic: bool, cudnn_search: bool, conv_workspace: int) -> dict[str, Any]:
    """Returns Paddle's flags by name for the fields of `train` with the same names.

    Args:
        deterministic: Whether only algorithms are used that give the same bits in each run.
        cudnn_search: Whether cuDNN tries all algorithms of a convolution when a shape comes first.
        conv_workspace: Maximum memory in MB that a convolution may use for its algorithm; 0 keeps
            Paddle's default, 512.

    Raises:
        InputError: If `deterministic` and `cudnn_search` are both true, which Paddle refuses in the
            first convolution.

    Example:
        >>> flags(deterministic=False, cudnn_search=True, conv_workspace=1024)
        {'FLAGS_cudnn_exhaustive_search': True, 'FLAGS_conv_workspace_size_limit': 1024}
    """
    if deterministic and cudnn_search:
        raise InputError(
            "train.deterministic=true and train.cudnn_search=true exclude each other: the search"
            " may choose algorithms that are not deterministic; leave one out"
        )
    chosen: dict[str, Any] = {}
    if deterministic:
        chosen["FLAGS_cudnn_deterministic"] = True
        chosen["FLAGS_embedding_deterministic"] = 1
    if cudnn_search:
        chosen["FLAGS_cudnn_exhaustive_search"] = True
    if conv_workspace:
        chosen["FLAGS_conv_workspace_size_limit"] = conv_workspace
    return chosen


def set_flags(deterministic: bool, cudnn_search: bool, conv_workspace: int) -> dict[str, Any]:
    """Sets Paddle's flags on a GPU and returns them by name; on a CPU sets none, returns {}.

    Call it before the first convolution. It raises the errors of `flags`, also on a CPU.

    Args:
        deterministic: See `flags`.
        cudnn_search: See `flags`.
        conv_workspace: See `flags`.
    """
    chosen = flags(deterministic, cudnn_search, conv_workspace)
    if not paddle.get_device().startswith("gpu"):
        return {}
    if chosen:
        paddle.set_flags(chosen)
    return chosen


def pinned(values: Any) -> Any:
    """Returns an array, or all arrays of a nested dict, as tensors in page-locked memory.

    A GPU copies from there faster, and without occupying the processor. Paddle has such memory on
    GPUs only.

    Args:
        values: Array or nested dict of arrays.
    """
    if isinstance(values, Mapping):
        return {name: pinned(part) for name, part in values.items()}
    return paddle.to_tensor(np.ascontiguousarray(values), place=paddle.CUDAPinnedPlace())


def on_device(values: Any) -> Any:
    """Returns copies on the GPU of tensors in page-locked memory; the copy may still be running.

    The given tensors must be kept until the device has used the copies.

    Args:
        values: Tensor or nested dict of tensors, as `pinned` returns them.
    """
    if isinstance(values, Mapping):
        return {name: on_device(part) for name, part in values.items()}
    return values.cuda(blocking=False)
