"""Partial loading: takes the tensors of a file that fit another network, to start training from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import Any

import numpy as np

from paddle_pose.errors import InputError
from paddle_pose.skeletons import Skeleton
from paddle_pose.weights.names import first_names, fit, float32_copies

_MAX_SHAPES_LISTED = 6  # with more differing shapes, only the first is written out


def fitting_tensors(
    tensors: Mapping[str, np.ndarray],
    network: Mapping[str, Any],
    joints: Sequence[str] = (),
    skeleton: Skeleton | None = None,
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Returns the tensors of another network's file that fit a network.

    The file may contain a classifier with the same backbone, or a network for other joints. In the
    second case, a tensor whose shape differs only in the number of joints is filled joint by joint:
    those that both networks have get the values of the file, the others keep the network's. Joints
    are compared by name, see `Skeleton.slots`. With the same number of joints no shape differs:
    then the head is taken as it is, whatever the names, and the report says so.

    Args:
        tensors: Arrays by name, as `read.read_weights` returns them, in any naming scheme of
            `names.FAMILIES`.
        network: Tensors of the network by name: arrays, or tensors of Paddle.
        joints: Names of the joints of the file's network; none if they are not known.
        skeleton: Skeleton of the network; None if it is not known.

    Returns:
        Float32 arrays by the network's names, each with its own memory; and the lines of a report
        that accounts for every tensor of the network and of the file.

    Raises:
        InputError: If no tensor fits, or two names in the file are converted to the same name.

    Example:
        >>> classifier = {"fc.weight": np.zeros((9, 2)), "fc.bias": np.zeros(9)}
        >>> resnet = {"bn1.running_mean": np.zeros(2), **classifier}
        >>> network = {"bn1._mean": np.zeros(2), "final_layer.bias": np.zeros(3)}
        >>> taken, lines = fitting_tensors(resnet, network)
        >>> list(taken)
        ['bn1._mean']
        >>> for line in lines:
        ...     print(line)
        loaded 1/2 tensors, named as in ResNets, the official HRNet and SimpleBaseline, MMPose's RTMPose
        randomly initialized: final_layer.bias
        not used: fc.* (2)
    """
    found = fit(tensors, {name: tuple(value.shape) for name, value in network.items()})
    if found.repeated:
        raise InputError(
            f"{len(found.repeated)} tensors would be used twice: {first_names(found.repeated)}"
        )
    if not found.fitting:
        raise InputError(
            f"none of the {len(tensors)} tensors of the file fits the network. The file has "
            f"{first_names(list(tensors))}; the network has {first_names(list(network))}. "
            f"With a different shape: {first_names(found.shapes()) or 'none'}"
        )
    slots = skeleton.slots(joints) if skeleton else ()
    by_joint = {}
    others = {}
    for name, value in found.mismatched.items():
        filled = _filled_by_joint(value, network[name], slots, len(joints))
        if filled is None:
            others[name] = value
        else:
            by_joint[name] = filled
    shapes = replace(found, mismatched=others).shapes()
    short = (
        f"{_grouped(list(others))}, the first: {shapes[0]}"
        if len(shapes) > _MAX_SHAPES_LISTED
        else ""
    )
    remaining = {
        "loaded by joint": _report_of_joints(list(by_joint), skeleton, slots)
        if skeleton and by_joint
        else "",
        "randomly initialized": _grouped(found.missing),
        "randomly initialized, shape differs in the file": short or ", ".join(shapes),
        "not used": _grouped(found.unused),
        "ignored": f"{len(found.dropped)} num_batches_tracked" if found.dropped else "",
    }
    same_number = skeleton is not None and len(slots) == len(joints)
    if same_number and list(slots) != list(range(len(slots))):
        remaining["head in the order of the file's joints"] = ", ".join(joints)
    count = f"loaded {len(found.fitting)}/{len(network)} tensors, named as in {found.family.name}"
    return {**float32_copies(found.fitting), **by_joint}, [
        count,
        *(f"{what}: {names}" for what, names in remaining.items() if names),
    ]


def _filled_by_joint(
    value: np.ndarray, initial: Any, slots: Sequence[int], count: int
) -> np.ndarray | None:
    """Returns a tensor of a network with the values of a file for the joints that both have.

    On one axis, each joint has the same number of neighbouring entries: one of a heatmap, or two of
    the vectors (x, y).

    Args:
        value: Array of the file.
        initial: Tensor of the network, whose values the other joints keep.
        slots: Position of each of the network's joints in the file, -1 if it is missing.
        count: Number of joints of the file's network.

    Returns:
        Float32 array of the shape of `initial`; None if the shapes differ in anything but the
        number of joints, or the file has none of the joints.
    """
    shape = tuple(initial.shape)
    if value.ndim != len(shape) or max(slots, default=-1) < 0:
        return None
    axes = [axis for axis in range(value.ndim) if value.shape[axis] != shape[axis]]
    if len(axes) != 1:
        return None
    (axis,) = axes
    entries = shape[axis] // len(slots)
    if (value.shape[axis], shape[axis]) != (entries * count, entries * len(slots)):
        return None
    filled = np.array(initial, np.float32)
    ours = np.moveaxis(filled, axis, 0)
    theirs = np.moveaxis(value, axis, 0)
    for joint, slot in enumerate(slots):
        if slot >= 0:
            start, source = joint * entries, slot * entries
            ours[start : start + entries] = theirs[source : source + entries]
    return filled


def _report_of_joints(names: Sequence[str], skeleton: Skeleton, slots: Sequence[int]) -> str:
    """Returns a text that names the tensors, and the joints with and without values of the file."""
    known = [joint for joint, slot in zip(skeleton.joints, slots, strict=True) if slot >= 0]
    new = [joint for joint in skeleton.joints if joint not in known]
    return f"{_grouped(names)}: {len(known)} of {len(slots)} joints ({', '.join(known)})" + (
        f"; randomly initialized: {', '.join(new)}" if new else ""
    )


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
