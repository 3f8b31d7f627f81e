"""Export of a checkpoint as a file that runs without this package, verified against the network."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from paddle_pose import build
from paddle_pose.backends.metadata import RUN_EXPORTS, metadata_path
from paddle_pose.backends.open import is_exported, open_exported
from paddle_pose.backends.paddle import PaddleBackend
from paddle_pose.codecs.base import Codec
from paddle_pose.configs import registry
from paddle_pose.configs.overrides import override
from paddle_pose.engine.calibration import calibration_inputs
from paddle_pose.engine.pose_model import PoseModel, check_open
from paddle_pose.environment import argument
from paddle_pose.errors import InputError
from paddle_pose.exporting.files import check_target, put_in_place
from paddle_pose.exporting.images import in_batches, read_inputs, synthetic_inputs
from paddle_pose.exporting.verify import Difference, check_difference, compare
from paddle_pose.exporting.write import write_export
from paddle_pose.io.weights_files import find_weights, run_of

_log = logging.getLogger("paddle_pose")

Format = Literal["onnx", "openvino", "paddle"]
SUFFIXES: dict[Format, str] = {"onnx": ".onnx", "openvino": ".xml", "paddle": ".json"}


@dataclass(frozen=True, eq=False)
class Export:
    """Paths of an exported file, and its difference from the network.

    Attributes:
        path: Path of the exported file.
        metadata_path: Path of the JSON file with its metadata, in the same folder.
        difference: Difference between the exported file and the network. Its attribute `maps` is
            the largest difference of the raw outputs as a fraction of their largest absolute value,
            NaN if the file decodes; `pixels` are the distances of the M compared keypoints, [M] in
            input px. `str(difference)` summarizes both in a line.
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
    int8: bool = False,
    calibration: str | Path | None = None,
    images: str | Path | None = None,
    tolerance: float | None = None,
) -> Export:
    """Writes a network as an ONNX, OpenVINO or Paddle file, and returns its paths and difference.

    The file is written under a temporary name, run on images, and compared with the network in
    Paddle; it gets its final name only if the difference is within the tolerance.

    Args:
        weights: Path of a checkpoint, of its folder or of a run's folder; or a model loaded from
            one.
        output_file: Path of the exported file; None writes it beside the checkpoint, or to the
            folder `exports` of the run for a checkpoint of a run.
        format: Format of the file; None derives it from the suffix of `output_file`, or takes
            "onnx".
        config: Name of the checkpoint's config; None reads the config beside it.
        image_size: Input size in px, 256 or 384, that selects the config of Hourglass-52 on MPII,
            as in txyugood's project; None selects none.
        overrides: New values of the config by dotted key.
        decode: Whether to include decoding in the graph, so that the file returns keypoints, for
            other programs. `load_model` refuses such a file, except for MultiPose; it needs the raw
            outputs.
        int8: Whether to quantize to INT8. The ranges of the activations are measured on at most 128
            windows of people in the training data of the checkpoint, framed as in evaluation.
        calibration: Folder of other data to measure them on, which implies `int8`: a data set in
            MPII's or COCO's layout, of which the training split is read; or images, in which the
            default detector finds the people (whole images for framing "image").
        images: Folder of images to compare on; None compares on synthetic people, with INT8 on the
            windows of the calibration.
        tolerance: Largest accepted distance in input px between the keypoints of the exported file
            and those of the network; with INT8 the limit of the median distance. None takes 0.5, or
            4 with INT8.

    Raises:
        FileNotFoundError: If a file is missing, or the detector has not been downloaded.
        MissingDependencyError: If the format needs a package that is not installed; the message
            states how to install it.
        InputError: If a file is invalid, the config of the checkpoint or, with INT8, its training
            data are unknown, a key or value of `overrides` is invalid, the suffix is not that of
            the format, the difference exceeds the tolerance, or the export would overwrite a file
            that this project did not write. No file gets its final name then.

    Example:
        `export_model("output/run/best_model/model.pdparams", "pose.onnx").difference`
    """
    model = weights if isinstance(weights, PoseModel) else None
    weights = weights.weights if isinstance(weights, PoseModel) else find_weights(weights)
    if model is not None:
        check_open(model)
    output_file = None if output_file is None else Path(output_file)
    if is_exported(weights):
        raise InputError(
            f"{weights}: is an exported file; export the checkpoint that it was made from"
        )
    if format is None:
        formats = {suffix: name for name, suffix in SUFFIXES.items()}
        format = formats.get(output_file.suffix, "onnx") if output_file is not None else "onnx"
    if format not in SUFFIXES:
        raise InputError(
            f"format {format!r}: expected one of {', '.join(SUFFIXES)}, "
            "or None for the format of the suffix"
        )
    int8 = int8 or calibration is not None
    if int8 and format == "paddle":
        raise InputError(
            "format 'paddle': INT8 needs the format onnx or openvino; choose one of them, or leave "
            f"out {argument('--int8', 'int8 and calibration')}"
        )
    target = export_path(weights, output_file, format, decode=decode, int8=int8)
    check_target(target)
    if model is None:
        config_of_weights = registry.config_of(weights, config, image_size, overrides)
    elif config is None and image_size is None:
        config_of_weights = override(model.config, overrides or {})
    else:
        raise InputError(
            f"config or image_size: {model!r} has its config already; leave them out, or load the "
            "weights again with them"
        )
    fitted, network = build.loaded(config_of_weights, weights, log=_log.info)
    fitted = replace(fitted, codec=fitted.codec.with_fixed_size())
    windows = None
    if int8:
        windows = calibration_inputs(
            fitted, weights, None if calibration is None else Path(calibration)
        )
    if images is not None:
        inputs = read_inputs(Path(images), fitted.codec)
    else:
        inputs = synthetic_inputs(fitted.codec) if windows is None else windows
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".exporting_", dir=target.parent) as folder:
        draft = Path(folder, target.name)
        metadata = write_export(fitted, network, weights, draft, decode=decode, calibration=windows)
        difference = compare(
            PaddleBackend(network),
            open_exported(draft, "cpu"),
            fitted.codec,
            in_batches(inputs),
            exact=not int8,
            decoded=metadata["outputs"][0] if decode else None,
            file_codec=_file_codec(draft, metadata) if decode else None,
        )
        _log.info("%s", difference)
        check_difference(difference, int8=int8, tolerance=tolerance)
        put_in_place(draft, target)
    _log.info("Written: %s, %s", target, metadata_path(target).name)
    return Export(target, metadata_path(target), difference)


