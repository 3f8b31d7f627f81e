"""Training targets computed on the training device, so that keypoints are transferred, not maps."""

from __future__ import annotations

import paddle
from paddle import Tensor

from paddle_pose.codecs.heatmap import HeatmapCodec

_FAR = -1e6  # in cells: centre of unlabelled joints, outside of every map


class HeatmapTargets:
    """Draws the heatmaps of `HeatmapCodec.encode_batch` on the device; they differ by 1e-6 at most.

    Centres, windows and one-dimensional Gaussians are computed in float64, so that keypoints are
    rounded to the same cells; a map is the float32 product of two of these Gaussians.

    Args:
        codec: Codec whose targets are drawn.

    Example:
        >>> draw = HeatmapTargets(HeatmapCodec(input_size=(64, 64)))
        >>> targets = draw(paddle.full([1, 1, 16, 2], 33.0), paddle.ones([1, 1, 16]))
        >>> list(targets["heatmaps"].shape), list(targets["weights"].shape)
        ([1, 16, 16, 16], [1, 16])
        >>> targets["heatmaps"][0, 0, 8, 8].item()
        1.0
    """

    def __init__(self, codec: HeatmapCodec) -> None:
        self._exact = codec.unbiased
        self._rounded = not codec.unbiased and codec.alignment != "udp"
        self._cell_size = paddle.to_tensor(codec.cell_size, "float64")
        self._size = paddle.to_tensor(codec.map_size, "float64")
        self._sigmas = paddle.to_tensor(codec.sigmas, "float64").unsqueeze(-1)  # K, 1
        self._radii = paddle.trunc(3 * self._sigmas)  # whole cells
        self._cells = [paddle.arange(length, dtype="float64") for length in codec.map_size]

    def __call__(
        self, keypoints: Tensor, visible: Tensor, boxes: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Returns {"heatmaps": [N, K, h, w], "weights": [N, K]}, float32.

        Args:
            keypoints: Keypoints of one person per image, [N, 1, K, 2] (x, y) in input px, float32
                or float64; values of joints that are not labelled are ignored and may be NaN.
            visible: Visibility, [N, 1, K], 0 for joints that are not labelled.
            boxes: Ignored; other targets need them.
        """
        keypoints = keypoints[:, 0]
        visible = visible[:, 0]
        labelled = visible > 0
        centers = keypoints.astype("float64") / self._cell_size
        centers = paddle.where(labelled.unsqueeze(-1), centers, paddle.full_like(centers, _FAR))
        cells = paddle.trunc(centers + 0.5)
        reach = centers if self._exact else cells
        inside = (reach - self._radii < self._size) & (reach + self._radii + 1 >= 0)
        weights = (labelled & inside.all(axis=-1)).astype("float32")  # N, K
        peaks = cells if self._rounded else centers
        columns, rows = (
            self._profiles(peaks[..., axis], cells[..., axis], self._cells[axis]) for axis in (0, 1)
        )
        rows = rows * weights.unsqueeze(-1)
        return {"heatmaps": rows.unsqueeze(-1) * columns.unsqueeze(-2), "weights": weights}

    def _profiles(self, peaks: Tensor, cells: Tensor, positions: Tensor) -> Tensor:
        """Returns one-dimensional Gaussians, zero beyond 3 sigma unless the codec is exact.

        Args:
            peaks: Centres of the Gaussians, [N, K] in cells.
            cells: Cells at the centres of the windows, [N, K].
            positions: Cells of the map along one axis, [length].

        Returns:
            float32 [N, K, length].
        """
        distances = positions - peaks.unsqueeze(-1)
        values = paddle.exp(-distances.square() / (2 * self._sigmas.square()))
        if not self._exact:
            window = (positions - cells.unsqueeze(-1)).abs() <= self._radii
            values = paddle.where(window, values, paddle.zeros_like(values))
        return values.astype("float32")
