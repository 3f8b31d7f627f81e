"""Published weights: fetching and describing them, and writing any weights file under this project's names."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

from paddle_pose import build
from paddle_pose.backends.metadata import metadata_path
from paddle_pose.configs import registry
from paddle_pose.configs.specs import Config
from paddle_pose.environment import argument, command, require_paddle
from paddle_pose.errors import InputError, did_you_mean
from paddle_pose.exporting.files import check_target, put_in_place
from paddle_pose.exporting.movenet_onnx import write_movenet
from paddle_pose.exporting.tfjs_onnx import write_graph
from paddle_pose.io import atomic
from paddle_pose.io.archives import extract, is_archive
from paddle_pose.io.cache import cache_for
from paddle_pose.io.checksum import sha256_of
from paddle_pose.io.download import Progress, RemoteFile
from paddle_pose.io.download_files import MAX_ARCHIVE_BYTES, download_files, may_be_in
from paddle_pose.io.locks import locked
from paddle_pose.io.weights_files import find_weights
from paddle_pose.weights.write import write_weights
from paddle_pose.weights.zoo import PUBLISHED as PUBLISHED
from paddle_pose.weights.zoo import PublishedFile, recognise

_IN_ARCHIVE = "end2end.onnx"  # mmdeploy's name of an exported network
_log = logging.getLogger("paddle_pose")

Copies = Path | Sequence[Path] | None
"""Files that take the place of a download: files, folders or archives."""


def find_published(name: str) -> PublishedFile:
    """Returns the published file of a name.

    Raises:
        InputError: If there is none; the message lists the names.
    """
    if name not in PUBLISHED:
        raise InputError(
            f"no published file {name!r}.{did_you_mean(name, PUBLISHED)} There are:\n  "
            + "\n  ".join(PUBLISHED)
        )
    return PUBLISHED[name]


def is_published(source: str) -> bool:
    """Returns whether weights are named by the name of a published file; a file of that name comes first."""
    return source in PUBLISHED and not Path(source).exists()


def fetch(
    name: str,
    folder: Path | None = None,
    from_file: Copies = None,
    progress: Progress | None = None,
) -> Path:
    """Returns a published file as its publisher offers it; fetched and verified the first time, with all that belongs to it.

    Args:
        name: Name of the published file.
        folder: Folder for it; None for the cache, see `io.cache`.
        from_file: Copies of its files, a folder with them, or the archive that holds them; then nothing is downloaded.
        progress: Receives the progress of the download; None for silence.

    Raises:
        FileNotFoundError: If a copy is not there.
        InputError: If no file has that name, or its checksum does not match.
        ConnectionError: If no server can be reached; says where to put the file.
    """
    file = find_published(name)
    copies = (from_file,) if isinstance(from_file, Path) else tuple(from_file or ())
    return download_files(
        file.files, _folder(file, folder), archive=file.archive, copies=copies, progress=progress
    )[0]


def _folder(file: PublishedFile, folder: Path | None) -> Path:
    return cache_for([each.file_name for each in file.files], folder)


def converted(
    name: str,
    folder: Path | None = None,
    from_file: Copies = None,
    progress: Progress | None = None,
) -> Path:
    """Returns a published file under our names, with its config beside it; fetched and converted the first time.

    Args:
        name: Name of the published file.
        folder: Folder for the file as published, and for a folder with the converted one; None for the cache.
        from_file: Copies of the published files, see `fetch`; then nothing is downloaded.
        progress: Receives the progress of the download; None for silence.

    Raises:
        FileNotFoundError: If a copy is not there.
        InputError: If no file has that name, its checksum does not match, or it is a person detector.
        ConnectionError: If no server can be reached; says where to put the file.
        MissingDependencyError: If the file has to be converted and Paddle is missing.
    """
    file = find_published(name)
    if file.purpose == "detect":
        raise InputError(
            f"{name}: finds people, not poses; name it with {argument('--detector')}, and a pose network with "
            + argument("--weights", "load_model")
        )
    if not file.config:
        return converted_onnx(name, folder, from_file, progress)
    path = fetch(name, folder, from_file, progress)
    return _made_once(
        path,
        path.parent / name / "model.safetensors",
        name,
        lambda target: convert(registry.find(file.config), path, target, force=True),
        last=registry.FILE_NAME,
    )


def is_runnable_without_paddle(file: PublishedFile) -> bool:
    """Returns whether `converted_onnx` has an ONNX file of a published one: MoveNets, RTMPose and person detectors."""
    return not file.config or file.config.startswith("movenet_")


def converted_onnx(
    name: str,
    folder: Path | None = None,
    from_file: Copies = None,
    progress: Progress | None = None,
) -> Path:
    """Returns a published MoveNet or person detector as an ONNX file; fetched and converted the first time, without Paddle.

    A MoveNet's file is like an exported one, with its metadata beside it; a detector's keeps its own inputs and outputs.

    Args:
        name: Name of the published file.
        folder: Folder for the file as published, and for a folder with the converted one; None for the cache.
        from_file: Copies of the published files, see `fetch`; then nothing is downloaded.
        progress: Receives the progress of the download; None for silence.

    Raises:
        FileNotFoundError: If a copy is not there.
        InputError: If no file has that name, its checksum does not match, or it is another network.
        ConnectionError: If no server can be reached; says where to put the file.
        MissingDependencyError: If the file has to be converted and onnx is missing.
    """
    file = find_published(name)
    if not is_runnable_without_paddle(file):
        raise InputError(
            f"{name}: only Google's MoveNets and person detectors are written as ONNX files without Paddle"
        )
    path = fetch(name, folder, from_file, progress)
    if path.suffix == ".onnx":
        return path
    if path.suffix == ".zip":
        return _made_once(
            path, path.parent / name / _IN_ARCHIVE, name, lambda target: _unpack(path, target)
        )
    if file.purpose == "detect":
        return _made_once(
            path, path.parent / name / "model.onnx", name, lambda target: _translate(path, target)
        )
    return _made_once(
        path,
        path.parent / name / "model.onnx",
        name,
        lambda target: convert(registry.find(file.config), path, target, force=True),
    )


def _made_once(
    path: Path, target: Path, name: str, make: Callable[[Path], None], last: str | None = None
) -> Path:
    """Returns a converted file, which is made where it is missing; other processes wait for it.

    Args:
        path: Published file.
        target: Converted file.
        name: Name of the published file, for messages.
        make: Writes the converted file.
        last: Name of the file beside it that is written last; None where that is the file itself.
    """

    def is_there() -> bool:
        return target.is_file() and target.with_name(last or target.name).is_file()

    if not is_there():
        with locked(path, what=name, wait=True):
            if not is_there():  # another process may have converted it
                make(target)
    return target


def _unpack(path: Path, target: Path) -> None:
    """Takes the ONNX file out of an archive of mmdeploy, which has it in a folder.

    Raises:
        InputError: If the archive holds no such file, or is damaged or hostile.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".unpacking_", dir=target.parent) as folder:

        def place(member: str) -> str | None:
            return _IN_ARCHIVE if PurePosixPath(member).name == _IN_ARCHIVE else None

        draft = Path(folder, _IN_ARCHIVE)
        try:
            extract(path, Path(folder), place=place, max_bytes=MAX_ARCHIVE_BYTES)
            if not draft.is_file():
                raise InputError(f"{path}: holds no {_IN_ARCHIVE}")
        except InputError as problem:
            raise InputError(
                f"{problem}; delete it, or move it away, and take another copy. An ONNX file by itself is named with "
                + argument("--weights", "its path")
            ) from problem
        os.replace(draft, target)
    _log.info(f"Written: {target}")


