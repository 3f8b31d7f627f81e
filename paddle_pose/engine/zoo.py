"""Published weights: download, conversion to this project's tensor names, and descriptions."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

from paddle_pose import build
from paddle_pose.backends.metadata import metadata_path
from paddle_pose.codecs.movenet import MoveNetCodec
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
from paddle_pose.io.download import (
    Progress,
    RemoteFile,
    address_of,
    from_file_argument,
    unreachable,
)
from paddle_pose.io.download_files import MAX_ARCHIVE_BYTES, download_files, may_be_in
from paddle_pose.io.locks import locked
from paddle_pose.io.weights_files import find_weights
from paddle_pose.weights.write import write_weights
from paddle_pose.weights.zoo import PUBLISHED as PUBLISHED
from paddle_pose.weights.zoo import PublishedFile, recognise

_IN_ARCHIVE = "end2end.onnx"  # mmdeploy's name of an exported network
_DETECTOR_IN_ARCHIVE = "nanodet_g"  # a detector in the archive that also has Google's MoveNets
_log = logging.getLogger("paddle_pose")

Copies = Path | Sequence[Path] | None
"""Paths of local copies of published files: files, or folders or archives that contain them.

They are used instead of a download; None downloads missing files."""


def find_published(name: str) -> PublishedFile:
    """Returns the description of a published file.

    Args:
        name: Name of the published file.

    Raises:
        InputError: If no published file has that name; the message lists the names.
    """
    if name not in PUBLISHED:
        raise InputError(
            f"{name!r}: no published file has this name.{did_you_mean(name, PUBLISHED)} "
            "Expected one of:\n  " + "\n  ".join(PUBLISHED)
        )
    return PUBLISHED[name]


def is_published(source: str) -> bool:
    """Returns whether a source of weights is the name of a published file, not a path.

    Args:
        source: Path or name; an existing file or folder of that name takes precedence.
    """
    return source in PUBLISHED and not Path(source).exists()


def fetch(
    name: str,
    folder: Path | None = None,
    from_file: Copies = None,
    progress: Progress | None = None,
) -> Path:
    """Returns the path of a published file in its original format.

    The first call downloads the file and its companion files and verifies their checksums; later
    calls use the stored files.

    Args:
        name: Name of the published file.
        folder: Folder to store the files in; None takes the cache, see `io.cache`.
        from_file: Local copies of the files, a folder or an archive that contains them; nothing is
            downloaded then. None downloads the missing files.
        progress: Function (bytes so far, size in bytes or None if unknown, bytes per second) that
            displays the progress of the download; None displays nothing.

    Raises:
        FileNotFoundError: If a local copy is missing.
        InputError: If no published file has that name, or a checksum does not match.
        ConnectionError: If no server can be reached; the message states where to put the file.
    """
    file = find_published(name)
    copies = (from_file,) if isinstance(from_file, Path) else tuple(from_file or ())
    return download_files(
        file.files, _folder(file, folder), archive=file.archive, copies=copies, progress=progress
    )[0]


def check_downloads(names: Sequence[str], folder: Path | None = None) -> None:
    """Makes sure that several published files can be downloaded, before the first one is.

    If several are missing, the servers of all their files are asked at the same time, so that a
    missing network shows in seconds. A log line states the sizes. Files that must be fetched by
    hand are not considered.

    Args:
        names: Names of the published files.
        folder: Folder to store the files in; None takes the cache, see `io.cache`.

    Raises:
        InputError: If no published file has one of the names.
        ConnectionError: If one of them cannot be downloaded, also not in its archive; the message
            names all missing files and states where to put them.
        MissingDependencyError: If a network needs Paddle, and it is missing.
    """
    missing: dict[str, list[RemoteFile]] = {}
    for name in names:
        file = find_published(name)
        stored = _folder(file, folder)
        lacking = [one for one in file.files if not (stored / one.file_name).exists()]
        if lacking and not file.on_page:
            missing[name] = lacking
    if not missing:
        return
    files = [PUBLISHED[name] for name in missing]
    if any(one.purpose != "detect" and not is_runnable_without_paddle(one) for one in files):
        require_paddle()
    place = _folder(PUBLISHED[next(iter(missing))], folder).resolve()
    # The download of a single one reports the same by itself.
    asked = [one for lacking in missing.values() for one in lacking] if len(missing) > 1 else []
    reasons = unreachable(asked)

    def is_blocked(files: Sequence[RemoteFile]) -> bool:
        return any(address_of(one) in reasons for one in files)

    sources = dict(missing)
    for name, lacking in missing.items():
        archive = PUBLISHED[name].archive
        if archive is not None and is_blocked(lacking):
            sources[name] = [archive]
            if not (place / archive.file_name).exists():
                reasons |= unreachable([archive])
    if not any(map(is_blocked, sources.values())):
        sizes = [
            f"{name} ({_megabytes(sum(one.size or 0 for one in files) or None)})"
            for name, files in sources.items()
        ]
        _log.info(f"=> downloading {' and '.join(sizes)} to {place}")
        return
    file_names = [one.file_name for lacking in missing.values() for one in lacking]
    hint = ""
    if any(PUBLISHED[name].purpose == "detect" for name in missing):
        hint = f"\n{without_detector()}"
        other = PUBLISHED[_DETECTOR_IN_ARCHIVE].archive
        if other is not None and [other] in sources.values() and not is_blocked([other]):
            flag = argument(
                f"--detector {_DETECTOR_IN_ARCHIVE}", f'detector="{_DETECTOR_IN_ARCHIVE}"'
            )
            hint += (
                f"\nOr with {flag}: it and the pose network are in an archive that can be reached "
                f"({_megabytes(other.size)})"
            )
    raise ConnectionError(
        f"cannot download all of {' and '.join(missing)}; nothing was downloaded:\n  "
        + "\n  ".join(f"{address}: {reason}" for address, reason in reasons.items())
        + f"\nDownload {', '.join(file_names)} by other means and put them in {place} under these "
        f"names, or name them, or a folder with them, with {from_file_argument()}; the checksums "
        "are verified in both cases" + hint
    )


def without_detector() -> str:
    """Returns how to predict without a person detector, for messages."""
    return "To predict without a detector: " + argument(
        "--detector none, or --boxes FILE", "detector=None, or boxes="
    )


def needs_detector(name: str) -> bool:
    """Returns whether a published pose network expects one person in its window.

    Args:
        name: Name of the published file.

    Raises:
        InputError: If no published file has that name.
    """
    file = find_published(name)
    if not file.config:
        return True
    config = registry.find(file.config)
    return config.data.framing != "image" or config.codec.kind == MoveNetCodec.kind


def path_of_published(name: str) -> Path:
    """Returns the path that a published file has after its download, see `fetch`.

    Nothing is downloaded, and the file need not exist.

    Args:
        name: Name of the published file.

    Raises:
        InputError: If no file has that name.
    """
    file = find_published(name)
    return _folder(file, None) / file.file_name


def _folder(file: PublishedFile, folder: Path | None) -> Path:
    """Returns the folder that stores a published file; None for `folder` takes the cache."""
    return cache_for([each.file_name for each in file.files], folder)


def converted(
    name: str,
    folder: Path | None = None,
    from_file: Copies = None,
    progress: Progress | None = None,
) -> Path:
    """Returns the path of a published pose network with this project's tensor names.

    The first call downloads and converts it; later calls use the converted file. Its config is
    beside it.

    Args:
        name: Name of the published file.
        folder: Folder to store the published file in; the converted file is stored in its subfolder
            NAME. None takes the cache, see `io.cache`.
        from_file: Local copies of the published files, see `fetch`.
        progress: Function that receives the progress of the download, see `fetch`.

    Raises:
        FileNotFoundError: If a local copy is missing.
        InputError: If no published file has that name, its checksum does not match, or it is a
            person detector.
        ConnectionError: If no server can be reached; the message states where to put the file.
        MissingDependencyError: If the file must be converted and Paddle is missing.
    """
    file = find_published(name)
    if file.purpose == "detect":
        raise InputError(
            f"{name}: a person detector, expected a pose network; give it with "
            f"{argument('--detector')}, and a pose network with "
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
    """Returns whether `converted_onnx` supports a published file: MoveNets, RTMPose, detectors.

    Args:
        file: Description of the published file.
    """
    return not file.config or file.config.startswith("movenet_")


def converted_onnx(
    name: str,
    folder: Path | None = None,
    from_file: Copies = None,
    progress: Progress | None = None,
) -> Path:
    """Returns the path of a published MoveNet or person detector as an ONNX file; without Paddle.

    The first call downloads and converts it; later calls use the converted file. The file of a
    MoveNet is like an exported one, with its metadata beside it; that of a detector keeps its own
    inputs and outputs.

    Args:
        name: Name of the published file.
        folder: Folder to store the published file in; a converted file is stored in its subfolder
            NAME. None takes the cache, see `io.cache`.
        from_file: Local copies of the published files, see `fetch`.
        progress: Function that receives the progress of the download, see `fetch`.

    Raises:
        FileNotFoundError: If a local copy is missing.
        InputError: If no published file has that name, its checksum does not match, or it is
            neither a MoveNet nor a person detector.
        ConnectionError: If no server can be reached; the message states where to put the file.
        MissingDependencyError: If the file must be converted and the package onnx is missing.
    """
    file = find_published(name)
    if not is_runnable_without_paddle(file):
        raise InputError(
            f"{name}: cannot be converted to ONNX without Paddle; "
            "expected one of Google's MoveNets or a person detector"
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
    """Returns the path of a converted file, after converting it if it is missing.

    A lock makes other processes that need the same file wait for it.

    Args:
        path: Path of the published file.
        target: Path of the converted file.
        name: Name of the published file, for messages.
        make: Function that writes the converted file to the given path.
        last: Name of the file in the same folder that is written last and so marks a complete
            conversion; None if it is the converted file itself.
    """

    def is_complete() -> bool:
        return target.is_file() and target.with_name(last or target.name).is_file()

    if not is_complete():
        with locked(path, what=name, wait=True):
            if not is_complete():  # another process may have converted it in the meantime
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
                f"{problem}; delete it, or move it away, and take another copy. An ONNX file by "
                "itself is named with " + argument("--weights", "its path")
            ) from problem
        os.replace(draft, target)
    _log.info(f"Written: {target}")


def _translate(path: Path, target: Path) -> None:
    """Writes a detector's TensorFlow.js graph as an ONNX file."""
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
    """Returns the path of the weights file for a path or for the name of a published file.

    A published pose network is converted to this project's tensor names, see `converted`. Person
    detectors, and MoveNets that ONNX Runtime runs, become ONNX files, see `converted_onnx`.

    Args:
        source: Path of a file or of a folder with one, see `find_weights`; or the name of a
            published file.
        folder: Folder to store published files in; None takes the cache, see `io.cache`.
        from_file: Local copies of the published files, see `fetch`.
        progress: Function that receives the progress of the download, see `fetch`.
        what: Network that is expected: "weights" for a pose network, or "detector" for a person
            detector.
        engine: Backend that will run a published file: "onnx", "openvino", "paddle" or "auto",
            which prefers ONNX Runtime if it and onnx are installed.

    Raises:
        FileNotFoundError: If the file does not exist and no published file has this name.
        InputError: If a checksum does not match, or the name is that of a person detector where a
            pose network is expected.
        ConnectionError: If no server can be reached; the message states where to put the file.
        MissingDependencyError: If the file must be converted and a package for it is missing.
    """
    if is_published(source):
        file = find_published(source)
        finds_people = file.purpose == "detect" and what != "weights"
        on_onnx = engine == "onnx" or (engine == "auto" and _has_onnx_runtime())
        poses = file.purpose != "detect" and is_runnable_without_paddle(file)
        if finds_people or (poses and (on_onnx or not file.config)):
            return converted_onnx(source, folder, from_file, progress)
        if file.purpose != "detect":
            require_paddle()  # before the download
        return converted(source, folder, from_file, progress)
    path = find_weights(source)
    if not path.is_file():
        raise FileNotFoundError(
            f"{what} {source}: no such file, and no published file has this name."
            f"{did_you_mean(source, PUBLISHED)} "
            + argument(f"{command('zoo')} lists them", f"Expected one of: {', '.join(PUBLISHED)}")
        )
    return path


