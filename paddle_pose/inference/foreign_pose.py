"""Pose networks in ONNX files of other programs: recognition, and a backend that runs them.

The evidence is that of `detection.recognize`: metadata, the formats that fit the shapes of input
and outputs, names. A file that still fits two formats is an error that names both, and the caller's
format decides. Files state neither mean, deviation nor order of channels: `PREPROCESSING` has the
usual values of each format.

Source: mmdeploy's exports of RTMPose (`simcc_x`, `simcc_y`), heatmap networks, RTMO and YOLOX-Pose
    (`dets`, `keypoints`); Ultralytics' documentation of its pose exports; Google's MoveNet
    MultiPose. The preprocessing is that of mmpose and of these sources; rtmlib, too, gives RTMPose
    the mean of RGB, but with the channels in the order BGR.
Checked against: a file of each format and of each pair of formats with the same shapes
    (tests/inference/test_foreign_pose.py); a file of RTMPose in mmdeploy's form
    (tests/parity/test_foreign_rtmpose.py). No file of YOLO-pose or RTMO was available.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from paddle_pose.backends.foreign_onnx import ForeignOnnx
from paddle_pose.codecs.base import Maps
from paddle_pose.environment import argument
from paddle_pose.errors import InputError
from paddle_pose.inference.detection.grid import STRIDES, count_cells
from paddle_pose.inference.detection.recognize import (
    InputLayout,
    Shape,
    class_names,
    fitting,
    image_layout,
    literal,
    output_shapes,
    outputs_text,
)

PoseFormat = Literal[
    "simcc",
    "simcc-transposed",
    "heatmaps",
    "heatmaps-transposed",
    "yolo-pose",
    "yolo-pose-transposed",
    "yolo-pose-end-to-end",
    "rtmo",
    "multipose",
]
POSE_FORMATS: tuple[PoseFormat, ...] = get_args(PoseFormat)
SIMCC: tuple[PoseFormat, ...] = ("simcc", "simcc-transposed")
HEATMAPS: tuple[PoseFormat, ...] = ("heatmaps", "heatmaps-transposed")
Order = Literal["rgb", "bgr"]
Color = tuple[float, float, float]
IMAGENET_MEAN: Color = (123.675, 116.28, 103.53)
IMAGENET_DEVIATION: Color = (58.395, 57.12, 57.375)
_RAW: tuple[Order, Color, Color] = ("rgb", (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
_IMAGENET: tuple[Order, Color, Color] = ("rgb", IMAGENET_MEAN, IMAGENET_DEVIATION)
_SHARE_OF_255: tuple[Order, Color, Color] = ("rgb", (0.0, 0.0, 0.0), (255.0, 255.0, 255.0))
PREPROCESSING: dict[PoseFormat, tuple[Order, Color, Color]] = {
    "simcc": _IMAGENET,
    "simcc-transposed": _IMAGENET,
    "heatmaps": _IMAGENET,
    "heatmaps-transposed": _IMAGENET,
    "yolo-pose": _SHARE_OF_255,
    "yolo-pose-transposed": _SHARE_OF_255,
    "yolo-pose-end-to-end": _SHARE_OF_255,
    "rtmo": ("bgr", *_RAW[1:]),
    "multipose": _RAW,
}
"""Order of the channels, and mean and deviation of red, green and blue, by format."""
_INTEGERS = ("uint8", "int32", "int64")
_MAP_STRIDES = (2, 4, 8, 16)  # input px per cell of a heatmap
_SPLIT_RATIOS = (1.0, 16.0)  # fewest and most bins per input px
_YOLO_STRIDES = (STRIDES, (*STRIDES, 64))
_MULTIPOSE_SHAPE = (6, 56)  # people; 17 joints of y, x, score, then box and score
_USUAL_JOINTS = (16, 17)  # MPII's and COCO's
_GREY = 114  # level of the plain image that a network is run on where its file lacks shapes


@dataclass(frozen=True)
class Reading:
    """How the outputs of a file can be read in one format.

    Attributes:
        joints: Number of joints K.
        order: Index of the output of each map: of x and y, or of boxes and keypoints.
        scale: Input px per cell of a heatmap, or bins per input px; 0 where there is none.
        is_exact: Whether the number of candidates is that of a detector's cells.
        remark: Text on a choice that the file does not determine, for a message; "" if it
            determines everything.
    """

    joints: int
    order: tuple[int, ...]
    scale: float = 0.0
    is_exact: bool = True
    remark: str = ""


@dataclass(frozen=True)
class PoseFile:
    """A pose network in a file of another program, and how it is read.

    Attributes:
        network: The network.
        layout: Layout of its input.
        format: Format of its outputs.
        reading: Joints, order and scale of the outputs in this format.
    """

    network: ForeignOnnx
    layout: InputLayout
    format: PoseFormat
    reading: Reading

    @property
    def preprocessing(self) -> tuple[Order, Color, Color]:
        """Usual order of the channels, mean and deviation: none where the input takes integers."""
        return _RAW if self.layout.dtype in _INTEGERS else PREPROCESSING[self.format]


def open_pose_file(
    path: Path,
    *,
    size: tuple[int, int] | None = None,
    format: str | None = None,
    joints: int | None = None,
    device: str = "auto",
    threads: int | None = None,
) -> PoseFile:
    """Returns the pose network in an ONNX file of another program.

    Args:
        path: Path of the .onnx file.
        size: (width, height) px of the input, for a file that does not fix it; None for the usual
            one of the format.
        format: Format that the caller states, which must fit the file; None recognises it.
        joints: Number of joints that the caller expects, which the file need not have; None if it
            does not matter.
        device: Device, see `ForeignOnnx`.
        threads: Number of threads; None for `environment.threads_to_use`.

    Raises:
        FileNotFoundError: If the file does not exist.
        MissingDependencyError: If ONNX Runtime is not installed.
        InputError: If it is no pose network of a known format, fits several, or has another size.
    """
    if format is not None and format not in POSE_FORMATS:
        raise InputError(f"{_flag()} {format}: expected one of {', '.join(POSE_FORMATS)}")
    network = ForeignOnnx(path, device, threads)
    layout = image_layout(
        network,
        "a pose network",
        ("float32", "float16", *_INTEGERS),
        _usual_size(network),
        size,
    )

    @cache
    def run() -> Mapping[str, np.ndarray]:
        width, height = layout.size
        return network(layout(np.full((1, 3, height, width), _GREY, np.float32)))

    shapes = output_shapes(network, run)
    is_pose = network.metadata.get("task", "pose") == "pose" or format is not None
    found = _readings(network, shapes, layout.size, joints) if is_pose else {}
    fits = _narrowed(network, layout, found)
    if format is not None:
        fits = [name for name in found if name == format]
    if len(fits) > 1:
        raise InputError(
            f"{outputs_text(network, shapes)} fit {', '.join(fits)}; state one with {_flag()}"
        )
    if not fits:
        raise _refusal(network, shapes, layout.size, found, format)
    (chosen,) = fits
    return PoseFile(network, layout, chosen, found[chosen])


class ForeignPose:
    """Backend that runs a pose network of another program on uint8 RGB images.

    Args:
        file: The network and how it is read.
        order: Order of the input's channels.
        mean: Mean (red, green, blue) that is subtracted from the values 0..255.
        deviation: Divisor (red, green, blue) of the differences.

    Attributes:
        outputs: Names of the maps, as the codec calls them.
        device: Device, ONNX Runtime's version and number of threads, for messages.
    """

    def __init__(self, file: PoseFile, order: Order, mean: Color, deviation: Color) -> None:
        self._file = file
        self._channels = slice(None, None, -1 if order == "bgr" else 1)
        self._mean = np.array(mean, np.float32)
        self._deviation = np.array(deviation, np.float32)
        tensors = (file.network.inputs[0], *file.network.outputs)
        self._one_by_one = any(tensor.shape[:1] == (1,) for tensor in tensors)
        self.device = file.network.device
        self.outputs = ["people"]
        if file.format in SIMCC:
            self.outputs = ["simcc_x", "simcc_y"]
        elif file.format in HEATMAPS:
            self.outputs = ["heatmaps"]

    def __call__(self, images: np.ndarray) -> Maps:
        """Returns the maps of uint8 RGB images [N, H, W, 3] by the codec's names.

        A network that takes one image is run for each.
        """
        pixels = (images.astype(np.float32) - self._mean) / self._deviation
        values = self._file.layout(pixels[..., self._channels].transpose(0, 3, 1, 2))
        batches = [values[n : n + 1] for n in range(len(values))] if self._one_by_one else [values]
        parts = [self._maps(list(self._file.network(batch).values())) for batch in batches]
        return {name: _joined([part[name] for part in parts]) for name in self.outputs}

    def _maps(self, outputs: Sequence[np.ndarray]) -> Maps:
        """Returns the maps of a run of the network."""
        format = self._file.format
        arrays = [np.asarray(outputs[index], np.float32) for index in self._file.reading.order]
        if format in SIMCC:
            if format == "simcc-transposed":
                arrays = [array.swapaxes(1, 2) for array in arrays]
            return {"simcc_x": arrays[0], "simcc_y": arrays[1]}
        if format in HEATMAPS:
            maps = np.stack(arrays, axis=1)
            return {"heatmaps": maps if format == "heatmaps" else np.moveaxis(maps, -1, 2)}
        return {"people": _people(format, arrays, self._file.layout.size)}


def _people(format: PoseFormat, arrays: Sequence[np.ndarray], size: tuple[int, int]) -> np.ndarray:
    """Returns candidates [N, A, 5 + 3K] as `OneStageCodec` decodes them."""
    rows = arrays[0]
    if format == "rtmo":
        shape = arrays[1].shape  # its second length may be 0
        keypoints = arrays[1].reshape(*shape[:2], shape[2] * shape[3])
        return np.concatenate([rows, keypoints], axis=2)
    if format == "yolo-pose-end-to-end":  # class 0 is people
        people = np.delete(rows, 5, axis=2)
        people[..., 4] *= np.rint(rows[..., 5]) == 0
        return people
    if format == "multipose":  # shares of the input's sides, y before x
        width, height = size
        joints = rows[..., :51].reshape(*rows.shape[:2], 17, 3)[..., [1, 0, 2]]
        joints = joints * np.array([width, height, 1], np.float32)
        corners = rows[..., [52, 51, 54, 53]] * np.array([width, height] * 2, np.float32)
        flat = joints.reshape(*rows.shape[:2], 51)
        return np.concatenate([corners, rows[..., 55:], flat], axis=2)
    if format == "yolo-pose":
        rows = rows.swapaxes(1, 2)
    half = rows[..., 2:4] / 2
    return np.concatenate([rows[..., :2] - half, rows[..., :2] + half, rows[..., 4:]], axis=2)


def _joined(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Returns the maps of several runs; where the numbers of candidates differ, zeros are added."""
    most = max(part.shape[1] for part in parts)
    parts = [
        np.pad(part, [(0, 0), (0, most - part.shape[1]), *[(0, 0)] * (part.ndim - 2)])
        for part in parts
    ]
    return np.concatenate(parts)


