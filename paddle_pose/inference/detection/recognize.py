"""Recognises which family of detectors an ONNX file belongs to.

What counts, in this order: metadata that this project wrote, the file's own metadata (Ultralytics writes `task`, `names`,
`imgsz`, `kpt_shape` and `end2end`), then which families the lengths of inputs and outputs allow, then names of inputs and
outputs, then the file's name, last the values themselves: YOLOX's raw x and y are small numbers, decoded ones are pixels, and
nothing else tells the two apart. What still fits two families is an error that names both; a format that the caller gives
decides. Networks that are no detector of boxes are refused by what they are.

Source: the export scripts of nanodet, YOLOX and mmdeploy for names and shapes; Ultralytics' documentation for its metadata.
Checked against: a file of each family and each pair that collides (tests/inference/detection/test_recognize.py), real files of
    NanoDet, YOLOX and mmdeploy's interface (tests/parity/test_detectors.py).
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
DEFAULT_SIDE = 640  # px of an input whose size the file leaves open; what YOLOX, RTMDet and Ultralytics use by default
PEOPLE = ("person", "people", "pedestrian", "human")  # names of a class of people
POSE_CHANNELS = 4 + 1 + 3 * 17  # of YOLO-pose: a box, its score, COCO's joints
_PIXELS: tuple[DetectorFormat, ...] = (
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
"""Runs the network on a plain image; its outputs by name."""


@dataclass(frozen=True)
class InputLayout:
    """The layout of a detector's input.

    Attributes:
        size: (width, height) px.
        channels_last: Whether it is [1, H, W, 3] rather than [1, 3, H, W].
        dtype: "float32" or "float16".
    """

    size: tuple[int, int]
    channels_last: bool
    dtype: str

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Returns float32 [1, 3, H, W] as the network takes it."""
        return (pixels.transpose(0, 2, 3, 1) if self.channels_last else pixels).astype(self.dtype)


def read_layout(network: ForeignOnnx) -> InputLayout:
    """Returns the layout of a file's input; a size that the file leaves open is its metadata's `imgsz`, else 640.

    Raises:
        InputError: If it is not one image, or the file is a network that is refused whatever its outputs are.
    """
    kind = _kind_by_names(network)
    if kind is not None:
        raise _refusal(network, kind)
    if len(network.inputs) != 1:
        names = ", ".join(tensor.name for tensor in network.inputs)
        raise InputError(
            f"{network.path}: it has the inputs {names}; a detector with one image as its input can be read"
        )
    (tensor,) = network.inputs
    shape = tensor.shape
    channels_last = len(shape) == 4 and shape[1] != 3
    if (
        len(shape) != 4
        or shape[3 if channels_last else 1] != 3
        or tensor.dtype not in ("float32", "float16")
    ):
        raise InputError(
            f"{network.path}: its input is {tensor.dtype} {_text(shape)}, expected a float image [1, 3, H, W] or "
            "[1, H, W, 3]"
        )
    if shape[0] not in (1, None):
        raise InputError(
            f"{network.path}: it takes {shape[0]} images at a time; export it for one, or for any number"
        )
    height, width = shape[1:3] if channels_last else shape[2:4]
    if height is None or width is None:
        open_height, open_width = _metadata_size(network.metadata)
        height, width = height or open_height, width or open_width
        _log.info(f"=> {network.path}: leaves its input's size open; taken as {width}x{height} px")
    return InputLayout((width, height), channels_last, tensor.dtype)


def recognize(
    network: ForeignOnnx, layout: InputLayout, run: Run, format: DetectorFormat | None = None
) -> DetectorFormat:
    """Returns the family that a file belongs to.

    Args:
        network: File to recognise.
        layout: Layout of its input.
        run: Function that runs it on a plain image; called where the file does not state enough.
        format: Family as the caller states it, which must be possible; None recognises it.

    Raises:
        InputError: If the file is no detector of boxes, of no family known here, or could belong to several.
    """
    shapes = _shapes(network, run)
    fits = _fitting(shapes, layout.size, _class_names(network.metadata))
    if format is not None:
        if format not in DETECTOR_FORMATS:
            raise InputError(
                f"{_format_flag()} {format}: expected one of {', '.join(DETECTOR_FORMATS)}"
            )
        if format not in fits:
            possible = f"it could be {', '.join(fits)}" if fits else "it fits none of them"
            raise InputError(
                f"{_outputs(network, shapes)} do not fit {_format_flag()} {format}; {possible}"
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
            f"{_outputs(network, shapes)} at an input of {layout.size[0]}x{layout.size[1]} px are of no detector known here: "
            f"known are {', '.join(DETECTOR_FORMATS)}"
        )
    if len(fits) > 1:
        raise InputError(
            f"{_outputs(network, shapes)} fit {', '.join(fits)}: say which with {_format_flag()}"
        )
    return fits[0]


