"""Recognition of the family of detectors that an ONNX file belongs to.

The evidence, in this order: metadata that this project wrote; the file's own metadata (Ultralytics
writes `task`, `names`, `imgsz`, `kpt_shape` and `end2end`); the families that fit the shapes of
inputs and outputs; the names of inputs and outputs; the file's name; the values for a plain image.
Values distinguish raw from decoded YOLOX: raw x and y are small numbers, decoded ones are pixels. A
file that still fits two families is an error that names both, and the caller's format decides. A
network that detects no boxes is an error that names its kind.

Source: the export scripts of nanodet, YOLOX and mmdeploy for names and shapes; Ultralytics'
    documentation for its metadata.
Checked against: a file of each family, and of each pair of families with the same shapes
    (tests/inference/detection/test_recognize.py); real files of NanoDet, YOLOX and mmdeploy's
    interface (tests/parity/test_detectors.py).
"""

from __future__ import annotations

import ast
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from paddle_pose.backends.foreign_onnx import ForeignOnnx
from paddle_pose.backends.onnx import METADATA_KEY
from paddle_pose.environment import argument
from paddle_pose.errors import InputError
from paddle_pose.inference.detection.grid import count_cells, grid_cells
from paddle_pose.inference.detection.nanodet import PLUS_STRIDES, split_channels

DetectorFormat = Literal[
    "nanodet",
    "yolox",
    "yolox-decoded",
    "yolox-nms",
    "rtmdet",
    "ultralytics",
    "ultralytics-transposed",
    "end-to-end",
]
DETECTOR_FORMATS: tuple[DetectorFormat, ...] = get_args(DetectorFormat)
DEFAULT_SIDE = 640
"""Side in px of an input without a fixed size. Source: defaults of YOLOX, RTMDet, Ultralytics."""
PEOPLE = ("person", "people", "pedestrian", "human")
"""Names of a class of people, in lower case."""
POSE_CHANNELS = 4 + 1 + 3 * 17
"""Number of channels of YOLO-pose: a box, its score, COCO's joints."""
_WITH_PIXELS: tuple[DetectorFormat, ...] = (
    "yolox-decoded",
    "ultralytics",
    "ultralytics-transposed",
    "end-to-end",
)
_BY_NAMES: dict[tuple[str, str], tuple[DetectorFormat, ...]] = {  # first input, only output
    ("images", "output0"): ("ultralytics", "ultralytics-transposed", "end-to-end"),
    ("images", "output"): ("yolox", "yolox-decoded"),
    ("data", "output"): ("nanodet",),
}
_log = logging.getLogger("paddle_pose")

Shape = tuple[int | None, ...]
Run = Callable[[], Mapping[str, np.ndarray]]
"""Function without arguments that returns the network's outputs by name for a uniform grey image.

The image is the network's whole input in its layout, see `InputLayout`, with 114 of 0..255 in all
channels and not normalised. The outputs are in the file's order. The function may be called twice.
"""


@dataclass(frozen=True)
class InputLayout:
    """Layout of the input of a network that takes one image.

    Attributes:
        size: (width, height) of the input in px.
        channels_last: Whether the input is [1, H, W, 3] instead of [1, 3, H, W].
        dtype: Type of the values, such as "float32".
    """

    size: tuple[int, int]
    channels_last: bool
    dtype: str

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Returns the network's input for float32 [N, 3, H, W]."""
        return (pixels.transpose(0, 2, 3, 1) if self.channels_last else pixels).astype(self.dtype)


def read_layout(network: ForeignOnnx) -> InputLayout:
    """Returns the layout of the input of an ONNX file.

    A size that is not fixed is `imgsz` of the file's metadata, or `DEFAULT_SIDE` without it.

    Args:
        network: Opened file; the network is not run.

    Raises:
        InputError: If the input is not one image (floats [1, 3, H, W] or [1, H, W, 3]), or if the
            metadata or the names of inputs and outputs state that the network is no detector of
            boxes.
    """
    kind = _kind_by_names(network)
    if kind is not None:
        raise _refusal(network, kind)
    return image_layout(network, "a detector", ("float32", "float16"))


