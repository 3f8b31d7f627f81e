"""Initial weights of a run from a file, and freezing of parts of the network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from paddle_pose.environment import argument
from paddle_pose.errors import InputError
from paddle_pose.skeletons import Skeleton
from paddle_pose.training.unfold_batch_norm import unfold_batch_norm
from paddle_pose.weights.names import family_of, has_batch_norm, is_mmpose
from paddle_pose.weights.partial import fitting_tensors
from paddle_pose.weights.read import read_weights


def initialize(
    network: Any,
    init: str,
    freeze: str,
    resumed: bool,
    images: Callable[[], Any] | None = None,
    joints: Sequence[str] = (),
    skeleton: Skeleton | None = None,
    backbone_rate: float = 1.0,
) -> list[str]:
    """Loads initial weights into a network, and freezes parts of it or slows their training.

    Call it before the optimizer is made.

    Args:
        network: Network of this project; changed in place.
        init: Weights file of any network; "" keeps the random initialisation.
        freeze: Part that is not trained: "nothing", "backbone" or "statistics" (the running
            statistics of batch normalisations).
        resumed: Whether the weights are restored from a checkpoint of the run, so that `init` is
            not read.
        images: Function that returns a batch of training images, see `load_initial_weights`.
        joints: Names of the joints of the file's network; none if they are not known.
        skeleton: Skeleton of the network; None if it is not known.
        backbone_rate: Learning rate of the backbone, as a share of the head's.

    Returns:
        Lines for the log: tensors that were loaded and not loaded, and the parameters that are
        trained.

    Raises:
        FileNotFoundError: If the weights file does not exist.
        InputError: If it is not a weights file, none of its tensors fits, or a randomly initialised
            backbone would be frozen.
    """
    if freeze == "backbone" and not (init or resumed):
        raise InputError(
            "train.freeze=backbone would freeze random weights; choose weights to start from with "
            + argument("--init FILE", "init")
        )
    lines = []
    if init and not resumed:
        lines = load_initial_weights(
            network, read_weights(init), Path(init), images, joints, skeleton
        )
    if freeze == "statistics":
        lines.append(freeze_statistics(network))
    if freeze == "backbone":
        lines.append(freeze_backbone(network))
    elif backbone_rate != 1:
        lines.append(scale_backbone_rate(network, backbone_rate))
    return lines


def load_initial_weights(
    network: Any,
    tensors: Mapping[str, np.ndarray],
    source: Path,
    images: Callable[[], Any] | None = None,
    joints: Sequence[str] = (),
    skeleton: Skeleton | None = None,
) -> list[str]:
    """Sets those tensors of a network that a file has, under any known name and in the same shape.

    With other joints than the file's, the head gets the values of those that both have, see
    `weights.partial.fitting_tensors`.

    Args:
        network: Network whose tensors are set; tensors that are not in the file are unchanged.
        tensors: Arrays of the file by name.
        source: Path of the file, for messages.
        images: Function without arguments that returns a batch of training images, uint8 RGB
            [N, H, W, 3]. The batch is used to unfold the batch normalisations of a file if only the
            network has them, see `unfold_batch_norm`; None does not unfold them.
        joints: Names of the joints of the file's network; none if they are not known.
        skeleton: Skeleton of the network; None if it is not known.

    Returns:
        Lines for the log that account for every tensor of the network and of the file.

    Raises:
        InputError: If no tensor fits.
    """
    state = network.state_dict()
    tensors_of_file = tensors
    if images is not None and has_batch_norm(state) and not has_batch_norm(tensors):
        tensors = unfold_batch_norm(network, tensors, images())
    try:
        fitting, account = fitting_tensors(tensors, state, joints, skeleton)
    except ValueError as problem:
        raise InputError(f"{source}: {problem}") from problem
    for name, value in fitting.items():
        state[name].set_value(value)
    if tensors.keys() != tensors_of_file.keys():
        account.append(
            f"the names in the file are those of {family_of(tensors_of_file, tensors).name}; its"
            " batch normalisations were folded into biases, and are unfolded with the statistics of"
            " a batch"
        )
    if is_mmpose(tensors_of_file) and network.normalize.order == "bgr":
        account.append(
            "the file's network was trained on RGB images, this one uses BGR; "
            + argument("-o model.order=rgb", 'overrides={"model.order": "rgb"}')
            + " sets the order of the file"
        )
    return [f"Starting from {source}: {account[0]}", *(f"  {line}" for line in account[1:])]


def freeze_backbone(network: Any) -> str:
    """Freezes everything except a network's head.

    The parameters of the backbone get no gradient, and its layers remain in inference mode when
    `train()` is called, so that running statistics do not change either. Call it before the
    optimizer is made.

    Args:
        network: Network of this project, whose `head_layers` lists the sublayers that are not the
            backbone; changed in place.

    Returns:
        Line for the log with the number of parameters that are trained.
    """
    before = _count_trainable(network)
    backbone = _backbone(network)
    for child in backbone:
        for parameter in child.parameters():
            parameter.stop_gradient = True
    _keep_in_inference_mode(
        network, [layer for child in backbone for layer in (child, *child.sublayers())]
    )
    heads = ", ".join(network.head_layers)
    return f"Frozen: all but {heads}; {_count_trainable(network):,} of {before:,} parameters train"


def scale_backbone_rate(network: Any, rate: float) -> str:
    """Sets the learning rate of everything except a network's head, as a share of the optimizer's.

    Args:
        network: Network of this project, as in `freeze_backbone`; changed in place.
        rate: Learning rate of the backbone divided by that of the head.

    Returns:
        Line for the log with the number of parameters whose learning rate differs.
    """
    backbone = _backbone(network)
    for child in backbone:
        for parameter in child.parameters():
            parameter.optimize_attr["learning_rate"] = rate  # as paddle.ParamAttr sets it
    size = sum(map(_count_trainable, backbone))
    heads = ", ".join(network.head_layers)
    return (
        f"Learning rate: {rate:g} x that of {heads} for the other {size:,} of "
        f"{_count_trainable(network):,} parameters"
    )


def freeze_statistics(network: Any) -> str:
    """Makes the batch normalisations of a network use their running statistics, also in training.

    The running statistics are not updated any more.

    Args:
        network: Network; changed in place.

    Returns:
        Line for the log with the number of batch normalisations.
    """
    norms = [layer for layer in network.sublayers() if hasattr(layer, "_variance")]
    _keep_in_inference_mode(network, norms)
    return (
        f"Frozen: the running statistics of {len(norms)} batch normalisations, which are used in"
        " training too"
    )


def _backbone(network: Any) -> list[Any]:
    """Returns the sublayers of a network that are not its head."""
    return [child for name, child in network.named_children() if name not in network.head_layers]


def _keep_in_inference_mode(network: Any, layers: Sequence[Any]) -> None:
    """Sets layers to inference mode before every forward of the network, also after `train()`."""

    def set_inference_mode(*ignored: object) -> None:
        for layer in layers:
            layer.training = False  # not eval(), which changes a global mode of Paddle

    network.register_forward_pre_hook(set_inference_mode)


def _count_trainable(layer: Any) -> int:
    """Returns the number of trainable values; Paddle lists running statistics as parameters too."""
    return sum(parameter.size for parameter in layer.parameters() if not parameter.stop_gradient)
