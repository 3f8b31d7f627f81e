"""`compare`: scores every way of decoding one network's heatmaps, in one pass over the network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from paddle_pose.cli import options
from paddle_pose.progress import show_progress


def build_parser() -> options.Parser:
    """Returns the command's parser."""
    parser = options.Parser(
        "compare",
        description="Prints the scores of a weights file for every decoding, with and without the "
        "flip test and its shift. The network runs on each image once, and once on its mirror image.",
    )
    parser.add_argument(
        "--weights",
        "--pretrained_model",
        required=True,
        type=Path,
        metavar="FILE",
        help="to evaluate",
    )
    options.add_data(
        parser,
        "folder in the layout that the config says; not needed where it names annotation files",
    )
    options.add_config(parser)
    parser.add_argument(
        "--batch_size", type=int, metavar="N", help="images at once (default: as the config says)"
    )
    options.add_device(parser)
    options.add_threads(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Raises:
        FileNotFoundError: If a file is missing.
        InputError: If a file or a flag does not fit.
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