def copies_of(name: str, copies: Copies) -> tuple[Path, ...]:
    """Returns those of several local copies that may belong to a published file.

    These are files with its name or checksum, folders with such a file, and all archives.

    Args:
        name: Name of the published file.
        copies: Local copies of this and possibly of other published files.
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
    """Returns whether a file has the checksum of one of the remote files."""
    checksum = sha256_of(copy)
    return any(file.sha256 and checksum.startswith(file.sha256.lower()) for file in files)


def is_single_person(source: str, weights: Path) -> bool:
    """Returns whether weights are those of one of Google's single-person MoveNets.

    Args:
        source: Path or published name that the caller gave for the weights.
        weights: Path of the weights file; its checksum decides if `source` is no published name.
    """
    file = PUBLISHED.get(source) if is_published(source) else recognise(weights)
    if file is None or not file.config.startswith("movenet_"):
        return False
    return registry.find(file.config).codec.kind == MoveNetCodec.kind


def _has_onnx_runtime() -> bool:
    """Returns whether onnx and onnxruntime are installed."""
    return all(find_spec(package) is not None for package in ("onnx", "onnxruntime"))


def convert(config: Config, source: Path, target: Path, force: bool = False) -> None:
    """Writes a weights file with this project's tensor names and its config; logs the result.

    Args:
        config: Config of the network.
        source: Path of a weights file of this or another project.
        target: Path of the file to write: .safetensors, .pdparams, or for Google's MoveNets .onnx,
            which needs no Paddle. The config is written to config.json in the same folder.
        force: Whether existing files are overwritten. An ONNX file is overwritten only if this
            project wrote it.

    Raises:
        FileNotFoundError: If the source is missing.
        InputError: If the source is not a weights file, its tensors are not those of the config's
            network, the suffix of `target` is none of these, or a file exists and `force` is False.
        MissingDependencyError: If Paddle is missing, or for an .onnx file the package onnx.
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
            f"{' and '.join(map(str, taken))}: already exists; "
            "choose another folder, or add --force"
        )
    write_weights(target, tensors)
    atomic.write_text(beside, text)
    millions = (
        sum(parameter.size for parameter in network.parameters() if parameter.trainable) / 1e6
    )
    _log.info(
        f"Written: {target}, {len(tensors)} tensors, {millions:.2f} M parameters; "
        f"{beside}, config {config.name}"
    )


