"""Gives the tensors of published files the names, the precision and the order of our own networks.

Source: the state_dicts of MMPose 0.x and 1.x and of the original Paddle project; the modules of
    `paddle_pose.models` write the rules down beside each network. torchvision's and Paddle's ResNets and HRNet's
    ImageNet networks have the official names and a classifier.
Checked against: all 494 and 412 names and shapes of the published Hourglass-52, and those of the published HRNet and
    SimpleBaseline (tests/parity). MoveNet: see `movenet_names`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from paddle_pose.errors import InputError
from paddle_pose.weights import movenet_names

Rules = tuple[tuple[str, str], ...]  # (pattern, replacement), applied in this order to every name

_DROPPED = re.compile(r"(^|\.)num_batches_tracked$|^StructuredToParameterName@@$")
_TORCH_BATCH_NORM: Rules = ((r"\.running_mean$", "._mean"), (r"\.running_var$", "._variance"))
_HOURGLASS: Rules = (
    (r"^backbone\.", ""),
    (r"^hourglass_modules\.", "hourglasses."),
    (r"^stem\.1\.0\.", "stem.1."),
    (r"^(?:keypoint_)?head\.multi_final_layers\.", "heads."),
)
_HEAD: Rules = (
    (r"^(?:keypoint_)?head\.", ""),
)  # MMPose's HRNet and SimpleBaseline; the rest is the official names
_CONV_AND_NORM: Rules = (  # the original keeps a convolution and its normalisation in one layer
    (r"\.conv(\d)\._conv\.", r".conv\1."),
    (r"\.conv(\d)\._batch_norm\.", r".bn\1."),
    (r"\.downsample\.0\._conv\.", ".downsample.0."),
    (r"\.downsample\.0\._batch_norm\.", ".downsample.1."),
    (r"\._conv\.", ".conv."),
    (r"\._batch_norm\.", ".bn."),
)


@dataclass(frozen=True)
class Family:
    """A way of naming tensors: who names them so, and the rules that turn such names into ours.

    Attributes:
        name: who names them so.
        rules: how such names become ours.
        yx: pattern of our names whose output channels are y, x, y, x, ... in the files; ours are x, y, x, y, ...
    """

    name: str
    rules: Rules
    yx: str = "(?!)"

    def rename(self, name: str) -> str:
        """Returns our name.

        Example:
            >>> FAMILIES[2].rename("backbone.stem.1.0.bn1.running_var")
            'stem.1.bn1._variance'
        """
        for pattern, replacement in self.rules:
            name = re.sub(pattern, replacement, name)
        return name

    def reorder(self, name: str, tensor: np.ndarray) -> np.ndarray:
        """Returns the tensor that we call `name` with its output channels in our order.

        Example:
            >>> Family("y before x", (), "reg").reorder("reg.bias", np.arange(4)).tolist()
            [1, 0, 3, 2]
        """
        if not re.search(self.yx, name) or not tensor.ndim or tensor.shape[0] % 2:
            return tensor
        return tensor.reshape(-1, 2, *tensor.shape[1:])[:, ::-1].reshape(tensor.shape)


FAMILIES: tuple[Family, ...] = (
    Family("this project", ()),
    Family("ResNets, the official HRNet and SimpleBaseline", _TORCH_BATCH_NORM),
    Family("MMPose", _HOURGLASS + _HEAD + _TORCH_BATCH_NORM),
    Family("the original Paddle project's Hourglass", _CONV_AND_NORM + _HOURGLASS),
    Family("Google's MoveNet", movenet_names.GOOGLE_MOVENET, movenet_names.GOOGLE_MOVENET_YX),
    Family("Google's MobileNetV2", movenet_names.GOOGLE_MOBILENET_V2),
    Family("the original Paddle MoveNet", movenet_names.FIRE717_MOVENET),
)  # names that several fit are those of the first, whose rules do the least


def has_inters(tensors: Iterable[str]) -> bool:
    """Tells whether names hold an hourglass's `inters`, which a published single stack never uses.

    Example:
        >>> has_inters(["backbone.inters.0.conv1.weight"]), has_inters(["stem.0.conv.weight"])
        (True, False)
    """
    return any(re.match(r"(backbone\.)?inters\.", name) for name in tensors)


def has_batch_norm(tensors: Iterable[str]) -> bool:
    """Tells whether names hold the running means of batch normalisations.

    Example:
        >>> has_batch_norm(["stem.bn._mean"]), has_batch_norm(["stem.conv.bias"])
        (True, False)
    """
    return any(re.search(r"\.(_mean|running_mean)$", name) for name in tensors)


def family_of(tensors: Iterable[str], target: Iterable[str]) -> Family:
    """Returns the family whose rules give the most names that the network has.

    Args:
        tensors: names in the file.
        target: names of the network.
    """
    names, wanted = list(tensors), {*target}
    return max(FAMILIES, key=lambda family: len({family.rename(name) for name in names} & wanted))


def is_mmpose(tensors: Iterable[str]) -> bool:
    """Tells whether names are MMPose's, which keeps every backbone under `backbone.`; all its networks saw RGB.

    Example:
        >>> is_mmpose(["backbone.conv1.weight"]), is_mmpose(["conv1.weight"])
        (True, False)
    """
    return any(name.startswith("backbone.") for name in tensors)


@dataclass(frozen=True)
class Fit:
    """How the tensors of a file and those of a network correspond.

    Attributes:
        family: whose names the file has.
        fitting: our name -> the file's array, of the network's shape; in the network's order.
        missing: our names that the file does not have.
        unused: the file's names that the network does not have.
        dropped: the file's names that mean nothing to any network here, torch's `num_batches_tracked`.
        repeated: the file's names of which several mean the same tensor of ours.
        misshapen: our name -> the shapes in the file and in the network.
    """

    family: Family
    fitting: Mapping[str, np.ndarray]
    missing: Sequence[str]
    unused: Sequence[str]
    dropped: Sequence[str]
    repeated: Sequence[str]
    misshapen: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]]

    def shapes(self) -> list[str]:
        """Returns what is misshapen as text."""
        return [
            f"{name} (file {theirs}, network {wanted})"
            for name, (theirs, wanted) in self.misshapen.items()
        ]


def fit(tensors: Mapping[str, np.ndarray], target_shapes: Mapping[str, tuple[int, ...]]) -> Fit:
    """Compares a file with a network.

    Args:
        tensors: name -> array, as `read.read_weights` returns them; the family is that of `family_of`.
        target_shapes: name -> shape of every tensor of the network.

    Example:
        >>> published = {"fc.weight": np.zeros((9, 2)), "bn1.running_mean": np.zeros(2)}
        >>> found = fit(published, {"bn1._mean": (2,), "final_layer.bias": (3,)})
        >>> list(found.fitting), found.missing, found.unused
        (['bn1._mean'], ['final_layer.bias'], ['fc.weight'])
    """
    kept = [name for name in tensors if not _DROPPED.search(name)]
    family = family_of(kept, target_shapes)
    ours = {name: family.rename(name) for name in kept}
    uses = Counter(ours.values())
    found = {our: family.reorder(our, tensors[name]) for name, our in ours.items()}
    shapes = {
        name: (found[name].shape, tuple(shape))
        for name, shape in target_shapes.items()
        if name in found
    }
    return Fit(
        family=family,
        fitting={
            name: found[name] for name, (theirs, wanted) in shapes.items() if theirs == wanted
        },
        missing=[name for name in target_shapes if name not in found],
        unused=[name for name, our in ours.items() if our not in target_shapes],
        dropped=[name for name in tensors if name not in ours],
        repeated=[name for name, our in ours.items() if uses[our] > 1],
        misshapen={name: both for name, both in shapes.items() if both[0] != both[1]},
    )


def convert_names(
    tensors: Mapping[str, np.ndarray], target_shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, np.ndarray]:
    """Fits the tensors of a file to a network, ours or one of a known family: every tensor is used exactly once.

    Args:
        tensors: name -> array, as `read.read_weights` returns them.
        target_shapes: name -> shape of every tensor of the network.

    Returns:
        Name -> float32 array of its own memory, in the network's order.

    Raises:
        InputError: If tensors are missing, unexpected, of another shape, or would be used twice;
            the message counts them and lists the first of each.

    Example:
        >>> published = {"backbone.stem.0.bn.running_mean": np.zeros(2)}
        >>> convert_names(published, {"stem.0.bn._mean": (2,)})
        {'stem.0.bn._mean': array([0., 0.], dtype=float32)}
    """
    found = fit(tensors, target_shapes)
    problems = {
        "missing": found.missing,
        "unexpected": found.unused,
        "used twice": found.repeated,
        "misshapen": found.shapes(),
    }
    if any(problems.values()):
        told = "; ".join(f"{len(p)} {kind}: {first_names(p)}" for kind, p in problems.items() if p)
        raise InputError(
            f"the weights do not fit the network: {len(tensors) - len(found.dropped)} tensors, named as in "
            f"{found.family.name}, for the network's {len(target_shapes)}. {told}. Choose the file's own config"
        )
    return copies(found.fitting)


def copies(tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Returns float32 copies; a view would keep a whole storage or file in memory."""
    return {name: np.array(value, np.float32, order="C") for name, value in tensors.items()}


def first_names(names: Sequence[str], count: int = 3) -> str:
    """Returns the first few names as text."""
    return ", ".join(names[:count]) + (", ..." if len(names) > count else "")
