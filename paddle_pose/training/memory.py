"""Memory of a training step, estimated from one forward of one image, and disk space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import paddle

MARGIN = 1.15  # gradients of maps, workspaces and fragmentation on top of what is counted
USABLE = 0.9  # part of a GPU's memory that a training may plan with
FLOAT32 = 4  # bytes


@dataclass(frozen=True)
class MemoryEstimate:
    """Memory of a training step in bytes, in float32.

    Attributes:
        fixed: Weights, gradients, optimizer moments and averaged weights.
        per_image: Tensors that the forward pass keeps for the backward pass, for one image.

    Example:
        >>> estimate = MemoryEstimate(fixed=2 * 10**9, per_image=100 * 10**6)
        >>> estimate.total(64), estimate.largest_batch(16 * 10**9)
        (9660000000, 105)
    """

    fixed: int
    per_image: int

    def total(self, batch_size: int) -> int:
        """Returns the memory in bytes of a step with a batch of `batch_size` images."""
        return round((self.fixed + self.per_image * batch_size) * MARGIN)

    def largest_batch(self, memory: int) -> int:
        """Returns the largest batch size that fits into `memory` bytes of a device; at least 1."""
        return max(1, int((memory * USABLE / MARGIN - self.fixed) // self.per_image))


def estimate_memory(
    network: paddle.nn.Layer, input_size: tuple[int, int], *, moments: int = 2, ema: bool = False
) -> MemoryEstimate:
    """Returns the memory that training a network needs, counted in one forward of one image.

    Every tensor that autograd saves for the backward pass is counted once. The network's running
    statistics are left as they were.

    Args:
        network: Network to train, in float32.
        input_size: (width, height) of the input in px.
        moments: Number of tensors that the optimizer keeps for each weight; 2 for Adam.
        ema: Whether an average of the weights is kept.

    Example:
        >>> class Network(paddle.nn.Layer):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.conv = paddle.nn.Conv2D(3, 8, 1, bias_attr=False)
        ...     def forward(self, image):
        ...         return self.conv(image.astype("float32").transpose([0, 3, 1, 2])).exp()
        >>> estimate = estimate_memory(Network(), (10, 20))
        >>> estimate.fixed == 3 * 8 * 4 * (2 + 2)
        True
        >>> estimate.per_image == 10 * 20 * (3 + 8) * 4  # input of the convolution, result of exp
        True
    """
    weights = sum(int(np.prod(tensor.shape)) for tensor in network.parameters())
    owned = {tensor.data_ptr() for tensor in network.state_dict().values()}
    kept: dict[int, paddle.Tensor] = {}  # holding a tensor keeps its address from being used again

    def pack(tensor: paddle.Tensor) -> paddle.Tensor:
        kept[tensor.data_ptr()] = tensor
        return tensor

    statistics = [
        (tensor, tensor.clone()) for tensor in network.state_dict().values() if tensor.stop_gradient
    ]
    training = network.training
    network.train()
    width, height = input_size
    try:
        with paddle.autograd.saved_tensors_hooks(pack, lambda tensor: tensor):
            network(paddle.zeros([1, height, width, 3], "uint8"))
    finally:
        if not training:
            network.eval()
        for tensor, value in statistics:
            tensor.set_value(value)
    per_image = sum(
        int(np.prod(tensor.shape)) * tensor.element_size()
        for address, tensor in kept.items()
        if address not in owned
    )
    return MemoryEstimate(weights * FLOAT32 * (2 + moments + ema), per_image)


@dataclass(frozen=True)
class CheckpointSize:
    """Size of a checkpoint in bytes.

    Attributes:
        weights: Weights in float32, which are also what is saved as the best ones.
        total: Weights, optimizer moments and averaged weights.
    """

    weights: int
    total: int


def checkpoint_size(
    network: paddle.nn.Layer, *, moments: int = 2, ema: bool = False
) -> CheckpointSize:
    """Returns the size of a checkpoint of a network's training.

    Args:
        network: Network to train; frozen parameters have no moments.
        moments: Number of tensors that the optimizer keeps for each weight; 2 for Adam.
        ema: Whether an average of the weights is kept.

    Example:
        >>> checkpoint_size(paddle.nn.Linear(4, 5))
        CheckpointSize(weights=100, total=300)
    """
    tensors = network.state_dict().values()
    weights = FLOAT32 * sum(tensor.size for tensor in tensors)
    trained = FLOAT32 * sum(tensor.size for tensor in tensors if not tensor.stop_gradient)
    return CheckpointSize(weights, weights * (1 + ema) + trained * moments)


def device_memory() -> int | None:
    """Returns the total memory in bytes of the GPU that Paddle computes on; None on a CPU."""
    device = paddle.device.get_device()
    if not device.startswith("gpu"):
        return None
    return int(paddle.device.cuda.get_device_properties(device).total_memory)
