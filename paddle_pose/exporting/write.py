"""Writes an exported file with its companion file and its metadata into a folder."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from paddle_pose.backends.base import Network
from paddle_pose.backends.metadata import metadata_path
from paddle_pose.backends.paddle import PaddleBackend
from paddle_pose.configs.specs import Config
from paddle_pose.exporting import convert, quantize
from paddle_pose.exporting.decoding import with_decoding
from paddle_pose.exporting.files import installed_versions
from paddle_pose.exporting.metadata import build_metadata
from paddle_pose.exporting.program import save_program
from paddle_pose.io.manifest import fingerprint


def write_export(
    config: Config,
    network: Network,
    weights: Path,
    target: Path,
    *,
    decode: bool = False,
    calibration: np.ndarray | None = None,
) -> dict[str, Any]:
    """Writes an exported file with its companion file and its metadata into the target's folder.

    Intermediate files are left in the folder: pass one of its own, and move the result with
    `files.put_in_place`.

    Args:
        config: Config of the network.
        network: `paddle.nn.Layer` in inference mode.
        weights: Checkpoint that the network was loaded from; the metadata states its name and
            checksum.
        target: Path of the file; its suffix decides the format: .onnx, .xml (OpenVINO, with a .bin
            file) or .json (Paddle, with a .pdiparams file). The metadata are written to
            `<target>.metadata.json`, and into an .onnx file as well.
        decode: Whether decoding is part of the graph, so that the file returns {"keypoints": ...}
            instead of maps, or {"people": ...} for MultiPose; see `decoding.with_decoding`.
        calibration: Calibration images for INT8, uint8 RGB [M, H, W, 3]; None keeps floating point.
            For .onnx and .xml only.

    Returns:
        Export metadata, see `metadata.build_metadata`; for Paddle also "files", the size and the
        checksum of both files by suffix.

    Raises:
        FileNotFoundError: If there is no such checkpoint.
        MissingDependencyError: If the format needs a package that is not installed.
        InputError: If the codec cannot be decoded in a graph, or an operator cannot be converted.
    """
    decoder = with_decoding(network, config.codec) if decode else None
    graph = network if decoder is None else decoder
    width, height = config.codec.input_size
    outputs = PaddleBackend(graph)(np.zeros((1, height, width, 3), np.uint8))
    names = list(outputs) if decode else list(config.codec.outputs)
    if decoder is not None and decoder.file_codec is not None:
        config = replace(config, codec=decoder.file_codec)
    exported = build_metadata(
        config,
        {name: outputs[name] for name in names},
        weights,
        specs=None
        if decoder is None
        else [decoder.output_spec(outputs[name].shape) for name in names],
        precision="float32" if calibration is None else "int8",
        versions=installed_versions(),
    )
    program = target.with_suffix(".json")
    onnx_file = target.with_suffix(".onnx")
    save_program(graph, names, config.codec.input_size, program)
    text = json.dumps(exported, indent=1)
    if target != program:
        convert.program_to_onnx(program, onnx_file, names)
    if calibration is not None:
        floats = target.with_suffix(".float.onnx")
        os.replace(onnx_file, floats)
        quantize.quantize(floats, onnx_file, calibration)
    if target == onnx_file:
        convert.put_metadata(target, text)
    elif target != program:
        convert.onnx_to_openvino(onnx_file, target)
    if target == program:
        files = (target, target.with_suffix(".pdiparams"))
        exported["files"] = {path.suffix: fingerprint(path) for path in files}
        text = json.dumps(exported, indent=1)
    metadata_path(target).write_text(text + "\n", encoding="utf-8")
    return exported
