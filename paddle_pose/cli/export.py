"""`export`: writes a checkpoint as an ONNX, OpenVINO or Paddle file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from paddle_pose import environment
from paddle_pose.cli import options
from paddle_pose.errors import InputError

_DESCRIPTION = """Writes a network as an ONNX, OpenVINO or Paddle file for batches of any size, with its metadata:
input, outputs, codec, skeleton, preprocessing, source. Normalising is inside. The file is compared with the live
network before it gets its name. ONNX and OpenVINO need `pip install -r requirements/export.txt`."""


def build_parser() -> options.Parser:
    """Returns the parser of the command's flags."""
    parser = options.Parser("export", description=_DESCRIPTION)
    parser.add_argument(
        "--weights",
        "--pretrained_model",
        required=True,
        type=Path,
        metavar="F",
        help="checkpoint to export",
    )
    parser.add_argument(
        "--format",
        choices=("onnx", "openvino", "paddle"),
        default="onnx",
        help="format of the file; default onnx",
    )
    parser.add_argument(
        "--output_file",
        type=Path,
        metavar="P",
        help="path of the exported file; default: beside the checkpoint, of a run RUN/exports/best_model.onnx",
    )
    options.add_config(parser)
    parser.add_argument(
        "--decode", action="store_true", help="return keypoints: decoding is part of the graph"
    )
    parser.add_argument(
        "--int8", action="store_true", help="compute convolutions in 8 bits; needs --calibration"
    )
    parser.add_argument(
        "--calibration",
        type=Path,
        metavar="DIR",
        help="folder of images like those to come, one person each, for --int8",
    )
    parser.add_argument(
        "--images",
        type=Path,
        metavar="DIR",
        help="folder of images to compare on; default: synthetic people",
    )
    parser.add_argument(
        "--tolerance",
        type=options.number(float, min=0, max=4096),
        metavar="PX",
        help="how far a keypoint may move, in input px, before the export fails; with --int8 the median keypoint; "
        "default 0.5, with --int8 4.0",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Raises:
        FileNotFoundError: If a file is missing.
        MissingDependencyError: If the format needs a package that is not installed.
        InputError: If a file or a flag does not fit, or the exported network differs from the live one.
    """
    arguments = build_parser().parse_args(argv)
    if arguments.int8 and (arguments.calibration is None or arguments.format == "paddle"):
        raise InputError(
            "--int8 needs --calibration DIR with images, and --format onnx or openvino"
        )
    environment.require_paddle()
    from paddle_pose.engine.export import export_model

    export_model(
        arguments.weights,
        arguments.output_file,
        format=arguments.format,
        config=arguments.config,
        image_size=arguments.image_size,
        overrides=options.overrides(arguments),
        decode=arguments.decode,
        calibration=arguments.calibration if arguments.int8 else None,
        images=arguments.images,
        tolerance=arguments.tolerance,
    )
    return 0