def person_class(network: ForeignOnnx) -> int:
    """Returns the class that is the person: by the metadata's `names`, else 0, as in COCO.

    Raises:
        InputError: If the file names several classes and none of them is a person.
    """
    names = _class_names(network.metadata)
    found = [number for number, name in names.items() if name.lower() in PEOPLE]
    if found or not names:
        return found[0] if found else 0
    if len(names) > 1:
        raise InputError(
            f"{network.path}: finds {', '.join(names.values())}; none of them is a person"
        )
    ((number, name),) = names.items()
    _log.warning(f"{network.path}: its one class is called {name!r}; taken as people")
    return number


def _kind_by_names(network: ForeignOnnx) -> str | None:
    """Returns what the network is where its metadata or names state that it is no detector of boxes."""
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
        return "a pose network with key points among its outputs (RTMO)"
    if "masks" in outputs:
        return "a network for instance segmentation"
    if "orig_target_sizes" in inputs or {"pred_boxes", "pred_logits"} & outputs:
        return "a DETR (RT-DETR, RF-DETR), which is not supported"
    return None


def _kind_by_shapes(
    shapes: Sequence[Shape], size: tuple[int, int], metadata: Mapping[str, str]
) -> str | None:
    """Returns what the network is where the outputs' shapes are those of no detector of boxes."""
    if any(len(shape) == 4 for shape in shapes):
        last = shapes[0][-2:]
        return (
            "MoveNet (one person's key points)"
            if last == (17, 3)
            else "a network that predicts maps"
        )
    if len(shapes) > 1 and any(len(shape) == 3 and shape[2] == 4 for shape in shapes):
        return "a DETR or another network with boxes and scores apart, which is not supported"
    if len(shapes) != 1 or len(shapes[0]) != 3:
        return None
    rows, columns = shapes[0][1:]
    cells = count_cells(size)
    if (rows, columns) == (6, POSE_CHANNELS):
        return "MoveNet MultiPose (key points of six people)"
    if metadata.get("task") == "detect":
        classes = len(_class_names(metadata))
        if classes and columns == 4 + classes and cells not in (rows, columns):
            return "a DETR (RT-DETR), which is not supported"
        return None
    if (rows, columns) in ((POSE_CHANNELS, cells), (cells, POSE_CHANNELS)):
        return "YOLO-pose (boxes with 17 key points)"
    if columns == POSE_CHANNELS + 1 and rows != cells:
        return "YOLO-pose, end to end (boxes with 17 key points)"
    return None


def _fitting(
    shapes: Sequence[Shape], size: tuple[int, int], names: Mapping[int, str]
) -> list[DetectorFormat]:
    """Returns the families whose outputs may have these shapes, in the order of `DETECTOR_FORMATS`."""
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

        def holds(channels: int, others: int) -> bool:
            return channels - others == len(names) if names else channels > others

        if rows == cells and holds(columns, 5):
            fits |= {"yolox", "yolox-decoded"}
        if rows == cells and holds(columns, 4):
            fits.add("ultralytics-transposed")
        if columns == cells and holds(rows, 4):
            fits.add("ultralytics")
        if rows in (cells, count_cells(size, PLUS_STRIDES)) and split_channels(columns):
            fits.add("nanodet")
        if columns == 6:
            fits.add("end-to-end")
    return [name for name in DETECTOR_FORMATS if name in fits]