def image_layout(
    network: ForeignOnnx,
    what: str,
    dtypes: Sequence[str],
    default: tuple[int, int] = (DEFAULT_SIDE, DEFAULT_SIDE),
    size: tuple[int, int] | None = None,
) -> InputLayout:
    """Returns the layout of the input of a network that takes one image.

    A size that neither the file nor the caller fixes is `imgsz` of the file's metadata, or the
    default without it.

    Args:
        network: File to read.
        what: Kind of network that is expected, with its article, for messages.
        dtypes: Types of the values that are accepted.
        default: (width, height) px of an input without a fixed size.
        size: (width, height) px that the caller states; None for that of the file.

    Raises:
        InputError: If the input is not one image, or has another size.
    """
    if len(network.inputs) != 1:
        names = ", ".join(tensor.name for tensor in network.inputs)
        raise InputError(
            f"{network.path}: has the inputs {names}; expected {what} with one image as its input"
        )
    (tensor,) = network.inputs
    shape = tensor.shape
    channels_last = len(shape) == 4 and shape[1] != 3
    if len(shape) != 4 or shape[3 if channels_last else 1] != 3 or tensor.dtype not in dtypes:
        raise InputError(
            f"{network.path}: its input is {tensor.dtype} {shape_text(shape)}; "
            f"expected an image [1, 3, H, W] or [1, H, W, 3] of type {' or '.join(dtypes)}"
        )
    if shape[0] not in (1, None):
        raise InputError(
            f"{network.path}: takes {shape[0]} images at a time; "
            "export it for one image, or for any number"
        )
    height, width = shape[1:3] if channels_last else shape[2:4]
    if size is not None:
        if height not in (None, size[1]) or width not in (None, size[0]):
            raise InputError(
                f"{network.path}: its input is {width}x{height} px, which cannot be changed to "
                f"{size[0]}x{size[1]}"
            )
        width, height = size
    if height is None or width is None:
        default_height, default_width = _metadata_size(network.metadata, default)
        height = height or default_height
        width = width or default_width
        _log.info(f"=> {network.path}: its input has no fixed size; {width}x{height} px is used")
    return InputLayout((width, height), channels_last, tensor.dtype)


def recognize(
    network: ForeignOnnx, layout: InputLayout, run: Run, format: DetectorFormat | None = None
) -> DetectorFormat:
    """Returns the family of detectors that an ONNX file belongs to, an entry of `DETECTOR_FORMATS`.

    The detectors of a family have the same outputs and the same preprocessing.

    Args:
        network: Opened file.
        layout: Layout of the file's input, as `read_layout` returns it.
        run: Function that runs the network on a uniform image, see `Run`. It is called only if the
            shapes of the outputs are not fixed in the file, or if shapes, metadata and names fit
            raw YOLOX and other families.
        format: Family that the caller states, which must fit the shapes of the outputs; None
            recognises it.

    Raises:
        InputError: If the file is no detector of boxes, fits no family or several, or does not fit
            `format`, or there is no such format.
    """
    shapes = _shapes(network, run)
    fits = fitting(shapes, layout.size, class_names(network.metadata))
    if format is not None:
        if format not in DETECTOR_FORMATS:
            raise InputError(
                f"{_format_flag()} {format}: expected one of {', '.join(DETECTOR_FORMATS)}"
            )
        if format not in fits:
            possible = f"it could be {', '.join(fits)}" if fits else "it fits none of them"
            raise InputError(
                f"{outputs_text(network, shapes)} do not fit {_format_flag()} {format}; {possible}"
            )
        return format
    kind = _kind_by_shapes(shapes, layout.size, network.metadata)
    if kind is not None:
        raise _refusal(network, kind, fits)
    for evidence in (_by_metadata(network.metadata), _by_names(network), _by_file_name(network)):
        fits = [name for name in fits if name in evidence] or fits
    if len(fits) > 1 and "yolox" in fits:
        fits = _by_values(fits, run, layout.size)
    if not fits:
        raise InputError(
            f"{outputs_text(network, shapes)} with an input of {layout.size[0]}x{layout.size[1]} px "
            f"belong to no known detector; known are {', '.join(DETECTOR_FORMATS)}"
        )
    if len(fits) > 1:
        raise InputError(
            f"{outputs_text(network, shapes)} fit {', '.join(fits)}; state one with {_format_flag()}"
        )
    return fits[0]


def person_class(network: ForeignOnnx) -> int:
    """Returns the index of the class of people among a detector's classes, counted from 0.

    It is the first class in `names` of the file's metadata whose name is in `PEOPLE`; a single
    class of another name, with a warning; 0, as in COCO, for a file without `names`.

    Args:
        network: Opened file of a detector.

    Raises:
        InputError: If the file names several classes, and none of them is a class of people.
    """
    names = class_names(network.metadata)
    found = [number for number, name in names.items() if name.lower() in PEOPLE]
    if found or not names:
        return found[0] if found else 0
    if len(names) > 1:
        raise InputError(
            f"{network.path}: detects {', '.join(names.values())}; none of them is a person"
        )
    ((number, name),) = names.items()
    _log.warning(f"{network.path}: its only class is {name!r}; it is used as people")
    return number


