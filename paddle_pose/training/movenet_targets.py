"""MoveNet's training targets drawn on the device that trains.

Keypoints and boxes of a batch cross to the device instead of 105 maps per sample.

Source: `codecs.movenet.MoveNetCodec.encode`, which this repeats for a batch.
Checked against: the same, cell by cell (tests/training/test_movenet_targets.py).
"""

from __future__ import annotations

import paddle
from paddle import Tensor

from paddle_pose.codecs.movenet import MoveNetCodec


class MoveNetTargets:
    """Draws the targets of a MoveNet codec as `MoveNetCodec.encode_batch` does, to 1e-5.

    Cells, boxes and their order are computed in float64, so that keypoints fall into the same
    cells and the same person wins a contested one; maps are float32. People are merged one after
    another, so the memory needed does not grow with their number.

    Args:
        codec: Codec whose targets are drawn.

    Example:
        >>> draw = MoveNetTargets(MoveNetCodec(input_size=(64, 64)))
        >>> keypoints = paddle.full([2, 1, 17, 2], 33.0)
        >>> targets = draw(keypoints, paddle.ones([2, 1, 17]), paddle.full([2, 1, 4], 20.0))
        >>> {name: targets[name].shape[1] for name in targets if "weights" not in name}
        {'centers': 1, 'heatmaps': 17, 'regressions': 34, 'offsets': 34}
        >>> list(targets["heatmaps"].shape)
        [2, 17, 16, 16]
        >>> targets["heatmaps"][0, 0, 8, 8].item(), targets["offsets"][0, 0, 8, 8].item()
        (1.0, 0.25)
    """

    def __init__(self, codec: MoveNetCodec) -> None:
        self._codec = codec
        width, height = codec.map_size
        self._size = paddle.to_tensor([width, height], "float64")
        self._columns = paddle.arange(width, dtype="float64")
        self._rows = paddle.arange(height, dtype="float64")
        scale = (1.0 / width, 1.0 / height) if codec.regression_unit == "map" else (1.0, 1.0)
        self._regression_scale = paddle.to_tensor(scale, "float32").reshape([2, 1, 1])

    def __call__(self, keypoints: Tensor, visible: Tensor, boxes: Tensor) -> dict[str, Tensor]:
        """Returns the targets and their weights, [N, channels, h, w] float32 by name.

        The names are those of `MoveNetCodec.encode`: "centers", "heatmaps", "regressions" and
        "offsets", and "center_weights", "heatmap_weights", "regression_weights", "offset_weights".

        Args:
            keypoints: Keypoints, [N, P, K, 2] (x, y) in input px, float32 or float64; joints that
                are not labelled may have any coordinates, including NaN.
            visible: Visibility, [N, P, K], 0 for joints that are not labelled.
            boxes: Person boxes, [N, P, 4] (x, y, width, height) in input px. If an image has fewer
                than P people, the rest have no labelled joint and a box outside of the input.
        """
        stride = self._codec.stride
        labelled = visible > 0
        points = keypoints.astype("float64") / stride
        points = paddle.where(labelled.unsqueeze(-1), points, paddle.full_like(points, -1.0))
        boxes = boxes.astype("float64") / stride
        corners = paddle.concat([boxes[..., :2], boxes[..., :2] + boxes[..., 2:]], axis=-1)
        # From the smallest to the largest person: a contested cell belongs to the largest.
        order = paddle.argsort(_areas(corners), axis=1, stable=True)
        points, labelled, corners = (
            _in_order(values, order) for values in (points, labelled, corners)
        )
        cells = paddle.floor(points)
        known = labelled & self._on_map(cells)  # N, P, K
        drawn = known.any(axis=-1)  # N, P
        centers = self._center_cells(points, known, corners)
        centers = paddle.where(drawn.unsqueeze(-1), centers, paddle.full_like(centers, -1.0))
        center_widths, widths = self._widths(points, known, corners)
        joints = known.shape[-1]
        center_map = self._blobs(centers[:, :1], center_widths[:, 0], drawn[:, :1])
        heatmaps = self._blobs(cells[:, 0], widths[:, 0], known[:, 0])
        for p in range(1, known.shape[1]):
            center = self._blobs(centers[:, p : p + 1], center_widths[:, p], drawn[:, p : p + 1])
            center_map = paddle.maximum(center_map, center)
            heatmaps = paddle.maximum(heatmaps, self._blobs(cells[:, p], widths[:, p], known[:, p]))
        # A person's centre is the anchor of the regressions of all joints.
        anchors = centers.unsqueeze(2).expand([-1, -1, joints, -1])
        codec = self._codec
        moves, moves_known = self._spread(anchors, cells, known, codec.regression_radius)
        offsets, offsets_known = self._spread(cells, points, known, codec.offset_radius)
        regions = self._touched(corners)
        scaled = moves * self._regression_scale
        return {
            "centers": center_map,
            "center_weights": _outside(regions, ~drawn.unsqueeze(-1), center_map),
            "heatmaps": heatmaps,
            "heatmap_weights": _outside(regions, ~known, heatmaps),
            "regressions": scaled.flatten(1, 2),
            "regression_weights": moves_known,
            "offsets": offsets.flatten(1, 2),
            "offset_weights": offsets_known,
        }

    def _on_map(self, cells: Tensor) -> Tensor:
        """Returns [...] bool for cells [..., 2]."""
        return ((cells >= 0) & (cells < self._size)).all(axis=-1)

    def _center_cells(self, points: Tensor, known: Tensor, corners: Tensor) -> Tensor:
        """Returns the cells [N, P, 2] of the people's centres, moved onto the map."""
        if self._codec.center == "box":
            pairs = corners.reshape([*corners.shape[:2], 2, 2])
            places = paddle.minimum(paddle.clip(pairs, min=0.0), self._size).mean(axis=2)
        else:
            weights = known.astype("float64").unsqueeze(-1)
            places = (points * weights).sum(axis=2) / paddle.clip(weights.sum(axis=2), min=1.0)
        cells = paddle.floor(places)
        return paddle.minimum(paddle.clip(cells, min=0.0), self._size - 1)

    def _widths(self, points: Tensor, known: Tensor, corners: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the widths [N, P] of the blobs of centres and of joints, in cells."""
        codec = self._codec
        if codec.kernel == "gaussian":
            area = _areas(corners) / self._size.prod()
            sigmas = (codec.sigma * area.sqrt()).clip(codec.min_sigma, codec.sigma)
            return sigmas, sigmas
        chosen = known.unsqueeze(-1)
        far = paddle.full_like(points, float("inf"))
        first = paddle.where(chosen, points, far).min(axis=2)
        last = paddle.where(chosen, points, -far).max(axis=2)
        around = paddle.concat([first, last], axis=-1)
        is_empty = ~known.any(axis=-1, keepdim=True)
        around = paddle.where(is_empty, paddle.full_like(around, -1.0), around)
        area = _areas(around) / self._size.prod()
        radii = 4.0 + (area >= 0.16).astype("float64") + (area >= 0.3).astype("float64")
        return radii + 1, radii

    def _blobs(self, cells: Tensor, widths: Tensor, shown: Tensor) -> Tensor:
        """Returns one blob [N, C, h, w] float32 round each cell, 0 where none is shown.

        Args:
            cells: [N, C, 2] (x, y), whole numbers.
            widths: [N], sigma or radius in cells.
            shown: [N, C] bool.
        """
        across = (self._columns - cells[..., 0:1]).abs()  # N, C, w
        down = (self._rows - cells[..., 1:2]).abs()  # N, C, h
        widths = widths.reshape([-1, 1, 1])
        counts = shown.astype("float32").unsqueeze(-1).unsqueeze(-1)
        if self._codec.kernel == "gaussian":
            reach = paddle.trunc(3 * widths)
            columns, rows = (
                (
                    paddle.exp(-steps.square() / (2 * widths.square()))
                    * (steps <= reach).astype("float64")
                )
                for steps in (across, down)
            )
            columns, rows = columns.astype("float32"), rows.astype("float32")
            return rows.unsqueeze(-1) * columns.unsqueeze(-2) * counts
        near = (across <= widths).unsqueeze(-2) & (down <= widths).unsqueeze(-1)
        distances = (across.square().unsqueeze(-2) + down.square().unsqueeze(-1)).sqrt()
        values = paddle.exp(-3 * distances / widths.unsqueeze(-1))
        return (values * near.astype("float64")).astype("float32") * counts

    def _spread(
        self, anchors: Tensor, points: Tensor, known: Tensor, radius: float
    ) -> tuple[Tensor, Tensor]:
        """Writes into each cell near an anchor how far it is from there to the anchor's point.

        Args:
            anchors: [N, P, K, 2] whole cells; those outside the map are left out.
            points: [N, P, K, 2] in cells.
            known: [N, P, K] bool: whether there is a point; without it the weight is 0.
            radius: Distance from the anchor up to which values are written, in cells.

        Returns:
            [N, K, 2, h, w] and weights [N, K, h, w], float32.
        """
        columns = self._columns.reshape([1, 1, 1, -1])
        rows = self._rows.reshape([1, 1, -1, 1])
        nearest = values = weights = None
        for p in range(anchors.shape[1]):
            anchor = anchors[:, p].unsqueeze(-1)  # N, K, 2, 1
            across = columns - anchor[:, :, 0:1]
            down = rows - anchor[:, :, 1:2]
            distance = across.square() + down.square()  # N, K, h, w
            reached = (distance <= radius**2) & self._on_map(anchors[:, p]).unsqueeze(-1).unsqueeze(
                -1
            )
            distance = paddle.where(reached, distance, paddle.full_like(distance, float("inf")))
            point = points[:, p].unsqueeze(-1)
            taught = known[:, p].unsqueeze(-1).unsqueeze(-1)
            zeros = paddle.zeros_like(distance)
            own = paddle.stack(
                [
                    paddle.where(reached & taught, point[:, :, 0:1] - columns + zeros, zeros),
                    paddle.where(reached & taught, point[:, :, 1:2] - rows + zeros, zeros),
                ],
                axis=2,
            ).astype("float32")
            own_weights = (reached & taught).astype("float32")
            if nearest is None:
                nearest, values, weights = distance, own, own_weights
                continue
            # Among equally near anchors the later, larger person decides.
            takes = reached & (distance <= nearest)
            nearest = paddle.where(takes, distance, nearest)
            values = paddle.where(takes.unsqueeze(2), own, values)
            weights = paddle.where(takes, own_weights, weights)
        return values, weights

    def _touched(self, corners: Tensor) -> Tensor:
        """Returns [N, P, h, w] bool: the cells that boxes touch."""
        first = paddle.floor(corners[..., :2])
        last = paddle.floor(corners[..., 2:])
        across = (first[..., 0:1] <= self._columns) & (self._columns <= last[..., 0:1])
        down = (first[..., 1:2] <= self._rows) & (self._rows <= last[..., 1:2])
        return down.unsqueeze(-1) & across.unsqueeze(-2)


def _in_order(values: Tensor, order: Tensor) -> Tensor:
    """Returns values [N, P, ...] with the people of each sample in the order [N, P]."""
    index = order.reshape([*order.shape, *[1] * (values.ndim - 2)])
    index = index.expand([-1, -1, *values.shape[2:]])
    if values.dtype == paddle.bool:
        return paddle.take_along_axis(values.astype("int32"), index, axis=1) > 0
    return paddle.take_along_axis(values, index, axis=1)


def _areas(corners: Tensor) -> Tensor:
    """Returns the areas [...] of boxes [..., 4] (left, top, right, bottom)."""
    return paddle.clip(corners[..., 2:] - corners[..., :2], min=0.0).prod(axis=-1)


def _outside(regions: Tensor, unknown: Tensor, maps: Tensor) -> Tensor:
    """Returns weights [N, C, h, w]: 0 where a person's region has something unknown, 1 on blobs.

    Args:
        regions: [N, P, h, w] bool.
        unknown: [N, P, C] bool.
        maps: [N, C, h, w] targets.
    """
    hidden = paddle.einsum("npc,nphw->nchw", unknown.astype("float32"), regions.astype("float32"))
    return ((hidden == 0) | (maps > 0)).astype("float32")
