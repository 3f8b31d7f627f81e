"""MobileNetV2 as a backbone: inverted residuals with linear bottlenecks, the features of four strides.

Source: Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks, CVPR 2018.
Checked against: Google's MoveNet Lightning, operation by operation (tests/parity/test_movenet_parity.py), and the names
    and shapes of Google's ImageNet network and of the original Paddle MoveNet.
Differs: no pooling and no classifier. What the original MoveNet has instead of MobileNetV2 are values of the arguments.
"""

from collections.abc import Callable
from functools import partial
from typing import Literal

import paddle.nn.functional as F
from paddle import Tensor, nn

from paddle_pose.errors import InputError
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
Expansion = Literal["block", "stage"]
Padding = Literal["same", "symmetric"]


class ConvUnit(nn.Layer):
    """A convolution, padded so that only its stride changes the size; normalisation and activation if wanted.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        kernel: 1 or 3, side of the kernel.
        stride: 1 or 2.
        groups: Groups of the convolution; `in_channels` makes it depthwise.
        bias: Whether the convolution has one; None where no normalisation follows.
        batch_norm: Whether a normalisation follows.
        activation: Applied last, or None.
        padding: Where a 3x3 of stride 2 gets its border: "symmetric" pads every side by one cell, "same" right and
            bottom alone, as TensorFlow does for even sizes: its kernels stand on odd cells.
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
        # Above, below, left, right. Not by F.pad: an ONNX file of several of those answers something else.
        border = [0, 1, 0, 1] if stride == 2 and padding == "same" else kernel // 2
        has_bias = not batch_norm if bias is None else bias
        self.conv = nn.Conv2D(
            in_channels,
            out_channels,
            kernel,
            stride,
            border,
            groups=groups,
            bias_attr=None if has_bias else False,
        )
        nn.initializer.KaimingNormal()(self.conv.weight)
        self.bn = new_batch_norm(out_channels) if batch_norm else None
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """Returns [N, out_channels, h / stride, w / stride] for [N, in_channels, h, w]."""
        x = self.conv(x) if self.bn is None else self.bn(self.conv(x))
        return x if self.activation is None else self.activation(x)


class InvertedResidual(nn.Layer):
    """1x1 to many channels, depthwise 3x3, linear 1x1 to few; added to the input where both have one shape.

    Args:
        in_channels: Channels of the input.
        hidden: Channels between; if they are the input's, there is no first 1x1.
        out_channels: Channels of the output.
        stride: Of the depthwise convolution.
        depthwise_bias: See `ConvUnit`, as are the next three.
        batch_norm: Of all three.
        activation: Of the first two.
        padding: Of the depthwise convolution.
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
            *(hidden, hidden, 3, stride, hidden),
            bias=depthwise_bias,
            batch_norm=batch_norm,
            activation=activation,
            padding=padding,
        )
        self.project = ConvUnit(hidden, out_channels, batch_norm=batch_norm)
        self.residual = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        """Returns [N, out_channels, h / stride, w / stride] for [N, in_channels, h, w]."""
        y = x if self.expand is None else self.expand(x)  # N, hidden, h, w
        y = self.project(self.depthwise(y))  # N, out_channels, h / stride, w / stride
        return x + y if self.residual else y


class MobileNetV2(nn.Layer):
    """A stem, a first block and six stages of inverted residuals, and a last 1x1.

    Args:
        width: Factor of all channels but the last.
        expansion: A residual's six-fold expansion is of its own input ("block"), or of the first input of its stage
            ("stage", the original MoveNet), which has fewer channels.
        activation: "relu6" or "relu".
        padding: See `ConvUnit`.
        batch_norm: Whether normalisations follow the convolutions; without them the convolutions have biases, the form
            of published weights with their normalisation folded in.
        share_residuals: Whether the residuals of a stage are one block with one set of weights, run several times.

    Raises:
        InputError: If a value does not describe a network.
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
                f"activation={activation!r}, padding={padding!r}, expansion={expansion!r}: expected relu6 or relu, "
                "same or symmetric, block or stage"
            )
        act = activations[activation]
        block = partial(InvertedResidual, batch_norm=batch_norm, activation=act, padding=padding)
        channels, before = scaled(STEM_CHANNELS, width), scaled(FIRST_CHANNELS, width)
        self.stem = ConvUnit(
            3, channels, 3, 2, batch_norm=batch_norm, activation=act, padding=padding
        )
        layers = [block(channels, channels, before, 1, depthwise_bias=None)]
        self.repeats = [1]  # how often each block runs
        self.taps: list[int] = []  # the last block of every stage
        for after, stride, count in zip(
            (scaled(c, width) for c in CHANNELS), STRIDES, BLOCKS, strict=True
        ):
            hidden = 6 * (before if expansion == "stage" else after)
            # As published: the original's blocks with a stride have a bias before their normalisation.
            bias = True if expansion == "stage" else None
            layers.append(block(before, 6 * before, after, stride, depthwise_bias=bias))
            # As published: the original builds the shared block even where a stage has no residual.
            residuals = [count - 1] if share_residuals else [1] * (count - 1)
            layers += [block(after, hidden, after, 1, depthwise_bias=None) for _ in residuals]
            self.repeats += [1, *residuals]
            self.taps.append(len(layers) - 1)
            before = after
        self.blocks = nn.LayerList(layers)
        self.out_channels = [*(scaled(c, width) for c in CHANNELS[:3]), TOP_CHANNELS]
        self.top = ConvUnit(before, TOP_CHANNELS, batch_norm=batch_norm, activation=act)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Returns the features of strides 4, 8, 16 and 32, of `out_channels`, for [N, 3, H, W]."""
        x = self.stem(x)  # N, C, H / 2, W / 2
        features = []
        for index, block in enumerate(self.blocks):
            for _ in range(self.repeats[index]):
                x = block(x)
            if index in self.taps[:3]:
                features.append(x)  # N, C, H / s, W / s; s = 4, 8, 16
        return [*features, self.top(x)]  # N, 1280, H / 32, W / 32