def _kind_by_names(network: ForeignOnnx) -> str | None:
    """Returns the kind of a network that is no detector of boxes by its metadata or names."""
    metadata = network.metadata
    inputs = {tensor.name for tensor in network.inputs}
    outputs = {tensor.name for tensor in network.outputs}
    if METADATA_KEY in metadata:
        return "a pose network that this project exported"
    task = metadata.get("task", "detect")
    if task != "detect" or "kpt_shape" in metadata:
        return f"an Ultralytics network for the task {task!r}, not 'detect'"
    if {"simcc_x", "simcc_y"} <= outputs:
        return "a pose network with SimCC outputs (RTMPose)"
    if "keypoints" in outputs:
        return "a pose network with keypoints among its outputs (RTMO)"
    if "masks" in outputs:
        return "a network for instance segmentation"
    if "orig_target_sizes" in inputs or {"pred_boxes", "pred_logits"} & outputs:
        return "a DETR (RT-DETR, RF-DETR), which is not supported"
    return None


def _kind_by_shapes(
    shapes: Sequence[Shape], size: tuple[int, int], metadata: Mapping[str, str]
) -> str | None:
    """Returns the kind of a network that is no detector of boxes by the shapes of its outputs."""
    if any(len(shape) == 4 for shape in shapes):
        last = shapes[0][-2:]
        is_movenet = last == (17, 3)
        return "MoveNet (keypoints of one person)" if is_movenet else "a network that predicts maps"
    if len(shapes) > 1 and any(len(shape) == 3 and shape[2] == 4 for shape in shapes):
        return "a DETR or another network with separate boxes and scores, which is not supported"
    if len(shapes) != 1 or len(shapes[0]) != 3:
        return None
    rows, columns = shapes[0][1:]
    cells = count_cells(size)
    if (rows, columns) == (6, POSE_CHANNELS):
        return "MoveNet MultiPose (keypoints of six people)"
    if metadata.get("task") == "detect":
        classes = len(class_names(metadata))
        if classes and columns == 4 + classes and cells not in (rows, columns):
            return "a DETR (RT-DETR), which is not supported"
        return None
    if (rows, columns) in ((POSE_CHANNELS, cells), (cells, POSE_CHANNELS)):
        return "YOLO-pose (boxes with 17 keypoints)"
    if columns == POSE_CHANNELS + 1 and rows != cells:
        return "YOLO-pose, end to end (boxes with 17 keypoints)"
    return None


def fitting(
    shapes: Sequence[Shape], size: tuple[int, int], names: Mapping[int, str]
) -> list[DetectorFormat]:
    """Returns the families whose outputs can have these shapes, in the order of the formats.

    Args:
        shapes: Shapes of the outputs.
        size: (width, height) of the input.
        names: Names of the classes by number; empty if the file does not state them.
    """
    fits: set[DetectorFormat] = set()
    cells = count_cells(size)
    if _is_dets_labels(shapes):
        fits |= {"yolox-nms", "rtmdet"}
    elif len(shapes) in (6, 8):
        lengths = sorted((shape[1] or 0 for shape in shapes if len(shape) == 3), reverse=True)
        if (
            sum(lengths) in (2 * cells, 2 * count_cells(size, PLUS_STRIDES))
            and lengths[::2] == lengths[1::2]
        ):
            fits.add("nanodet")
    elif len(shapes) == 1 and len(shapes[0]) == 3:
        rows, columns = (length or 0 for length in shapes[0][1:])

        def has_classes(channels: int, others: int) -> bool:
            """Whether the channels after the others can be the scores of all classes."""
            return channels - others == len(names) if names else channels > others

        if rows == cells and has_classes(columns, 5):
            fits |= {"yolox", "yolox-decoded"}
        if rows == cells and has_classes(columns, 4):
            fits.add("ultralytics-transposed")
        if columns == cells and has_classes(rows, 4):
            fits.add("ultralytics")
        if rows in (cells, count_cells(size, PLUS_STRIDES)) and split_channels(columns):
            fits.add("nanodet")
        if columns == 6:
            fits.add("end-to-end")
    return [name for name in DETECTOR_FORMATS if name in fits]


def _by_metadata(metadata: Mapping[str, str]) -> tuple[DetectorFormat, ...]:
    """Returns the families that the file's metadata suggests; empty for none."""
    if metadata.get("end2end") == "True" or "'nms': True" in metadata.get("args", ""):
        return ("end-to-end",)
    if metadata.get("author") == "Ultralytics" or {"task", "stride"} <= set(metadata):
        return ("ultralytics", "ultralytics-transposed", "end-to-end")
    return ()


def _by_names(network: ForeignOnnx) -> tuple[DetectorFormat, ...]:
    """Returns the families whose export scripts use the names of these inputs and outputs."""
    if len(network.outputs) != 1:
        return ()
    return _BY_NAMES.get((network.inputs[0].name, network.outputs[0].name), ())


