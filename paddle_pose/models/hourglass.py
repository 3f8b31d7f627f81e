"""CornerNet's hourglass network for poses: "Hourglass-52", and "Hourglass-104" with two stacks.

Source: Law & Deng, CornerNet, ECCV 2018 (the network); Newell et al., Stacked Hourglass Networks,
    ECCV 2016 (the architecture; the network of that paper is in `stacked_hourglass`). Pose version:
    MMPose's td-hm_hourglass52 (Apache-2.0).
Checked against: MMPose's names, shapes, heatmaps and six training losses
    (tests/parity/test_hourglass_parity.py), and a literal float64 forward pass in NumPy.
Differs: the residual block that MMPose adds to a single stack and never uses is only added with
    `inters`.

Names in published files are converted to the names here by these rules, in this order (MMPose; in
MMPose 0.x the prefix `head.` is `keypoint_head.`):

    drop the prefix backbone.
    hourglass_modules.S.        -> hourglasses.S.
    stem.1.0.                   -> stem.1.
    head.multi_final_layers.S.  -> heads.S.
    .running_mean, .running_var -> ._mean, ._variance
    .num_batches_tracked        dropped

txyugood's Paddle project stores every convolution and its normalisation as one unit; these rules
are applied before those above:

    .convI._conv.        -> .convI.         .convI._batch_norm.        -> .bnI.         (I = 1, 2)
    .downsample.0._conv. -> .downsample.0.  .downsample.0._batch_norm. -> .downsample.1.
    ._conv.              -> .conv.          ._batch_norm.              -> .bn.          (others)
"""

from collections.abc import Sequence

import paddle
import paddle.nn.functional as F
from paddle import Tensor, nn

from paddle_pose.errors import InputError
from paddle_pose.models.layers import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    BasicBlock,
    ConvBN,
    Normalize,
    UpsampleNearest2x,
    check_images,
)


class HourglassLevel(nn.Layer):
    """One level of an hourglass: the sum of a branch at its resolution and one at lower ones.

    The arguments are sublayers of the same names.

    Args:
        up1: Layer of the branch that keeps the size.
        low1: Layer that halves the size.
        low2: Layer at half the size: the next level, or the blocks of the lowest resolution.
        low3: Layer at half the size, with the output channels of `up1`.
    """

    def __init__(self, up1: nn.Layer, low1: nn.Layer, low2: nn.Layer, low3: nn.Layer) -> None:
        super().__init__()
        self.up1 = up1
        self.low1 = low1
        self.low2 = low2
        self.low3 = low3
        self.up2 = UpsampleNearest2x()

    def forward(self, x: Tensor) -> Tensor:
        """Returns [N, C, h, w] for [N, C, h, w]; h and w must be even at this and lower levels."""
        low = self.low3(self.low2(self.low1(x)))  # N, C, h / 2, w / 2
        return self.up1(x) + self.up2(low)  # N, C, h, w