def _usual_size(network: ForeignOnnx) -> tuple[int, int]:
    """Returns (width, height) px for an input without a fixed size, by the rank of the outputs."""
    if len(network.outputs) == 1 and len(network.outputs[0].shape) == 4:
        return 192, 256  # heatmaps
    is_multipose = network.outputs[0].shape[1:] == _MULTIPOSE_SHAPE
    return (256, 256) if is_multipose else (640, 640)


def _readings(
    network: ForeignOnnx, shapes: Sequence[Shape], size: tuple[int, int], joints: int | None
) -> dict[PoseFormat, Reading]:
    """Returns how the outputs can be read, by the formats that fit them.

    Args:
        network: File to read.
        shapes: Shapes of its outputs.
        size: (width, height) of its input.
        joints: Number of joints that the caller expects; readings with another number are returned
            if none has it. None if it does not matter.
    """
    # Others have fewer axes, such as labels [N, n] or the highest cells [N, K] of PaddleDetection.
    used = [index for index, shape in enumerate(shapes) if len(shape) >= 3]
    names = [network.outputs[index].name for index in used]
    shapes = [shapes[index] for index in used]
    found: dict[PoseFormat, Reading] = {}
    ranks = sorted(map(len, shapes))
    if ranks == [3, 3]:
        found |= _simcc(names, shapes, size)
    if set(ranks) == {4} and len({shape[1:] for shape in shapes}) == 1:
        found |= _heatmaps(shapes, size)
    if ranks == [3, 4]:
        dets, keypoints = sorted(range(2), key=lambda index: len(shapes[index]))
        if shapes[dets][2] == 5 and shapes[keypoints][3] == 3:
            found["rtmo"] = Reading(shapes[keypoints][2] or 0, (dets, keypoints))
    if ranks == [3]:
        found |= _one_output(network.metadata, shapes[0], size, joints)
    expected = {format: one for format, one in found.items() if one.joints == joints}
    return {
        format: replace(one, order=tuple(used[index] for index in one.order))
        for format, one in (expected or found).items()
    }


