"""`convert`: any weights file, once and for all under this project's names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from paddle_pose.cli import options
from paddle_pose.environment import command


def build_parser() -> options.Parser:
    """Returns the command's parser."""
    parser = options.Parser(
        "convert",
        description="Reads anybody's weights file (.pdparams, .pth, .safetensors, .tflite, TFJS's .json) without executing "
        "it, makes sure that every tensor of it and of the network is used once, and writes it with config.json beside it: "
        f"then `{command('val')}` and `{command('predict')}` need no flag that says which network it is.",
    )
    parser.add_argument("source", type=Path, metavar="IN", help="the published file")
    parser.add_argument(
        "target",
        nargs="?",
        type=Path,
        metavar="OUT",
        help="a .safetensors or .pdparams file, or an .onnx file of Google's MoveNet (needs no Paddle); default "
        "output/NAME/model.pdparams with the name of IN",
    )
    options.add_config(parser)
    parser.add_argument(
        "--force", action="store_true", help="overwrite OUT and the config.json beside it"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Raises:
        FileNotFoundError: If IN is not there.
        InputError: If nothing says which network IN is for, it does not fit that, or something would be overwritten.
        MissingDependencyError: If Paddle is missing, or onnx for an .onnx file.
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
