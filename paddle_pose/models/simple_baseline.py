"""SimpleBaseline: a ResNet followed by three deconvolutions.

Source: Xiao et al., Simple Baselines for Human Pose Estimation and Tracking, ECCV 2018; ResNet of
    He et al., CVPR 2016.
Checked against: names, shapes, heatmaps and six training losses of the official R50
    (tests/parity/test_published_heatmaps.py).
Differs: not at all; the parameters have the official names. The official weights were trained on
    BGR images: they load exactly, and reach their published scores with `order="bgr"`.
"""

from typing import Literal

import paddle.nn.functional as F
from paddle import Tensor, nn

from paddle_pose.errors import InputError
from paddle_pose.models.layers import (
    Bottleneck,
    Normalize,
    batch_norm,
    check_images,
    conv,
    residual_layer,
)

BLOCKS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
"""Number of blocks in each of the four stages of a ResNet, by its depth."""


class SimpleBaseline(nn.Layer):
    """ResNet with bottleneck blocks, three 4x4 deconvolutions, and a 1x1 head; output stride 4.

    Args:
        num_joints: Number of joints K, one heatmap each.
        depth: Depth of the ResNet: 50, 101 or 152.
        width: Channels of the 3x3 convolutions in the first stage; 64 as published.
        deconv_channels: Output channels of each deconvolution, which doubles width and height.
        order: Order of the colour channels that the network was trained on; images are always RGB,
            see `Normalize`.

    Raises:
        InputError: If `depth` is none of 50, 101 and 152.

    Example:
        >>> import paddle
        >>> net = SimpleBaseline(num_joints=3, width=4, deconv_channels=8)
        >>> list(net(paddle.zeros([1, 64, 32, 3], dtype="uint8"))["heatmaps"].shape)
        [1, 1, 3, 16, 8]
    """

    head_layers = ("deconv_layers", "final_layer")  # all other sublayers are the backbone

    def __init__(
        self,
        num_joints: int = 17,
        depth: int = 50,
        width: int = 64,
        deconv_channels: int = 256,
        order: Literal["rgb", "bgr"] = "rgb",
    ) -> None:
        super().__init__()
        if depth not in BLOCKS:
            raise InputError(f"depth is {depth}; expected one of {', '.join(map(str, BLOCKS))}")
        first, second, third, fourth = BLOCKS[depth]
        self.normalize = Normalize(order=order)
        self.conv1 = conv(3, width, kernel=7, stride=2)
        self.bn1 = batch_norm(width)
        self.layer1 = residual_layer(Bottleneck, width, width, blocks=first)
        self.layer2 = residual_layer(Bottleneck, 4 * width, 2 * width, blocks=second, stride=2)
        self.layer3 = residual_layer(Bottleneck, 8 * width, 4 * width, blocks=third, stride=2)
        self.layer4 = residual_layer(Bottleneck, 16 * width, 8 * width, blocks=fourth, stride=2)
        layers: list[nn.Layer] = []
        for channels in (32 * width, deconv_channels, deconv_channels):
            deconv = nn.Conv2DTranspose(
                channels, deconv_channels, kernel_size=4, stride=2, padding=1, bias_attr=False
            )
            nn.initializer.Normal(std=0.001)(deconv.weight)
            layers += [deconv, batch_norm(deconv_channels), nn.ReLU()]
        self.deconv_layers = nn.Sequential(*layers)
        self.final_layer = nn.Conv2D(deconv_channels, num_joints, 1)
        nn.initializer.Normal(std=0.001)(self.final_layer.weight)

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
        x = F.max_pool2d(x, kernel_size=3, stride=2, padding=1)  # N, C, H / 4, W / 4
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))  # N, 32 C, H / 32, W / 32
        x = self.deconv_layers(x)  # N, D, H / 4, W / 4
        return {"heatmaps": self.final_layer(x).unsqueeze(1)}  # N, 1, K, h, w
