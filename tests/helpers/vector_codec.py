"""A codec as a user of the package would write it, with one vector along x and one along y.

Each joint has its own vectors, as in SimCC.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from paddle_pose.codecs.base import Codec, Maps, OutputSpec
from paddle_pose.errors import InputError
from paddle_pose.ranges import Range
from paddle_pose.skeletons import MPII_16, Skeleton
from paddle_pose.structures import Poses

AXES = {"along_x": ("N", "K", "W"), "along_y": ("N", "K", "H")}


@dataclass(frozen=True)
class VectorCodec(Codec):
    """Keypoints of one person <-> a vector of `split_ratio` bins per px along each axis."""

    kind: ClassVar[str] = "test_vectors"

    skeleton: Skeleton = MPII_16
    input_size: tuple[int, int] = (64, 48)
    outputs: tuple[str, ...] = ("along_x", "along_y")
    split_ratio: Annotated[int, Range(1, 8)] = 2
    min_score: float = 0.0

    def encode(
        self, keypoints: np.ndarray, visible: np.ndarray, boxes: np.ndarray | None = None
    ) -> Maps:
        bins = (keypoints[0] * self.split_ratio).round().astype(int)  # K, 2
        sides = dict(zip(self.outputs, self.input_size, strict=True))
        maps = {
            name: np.zeros((len(bins), side * self.split_ratio)) for name, side in sides.items()
        }
        for axis, name in enumerate(self.outputs):
            maps[name][np.arange(len(bins)), bins[:, axis]] = 0.9
        return maps

    def decode(self, maps: Mapping[str, np.ndarray]) -> list[Poses]:
        vectors = [maps[name] for name in self.outputs]
        keypoints = (
            np.stack([values.argmax(axis=-1) for values in vectors], axis=-1) / self.split_ratio
        )  # N, K, 2
        scores = np.minimum(*[values.max(axis=-1) for values in vectors])
        return [
            Poses(points[None], values[None], values.mean(keepdims=True))
            for points, values in zip(keypoints, scores, strict=True)
        ]

    def mirror(self, maps: Maps, shift: bool) -> Maps:
        along_x, along_y = (maps[name][:, list(self.skeleton.flip)] for name in self.outputs)
        last = (self.input_size[0] - 1) * self.split_ratio  # the bin of the last px
        along_x = np.concatenate([along_x[..., last::-1], along_x[..., last + 1 :]], axis=-1)
        return dict(zip(self.outputs, (along_x, along_y), strict=True))

    def output_spec(self, shapes: Mapping[str, tuple[int, ...]]) -> tuple[OutputSpec, ...]:
        for name, side in zip(self.outputs, self.input_size, strict=True):
            if shapes[name][1:] != (self.skeleton.num_joints, side * self.split_ratio):
                raise InputError(f"{name}: {shapes[name]}")
        return tuple(
            OutputSpec(name, AXES[name], split_ratio=self.split_ratio) for name in self.outputs
        )


@dataclass(frozen=True)
class DecodedVectorCodec(VectorCodec):
    """A vector codec with a layer that decodes in the graph."""

    kind: ClassVar[str] = "test_decoded_vectors"
    graph_decoder: ClassVar[str | None] = "helpers.vector_network:VectorKeypoints"
