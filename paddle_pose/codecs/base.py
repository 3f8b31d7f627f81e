"""Codec interface: encodes keypoints as target maps and decodes predicted maps to keypoints.

A codec is a frozen dataclass that separates poses from learning: it works in NumPy and knows
nothing of the network's framework, and the network and its loss know nothing of poses. Map
coordinates (cells) are used inside codecs only.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np

from paddle_pose import kinds
from paddle_pose.errors import InputError
from paddle_pose.geometry import Window, whole_image_window
from paddle_pose.ranges import Range, Side, check_fields
from paddle_pose.skeletons import Skeleton
from paddle_pose.structures import Poses

Maps = dict[str, np.ndarray]
"""Arrays by name: outputs of a network, or targets of the loss."""
Stride = Annotated[int, Range(1, 256)]  # input px per cell
Sigma = Annotated[float, Range(0, 1000, exclusive_min=True)]  # cells
Radius = Annotated[float, Range(0, 1000)]  # cells


@dataclass(frozen=True)
class OutputSpec:
    """Description of one output of a network; exported files contain it in their metadata.

    Attributes:
        name: Name of the output.
        axes: Letter of the axis legend, or a product such as "2K", for each axis: N batch, S stage,
            P persons, K joints, C channels, h w cells of a grid; W and H are also the axes of
            vectors along the input's width and height.
        meaning: Description of the values in one sentence; "" if the name is sufficient.
        unit: Unit of the values, such as "input px"; None if they have none, such as scores.
        stride: Integer number of input px per cell of a grid; None if the output is not a grid.
        cell: (x, y) distance in input px between neighbouring cells of a grid; the cell (x, y) lies
            at (x, y) * cell. None if the output is not a grid.
        split_ratio: Number of bins of a vector per input px; bin i lies at i / split_ratio. None if
            the output is not a vector of bins.
        columns: Names of the entries on the last axis, such as "x", if that axis is a list of
            columns; else None.
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
    """Interface of a codec: all that training, evaluation, prediction and export use of it.

    Only the graph decoder of a codec and the comparison of decoding methods for heatmaps know the
    class of a codec.

    A codec is a frozen dataclass derived from this class, inside or outside this package. Its
    fields are the config keys `codec.*`, which are changed with `dataclasses.replace` and stored as
    JSON; values outside the ranges of the fields are rejected. A derived class must set `kind`,
    define a default for `outputs`, and implement `encode`, `decode`, `mirror` and `output_spec`;
    all other methods have defaults. If it redefines `alignment`, `max_persons` or `border` as a
    field, that field needs a default. The codec can be selected in configs, files and flags after
    its module is imported.

    Attributes:
        kind: Short name by which config files and flags select the class.
        skeleton: Skeleton that defines the K joints.
        input_size: (width, height) of the network's input in px.
        outputs: Names of the network's outputs that the codec uses, in their order in exported
            files. `decode`, `mirror` and `visualize` receive all of them; the network may have
            further outputs.
        graph_decoder: Import path "module:Class" of a layer that decodes the outputs inside an
            exported file, see `exporting.decoding.GraphDecoder`; None if there is none, so that
            exported files contain maps only.
        device_targets: Import path "module:Class" of a class that is created with the codec and
            whose instances draw the targets of a batch on the training device, see
            `training.step.DrawTargets`. None if there is none, so that NumPy draws the targets in
            the loading threads.
        by_area: Whether images are scaled down by averaging areas, see `geometry.warp`.
        trainable: Whether `encode` returns targets, so that networks can be trained with the codec.

    Raises:
        InputError: If the value of a field lies outside its range.
    """

    kind: ClassVar[str]
    by_area: ClassVar[bool] = False
    trainable: ClassVar[bool] = True
    graph_decoder: ClassVar[str | None] = None
    device_targets: ClassVar[str | None] = None

    skeleton: Skeleton
    input_size: tuple[Side, Side]
    outputs: tuple[str, ...]

    def __init_subclass__(cls, **options: Any) -> None:
        """Registers the class under its kind.

        Args:
            options: Keyword arguments that are passed on to the next base class.

        Raises:
            TypeError: If the class does not define a kind, or another codec already has this kind.
        """
        super().__init_subclass__(**options)
        kinds.register(Codec)(cls)

    def __post_init__(self) -> None:
        """Checks that the values of the fields lie in their ranges."""
        check_fields(self, "codec")

    @property
    def alignment(self) -> str:
        """Convention that maps windows to input px: "published" or "udp", see `Window.to_input`."""
        return "published"

    @property
    def max_persons(self) -> int | None:
        """Maximum number of people that `decode` returns per window; None if it is always one.

        With None, `encode` and `device_targets` take exactly one person per sample.
        """
        return None

    @property
    def border(self) -> int:
        """Grey level of input px outside the image."""
        return 0

    @property
    def sizes_vary(self) -> bool:
        """Whether windows of different aspect ratios become inputs of different sizes.

        `size_of` states the size for a window; with False it is always `input_size`.
        """
        return False

    def size_of(self, window: Window) -> tuple[int, int]:
        """Returns the (width, height) in px of the input that a window becomes.

        Args:
            window: Window in image px.
        """
        return self.input_size

    def image_window(
        self, image_size: tuple[float, float], fit: Literal["letterbox", "stretch"] = "letterbox"
    ) -> Window:
        """Returns the window of a whole image, in image px; see `geometry.whole_image_window`.

        Args:
            image_size: (width, height) of the image in px.
            fit: "letterbox" keeps the aspect ratio and pads, "stretch" fills the input.

        Raises:
            InputError: If `fit` has another value.
        """
        return whole_image_window(image_size, self.input_size, fit)

    @property
    def image_placement(self) -> str:
        """Text for the export metadata that states `image_window` in words."""
        return "the whole image is a box with context 1"

    def with_fixed_size(self) -> Codec:
        """Returns the codec for a file whose input has one size: its `sizes_vary` is False."""
        return self

    @abstractmethod
    def encode(
        self, keypoints: np.ndarray, visible: np.ndarray, boxes: np.ndarray | None = None
    ) -> Maps:
        """Returns the targets of one sample by name, as the loss expects them.

        Args:
            keypoints: Keypoints of the people, [P, K, 2] (x, y) in input px; those of unlabelled
                joints may have any value.
            visible: Visibility of the keypoints, [P, K]; 0 if not labelled. A person without any
                labelled joint is treated as a region to ignore, not as a person to detect.
            boxes: Person boxes, [P, 4] (x, y, width, height) in input px, for codecs that use them;
                None if unknown.

        Returns:
            float32 arrays without a batch axis. The codec defines their names and shapes.

        Raises:
            InputError: If the arrays have other shapes, or the number of people is not supported.
        """

    def encode_batch(
        self,
        keypoints: Sequence[np.ndarray],
        visible: Sequence[np.ndarray],
        boxes: Sequence[np.ndarray],
    ) -> Maps:
        """Returns the targets of N samples by name, [N, ...]: those of `encode`, stacked.

        The number of people P may differ between the samples.

        Args:
            keypoints: Keypoints, [P, K, 2] in input px, of each of N > 0 samples.
            visible: Visibility of the keypoints, [P, K], of each sample; 0 if not labelled.
            boxes: Person boxes, [P, 4] (x, y, width, height) in input px, of each sample.

        Raises:
            InputError: As for `encode`.
        """
        targets = [self.encode(*sample) for sample in zip(keypoints, visible, boxes, strict=True)]
        return {name: np.stack([maps[name] for maps in targets]) for name in targets[0]}

    def _check_one_person(self, keypoints: Sequence[np.ndarray]) -> None:
        """Raises InputError if a sample does not have exactly one person with K joints.

        Args:
            keypoints: Keypoints of each sample, expected [1, K, 2].
        """
        expected = (1, self.skeleton.num_joints, 2)
        wrong = next((np.shape(one) for one in keypoints if np.shape(one) != expected), None)
        if wrong is not None:
            raise InputError(
                f"the {self.kind} codec encodes one person per sample: expected keypoints of "
                f"shape {expected}, got {wrong}"
            )

    @abstractmethod
    def decode(self, maps: Mapping[str, np.ndarray]) -> list[Poses]:
        """Returns the people in each of N windows: N `Poses` in input px, best person first.

        Args:
            maps: The `outputs` of the network by name, each [N, ...].

        Raises:
            InputError: If an output has a shape that the codec does not expect.
        """

    @abstractmethod
    def mirror(self, maps: Maps, shift: bool) -> Maps:
        """Returns the maps of mirrored images transformed back to the frame of the original images.

        Args:
            maps: The `outputs` of the network by name, [N, ...], for images mirrored pixel by pixel
                (x -> W-1-x).
            shift: Whether grids are additionally shifted by one cell, as in the published flip
                test; codecs without a grid ignore it.

        Returns:
            Maps by name, [N, ...], to be averaged with those of the original images.
        """

    @abstractmethod
    def output_spec(self, shapes: Mapping[str, tuple[int, ...]]) -> tuple[OutputSpec, ...]:
        """Returns the description of each of `outputs`, in their order.

        If it differs between two codecs, they would decode the same file differently: a file that
        was exported with one of them is then rejected when used with the other.

        Args:
            shapes: Shape of each of `outputs` by name, including the batch axis, of any size.

        Raises:
            InputError: If maps of these shapes cannot be decoded.
        """

    def describe(self) -> str:
        """Returns a short text on the decoding method, for the protocol line of an evaluation."""
        return type(self).__name__

    def visualize(self, maps: Mapping[str, np.ndarray]) -> Maps:
        """Returns greyscale images [h, w] of the maps of one image by title, with values up to 1.

        The default returns one image per output, with the name of the output as title: for a grid,
        the maximum of each cell over all other axes; for other outputs, an image whose rows are the
        vectors along the last axis. Values are divided by the maximum if that exceeds 1.

        Args:
            maps: The `outputs` of the network for one image by name, without the batch axis N.

        Raises:
            InputError: If maps of these shapes cannot be decoded.
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
