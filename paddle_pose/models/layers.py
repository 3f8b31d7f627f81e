"""Layers shared by several pose networks.

All of them are exported to ONNX without interpolation operators. Batch normalisation uses the
published settings: running = 0.9 * running + 0.1 * batch, epsilon 1e-5. (Paddle's `momentum` is the
weight of the *old* value, PyTorch's the weight of the new one: Paddle's 0.9 is PyTorch's 0.1.)
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
    """Raises an error if a batch of images does not have the shape that a network expects.

    Args:
        images: Batch of images, expected [N, H, W, 3].
        multiple: Number of px that H and W must be multiples of.

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
    """Normalises raw RGB images as in the network's training; adds no entries to the state dict.

    Every channel becomes `(scale * value - mean) / std`, in the channel order that the network
    expects.

    Args:
        mean: Mean of each of the network's three channels, after scaling.
        std: Standard deviation of each of the network's three channels, after scaling.
        order: Channel order that the network expects. The input is always RGB: "bgr" reverses the
            channels first, so that `mean[0]` applies to blue. (SimpleBaseline's published weights
            expect BGR, with the numbers of RGB.)
        scale: Factor applied to the values 0..255 before the mean is subtracted.

    Raises:
        InputError: If `order` is neither "rgb" nor "bgr", `mean` or `std` is not three numbers, or
            a standard deviation is not positive.

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
        # Transposed first: scaling is several times as fast on planes as on interleaved channels.
        x = images.transpose([0, 3, 1, 2]).astype("float32")  # N, 3, H, W
        if self.order == "bgr":
            x = paddle.concat([x[:, 2:], x[:, 1:2], x[:, :1]], axis=1)
        return x * self.factor + self.offset  # N, 3, H, W


class Conv2D(nn.Conv2D):
    """Paddle's convolution, which adds its bias in a tenth of the time on a CPU.

    Paddle 3.3.1 adds a bias to the channels by a slow broadcast, which takes longer than a 1x1
    convolution; the same sum with the bias copied to every cell is bit-identical.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        kernel: Side of the square kernel.
        stride: Stride of the convolution.
        padding: Padding in cells of all sides, or of top, bottom, left and right.
        groups: Groups of the convolution; `in_channels` makes it depthwise.
        bias: Whether a bias is added.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int,
        stride: int = 1,
        padding: int | list[int] = 0,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        self._arguments = {"stride": stride, "padding": padding, "groups": groups}
        bias_attr = None if bias else False
        super().__init__(in_channels, out_channels, kernel, bias_attr=bias_attr, **self._arguments)

    def forward(self, x: Tensor) -> Tensor:
        """Returns the convolution of [N, in_channels, h, w]."""
        # While Paddle records a program for export, a tensor has no place.
        if self.bias is None or not paddle.in_dynamic_mode() or not x.place.is_cpu_place():
            return super().forward(x)
        y = F.conv2d(x, self.weight, **self._arguments)
        return y + self.bias.reshape([1, -1, 1, 1]).expand(y.shape)