def _simcc(
    names: Sequence[str], shapes: Sequence[Shape], size: tuple[int, int]
) -> dict[PoseFormat, Reading]:
    """Returns the readings of two outputs as vectors along x and y, [N, K, bins] or transposed."""
    found: dict[PoseFormat, Reading] = {}
    low, high = _SPLIT_RATIOS
    formats: tuple[tuple[PoseFormat, int, int], ...] = (
        ("simcc", 1, 2),
        ("simcc-transposed", 2, 1),
    )
    for format, joint_axis, bin_axis in formats:
        if shapes[0][joint_axis] != shapes[1][joint_axis]:
            continue
        bins = [shape[bin_axis] or 0 for shape in shapes]
        orders = [
            order
            for order in ((0, 1), (1, 0))
            if bins[order[0]] * size[1] == bins[order[1]] * size[0]
            and low <= bins[order[0]] / size[0] <= high
        ]
        if not orders:
            continue
        remark = ""
        if len(orders) > 1:  # a square input
            by_name = [
                order
                for order in orders
                if names[order[0]].lower().endswith("x") and names[order[1]].lower().endswith("y")
            ]
            remark = "" if by_name else f"{names[0]} is taken for x"
            orders = by_name or orders
        found[format] = Reading(
            joints=shapes[0][joint_axis] or 0,
            order=orders[0],
            scale=bins[orders[0][0]] / size[0],
            remark=remark,
        )
    return found


