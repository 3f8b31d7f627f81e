"""Decoding of keypoints as part of an exported graph.

Each class wraps a network and repeats the `decode` of its codec with operators that all export
formats support. A codec names its class in `graph_decoder`.

Checked against: `decode` of the codecs on the same maps (tests/exporting/test_decoding.py).
"""

from __future__ import annotations

import importlib
from dataclasses import replace
from typing import ClassVar

import paddle
import paddle.nn.functional as F
from paddle import Tensor, nn

from paddle_pose.codecs import movenet_multipose as multipose
from paddle_pose.codecs.base import Codec, OutputSpec
from paddle_pose.codecs.heatmap import HeatmapCodec
from paddle_pose.codecs.movenet import MoveNetCodec
from paddle_pose.codecs.movenet_multipose import MultiPoseCodec
from paddle_pose.codecs.movenet_search import DISTANCE_OFFSET
from paddle_pose.environment import argument
from paddle_pose.errors import InputError

KEYPOINTS = "keypoints"  # name of the only output, except for MultiPose


class GraphDecoder(nn.Layer):  # type: ignore[misc]  # mypy sees Paddle as Any
    """Base class of networks followed by the decoding of their codec.

    `with_decoding` constructs a derived class as `Class(network, codec)`; both are described there.
    `forward` of a derived class takes uint8 RGB images [N, H, W, 3] and returns
    {"keypoints": [N, K, 3]}, or [N, P, K, 3] for several people, with the columns and the unit that
    the attributes state. A class whose output differs redefines `output_spec`, and names in
    `file_codec` the codec that decodes it.

    Attributes:
        columns: Contents of the last axis in their order: "x", "y" and "score".
        unit: Unit of x and y: "input px", or "fraction" of the input's width and height.
        meaning: Content of the output in one sentence, for the export metadata.
        file_codec: Codec that decodes the output, which the exported file states as its own; None
            if this package does not read such files.
    """

    columns: ClassVar[tuple[str, ...]] = ("x", "y", "score")
    unit: ClassVar[str] = "input px"
    meaning: ClassVar[str] = "K joints in the skeleton's order; see columns and unit"
    file_codec: Codec | None = None

    def output_spec(self, shape: tuple[int, ...]) -> OutputSpec:
        """Returns the specification of the only output, "keypoints".

        Args:
            shape: Shape of the output: (N, K, columns), or (N, P, K, columns) for several people.
        """
        return OutputSpec(
            name=KEYPOINTS,
            axes=("N", "K", "columns") if len(shape) == 3 else ("N", "P", "K", "columns"),
            meaning=self.meaning,
            unit=self.unit,
            columns=self.columns,
        )


