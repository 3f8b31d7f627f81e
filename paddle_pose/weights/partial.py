"""Partial loading: takes the tensors of a file that fit another network, to start training from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile

import numpy as np

from paddle_pose.errors import InputError
from paddle_pose.weights.names import first_names, fit, float32_copies

_MAX_SHAPES_LISTED = 6  # with more differing shapes, only the first is written out


def fitting_tensors(
    tensors: Mapping[str, np.ndarray], target_shapes: Mapping[str, tuple[int, ...]]
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Returns the tensors of another network's file that fit a network.

    The file may contain a classifier with the same backbone, or a network for other joints.

    Args:
        tensors: Arrays by name, as `read.read_weights` returns them, in any naming scheme of
            `names.FAMILIES`.
        target_shapes: Shape of every tensor of the network, by name.

    Returns:
        Float32 arrays by the network's names, in the network's order, each with its own memory; and
        the lines of a report that accounts for every tensor of the network and of the file.

    Raises:
        InputError: If no tensor fits, or two names in the file are converted to the same name.

    Example:
        >>> classifier = {"fc.weight": np.zeros((9, 2)), "fc.bias": np.zeros(9)}
        >>> resnet = {"bn1.running_mean": np.zeros(2), **classifier}
        >>> taken, lines = fitting_tensors(resnet, {"bn1._mean": (2,), "final_layer.bias": (3,)})
        >>> list(taken)
        ['bn1._mean']
        >>> for line in lines:
        ...     print(line)
        loaded 1/2 tensors, named as in ResNets, the official HRNet and SimpleBaseline, MMPose's RTMPose
        randomly initialized: final_layer.bias
        not used: fc.* (2)
    """
    found = fit(tensors, target_shapes)
    if found.repeated:
        raise InputError(
            f"{len(found.repeated)} tensors would be used twice: {first_names(found.repeated)}"
        )
    shapes = found.shapes()
    if not found.fitting:
        raise InputError(
            f"none of the {len(tensors)} tensors of the file fits the network. The file has "
            f"{first_names(list(tensors))}; the network has {first_names(list(target_shapes))}. "
            f"With a different shape: {first_names(shapes) or 'none'}"
        )
    short = (
        f"{_grouped(list(found.mismatched))}, the first: {shapes[0]}"
        if len(shapes) > _MAX_SHAPES_LISTED
        else ""
    )
    remaining = {
        "randomly initialized": _grouped(found.missing),
        "randomly initialized, shape differs in the file": short or ", ".join(shapes),
        "not used": _grouped(found.unused),
        "ignored": f"{len(found.dropped)} num_batches_tracked" if found.dropped else "",
    }
    count = (
        f"loaded {len(found.fitting)}/{len(target_shapes)} tensors, named as in {found.family.name}"
    )
    return float32_copies(found.fitting), [
        count,
        *(f"{what}: {names}" for what, names in remaining.items() if names),
    ]


def _grouped(names: Sequence[str]) -> str:
    """Returns names as text, grouped by top-level layer.

    A group is written as the dotted prefix that its names share, with their number: "fc.* (2)".

    Args:
        names: Names of tensors.
    """
    groups: dict[str, list[list[str]]] = {}
    for name in names:
        groups.setdefault(name.partition(".")[0], []).append(name.split("."))
    texts = []
    for group in groups.values():
        shared = [
            parts[0]
            for parts in takewhile(lambda parts: len({*parts}) == 1, zip(*group, strict=False))
        ]
        texts.append(
            ".".join(group[0]) if len(group) == 1 else f"{'.'.join(shared)}.* ({len(group)})"
        )
    return ", ".join(texts)
