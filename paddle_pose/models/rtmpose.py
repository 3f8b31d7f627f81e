"""RTMPose: a CSPNeXt backbone and a head that predicts one vector per joint and axis (SimCC).

Source: Jiang et al., RTMPose: Real-Time Multi-Person Pose Estimation based on MMPose, 2023; Lyu et
    al., RTMDet, 2022 (CSPNeXt); Hua et al., Transformer Quality in Linear Time, ICML 2022 (the
    gated attention unit); Li et al., SimCC, ECCV 2022 (the two vectors).
Checked against: names, shapes, vectors, the flip test and six training losses of MMPose 1.3.2
    (tests/parity/test_rtmpose_parity.py).
Differs: in nothing; the parameters have MMPose's names.
"""

from math import sqrt

import paddle
import paddle.nn.functional as F
from paddle import Tensor, nn

from paddle_pose.models.layers import ConvBN, Normalize, check_images

MEAN = (123.675, 116.28, 103.53)
STD = (58.395, 57.12, 57.375)
_STAGE_CHANNELS = (128, 256, 512, 1024)  # at widen factor 1
_STAGE_BLOCKS = (3, 6, 6, 3)  # at deepen factor 1
_STEM_CHANNELS = 64
_POOL_SIZES = (5, 9, 13)
_MIN_NORM = 1e-5


def _conv(in_channels: int, out_channels: int, kernel: int, stride: int = 1) -> ConvBN:
    """Returns a convolution with batch normalisation and SiLU."""
    return ConvBN(in_channels, out_channels, kernel, stride=stride, activation=F.silu)


