"""A network for `vector_codec`, and its decoding in the graph."""

import paddle
from helpers.vector_codec import VectorCodec
from paddle import Tensor, nn

from paddle_pose.exporting.decoding import GraphDecoder


class Brightness(nn.Layer):
    """Predicts every joint where the image is brightest: joint k in the colour k % 3.

    Args:
        codec: Codec of the maps.
    """

    def __init__(self, codec: VectorCodec) -> None:
        super().__init__()
        self.repeats = codec.skeleton.num_joints // 3 + 1
        self.joints = codec.skeleton.num_joints
        self.register_buffer("first", paddle.eye(codec.split_ratio)[0], persistable=False)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        colors = images.astype("float32").transpose([0, 3, 1, 2]) / 255  # N, 3, H, W
        return {
            "along_y": self._vectors(colors.max(axis=3)),
            "along_x": self._vectors(colors.max(axis=2)),
        }

    def _vectors(self, values: Tensor) -> Tensor:
        """Returns [N, K, length * split ratio] of brightness [N, 3, length]; 0 between pixels."""
        spaced = values.unsqueeze(-1) * self.first  # N, 3, length, split ratio
        return spaced.flatten(2).tile([1, self.repeats, 1])[:, : self.joints]


class VectorKeypoints(GraphDecoder):
    """Returns the highest bins of a network's vectors as keypoints.

    Args:
        network: Network that predicts the vectors.
        codec: Codec of the vectors.
    """

    unit = "input px"

    def __init__(self, network: nn.Layer, codec: VectorCodec) -> None:
        super().__init__()
        self.network = network
        self.split_ratio = codec.split_ratio

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        maps = self.network(images)
        x, y = (
            maps[name].argmax(-1).astype("float32") / self.split_ratio
            for name in ("along_x", "along_y")
        )
        scores = paddle.minimum(maps["along_x"].max(-1), maps["along_y"].max(-1))
        return {"keypoints": paddle.stack([x, y, scores], axis=-1)}