def _convert_to_onnx(config: Config, source: Path, target: Path, force: bool) -> None:
    """Writes a MoveNet's weights file as an ONNX file with metadata; see `convert`."""
    if os.path.lexists(target) and not force:
        raise InputError(f"{target}: already exists; choose another folder, or add --force")
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
    """Writes a weights file with this project's tensor names and its config; logs the result.

    Args:
        source: Path of a weights file of this or another project.
        target: Path of the file to write, see `convert`; None takes output/NAME/model.pdparams with
            the name of the source.
        config: Name of the network's config; None reads the config beside the source.
        image_size: Input size in px, 256 or 384, that selects the config of Hourglass-52 on MPII,
            as in txyugood's project; None selects none.
        overrides: New values of the config by dotted key.
        force: Whether existing files are overwritten.

    Returns:
        Path of the written file.

    Raises:
        FileNotFoundError: If the source is missing.
        InputError: If the config of the network is unknown, the source does not fit it, or a file
            exists and `force` is False.
        MissingDependencyError: If Paddle is missing, or for an .onnx file the package onnx.
    """
    target = target or Path("output", source.stem, "model.pdparams")
    convert(registry.config_of(source, config, image_size, overrides), source, target, force)
    return target


def usage(file: PublishedFile, path: Path) -> str:
    """Returns text with a command line that uses a published file, according to its purpose.

    The command detects people, trains from the file, or evaluates it.

    Args:
        file: Description of the published file.
        path: Path of the file on this machine.
    """
    if file.purpose == "detect":
        return (
            "To detect people with it:\n"
            f"  {command('predict')} photo.jpg --weights F --detector {file.name}"
        )
    if file.purpose == "start":
        return (
            "To train from it:\n"
            f"  {command('train')} --config {file.config} --init {path} --dataset_root D"
        )
    if not file.config:
        return f"To predict with it:\n  {command('predict')} photo.jpg --weights {file.name}"
    return (
        "To evaluate it:\n"
        f"  {command('val')} --weights {path} --config {file.config} --dataset_root D"
    )


