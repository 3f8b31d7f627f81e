"""`paddle-pose download`: downloads a published weights file and verifies it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from paddle_pose.cli.options import Parser
from paddle_pose.environment import command
from paddle_pose.errors import InputError

_MEGABYTE = 1e6
_DESCRIPTION = """\
Downloads a published weights file and verifies its checksum. An interrupted
download is continued. Without NAME it prints what is known of all files;
`{zoo}` prints a table."""
_EPILOG = """examples:
  {download} movenet_thunder
      downloads Google's MoveNet Thunder to the user's cache folder
  {download} nanodet_m --cache weights
      downloads the person detector NanoDet-m to the folder weights
  {download} nanodet_m --from_file ~/Downloads/nanodet_m_416.onnx
      verifies a file that was downloaded by other means, and copies it to the cache"""


def add_folder(parser: argparse.ArgumentParser) -> None:
    """Adds --cache DIR to a parser.

    `args.cache` is the folder to store published files in, a `Path`, or None for the default.
    """
    parser.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        help="folder to store published files in (default: the folder in the environment variable "
        "PADDLE_POSE_HOME, else the user's cache folder; files that are in output/published "
        "already are used from there)",
    )


def build_parser() -> Parser:
    """Returns the parser of the command `download`."""
    parser = Parser(
        "download",
        description=_DESCRIPTION.format(zoo=command("zoo")),
        epilog=_EPILOG.format(download=command("download")),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "name", nargs="?", metavar="NAME", help="name of the published file (default: list all)"
    )
    add_folder(parser)
    parser.add_argument(
        "--from_file",
        type=Path,
        nargs="+",
        metavar="F",
        help="local copies of the files, or a folder or archive that contains them; they are "
        "verified and copied, and nothing is downloaded",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command `download` and returns its exit status, 0.

    Args:
        argv: Arguments of the command; None takes those of this process.

    Raises:
        FileNotFoundError: If a local copy is missing.
        InputError: If no published file has that name, or a checksum does not match.
        ConnectionError: If no server can be reached; the message states where to put the file.
    """
    arguments = build_parser().parse_args(argv)
    from paddle_pose.engine import zoo

    if arguments.name is None:
        if arguments.from_file is not None:
            raise InputError("--from_file: needs the NAME of the published file; add it")
        print("\n\n".join(map(zoo.description, zoo.PUBLISHED.values())))
        return 0
    file = zoo.find_published(arguments.name)
    path = zoo.fetch(
        file.name, arguments.cache, from_file=arguments.from_file, progress=show_download
    )
    checksum = (
        f"SHA-256 verified, it begins with {file.sha256}"
        if file.sha256
        else "not verified, no checksum is published"
    )
    print(f"{path}: {checksum}")
    print(zoo.usage(file, path))
    print(f"published: {zoo.published_numbers(file)}\n  {file.protocol}")
    return 0


def show_download(done: int, total: int | None, speed: float) -> None:
    """Shows the progress of a download in one line on stderr: size, speed and remaining time.

    Args:
        done: Number of downloaded bytes.
        total: Size of the file in bytes; None if the server does not state it.
        speed: Download speed in bytes per second.
    """
    text = f"{done / _MEGABYTE:.1f}"
    if total is None:
        text += f" MB, {speed / _MEGABYTE:.1f} MB/s"
    else:
        left = int((total - done) / speed) if speed > 0 else 0
        eta = f"ETA {left // 3600:02}:{left // 60 % 60:02}:{left % 60:02}"
        text += f"/{total / _MEGABYTE:.1f} MB, {speed / _MEGABYTE:.1f} MB/s, {eta}"
    sys.stderr.write(f"\r{text:<60}" + ("\n" if done == total else ""))
    sys.stderr.flush()
