"""The seam: a codec turns keypoints into maps to learn from, and predicted maps back into keypoints.

A codec is a small frozen value: everything about poses stays in NumPy on this side, everything about learning in the
network's framework on the other. It is the only owner of map coordinates: nobody else sees a cell.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np

from paddle_pose import kinds
from paddle_pose.ranges import Range, Side, check_fields
from paddle_pose.skeletons import Skeleton
from paddle_pose.structures import Poses

Maps = dict[str, np.ndarray]
Stride = Annotated[int, Range(1, 256)]  # input px per cell
Sigma = Annotated[float, Range(0, 1000, exclusive_min=True)]  # cells
Radius = Annotated[float, Range(0, 1000)]  # cells


@dataclass(frozen=True)
class OutputSpec:
    """What one output of a network contains; the metadata of an exported file states it for every output.

    Attributes:
        name: Name of the output.
        axes: A letter of the axis legend, or a product such as "2K", for each axis: N batch, S stage, P persons, K joints,
            C channels, h w cells of a grid; W and H are also the axes of vectors along the input's width and height.
        meaning: What the values are, in one sentence; "" where the name says it.
        unit: Unit of the values, such as "input px"; None where they have none, as scores.
        stride: Input px per cell of a grid, as a whole number.
        cell: (x, y) input px from one cell of a grid to the next; the cell (x, y) lies at (x, y) * cell.
        split_ratio: Bins of a vector per input px; the bin i lies at i / split_ratio.
        columns: Meaning of each place on the last axis, such as "x", where it is a list of columns.
    """

    name: str
    axes: tuple[str, ...]
    meaning: str = ""
    unit: str | None = None
    stride: int | None = None
    cell: tuple[float, float] | None = None
    split_ratio: float | None = None
    columns: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Codec(ABC):
    """What training, evaluation, prediction and export use of a codec.

    They use nothing else; only a codec's own graph decoder, and the comparison of ways to decode heatmaps, know its class.

    A codec is a frozen dataclass derived from this class, in the package or outside: its fields are the config's keys
    `codec.*`, changed by `dataclasses.replace` and stored as JSON. It must give `outputs` a default and implement
    `encode`, `decode`, `mirror` and `output_spec`; the rest has defaults. The ranges that its fields state are checked.
    A derived class that makes a field of `alignment` or `max_persons` has to give it a default. It states its `kind`, and
    configs, files and flags can choose it once its module is imported.

    Attributes:
        kind: Short name that files and flags choose the class by.
        skeleton: The K joints.
        input_size: (width, height) of the network's input in px.
        outputs: Names of the network's maps in their order in exported files. `decode`, `mirror` and `visualize` receive
            all of them, and the network may predict more.
        graph_decoder: "module:Class" of a layer that decodes inside an exported file, see `exporting.decoding.GraphDecoder`;
            None where there is none: files then contain maps only.
        device_targets: "module:function" that draws the targets on the training's device; None where there is none: NumPy
            draws them in the loading threads.

    Raises:
        InputError: If a value lies outside the range that its field states.
    """

    kind: ClassVar[str]
    graph_decoder: ClassVar[str | None] = None
    device_targets: ClassVar[str | None] = None

    skeleton: Skeleton
    input_size: tuple[Side, Side]
    outputs: tuple[str, ...]

    def __init_subclass__(cls, **options: Any) -> None:
        """Lets configs choose the class by its kind.

        Args:
            options: Those of other base classes.

        Raises:
            TypeError: If it states no kind, or that of another codec.
        """
        super().__init_subclass__(**options)
        kinds.register(Codec)(cls)

    def __post_init__(self) -> None:
        """Checks the values."""
        check_fields(self, "codec")

    @property
    def alignment(self) -> str:
        """How windows and input px correspond: "published" or "udp", see `Window.to_input`."""
        return "published"

    @property
    def max_persons(self) -> int | None:
        """Most people that `decode` returns for a window, where it is a field; None where a window always is one person."""
        return None

    @abstractmethod
    def encode(
        self, keypoints: np.ndarray, visible: np.ndarray, boxes: np.ndarray | None = None
    ) -> Maps:
        """Returns the targets of one sample by name; they and the names are what the loss expects.

        Args:
            keypoints: [P, K, 2] in input px.
            visible: [P, K], 0 where not labelled; a person without any labelled joint is a region, not a person to find.
            boxes: [P, 4] (x, y, width, height) in input px, for codecs that use them.
        """

    def encode_batch(
        self,
        keypoints: Sequence[np.ndarray],
        visible: Sequence[np.ndarray],
        boxes: Sequence[np.ndarray],
    ) -> Maps:
        """Returns the targets of N samples, [N, ...]: those of `encode`, stacked."""
        targets = [self.encode(*sample) for sample in zip(keypoints, visible, boxes, strict=True)]
        return {name: np.stack([maps[name] for maps in targets]) for name in targets[0]}

    @abstractmethod
    def decode(self, maps: Mapping[str, np.ndarray]) -> list[Poses]:
        """Returns N Poses in input px, read from batched maps [N, ...]."""

    @abstractmethod
    def mirror(self, maps: Maps, shift: bool) -> Maps:
        """Returns the maps [N, ...] of mirrored images in the frame of the unmirrored ones.

        Args:
            maps: Maps of images mirrored pixel by pixel (x -> W-1-x).
            shift: Whether grids are moved by a cell, as published; codecs for which it means nothing ignore it.
        """

    @abstractmethod
    def output_spec(self, shapes: Mapping[str, tuple[int, ...]]) -> tuple[OutputSpec, ...]:
        """Returns what each of `outputs` contains, in their order.

        Two codecs for which this differs read the same file differently: a file exported with one is refused with the other.

        Args:
            shapes: Shape of each output, with a batch of any size.

        Raises:
            InputError: If maps of these shapes cannot be decoded.
        """

    def describe(self) -> str:
        """Returns how maps are decoded, in a few words, for the protocol of an evaluation."""
        return type(self).__name__

    def visualize(self, maps: Mapping[str, np.ndarray]) -> Maps:
        """Returns images [h, w] of one image's maps by title, 1 = certain.

        The default returns an image for each output. That of a grid is the highest value of each cell; other outputs are drawn
        as an image whose rows are the last axis. Values are divided by the highest where that exceeds 1.

        Args:
            maps: One image's maps, without the axis N.
        """
        batched = {name: np.asarray(maps[name])[None] for name in self.outputs}
        images = {}
        for spec in self.output_spec({name: values.shape for name, values in batched.items()}):
            values = batched[spec.name]
            if spec.axes[-2:] == ("h", "w"):
                image = values.reshape(-1, *values.shape[-2:]).max(axis=0)
            else:
                image = values.reshape(-1, values.shape[-1])
            images[spec.name] = image / max(float(image.max()), 1.0)
        return images


kinds.open_family(Codec, shared=("skeleton", "input_size"))
