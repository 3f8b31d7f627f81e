"""How a run begins: with another file's weights, and with parts of the network held still."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from paddle_pose.environment import argument
from paddle_pose.errors import InputError
from paddle_pose.training.unfold_batch_norm import unfold
from paddle_pose.weights.names import family_of, has_batch_norm, is_mmpose
from paddle_pose.weights.partial import fitting_tensors
from paddle_pose.weights.read import read_weights


def prepare(
    network: Any, init: str, freeze: str, resumed: bool, images: Callable[[], Any] | None = None
) -> list[str]:
    """Gives a network the weights to start from and freezes parts of it; comes before the optimizer.

    Args:
        network: a model of this project, changed in place.
        init: a weights file of any network; "" leaves the random start.
        freeze: what to hold still: "nothing", "backbone" or "statistics".
        resumed: the weights come from a checkpoint of the run instead; `init` has had its part.
        images: gives a batch to train on; see `start_from`.

    Returns:
        Lines for the log: what was loaded, what was not, and what trains.

    Raises:
        FileNotFoundError: If there is no such file.
        InputError: If it is not a weights file, nothing of it fits, or a random backbone would be frozen.
    """
    if freeze == "backbone" and not (init or resumed):
        raise InputError(
            "train.freeze=backbone would hold random numbers still; name weights to start from, "
            + argument("--init FILE", "init")
        )
    lines = (
        [] if resumed or not init else start_from(network, read_weights(init), Path(init), images)
    )
    if freeze == "statistics":
        return [*lines, freeze_statistics(network)]
    return [*lines, freeze_backbone(network)] if freeze == "backbone" else lines


def start_from(
    network: Any,
    tensors: Mapping[str, np.ndarray],
    source: Path,
    images: Callable[[], Any] | None = None,
) -> list[str]:
    """Sets the tensors of a network that a file has under any known name and in the same shape.

    Args:
        network: to fill; what the file does not have stays as it is.
        tensors: name -> array.
        source: their file, for the messages.
        images: gives a batch, [N, H, W, 3], to `unfold` a file without normalisations for a network that has them.

    Returns:
        Lines that account for every tensor of the network and of the file.

    Raises:
        InputError: If nothing fits.
    """
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    given = tensors
    if images is not None and has_batch_norm(shapes) and not has_batch_norm(tensors):
        tensors = unfold(network, tensors, images())
    try:
        taken, account = fitting_tensors(tensors, shapes)
    except ValueError as problem:
        raise InputError(f"{source}: {problem}") from problem
    state = network.state_dict()
    for name, value in taken.items():
        state[name].set_value(value)
    if tensors.keys() != given.keys():
        account.append(
            f"the file's own names are those of {family_of(given, tensors).name}; its normalisations were folded into "
            "biases: taken apart again with the statistics of a batch"
        )
    if is_mmpose(given) and network.normalize.order == "bgr":
        account.append(
            "the file's network saw RGB images, this one sees BGR; "
            + argument("-o model.order=rgb", 'overrides={"model.order": "rgb"}')
            + " keeps the file's order"
        )
    return [f"Starting from {source}: {account[0]}", *(f"  {line}" for line in account[1:])]


def freeze_backbone(network: Any) -> str:
    """Holds everything still but a network's head: its parameters get no gradient, its layers stay in inference mode.

    So the running statistics of the batch normalisations do not move either, whatever mode `train()` sets. Call it
    before the optimizer is made.

    Args:
        network: a model of this project; its `head_layers` names the sublayers that are not the backbone.

    Returns:
        A line that says what trains.
    """
    before = _trained(network)
    frozen = []
    for name, child in network.named_children():
        if name not in network.head_layers:
            frozen += [child, *child.sublayers()]
            for parameter in child.parameters():
                parameter.stop_gradient = True

    _hold_still(network, frozen)
    return f"Frozen: all but {', '.join(network.head_layers)}; {_trained(network):,} of {before:,} parameters train"


def freeze_statistics(network: Any) -> str:
    """Lets the batch normalisations of a network use their running statistics, which then stay, in training too.

    Args:
        network: changed in place.

    Returns:
        A line that says so.
    """
    norms = [layer for layer in network.sublayers() if hasattr(layer, "_variance")]
    _hold_still(network, norms)
    return f"Frozen: the running statistics of {len(norms)} batch normalisations, which normalise with them"


def _hold_still(network: Any, layers: Sequence[Any]) -> None:
    """Keeps layers in inference mode, whatever mode `train()` sets."""

    def hold(*ignored: object) -> None:
        for layer in layers:
            layer.training = False  # not eval(), which changes the mode of all of Paddle

    network.register_forward_pre_hook(hold)


def _trained(network: Any) -> int:
    """Returns how many numbers get a gradient; Paddle counts running statistics as parameters without one."""
    return sum(parameter.size for parameter in network.parameters() if not parameter.stop_gradient)
