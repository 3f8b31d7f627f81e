"""Networks that answer keypoints: a codec's decoding as part of the graph, for exported files.

A class here wraps a network and repeats what its codec's `decode` does, in operators that every format knows. A codec names
its class in `graph_decoder`.

Checked against: `decode` of the codecs on the network's own maps (tests/exporting/test_decoding.py).
"""

from __future__ import annotations

import importlib
from typing import ClassVar

import paddle
from paddle import Tensor, nn

from paddle_pose.codecs.base import Codec, OutputSpec
from paddle_pose.codecs.heatmap import HeatmapCodec
from paddle_pose.codecs.movenet import MoveNetCodec
from paddle_pose.codecs.movenet_search import DISTANCE_OFFSET
from paddle_pose.environment import argument
from paddle_pose.errors import InputError

KEYPOINTS = "keypoints"  # name of the one output


class GraphDecoder(nn.Layer):  # type: ignore[misc]  # mypy sees Paddle as Any
    """A network with its codec's decoding behind it; derived classes are built from the network and the codec.

    Attributes:
        columns: Order of the last axis: "x", "y" and "score".
        unit: Unit of x and y: "input px", or "fraction" of the input's sides.
        meaning: What the output contains, in one sentence.
    """

    columns: ClassVar[tuple[str, ...]] = ("x", "y", "score")
    unit: ClassVar[str] = "input px"
    meaning: ClassVar[str] = "K joints in the skeleton's order; see columns and unit"

    def output_spec(self, shape: tuple[int, ...]) -> OutputSpec:
        """Returns what the output "keypoints" contains.

        Args:
            shape: Its shape: (N, K, columns), or (N, P, K, columns) for several persons.
        """
        return OutputSpec(
            name=KEYPOINTS,
            axes=("N", "K", "columns") if len(shape) == 3 else ("N", "P", "K", "columns"),
            meaning=self.meaning,
            unit=self.unit,
            columns=self.columns,
        )


class HeatmapKeypoints(GraphDecoder):
    """A heatmap network and the reading of its last stage's peaks.

    Args:
        network: Answers {"heatmaps": [N, S, K, h, w]}.
        codec: How peaks are read: "argmax" or "quarter".

    Raises:
        InputError: If the codec reads peaks otherwise.
    """

    def __init__(self, network: nn.Layer, codec: HeatmapCodec) -> None:
        super().__init__()
        if codec.decode_by not in ("argmax", "quarter"):
            raise InputError(
                f"{argument('--decode')}: a graph reads peaks by argmax or quarter, the config says {codec.decode_by}; "
                f"{_change('codec.decode_by', 'quarter')}, or export without {argument('--decode')}"
            )
        self.network = network
        self.quarter = codec.decode_by == "quarter"
        self.map_size = codec.map_size
        self.cell_size = [float(side) for side in codec.cell_size]

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Returns {"keypoints": [N, K, 3]} for images [N, H, W, 3]: (x, y) in input px and the peak's height."""
        width, height = self.map_size
        maps = self.network(images)["heatmaps"][:, -1].flatten(2)  # N, K, h w
        index = _highest(maps)  # N, K, 1
        scores = paddle.take_along_axis(maps, index, axis=-1)  # N, K, 1
        x, y = _cell(index, width)  # N, K, 1
        if self.quarter:
            # As published, peaks within one cell of the border stay where they are.
            movable = ((x > 1) & (x < width - 1) & (y > 1) & (y < height - 1)).astype("float32")
            x = x + 0.25 * movable * _slope(maps, index, 1)
            y = y + 0.25 * movable * _slope(maps, index, width)
        found = (scores > 0).astype("float32")
        return {
            KEYPOINTS: paddle.concat(
                [x * self.cell_size[0] * found, y * self.cell_size[1] * found, scores], -1
            )
        }


def _highest(maps: Tensor) -> Tensor:
    """Returns the index [N, K, 1] of the first highest cell of every map [N, K, h w].

    Runtimes sort where a graph says argmax; comparing takes a tenth of the time.
    """
    cells = paddle.arange(maps.shape[-1], dtype="int64")
    beyond = paddle.full([1], maps.shape[-1] - 1, "int64")
    return paddle.where(maps >= maps.max(axis=-1, keepdim=True), cells, beyond).min(
        axis=-1, keepdim=True
    )