class RTMPose(nn.Layer):
    """CSPNeXt, a 7x7 convolution to K maps, a gated attention unit over the joints, two vectors.

    Args:
        num_joints: Number of joints K.
        input_size: (width, height) of the input in px, multiples of 32; the sizes of some weights
            depend on it.
        deepen: Factor of the number of blocks: 0.167 (t), 0.33 (s), 0.67 (m) or 1 (l).
        widen: Factor of the number of channels: 0.375 (t), 0.5 (s), 0.75 (m) or 1 (l).
        split_ratio: Bins per px of the input.

    Example:
        >>> net = RTMPose(num_joints=3, input_size=(64, 96), deepen=0.167, widen=0.125)
        >>> maps = net(paddle.zeros([1, 96, 64, 3], dtype="uint8"))
        >>> {name: list(values.shape) for name, values in maps.items()}
        {'simcc_x': [1, 3, 128], 'simcc_y': [1, 3, 192]}
    """

    head_layers = ("head",)  # all other sublayers are the backbone

    def __init__(
        self,
        num_joints: int = 17,
        input_size: tuple[int, int] = (192, 256),
        deepen: float = 0.67,
        widen: float = 0.75,
        split_ratio: float = 2.0,
    ) -> None:
        super().__init__()
        self.normalize = Normalize(mean=MEAN, std=STD, scale=1.0)
        self.backbone = CSPNeXt(deepen=deepen, widen=widen)
        self.head = RTMCCHead(
            self.backbone.channels, num_joints, input_size=input_size, split_ratio=split_ratio
        )
        self._input_size = tuple(input_size)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Returns the SimCC vectors of a batch of images.

        Args:
            images: RGB images [N, H, W, 3], 0..255, uint8 or float; H and W as in `input_size`.

        Returns:
            {"simcc_x": [N, K, W * split_ratio], "simcc_y": [N, K, H * split_ratio]}: values of any
            range, before softmax; bin b of an axis is at b / split_ratio px of the input.

        Raises:
            InputError: If `images` has another shape.
        """
        check_images(images, 32)
        return self.head(self.backbone(self.normalize(images)))


class CSPNeXt(nn.Layer):
    """CSPNeXt backbone with four stages; returns the last feature map, of stride 32.

    Args:
        deepen: Factor of the number of blocks in each stage; at least one remains.
        widen: Factor of the number of channels.

    Attributes:
        channels: Channels of the map that `forward` returns.
    """

    def __init__(self, deepen: float, widen: float) -> None:
        super().__init__()
        stem = int(_STEM_CHANNELS * widen)
        self.stem = nn.Sequential(
            _conv(3, stem // 2, kernel=3, stride=2),
            _conv(stem // 2, stem // 2, kernel=3),
            _conv(stem // 2, stem, kernel=3),
        )
        in_channels = stem
        for number, (channels, blocks) in enumerate(
            zip(_STAGE_CHANNELS, _STAGE_BLOCKS, strict=True), start=1
        ):
            out_channels = int(channels * widen)
            is_last = number == len(_STAGE_CHANNELS)
            layers: list[nn.Layer] = [_conv(in_channels, out_channels, kernel=3, stride=2)]
            if is_last:
                layers.append(SpatialPyramidPooling(out_channels))
            layers.append(
                CSPLayer(
                    out_channels, blocks=max(round(blocks * deepen), 1), add_identity=not is_last
                )
            )
            self.add_sublayer(f"stage{number}", nn.Sequential(*layers))
            in_channels = out_channels
        self.channels = in_channels
        for layer in self.sublayers():
            if isinstance(layer, nn.Conv2D):
                nn.initializer.KaimingUniform(negative_slope=sqrt(5), nonlinearity="leaky_relu")(
                    layer.weight
                )

    def forward(self, x: Tensor) -> Tensor:
        """Returns [N, channels, H / 32, W / 32] for normalised images [N, 3, H, W]."""
        x = self.stem(x)  # N, C, H / 2, W / 2
        for stage in (self.stage1, self.stage2, self.stage3, self.stage4):
            x = stage(x)
        return x


class SpatialPyramidPooling(nn.Layer):
    """Concatenates a map with its maxima over 5x5, 9x9 and 13x13 cells.

    Args:
        channels: Channels of input and output.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.conv1 = _conv(channels, half, kernel=1)
        self.conv2 = _conv(half * (len(_POOL_SIZES) + 1), channels, kernel=1)

    def forward(self, x: Tensor) -> Tensor:
        """Returns [N, channels, h, w] for [N, channels, h, w]."""
        x = self.conv1(x)
        pooled = [
            F.max_pool2d(x, kernel_size=size, stride=1, padding=size // 2) for size in _POOL_SIZES
        ]
        return self.conv2(paddle.concat([x, *pooled], axis=1))


class CSPLayer(nn.Layer):
    """Two branches of half the channels, one of them with blocks; concatenated and attended to.

    Args:
        channels: Channels of input and output.
        blocks: Number of blocks in the main branch.
        add_identity: Whether each block adds its input to its output.
    """

    def __init__(self, channels: int, blocks: int, add_identity: bool) -> None:
        super().__init__()
        half = channels // 2
        self.main_conv = _conv(channels, half, kernel=1)
        self.short_conv = _conv(channels, half, kernel=1)
        self.final_conv = _conv(2 * half, channels, kernel=1)
        self.blocks = nn.Sequential(*(CSPNeXtBlock(half, add_identity) for _ in range(blocks)))
        self.attention = ChannelAttention(2 * half)

    def forward(self, x: Tensor) -> Tensor:
        """Returns [N, channels, h, w] for [N, channels, h, w]."""
        main = self.blocks(self.main_conv(x))
        return self.final_conv(self.attention(paddle.concat([main, self.short_conv(x)], axis=1)))


class CSPNeXtBlock(nn.Layer):
    """A 3x3 convolution, then a 5x5 depthwise separable one.

    Args:
        channels: Channels of input and output.
        add_identity: Whether the input is added to the output.
    """

    def __init__(self, channels: int, add_identity: bool) -> None:
        super().__init__()
        self.conv1 = _conv(channels, channels, kernel=3)
        self.conv2 = DepthwiseSeparableConv(channels, kernel=5)
        self._add_identity = add_identity

    def forward(self, x: Tensor) -> Tensor:
        """Returns [N, channels, h, w] for [N, channels, h, w]."""
        y = self.conv2(self.conv1(x))
        return y + x if self._add_identity else y


class DepthwiseSeparableConv(nn.Layer):
    """A depthwise and a 1x1 convolution, each with batch normalisation and SiLU.

    Args:
        channels: Channels of input and output.
        kernel: Side of the depthwise kernel, odd.
    """

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__()
        self.depthwise_conv = ConvBN(channels, channels, kernel, groups=channels, activation=F.silu)
        self.pointwise_conv = _conv(channels, channels, kernel=1)

    def forward(self, x: Tensor) -> Tensor:
        """Returns [N, channels, h, w] for [N, channels, h, w]."""
        return self.pointwise_conv(self.depthwise_conv(x))


class ChannelAttention(nn.Layer):
    """Multiplies each channel with a number 0..1 that is computed from the means of all channels.

    Args:
        channels: Channels of input and output.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc = nn.Conv2D(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Returns [N, channels, h, w] for [N, channels, h, w]."""
        return x * F.hardsigmoid(self.fc(x.mean(axis=[2, 3], keepdim=True)))


class RTMCCHead(nn.Layer):
    """Head of RTMPose: predicts a SimCC vector per joint and axis from the backbone's map.

    A 7x7 convolution gives K maps, each of which is flattened to the feature vector of a joint; an
    attention unit over the joints and two linear layers give the vectors of x and y.

    Args:
        in_channels: Channels of the backbone's map.
        num_joints: Number of joints K.
        input_size: (width, height) of the input in px.
        split_ratio: Bins per px of the input.
        features: Length of a joint's feature vector.
    """

    def __init__(
        self,
        in_channels: int,
        num_joints: int,
        input_size: tuple[int, int],
        split_ratio: float = 2.0,
        features: int = 256,
    ) -> None:
        super().__init__()
        width, height = input_size
        cells = (width // 32) * (height // 32)
        self.final_layer = nn.Conv2D(in_channels, num_joints, kernel_size=7, padding=3)
        self.mlp = nn.Sequential(ScaleNorm(cells), _linear(cells, features))
        self.gau = GatedAttentionUnit(features)
        self.cls_x = _linear(features, int(width * split_ratio))
        self.cls_y = _linear(features, int(height * split_ratio))
        nn.initializer.Normal(std=0.001)(self.final_layer.weight)
        nn.initializer.Constant(0.0)(self.final_layer.bias)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Returns {"simcc_x": [N, K, bins of x], "simcc_y": [N, K, bins of y]}.

        Args:
            x: Map of the backbone, [N, in_channels, H / 32, W / 32].
        """
        tokens = self.final_layer(x).flatten(2)  # N, K, cells
        tokens = self.gau(self.mlp(tokens))  # N, K, features
        return {"simcc_x": self.cls_x(tokens), "simcc_y": self.cls_y(tokens)}


class ScaleNorm(nn.Layer):
    """Divides vectors by their root mean square and multiplies them with one learned number.

    Args:
        features: Length of the vectors.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self._scale = features**-0.5
        self.g = self.create_parameter([1], default_initializer=nn.initializer.Constant(1.0))

    def forward(self, x: Tensor) -> Tensor:
        """Returns [..., features] for [..., features]."""
        # Not `square`: in Paddle 3.3.1 with oneDNN it overwrites x, which is needed below.
        norm = (x * x).sum(axis=-1, keepdim=True).sqrt() * self._scale
        return x / norm.clip(min=_MIN_NORM) * self.g


class GatedAttentionUnit(nn.Layer):
    """Self-attention over joints with a squared ReLU for weights and a gate, added to the input.

    Args:
        features: Length of a joint's vector.
        attention_features: Length of queries and keys.
    """

    def __init__(self, features: int, attention_features: int = 128) -> None:
        super().__init__()
        self._hidden = 2 * features
        self._attention_features = attention_features
        uniform = nn.initializer.Uniform(0.0, 1.0)
        shape = [2, attention_features]
        self.gamma = self.create_parameter(shape, default_initializer=uniform)
        self.beta = self.create_parameter(shape, default_initializer=uniform)
        self.o = _linear(self._hidden, features)
        self.uv = _linear(features, 2 * self._hidden + attention_features)
        self.ln = ScaleNorm(features)
        self.res_scale = ResidualScale(features)

    def forward(self, x: Tensor) -> Tensor:
        """Returns [N, K, features] for [N, K, features]."""
        # First, since in Paddle 3.3.1 with oneDNN the division in `ln` overwrites x.
        residual = self.res_scale(x)
        projected = F.silu(self.uv(self.ln(x)))
        gate, values, base = paddle.split(
            projected, [self._hidden, self._hidden, self._attention_features], axis=-1
        )
        queries = base * self.gamma[0] + self.beta[0]  # N, K, attention_features
        keys = base * self.gamma[1] + self.beta[1]
        products = paddle.matmul(queries, keys, transpose_y=True)  # N, K, K
        weights = F.relu(products * self._attention_features**-0.5).square()
        return residual + self.o(gate * paddle.matmul(weights, values))


class ResidualScale(nn.Layer):
    """Multiplies each feature with a learned number.

    Args:
        features: Length of the vectors.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.scale = self.create_parameter(
            [features], default_initializer=nn.initializer.Constant(1.0)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Returns [..., features] for [..., features]."""
        return x * self.scale


def _linear(in_features: int, out_features: int) -> nn.Linear:
    """Returns a linear layer without bias, initialised as published."""
    layer = nn.Linear(in_features, out_features, bias_attr=False)
    nn.initializer.Normal(std=0.01)(layer.weight)
    return layer
