"""MoveNet: MobileNetV2, a small feature pyramid, and four or six maps at stride 4.

Source: Google's published MoveNet SinglePose (Lightning and Thunder, version 4) and MultiPose
    (Lightning, version 1), which has two more maps for the boxes of people;
    fire717/movenet.pytorch and its port MoveNet.Paddle on AI Studio, here "fire717's network".
Checked against: Lightning's published weights, every map within 1e-3 of a literal forward pass of
    the published graph; names and shapes of fire717's network
    (tests/parity/test_movenet_parity.py); all maps of MultiPose's graph for a photo
    (tests/parity/test_multipose_parity.py).
Differs: the outputs are the maps before any decoding; coordinates are in the order x, y in every
    map (Google: y, x). The last convolutions of centres and heatmaps are initialised near zero, so
    that an untrained network predicts its `prior`.

Google's names are converted to the names here by these rules; the name of a convolution is that of
its weight, up to the first semicolon:

    .../model/Conv1, Conv_1                -> backbone.stem, backbone.top
    .../model/expanded_conv_R, block_N_R   -> backbone.blocks.0.R, backbone.blocks.N.R
    .../model_1/conv2d, conv2d_1 .. 3      -> pyramid.top, pyramid.levels.0 .. 2.lateral
    .../model_1/separable_conv2d, _1, _2   -> pyramid.levels.0 .. 2: .depthwise if the name contains
                                              /depthwise, else .pointwise
    center_0, kpt_heatmap_0                -> heads.centers, heads.heatmaps
    kpt_regress_0, kpt_offset_0            -> heads.regressions, heads.offsets
    box_scale_0, box_offset_0              -> heads.box_sizes, heads.box_offsets
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


class PyramidLevel(nn.Layer):
    """One level of the pyramid: upsamples the coarser map, adds the finer map, and mixes both.

    Args:
        lateral_channels: Channels of the finer map, a feature of the backbone.
        in_channels: Channels of the coarser map, the output of the level before.
        out_channels: Channels of the output.
        after_depthwise: Layer after the depthwise convolution: "" for none, "relu", or
            "batch_norm", which replaces the bias.
        batch_norm: Whether the last convolution has a batch normalisation instead of a bias.
    """

    def __init__(
        self,
        lateral_channels: int,
        in_channels: int,
        out_channels: int,
        after_depthwise: Literal["", "relu", "batch_norm"],
        batch_norm: bool,
    ) -> None:
        super().__init__()
        self.upsample = UpsampleBilinear2x()
        self.lateral = ConvUnit(lateral_channels, in_channels)
        self.depthwise = _depthwise(
            in_channels,
            batch_norm=after_depthwise == "batch_norm",
            activation=F.relu if after_depthwise == "relu" else None,
        )
        self.pointwise = ConvUnit(
            in_channels, out_channels, batch_norm=batch_norm, activation=F.relu
        )

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """Returns the merged map.

        Args:
            coarse: Coarser map, [N, in_channels, h, w].
            fine: Finer map, [N, lateral_channels, 2h, 2w].

        Returns:
            [N, out_channels, 2h, 2w].
        """
        x = self.upsample(coarse) + self.lateral(fine)  # N, in_channels, 2h, 2w
        return self.pointwise(self.depthwise(x))


class Pyramid(nn.Layer):
    """Feature pyramid that merges the features at strides 4, 8, 16 and 32 into one map at stride 4.

    Args:
        channels: Channels of the features at strides 4, 8, 16 and 32, in this order.
        form: Variant of the pyramid. "google": every level mixes with a linear depthwise
            convolution and a 1x1 convolution. "fire717": there is a ReLU between both (in the last
            level a batch normalisation, if `batch_norm` is set), and the first 1x1 convolution has
            no bias.
        batch_norm: Whether batch normalisations replace biases.
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
                PyramidLevel(
                    lateral_channels=channels[2 - i],
                    in_channels=LEVELS[i],
                    out_channels=LEVELS[i + 1],
                    after_depthwise="relu" if fire717 and i < 2 else last,
                    batch_norm=batch_norm,
                )
                for i in range(3)
            ]
        )

    def forward(self, features: list[Tensor]) -> Tensor:
        """Returns the merged map.

        Args:
            features: Features at strides 4, 8, 16 and 32: [N, channels[i], h / 2**i, w / 2**i].

        Returns:
            [N, 24, h, w].
        """
        x = self.top(features[3])  # N, 64, h / 8, w / 8
        for index, level in enumerate(self.levels):
            # N, 32, h / 4, w / 4; then N, 24, h / 2, w / 2; then N, 24, h, w
            x = level(x, features[2 - index])
        return x