def published_numbers(file: PublishedFile) -> str:
    """Returns the scores that a file's publisher reports, as text such as "AP 0.765".

    Args:
        file: Description of the published file.
    """
    return _text(file.published) or "no scores"


def description(file: PublishedFile) -> str:
    """Returns a text of several lines on a published file: URLs, checksums, scores, licences.

    Args:
        file: Published file to describe.
    """
    is_detector = file.purpose == "detect"
    without_config = "none, a person detector" if is_detector else "made from what the file shows"
    lines = [
        file.name,
        f"config: {file.config or without_config}",
        f"URL: {file.url}" + (f" (download {file.on_page} by hand)" if file.on_page else ""),
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
        f"input: {_input(file)} (height x width, px)",
        *([] if is_detector else [f"channels: {file.order.upper()}"]),
        f"runs on: {_engine(file)}",
        f"published: {published_numbers(file)}",
        f"protocol: {file.protocol}",
    ]
    if file.measured:
        lines += [
            f"measured: {_text(file.measured)}",
            f"protocol of the measurement: {file.measured_protocol}",
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
    "runs on",
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
            _engine(file),
            _how_to_get(file),
        )
        for file in PUBLISHED.values()
    ]


def _how_to_get(file: PublishedFile) -> str:
    """Returns how a published file is downloaded: by name, by hand, or out of an archive."""
    if file.on_page:
        return "by hand"
    return (
        "by name" if file.archive is None else f"by name, or out of {_megabytes(file.archive.size)}"
    )


def _engine(file: PublishedFile) -> str:
    """Returns the name of the library that runs a published network."""
    return "ONNX Runtime" if is_runnable_without_paddle(file) else "Paddle"


def _text(numbers: Sequence[tuple[str, float]]) -> str:
    """Returns pairs of a metric and its value as text."""
    return ", ".join(f"{metric} {value}" for metric, value in numbers)


def _input(file: PublishedFile) -> str:
    """Returns the input of a published network, height x width in px, such as "256x192"."""
    width, height = file.input_size or registry.find(file.config).codec.input_size
    return f"{height}x{width}"


def _megabytes(size: int | None) -> str:
    """Returns a size in bytes as text in MB."""
    return "of unknown size" if size is None else f"{size / 1e6:.1f} MB"
