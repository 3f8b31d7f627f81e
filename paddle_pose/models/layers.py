"""Layers that several pose networks share.

Everything here is exported to ONNX without interpolation operators, and every batch normalisation
is the published one: running = 0.9 * running + 0.1 * batch, epsilon 1e-5. (Paddle's `momentum` is
the share of the *old* value, PyTorch's the share of the new one: Paddle's 0.9 is PyTorch's 0.1.)
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Literal

import numpy as np
import paddle
import paddle.nn.functional as F
from paddle import Tensor, nn

from paddle_pose.errors import InputError

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def check_images(images: Tensor, multiple: int) -> None:
    """Refuses a batch of images that a network cannot take.

    Args:
        images: [N, H, W, 3].
        multiple: What H and W must be multiples of, in px.

    Raises:
        InputError: If the shape is not [N, H, W, 3] or a side is not a multiple of `multiple`.
    """
    shape = tuple(images.shape)
    if len(shape) != 4 or shape[3] != 3:
        raise InputError(
            f"images have shape {shape}; expected [N, H, W, 3], RGB with the channels last"
        )
    height, width = shape[1:3]
    if min(height, width) < multiple or height % multiple or width % multiple:
        raise InputError(
            f"images are {width}x{height} px (width x height); this network needs sides that are"
            f" fixed multiples of {multiple}: choose another input_size"
        )


class Normalize(nn.Layer):
    """Turns raw RGB images into what a network was trained on; has no entries in the state dict.

    Every channel becomes `(scale * value - mean) / std`, in the order the network expects its
    channels.

    Args:
        mean: One number per channel of the network, after scaling.
        std: One number per channel of the network, after scaling.
        order: The channel order the network expects. The images stay RGB: "bgr" swaps them here,
            then applies the first `mean` to blue. (SimpleBaseline's published weights: BGR, with
            the numbers of RGB.)
        scale: What the values 0..255 are multiplied with first.

    Raises:
        InputError: If `order` is neither "rgb" nor "bgr", or there are not three numbers, or a
            deviation is not positive.

    Example:
        >>> images = paddle.full([1, 2, 2, 3], 255, dtype="uint8")
        >>> Normalize(mean=(0.5, 0.5, 0.0), std=(0.5, 0.25, 1.0))(images)[0, :, 0, 0].tolist()
        [1.0, 2.0, 1.0]
    """

    def __init__(
        self,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
        order: Literal["rgb", "bgr"] = "rgb",
        scale: float = 1 / 255,
    ) -> None:
        super().__init__()
        if order not in ("rgb", "bgr"):
            raise InputError(f"order is {order!r}; expected 'rgb' or 'bgr'")
        if len(mean) != 3 or len(std) != 3 or min(std) <= 0:
            raise InputError(
                f"mean {tuple(mean)} and std {tuple(std)} must be three numbers each, std positive"
            )
        self.order = order
        factor = paddle.to_tensor([scale / s for s in std], dtype="float32")
        offset = paddle.to_tensor([-m / s for m, s in zip(mean, std, strict=True)], dtype="float32")
        self.register_buffer("factor", factor.reshape([3, 1, 1]), persistable=False)
        self.register_buffer("offset", offset.reshape([3, 1, 1]), persistable=False)

    def forward(self, images: Tensor) -> Tensor:
        """Returns float32 [N, 3, H, W] for images [N, H, W, 3], uint8 or float, RGB, 0..255."""
        # Planes first: they are scaled several times as fast as triples of pixels.
        x = images.transpose([0, 3, 1, 2]).astype("float32")  # N, 3, H, W
        if self.order == "bgr":
            x = paddle.concat([x[:, 2:], x[:, 1:2], x[:, :1]], axis=1)
        return x * self.factor + self.offset  # N, 3, H, W


class ConvBN(nn.Layer):
    """Convolution without bias (padded to keep the size), batch normalisation, activation.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        kernel: Side of the square kernel, odd.
        stride: Stride.
        groups: Groups of the convolution; `in_channels` makes it depthwise.
        activation: Applied last; None leaves the normalised values.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int,
        stride: int = 1,
        groups: int = 1,
        activation: Callable[[Tensor], Tensor] | None = F.relu,
    ) -> None:
        super().__init__()
        self.conv = conv(in_channels, out_channels, kernel, stride, groups)
        self.bn = batch_norm(out_channels)
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """Returns [N, out_channels, h / stride, w / stride] for [N, in_channels, h, w]."""
        x = self.bn(self.conv(x))
        return x if self.activation is None else self.activation(x)


