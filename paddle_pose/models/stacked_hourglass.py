"""The stacked hourglass network of the paper, with 2 or 8 stacks.

Source: Newell, Yang & Deng, Stacked Hourglass Networks for Human Pose Estimation, ECCV 2016
    (arXiv:1603.06937), in the variant of bearpaw/pytorch-pose: one pre-activation residual block
    per position, with 128 channels inside the block and 256 between blocks.
Checked against: the parameter counts of those two networks, 6.7 M (2 stacks) and 25.6 M (8 stacks),
    and a literal float64 forward pass in NumPy.
Differs: images are normalised with ImageNet's mean and standard deviation by default.
"""

from collections.abc import Sequence
from math import sqrt

import paddle
import paddle.nn.functional as F
from paddle import Tensor, nn

from paddle_pose.errors import InputError
from paddle_pose.models.hourglass import HourglassLevel
from paddle_pose.models.layers import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    Normalize,
    batch_norm,
    check_images,
)


class PreActivationBottleneck(nn.Layer):
    """Residual block of three convolutions, each after a batch normalisation and a ReLU.

    Source: He et al., Identity Mappings in Deep Residual Networks, ECCV 2016.

    Args:
        in_channels: Channels of the input.
        channels: Channels of the output; the 3x3 convolution has half as many.
    """

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        inside = channels // 2
        self.bn1 = batch_norm(in_channels)
        self.conv1 = nn.Conv2D(in_channels, inside, 1)
        self.bn2 = batch_norm(inside)
        self.conv2 = nn.Conv2D(inside, inside, 3, padding=1)
        self.bn3 = batch_norm(inside)
        self.conv3 = nn.Conv2D(inside, channels, 1)
        self.downsample = None if in_channels == channels else nn.Conv2D(in_channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Returns [N, channels, h, w] for [N, in_channels, h, w]."""
        y = self.conv1(F.relu(self.bn1(x)))  # N, channels / 2, h, w
        y = self.conv2(F.relu(self.bn2(y)))  # N, channels / 2, h, w
        y = self.conv3(F.relu(self.bn3(y)))  # N, channels, h, w
        return y + (x if self.downsample is None else self.downsample(x))


class StackedHourglass(nn.Layer):
    """Stem and `num_stacks` hourglasses, each fed with the previous heatmaps too; output stride 4.

    Args:
        num_stacks: Number of consecutive hourglasses, which is the number of supervised stages S:
            each predicts all heatmaps.
        num_joints: Number of joints K, one heatmap each per stage.
        channels: Channels of all layers after the stem.
        depth: Number of times that an hourglass halves the resolution.
        num_blocks: Residual blocks per position in an hourglass.
        mean: Mean of the channels R, G, B, see `Normalize`.
        std: Standard deviation of the channels R, G, B, see `Normalize`.

    Attributes:
        multiple: Number of px that the input's width and height are multiples of.

    Raises:
        InputError: If a number is below 1, or `channels` is not a multiple of 4.

    Example:
        >>> net = StackedHourglass(num_stacks=2, num_joints=3, channels=8, depth=1)
        >>> tuple(net(paddle.zeros([1, 24, 16, 3], dtype="uint8"))["heatmaps"].shape)
        (1, 2, 3, 6, 4)
    """

    head_layers = ("heads", "from_heatmaps")  # all other sublayers are the backbone

    def __init__(
        self,
        num_stacks: int = 2,
        num_joints: int = 16,
        channels: int = 256,
        depth: int = 4,
        num_blocks: int = 1,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
    ) -> None:
        super().__init__()
        if min(num_stacks, num_joints, depth, num_blocks) < 1 or channels < 4 or channels % 4:
            raise InputError(
                f"num_stacks={num_stacks}, num_joints={num_joints}, channels={channels},"
                f" depth={depth}, num_blocks={num_blocks}: expected positive numbers, channels a"
                " multiple of 4"
            )
        c = channels
        between = range(num_stacks - 1)
        self.multiple = 4 * 2**depth
        self.normalize = Normalize(mean, std)
        self.stem = nn.Sequential(
            nn.Conv2D(3, c // 4, 7, stride=2, padding=3),
            batch_norm(c // 4),
            nn.ReLU(),
            PreActivationBottleneck(c // 4, c // 2),
            nn.MaxPool2D(2),
            PreActivationBottleneck(c // 2, c),
            PreActivationBottleneck(c, c),
        )
        self.hourglasses = nn.LayerList(
            [_hourglass(c, depth, num_blocks) for _ in range(num_stacks)]
        )
        self.out_convs = nn.LayerList(
            [
                nn.Sequential(
                    _residuals(c, num_blocks), nn.Conv2D(c, c, 1), batch_norm(c), nn.ReLU()
                )
                for _ in range(num_stacks)
            ]
        )
        self.heads = nn.LayerList([nn.Conv2D(c, num_joints, 1) for _ in range(num_stacks)])
        self.from_features = nn.LayerList([nn.Conv2D(c, c, 1) for _ in between])
        self.from_heatmaps = nn.LayerList([nn.Conv2D(num_joints, c, 1) for _ in between])
        for layer in self.sublayers():
            if isinstance(layer, nn.Conv2D):
                # As published: PyTorch's default initialisation, which includes the bias.
                bound = 1 / sqrt(layer.weight[0].size)
                for parameter in (layer.weight, layer.bias):
                    nn.initializer.Uniform(-bound, bound)(parameter)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Returns the heatmaps of every stage for a batch of images.

        Args:
            images: [N, H, W, 3], RGB, 0..255, uint8 or float; H and W multiples of `multiple`,
                which is 4 * 2 ** depth (published: 64).

        Returns:
            {"heatmaps": [N, S, K, H / 4, W / 4]}; the last stage is the prediction. Values are
            about 0 to 1 after training, and not limited.

        Raises:
            InputError: If `images` has another shape.
        """
        check_images(images, self.multiple)
        x = self.stem(self.normalize(images))  # N, C, h, w
        stages = []
        for stage, hourglass in enumerate(self.hourglasses):
            features = self.out_convs[stage](hourglass(x))  # N, C, h, w
            heatmaps = self.heads[stage](features)  # N, K, h, w
            stages.append(heatmaps)
            if stage + 1 < len(self.hourglasses):
                x = x + self.from_features[stage](features)  # N, C, h, w
                x = x + self.from_heatmaps[stage](heatmaps)  # N, C, h, w
        return {"heatmaps": paddle.stack(stages, axis=1)}  # N, S, K, h, w


def stacked_hourglass(num_stacks: int = 2, num_joints: int = 16) -> StackedHourglass:
    """Returns bearpaw's stacked hourglass, with 6.7 M parameters for 2 stacks and 25.6 M for 8.

    Args:
        num_stacks: Number of hourglasses, which is the number of supervised stages: 2 or 8 as
            published.
        num_joints: Number of joints, one heatmap each per stage.
    """
    return StackedHourglass(num_stacks=num_stacks, num_joints=num_joints)


def _residuals(channels: int, count: int) -> nn.Sequential:
    """Returns `count` consecutive residual blocks."""
    return nn.Sequential(*[PreActivationBottleneck(channels, channels) for _ in range(count)])


def _hourglass(channels: int, depth: int, blocks: int) -> HourglassLevel:
    """Returns an hourglass that halves the resolution `depth` times."""
    return HourglassLevel(
        up1=_residuals(channels, blocks),
        low1=nn.Sequential(nn.MaxPool2D(2), _residuals(channels, blocks)),
        low2=_hourglass(channels, depth - 1, blocks) if depth > 1 else _residuals(channels, blocks),
        low3=_residuals(channels, blocks),
    )
