"""Exports a checkpoint as a file that runs without this package, compared with the live network at once."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from paddle_pose import build
from paddle_pose.backends.metadata import RUN_EXPORTS, metadata_path
from paddle_pose.backends.open import open_exported
from paddle_pose.backends.paddle import PaddleBackend
from paddle_pose.configs import registry
from paddle_pose.configs.overrides import override
from paddle_pose.engine.pose_model import PoseModel, check_open
from paddle_pose.errors import InputError
from paddle_pose.exporting.files import check_target, put_in_place
from paddle_pose.exporting.images import in_batches, read_inputs, synthetic_inputs
from paddle_pose.exporting.verify import Difference, check_difference, compare
from paddle_pose.exporting.write import write_export
from paddle_pose.io.weights_files import find_weights
from paddle_pose.training import checkpoint_policy

_log = logging.getLogger("paddle_pose")

Format = Literal["onnx", "openvino", "paddle"]
SUFFIXES: dict[Format, str] = {"onnx": ".onnx", "openvino": ".xml", "paddle": ".json"}


@dataclass(frozen=True, eq=False)
class Export:
    """An exported file.

    Attributes:
        path: Path of the file.
        metadata_path: Path of the metadata beside it.
        difference: Its difference from the live network: `maps`, `pixels` [M] of the keypoints, and a sentence as str.
    """

    path: Path
    metadata_path: Path
    difference: Difference


def export_model(
    weights: str | Path | PoseModel,
    output_file: str | Path | None = None,
    *,
    format: Format | None = None,
    config: str | None = None,
    image_size: int | None = None,
    overrides: Mapping[str, object] | None = None,
    decode: bool = False,
    calibration: str | Path | None = None,
    images: str | Path | None = None,
    tolerance: float | None = None,
) -> Export:
    """Writes a network as an ONNX, OpenVINO or Paddle file; it is compared with the live network before it gets its name.

    Args:
        weights: Path of a checkpoint, of its folder or of a run's; or a model that was loaded from one.
        output_file: Path of the exported file; None for one beside the checkpoint, of a run's in its folder exports.
        format: Format of the file; None as the suffix of `output_file` says, else ONNX.
        config: Name of the checkpoint's config, where none is beside it.
        image_size: Input size of Hourglass-52 on MPII, as in txyugood's project; None for none.
        overrides: Values by dotted key that replace the config's.
        decode: Whether decoding is part of the graph, so that the file returns keypoints, for other programs; `load_model`
            reads files of maps.
        calibration: Folder of images to calibrate INT8 with; None keeps floating point.
        images: Folder of images to compare on; None for synthetic people.
        tolerance: Distance in input px that a keypoint may move, with INT8 the median keypoint; None for 0.5, with INT8 4.

    Raises:
        FileNotFoundError: If a file is missing.
        MissingDependencyError: If the format needs a package that is not installed; says how to install it.
        InputError: If a file or a value does not fit, or the exported network differs from the live one; then nothing
            is written; or if somebody else's file is where it is to be.

    Example:
        `export_model("output/run/best_model/model.pdparams", "pose.onnx").difference`
    """
    model = weights if isinstance(weights, PoseModel) else None
    weights = weights.weights if isinstance(weights, PoseModel) else find_weights(weights)
    if model is not None:
        check_open(model)
    output_file = None if output_file is None else Path(output_file)
    if weights.suffix in SUFFIXES.values():
        raise InputError(
            f"{weights}: is an exported file; export the checkpoint that it was made from"
        )
    if format is None:
        formats = {suffix: name for name, suffix in SUFFIXES.items()}
        format = formats.get(output_file.suffix, "onnx") if output_file is not None else "onnx"
    if format not in SUFFIXES:
        raise InputError(
            f"format {format!r}: expected one of {', '.join(SUFFIXES)}, or None for the one of the suffix"
        )
    int8 = calibration is not None
    if int8 and format == "paddle":
        raise InputError("INT8 is written with the formats onnx and openvino, not with paddle")
    target = export_path(weights, output_file, format, decode=decode, int8=int8)
    check_target(target)
    if model is None:
        config_of_weights = registry.config_of(weights, config, image_size, overrides)
    elif config is None and image_size is None:
        config_of_weights = override(model.config, overrides or {})
    else:
        raise InputError(
            f"config or image_size, but {model!r} has its config; leave them out, or load it anew"
        )
    fitted, network = build.loaded(config_of_weights, weights, log=_log.info)
    inputs = (
        synthetic_inputs(fitted.codec)
        if images is None
        else read_inputs(Path(images), fitted.codec)
    )
    calibration_inputs = (
        None if calibration is None else read_inputs(Path(calibration), fitted.codec)
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".exporting_", dir=target.parent) as folder:
        draft = Path(folder, target.name)
        metadata = write_export(
            fitted, network, weights, draft, decode=decode, calibration=calibration_inputs
        )
        difference = compare(
            PaddleBackend(network),
            open_exported(draft, "cpu"),
            fitted.codec,
            in_batches(inputs),
            exact=not int8,
            decoded=metadata["outputs"][0] if decode else None,
        )
        _log.info("%s", difference)
        check_difference(difference, int8=int8, tolerance=tolerance)
        put_in_place(draft, target)
    _log.info("Written: %s, %s", target, metadata_path(target).name)
    return Export(target, metadata_path(target), difference)


def export_path(
    weights: Path, output_file: Path | None, format: Format, *, decode: bool, int8: bool
) -> Path:
    """Returns the path of an exported file.

    Args:
        weights: Checkpoint.
        output_file: Path that was asked for; None for one beside the checkpoint. A training replaces the folders of its
            checkpoints: RUN/best_model/model.pdparams becomes RUN/exports/best_model.onnx.
        format: Format of the file.
        decode: Whether the file returns keypoints.
        int8: Whether it computes in 8 bits.

    Raises:
        InputError: If the path has another suffix than the format.
    """
    suffix = SUFFIXES[format]
    if output_file is None:
        folder, name = weights.parent if weights.parent.name else Path.cwd(), weights.stem
        run_dir = checkpoint_policy.run_of(folder)
        if run_dir is not None:
            name = folder.name if name == "model" else f"{folder.name}_{name}"
            folder = run_dir / RUN_EXPORTS
        return folder / (name + "_decoded" * decode + "_int8" * int8 + suffix)
    if output_file.suffix != suffix:
        raise InputError(
            f"{output_file}: the format {format} is written as *{suffix}; name such a file, or another format"
        )
    return output_file
