"""Networks that answer keypoints: a codec's decoding as part of the graph, for exported files.

A class here wraps a network and repeats what its codec's `decode` does, in operators that every format knows. It says what
its answer holds: `columns`, the order of the last axis, and `unit`, "input px" or "fraction" of the input's sides.

Checked against: `HeatmapCodec.decode` on the network's own maps (tests/unit/models/test_decoding.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import paddle
from paddle import Tensor, nn

from paddle_pose.codecs.base import Codec
from paddle_pose.codecs.heatmap import HeatmapCodec

KEYPOINTS = "keypoints"  # name of the one output


class HeatmapKeypoints(nn.Layer):
    """A heatmap network and the reading of its last stage's peaks.

    Args:
        network: Answers {"heatmaps": [N, S, K, h, w]}.
        codec: How peaks are read: "argmax" or "quarter".

    Raises:
        ValueError: If the codec reads peaks otherwise.
    """

    columns = ("x", "y", "score")
    unit = "input px"

    def __init__(self, network: nn.Layer, codec: HeatmapCodec) -> None:
        super().__init__()
        if codec.decode_by not in ("argmax", "quarter"):
            raise ValueError(
                f"--decode: a graph reads peaks by argmax or quarter, the config says {codec.decode_by}; "
                "add -o codec.decode_by=quarter, or export without --decode"
            )
        self.network = network
        self.quarter = codec.decode_by == "quarter"
        self.map_size = codec.map_size
        self.cell_size = [float(side) for side in codec.cell_size]

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Returns {"keypoints": [N, K, 3]} for images [N, H, W, 3]: (x, y) in input px and the peak's height."""
        width, height = self.map_size
        maps = self.network(images)["heatmaps"][:, -1].flatten(2)  # N, K, h w
        index = maps.argmax(axis=-1, keepdim=True)  # N, K, 1
        scores = paddle.take_along_axis(maps, index, axis=-1)  # N, K, 1
        row = index.floor_divide(paddle.full([1], width, "int64"))
        x, y = (index - row * width).astype("float32"), row.astype("float32")  # N, K, 1
        if self.quarter:
            # As published, peaks within one cell of the border stay where they are.
            movable = ((x > 1) & (x < width - 1) & (y > 1) & (y < height - 1)).astype("float32")
            x = x + 0.25 * movable * _slope(maps, index, 1)
            y = y + 0.25 * movable * _slope(maps, index, width)
        found = (scores > 0).astype("float32")
        return {KEYPOINTS: paddle.concat([x * self.cell_size[0] * found, y * self.cell_size[1] * found, scores], -1)}


def _slope(maps: Tensor, index: Tensor, step: int) -> Tensor:
    """Returns [N, K, 1]: 1, 0 or -1 as the cell after an index is higher than, as high as or lower than the one before."""
    last = maps.shape[-1] - 1
    after = paddle.take_along_axis(maps, (index + step).clip(0, last), axis=-1)
    before = paddle.take_along_axis(maps, (index - step).clip(0, last), axis=-1)
    return (after - before).sign()


LAYERS: dict[type, Callable[..., nn.Layer]] = {HeatmapCodec: HeatmapKeypoints}


def with_decoding(network: nn.Layer, codec: Codec) -> Any:
    """Returns the network with its codec's decoding behind it, in inference mode.

    Args:
        network: Answers maps.
        codec: Reads them.

    Raises:
        ValueError: If there is no graph for this codec, or not for its way of decoding.
    """
    if type(codec) not in LAYERS:
        raise ValueError(f"--decode: no graph decodes what {type(codec).__name__} reads; export without --decode")
    layer = LAYERS[type(codec)](network, codec)
    layer.eval()
    return layer
