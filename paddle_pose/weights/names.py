"""Converts the tensors of published files to the names, precision and order of the networks here.

Source: the state_dicts of MMPose 0.x and 1.x and of txyugood's Paddle project; the modules of
    `paddle_pose.models` document the names beside each network. torchvision's and Paddle's ResNets
    and HRNet's ImageNet networks have the official names and a classifier.
Checked against: all 494 and 412 names and shapes of the published Hourglass-52, and those of the
    published HRNet and SimpleBaseline (tests/parity). MoveNet: see `movenet_names`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from paddle_pose.errors import InputError
from paddle_pose.weights import movenet_names
from paddle_pose.weights.paddledetection_names import (
    PADDLEDETECTION_HRNET,
    PADDLEDETECTION_TINYPOSE,
    Replacement,
)

# Regular expressions (pattern, replacement), applied to every name in this order.
Rules = tuple[tuple[str, Replacement], ...]

_DROPPED = re.compile(r"(^|\.)num_batches_tracked$|^StructuredToParameterName@@$")
_TORCH_BATCH_NORM: Rules = ((r"\.running_mean$", "._mean"), (r"\.running_var$", "._variance"))
_HOURGLASS: Rules = (
    (r"^backbone\.", ""),
    (r"^hourglass_modules\.", "hourglasses."),
    (r"^stem\.1\.0\.", "stem.1."),
    (r"^(?:keypoint_)?head\.multi_final_layers\.", "heads."),
)
# MMPose's HRNet and SimpleBaseline; their other names are the official ones.
_HEAD: Rules = ((r"^(?:keypoint_)?head\.", ""),)
_LAST_SHARED_BLOCK = 12  # index of the last block of a backbone with shared residual blocks
_RTMPOSE_LINEAR = r"^head\.(mlp\.1|gau\.o|gau\.uv|cls_x|cls_y)\.weight$"
# txyugood's project has a convolution and its batch normalisation in one layer.
_CONV_AND_NORM: Rules = (
    (r"\.conv(\d)\._conv\.", r".conv\1."),
    (r"\.conv(\d)\._batch_norm\.", r".bn\1."),
    (r"\.downsample\.0\._conv\.", ".downsample.0."),
    (r"\.downsample\.0\._batch_norm\.", ".downsample.1."),
    (r"\._conv\.", ".conv."),
    (r"\._batch_norm\.", ".bn."),
)


@dataclass(frozen=True)
class Family:
    """A naming scheme of tensors, with the rules that convert it to the names of this project.

    A pattern is a regular expression that is searched in a name; the default matches no name.

    Attributes:
        name: Name of the scheme: the project or networks that use it.
        rules: (pattern, replacement) pairs that convert a name of the scheme to a name of this
            project, applied one after another.
        yx: Pattern of converted names; their tensors have the output channels y, x, y, x, ... in
            the files and x, y, x, y, ... here.
        transposed: Pattern of converted names of linear layers; their weights are [outputs, inputs]
            in the files and [inputs, outputs] here.
    """

    name: str
    rules: Rules
    yx: str = "(?!)"
    transposed: str = "(?!)"

    def rename(self, name: str) -> str:
        """Returns the name that this project uses for a tensor of the scheme.

        Args:
            name: Name of the tensor in the file; a name that no rule matches is returned unchanged.

        Example:
            >>> FAMILIES[2].rename("backbone.stem.1.0.bn1.running_var")
            'stem.1.bn1._variance'
        """
        for pattern, replacement in self.rules:
            name = re.sub(pattern, replacement, name)
        return name

    def reorder(self, name: str, tensor: np.ndarray) -> np.ndarray:
        """Returns a tensor with its axes and output channels in the order of this project's networks.

        A tensor whose name matches no pattern of the scheme is returned unchanged, as is a tensor
        of `yx` without axes or with an odd number of channels.

        Args:
            name: Converted name of the tensor, as `rename` returns it.
            tensor: Array from the file, [channels, ...], of any dtype.

        Example:
            >>> Family("y before x", (), "reg").reorder("reg.bias", np.arange(4)).tolist()
            [1, 0, 3, 2]
        """
        if re.search(self.transposed, name):
            return tensor.T
        if not re.search(self.yx, name) or not tensor.ndim or tensor.shape[0] % 2:
            return tensor
        return tensor.reshape(-1, 2, *tensor.shape[1:])[:, ::-1].reshape(tensor.shape)


FAMILIES: tuple[Family, ...] = (
    Family("this project", ()),
    Family(
        "ResNets, the official HRNet and SimpleBaseline, MMPose's RTMPose",
        _TORCH_BATCH_NORM,
        transposed=_RTMPOSE_LINEAR,
    ),
    Family("MMPose", _HOURGLASS + _HEAD + _TORCH_BATCH_NORM),
    Family("txyugood's Paddle Hourglass", _CONV_AND_NORM + _HOURGLASS),
    Family("Google's MoveNet", movenet_names.GOOGLE_MOVENET, movenet_names.GOOGLE_MOVENET_YX),
    Family("Google's MobileNetV2", movenet_names.GOOGLE_MOBILENET_V2),
    Family("fire717's Paddle MoveNet", movenet_names.FIRE717_MOVENET),
    Family("PaddleDetection's HRNet", PADDLEDETECTION_HRNET),
    Family("PaddleDetection's PP-TinyPose", PADDLEDETECTION_TINYPOSE),
)  # where several match equally many names, the first one counts: its rules change the least


def has_inters(tensors: Iterable[str]) -> bool:
    """Returns whether a weights file has the `inters` layers of an hourglass network.

    These are residual blocks between two stacks. A network of one stack does not use them, although
    published files of it contain them; see `models.hourglass.Hourglass`.

    Args:
        tensors: Names of the tensors as in the file, of MMPose or of this project.

    Example:
        >>> has_inters(["backbone.inters.0.conv1.weight"]), has_inters(["stem.0.conv.weight"])
        (True, False)
    """
    return any(re.match(r"(backbone\.)?inters\.", name) for name in tensors)


def has_batch_norm(tensors: Iterable[str]) -> bool:
    """Returns whether a weights file has running means, so the network has batch normalisations.

    Args:
        tensors: Names of the tensors as in the file, of PyTorch or Paddle.

    Example:
        >>> has_batch_norm(["stem.bn._mean"]), has_batch_norm(["stem.conv.bias"])
        (True, False)
    """
    return any(re.search(r"\.(_mean|running_mean)$", name) for name in tensors)


def has_shared_residuals(tensors: Iterable[str]) -> bool:
    """Returns whether the residual blocks of a MoveNet's stages share one set of weights.

    Then the backbone has 13 blocks, as in the files of fire717's Paddle MoveNet, instead of 17.

    Args:
        tensors: Names in the file, of this project or of fire717's Paddle MoveNet.

    Example:
        >>> last_of_both = "backbone.features4.2.conv2.0.weight", "backbone.blocks.16.expand.weight"
        >>> [has_shared_residuals([name]) for name in last_of_both]
        [True, False]
    """
    fire717 = Family("", movenet_names.FIRE717_MOVENET)
    found = (re.match(r"backbone\.blocks\.(\d+)\.", fire717.rename(name)) for name in tensors)
    return max((int(match[1]) for match in found if match), default=0) == _LAST_SHARED_BLOCK


def family_of(tensors: Iterable[str], target: Iterable[str]) -> Family:
    """Returns the naming scheme that converts the most names of a file to names of a network.

    Args:
        tensors: Names of the tensors as in the weights file.
        target: Names of the network's tensors.

    Returns:
        Entry of `FAMILIES`, of equals the first one; the first entry of all if nothing matches.
    """
    names, wanted = list(tensors), {*target}
    return max(FAMILIES, key=lambda family: len({family.rename(name) for name in names} & wanted))


def is_mmpose(tensors: Iterable[str]) -> bool:
    """Returns whether a file comes from MMPose, whose networks were all trained on RGB images.

    MMPose's names of backbone tensors begin with `backbone.`.

    Args:
        tensors: Names of the tensors as in the weights file.

    Example:
        >>> is_mmpose(["backbone.conv1.weight"]), is_mmpose(["conv1.weight"])
        (True, False)
    """
    return any(name.startswith("backbone.") for name in tensors)


@dataclass(frozen=True)
class Fit:
    """Result of comparing the tensors of a file with those of a network.

    Attributes:
        family: Naming scheme of the file, chosen by `family_of`.
        fitting: Arrays of the file that have the shape of a tensor of the network, in the file's
            dtype, by the network's names and in the network's order.
        missing: Names of the network's tensors that the file does not contain.
        unused: Names in the file that belong to no tensor of the network.
        dropped: Names in the file that no network here has, such as torch's `num_batches_tracked`.
        repeated: Names in the file that are converted to the same name as another name in the file.
        mismatched: Arrays of the file whose shapes differ from those of the network's tensors, in
            the file's dtype, by the network's names.
        target_shapes: Shape of every tensor of the network, by name.
    """

    family: Family
    fitting: Mapping[str, np.ndarray]
    missing: Sequence[str]
    unused: Sequence[str]
    dropped: Sequence[str]
    repeated: Sequence[str]
    mismatched: Mapping[str, np.ndarray]
    target_shapes: Mapping[str, tuple[int, ...]]

    def shapes(self) -> list[str]:
        """Returns one text for each entry of `mismatched`; none gives an empty list.

        A text is the network's name of a tensor, the shape in the file, then the shape in the
        network: "final_layer.bias (file (16,), network (17,))".
        """
        return [
            f"{name} (file {value.shape}, network {tuple(self.target_shapes[name])})"
            for name, value in self.mismatched.items()
        ]


def fit(tensors: Mapping[str, np.ndarray], target_shapes: Mapping[str, tuple[int, ...]]) -> Fit:
    """Returns which tensors of a weights file fit a network, and which do not.

    Args:
        tensors: Arrays by name, as `read.read_weights` returns them; `family_of` chooses the naming
            scheme.
        target_shapes: Shape of every tensor of the network, by name.

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
    known = {name: found[name] for name in target_shapes if name in found}
    fitting = {
        name: value for name, value in known.items() if value.shape == tuple(target_shapes[name])
    }
    return Fit(
        family=family,
        fitting=fitting,
        missing=[name for name in target_shapes if name not in found],
        unused=[name for name, our in ours.items() if our not in target_shapes],
        dropped=[name for name in tensors if name not in ours],
        repeated=[name for name, our in ours.items() if uses[our] > 1],
        mismatched={name: value for name, value in known.items() if name not in fitting},
        target_shapes=target_shapes,
    )


