"""CornerNet's hourglass network used for poses: "Hourglass-52", with two stacks "Hourglass-104".

Source: Law & Deng, CornerNet, ECCV 2018 (the network); Newell et al., Stacked Hourglass Networks,
ECCV 2016 (the idea; their own network is in `stacked_hourglass`). Pose version: MMPose's
td-hm_hourglass52 (Apache-2.0).
Checked against: MMPose's names, shapes, heatmaps and six training losses
(tests/parity/test_hourglass_parity.py), and a literal float64 forward pass in NumPy.
Differs: `inters`, one residual block that a single stack builds and never uses, exists only when
asked for.

Published names become ours by these rules, in this order (MMPose; 0.x says `keypoint_head.` for
`head.`):

    drop the prefix backbone.
    hourglass_modules.S.        -> hourglasses.S.
    stem.1.0.                   -> stem.1.
    head.multi_final_layers.S.  -> heads.S.
    .running_mean, .running_var -> ._mean, ._variance
    .num_batches_tracked        dropped

The original Paddle project stores every convolution and its normalisation as one pair; before the
rules above:

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
    """One resolution of an hourglass: a branch that stays, and one through all levels below.

    Args:
        up1: Keeps the size.
        low1: Halves the size.
        low2: Keeps the half size: the next level, or the bottom.
        low3: Keeps the half size; its channels are those of `up1`.
    """

    def __init__(self, up1: nn.Layer, low1: nn.Layer, low2: nn.Layer, low3: nn.Layer) -> None:
        super().__init__()
        self.up1 = up1
        self.low1 = low1
        self.low2 = low2
        self.low3 = low3
        self.up2 = UpsampleNearest2x()

    def forward(self, x: Tensor) -> Tensor:
        """Returns [N, C, h, w] for [N, C, h, w]; h and w even."""
        low = self.low3(self.low2(self.low1(x)))  # N, C, h / 2, w / 2
        return self.up1(x) + self.up2(low)  # N, C, h, w


class Hourglass(nn.Layer):
    """Stem, `num_stacks` hourglasses of residual blocks, a 1x1 head after each; stride 4.

    Args:
        num_joints: Heatmaps per stage, K.
        num_stacks: Hourglasses in a row = supervised stages, S.
        channels: Channels of every level, the highest resolution first; each halves the last.
        blocks: Residual blocks of every level.
        stem_channels: Channels of the first convolution.
        feature_channels: Channels a head reads.
        inters: Whether a single stack holds the block that only several stacks use between them;
            published files do.
        mean: See `Normalize`.
        std: See `Normalize`.

    Raises:
        InputError: If a number does not describe a network.

    Example:
        >>> net = Hourglass(num_joints=3, channels=(8, 8, 12), blocks=(1, 1, 2), stem_channels=4)
        >>> tuple(net(paddle.zeros([2, 48, 32, 3], dtype="uint8"))["heatmaps"].shape)
        (2, 1, 3, 12, 8)
    """

    head_layers = ("heads",)  # the rest is the backbone

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
        c, f, between = channels[0], feature_channels, num_stacks - 1
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
        for layer in self.sublayers():
            if isinstance(layer, nn.Conv2D):
                nn.initializer.Normal(std=0.001)(layer.weight)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Looks at images and answers the heatmaps of every stage.

        Args:
            images: [N, H, W, 3], RGB, 0..255, uint8 or float; H and W multiples of `multiple`,
                4 * 2 ** halvings (published: 128).

        Returns:
            {"heatmaps": [N, S, K, H / 4, W / 4]}, the last stage the best.

        Raises:
            InputError: If the images have another shape.
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
    """Returns the published network: for 16 joints 93.67 M parameters, 28.6 GMAC at 256x256.

    Args:
        num_joints: Heatmaps per stage.
        num_stacks: 1 is Hourglass-52, 2 is Hourglass-104 (187.7 M parameters).
        inters: Whether to hold the unused block of published files with one stack (94.85 M).
    """
    return Hourglass(num_joints=num_joints, num_stacks=num_stacks, inters=inters)


def _hourglass(channels: Sequence[int], blocks: Sequence[int]) -> nn.Layer:
    """Returns the levels of these channels, outermost first; the last entry is the bottom."""
    here = channels[0]
    if len(channels) == 1:
        return _basic_blocks([here] * (blocks[0] + 1))
    below, count = channels[1], blocks[0]
    return HourglassLevel(
        up1=_basic_blocks([here] * (count + 1)),
        low1=_basic_blocks([here] + [below] * count, stride=2),
        low2=_hourglass(channels[1:], blocks[1:]),
        # As published: the channels change in the first block on the way down, but in the last
        # one on the way up.
        low3=_basic_blocks([below] * count + [here]),
    )


def _basic_blocks(channels: Sequence[int], stride: int = 1) -> nn.Sequential:
    """Returns a block between each two neighbours in `channels`; the first has the stride."""
    strides = [stride] + [1] * (len(channels) - 2)
    return nn.Sequential(*map(BasicBlock, channels[:-1], channels[1:], strides))