class Head(nn.Layer):
    """Depthwise 3x3 convolution, 1x1 convolution to 96 channels, 1x1 convolution to a map.

    Args:
        in_channels: Channels of the features.
        out_channels: Channels of the map.
        batch_norm: Whether the first two convolutions have batch normalisations instead of biases.
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
    """Google's MoveNet; with the arguments that `fire717_movenet` passes, fire717's network.

    Args:
        num_joints: Number of joints K.
        width: Width multiplier of the backbone: 1 for Lightning, 1.75 for Thunder, 1.5 for
            MultiPose.
        expansion: Channels that are expanded in the backbone's blocks, see `MobileNetV2`.
        activation: Activation function of the backbone, "relu6" or "relu".
        padding: Padding of convolutions with stride 2, see `ConvUnit`.
        pyramid: Variant of the feature pyramid, "google" or "fire717", see `Pyramid`.
        batch_norm: Layers with batch normalisations instead of biases: "none", as in Google's
            published weights, in which they are folded; "backbone" for backbone and pyramid, as
            Google trains; "all" for the heads too.
        share_residuals: Whether the residual blocks of a stage share their weights, see
            `MobileNetV2`.
        prior: Probability 0..1, both exclusive, that an untrained network predicts in every cell of
            centres and heatmaps; 0.1 for a focal loss.
        box_heads: Whether the network also predicts "box_sizes" and "box_offsets", as MultiPose.

    Raises:
        InputError: If an argument has another value.

    Example:
        >>> import paddle
        >>> net = MoveNet(num_joints=3, width=0.25)
        >>> maps = net(paddle.zeros([1, 64, 32, 3], dtype="uint8"))
        >>> [(name, *map.shape) for name, map in maps.items()][:2]
        [('centers', 1, 1, 16, 8), ('heatmaps', 1, 3, 16, 8)]
    """

    head_layers = ("pyramid", "heads")  # all other sublayers are the backbone

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
        box_heads: bool = False,
    ) -> None:
        super().__init__()
        if num_joints < 1 or not 0 < prior < 1:
            raise InputError(
                f"num_joints={num_joints}, prior={prior}: expected at least one joint, and a prior"
                " between 0 and 1"
            )
        if pyramid not in ("google", "fire717") or batch_norm not in ("none", "backbone", "all"):
            raise InputError(
                f"pyramid={pyramid!r}, batch_norm={batch_norm!r}: expected google or fire717; none,"
                " backbone or all"
            )
        normalized = batch_norm != "none"
        self.normalize = Normalize((1, 1, 1), (1, 1, 1), scale=2 / 255)  # -1..1
        self.backbone = MobileNetV2(
            width=width,
            expansion=expansion,
            activation=activation,
            padding=padding,
            batch_norm=normalized,
            share_residuals=share_residuals,
        )
        self.has_unused_parameters = 0 in self.backbone.repeats
        self.pyramid = Pyramid(self.backbone.out_channels, pyramid, normalized)
        self.heads = nn.LayerDict(
            {
                name: Head(LEVELS[-1], count, batch_norm == "all")
                for name, count in map_channels(num_joints, box_heads).items()
            }
        )
        for name in ("centers", "heatmaps"):
            nn.initializer.Normal(std=0.001)(self.heads[name].out.conv.weight)
            nn.initializer.Constant(log(prior / (1 - prior)))(self.heads[name].out.conv.bias)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Returns the maps of a batch of images.

        Args:
            images: [N, H, W, 3], RGB, 0..255, uint8 or float; H and W multiples of 32.

        Returns:
            Maps by name, with h = H / 4 and w = W / 4:
                "centers": [N, 1, h, w], probabilities 0..1 of a person's centre.
                "heatmaps": [N, K, h, w], probabilities 0..1 of each joint.
                "regressions": [N, 2K, h, w], vectors from a person's centre to its joints, in
                    cells; the channels are x, y of the first joint, x, y of the second, ...
                "offsets": [N, 2K, h, w], vectors from the cell of a joint to the joint, in cells,
                    in the same order.
                "box_sizes", "box_offsets": [N, 2, h, w], with `box_heads` only: at a person's
                    centre, width and height of the box, and the vector x, y from the cell to the
                    middle of the box; in cells.

        Raises:
            InputError: If `images` has another shape.
        """
        check_images(images, 32)
        features = self.pyramid(self.backbone(self.normalize(images)))  # N, 24, h, w
        maps = {name: head(features) for name, head in self.heads.items()}
        return {
            name: F.sigmoid(x) if name in ("centers", "heatmaps") else x for name, x in maps.items()
        }


def fire717_movenet(num_joints: int = 17, share_residuals: bool = False) -> MoveNet:
    """Returns fire717's MoveNet, with 1,912,118 parameters for 17 joints.

    Args:
        num_joints: Number of joints K.
        share_residuals: Whether the residual blocks of a stage share their weights, as in the files
            of MoveNet.Paddle (2,203,046 parameters, 627,520 of them in an unused block).
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
    """Returns a depthwise 3x3 convolution, see `ConvUnit`."""
    return ConvUnit(
        channels,
        channels,
        kernel=3,
        groups=channels,
        batch_norm=batch_norm,
        activation=activation,
    )
