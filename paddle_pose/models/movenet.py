"""MoveNet: MobileNetV2, a small feature pyramid, and four maps at stride 4.

Source: Google's published MoveNet SinglePose (Lightning and Thunder, version 4); the AI Studio project MoveNet.Paddle, a
    port of fire717/movenet.pytorch, here "the original".
Checked against: Lightning's published weights, every map within 1e-3 of a literal forward pass of the published graph,
    and the original's names and shapes (tests/parity/test_movenet_parity.py).
Differs: the maps come out before any decoding; x and y stand in this order in every map (Google: y, x). The last
    convolutions of centres and heatmaps start near zero, so that a network begins with its `prior`.

Google's names become ours by these rules; a convolution is called as its weight, up to the first semicolon:

    .../model/Conv1, Conv_1                           -> backbone.stem, backbone.top
    .../model/expanded_conv_R, block_N_R              -> backbone.blocks.0.R, backbone.blocks.N.R
    .../model_1/conv2d, conv2d_1 .. 3                 -> pyramid.top, pyramid.levels.0 .. 2.lateral
    .../model_1/separable_conv2d, _1, _2: /depthwise  -> pyramid.levels.0 .. 2.depthwise; the rest .pointwise
    center_0, kpt_heatmap_0, kpt_regress_0, kpt_offset_0 -> heads.centers, heatmaps, regressions, offsets
"""

from collections.abc import Sequence
from math import log
from typing import Literal

import paddle.nn.functional as F
from paddle import Tensor, nn

from paddle_pose.errors import InputError
from paddle_pose.models.layers import Normalize, UpsampleBilinear2x, check_images
from paddle_pose.models.mobilenet_v2 import Activation, ConvUnit, Expansion, MobileNetV2, Padding
from paddle_pose.models.movenet_sizes import HEAD_CHANNELS, LEVELS, map_channels

BatchNorm = Literal["none", "backbone", "all"]


class Level(nn.Layer):
    """One step of the pyramid: doubles the coarser map, adds the finer one, mixes both.

    Args:
        lateral_channels: Of the finer map.
        in_channels: Of the coarser map.
        out_channels: Of the output.
        between: What follows the depthwise convolution: nothing, "relu", or "batch_norm" instead of a bias.
        batch_norm: Whether a normalisation stands in for the last convolution's bias.
    """

    def __init__(
        self,
        lateral_channels: int,
        in_channels: int,
        out_channels: int,
        between: Literal["", "relu", "batch_norm"],
        batch_norm: bool,
    ) -> None:
        super().__init__()
        self.upsample = UpsampleBilinear2x()
        self.lateral = ConvUnit(lateral_channels, in_channels)
        self.depthwise = _depthwise(
            in_channels, between == "batch_norm", F.relu if between == "relu" else None
        )
        self.pointwise = ConvUnit(
            in_channels, out_channels, batch_norm=batch_norm, activation=F.relu
        )

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """Returns [N, out_channels, 2h, 2w] for [N, in_channels, h, w] and [N, lateral_channels, 2h, 2w]."""
        x = self.upsample(coarse) + self.lateral(fine)  # N, in_channels, 2h, 2w
        return self.pointwise(self.depthwise(x))


class Pyramid(nn.Layer):
    """From the features of strides 4, 8, 16 and 32 to one map of stride 4.

    Args:
        channels: Of those features.
        form: "google" mixes with a linear depthwise and a 1x1 convolution; the "fire717" puts a ReLU between both, in
            the last level a normalisation if it has any, and gives its first 1x1 no bias.
        batch_norm: Whether normalisations stand in for biases.
    """

    def __init__(
        self, channels: Sequence[int], form: Literal["google", "fire717"], batch_norm: bool
    ) -> None:
        super().__init__()
        fire717 = form == "fire717"
        last: Literal["", "batch_norm"] = "batch_norm" if fire717 and batch_norm else ""
        self.top = ConvUnit(channels[3], LEVELS[0], bias=not fire717)
        self.levels = nn.LayerList(
            [
                Level(
                    channels[2 - i],
                    LEVELS[i],
                    LEVELS[i + 1],
                    "relu" if fire717 and i < 2 else last,
                    batch_norm,
                )
                for i in range(3)
            ]
        )

    def forward(self, features: list[Tensor]) -> Tensor:
        """Returns [N, 24, h, w] for the features, the finest, [N, C, h, w], first."""
        x = self.top(features[3])  # N, 64, h / 8, w / 8
        for index, level in enumerate(self.levels):
            x = level(
                x, features[2 - index]
            )  # N, 32, h / 4, w / 4; N, 24, h / 2, w / 2; N, 24, h, w
        return x


