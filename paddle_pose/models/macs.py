"""Counting the multiply-accumulate operations (MACs) of a network.

`paddle.flops` is not used: it crashes with NumPy 2.4 (it calls `int()` on tensors of shape [1]).
"""

from math import prod

import paddle
from paddle import Tensor, nn


def count_macs(model: nn.Layer, input_size: tuple[int, int]) -> int:
    """Returns the multiply-accumulates of a network's convolutions and linear layers for one image.

    The network runs once. Normalisations, activations, sums and pooling are not counted: they are
    less than one percent in the networks here. The "GFLOPs" of papers are usually this number,
    divided by 1e9.

    Args:
        model: Network that takes uint8 images [N, H, W, 3]; its state and mode are not changed.
        input_size: (width, height) of the image in px.

    Returns:
        Number of multiply-accumulates per image.

    Example:
        >>> from paddle_pose.models.layers import ConvBN, Normalize
        >>> network = nn.Sequential(Normalize(), ConvBN(3, 8, kernel=5))
        >>> count_macs(network, (16, 4)) == 16 * 4 * 5 * 5 * 3 * 8
        True
    """
    total = 0

    def add(layer: nn.Layer, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        # Weight shapes: Linear [in, out], Conv2D [out, in / groups, k, k], Conv2DTranspose
        # [in, out / groups, k, k], which applies its kernel once per position of its *input*.
        nonlocal total
        if isinstance(layer, nn.Linear):
            total += output.size * layer.weight.shape[0]
        else:
            positions = inputs[0] if isinstance(layer, nn.Conv2DTranspose) else output
            total += positions.size * prod(layer.weight.shape[1:])

    layers = model.sublayers(include_self=True)
    modes = [layer.training for layer in layers]
    counted_types = nn.Conv2D | nn.Conv2DTranspose | nn.Linear
    counted = [layer for layer in layers if isinstance(layer, counted_types)]
    hooks = [layer.register_forward_post_hook(add) for layer in counted]
    width, height = input_size
    try:
        model.eval()
        with paddle.no_grad():
            model(paddle.zeros([1, height, width, 3], dtype="uint8"))
    finally:
        for hook in hooks:
            hook.remove()
        for layer, training in zip(layers, modes, strict=True):
            layer.training = training
    return int(total)
