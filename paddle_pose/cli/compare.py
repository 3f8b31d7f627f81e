"""`paddle-pose compare`: scores every way of decoding the heatmaps of a network in one pass."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from paddle_pose import environment
from paddle_pose.cli import options
from paddle_pose.progress import show_progress

_DESCRIPTION = """\
Scores a network with every method of decoding its heatmaps, with and without
the flip test and its shift, on the validation split, and prints the scores as
a table. The network runs once per image and once per mirrored image, not once
per method."""
_EPILOG = """examples:
  {compare} --weights output/run/best_model/model.pdparams
      compares the decoding methods for the best weights of a run, on its data
  {compare} --weights model.pth --config hrnet_w32_coco_256x192 --dataset_root data/coco
      does so for weights of another project, whose config must be named"""


def build_parser() -> options.Parser:
    """Returns the parser of the command `compare`."""
    parser = options.Parser(
        "compare",
        description=_DESCRIPTION,
        epilog=_EPILOG.format(compare=environment.command("compare")),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--weights",
        "--pretrained_model",
        required=True,
        type=Path,
        metavar="FILE",
        help="weights file to evaluate, of a network that predicts heatmaps",
    )
    options.add_data(
        parser,
        "folder of the data set: images and annotations (default: the annotation files that the "
        "config names, or the data that the run of the weights was trained on)",
    )
    options.add_config(parser)
    parser.add_argument(
        "--batch_size", type=int, metavar="N", help="images per batch (default: the config's)"
    )
    options.add_device(parser)
    options.add_threads(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command `compare` and returns its exit status, 0.

    Args:
        argv: Arguments of the command; None takes those of this process.

    Raises:
        FileNotFoundError: If a file is missing.
        InputError: If a file or a flag is invalid.
    """
    arguments = build_parser().parse_args(argv)
    from paddle_pose.evaluation.compare_decoding import compare_decoding

    compare_decoding(
        arguments.weights,
        arguments.dataset_root,
        config=arguments.config,
        image_size=arguments.image_size,
        overrides=options.overrides_of(arguments, {"val.batch_size": "batch_size"}),
        device=arguments.device,
        threads=arguments.threads,
        progress=show_progress,
    )
    return 0
