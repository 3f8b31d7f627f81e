"""`paddle-pose COMMAND ...`: the scripts of the project where only the package is installed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from paddle_pose import __version__
from paddle_pose.environment import run

COMMANDS = {  # what is typed: the module, what it does
    "train": ("train", "train a network, or resume a run"),
    "val": ("val", "score a checkpoint or an exported file on a data set"),
    "predict": ("predict", "find poses in images"),
    "export": ("export", "write a checkpoint as ONNX, OpenVINO or Paddle files, and compare"),
    "convert": ("convert_weights", "write anybody's weights file under this project's names"),
    "download": ("download_weights", "fetch a published weights file and verify it"),
    "check": ("check_dataset", "examine a data set before a long training"),
    "prepare_mpii": ("prepare_mpii", "unpack MPII's archives into a data set"),
    "prepare_coco": ("prepare_coco", "crop COCO's single people as MoveNet's original project does"),
    "compare": ("compare_decoding", "score every way of reading heatmaps in one pass"),
    "score": ("score_predictions", "score anybody's prediction file"),
    "report": ("report", "write a page about predictions or a run"),
    "serve_demo": ("serve_demo", "serve a page that runs MoveNet in the browser"),
    "demo": ("demo", "train on synthetic people for some minutes and show the result"),
}


def build_parser() -> argparse.ArgumentParser:
    """Returns the command's flags."""
    parser = argparse.ArgumentParser(
        prog="paddle-pose",
        usage="paddle-pose COMMAND ...",
        description="Human pose estimation with PaddlePaddle. `paddle-pose COMMAND --help` explains a command.",
        epilog="\n".join(["commands:", *(f"  {name:<14}{text}" for name, (_, text) in COMMANDS.items())]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"paddle_pose {__version__}")
    parser.add_argument("command", choices=tuple(COMMANDS), metavar="COMMAND", help="see below")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...", help="of the command")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Runs a command; exits with its status as `environment.run` says."""
    arguments = build_parser().parse_args(argv)
    sys.argv = [f"paddle-pose {arguments.command}", *arguments.arguments]
    run(COMMANDS[arguments.command][0])


if __name__ == "__main__":
    main()
