"""Takes the normalisations apart that a published file has folded into the biases of its convolutions.

Source: Jacob et al., Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference, CVPR
    2018, section 3.2, for the folding that this reverses.
Differs: the statistics that were folded in are lost; those of other images take their place, with the scale and shift
    that undo them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import paddle
from paddle import nn

from paddle_pose.weights.names import fit


def unfold(
    network: Any, tensors: Mapping[str, np.ndarray], images: paddle.Tensor
) -> dict[str, np.ndarray]:
    """Returns a file's tensors with a network's normalisations instead of the biases that hold them.

    In inference mode the network then computes what the file's own does; in training mode too, up to the difference
    between one batch's statistics and another's. (Mean 0 and variance 1 would be right in inference alone: training
    starts with another network.)

    Args:
        network: of which convolutions `….conv` without bias are followed by normalisations `….bn`; its convolutions and
            normalisations are changed.
        tensors: name -> array of a file that `names.fit` knows.
        images: [N, H, W, 3], a batch such as training will see.

    Returns:
        Name -> array; as they came if the file has no biases in the place of normalisations.
    """
    state = network.state_dict()
    shapes = {name: tuple(value.shape) for name, value in state.items()}
    norms = (nn.BatchNorm2D, nn.SyncBatchNorm)
    units = {
        name: unit
        for name, unit in network.named_sublayers()
        if isinstance(getattr(unit, "bn", None), norms)
    }
    places = {
        f"{name}.conv.bias": unit
        for name, unit in units.items()
        if f"{name}.conv.bias" not in shapes
    }
    wanted = {**shapes, **{name: tuple(unit.bn.bias.shape) for name, unit in places.items()}}
    found = fit(tensors, wanted)
    folded = {name: unit for name, unit in places.items() if name in found.fitting}
    if not folded or any(name.endswith(".bn._mean") for name in found.fitting):
        return dict(tensors)
    for name, value in found.fitting.items():
        if name in state:
            state[name].set_value(value.astype(np.float32))

    def measure(unit: Any, bias: np.ndarray) -> Any:
        def hook(conv: nn.Layer, inputs: tuple[paddle.Tensor, ...], output: paddle.Tensor) -> None:
            mean = output.mean([0, 2, 3])
            variance = (output - mean.reshape([1, -1, 1, 1])).square().mean([0, 2, 3])
            unit.bn._mean.set_value(mean)
            unit.bn._variance.set_value(variance)
            unit.bn.weight.set_value((variance + unit.bn._epsilon).sqrt())
            unit.bn.bias.set_value(mean + paddle.to_tensor(bias.astype(np.float32)))

        return unit.conv.register_forward_post_hook(hook)

    hooks = [measure(unit, found.fitting[name]) for name, unit in folded.items()]
    network.eval()
    try:
        with paddle.no_grad():
            network(images)
    finally:
        for hook in hooks:
            hook.remove()
        network.train()
    parts = {f"{name.removesuffix('.conv.bias')}.bn" for name in folded}
    measured = {
        name: value.numpy() for name, value in state.items() if name.rpartition(".")[0] in parts
    }
    kept = {name: value for name, value in found.fitting.items() if name not in folded}
    return {**kept, **measured, **{name: tensors[name] for name in found.unused}}
