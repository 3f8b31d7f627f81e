"""Published weights: fetching and describing them, and writing any weights file under this project's names."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path

from paddle_pose import build
from paddle_pose.configs import registry
from paddle_pose.configs.specs import Config
from paddle_pose.environment import command, require_paddle
from paddle_pose.errors import InputError, did_you_mean
from paddle_pose.io import atomic
from paddle_pose.io.download import Progress, download
from paddle_pose.io.locks import locked
from paddle_pose.weights.write import write_weights
from paddle_pose.weights.zoo import PUBLISHED as PUBLISHED
from paddle_pose.weights.zoo import PublishedFile

_log = logging.getLogger("paddle_pose")


def find_published(name: str) -> PublishedFile:
    """Returns the published file of a name.

    Raises:
        InputError: If there is none; the message lists the names.
    """
    if name not in PUBLISHED:
        raise InputError(
            f"no published file {name!r}.{did_you_mean(name, PUBLISHED)} There are:\n  " + "\n  ".join(PUBLISHED)
        )
    return PUBLISHED[name]


def is_published(source: str) -> bool:
    """Returns whether weights are named by the name of a published file; a file of that name comes first."""
    return source in PUBLISHED and not Path(source).exists()


def fetch(name: str, folder: Path, from_file: Path | None = None, progress: Progress | None = None) -> Path:
    """Returns a published file as its publisher offers it; fetched and verified the first time.

    Args:
        name: Name of the published file.
        folder: Folder for it.
        from_file: Copy of the file; then nothing is downloaded.
        progress: Receives the progress of the download; None for silence.

    Raises:
        FileNotFoundError: If the copy is not there.
        InputError: If no file has that name, or its checksum does not match.
        ConnectionError: If the server cannot be reached; says where to put the file.
    """
    return download(find_published(name), folder, from_file=from_file, progress=progress)


def converted(name: str, folder: Path, from_file: Path | None = None, progress: Progress | None = None) -> Path:
    """Returns a published file under our names, with its config beside it; fetched and converted the first time.

    Args:
        name: Name of the published file.
        folder: Folder for the file as published, and for a folder with the converted one.
        from_file: Copy of the published file; then nothing is downloaded.
        progress: Receives the progress of the download; None for silence.

    Raises:
        FileNotFoundError: If the copy is not there.
        InputError: If no file has that name, or its checksum does not match.
        ConnectionError: If the server cannot be reached; says where to put the file.
        MissingDependencyError: If the file has to be converted and Paddle is missing.
    """
    target = folder / name / "model.safetensors"
    path = fetch(name, folder, from_file, progress)
    if not _is_converted(target):
        with locked(path, what=name, wait=True):
            if not _is_converted(target):  # another process may have converted it
                convert(registry.find(find_published(name).config), path, target, force=True)
    return target


def _is_converted(target: Path) -> bool:
    """Returns whether a converted file is there; its config is written last."""
    return target.is_file() and target.with_name(registry.FILE_NAME).is_file()


def locate(
    source: str,
    folder: Path,
    from_file: Path | None = None,
    progress: Progress | None = None,
    what: str = "weights",
) -> Path:
    """Returns the weights file that is named by its path or by the name of a published file, see `converted`.

    Args:
        source: Path of a file, or name of a published one.
        folder: Folder of published files.
        from_file: Copy of the published file; then nothing is downloaded.
        progress: Receives the progress of the download; None for silence.
        what: What it is for, for messages.

    Raises:
        FileNotFoundError: If there is no such file, and no published one has this name.
        InputError: If a checksum does not match.
        ConnectionError: If the server cannot be reached; says where to put the file.
        MissingDependencyError: If the file has to be converted and Paddle is missing.
    """
    if is_published(source):
        return converted(source, folder, from_file, progress)
    path = Path(source)
    if not path.is_file():
        raise FileNotFoundError(
            f"{what} {source}: no such file, and no published one has this name."
            f"{did_you_mean(source, PUBLISHED)} {command('download')} lists them"
        )
    return path


def convert(config: Config, source: Path, target: Path, force: bool = False) -> None:
    """Writes a weights file under our names, with its config beside it, and logs what was done.

    Args:
        config: Config of the network.
        source: Anybody's weights file.
        target: A .safetensors or .pdparams file.
        force: Whether files that are there are overwritten.

    Raises:
        FileNotFoundError: If the file is not there.
        InputError: If the file does not fit the config, or something would be overwritten.
        MissingDependencyError: If Paddle is missing.
    """
    require_paddle()
    config, network = build.loaded(config, source, say=_log.info)
    tensors = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    beside = target.parent / registry.FILE_NAME
    text = registry.to_json(config)
    taken = [target] if os.path.lexists(target) else []
    if beside.exists() and beside.read_text(encoding="utf-8") != text:
        taken.append(beside)
    if taken and not force:
        raise InputError(f"{' and '.join(map(str, taken))}: already there; choose another folder, or add --force")
    write_weights(target, tensors)
    atomic.write_text(beside, text)
    millions = sum(parameter.size for parameter in network.parameters() if parameter.trainable) / 1e6
    _log.info(f"Written: {target}, {len(tensors)} tensors, {millions:.2f} M parameters; {beside}, config {config.name}")


def convert_file(
    source: Path,
    target: Path | None = None,
    *,
    config: str | None = None,
    image_size: int | None = None,
    overrides: Mapping[str, object] | None = None,
    force: bool = False,
) -> Path:
    """Writes anybody's weights file under our names, with its config beside it, and logs what was done.

    Args:
        source: Anybody's weights file.
        target: A .safetensors or .pdparams file; None for output/NAME/model.pdparams with the name of the source.
        config: Name of its config, where none is beside it.
        image_size: Input size of Hourglass-52 on MPII, as in txyugood's project; None for none.
        overrides: Values by dotted key that replace the config's.
        force: Whether files that are there are overwritten.

    Returns:
        Path of the written file.

    Raises:
        FileNotFoundError: If the source is not there.
        InputError: If nothing says which network it is for, it does not fit that, or something would be overwritten.
        MissingDependencyError: If Paddle is missing.
    """
    target = target or Path("output", source.stem, "model.pdparams")
    convert(registry.config_of(source, config, image_size, overrides), source, target, force)
    return target


def usage(file: PublishedFile, path: Path) -> str:
    """Returns the command that a published file is for.

    Args:
        file: The published file.
        path: Path of the file on this machine.
    """
    if file.purpose == "start":
        return f"Start from it:\n  {command('train')} --config {file.config} --init {path} --dataset_root D"
    return f"Score it:\n  {command('val')} --weights {path} --config {file.config} --dataset_root D"


def published_numbers(file: PublishedFile) -> str:
    """Returns a published file's numbers as text."""
    return ", ".join(f"{metric} {value}" for metric, value in file.published) or "no numbers"


def description(file: PublishedFile) -> str:
    """Returns several lines about a published file: config, URL, checksum, channels, numbers and their protocol."""
    return "\n  ".join(
        [
            file.name,
            f"config: {file.config}",
            f"URL: {file.url}" + (f" (a page: fetch {file.on_page} by hand)" if file.on_page else ""),
            f"SHA-256 begins with: {file.sha256 or 'not published'}",
            f"channels: {file.order.upper()}",
            f"published: {published_numbers(file)}",
            f"protocol: {file.protocol}",
            f"source: {file.source}",
        ]
    )
