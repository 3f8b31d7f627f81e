"""Writes an exported file with all that belongs to it into a folder, and puts it in place."""

from __future__ import annotations

import json
import os
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from paddle_pose.backends.base import Network
from paddle_pose.backends.metadata import metadata_path
from paddle_pose.backends.paddle import PaddleBackend
from paddle_pose.configs.specs import Config
from paddle_pose.exporting import convert, quantize
from paddle_pose.exporting.decoding import with_decoding
from paddle_pose.exporting.images import in_batches
from paddle_pose.exporting.metadata import build_metadata
from paddle_pose.exporting.program import save_program
from paddle_pose.io.outputs import Outputs

PACKAGES = ("paddlepaddle", "paddlepaddle-gpu", "paddle2onnx", "onnx", "onnxruntime", "openvino")
_COMPANIONS = {".xml": ".bin", ".json": ".pdiparams"}


def write_export(
    config: Config,
    network: Network,
    weights: Path,
    target: Path,
    *,
    decode: bool = False,
    calibration: np.ndarray | None = None,
) -> dict[str, Any]:
    """Writes an exported file, its companions and its metadata into the target's folder.

    Args:
        config: Config of the network.
        network: `paddle.nn.Layer` in inference mode.
        weights: Checkpoint that the metadata names.
        target: Path of the file; its suffix decides the format: .onnx, .xml (OpenVINO) or .json (Paddle).
        decode: Whether decoding is part of the graph, so that the file returns keypoints.
        calibration: uint8 images [M, H, W, 3] to calibrate INT8 with; None keeps floating point.

    Returns:
        The metadata.

    Raises:
        MissingDependencyError: If the format needs a package that is not installed.
        InputError: If no graph decodes what the codec reads, or an operator cannot be converted.
    """
    decoder = with_decoding(network, config.codec) if decode else None
    graph = network if decoder is None else decoder
    width, height = config.codec.input_size
    outputs = PaddleBackend(graph)(np.zeros((1, height, width, 3), np.uint8))
    names = list(outputs) if decode else list(config.codec.outputs)
    exported = build_metadata(
        config,
        {name: outputs[name] for name in names},
        weights,
        specs=None if decoder is None else [decoder.output_spec(outputs[name].shape) for name in names],
        precision="float32" if calibration is None else "int8",
        versions=_installed_versions(),
    )
    program, onnx_file = target.with_suffix(".json"), target.with_suffix(".onnx")
    save_program(graph, names, config.codec.input_size, program)
    text = json.dumps(exported, indent=1)
    if target != program:
        convert.program_to_onnx(program, onnx_file, names)
    if calibration is not None:
        floats = target.with_suffix(".float.onnx")
        os.replace(onnx_file, floats)
        quantize.quantize(floats, onnx_file, in_batches(calibration))
    if target == onnx_file:
        convert.put_metadata(target, text)
    elif target != program:
        convert.onnx_to_openvino(onnx_file, target)
    metadata_path(target).write_text(text + "\n", encoding="utf-8")
    return exported


def put_in_place(draft: Path, target: Path) -> None:
    """Moves an exported file with its companion and its metadata; a file under its final name is always complete.

    Args:
        draft: Path of the file as `write_export` wrote it.
        target: Final path, on the same disk; an earlier export there is replaced.

    Raises:
        InputError: If somebody else's file is there.
    """
    check_target(target)
    outputs = _outputs(target)
    target.unlink(missing_ok=True)
    for source, place in reversed(list(zip(_files(draft), _files(target), strict=True))):
        outputs.put(source, place)


def check_target(target: Path) -> None:
    """Refuses to replace what no export wrote.

    Args:
        target: Path of the exported file.

    Raises:
        InputError: If somebody else's file is there, or where its companion or its metadata are to be.
    """
    _outputs(target).check(_files(target))


def _outputs(target: Path) -> Outputs:
    return Outputs(target.parent, "export", flag="--output_file")


def _files(exported: Path) -> list[Path]:
    """Returns an exported file, its metadata, and its companion where the format has one."""
    files = [exported, metadata_path(exported)]
    if exported.suffix in _COMPANIONS:
        files.append(exported.with_suffix(_COMPANIONS[exported.suffix]))
    return files


def _installed_versions() -> dict[str, str]:
    """Returns the versions of the packages that take part in exporting."""
    installed = {package.metadata["Name"]: package.version for package in metadata.distributions()}
    return {name: installed[name] for name in PACKAGES if name in installed}