def _cell(index: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """Returns x and y, float32, of indices into a map whose rows have so many cells."""
    row = index.floor_divide(paddle.full([1], width, "int64"))
    return (index - row * width).astype("float32"), row.astype("float32")


def _slope(maps: Tensor, index: Tensor, step: int) -> Tensor:
    """Returns [N, K, 1]: 1, 0 or -1 as the cell after an index is higher than, as high as or lower than the one before."""
    last = maps.shape[-1] - 1
    after = paddle.take_along_axis(maps, (index + step).clip(0, last), axis=-1)
    before = paddle.take_along_axis(maps, (index - step).clip(0, last), axis=-1)
    return (after - before).sign()


class MoveNetKeypoints(GraphDecoder):
    """A MoveNet and Google's rule for one person, which always answers; the form of Google's own files.

    Args:
        network: Answers the four maps of `MoveNet`.
        codec: Finds one person.

    Raises:
        InputError: If the codec finds several.
    """

    columns = ("y", "x", "score")
    unit = "fraction"
    meaning = "one person, K joints in the skeleton's order; see columns and unit"

    def __init__(self, network: nn.Layer, codec: MoveNetCodec) -> None:
        super().__init__()
        if codec.max_persons != 1:
            raise InputError(
                f"{argument('--decode')}: a graph finds one person, the config up to {codec.max_persons}; "
                f"{_change('codec.max_persons', '1')}, or export without {argument('--decode')}"
            )
        self.network = network
        self.joints = codec.skeleton.num_joints
        self.map_size = codec.map_size
        self.regression_unit = codec.map_size if codec.regression_unit == "map" else (1, 1)
        width, height = codec.map_size
        across = paddle.arange(width, dtype="float32").tile([height])
        down = paddle.arange(height, dtype="float32").repeat_interleave(width)
        self.register_buffer("across", across, persistable=False)  # h w, x of every cell
        self.register_buffer("down", down, persistable=False)  # h w, y
        middle = (
            (across - width / 2).square() + (down - height / 2).square()
        ).sqrt() + DISTANCE_OFFSET
        self.register_buffer("middle", middle, persistable=False)  # h w, from the middle of the map

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Returns {"keypoints": [N, 1, K, 3]} for images [N, H, W, 3]: (y, x) as parts of the input's sides, and the score."""
        maps = self.network(images)
        heatmaps = maps["heatmaps"].flatten(2)  # N, K, h w
        center = _highest(maps["centers"].flatten(2) / self.middle)  # N, 1, 1
        center_x, center_y = _cell(center, self.map_size[0])
        moves_x, moves_y = self._pairs(
            maps["regressions"], center.tile([1, self.joints, 1])
        )  # N, K, 1
        dx = self.across - (center_x + moves_x * self.regression_unit[0])  # N, K, h w
        dy = self.down - (center_y + moves_y * self.regression_unit[1])
        index = _highest(heatmaps / ((dx * dx + dy * dy).sqrt() + DISTANCE_OFFSET))  # N, K, 1
        scores = paddle.take_along_axis(heatmaps, index, axis=-1)
        x, y = _cell(index, self.map_size[0])
        offset_x, offset_y = self._pairs(maps["offsets"], index)
        x, y = (x + offset_x) / self.map_size[0], (y + offset_y) / self.map_size[1]
        return {KEYPOINTS: paddle.concat([y, x, scores], axis=-1).unsqueeze(1)}  # N, 1, K, 3

    def _pairs(self, maps: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
        """Returns x and y [N, K, 1] of maps [N, 2K, h, w] at each joint's index [N, K, 1]."""
        pairs = maps.reshape([-1, self.joints, 2, self.map_size[0] * self.map_size[1]])
        return tuple(
            [paddle.take_along_axis(pairs[:, :, axis], index, axis=-1) for axis in range(2)]
        )


def with_decoding(network: nn.Layer, codec: Codec) -> GraphDecoder:
    """Returns the network with its codec's decoding behind it, in inference mode.

    Args:
        network: Answers maps.
        codec: Reads them.

    Raises:
        InputError: If there is no graph for this codec, or not for its way of decoding.
    """
    if codec.graph_decoder is None:
        flag = argument("--decode")
        raise InputError(
            f"{flag}: no graph decodes what {type(codec).__name__} reads; export without {flag}"
        )
    module, _, name = codec.graph_decoder.partition(":")
    layer: GraphDecoder = getattr(importlib.import_module(module), name)(network, codec)
    layer.eval()
    return layer


def _change(key: str, value: str) -> str:
    """Returns what to do to change a value of the config."""
    return argument(f"add -o {key}={value}", f"change {key} to {value} with overrides")