class BasicBlock(nn.Layer):
    """ResNet's block of two 3x3 convolutions, activated after the sum.

    Source: He et al., Deep Residual Learning for Image Recognition, CVPR 2016, figure 5 left; the
        shortcut is the
    identity, or a 1x1 convolution where the stride or the channels change (their option B).

    Args:
        in_channels: Channels of the input.
        channels: Channels of the output.
        stride: Stride of the first convolution.
    """

    expansion = 1

    def __init__(self, in_channels: int, channels: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = conv(in_channels, channels, 3, stride)
        self.bn1 = batch_norm(channels)
        self.conv2 = conv(channels, channels, 3)
        self.bn2 = batch_norm(channels)
        self.downsample = shortcut(in_channels, channels, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Returns [N, channels, h / stride, w / stride] for [N, in_channels, h, w]."""
        y = F.relu(self.bn1(self.conv1(x)))  # N, channels, h / stride, w / stride
        y = self.bn2(self.conv2(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class UpsampleNearest2x(nn.Layer):
    """Doubles a map by repeating every cell in both directions.

    Written as reshape and tile because ONNX export fails on Paddle's interpolation; it is also
    three times faster on a CPU.

    Example:
        >>> UpsampleNearest2x()(paddle.to_tensor([[[[1.0, 2.0]]]])).tolist()
        [[[[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 2.0, 2.0]]]]
    """

    def forward(self, x: Tensor) -> Tensor:
        """Returns [N, C, 2h, 2w] for [N, C, h, w]."""
        _, channels, height, width = x.shape
        x = x.reshape([-1, channels, height, 1, width, 1])
        x = x.tile([1, 1, 1, 2, 1, 2])  # N, C, h, 2, w, 2
        return x.reshape([-1, channels, 2 * height, 2 * width])  # N, C, 2h, 2w


class UpsampleBilinear2x(nn.Layer):
    """Doubles a map bilinearly, cell centres at halves (`align_corners=False`); the border is repeated.

    Every new cell is 3/4 of the one it lies in and 1/4 of the nearer neighbour. Written as two products with a matrix because
    ONNX export fails on Paddle's interpolation; it is as fast on a CPU.

    Example:
        >>> UpsampleBilinear2x()(paddle.to_tensor([[[[0.0, 4.0]]]])).tolist()
        [[[[0.0, 1.0, 3.0, 4.0], [0.0, 1.0, 3.0, 4.0]]]]
    """

    def forward(self, x: Tensor) -> Tensor:
        """Returns [N, C, 2h, 2w] for [N, C, h, w]."""
        down, across = (paddle.to_tensor(_doubling(side)).astype(x.dtype) for side in x.shape[2:])
        return paddle.matmul(down, paddle.matmul(x, across, transpose_y=True))


@cache
def _doubling(side: int) -> np.ndarray:
    """Returns the matrix [2 * side, side] that doubles a line of so many cells."""
    near = np.eye(side).repeat(2, axis=0)
    far = np.stack([np.eye(side, k=-1), np.eye(side, k=1)], axis=1).reshape(2 * side, side)
    far[0, 0] = far[-1, -1] = 1
    return (0.75 * near + 0.25 * far).astype(np.float32)


def conv(
    in_channels: int, out_channels: int, kernel: int, stride: int = 1, groups: int = 1
) -> nn.Conv2D:
    """Returns a convolution that keeps the size (up to its stride), without bias: BN follows."""
    padding = kernel // 2
    return nn.Conv2D(
        in_channels, out_channels, kernel, stride, padding, groups=groups, bias_attr=False
    )


def batch_norm(channels: int) -> nn.BatchNorm2D:
    """Returns the batch normalisation of every network here; 0.9 of the old statistics stay."""
    return nn.BatchNorm2D(channels, momentum=0.9, epsilon=1e-5)


def shortcut(in_channels: int, out_channels: int, stride: int) -> nn.Sequential | None:
    """Returns a residual block's projection (1x1, BN), or None where the identity fits."""
    if stride == 1 and in_channels == out_channels:
        return None
    return nn.Sequential(conv(in_channels, out_channels, 1, stride), batch_norm(out_channels))


class Bottleneck(nn.Layer):
    """ResNet's block of 1x1, 3x3 and 1x1 convolutions, activated after the sum.

    Source: He et al., Deep Residual Learning for Image Recognition, CVPR 2016, figure 5 right.
    Differs: the 3x3 convolution has the stride, not the first 1x1, as in torchvision and every
        published pose checkpoint.

    Args:
        in_channels: Channels of the input.
        channels: Channels of the 3x3 convolution; the output has four times as many.
        stride: Stride of the 3x3 convolution.
    """

    expansion = 4

    def __init__(self, in_channels: int, channels: int, stride: int = 1) -> None:
        super().__init__()
        out_channels = channels * self.expansion
        self.conv1 = conv(in_channels, channels, 1)
        self.bn1 = batch_norm(channels)
        self.conv2 = conv(channels, channels, 3, stride)
        self.bn2 = batch_norm(channels)
        self.conv3 = conv(channels, out_channels, 1)
        self.bn3 = batch_norm(out_channels)
        self.downsample = shortcut(in_channels, out_channels, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Returns [N, 4 channels, h / stride, w / stride] for [N, in_channels, h, w]."""
        y = F.relu(self.bn1(self.conv1(x)))  # N, channels, h, w
        y = F.relu(self.bn2(self.conv2(y)))  # N, channels, h / stride, w / stride
        y = self.bn3(self.conv3(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


def residual_layer(
    block: type[BasicBlock] | type[Bottleneck],
    in_channels: int,
    channels: int,
    blocks: int,
    stride: int = 1,
) -> nn.Sequential:
    """Returns `blocks` residual blocks in a row; the first has the stride and changes the channels."""
    out_channels = channels * block.expansion
    first = block(in_channels, channels, stride)
    return nn.Sequential(first, *[block(out_channels, channels) for _ in range(blocks - 1)])
