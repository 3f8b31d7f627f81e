"""`python scripts/download_weights.py`: fetches a file that others published, and verifies it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from paddle_pose.errors import InputError

if TYPE_CHECKING:
    from paddle_pose.weights.zoo import PublishedFile

FOLDER = Path("output/published")


def build_parser() -> argparse.ArgumentParser:
    """Returns the command's flags."""
    parser = argparse.ArgumentParser(
        description="Fetches a published weights file; an interrupted download is continued and the checksum "
        "verified. Without NAME it lists the files.",
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="which file")
    parser.add_argument(
        "--output",
        type=Path,
        default=FOLDER,
        metavar="DIR",
        help=f"folder for it; default {FOLDER}",
    )
    parser.add_argument(
        "--from_file",
        type=Path,
        metavar="F",
        help="a copy fetched by other means: verified and copied, nothing is downloaded",
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
    from paddle_pose.io.download import download
    from paddle_pose.weights.zoo import PUBLISHED

    if arguments.name is None:
        if arguments.from_file is not None:
            raise InputError("--from_file needs the NAME of the file it is a copy of")
        print("\n\n".join(map(described, PUBLISHED.values())))
        return 0
    if arguments.name not in PUBLISHED:
        raise InputError(f"no published file {arguments.name!r}; there are:\n  " + "\n  ".join(PUBLISHED))
    file = PUBLISHED[arguments.name]
    path = download(file, arguments.output, from_file=arguments.from_file)
    print(
        f"{path}: "
        + (f"SHA-256 begins with {file.sha256}, as published" if file.sha256 else "no checksum is published")
    )
    print(how_to_use(file, path))
    print(f"published: {numbers(file)}\n  {file.protocol}")
    return 0


def converted(name: str, folder: Path, from_file: Path | None = None) -> Path:
    """Returns a published file under our names, with its config beside it: fetched, verified and converted the first time.

    Args:
        name: in the table of published files.
        folder: for the file as published, and one below it for the converted file.
        from_file: a copy of the published file; then nothing is downloaded.

    Raises:
        FileNotFoundError: If the copy is not there.
        InputError: If the checksum does not match.
        ConnectionError: If the server cannot be reached; says where to put the file.
    """
    from paddle_pose.commands.convert_weights import convert
    from paddle_pose.configs import registry
    from paddle_pose.environment import check_paddle
    from paddle_pose.io.download import download
    from paddle_pose.weights.zoo import PUBLISHED

    file, target = PUBLISHED[name], folder / name / "model.safetensors"
    path = download(file, folder, from_file=from_file)
    if not (target.is_file() and target.with_name(registry.FILE_NAME).is_file()):
        check_paddle()
        convert(registry.find(file.config), path, target, force=True)
    return target


def how_to_use(file: PublishedFile, path: Path) -> str:
    """Returns the command that a file is for."""
    if file.purpose == "start":
        return f"Start from it:\n  python train.py --config {file.config} --init {path} --dataset_root D"
    return f"Score it:\n  python val.py --pretrained_model {path} --config {file.config} --dataset_root D"


def numbers(file: PublishedFile) -> str:
    """Returns a file's published numbers as text."""
    return ", ".join(f"{metric} {value}" for metric, value in file.published) or "no numbers"


def described(file: PublishedFile) -> str:
    """Returns what the list says of a file."""
    return "\n  ".join(
        [
            file.name,
            f"config: {file.config}",
            f"URL: {file.url}" + (f" (a page: fetch {file.on_page} by hand)" if file.on_page else ""),
            f"SHA-256 begins with: {file.sha256 or 'not published'}",
            f"channels: {file.order.upper()}",
            f"published: {numbers(file)}",
            f"protocol: {file.protocol}",
            f"source: {file.source}",
        ]
    )