def _file_codec(exported: Path, metadata: Mapping[str, Any]) -> Codec | None:
    """Returns the codec that an exported file states, if it decodes the file's only output.

    Args:
        exported: Path of the file.
        metadata: Export metadata of the file.
    """
    stated = registry.read_beside(exported)
    name = metadata["outputs"][0]["name"]
    return stated.codec if stated is not None and stated.codec.outputs == (name,) else None


def export_path(
    weights: Path, output_file: Path | None, format: Format, *, decode: bool, int8: bool
) -> Path:
    """Returns the path of an exported file.

    The default is beside the checkpoint, but a training replaces the folders of its checkpoints, so
    RUN/best_model/model.pdparams is exported as RUN/exports/best_model.onnx.

    Args:
        weights: Path of the checkpoint.
        output_file: Path that the caller gave; None takes the default.
        format: Format of the file.
        decode: Whether the file returns keypoints; adds "_decoded" to the default name.
        int8: Whether the file is quantized to INT8; adds "_int8" to the default name.

    Raises:
        InputError: If the suffix of `output_file` is not that of the format.
    """
    suffix = SUFFIXES[format]
    if output_file is None:
        folder, name = weights.parent if weights.parent.name else Path.cwd(), weights.stem
        run_dir = run_of(folder)
        if run_dir is not None:
            name = folder.name if name == "model" else f"{folder.name}_{name}"
            folder = run_dir / RUN_EXPORTS
        return folder / (name + "_decoded" * decode + "_int8" * int8 + suffix)
    if output_file.suffix != suffix:
        raise InputError(
            f"{output_file}: a file of the format {format} ends with {suffix}; "
            "change the suffix or the format"
        )
    return output_file