def convert_names(
    tensors: Mapping[str, np.ndarray], target_shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, np.ndarray]:
    """Returns the tensors of a weights file under the names of a network that it fits exactly.

    Args:
        tensors: Arrays by name, as `read.read_weights` returns them, in any naming scheme of
            `FAMILIES`.
        target_shapes: Shape of every tensor of the network, by name.

    Returns:
        Float32 arrays by the network's names, in the network's order; each has its own memory.

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
        "with a different shape": found.shapes(),
    }
    if any(problems.values()):
        details = "; ".join(
            f"{len(names)} {kind}: {first_names(names)}"
            for kind, names in problems.items()
            if names
        )
        raise InputError(
            f"the weights do not fit the network: {len(tensors) - len(found.dropped)} tensors, "
            f"named as in {found.family.name}, for the network's {len(target_shapes)}. {details}. "
            "Choose the config that the file was trained with"
        )
    return float32_copies(found.fitting)


def float32_copies(tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Returns float32 copies of tensors; a view would keep a whole storage or file in memory.

    Args:
        tensors: Arrays of any shape and numeric dtype, by name.
    """
    return {name: np.array(value, np.float32, order="C") for name, value in tensors.items()}


def first_names(names: Sequence[str], count: int = 3) -> str:
    """Returns the first names as text, with "..." where there are more.

    Args:
        names: Names in their order; no names give "".
        count: Highest number of names that are listed.

    Example:
        >>> first_names(["stem", "neck", "head"], count=2)
        'stem, neck, ...'
    """
    return ", ".join(names[:count]) + (", ..." if len(names) > count else "")
