"""Configs of pose networks in ONNX files of other programs, made from what a file shows.

What a file does not show, such as mean and deviation, has the usual value of its format; it is
logged, and changed like any value of a config: `-o model.order=bgr`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

from paddle_pose.codecs.base import Codec
from paddle_pose.codecs.heatmap import HeatmapCodec
from paddle_pose.codecs.one_stage import OneStageCodec
from paddle_pose.codecs.simcc import SimCCCodec
from paddle_pose.configs.overrides import override
from paddle_pose.configs.specs import Config, Data, ModelSpec, Val
from paddle_pose.environment import argument
from paddle_pose.errors import InputError
from paddle_pose.inference.foreign_pose import (
    HEATMAPS,
    IMAGENET_DEVIATION,
    IMAGENET_MEAN,
    SIMCC,
    ForeignPose,
    Order,
    PoseFile,
    PoseFormat,
    open_pose_file,
)
from paddle_pose.ranges import Range
from paddle_pose.skeletons import SKELETONS, Skeleton

Level = Annotated[float, Range(-1000, 1000)]
Divisor = Annotated[float, Range(0, 1000, exclusive_min=True)]
_THRESHOLDS: dict[PoseFormat, tuple[float, float]] = {  # lowest score, IoU of NMS
    "yolo-pose": (0.25, 0.7),
    "yolo-pose-transposed": (0.25, 0.7),
    "yolo-pose-end-to-end": (0.25, 1.0),
    "rtmo": (0.3, 1.0),
    "multipose": (0.2, 1.0),
}  # those of Ultralytics and rtmlib; this project's choice for MultiPose
_SHOWN = ("outputs", "input_size", "stride", "split_ratio")  # fields of a codec that a file fixes
_log = logging.getLogger("paddle_pose")


@dataclass(frozen=True)
class ForeignModel(ModelSpec):
    """A pose network in an ONNX file of another program: how its input and outputs are read.

    Attributes:
        format: Format of the outputs, which the file shows.
        order: Order of the channels of the input: "rgb" or "bgr".
        mean: Mean (red, green, blue) that is subtracted from the values 0..255.
        deviation: Divisor (red, green, blue) of the differences.
    """

    kind: ClassVar[str] = "foreign_onnx"
    target: ClassVar[str] = "paddle_pose.inference.foreign_pose:ForeignPose"

    format: PoseFormat = "simcc"
    order: Order = "rgb"
    mean: tuple[Level, Level, Level] = IMAGENET_MEAN
    deviation: tuple[Divisor, Divisor, Divisor] = IMAGENET_DEVIATION

    def arguments(self, codec: Codec) -> dict[str, Any]:
        """Raises an error, since there is no network to build or to train.

        Args:
            codec: Ignored.

        Raises:
            InputError: Always.
        """
        raise InputError(
            "model foreign_onnx is a network in an ONNX file of another program, which is run, "
            "not trained, converted or exported"
        )


def foreign_config(weights: Path, changes: Mapping[str, object]) -> Config:
    """Returns the config of a pose network in an ONNX file of another program.

    Args:
        weights: Path of the .onnx file.
        changes: Values by dotted key that replace recognised and usual ones.

    Raises:
        InputError: If the file is no pose network of a known format, fits several formats, or does
            not fit the changes.
    """
    stated = override(_config("stated", ForeignModel(), OneStageCodec()), _facts_in(changes))
    skeleton = stated.codec.skeleton if "codec.skeleton" in changes else None
    file = open_pose_file(
        weights,
        size=stated.codec.input_size if "codec.input_size" in changes else None,
        format=getattr(stated.model, "format", None) if "model.format" in changes else None,
        joints=skeleton.num_joints if skeleton is not None else None,
        device="cpu",
    )
    joints = file.reading.joints
    if skeleton is not None and skeleton.num_joints != joints:
        raise InputError(
            f"{weights}: has {joints} joints, but codec.skeleton {skeleton.name} has "
            f"{skeleton.num_joints}"
        )
    order, mean, deviation = file.preprocessing
    model = ForeignModel(file.format, order, mean, deviation)
    codec = _codec(file, skeleton or _skeleton(weights, joints))
    config = override(_config(f"foreign_{file.format}", model, codec), changes)
    if config.val.flip and isinstance(config.codec, OneStageCodec):
        raise InputError(
            f"{weights}: finds several people at once, and their boxes cannot be averaged with "
            f"those of the mirrored image; leave {argument('--flip', 'val.flip')} out"
        )
    return config


def open_foreign(
    config: Config, weights: Path, device: str = "auto", threads: int | None = None
) -> ForeignPose:
    """Returns the backend of an ONNX file of another program, and logs how it is read.

    Args:
        config: Config of the file, see `foreign_config`.
        weights: Path of the .onnx file.
        device: Device, see `ForeignOnnx`.
        threads: Number of threads; None for `environment.threads_to_use`.

    Raises:
        InputError: If the file does not fit the config, or the device is not available.
    """
    model, codec = config.model, config.codec
    if not isinstance(model, ForeignModel):
        raise InputError(f"{config.name}: is no config of an ONNX file of another program")
    file = open_pose_file(
        weights,
        size=codec.input_size,
        format=model.format,
        joints=codec.skeleton.num_joints,
        device=device,
        threads=threads,
    )
    shown = _codec(file, codec.skeleton)
    changed = [
        f"codec.{name}={getattr(codec, name, None)}"
        for name in _SHOWN
        if getattr(codec, name, None) != getattr(shown, name, None)
    ]
    if changed:
        raise InputError(
            f"{weights}: {', '.join(changed)} does not fit its outputs, which are {file.format}; "
            "leave it out"
        )
    _log.info(
        f"=> {weights}: a pose network, {_in_words(config, model, file)}, on {file.network.device}"
    )
    return ForeignPose(file, model.order, model.mean, model.deviation)


def _facts_in(changes: Mapping[str, object]) -> dict[str, object]:
    """Returns the changes that a file must fit, which are read before it is recognised."""
    keys = ("codec.skeleton", "codec.input_size", "model.format")
    return {key: value for key, value in changes.items() if key in keys}


def _config(name: str, model: ForeignModel, codec: Codec) -> Config:
    """Returns a config with the usual evaluation of networks of this kind."""
    of_people = codec.max_persons is not None
    return Config(
        name=name,
        source="an ONNX file of another program; what it does not state has the usual values",
        command="",
        model=model,
        codec=codec,
        data=Data(
            dataset="mpii" if codec.skeleton == SKELETONS["mpii_16"] else "coco",
            framing="image" if of_people else "person",
            context=1.0 if of_people else 1.25,
        ),
        augment=None,
        val=Val(flip=False),
    )


def _codec(file: PoseFile, skeleton: Skeleton) -> Codec:
    """Returns the codec of the outputs of a file."""
    size, scale = file.layout.size, file.reading.scale
    if file.format in SIMCC:
        return SimCCCodec(skeleton, size, split_ratio=scale)
    if file.format in HEATMAPS:
        return HeatmapCodec(skeleton, size, stride=round(scale))
    min_score, nms_iou = _THRESHOLDS[file.format]
    border = 0 if file.format == "multipose" else 114
    return OneStageCodec(skeleton, size, min_score=min_score, nms_iou=nms_iou, border=border)


def _skeleton(weights: Path, joints: int) -> Skeleton:
    """Returns the skeleton of a number of joints.

    Raises:
        InputError: If this project has none.
    """
    for skeleton in SKELETONS.values():
        if skeleton.num_joints == joints:
            return skeleton
    known = ", ".join(f"{one.num_joints} ({one.name})" for one in SKELETONS.values())
    flag = argument("-o codec.skeleton=joints.json", 'overrides={"codec.skeleton": "joints.json"}')
    raise InputError(
        f"{weights}: has {joints} joints, and a file does not name them; known are {known}. Name "
        f"them in a file of a skeleton: {flag}"
    )


def _in_words(config: Config, model: ForeignModel, file: PoseFile) -> str:
    """Returns how a file is read, for a message."""
    width, height = config.codec.input_size
    if model.deviation == (1.0, 1.0, 1.0) and not any(model.mean):
        values = "values 0..255"
    elif model.mean == IMAGENET_MEAN and model.deviation == IMAGENET_DEVIATION:
        values = "ImageNet's mean and deviation"
    elif not any(model.mean) and model.deviation == (255.0, 255.0, 255.0):
        values = "values 0..1"
    else:
        values = f"mean {model.mean}, deviation {model.deviation}"
    where = f"context {config.data.context:g}"
    if config.data.framing == "image":
        where = f"whole images with a border of grey level {config.codec.border}"
    remark = f" ({file.reading.remark})" if file.reading.remark else ""
    return (
        f"read as {model.format}{remark}: {width}x{height} px, {model.order.upper()}, {values}, "
        f"{where}, joints of {config.codec.skeleton.name}, "
        f"{'with' if config.val.flip else 'no'} flip test"
    )
