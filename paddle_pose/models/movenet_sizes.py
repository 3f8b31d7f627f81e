"""Channels, strides and blocks of MobileNetV2 and of MoveNet, for the network in Paddle and for its ONNX graph.

Source: Sandler et al., MobileNetV2, table 2; Google's MoveNet.
"""

CHANNELS = (24, 32, 64, 96, 160, 320)  # of the six stages behind the first block
STRIDES = (2, 2, 2, 1, 2, 1)
BLOCKS = (
    2,
    3,
    4,
    3,
    3,
    1,
)  # the first changes size or channels, the others are added to their input
STEM_CHANNELS = 32
FIRST_CHANNELS = 16  # of the block behind the stem
TOP_CHANNELS = 1280  # of the last 1x1, at every width
LEVELS = (64, 32, 24, 24)  # channels the pyramid's levels pass on, from stride 32 to stride 4
HEAD_CHANNELS = 96


def scaled(channels: int, width: float) -> int:
    """Returns `width` times `channels` as the nearest multiple of 8, never more than a tenth below it.

    Example:
        >>> [scaled(c, 1.75) for c in (32, 16, 24, 32)]
        [56, 32, 40, 56]
    """
    wanted = channels * width
    rounded = max(8, int(wanted + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * wanted else rounded


def map_channels(num_joints: int) -> dict[str, int]:
    """Returns the channels of MoveNet's maps by name, in their order."""
    return {
        "centers": 1,
        "heatmaps": num_joints,
        "regressions": 2 * num_joints,
        "offsets": 2 * num_joints,
    }
