"""The seam: a codec turns keypoints into maps to learn from, and predicted maps back into keypoints.

A codec is a small frozen value: everything about poses stays in NumPy on this side, everything about learning in the
network's framework on the other. It is the only owner of map coordinates: nobody else sees a cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Protocol

import numpy as np

from paddle_pose import kinds
from paddle_pose.ranges import Range
from paddle_pose.skeletons import Skeleton
from paddle_pose.structures import Poses

Maps = dict[str, np.ndarray]
Stride = Annotated[int, Range(1, 256)]  # input px per cell
Sigma = Annotated[float, Range(0, 1000, exclusive_min=True)]  # cells
Radius = Annotated[float, Range(0, 1000)]  # cells


class Codec(Protocol):
    """What training, evaluation, prediction and export need to know about a system's maps.

    A class that configs can choose is a frozen dataclass under `@kinds.register(Codec)`.

    Attributes:
        kind: Short name that files and flags choose the class by.
        skeleton: the K joints.
        input_size: (width, height) of the network's input in px.
        alignment: how windows and input px correspond, see `Window.to_input`.
        outputs: names of the network's maps in their order in exported files.
        decode_by: How maps are read, for protocol lines.
    """

    kind: ClassVar[str]

    @property
    def skeleton(self) -> Skeleton: ...  # noqa: D102
    @property
    def input_size(self) -> tuple[int, int]: ...  # noqa: D102
    @property
    def alignment(self) -> str: ...  # noqa: D102
    @property
    def outputs(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def decode_by(self) -> str: ...  # noqa: D102

    def encode(self, keypoints: np.ndarray, visible: np.ndarray, boxes: np.ndarray | None = None) -> Maps:
        """Draws the targets of one sample.

        Args:
            keypoints: [P, K, 2] in input px.
            visible: [P, K], 0 where not labelled; whoever has no label at all is a region, not a person to find.
            boxes: [P, 4] (x, y, width, height) in input px, for codecs that use them.
        """
        ...

    def encode_batch(
        self, keypoints: Sequence[np.ndarray], visible: Sequence[np.ndarray], boxes: Sequence[np.ndarray]
    ) -> Maps:
        """Draws the targets of N samples, [N, ...]: what `encode` answers for each, stacked."""
        ...

    def decode(self, maps: dict[str, Any]) -> list[Poses]:
        """Reads N Poses in input px from batched maps [N, ...]."""
        ...

    def shown(self, maps: dict[str, Any]) -> Maps:
        """Returns what there is to look at in one image's maps: a title with strengths [h, w], 1 = certain, for each."""
        ...

    def mirror(self, maps: Maps, shift: bool) -> Maps:
        """Returns the maps of a mirrored image in the frame of the unmirrored one."""
        ...


kinds.open_family(Codec, shared=("skeleton", "input_size"))
