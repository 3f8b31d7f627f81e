"""`paddle-pose export`, `python export.py`: exports a checkpoint to ONNX, OpenVINO or Paddle."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from paddle_pose import environment
from paddle_pose.cli import options
from paddle_pose.errors import InputError

_DESCRIPTION = """\
Exports a network as an ONNX, OpenVINO or Paddle file that takes uint8 images
in batches of any size; normalization is part of the graph. Metadata describes
the input, outputs, codec, skeleton and preprocessing. The outputs of the file
are compared with those of the network, and the file is kept only if they
agree. ONNX and OpenVINO need `pip install -r requirements/export.txt`."""
_EPILOG = """examples:
  {export} --weights output/run/best_model/model.pdparams
      writes output/run/exports/best_model.onnx, for val, predict and other programs
  {export} --weights output/run --output_file pose.onnx --decode
      includes decoding, so that the file returns keypoints instead of heatmaps
  {export} --weights output/run --format openvino --int8
      writes an OpenVINO file in INT8, calibrated on 128 people of the run's training data
  {export} --weights movenet-thunder.json --config movenet_thunder_coco -o data.framing=person \
    -o data.context=1.25 -o codec.max_persons=1 --int8 --calibration photos
      the same for published weights, calibrated on the people found in the folder photos"""


def build_parser() -> options.Parser:
    """Returns the parser of the command `export`."""
    parser = options.Parser(
        "export",
        description=_DESCRIPTION,
        epilog=_EPILOG.format(export=environment.command("export")),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--weights",
        "--pretrained_model",
        required=True,
        type=Path,
        metavar="F",
        help="checkpoint to export: a weights file, its folder, or the folder of a run, whose best "
        "weights are taken",
    )
    parser.add_argument(
        "--format",
        choices=("onnx", "openvino", "paddle"),
        default="onnx",
        help="format of the exported file (default: %(default)s)",
    )
    parser.add_argument(
        "--output_file",
        type=Path,
        metavar="P",
        help="path of the exported file (default: beside the checkpoint, or for a checkpoint of a "
        "run RUN/exports/best_model.onnx)",
    )
    options.add_config(parser)
    parser.add_argument(
        "--decode",
        action="store_true",
        help="include decoding in the graph: the file returns keypoints; predict and val need "
        "files without it, except for MultiPose (default: the file returns the network's raw "
        "outputs)",
    )
    parser.add_argument(
        "--int8",
        action="store_true",
        help="quantize convolutions to INT8, calibrated on up to 128 people of the data that the "
        "checkpoint was trained on (default: floating point)",
    )
    parser.add_argument(
        "--calibration",
        type=Path,
        metavar="D",
        help="with --int8: calibrate on other data: the folder of a data set in MPII's or COCO's "
        "layout, of which the training split is read, or of images, in which the default detector "
        "finds the people (whole images where the config's framing is image)",
    )
    parser.add_argument(
        "--images",
        type=Path,
        metavar="DIR",
        help="folder of images on which the file is compared with the network (default: synthetic "
        "people, with --int8 those of the calibration)",
    )
    parser.add_argument(
        "--tolerance",
        type=options.number(float, min=0, max=4096),
        metavar="PX",
        help="largest distance in input px between the keypoints of the file and of the network; "
        "with --int8 the limit of the median distance. The export fails above it (default: 0.5, "
        "with --int8 4.0)",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command `export` and returns its exit status, 0.

    Args:
        argv: Arguments of the command; None takes those of this process.

    Raises:
        FileNotFoundError: If a file is missing.
        MissingDependencyError: If the format needs a package that is not installed.
        InputError: If a file or a flag is invalid, or the outputs of the exported file differ from
            those of the network.
    """
    arguments = build_parser().parse_args(argv)
    if arguments.calibration is not None and not arguments.int8:
        raise InputError(
            f"--calibration {arguments.calibration}: is for --int8; add it, or leave this out"
        )
    if arguments.int8 and arguments.format == "paddle":
        raise InputError("--int8 needs --format onnx or openvino, got paddle")
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
        int8=arguments.int8,
        calibration=arguments.calibration,
        images=arguments.images,
        tolerance=arguments.tolerance,
    )
    return 0