class ConvBN(nn.Layer):
    """Convolution without bias (padded to keep the size), batch normalisation, activation.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        kernel: Side of the square kernel, odd.
        stride: Stride of the convolution.
        groups: Groups of the convolution; `in_channels` makes it depthwise.
        activation: Activation function applied last; None returns the normalised values.
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
        self.conv = conv(in_channels, out_channels, kernel, stride=stride, groups=groups)
        self.bn = batch_norm(out_channels)
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """Returns [N, out_channels, h / stride, w / stride] for [N, in_channels, h, w]."""
        x = self.bn(self.conv(x))
        return x if self.activation is None else self.activation(x)


class BasicBlock(nn.Layer):
    """ResNet's block of two 3x3 convolutions, activated after the sum.

    Source: He et al., Deep Residual Learning for Image Recognition, CVPR 2016, figure 5 left; the
        shortcut is the identity, or a 1x1 convolution where the stride or the channels change
        (option B of the paper).

    Args:
        in_channels: Channels of the input.
        channels: Channels of the output.
        stride: Stride of the first convolution.
    """

    expansion = 1

    def __init__(self, in_channels: int, channels: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = conv(in_channels, channels, kernel=3, stride=stride)
        self.bn1 = batch_norm(channels)
        self.conv2 = conv(channels, channels, kernel=3)
        self.bn2 = batch_norm(channels)
        self.downsample = shortcut(in_channels, channels, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Returns [N, channels, h / stride, w / stride] for [N, in_channels, h, w]."""
        y = F.relu(self.bn1(self.conv1(x)))  # N, channels, h / stride, w / stride
        y = self.bn2(self.conv2(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class UpsampleNearest2x(nn.Layer):
    """Doubles the size of a map by nearest-neighbour interpolation: every cell becomes 2x2 cells.

    Implemented with reshape and tile because ONNX export fails on Paddle's interpolation; this is
    also three times as fast on a CPU.

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
    """Doubles the size of a map by bilinear interpolation.

    With `align_corners=False` every new cell is 3/4 of the cell it lies in plus 1/4 of the nearest
    other cell; cells of the border are repeated outside. With `align_corners=True` the new cells
    divide the distance between the first and the last cell evenly. Implemented as two matrix
    products because ONNX export fails on Paddle's interpolation; this is as fast on a CPU.

    Args:
        align_corners: Whether the corner cells stay at the corners, as in Paddle's interpolation.

    Example:
        >>> UpsampleBilinear2x()(paddle.to_tensor([[[[0.0, 4.0]]]])).tolist()
        [[[[0.0, 1.0, 3.0, 4.0], [0.0, 1.0, 3.0, 4.0]]]]
        >>> UpsampleBilinear2x(align_corners=True)(paddle.to_tensor([[[[0.0, 3.0]]]])).tolist()
        [[[[0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 2.0, 3.0]]]]
    """

    def __init__(self, align_corners: bool = False) -> None:
        super().__init__()
        self._align_corners = align_corners

    def forward(self, x: Tensor) -> Tensor:
        """Returns [N, C, 2h, 2w] for [N, C, h, w]."""
        # While Paddle records a program for export there are no tensors that could be kept.
        matrix = _bilinear_tensor if paddle.in_dynamic_mode() else _bilinear_tensor.__wrapped__
        device = paddle.get_device()
        _, channels, height, width = x.shape
        down, across = (
            matrix(side, self._align_corners, x.dtype, device) for side in (height, width)
        )
        # Paddle 3.3.1 with oneDNN computes wrong products of what a convolution returns, unless it
        # is reshaped in between.
        x = x.reshape([-1, height, width])
        x = paddle.matmul(down, paddle.matmul(x, across, transpose_y=True))
        return x.reshape([-1, channels, 2 * height, 2 * width])


@cache
def _bilinear_tensor(side: int, align_corners: bool, dtype: paddle.dtype, device: str) -> Tensor:
    """Returns `_bilinear_matrix` as a tensor; it is copied to a device once, not in every forward.

    Args:
        side: Number of cells of a row.
        align_corners: See `UpsampleBilinear2x`.
        dtype: Type of the tensor.
        device: Device that Paddle computes on.
    """
    return paddle.to_tensor(_bilinear_matrix(side, align_corners)).astype(dtype)


@cache
def _bilinear_matrix(side: int, align_corners: bool) -> np.ndarray:
    """Returns the matrix [2 * side, side] that doubles a row of `side` cells by interpolation.

    Args:
        side: Number of cells of a row.
        align_corners: See `UpsampleBilinear2x`.
    """
    if align_corners:
        positions = np.arange(2 * side) * (side - 1) / (2 * side - 1)
    else:
        positions = np.clip((np.arange(2 * side) - 0.5) / 2, 0, side - 1)
    distances = np.abs(positions[:, None] - np.arange(side))
    return np.maximum(1 - distances, 0).astype(np.float32)


def conv(
    in_channels: int, out_channels: int, kernel: int, stride: int = 1, groups: int = 1
) -> nn.Conv2D:
    """Returns a convolution with padding `kernel // 2` and no bias.

    A batch normalisation should follow, whose shift replaces the bias.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        kernel: Side of the square kernel, odd.
        stride: Stride of the convolution.
        groups: Groups of the convolution; `in_channels` makes it depthwise.
    """
    return nn.Conv2D(
        in_channels,
        out_channels,
        kernel,
        stride=stride,
        padding=kernel // 2,
        groups=groups,
        bias_attr=False,
    )


def batch_norm(channels: int) -> nn.BatchNorm2D:
    """Returns a batch normalisation with the settings of all networks here, see the module."""
    return nn.BatchNorm2D(channels, momentum=0.9, epsilon=1e-5)


def shortcut(in_channels: int, out_channels: int, stride: int) -> nn.Sequential | None:
    """Returns the 1x1 convolution and batch normalisation of a residual block's shortcut.

    It is None, for the identity, if the stride is 1 and the channels do not change.
    """
    if stride == 1 and in_channels == out_channels:
        return None
    projection = conv(in_channels, out_channels, kernel=1, stride=stride)
    return nn.Sequential(projection, batch_norm(out_channels))


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
        self.conv1 = conv(in_channels, channels, kernel=1)
        self.bn1 = batch_norm(channels)
        self.conv2 = conv(channels, channels, kernel=3, stride=stride)
        self.bn2 = batch_norm(channels)
        self.conv3 = conv(channels, out_channels, kernel=1)
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
    """Returns a sequence of residual blocks, of which the first changes stride and channels.

    Args:
        block: Class of the blocks.
        in_channels: Channels of the input.
        channels: Argument `channels` of every block; the output has `block.expansion` times as
            many channels.
        blocks: Number of blocks.
        stride: Stride of the first block; the others have stride 1.
    """
    out_channels = channels * block.expansion
    first = block(in_channels, channels, stride)
    return nn.Sequential(first, *[block(out_channels, channels) for _ in range(blocks - 1)])
