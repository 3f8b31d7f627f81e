"""Writes Google's MoveNet as an ONNX file from its weights, without Paddle.

Source: the graph of `paddle_pose.models.movenet` without batch normalisation, for which Google's
    weights are published.
Checked against: the network in Paddle; all maps of an image within 1e-4
    (tests/parity/test_movenet_onnx.py).
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from paddle_pose.backends.metadata import metadata_path
from paddle_pose.codecs.movenet import MoveNetCodec
from paddle_pose.codecs.movenet_multipose import MultiPoseCodec
from paddle_pose.configs.specs import Config, MoveNetModel
from paddle_pose.errors import InputError
from paddle_pose.exporting.files import installed_versions
from paddle_pose.exporting.metadata import build_metadata
from paddle_pose.exporting.onnx_graph import OnnxGraph
from paddle_pose.models import movenet_sizes as sizes
from paddle_pose.weights.names import convert_names, has_batch_norm
from paddle_pose.weights.read import read_weights

_PROBABILITIES = ("centers", "heatmaps")
_STRIDE = 4  # input px per cell
Activation = Literal["", "relu", "relu6"]


def write_movenet(config: Config, weights: Path, target: Path) -> dict[str, Any]:
    """Writes a MoveNet as an ONNX file with its export metadata.

    The result is that of `exporting.write.write_export` without decoding, but Paddle is not needed.

    Args:
        config: Config of the network; its `model.batch_norm` is ignored, since the weights have
            none.
        weights: Weights file that `weights.read.read_weights` reads, such as Google's .tflite or
            TensorFlow.js file.
        target: Path of the .onnx file that is written; an existing one is replaced. The metadata are
            in the file and in `<target>.metadata.json`.

    Returns:
        Export metadata, see `metadata.build_metadata`.

    Raises:
        FileNotFoundError: If there is no such weights file.
        MissingDependencyError: If onnx, or the package that reads the weights, is not installed.
        InputError: If the weights cannot be read, do not fit the config or have batch
            normalisation, or the config is not that of Google's MoveNet.
    """
    tensors = read_weights(weights)
    model = config.model
    codec = config.codec
    if (
        not isinstance(model, MoveNetModel)
        or not isinstance(codec, MoveNetCodec | MultiPoseCodec)
        or has_batch_norm(tensors)
    ):
        raise InputError(
            f"{weights}: without Paddle only a MoveNet whose batch normalisation is folded into "
            "its convolutions is exported, as in Google's files; install paddlepaddle and export it"
        )
    config = replace(config, model=replace(model, batch_norm="none"))
    joints = codec.skeleton.num_joints
    network = _Network(model, joints)
    network.graph.initializers |= convert_names(tensors, network.shapes)
    channels = sizes.map_channels(joints, model.box_heads)
    width, height = codec.input_size
    w, h = width // _STRIDE, height // _STRIDE
    outputs = {name: np.zeros((1, channels[name], h, w), np.float32) for name in codec.outputs}
    metadata = build_metadata(config, outputs, weights, versions=installed_versions())
    text = json.dumps(metadata, indent=1)
    network.graph.save(
        target,
        {"image": ("uint8", metadata["input"]["shape"])},
        {output["name"]: output["shape"] for output in metadata["outputs"]},
        text,
    )
    metadata_path(target).write_text(text + "\n", encoding="utf-8")
    return metadata


class _Network:
    """The ONNX graph of a MoveNet; its layers have the names of those in `models.movenet`.

    Args:
        model: Architecture of the network.
        num_joints: Number of joints, K.

    Attributes:
        graph: Graph with all nodes, but without weights.
        shapes: Shapes of the weights that the graph needs, by name.

    Raises:
        InputError: If the architecture is not that of Google's MoveNet.
    """

    def __init__(self, model: MoveNetModel, num_joints: int) -> None:
        google = {"expansion": "block", "pyramid": "google", "share_residuals": False}
        for key, value in google.items():
            if getattr(model, key) != value:
                raise InputError(
                    f"model.{key} is {getattr(model, key)!r}, expected {value!r}: without Paddle "
                    "only Google's MoveNet is exported; install paddlepaddle and export it"
                )
        self.graph = OnnxGraph()
        self.shapes: dict[str, tuple[int, ...]] = {}
        self._model = model
        self._build(num_joints)

    def _build(self, num_joints: int) -> None:
        """Adds all nodes: input, backbone, feature pyramid and heads."""
        add = self.graph.add
        constant = self.graph.constant
        constant("scale", [2 / 255])
        constant("shift", [-1.0])
        constant("relu6.low", np.array(0, np.float32))
        constant("relu6.high", np.array(6, np.float32))
        constant("doubled", [1.0, 1.0, 2.0, 2.0])
        add("Transpose", "image", name="planes", perm=[0, 3, 1, 2])
        add("Cast", "planes", name="values", to=1)  # float32
        add("Mul", "values", "scale", name="scaled")
        add("Add", "scaled", "shift", name="normalized")
        features = self._backbone("normalized")
        channels = sizes.LEVELS[0]
        x = self._unit(features[-1][0], "pyramid.top", features[-1][1], channels)
        for level, (fine, fine_channels) in enumerate(reversed(features[:-1])):
            name = f"pyramid.levels.{level}"
            # The default transformation is half_pixel: cell centres at halves.
            add("Resize", x, "", "doubled", name=f"{name}.upsample", mode="linear")
            lateral = self._unit(fine, f"{name}.lateral", fine_channels, channels)
            (x,) = add("Add", f"{name}.upsample", lateral, name=f"{name}.sum")
            x = self._unit(x, f"{name}.depthwise", channels, channels, kernel=3, depthwise=True)
            x = self._unit(
                x, f"{name}.pointwise", channels, sizes.LEVELS[level + 1], activation="relu"
            )
            channels = sizes.LEVELS[level + 1]
        for name, count in sizes.map_channels(num_joints, self._model.box_heads).items():
            self._head(x, name, count)

    def _backbone(self, x: str) -> list[tuple[str, int]]:
        """Adds MobileNetV2.

        Args:
            x: Name of the normalized image.

        Returns:
            (name, number of channels) of the features with strides 4, 8, 16 and 32.
        """
        width = self._model.width
        activation = self._model.activation
        channels = sizes.scaled(sizes.STEM_CHANNELS, width)
        first = sizes.scaled(sizes.FIRST_CHANNELS, width)
        x = self._unit(x, "backbone.stem", 3, channels, kernel=3, stride=2, activation=activation)
        x = self._block(
            x, "backbone.blocks.0", channels=channels, hidden=channels, out=first, stride=1
        )
        features: list[tuple[str, int]] = []
        before = first
        index = 0
        for stage, stride, count in zip(sizes.CHANNELS, sizes.STRIDES, sizes.BLOCKS, strict=True):
            after = sizes.scaled(stage, width)
            for repeat in range(count):
                index += 1
                x = self._block(
                    x,
                    f"backbone.blocks.{index}",
                    channels=before,
                    hidden=6 * before,
                    out=after,
                    stride=stride if repeat == 0 else 1,
                )
                before = after
            features.append((x, after))
        x = self._unit(x, "backbone.top", before, sizes.TOP_CHANNELS, activation=activation)
        return [*features[:3], (x, sizes.TOP_CHANNELS)]

    def _block(
        self, x: str, name: str, *, channels: int, hidden: int, out: int, stride: int
    ) -> str:
        """Adds an inverted residual block.

        Args:
            x: Name of its input.
            name: Name of the block.
            channels: Number of input channels.
            hidden: Number of channels of the depthwise convolution.
            out: Number of output channels.
            stride: Stride of the depthwise convolution.

        Returns:
            Name of its output.
        """
        y = x
        activation = self._model.activation
        if hidden != channels:
            y = self._unit(y, f"{name}.expand", channels, hidden, activation=activation)
        y = self._unit(
            y,
            f"{name}.depthwise",
            hidden,
            hidden,
            kernel=3,
            stride=stride,
            depthwise=True,
            activation=activation,
        )
        y = self._unit(y, f"{name}.project", hidden, out)
        return (
            self.graph.add("Add", x, y, name=f"{name}.sum")[0]
            if stride == 1 and channels == out
            else y
        )

    def _head(self, x: str, name: str, count: int) -> None:
        """Adds the layers that compute one output.

        Args:
            x: Name of the pyramid's finest features.
            name: Name of the output, such as "heatmaps".
            count: Number of channels of the output.
        """
        channels = sizes.LEVELS[-1]
        y = self._unit(x, f"heads.{name}.depthwise", channels, channels, kernel=3, depthwise=True)
        y = self._unit(
            y, f"heads.{name}.pointwise", channels, sizes.HEAD_CHANNELS, activation="relu"
        )
        y = self._unit(y, f"heads.{name}.out", sizes.HEAD_CHANNELS, count)
        self.graph.add("Sigmoid" if name in _PROBABILITIES else "Identity", y, name=name)

    def _unit(
        self,
        x: str,
        name: str,
        in_channels: int,
        out_channels: int,
        *,
        kernel: int = 1,
        stride: int = 1,
        depthwise: bool = False,
        activation: Activation = "",
    ) -> str:
        """Adds a convolution, padded as in `models.mobilenet_v2.ConvUnit`, and its activation.

        Args:
            x: Name of its input.
            name: Name of the layer; its weights are "<name>.conv.weight" and "<name>.conv.bias".
            in_channels: Number of input channels.
            out_channels: Number of output channels.
            kernel: Width and height of the kernel.
            stride: Stride along both axes.
            depthwise: Whether each channel is convolved separately.
            activation: Activation; "" for none.

        Returns:
            Name of its output.
        """
        weight, bias = f"{name}.conv.weight", f"{name}.conv.bias"
        self.shapes[weight] = (out_channels, 1 if depthwise else in_channels, kernel, kernel)
        self.shapes[bias] = (out_channels,)
        same = stride == 2 and self._model.padding == "same"
        (x,) = self.graph.add(
            "Conv",
            x,
            weight,
            bias,
            name=f"{name}.conv",
            kernel_shape=[kernel, kernel],
            strides=[stride, stride],
            pads=[0, 0, 1, 1] if same else [kernel // 2] * 4,  # top, left, bottom, right
            group=in_channels if depthwise else 1,
        )
        if activation == "relu":
            (x,) = self.graph.add("Relu", x, name=f"{name}.relu")
        elif activation == "relu6":
            (x,) = self.graph.add("Clip", x, "relu6.low", "relu6.high", name=f"{name}.relu6")
        return x
