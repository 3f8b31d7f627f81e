"""`download`: a file that others published, fetched and verified."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from paddle_pose.cli.options import Parser
from paddle_pose.environment import command
from paddle_pose.errors import InputError

_MEGABYTE = 1e6


def add_folder(parser: argparse.ArgumentParser) -> None:
    """Adds --cache."""
    parser.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        help="folder of published files; default: the one that PADDLE_POSE_HOME names, or the user's cache folder; what lies "
        "in output/published already is taken from there",
    )


def build_parser() -> Parser:
    """Returns the command's parser."""
    parser = Parser(
        "download",
        description="Fetches a published weights file; an interrupted download is continued and the checksum "
        f"verified. Without NAME it lists the files; `{command('zoo')}` shows them as a table.",
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="which file")
    add_folder(parser)
    parser.add_argument(
        "--from_file",
        type=Path,
        nargs="+",
        metavar="F",
        help="copies fetched by other means, a folder with them, or the archive that holds them: verified and copied, nothing "
        "is downloaded",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Raises:
        FileNotFoundError: If the copy is not there.
        InputError: If no file has that name, or a checksum does not match.
        ConnectionError: If the server cannot be reached; says where to put the file.
    """
    arguments = build_parser().parse_args(argv)
    from paddle_pose.engine import zoo

    if arguments.name is None:
        if arguments.from_file is not None:
            raise InputError("--from_file needs the NAME of the file it is a copy of")
        print("\n\n".join(map(zoo.description, zoo.PUBLISHED.values())))
        return 0
    file = zoo.find_published(arguments.name)
    path = zoo.fetch(
        file.name, arguments.cache, from_file=arguments.from_file, progress=show_download
    )
    checksum = (
        f"SHA-256 begins with {file.sha256}, as it should"
        if file.sha256
        else "no checksum is published"
    )
    print(f"{path}: {checksum}")
    print(zoo.usage(file, path))
    print(f"published: {zoo.published_numbers(file)}\n  {file.protocol}")
    return 0


def show_download(done: int, total: int | None, speed: float) -> None:
    """Rewrites one line of the standard error stream: size, speed and the time left.

    Args:
        done: Bytes so far.
        total: Bytes in all; None where the server does not say.
        speed: Bytes per second.
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