def _translate(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with atomic.replacing(target) as draft:
        write_graph(path, draft)
    _log.info(f"Written: {target}")


def locate(
    source: str,
    folder: Path | None = None,
    from_file: Copies = None,
    progress: Progress | None = None,
    what: str = "weights",
    engine: str = "auto",
) -> Path:
    """Returns the weights file that is named by its path or by the name of a published file.

    Published files are those of `converted`; of person detectors, and of MoveNets where ONNX Runtime runs them, those of
    `converted_onnx`.

    Args:
        source: Path of a file or of a folder with one, see `find_weights`; or name of a published file.
        folder: Folder of published files; None for the cache.
        from_file: Copies of the published files, see `fetch`; then nothing is downloaded.
        progress: Receives the progress of the download; None for silence.
        what: What it is for: "weights", or "detector".
        engine: What will run it: "auto" prefers ONNX Runtime, where that and onnx are installed.

    Raises:
        FileNotFoundError: If there is no such file, and no published one has this name.
        InputError: If a checksum does not match, or a person detector is named where a pose network is expected.
        ConnectionError: If no server can be reached; says where to put the file.
        MissingDependencyError: If the file has to be converted and a package is missing.
    """
    if is_published(source):
        file = find_published(source)
        finds_people = file.purpose == "detect" and what != "weights"
        on_onnx = engine == "onnx" or (engine == "auto" and _has_onnx_runtime())
        poses = file.purpose != "detect" and is_runnable_without_paddle(file)
        if finds_people or (poses and (on_onnx or not file.config)):
            return converted_onnx(source, folder, from_file, progress)
        return converted(source, folder, from_file, progress)
    path = find_weights(source)
    if not path.is_file():
        raise FileNotFoundError(
            f"{what} {source}: no such file, and no published one has this name.{did_you_mean(source, PUBLISHED)} "
            + argument(f"{command('zoo')} lists them", f"There are: {', '.join(PUBLISHED)}")
        )
    return path


def copies_of(name: str, copies: Copies) -> tuple[Path, ...]:
    """Returns those copies that may hold a published file: files of its name or checksum, folders with one, archives.

    Args:
        name: Name of the published file.
        copies: Copies of this and perhaps other published files.
    """
    wanted = find_published(name).files
    names = {file.file_name for file in wanted}

    def may_hold(copy: Path) -> bool:
        if copy.is_dir():
            return bool(may_be_in(copy, wanted))
        return (
            copy.name in names or is_archive(copy) or (copy.is_file() and _is_one_of(copy, wanted))
        )

    given = (copies,) if isinstance(copies, Path) else tuple(copies or ())
    return tuple(copy for copy in given if may_hold(copy))


def _is_one_of(copy: Path, files: Sequence[RemoteFile]) -> bool:
    checksum = sha256_of(copy)
    return any(file.sha256 and checksum.startswith(file.sha256.lower()) for file in files)


def is_single_person(source: str, weights: Path) -> bool:
    """Returns whether weights are Google's for one person, by their published name or by the file's checksum.

    Args:
        source: Name that was given for them.
        weights: Their file.
    """
    file = PUBLISHED.get(source) if is_published(source) else recognise(weights)
    return file is not None and file.config.startswith("movenet_")


def _has_onnx_runtime() -> bool:
    return all(find_spec(package) is not None for package in ("onnx", "onnxruntime"))


def convert(config: Config, source: Path, target: Path, force: bool = False) -> None:
    """Writes a weights file under our names, with its config beside it, and logs what was done.

    Args:
        config: Config of the network.
        source: Anybody's weights file.
        target: A .safetensors or .pdparams file, or an .onnx file of Google's MoveNet, which needs no Paddle.
        force: Whether files that are there are overwritten; of ONNX files only those that this project wrote.

    Raises:
        FileNotFoundError: If the file is not there.
        InputError: If the file does not fit the config, or something would be overwritten.
        MissingDependencyError: If Paddle is missing, or onnx for an .onnx file.
    """
    if target.suffix == ".onnx":
        _convert_to_onnx(config, source, target, force)
        return
    require_paddle()
    config, network = build.loaded(config, source, log=_log.info)
    tensors = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    beside = target.parent / registry.FILE_NAME
    text = registry.to_json(config)
    taken = [target] if os.path.lexists(target) else []
    if beside.exists() and beside.read_text(encoding="utf-8") != text:
        taken.append(beside)
    if taken and not force:
        raise InputError(
            f"{' and '.join(map(str, taken))}: already there; choose another folder, or add --force"
        )
    write_weights(target, tensors)
    atomic.write_text(beside, text)
    millions = (
        sum(parameter.size for parameter in network.parameters() if parameter.trainable) / 1e6
    )
    _log.info(
        f"Written: {target}, {len(tensors)} tensors, {millions:.2f} M parameters; {beside}, config {config.name}"
    )


def _convert_to_onnx(config: Config, source: Path, target: Path, force: bool) -> None:
    if os.path.lexists(target) and not force:
        raise InputError(f"{target}: already there; choose another folder, or add --force")
    check_target(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".converting_", dir=target.parent) as folder:
        draft = Path(folder, target.name)
        write_movenet(config, source, draft)
        put_in_place(draft, target)
    _log.info(f"Written: {target}, {metadata_path(target).name}, config {config.name}")


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
        target: A .safetensors, .pdparams or, of Google's MoveNet, .onnx file; None for output/NAME/model.pdparams with the
            name of the source.
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
    if file.purpose == "detect":
        return f"Find people with it:\n  {command('predict')} photo.jpg --weights F --detector {file.name}"
    if file.purpose == "start":
        return f"Start from it:\n  {command('train')} --config {file.config} --init {path} --dataset_root D"
    if not file.config:
        return f"Find poses with it:\n  {command('predict')} photo.jpg --weights {file.name}"
    return f"Score it:\n  {command('val')} --weights {path} --config {file.config} --dataset_root D"


def published_numbers(file: PublishedFile) -> str:
    """Returns a published file's numbers as text."""
    return _text(file.published) or "no numbers"


def description(file: PublishedFile) -> str:
    """Returns several lines about a published file: files, checksums, numbers and their protocol, author and licences."""
    finds_people = file.purpose == "detect"
    without_config = "none, it finds people" if finds_people else "made from what the file shows"
    lines = [
        file.name,
        f"config: {file.config or without_config}",
        f"URL: {file.url}" + (f" (fetch {file.on_page} by hand)" if file.on_page else ""),
        f"SHA-256 begins with: {file.sha256 or 'not published'}",
    ]
    for other in file.companions:
        lines.append(f"with: {other.url}, SHA-256 {other.sha256}")
    if file.archive is not None:
        lines.append(f"or in the archive: {file.archive.url}, {_megabytes(file.archive.size)}")
    if file.total_size is not None:
        lines.append(f"size: {_megabytes(file.total_size)}")
    if file.parameters is not None:
        lines.append(f"parameters: {file.parameters:,}")
    lines += [
        f"input: {_input(file)}",
        f"channels: {file.order.upper()}",
        f"published: {published_numbers(file)}",
        f"protocol: {file.protocol}",
    ]
    if file.measured:
        lines += [
            f"measured: {_text(file.measured)}",
            f"protocol of this: {file.measured_protocol}",
        ]
    lines += [
        f"author: {file.author}",
        f"licence: {file.licence}",
        f"trained on: {file.data_licence}",
        f"source: {file.source}",
    ]
    return "\n  ".join(lines)


COLUMNS = (
    "name",
    "input",
    "parameters",
    "MB",
    "published",
    "boxes",
    "measured",
    "licence",
    "how to get",
)


def rows() -> list[tuple[str, ...]]:
    """Returns a row of text for each published file, in the order of `COLUMNS`."""
    return [
        (
            file.name,
            _input(file),
            f"{file.parameters / 1e6:.2f} M" if file.parameters else "-",
            f"{file.total_size / 1e6:.1f}" if file.total_size else "-",
            _text(file.published) or "-",
            file.boxes or "-",
            _text(file.measured) or "-",
            file.licence.split(",")[0],
            _how_to_get(file),
        )
        for file in PUBLISHED.values()
    ]


def _how_to_get(file: PublishedFile) -> str:
    if file.on_page:
        return "by hand"
    return (
        "by name" if file.archive is None else f"by name, or out of {_megabytes(file.archive.size)}"
    )


def _text(numbers: Sequence[tuple[str, float]]) -> str:
    return ", ".join(f"{metric} {value}" for metric, value in numbers)


def _input(file: PublishedFile) -> str:
    width, height = file.input_size or registry.find(file.config).codec.input_size
    return f"{width}x{height}"


def _megabytes(size: int | None) -> str:
    return "of unknown size" if size is None else f"{size / 1e6:.1f} MB"
