"""MobileNetV2 as a backbone: inverted residuals with linear bottlenecks; features at four strides.

Source: Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks, CVPR 2018.
Checked against: Google's MoveNet Lightning, operation by operation
    (tests/parity/test_movenet_parity.py), and the names and shapes of Google's ImageNet network and
    of fire717's MoveNet in Paddle.
Differs: there is no pooling and no classifier. The variants of fire717's backbone are chosen by
    arguments.
"""

from collections.abc import Callable
from functools import partial
from typing import Literal

import paddle.nn.functional as F
from paddle import Tensor, nn

from paddle_pose.errors import InputError
from paddle_pose.models.layers import Conv2D
from paddle_pose.models.layers import batch_norm as new_batch_norm
from paddle_pose.models.movenet_sizes import (
    BLOCKS,
    CHANNELS,
    FIRST_CHANNELS,
    STEM_CHANNELS,
    STRIDES,
    TOP_CHANNELS,
    scaled,
)

Activation = Callable[[Tensor], Tensor]
"""Function applied to every element of a tensor; the result has the same shape."""
Expansion = Literal["block", "stage"]
Padding = Literal["same", "symmetric"]


class ConvUnit(nn.Layer):
    """Convolution, optional batch normalisation and optional activation.

    The convolution is padded so that the output has the size of the input divided by the stride.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        kernel: Side of the square kernel, 1 or 3.
        stride: Stride of the convolution, 1 or 2.
        groups: Groups of the convolution; `in_channels` makes it depthwise.
        bias: Whether the convolution has a bias; None adds one unless `batch_norm` is set.
        batch_norm: Whether a batch normalisation follows the convolution.
        activation: Activation function applied last; None applies none.
        padding: Padding of 3x3 convolutions with stride 2: "symmetric" pads every side by one cell;
            "same" pads the right and the bottom only, as TensorFlow does for even sizes, which
            centres the kernels on odd cells.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        *,
        bias: bool | None = None,
        batch_norm: bool = False,
        activation: Activation | None = None,
        padding: Padding = "symmetric",
    ) -> None:
        super().__init__()
        # Top, bottom, left, right. F.pad is not used: an ONNX file with several of them gives
        # different results.
        border = [0, 1, 0, 1] if stride == 2 and padding == "same" else kernel // 2
        has_bias = not batch_norm if bias is None else bias
        self.conv = Conv2D(
            in_channels,
            out_channels,
            kernel,
            stride=stride,
            padding=border,
            groups=groups,
            bias=has_bias,
        )
        nn.initializer.KaimingNormal()(self.conv.weight)
        self.bn = new_batch_norm(out_channels) if batch_norm else None
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """Returns [N, out_channels, h / stride, w / stride] for [N, in_channels, h, w].

        h and w must be multiples of the stride.
        """
        x = self.conv(x) if self.bn is None else self.bn(self.conv(x))
        return x if self.activation is None else self.activation(x)


class InvertedResidual(nn.Layer):
    """Inverted residual: 1x1 expansion, depthwise 3x3 and linear 1x1 projection.

    The result is added to the input where both have the same shape.

    Args:
        in_channels: Channels of the input.
        hidden: Channels of the depthwise convolution; if equal to `in_channels`, there is no
            expansion.
        out_channels: Channels of the output.
        stride: Stride of the depthwise convolution.
        depthwise_bias: Argument `bias` of the depthwise `ConvUnit`.
        batch_norm: Whether a batch normalisation follows each of the three convolutions.
        activation: Activation function of the expansion and of the depthwise convolution.
        padding: Argument `padding` of the depthwise `ConvUnit`.
    """

    def __init__(
        self,
        in_channels: int,
        hidden: int,
        out_channels: int,
        stride: int,
        *,
        depthwise_bias: bool | None,
        batch_norm: bool,
        activation: Activation,
        padding: Padding,
    ) -> None:
        super().__init__()
        self.expand = None
        if hidden != in_channels:
            self.expand = ConvUnit(
                in_channels, hidden, batch_norm=batch_norm, activation=activation
            )
        self.depthwise = ConvUnit(
            hidden,
            hidden,
            kernel=3,
            stride=stride,
            groups=hidden,
            bias=depthwise_bias,
            batch_norm=batch_norm,
            activation=activation,
            padding=padding,
        )
        self.project = ConvUnit(hidden, out_channels, batch_norm=batch_norm)
        self.residual = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        """Returns [N, out_channels, h / stride, w / stride] for [N, in_channels, h, w].

        h and w must be multiples of the stride.
        """
        y = x if self.expand is None else self.expand(x)  # N, hidden, h, w
        y = self.project(self.depthwise(y))  # N, out_channels, h / stride, w / stride
        return x + y if self.residual else y


class MobileNetV2(nn.Layer):
    """MobileNetV2: stem, first block, six stages of inverted residuals, and a last 1x1 convolution.

    Args:
        width: Width multiplier of all channels except those of the last convolution.
        expansion: Number of channels that is multiplied by six inside every block but the first of
            a stage: "block" takes the channels of the block's input, "stage" those of the stage's
            input, which are fewer (fire717's MoveNet).
        activation: Activation function, "relu6" or "relu".
        padding: Padding of convolutions with stride 2, see `ConvUnit`.
        batch_norm: Whether batch normalisations follow the convolutions; otherwise the convolutions
            have biases, as in published weights with folded batch normalisations.
        share_residuals: Whether the residual blocks of a stage are one block with one set of
            weights that runs several times.

    Attributes:
        out_channels: Channels of the features at strides 4, 8, 16 and 32.
        repeats: Number of times that each block of `blocks` runs.
        taps: Index in `blocks` of the last block of each of the six stages.

    Raises:
        InputError: If an argument has another value.
    """

    def __init__(
        self,
        width: float = 1.0,
        expansion: Expansion = "block",
        activation: Literal["relu6", "relu"] = "relu6",
        padding: Padding = "same",
        batch_norm: bool = True,
        share_residuals: bool = False,
    ) -> None:
        super().__init__()
        if not width > 0:
            raise InputError(f"width={width}: expected a positive factor")
        activations: dict[str, Activation] = {"relu6": F.relu6, "relu": F.relu}
        if (
            activation not in activations
            or padding not in ("same", "symmetric")
            or expansion not in ("block", "stage")
        ):
            raise InputError(
                f"activation={activation!r}, padding={padding!r}, expansion={expansion!r}: expected"
                " relu6 or relu, same or symmetric, block or stage"
            )
        act = activations[activation]
        block = partial(InvertedResidual, batch_norm=batch_norm, activation=act, padding=padding)
        channels = scaled(STEM_CHANNELS, width)
        before = scaled(FIRST_CHANNELS, width)
        self.stem = ConvUnit(
            3,
            channels,
            kernel=3,
            stride=2,
            batch_norm=batch_norm,
            activation=act,
            padding=padding,
        )
        layers = [block(channels, channels, before, stride=1, depthwise_bias=None)]
        self.repeats = [1]  # number of times that each block runs
        self.taps: list[int] = []  # index of the last block of every stage
        for after, stride, count in zip(
            (scaled(c, width) for c in CHANNELS), STRIDES, BLOCKS, strict=True
        ):
            hidden = 6 * (before if expansion == "stage" else after)
            # As published: in fire717's network, depthwise convolutions that begin a stage have a
            # bias before their normalisation.
            bias = True if expansion == "stage" else None
            layers.append(block(before, 6 * before, after, stride=stride, depthwise_bias=bias))
            # As published: with shared residuals, fire717's network contains the shared block even
            # where a stage runs it zero times.
            residuals = [count - 1] if share_residuals else [1] * (count - 1)
            layers += [
                block(after, hidden, after, stride=1, depthwise_bias=None) for _ in residuals
            ]
            self.repeats += [1, *residuals]
            self.taps.append(len(layers) - 1)
            before = after
        self.blocks = nn.LayerList(layers)
        self.out_channels = [*(scaled(c, width) for c in CHANNELS[:3]), TOP_CHANNELS]
        self.top = ConvUnit(before, TOP_CHANNELS, batch_norm=batch_norm, activation=act)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Returns the features at strides 4, 8, 16 and 32 for normalised images.

        Args:
            x: [N, 3, H, W], H and W multiples of 32.

        Returns:
            Four tensors [N, C, H / s, W / s] with s = 4, 8, 16, 32 and C from `out_channels`.
        """
        x = self.stem(x)  # N, C, H / 2, W / 2
        features = []
        for index, block in enumerate(self.blocks):
            for _ in range(self.repeats[index]):
                x = block(x)
            if index in self.taps[:3]:
                features.append(x)  # N, C, H / s, W / s; s = 4, 8, 16
        return [*features, self.top(x)]  # N, 1280, H / 32, W / 32