class HeatmapKeypoints(GraphDecoder):
    """A heatmap network followed by the decoding of the peaks of its last stage.

    The arithmetic is that of `HeatmapCodec.decode`, in float32.

    Args:
        network: Network that returns {"heatmaps": [N, S, K, h, w]} for uint8 RGB [N, H, W, 3].
        codec: Codec of the heatmaps, with `decode_by` "argmax" (the highest cell) or "quarter" (and
            a quarter of a cell towards the higher neighbour).

    Raises:
        InputError: If `decode_by` has another value.
    """

    def __init__(self, network: nn.Layer, codec: HeatmapCodec) -> None:
        super().__init__()
        if codec.decode_by not in ("argmax", "quarter"):
            raise InputError(
                f"{argument('--decode')}: a graph supports codec.decode_by argmax and quarter, the "
                f"config says {codec.decode_by}; {_change('codec.decode_by', 'quarter')}, or "
                f"export without {argument('--decode')}"
            )
        self.network = network
        self.quarter = codec.decode_by == "quarter"
        self.map_size = codec.map_size
        self.cell_size = [float(side) for side in codec.cell_size]

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Returns {"keypoints": [N, K, 3]}: x, y in input px and the value of the peak.

        x and y are 0 where the peak is not above 0.

        Args:
            images: uint8 RGB [N, H, W, 3].
        """
        width, height = self.map_size
        maps = self.network(images)["heatmaps"][:, -1].flatten(2)  # N, K, h w
        index = _highest(maps)  # N, K, 1
        scores = paddle.take_along_axis(maps, index, axis=-1)  # N, K, 1
        x, y = _cell(index, width)  # N, K, 1
        if self.quarter:
            # As published, peaks within one cell of the border are not refined.
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
    """Returns the index of the highest cell of every map, the first one of equals.

    Runtimes implement argmax by sorting; comparing with the maximum takes a tenth of the time.

    Args:
        maps: [N, K, h w].

    Returns:
        int64 [N, K, 1].
    """
    cells = paddle.arange(maps.shape[-1], dtype="int64")
    last = paddle.full([1], maps.shape[-1] - 1, "int64")
    return paddle.where(maps >= maps.max(axis=-1, keepdim=True), cells, last).min(
        axis=-1, keepdim=True
    )


def _cell(index: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """Returns the coordinates of cells in a map.

    Args:
        index: Indices of the cells in the flattened map, int64.
        width: Width of the map in cells.

    Returns:
        x and y, float32, in the shape of `index`.
    """
    row = index.floor_divide(paddle.full([1], width, "int64"))
    return (index - row * width).astype("float32"), row.astype("float32")


def _slope(maps: Tensor, index: Tensor, step: int) -> Tensor:
    """Returns the sign of the slope of every map at a cell.

    Args:
        maps: [N, K, h w].
        index: Index of the cell in every map, [N, K, 1].
        step: Distance of the compared cells: 1 along x, the map's width along y.

    Returns:
        [N, K, 1]: 1 if the next cell is higher than the previous one, -1 if it is lower, else 0.
    """
    last = maps.shape[-1] - 1
    after = paddle.take_along_axis(maps, (index + step).clip(0, last), axis=-1)
    before = paddle.take_along_axis(maps, (index - step).clip(0, last), axis=-1)
    return (after - before).sign()


class MoveNetKeypoints(GraphDecoder):
    """A MoveNet followed by Google's decoding of one person, with the output of Google's files.

    One person is always returned, with low scores if nobody is visible.

    Args:
        network: Network that returns {"centers": [N, 1, h, w], "heatmaps": [N, K, h, w],
            "regressions": [N, 2K, h, w], "offsets": [N, 2K, h, w]} for uint8 RGB [N, H, W, 3]; see
            `models.movenet.MoveNet`.
        codec: Codec of the maps, with `max_persons` 1.

    Raises:
        InputError: If the codec finds several people.
    """

    columns = ("y", "x", "score")
    unit = "fraction"
    meaning = "one person, K joints in the skeleton's order; see columns and unit"

    def __init__(self, network: nn.Layer, codec: MoveNetCodec) -> None:
        super().__init__()
        if codec.max_persons != 1:
            raise InputError(
                f"{argument('--decode')}: a graph supports codec.max_persons 1, the config says "
                f"{codec.max_persons}; {_change('codec.max_persons', '1')}, or export without "
                f"{argument('--decode')}"
            )
        self.network = network
        self.joints = codec.skeleton.num_joints
        self.map_size = codec.map_size
        self.regression_unit = codec.map_size if codec.regression_unit == "map" else (1, 1)
        width, height = codec.map_size
        across = paddle.arange(width, dtype="float32").tile([height])
        down = paddle.arange(height, dtype="float32").repeat_interleave(width)
        self.register_buffer("across", across, persistable=False)  # h w: x of every cell
        self.register_buffer("down", down, persistable=False)  # h w: y of every cell
        middle = (
            (across - width / 2).square() + (down - height / 2).square()
        ).sqrt() + DISTANCE_OFFSET
        # h w: distance of every cell from the middle of the map, in cells, plus DISTANCE_OFFSET
        self.register_buffer("middle", middle, persistable=False)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Returns {"keypoints": [N, 1, K, 3]}: y, x as fractions of the input's size, and score.

        The score is the value 0..1 of the joint's heatmap.

        Args:
            images: uint8 RGB [N, H, W, 3]; H and W are the codec's input size.
        """
        maps = self.network(images)
        heatmaps = maps["heatmaps"].flatten(2)  # N, K, h w
        center = _highest(maps["centers"].flatten(2) / self.middle)  # N, 1, 1
        center_x, center_y = _cell(center, self.map_size[0])
        # N, K, 1
        shift_x, shift_y = self._pairs(maps["regressions"], center.tile([1, self.joints, 1]))
        dx = self.across - (center_x + shift_x * self.regression_unit[0])  # N, K, h w
        dy = self.down - (center_y + shift_y * self.regression_unit[1])
        index = _highest(heatmaps / ((dx * dx + dy * dy).sqrt() + DISTANCE_OFFSET))  # N, K, 1
        scores = paddle.take_along_axis(heatmaps, index, axis=-1)
        x, y = _cell(index, self.map_size[0])
        offset_x, offset_y = self._pairs(maps["offsets"], index)
        x, y = (x + offset_x) / self.map_size[0], (y + offset_y) / self.map_size[1]
        return {KEYPOINTS: paddle.concat([y, x, scores], axis=-1).unsqueeze(1)}  # N, 1, K, 3

    def _pairs(self, maps: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the x and y components of vector maps at one cell per joint.

        Args:
            maps: [N, 2K, h, w]: x and y of the first joint, of the second, ...
            index: Index of the cell of each joint, [N, K, 1].

        Returns:
            x and y, each [N, K, 1].
        """
        pairs = maps.reshape([-1, self.joints, 2, self.map_size[0] * self.map_size[1]])
        return tuple(
            [paddle.take_along_axis(pairs[:, :, axis], index, axis=-1) for axis in range(2)]
        )


class MultiPosePeople(GraphDecoder):
    """A MoveNet MultiPose followed by its decoding, with the output of Google's file.

    The arithmetic is that of `MultiPoseCodec.people`.

    Args:
        network: Network that returns the six maps of MultiPose for uint8 RGB [N, H, W, 3]; see
            `models.movenet.MoveNet`.
        codec: Codec of the maps; H and W are those of its `input_size`.
    """

    def __init__(self, network: nn.Layer, codec: MultiPoseCodec) -> None:
        super().__init__()
        self.network = network
        self.skeleton = codec.skeleton
        self.file_codec = replace(codec.with_fixed_size(), outputs=(multipose.PEOPLE,))
        self.map_size = [side // multipose.STRIDE for side in codec.input_size]
        width, height = self.map_size
        across = paddle.arange(width, dtype="float32").tile([height])
        down = paddle.arange(height, dtype="float32").repeat_interleave(width)
        self.register_buffer("across", across, persistable=False)  # h w: x of every cell
        self.register_buffer("down", down, persistable=False)  # h w: y of every cell

    def output_spec(self, shape: tuple[int, ...]) -> OutputSpec:
        """Returns the specification of the output "people".

        Args:
            shape: Shape of the output: (N, 6, 3K + 5).
        """
        return multipose.people_spec(self.skeleton)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Returns {"people": [N, 6, 3K + 5]}, see `MultiPoseCodec.people`.

        Args:
            images: uint8 RGB [N, H, W, 3]; H and W are the codec's input size.
        """
        width, height = self.map_size
        joints = self.skeleton.num_joints
        maps = self.network(images)
        peaks, center_scores = self._peaks(maps["centers"])  # N, P, 1
        x, y = _cell(peaks, width)
        size_x, size_y = self._at(maps["box_sizes"], peaks)  # N, P, 1
        shift_x, shift_y = self._at(maps["box_offsets"], peaks)
        x0, x1 = _interval(x + shift_x, size_x, width)
        y0, y1 = _interval(y + shift_y, size_y, height)
        inside = (
            (self.across >= x0) & (self.across < x1) & (self.down >= y0) & (self.down < y1)
        ).astype("float32")  # N, P, h w
        vector_x, vector_y = self._at(maps["regressions"], peaks)  # N, P, K
        dx = self.across - (x + vector_x).unsqueeze(-1)  # N, P, K, h w
        dy = self.down - (y + vector_y).unsqueeze(-1)
        spread = multipose.SPREAD * min(width, height)
        weights = (-(dx * dx + dy * dy) / spread).exp() * inside.unsqueeze(2)
        weighted = maps["heatmaps"].flatten(2).unsqueeze(1) * weights  # N, P, K, h w
        # A joint's score is the highest weighted value at its cell, for any of the people.
        highest = weighted.max(axis=1)  # N, K, h w
        cells = _highest(weighted).squeeze(-1).transpose([0, 2, 1])  # N, K, P
        scores = paddle.take_along_axis(highest, cells, axis=-1)  # N, K, P
        cell_x, cell_y = _cell(cells, width)
        pairs = maps["offsets"].reshape([-1, joints, 2, width * height])
        offset_x, offset_y = [
            paddle.take_along_axis(pairs[:, :, axis], cells, axis=-1) for axis in range(2)
        ]
        located = paddle.stack(
            [(cell_y + offset_y) / height, (cell_x + offset_x) / width, scores], axis=-1
        )  # N, K, P, 3
        keypoints = located.transpose([0, 2, 1, 3]).flatten(2)  # N, P, 3K
        counted = (scores > multipose.MIN_COUNTED_SCORE).astype("float32")  # N, K, P
        total = (scores * counted).sum(axis=1).unsqueeze(-1)  # N, P, 1
        count = counted.sum(axis=1).unsqueeze(-1).clip(min=1.0)
        box = [y0 / height, x0 / width, y1 / height, x1 / width]
        return {
            multipose.PEOPLE: paddle.concat(
                [keypoints, *box, center_scores * total / count], axis=-1
            )
        }

    def _peaks(self, centers: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the indices and the values of the highest peaks, each [N, 6, 1].

        Runtimes differ in the order of equal values, so that the maximum is taken six times.

        Args:
            centers: [N, 1, h, w].
        """
        side = multipose.NEIGHBOURHOOD
        highest = F.max_pool2d(centers, side, stride=1, padding=side // 2)
        is_peak = (centers - highest).abs() < multipose.MAX_PEAK_DIFFERENCE
        left = (centers * is_peak.astype("float32")).flatten(2)  # N, 1, h w
        places = paddle.arange(left.shape[-1], dtype="int64")
        indices, values = [], []
        for _ in range(multipose.NUM_CANDIDATES):
            index = _highest(left)  # N, 1, 1
            indices.append(index)
            values.append(paddle.take_along_axis(left, index, axis=-1))
            left = paddle.where(places == index, paddle.full([1], -1.0), left)
        return paddle.concat(indices, axis=1), paddle.concat(values, axis=1)

    def _at(self, maps: Tensor, cells: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the x and y components of vector maps at the cells of people.

        Args:
            maps: [N, 2C, h, w]: x and y of each of C vectors.
            cells: Index of each person's cell, [N, P, 1].

        Returns:
            x and y, each [N, P, C].
        """
        index = cells.transpose([0, 2, 1]).tile([1, maps.shape[1], 1])  # N, 2C, P
        values = paddle.take_along_axis(maps.flatten(2), index, axis=-1)
        values = values.transpose([0, 2, 1])  # N, P, 2C
        return values[:, :, 0::2], values[:, :, 1::2]


def _interval(middle: Tensor, length: Tensor, limit: int) -> tuple[Tensor, Tensor]:
    """Returns the ends of intervals, clipped to 0 and a limit; a negative length counts as 0.

    Args:
        middle: Middle of each interval, of any shape.
        length: Length of each interval, of the same shape.
        limit: Highest value of an end.
    """
    half = F.relu(length) * 0.5
    return (middle - half).clip(0.0, float(limit)), (middle + half).clip(0.0, float(limit))


def with_decoding(network: nn.Layer, codec: Codec) -> GraphDecoder:
    """Returns a network followed by the decoding of its codec, in inference mode.

    Args:
        network: Network that returns maps by name, [N, ...], for uint8 RGB images [N, H, W, 3].
        codec: Codec of the maps; its `graph_decoder` names the class that is returned.

    Returns:
        Layer from uint8 RGB [N, H, W, 3] to {"keypoints": [N, K, 3] or [N, P, K, 3]}, or to
        {"people": [N, P, 3K + 5]} for MultiPose.

    Raises:
        InputError: If the codec names no class, or the class does not support the codec's
            `decode_by` or `max_persons`.
    """
    if codec.graph_decoder is None:
        flag = argument("--decode")
        raise InputError(
            f"{flag}: {type(codec).__name__} cannot be decoded in a graph; export without {flag}"
        )
    module, _, name = codec.graph_decoder.partition(":")
    layer: GraphDecoder = getattr(importlib.import_module(module), name)(network, codec)
    layer.eval()
    return layer


def _change(key: str, value: str) -> str:
    """Returns the instruction for changing a value of the config, for a command or for Python."""
    return argument(f"add -o {key}={value}", f"change {key} to {value} with overrides")