def _heatmaps(shapes: Sequence[Shape], size: tuple[int, int]) -> dict[PoseFormat, Reading]:
    """Returns the readings of maps [N, K, h, w], or [N, h, w, K], of one or several stages."""
    _, first, middle, last = shapes[0]
    found: dict[PoseFormat, Reading] = {}
    formats: tuple[tuple[PoseFormat, int | None, tuple[int | None, int | None]], ...] = (
        ("heatmaps", first, (middle, last)),
        ("heatmaps-transposed", last, (first, middle)),
    )
    for format, joints, (rows, columns) in formats:
        strides = [
            stride
            for stride in _MAP_STRIDES
            if ((columns or 0) * stride, (rows or 0) * stride) == size
        ]
        if strides and joints:
            found[format] = Reading(joints, tuple(range(len(shapes))), scale=strides[0])
    return found


def _one_output(
    metadata: Mapping[str, str], shape: Shape, size: tuple[int, int], joints: int | None
) -> dict[PoseFormat, Reading]:
    """Returns the readings of one output [N, rows, columns] as candidates.

    The number of candidates is that of a detector's cells. Another number is read as well where
    the joints are as many as COCO's or MPII's, or as the metadata or the caller states.
    """
    _, rows, columns = (length or 0 for length in shape)
    stated = literal(metadata.get("kpt_shape", ""))
    usual: tuple[object, ...] = (*_USUAL_JOINTS, joints)
    if isinstance(stated, list | tuple) and len(stated) == 2:
        if stated[1] != 3:
            return {}
        usual = (stated[0],)
    counts = [count_cells(size, strides) for strides in _YOLO_STRIDES]

    def reading(channels: int, others: int, candidates: int) -> Reading | None:
        count, rest = divmod(channels - others, 3)
        is_exact = candidates in counts
        if rest or count < 1 or candidates < 1 or not (count in usual or is_exact):
            return None
        return Reading(count, (0,), is_exact=is_exact)

    is_multipose = (rows, columns) == _MULTIPOSE_SHAPE
    found: dict[PoseFormat, Reading | None] = {
        "yolo-pose": reading(rows, 5, columns),
        "yolo-pose-transposed": reading(columns, 5, rows),
        "yolo-pose-end-to-end": reading(columns, 6, rows) if rows not in counts else None,
        "multipose": Reading(17, (0,)) if is_multipose else None,
    }
    fits = {format: one for format, one in found.items() if one is not None}
    exact = {format: one for format, one in fits.items() if one.is_exact}
    return exact or fits