class Head(nn.Layer):
    """Depthwise 3x3, 1x1 to 96 channels, 1x1 to a map.

    Args:
        in_channels: Of the features.
        out_channels: Of the map.
        batch_norm: Whether normalisations stand in for the biases of the first two convolutions.
    """

    def __init__(self, in_channels: int, out_channels: int, batch_norm: bool) -> None:
        super().__init__()
        self.depthwise = _depthwise(in_channels, batch_norm)
        self.pointwise = ConvUnit(
            in_channels, HEAD_CHANNELS, batch_norm=batch_norm, activation=F.relu
        )
        self.out = ConvUnit(HEAD_CHANNELS, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Returns [N, out_channels, h, w] for [N, in_channels, h, w]."""
        return self.out(self.pointwise(self.depthwise(x)))


class MoveNet(nn.Layer):
    """Google's MoveNet, or by other values the original; `fire717_movenet` states those.

    Args:
        num_joints: K.
        width: Factor of the backbone's channels: 1 is Lightning, 1.75 Thunder.
        expansion: What residuals expand, see `MobileNetV2`.
        activation: Of the backbone.
        padding: Of convolutions with stride 2, see `ConvUnit`.
        pyramid: See `Pyramid`.
        batch_norm: Where normalisations stand in for the convolutions' biases: "none", the form of Google's published
            weights, which have them folded in; "backbone", backbone and pyramid, how Google trains; "all", also in the heads.
        share_residuals: See `MobileNetV2`.
        prior: What centres and heatmaps answer at first, before they have learned anything; 0.1 for a focal loss.

    Raises:
        InputError: If a value does not describe a network.

    Example:
        >>> import paddle
        >>> net = MoveNet(num_joints=3, width=0.25)
        >>> maps = net(paddle.zeros([1, 64, 32, 3], dtype="uint8"))
        >>> [(name, *map.shape) for name, map in maps.items()][:2]
        [('centers', 1, 1, 16, 8), ('heatmaps', 1, 3, 16, 8)]
    """

    head_layers = ("pyramid", "heads")  # the rest is the backbone

    def __init__(
        self,
        num_joints: int = 17,
        *,
        width: float = 1.0,
        expansion: Expansion = "block",
        activation: Literal["relu6", "relu"] = "relu6",
        padding: Padding = "same",
        pyramid: Literal["google", "fire717"] = "google",
        batch_norm: BatchNorm = "backbone",
        share_residuals: bool = False,
        prior: float = 0.1,
    ) -> None:
        super().__init__()
        if num_joints < 1 or not 0 < prior < 1:
            raise InputError(
                f"num_joints={num_joints}, prior={prior}: expected a joint, and a prior between 0 and 1"
            )
        if pyramid not in ("google", "fire717") or batch_norm not in ("none", "backbone", "all"):
            raise InputError(
                f"pyramid={pyramid!r}, batch_norm={batch_norm!r}: expected google or original; none, backbone or all"
            )
        normalized = batch_norm != "none"
        self.normalize = Normalize((1, 1, 1), (1, 1, 1), scale=2 / 255)  # -1..1
        self.backbone = MobileNetV2(
            width, expansion, activation, padding, normalized, share_residuals
        )
        self.pyramid = Pyramid(self.backbone.out_channels, pyramid, normalized)
        self.heads = nn.LayerDict(
            {
                name: Head(LEVELS[-1], count, batch_norm == "all")
                for name, count in map_channels(num_joints).items()
            }
        )
        for name in ("centers", "heatmaps"):
            nn.initializer.Normal(std=0.001)(self.heads[name].out.conv.weight)
            nn.initializer.Constant(log(prior / (1 - prior)))(self.heads[name].out.conv.bias)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Looks at images and answers where people and joints are.

        Args:
            images: [N, H, W, 3], RGB, 0..255, uint8 or float; H and W multiples of 32.

        Returns:
            {"centers": [N, 1, h, w], probabilities; "heatmaps": [N, K, h, w], probabilities; "regressions":
            [N, 2K, h, w], from a person's centre to its joints; "offsets": [N, 2K, h, w], from a joint's cell to the
            joint}, h = H / 4 and w = W / 4. The last two are in cells: x, y of the first joint, x, y of the second, ...

        Raises:
            InputError: If the images have another shape.
        """
        check_images(images, 32)
        features = self.pyramid(self.backbone(self.normalize(images)))  # N, 24, h, w
        maps = {name: head(features) for name, head in self.heads.items()}
        return {
            name: F.sigmoid(x) if name in ("centers", "heatmaps") else x for name, x in maps.items()
        }


def fire717_movenet(num_joints: int = 17, share_residuals: bool = False) -> MoveNet:
    """Returns the original's network, 1,912,118 parameters for 17 joints.

    Args:
        num_joints: K.
        share_residuals: Whether the residuals of a stage share their weights, as in the files of the Paddle project
            (2,203,046 parameters, 627,520 of them in a block that nothing uses).
    """
    return MoveNet(
        num_joints,
        expansion="stage",
        activation="relu",
        padding="symmetric",
        pyramid="fire717",
        batch_norm="all",
        share_residuals=share_residuals,
        prior=0.5,
    )


def _depthwise(channels: int, batch_norm: bool, activation: Activation | None = None) -> ConvUnit:
    """Returns a depthwise 3x3 convolution."""
    return ConvUnit(
        channels, channels, 3, groups=channels, batch_norm=batch_norm, activation=activation
    )
