"""Channels, strides and block counts of MobileNetV2 and MoveNet.

They are used by the network in Paddle and by the code that builds its ONNX graph.

Source: Sandler et al., MobileNetV2, table 2; Google's MoveNet.
"""

# The six stages after the first block. In each stage the first block changes the size or the
# channels; the others have a residual connection.
CHANNELS = (24, 32, 64, 96, 160, 320)
STRIDES = (2, 2, 2, 1, 2, 1)
BLOCKS = (2, 3, 4, 3, 3, 1)

STEM_CHANNELS = 32
FIRST_CHANNELS = 16  # output of the block after the stem
TOP_CHANNELS = 1280  # output of the last 1x1 convolution; not scaled by the width
LEVELS = (64, 32, 24, 24)  # outputs of the pyramid's levels, from stride 32 to stride 4
HEAD_CHANNELS = 96


def scaled(channels: int, width: float) -> int:
    """Returns `width * channels`, rounded to a multiple of 8 and at most 10 % below the product.

    Args:
        channels: Channels at width 1.
        width: Width multiplier.

    Example:
        >>> [scaled(c, 1.75) for c in (32, 16, 24, 32)]
        [56, 32, 40, 56]
    """
    product = channels * width
    rounded = max(8, int(product + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * product else rounded


def map_channels(num_joints: int, box_heads: bool = False) -> dict[str, int]:
    """Returns the number of channels of each of MoveNet's maps by name, in output order.

    Args:
        num_joints: Number of joints K.
        box_heads: Whether the network predicts the boxes of people, as MultiPose does.

    Example:
        >>> map_channels(17)
        {'centers': 1, 'heatmaps': 17, 'regressions': 34, 'offsets': 34}
    """
    return {
        "centers": 1,
        "heatmaps": num_joints,
        "regressions": 2 * num_joints,
        "offsets": 2 * num_joints,
        **({"box_sizes": 2, "box_offsets": 2} if box_heads else {}),
    }
