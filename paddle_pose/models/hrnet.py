"""HRNet: parallel branches of several resolutions that are fused repeatedly.

Source: Sun et al., Deep High-Resolution Representation Learning for Human Pose Estimation,
    CVPR 2019.
Checked against: names, shapes and heatmaps of the official W32
    (tests/parity/test_published_heatmaps.py).
Differs: not at all; the parameters have the official names.
"""

from collections.abc import Iterable, Sequence

import paddle
import paddle.nn.functional as F
from paddle import Tensor, nn

from paddle_pose.models.layers import (
    BasicBlock,
    Bottleneck,
    Normalize,
    UpsampleNearest2x,
    batch_norm,
    check_images,
    conv,
    residual_layer,
)


class HighResolutionModule(nn.Layer):
    """One module of a stage: every branch runs its blocks, then every output sums all branches.

    Args:
        channels: Channels of each branch, the highest resolution first.
        blocks: Residual blocks of each branch.
        outputs: Number of output branches: as many as inputs, or 1 in the network's last module.
    """

    def __init__(self, channels: Sequence[int], blocks: int, outputs: int) -> None:
        super().__init__()
        self.branches = nn.LayerList([residual_layer(BasicBlock, c, c, blocks) for c in channels])
        self.fuse_layers = nn.LayerList(
            [
                nn.LayerList([_fuse_path(channels, j, i) for j in range(len(channels))])
                for i in range(outputs)
            ]
        )

    def forward(self, branches: list[Tensor]) -> list[Tensor]:
        """Returns the fused branches, the first `outputs` of them, in the shapes of the inputs.

        Args:
            branches: Features of branch i, [N, channels[i], h / 2**i, w / 2**i].
        """
        features = _apply_each(self.branches, branches)
        return [F.relu(paddle.add_n(_apply_each(paths, features))) for paths in self.fuse_layers]


class HRNet(nn.Layer):
    """Stem, bottleneck blocks, three stages of parallel branches, 1x1 head; output stride 4.

    Args:
        num_joints: Number of joints K, one heatmap each.
        width: Channels of the branch with the highest resolution; each following branch has twice
            as many. 32 or 48 as published.
        modules: Number of `HighResolutionModule`s in the stages with 2, 3 and 4 branches.
        blocks: Residual blocks of each branch in a module.
        stem_channels: Channels of the stem.

    Example:
        >>> net = HRNet(num_joints=3, width=4, modules=(1, 1, 1), blocks=1, stem_channels=8)
        >>> list(net(paddle.zeros([1, 64, 32, 3], dtype="uint8"))["heatmaps"].shape)
        [1, 1, 3, 16, 8]
    """

    head_layers = ("final_layer",)  # all other sublayers are the backbone

    def __init__(
        self,
        num_joints: int = 17,
        width: int = 32,
        modules: Sequence[int] = (1, 4, 3),
        blocks: int = 4,
        stem_channels: int = 64,
    ) -> None:
        super().__init__()
        self.normalize = Normalize()
        self.conv1 = conv(3, stem_channels, kernel=3, stride=2)
        self.bn1 = batch_norm(stem_channels)
        self.conv2 = conv(stem_channels, stem_channels, kernel=3, stride=2)
        self.bn2 = batch_norm(stem_channels)
        self.layer1 = residual_layer(Bottleneck, stem_channels, stem_channels, blocks=4)
        channels = [width * 2**i for i in range(4)]
        self.transition1 = _transition([4 * stem_channels], channels[:2])
        self.stage2 = _stage(channels[:2], blocks, modules[0], outputs=2)
        self.transition2 = _transition(channels[:2], channels[:3])
        self.stage3 = _stage(channels[:3], blocks, modules[1], outputs=3)
        self.transition3 = _transition(channels[:3], channels)
        self.stage4 = _stage(channels, blocks, modules[2], outputs=1)
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
        x = F.relu(self.bn1(self.conv1(self.normalize(images))))  # N, C, H / 2, W / 2
        x = self.layer1(F.relu(self.bn2(self.conv2(x))))  # N, 4 C, H / 4, W / 4
        branches = [path(x) for path in self.transition1]
        for transition, stage in (
            (None, self.stage2),
            (self.transition2, self.stage3),
            (self.transition3, self.stage4),
        ):
            if transition is not None:  # the new branch is computed from the lowest resolution
                branches = _apply_each(transition, [*branches, branches[-1]])
            for module in stage:
                branches = module(branches)
        return {"heatmaps": self.final_layer(branches[0]).unsqueeze(1)}  # N, 1, K, h, w


def _apply_each(layers: Iterable[nn.Layer], inputs: Sequence[Tensor]) -> list[Tensor]:
    """Returns the output of each layer for the input at the same position."""
    # Paddle's export replaces `zip` by a function of its own that has no argument `strict`.
    return [layer(x) for layer, x in zip(layers, inputs)]  # noqa: B905


def _stage(channels: Sequence[int], blocks: int, modules: int, outputs: int) -> nn.LayerList:
    """Returns the modules of a stage, of which only the last has `outputs` output branches."""
    counts = [len(channels)] * (modules - 1) + [outputs]
    return nn.LayerList([HighResolutionModule(channels, blocks, count) for count in counts])


def _transition(before: Sequence[int], after: Sequence[int]) -> nn.LayerList:
    """Returns one layer per branch of the next stage; the last one makes the new branch."""
    paths: list[nn.Layer] = []
    for i, channels in enumerate(after):
        if i < len(before):
            same = before[i] == channels
            paths.append(
                nn.Identity() if same else nn.Sequential(*_conv_bn_relu(before[i], channels, 1))
            )
        else:
            paths.append(nn.Sequential(nn.Sequential(*_conv_bn_relu(before[-1], channels, 2))))
    return nn.LayerList(paths)


def _fuse_path(channels: Sequence[int], source: int, target: int) -> nn.Layer:
    """Returns the layers that bring one branch of a module to the shape of another.

    A higher resolution is reached by a 1x1 convolution and nearest-neighbour upsampling, a lower
    one by 3x3 convolutions of stride 2.

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
        nn.Sequential(*_conv_bn_relu(channels[source], channels[source], 2))
        for _ in range(target - source - 1)
    ]
    last = nn.Sequential(
        conv(channels[source], channels[target], kernel=3, stride=2), batch_norm(channels[target])
    )
    return nn.Sequential(*downs, last)


def _conv_bn_relu(in_channels: int, out_channels: int, stride: int) -> tuple[nn.Layer, ...]:
    convolution = conv(in_channels, out_channels, kernel=3, stride=stride)
    return convolution, batch_norm(out_channels), nn.ReLU()
