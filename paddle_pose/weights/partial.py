"""Takes from a file what fits another network, to start training from it, and accounts for all the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile

import numpy as np

from paddle_pose.errors import InputError
from paddle_pose.weights.names import copies, first_names, fit

_SHAPES_SHOWN = 6


def fitting_tensors(
    tensors: Mapping[str, np.ndarray], target_shapes: Mapping[str, tuple[int, ...]]
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Takes what fits a network from the file of another one: a classifier's backbone, or other joints.

    Args:
        tensors: name -> array, as `read.read_weights` returns them; named in any way that `names.FAMILIES` knows.
        target_shapes: name -> shape of every tensor of the network.

    Returns:
        Name -> float32 array of its own memory, in the network's order; and lines that account for every tensor of
        the network and of the file.

    Raises:
        InputError: If nothing fits, or tensors would be used twice.

    Example:
        >>> resnet = {"bn1.running_mean": np.zeros(2), "fc.weight": np.zeros((9, 2)), "fc.bias": np.zeros(9)}
        >>> taken, lines = fitting_tensors(resnet, {"bn1._mean": (2,), "final_layer.bias": (3,)})
        >>> list(taken)
        ['bn1._mean']
        >>> for line in lines:
        ...     print(line)
        loaded 1/2 tensors, named as in ResNets, the official HRNet and SimpleBaseline
        left at their random start: final_layer.bias
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
            f"none of its {len(tensors)} tensors fits the network. The file has {first_names(list(tensors))}; the "
            f"network has {first_names(list(target_shapes))}. Of another shape: {first_names(shapes) or 'none'}"
        )
    short = (
        f"{_grouped(list(found.misshapen))}, the first: {shapes[0]}"
        if len(shapes) > _SHAPES_SHOWN
        else ""
    )
    account = {
        "left at their random start": _grouped(found.missing),
        "left at their random start, of another shape in the file": short or ", ".join(shapes),
        "not used": _grouped(found.unused),
        "left out": f"{len(found.dropped)} num_batches_tracked" if found.dropped else "",
    }
    count = (
        f"loaded {len(found.fitting)}/{len(target_shapes)} tensors, named as in {found.family.name}"
    )
    return copies(found.fitting), [
        count,
        *(f"{what}: {names}" for what, names in account.items() if names),
    ]


def _grouped(names: Sequence[str]) -> str:
    """Returns names as text: those of one top-level layer by the dotted beginning they share, with their number."""
    groups: dict[str, list[list[str]]] = {}
    for name in names:
        groups.setdefault(name.partition(".")[0], []).append(name.split("."))
    told = []
    for group in groups.values():
        shared = [
            parts[0]
            for parts in takewhile(lambda parts: len({*parts}) == 1, zip(*group, strict=False))
        ]
        told.append(
            ".".join(group[0]) if len(group) == 1 else f"{'.'.join(shared)}.* ({len(group)})"
        )
    return ", ".join(told)