def _narrowed(
    network: ForeignOnnx, layout: InputLayout, found: Mapping[PoseFormat, Reading]
) -> list[PoseFormat]:
    """Returns the formats that remain after metadata, names and layout of the input."""
    fits = list(found)
    metadata = network.metadata
    outputs = {tensor.name for tensor in network.outputs}
    evidence: list[tuple[PoseFormat, ...]] = []
    if metadata.get("end2end") == "True" or "'nms': True" in metadata.get("args", ""):
        evidence.append(("yolo-pose-end-to-end",))
    elif metadata.get("task") == "pose" or "kpt_shape" in metadata:
        evidence.append(("yolo-pose", "yolo-pose-transposed", "yolo-pose-end-to-end"))
    if {"simcc_x", "simcc_y"} <= outputs:
        evidence.append(("simcc", "simcc-transposed"))
    if (network.inputs[0].name, *outputs) == ("images", "output0"):
        evidence.append(("yolo-pose", "yolo-pose-transposed", "yolo-pose-end-to-end"))
    if layout.channels_last:  # as Google's, while YOLO's files have channels first
        evidence.append(("multipose", "heatmaps-transposed"))
    for formats in evidence:
        fits = [format for format in fits if format in formats] or fits
    return fits


def _refusal(
    network: ForeignOnnx,
    shapes: Sequence[Shape],
    size: tuple[int, int],
    found: Mapping[PoseFormat, Reading],
    format: str | None,
) -> InputError:
    """Returns the error for outputs that fit no format, or not the stated one."""
    outputs = outputs_text(network, shapes)
    if format is not None:
        possible = f"it could be {', '.join(found)}" if found else "it fits none of them"
        return InputError(f"{outputs} do not fit {_flag()} {format}; {possible}")
    task = network.metadata.get("task", "detect")  # as Ultralytics calls it
    if task == "detect" and fitting(shapes, size, class_names(network.metadata)):
        detector = argument("--detector", "detector=")
        return InputError(
            f"{network.path}: detects boxes, not poses; name it with {detector}, and a pose "
            f"network as {argument('--weights', 'the source of load_model')}"
        )
    return InputError(
        f"{outputs} with an input of {size[0]}x{size[1]} px belong to no known pose network; known "
        f"are {', '.join(POSE_FORMATS)}. Files of this project state what they are; export again "
        f"those without metadata, or name their {argument('--config', 'config')}"
    )


def _flag() -> str:
    """Returns the flag or argument that states the format, for a message."""
    return argument("--weights_format", 'overrides={"model.format": ...}')