def _by_metadata(metadata: Mapping[str, str]) -> tuple[DetectorFormat, ...]:
    """Returns the families that the file's metadata suggests; empty where it suggests none."""
    if metadata.get("end2end") == "True" or "'nms': True" in metadata.get("args", ""):
        return ("end-to-end",)
    if metadata.get("author") == "Ultralytics" or {"task", "stride"} <= set(metadata):
        return ("ultralytics", "ultralytics-transposed", "end-to-end")
    return ()


def _by_names(network: ForeignOnnx) -> tuple[DetectorFormat, ...]:
    """Returns the families whose export scripts give inputs and outputs these names."""
    if len(network.outputs) != 1:
        return ()
    return _BY_NAMES.get((network.inputs[0].name, network.outputs[0].name), ())


def _by_file_name(network: ForeignOnnx) -> tuple[DetectorFormat, ...]:
    """Returns which of mmdeploy's two families is in the file's name, or in its folder's: the files are called end2end.onnx."""
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
    """Returns the families that the values for a plain image allow.

    Half of the cells decide: their x and y lie either within two strides of 0, which are raw, or within two strides of the cell
    in input px. Where the other reading is not at least twice as far off, all stay.
    """
    (output,) = run().values()
    points = np.asarray(output[0, :, :2], np.float64)
    cells, strides = grid_cells(size)
    raw = float(np.median(np.abs(points - 0.5)))
    pixels = float(np.median(np.abs(points / strides - cells - 0.5)))
    if raw < 2 and pixels > 2 * raw:
        return [name for name in fits if name not in _PIXELS]
    if pixels < 2 and raw > 2 * pixels:
        return [name for name in fits if name in _PIXELS]
    return fits


def _shapes(network: ForeignOnnx, run: Run) -> list[Shape]:
    """Returns the outputs' shapes; those that the file leaves open come from a run."""
    shapes: list[Shape] = [tensor.shape for tensor in network.outputs]
    if all(shape and None not in shape[1:] for shape in shapes) or _is_dets_labels(shapes):
        return shapes
    return [np.shape(output) for output in run().values()]


def _is_dets_labels(shapes: Sequence[Shape]) -> bool:
    """Whether the outputs are boxes with scores [1, n, 5] and labels [1, n], in any order."""
    dets = [shape for shape in shapes if len(shape) == 3]
    return sorted(map(len, shapes)) == [2, 3] and dets[0][2] == 5


def _class_names(metadata: Mapping[str, str]) -> dict[int, str]:
    """Returns the metadata's `names` by class; empty where there are none."""
    names = _literal(metadata.get("names", ""))
    if isinstance(names, list | tuple):
        names = dict(enumerate(names))
    if not isinstance(names, dict) or not all(isinstance(number, int) for number in names):
        return {}
    return {number: str(name) for number, name in names.items()}


def _metadata_size(metadata: Mapping[str, str]) -> tuple[int, int]:
    """Returns (height, width) of the metadata's `imgsz`; 640 where it states none."""
    size = _literal(metadata.get("imgsz", ""))
    if (
        isinstance(size, list | tuple)
        and len(size) == 2
        and all(isinstance(side, int) and side > 0 for side in size)
    ):
        return size[0], size[1]
    return DEFAULT_SIDE, DEFAULT_SIDE


def _literal(text: str) -> object:
    """Returns the value that a Python literal states; None for other text."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None


def _refusal(network: ForeignOnnx, kind: str, fits: Sequence[DetectorFormat] = ()) -> InputError:
    choices = (
        f"; if it is one all the same, say which with {_format_flag()}: {', '.join(fits)}"
        if fits
        else ""
    )
    return InputError(f"{network.path}: {kind}; expected a detector of people's boxes{choices}")


def _outputs(network: ForeignOnnx, shapes: Sequence[Shape]) -> str:
    outputs = (
        f"{tensor.name} {_text(shape)}"
        for tensor, shape in zip(network.outputs, shapes, strict=True)
    )
    return f"{network.path}: the outputs {', '.join(outputs)}"


def _text(shape: Shape) -> str:
    return str(["?" if length is None else length for length in shape]).replace("'", "")


def _format_flag() -> str:
    """Returns how the user names a detector's family."""
    return argument("--detector_format", "open_detector(format=...)")