def _by_file_name(network: ForeignOnnx) -> tuple[DetectorFormat, ...]:
    """Returns the family of mmdeploy that the file's name contains, or that of its folder.

    mmdeploy names its files end2end.onnx.
    """
    for name in (network.path.stem.lower(), network.path.resolve().parent.name.lower()):
        found: list[DetectorFormat] = []
        if "yolox" in name:
            found.append("yolox-nms")
        if "rtmdet" in name:
            found.append("rtmdet")
        if found:
            return tuple(found)
    return ()


def _by_values(fits: list[DetectorFormat], run: Run, size: tuple[int, int]) -> list[DetectorFormat]:
    """Returns the families that fit the values for a plain image.

    The median over the cells decides: raw x and y are within two strides of 0, decoded ones within
    two strides of the cell in input px. If the distance from the other expectation is not more than
    twice as large, all families are returned.

    Args:
        fits: Families that fit otherwise.
        run: Function that runs the network on a plain image.
        size: (width, height) of the input.
    """
    (output,) = run().values()
    points = np.asarray(output[0, :, :2], np.float64)
    cells, strides = grid_cells(size)
    raw = float(np.median(np.abs(points - 0.5)))
    pixels = float(np.median(np.abs(points / strides - cells - 0.5)))
    if raw < 2 and pixels > 2 * raw:
        return [name for name in fits if name not in _WITH_PIXELS]
    if pixels < 2 and raw > 2 * pixels:
        return [name for name in fits if name in _WITH_PIXELS]
    return fits


def _shapes(network: ForeignOnnx, run: Run) -> list[Shape]:
    """Returns the shapes of a detector's outputs; only those that tell a family must be fixed."""
    shapes: list[Shape] = [tensor.shape for tensor in network.outputs]
    return shapes if _is_dets_labels(shapes) else output_shapes(network, run)


def output_shapes(network: ForeignOnnx, run: Run) -> list[Shape]:
    """Returns the shapes of the outputs; those that are not fixed come from a run.

    Args:
        network: File to read.
        run: Function that runs the network on a plain image.
    """
    shapes: list[Shape] = [tensor.shape for tensor in network.outputs]
    if all(shape and None not in shape[1:] for shape in shapes):
        return shapes
    return [np.shape(output) for output in run().values()]


def _is_dets_labels(shapes: Sequence[Shape]) -> bool:
    """Returns whether the outputs are boxes with scores [1, n, 5] and labels [1, n]."""
    dets = [shape for shape in shapes if len(shape) == 3]
    return sorted(map(len, shapes)) == [2, 3] and dets[0][2] == 5


def class_names(metadata: Mapping[str, str]) -> dict[int, str]:
    """Returns `names` of the metadata by the number of the class; empty without them.

    Args:
        metadata: The file's own metadata.
    """
    names = literal(metadata.get("names", ""))
    if isinstance(names, list | tuple):
        names = dict(enumerate(names))
    if not isinstance(names, dict) or not all(isinstance(number, int) for number in names):
        return {}
    return {number: str(name) for number, name in names.items()}


def _metadata_size(metadata: Mapping[str, str], default: tuple[int, int]) -> tuple[int, int]:
    """Returns (height, width) of `imgsz` in the metadata; the default (width, height) without."""
    size = literal(metadata.get("imgsz", ""))
    if (
        isinstance(size, list | tuple)
        and len(size) == 2
        and all(isinstance(side, int) and side > 0 for side in size)
    ):
        return size[0], size[1]
    return default[1], default[0]


def literal(text: str) -> object:
    """Returns the value of a Python literal; None for other text.

    Args:
        text: Text of the metadata.
    """
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None


def _refusal(network: ForeignOnnx, kind: str, fits: Sequence[DetectorFormat] = ()) -> InputError:
    """Returns the error for a network that is no detector of boxes, with formats that would fit."""
    hint = f"; if it is one, state the format with {_format_flag()}: {', '.join(fits)}"
    return InputError(
        f"{network.path}: {kind}; expected a detector of people's boxes{hint if fits else ''}"
    )


def outputs_text(network: ForeignOnnx, shapes: Sequence[Shape]) -> str:
    """Returns the file with the names and shapes of its outputs, for a message.

    Args:
        network: File.
        shapes: Shapes of its outputs.
    """
    outputs = (
        f"{tensor.name} {shape_text(shape)}"
        for tensor, shape in zip(network.outputs, shapes, strict=True)
    )
    return f"{network.path}: the outputs {', '.join(outputs)}"


def shape_text(shape: Shape) -> str:
    """Returns a shape for a message; "?" is a length that is not fixed.

    Args:
        shape: Shape of an input or output.
    """
    return str(["?" if length is None else length for length in shape]).replace("'", "")


def _format_flag() -> str:
    """Returns the flag or argument that states the format, for a message."""
    return argument("--detector_format", "open_detector(format=...)")
