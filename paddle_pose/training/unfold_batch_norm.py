"""Unfolding of batch normalisations that a published file has folded into its convolutions.

Source: Jacob et al., Quantization and Training of Neural Networks for Efficient
    Integer-Arithmetic-Only Inference, CVPR 2018, section 3.2, for the folding that is reversed.
Differs: the folded statistics are lost. They are replaced by the statistics of a batch of images,
    and scale and shift are set to cancel them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import paddle
from paddle import nn

from paddle_pose.weights.names import fit


def unfold_batch_norm(
    network: Any, tensors: Mapping[str, np.ndarray], images: paddle.Tensor
) -> dict[str, np.ndarray]:
    """Returns the tensors of a file with its folded batch normalisations as separate tensors.

    With them, the network computes the same function in inference mode as the network without batch
    normalisations. In training mode the function is the same except for the difference between the
    statistics of two batches. (With mean 0 and variance 1 it would be the same in inference mode
    only, and training would start from another function.)

    Args:
        network: Network whose convolutions `….conv` without bias are followed by normalisations
            `….bn`; both are changed in place.
        tensors: Arrays of a file by name, with names that `names.fit` knows.
        images: Batch of training images, uint8 RGB [N, H, W, 3].

    Returns:
        Arrays by name; `tensors` unchanged if the file has no folded batch normalisations.
    """
    state = network.state_dict()
    shapes = {name: tuple(value.shape) for name, value in state.items()}
    norms = (nn.BatchNorm2D, nn.SyncBatchNorm)
    units = {
        name: unit
        for name, unit in network.named_sublayers()
        if isinstance(getattr(unit, "bn", None), norms)
    }
    without_bias = {
        f"{name}.conv.bias": unit
        for name, unit in units.items()
        if f"{name}.conv.bias" not in shapes
    }
    bias_shapes = {name: tuple(unit.bn.bias.shape) for name, unit in without_bias.items()}
    found = fit(tensors, {**shapes, **bias_shapes})
    folded = {name: unit for name, unit in without_bias.items() if name in found.fitting}
    if not folded or any(name.endswith(".bn._mean") for name in found.fitting):
        return dict(tensors)
    for name, value in found.fitting.items():
        if name in state:
            state[name].set_value(value.astype(np.float32))

    def set_from_output(unit: Any, bias: np.ndarray) -> Any:
        def hook(conv: nn.Layer, inputs: tuple[paddle.Tensor, ...], output: paddle.Tensor) -> None:
            mean = output.mean([0, 2, 3])
            variance = (output - mean.reshape([1, -1, 1, 1])).square().mean([0, 2, 3])
            unit.bn._mean.set_value(mean)
            unit.bn._variance.set_value(variance)
            unit.bn.weight.set_value((variance + unit.bn._epsilon).sqrt())
            unit.bn.bias.set_value(mean + paddle.to_tensor(bias.astype(np.float32)))

        return unit.conv.register_forward_post_hook(hook)

    hooks = [set_from_output(unit, found.fitting[name]) for name, unit in folded.items()]
    network.eval()
    try:
        with paddle.no_grad():
            network(images)
    finally:
        for hook in hooks:
            hook.remove()
        network.train()
    norm_names = {f"{name.removesuffix('.conv.bias')}.bn" for name in folded}
    unfolded = {
        name: value.numpy()
        for name, value in state.items()
        if name.rpartition(".")[0] in norm_names
    }
    kept = {name: value for name, value in found.fitting.items() if name not in folded}
    unused = {name: tensors[name] for name in found.unused}
    return {**kept, **found.mismatched, **unfolded, **unused}
