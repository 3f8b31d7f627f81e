"""PP-TinyPose's network: Lite-HRNet of shuffle units, in PaddleDetection's form "wider naive".

Source: Yu et al., Lite-HRNet: A Lightweight High-Resolution Network, CVPR 2021, its "naive" form
    with ShuffleNet's units (Ma et al., ShuffleNet V2, ECCV 2018) and wider branches; PaddleDetection
    at 666f597, `LiteHRNet` with `network_type: wider_naive`.
Checked against: names, shapes and heatmaps of PaddleDetection's PP-TinyPose at both sizes
    (tests/parity/test_published_heatmaps.py).
Differs: in nothing. Two properties of the fusion that the paper does not have are kept, since the
    published weights were trained with them, see `LiteHighResolutionModule`.
"""

from collections.abc import Sequence

import paddle
import paddle.nn.functional as F
from paddle import Tensor, nn

from paddle_pose.models.layers import (
    ConvBN,
    Normalize,
    UpsampleBilinear2x,
    UpsampleNearest2x,
    batch_norm,
    check_images,
    conv,
)


class LiteHRNet(nn.Layer):
    """Stem, three stages of parallel branches with shuffle units, iterative head; output stride 4.

    Args:
        num_joints: Number of joints K, one heatmap each.
        width: Channels of the branch with the highest resolution, an even number; each following
            branch has twice as many. 40 as published.
        modules: Number of `LiteHighResolutionModule`s in the stages with 2, 3 and 4 branches.
        units: Number of shuffle units of each branch in a module.
        stem_channels: Channels of the stem, an even number.

    Example:
        >>> net = LiteHRNet(num_joints=3, width=4, modules=(1, 1, 1), units=1, stem_channels=8)
        >>> list(net(paddle.zeros([1, 64, 32, 3], dtype="uint8"))["heatmaps"].shape)
        [1, 1, 3, 16, 8]
    """

    head_layers = ("head_layer", "final_layer")  # all other sublayers are the backbone

    def __init__(
        self,
        num_joints: int = 17,
        width: int = 40,
        modules: Sequence[int] = (2, 4, 2),
        units: int = 2,
        stem_channels: int = 32,
    ) -> None:
        super().__init__()
        channels = [width * 2**i for i in range(len(modules) + 1)]
        self.normalize = Normalize()
        self.stem = Stem(stem_channels)
        before = [stem_channels]
        for number, count in enumerate(modules):
            after = channels[: number + 2]
            self.add_sublayer(f"transition{number}", _transition(before, after))
            stage = [LiteHighResolutionModule(after, units) for _ in range(count)]
            self.add_sublayer(f"stage{number}", nn.LayerList(stage))
            before = after
        self._stages = len(modules)
        self.head_layer = IterativeHead(channels)
        self.final_layer = nn.Conv2D(width, num_joints, 1)
        for layer in self.sublayers():
            if isinstance(layer, nn.Conv2D):
                nn.initializer.Normal(std=0.001)(layer.weight)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Returns the heatmaps of a batch of images.

        Args:
            images: [N, H, W, 3], RGB, 0..255, uint8 or float; H and W multiples of 32.

        Returns:
            {"heatmaps": [N, 1, K, H / 4, W / 4]}; values are about 0 to 1 after training, and not
            limited.

        Raises:
            InputError: If `images` has another shape.
        """
        check_images(images, 32)
        branches = [self.stem(self.normalize(images))]  # N, C, H / 4, W / 4
        for number in range(self._stages):
            transition = getattr(self, f"transition{number}")
            # The new branch is computed from the lowest resolution.
            branches = [*branches, branches[-1]]
            branches = [path(branches[i]) for i, path in enumerate(transition)]
            for module in getattr(self, f"stage{number}"):
                branches = module(branches)
        return {"heatmaps": self.final_layer(self.head_layer(branches)).unsqueeze(1)}


class Stem(nn.Layer):
    """Two steps of stride 2, the second as two parallel halves whose channels are then shuffled.

    Args:
        channels: Channels of the output, an even number.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.conv1 = ConvBN(3, channels, 3, stride=2)
        self.branch1 = nn.Sequential(_depthwise(half, stride=2), ConvBN(half, half, 1))
        self.expand_conv = ConvBN(half, channels, 1)
        self.depthwise_conv = _depthwise(channels, stride=2)
        self.linear_conv = ConvBN(channels, half, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Returns [N, channels, H / 4, W / 4] for normalised images [N, 3, H, W]."""
        first, second = _halves(self.conv1(x))
        first = self.branch1(first)
        second = self.linear_conv(self.depthwise_conv(self.expand_conv(second)))
        return _shuffled(paddle.concat([first, second], axis=1))


class ShuffleUnit(nn.Layer):
    """ShuffleNet's unit of stride 1: half of the channels are computed, then all are shuffled.

    Args:
        channels: Channels of input and output, an even number.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.branch2 = nn.Sequential(ConvBN(half, half, 1), _depthwise(half), ConvBN(half, half, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Returns [N, channels, h, w] for [N, channels, h, w]."""
        kept, computed = _halves(x)
        return _shuffled(paddle.concat([kept, self.branch2(computed)], axis=1))


class LiteHighResolutionModule(nn.Layer):
    """One module of a stage: every branch runs its units, then every output sums all branches.

    In two respects the sum is not that of HRNet:

    - what branch 0 contributes to an output is added twice;
    - all outputs but the first read branch 0 as the first output leaves it, before its activation.

    Args:
        channels: Channels of each branch, the highest resolution first; even numbers.
        units: Shuffle units of each branch.
    """

    def __init__(self, channels: Sequence[int], units: int) -> None:
        super().__init__()
        self.layers = nn.LayerList(
            [nn.Sequential(*(ShuffleUnit(count) for _ in range(units))) for count in channels]
        )
        indices = range(len(channels))
        self.fuse_layers = nn.LayerList(
            [
                nn.LayerList([_fuse_path(channels, source, target) for source in indices])
                for target in indices
            ]
        )

    def forward(self, branches: list[Tensor]) -> list[Tensor]:
        """Returns the fused branches in the shapes of the inputs.

        Args:
            branches: Features of branch i, [N, channels[i], h / 2**i, w / 2**i].
        """
        features = [layer(branches[i]) for i, layer in enumerate(self.layers)]
        fused = []
        for target, paths in enumerate(self.fuse_layers):
            parts = [path(features[source]) for source, path in enumerate(paths)]
            total = paddle.add_n([parts[0], *parts])
            if target == 0:
                features[0] = total
            fused.append(F.relu(total))
        return fused


class IterativeHead(nn.Layer):
    """Combines all branches, from the lowest resolution to the highest.

    Each branch is added to the result so far, which is upsampled to its resolution (bilinear, the
    corners aligned), and a depthwise separable convolution gives it the next branch's channels.

    Args:
        channels: Channels of each branch, the highest resolution first.
    """

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        before = channels[::-1]
        after = [*before[1:], before[-1]]
        self.projects = nn.LayerList(
            [DepthwiseSeparableConv(before[i], after[i]) for i in range(len(before))]
        )
        self.upsample = UpsampleBilinear2x(align_corners=True)

    def forward(self, branches: list[Tensor]) -> Tensor:
        """Returns [N, channels[0], h, w], the resolution of the first branch.

        Args:
            branches: Features of branch i, [N, channels[i], h / 2**i, w / 2**i].
        """
        x = self.projects[0](branches[-1])
        for i in range(1, len(branches)):
            x = self.projects[i](self.upsample(x) + branches[-1 - i])
        return x


class DepthwiseSeparableConv(nn.Layer):
    """A depthwise 3x3 convolution without activation, then a 1x1 convolution.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.depthwise_conv = _depthwise(in_channels)
        self.pointwise_conv = ConvBN(in_channels, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Returns [N, out_channels, h, w] for [N, in_channels, h, w]."""
        return self.pointwise_conv(self.depthwise_conv(x))


def _depthwise(channels: int, stride: int = 1) -> ConvBN:
    """Returns a depthwise 3x3 convolution with batch normalisation and without activation."""
    return ConvBN(channels, channels, 3, stride=stride, groups=channels, activation=None)


def _halves(x: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the first and the second half of the channels, each [N, C / 2, h, w]."""
    half = x.shape[1] // 2
    return x[:, :half], x[:, half:]


def _shuffled(x: Tensor) -> Tensor:
    """Returns [N, C, h, w] with the channels of both halves alternating: 0, C / 2, 1, ..."""
    _, channels, height, width = x.shape
    x = x.reshape([-1, 2, channels // 2, height, width]).transpose([0, 2, 1, 3, 4])
    return x.reshape([-1, channels, height, width])


def _separable(in_channels: int, out_channels: int, stride: int) -> tuple[nn.Layer, ...]:
    """Returns depthwise 3x3 convolution and 1x1 convolution, each with its normalisation."""
    return (
        conv(in_channels, in_channels, kernel=3, stride=stride, groups=in_channels),
        batch_norm(in_channels),
        conv(in_channels, out_channels, kernel=1),
        batch_norm(out_channels),
    )


def _transition(before: Sequence[int], after: Sequence[int]) -> nn.LayerList:
    """Returns one layer per branch of the next stage; the last one makes the new branch.

    Args:
        before: Channels of the branches of the stage before.
        after: Channels of the branches of the next stage, one more.
    """
    paths: list[nn.Layer] = [
        nn.Identity()
        if before[i] == after[i]
        else nn.Sequential(*_separable(before[i], after[i], stride=1), nn.ReLU())
        for i in range(len(before))
    ]
    down = nn.Sequential(*_separable(before[-1], after[-1], stride=2), nn.ReLU())
    return nn.LayerList([*paths, nn.Sequential(down)])


def _fuse_path(channels: Sequence[int], source: int, target: int) -> nn.Layer:
    """Returns the layers that bring one branch of a module to the shape of another.

    A higher resolution is reached by a 1x1 convolution and nearest-neighbour upsampling, a lower
    one by depthwise separable convolutions of stride 2, the last without activation.

    Args:
        channels: Channels of all branches, the highest resolution first.
        source: Index of the branch that is read.
        target: Index of the branch whose shape the output has.
    """
    if source == target:
        return nn.Identity()
    if source > target:
        ups = [UpsampleNearest2x() for _ in range(source - target)]
        return nn.Sequential(
            conv(channels[source], channels[target], kernel=1), batch_norm(channels[target]), *ups
        )
    downs = [
        nn.Sequential(*_separable(channels[source], channels[source], stride=2), nn.ReLU())
        for _ in range(target - source - 1)
    ]
    last = nn.Sequential(*_separable(channels[source], channels[target], stride=2))
    return nn.Sequential(*downs, last)
