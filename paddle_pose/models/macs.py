"""The cost of a network in multiply-accumulate operations.

`paddle.flops` is not used: it crashes with NumPy 2.4 (it calls `int()` on tensors of shape [1]).
"""

from math import prod

import paddle
from paddle import Tensor, nn


def count_macs(model: nn.Layer, input_size: tuple[int, int]) -> int:
    """Counts the multiply-accumulates of convolutions and linear layers, by running one image.

    Normalisations, activations, sums and pooling are left out: less than one percent in the
    networks here. What papers print as "GFLOPs" is mostly this number.

    Args:
        model: A network that takes images [N, H, W, 3]; its state and mode stay as they are.
        input_size: (width, height) in px.

    Returns:
        Multiply-accumulates per image.

    Example:
        >>> from paddle_pose.models.layers import ConvBN, Normalize
        >>> network = nn.Sequential(Normalize(), ConvBN(3, 8, kernel=5))
        >>> count_macs(network, (16, 4)) == 16 * 4 * 5 * 5 * 3 * 8
        True
    """
    total = 0

    def add(layer: nn.Layer, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        # Weights: Linear [in, out], Conv2D [out, in / groups, k, k], transposed [in, out / groups,
        # k, k]; a transposed convolution multiplies once per place of its input.
        nonlocal total
        if isinstance(layer, nn.Linear):
            total += output.size * layer.weight.shape[0]
        else:
            places = inputs[0] if isinstance(layer, nn.Conv2DTranspose) else output
            total += places.size * prod(layer.weight.shape[1:])

    layers = model.sublayers(include_self=True)
    modes = [layer.training for layer in layers]
    counted = [m for m in layers if isinstance(m, nn.Conv2D | nn.Conv2DTranspose | nn.Linear)]
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
