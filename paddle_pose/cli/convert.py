"""`paddle-pose convert`: converts a weights file of another project to this project's names."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from paddle_pose.cli import options
from paddle_pose.environment import command

_DESCRIPTION = """\
Converts a weights file of another project (.pdparams, .pth, .safetensors,
.tflite or TensorFlow.js .json) to this project's tensor names, and writes
config.json beside it: then val and predict need no --config. The file is read
without executing code in it. It is an error if a tensor of the file or of the
network is not used exactly once."""
_EPILOG = """examples:
  {convert} pose_hrnet_w32_256x192.pth --config hrnet_w32_coco_256x192
      writes output/pose_hrnet_w32_256x192/model.pdparams
  {convert} lightning.tflite lightning.onnx --config movenet_lightning_coco
      writes Google's MoveNet as an ONNX file, without Paddle
  {convert} model.pdparams converted/model.safetensors --image_size 256 --force
      converts txyugood's Hourglass-52 and overwrites an existing file"""


def build_parser() -> options.Parser:
    """Returns the parser of the command `convert`."""
    parser = options.Parser(
        "convert",
        description=_DESCRIPTION,
        epilog=_EPILOG.format(convert=command("convert")),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", type=Path, metavar="IN", help="weights file to convert")
    parser.add_argument(
        "target",
        nargs="?",
        type=Path,
        metavar="OUT",
        help="file to write: .safetensors, .pdparams, or for Google's MoveNets .onnx, which needs "
        "no Paddle (default: output/NAME/model.pdparams with the name of IN)",
    )
    options.add_config(parser)
    parser.add_argument(
        "--force",
        action="store_true",
        help="overwrite an existing OUT and the config.json beside it (default: refuse)",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command `convert` and returns its exit status, 0.

    Args:
        argv: Arguments of the command; None takes those of this process.

    Raises:
        FileNotFoundError: If IN is missing.
        InputError: If the config of the network is unknown, IN does not fit it, or a file exists
            and --force is not given.
        MissingDependencyError: If Paddle is missing, or for an .onnx file the package onnx.
    """
    arguments = build_parser().parse_args(argv)
    from paddle_pose.engine.zoo import convert_file

    convert_file(
        arguments.source,
        arguments.target,
        config=arguments.config,
        image_size=arguments.image_size,
        overrides=options.overrides_of(arguments, {}),
        force=arguments.force,
    )
    return 0