class Hourglass(nn.Layer):
    """Stem and `num_stacks` hourglasses of residual blocks with a 1x1 head each; output stride 4.

    Args:
        num_joints: Number of joints K, one heatmap each per stage.
        num_stacks: Number of consecutive hourglasses, which is the number of supervised stages S:
            each predicts all heatmaps.
        channels: Channels of every level, the highest resolution first; each level has half the
            resolution of the level before.
        blocks: Residual blocks of every level.
        stem_channels: Output channels of the first convolution.
        feature_channels: Input channels of each head.
        inters: Whether a single stack contains the unused residual block that published files have
            (several stacks use such blocks between them).
        mean: Mean of the channels R, G, B, see `Normalize`.
        std: Standard deviation of the channels R, G, B, see `Normalize`.

    Attributes:
        multiple: Number of px that the input's width and height are multiples of.

    Raises:
        InputError: If a number is below 1, or `channels` and `blocks` differ in length or have
            fewer than two entries.

    Example:
        >>> net = Hourglass(num_joints=3, channels=(8, 8, 12), blocks=(1, 1, 2), stem_channels=4)
        >>> tuple(net(paddle.zeros([2, 48, 32, 3], dtype="uint8"))["heatmaps"].shape)
        (2, 1, 3, 12, 8)
    """

    head_layers = ("heads",)  # all other sublayers are the backbone

    def __init__(
        self,
        num_joints: int = 16,
        num_stacks: int = 1,
        channels: Sequence[int] = (256, 256, 384, 384, 384, 512),
        blocks: Sequence[int] = (2, 2, 2, 2, 2, 4),
        stem_channels: int = 128,
        feature_channels: int = 256,
        inters: bool = False,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
    ) -> None:
        super().__init__()
        numbers = (num_joints, num_stacks, *channels, *blocks, stem_channels, feature_channels)
        if len(channels) != len(blocks) or len(channels) < 2 or min(numbers) < 1:
            raise InputError(
                f"num_joints={num_joints}, num_stacks={num_stacks}, channels={tuple(channels)},"
                f" blocks={tuple(blocks)}, stem_channels={stem_channels}, feature_channels="
                f"{feature_channels}: expected positive numbers, and as many channels as blocks,"
                " at least two"
            )
        self.multiple = 4 * 2 ** (len(channels) - 1)
        c = channels[0]
        f = feature_channels
        between = num_stacks - 1
        self.normalize = Normalize(mean, std)
        self.stem = nn.Sequential(
            ConvBN(3, stem_channels, 7, stride=2), BasicBlock(stem_channels, c, stride=2)
        )
        self.hourglasses = nn.LayerList([_hourglass(channels, blocks) for _ in range(num_stacks)])
        self.out_convs = nn.LayerList([ConvBN(c, f, 3) for _ in range(num_stacks)])
        self.heads = nn.LayerList([nn.Conv2D(f, num_joints, 1) for _ in range(num_stacks)])
        self.conv1x1s = nn.LayerList([ConvBN(c, c, 1, activation=None) for _ in range(between)])
        self.remap_convs = nn.LayerList([ConvBN(f, c, 1, activation=None) for _ in range(between)])
        self.inters = nn.LayerList([BasicBlock(c, c) for _ in range(max(between, int(inters)))])
        self.has_unused_parameters = len(self.inters) > between
        for layer in self.sublayers():
            if isinstance(layer, nn.Conv2D):
                nn.initializer.Normal(std=0.001)(layer.weight)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Returns the heatmaps of every stage for a batch of images.

        Args:
            images: [N, H, W, 3], RGB, 0..255, uint8 or float; H and W multiples of `multiple`,
                which is 4 * 2 ** (levels - 1) (published: 128).

        Returns:
            {"heatmaps": [N, S, K, H / 4, W / 4]}; the last stage is the prediction. Values are
            about 0 to 1 after training, and not limited.

        Raises:
            InputError: If `images` has another shape.
        """
        check_images(images, self.multiple)
        x = self.stem(self.normalize(images))  # N, C, h, w
        heatmaps = []
        for stage, hourglass in enumerate(self.hourglasses):
            features = self.out_convs[stage](hourglass(x))  # N, F, h, w
            heatmaps.append(self.heads[stage](features))  # N, K, h, w
            if stage + 1 < len(self.hourglasses):
                x = F.relu(self.conv1x1s[stage](x) + self.remap_convs[stage](features))
                x = self.inters[stage](x)  # N, C, h, w
        return {"heatmaps": paddle.stack(heatmaps, axis=1)}  # N, S, K, h, w


def hourglass52(num_joints: int = 16, num_stacks: int = 1, inters: bool = False) -> Hourglass:
    """Returns MMPose's Hourglass-52; for 16 joints it has 93.67 M parameters, 28.6 GMAC at 256x256.

    Args:
        num_joints: Number of joints, one heatmap each per stage.
        num_stacks: Number of hourglasses: 1 for Hourglass-52, 2 for Hourglass-104 (187.7 M
            parameters).
        inters: Whether a single stack has the residual block between stacks, which it does not
            use (94.85 M parameters). True to load a published file that contains it; without
            effect for two stacks. See `Hourglass`.
    """
    return Hourglass(num_joints=num_joints, num_stacks=num_stacks, inters=inters)


def _hourglass(channels: Sequence[int], blocks: Sequence[int]) -> nn.Layer:
    """Returns an hourglass with one level per entry of `channels`, the highest resolution first."""
    upper = channels[0]
    if len(channels) == 1:
        return _basic_blocks([upper] * (blocks[0] + 1))
    lower = channels[1]
    count = blocks[0]
    return HourglassLevel(
        up1=_basic_blocks([upper] * (count + 1)),
        low1=_basic_blocks([upper] + [lower] * count, stride=2),
        low2=_hourglass(channels[1:], blocks[1:]),
        # As published: the first block of the downward path changes the channels, but the last one
        # of the upward path.
        low3=_basic_blocks([lower] * count + [upper]),
    )


def _basic_blocks(channels: Sequence[int], stride: int = 1) -> nn.Sequential:
    """Returns consecutive blocks with these channels.

    Args:
        channels: Channels of the input, then of the output of each block.
        stride: Stride of the first block; the others have stride 1.
    """
    strides = [stride] + [1] * (len(channels) - 2)
    return nn.Sequential(*map(BasicBlock, channels[:-1], channels[1:], strides))
