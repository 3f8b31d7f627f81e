"""Metadata of an exported file: where it is stored, and reading it.

In an ONNX file it is part of the file's own metadata, so that one file is sufficient. The formats
of OpenVINO and Paddle consist of two files each; the metadata is a third file beside them. Its
content is documented in `exporting.metadata`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, TypedDict

from paddle_pose.backends.onnx import METADATA_KEY, open_session
from paddle_pose.environment import argument, command
from paddle_pose.errors import InputError
from paddle_pose.io import manifest
from paddle_pose.io.json_files import parse_json

_SIDECARS = (".onnx", ".xml", ".json")  # suffixes of ONNX, OpenVINO, and Paddle's programs
VERSION = 1
"""Version of the metadata's format that this package writes and reads."""
RUN_EXPORTS = "exports"  # folder in the folder of a run for the exports of its checkpoints


class InputMetadata(TypedDict):
    """Metadata of the input of an exported network.

    Attributes:
        name: Name of the input in the file.
        shape: Axes of the input: ["N", H, W, 3] in px.
        dtype: Element type, as NumPy calls it: "uint8".
    """

    name: str
    shape: list[int | str]
    dtype: str


class OutputMetadata(TypedDict):
    """Metadata of an output of an exported network.

    Attributes:
        name: Name of the map, such as "heatmaps", or "keypoints" if the file decodes.
        shape: Axes of the output: "N", then the lengths of the others.
        dtype: Element type, as NumPy calls it, such as "float32".
    """

    name: str
    shape: list[int | str]
    dtype: str


class _Optional(TypedDict, total=False):
    files: dict[str, str]


class Metadata(_Optional):
    """The part of an exported file's metadata that this package reads.

    The complete content is documented in `exporting.metadata.build_metadata`.

    Attributes:
        version: Version of the metadata's format, see `VERSION`.
        input: The network's input.
        outputs: The network's outputs, in the file's order.
        codec: "kind" (name of the codec's class), the fields of the codec, and "skeleton", the name
            of its skeleton.
        config: "config" (name) and "values" (by dotted key), as in config.json.
        files: Size and checksum of each file of a Paddle program, by its suffix; missing in other
            formats, and in exports of earlier versions.
    """

    version: int
    input: InputMetadata
    outputs: list[OutputMetadata]
    codec: dict[str, Any]
    config: dict[str, Any]


def metadata_path(exported: Path) -> Path:
    """Returns the path of the metadata file beside an exported file.

    Args:
        exported: Path of the exported file; neither file needs to exist.

    Example:
        >>> metadata_path(Path("output/model.onnx")).name
        'model.onnx.metadata.json'
    """
    return exported.with_name(exported.name + ".metadata.json")


def read_metadata(exported: Path) -> Metadata | None:
    """Returns the export metadata of a file.

    Args:
        exported: Path of a file of any kind, which need not exist. For an ONNX file, metadata in
            the file takes precedence over a metadata file beside it.

    Returns:
        The metadata; None if the file is not an exported file or has no metadata.

    Raises:
        MissingDependencyError: If the file is an ONNX file and ONNX Runtime is not installed.
        InputError: If the metadata is not JSON, of another version than `VERSION`, or lacks a part
            that `Metadata` lists, or an ONNX file cannot be opened.
    """
    text: str | bytes | None = None
    source = metadata_path(exported)
    if exported.suffix == ".onnx" and exported.is_file():
        text = _text_in_onnx(exported, exported.stat().st_mtime_ns)
    if text is not None:
        source = exported
    elif exported.suffix in _SIDECARS and source.is_file():
        text = source.read_bytes()
    if text is None:
        return None
    writer = argument(command("export"), "export_model")
    metadata: Metadata = parse_json(text, source, f"expected metadata as {writer} writes it")
    version = metadata.get("version") if isinstance(metadata, dict) else None
    if version is None:
        raise InputError(f"{source}: not metadata as {writer} writes it (no key 'version')")
    if version != VERSION:
        raise InputError(
            f"{source}: metadata version {version}, this program reads {VERSION}: export it again"
        )
    wrong = _wrong_part(metadata)
    if wrong is not None:
        raise InputError(f"{source}: {wrong}; damaged metadata, export it again")
    return metadata


def _wrong_part(metadata: Any) -> str | None:
    """Returns what is wrong with the part of metadata that this package reads; None for nothing."""

    def is_length(value: Any) -> bool:
        """Returns whether a value is a length, or the name of an axis without a fixed length."""
        return isinstance(value, str) or (type(value) is int and value > 0)

    def is_tensor(value: Any) -> bool:
        return (
            isinstance(value, dict)
            and isinstance(value.get("name"), str)
            and isinstance(value.get("dtype"), str)
            and isinstance(value.get("shape"), list)
            and len(value["shape"]) > 0
            and all(map(is_length, value["shape"][1:]))
        )

    outputs, config = metadata.get("outputs"), metadata.get("config")
    decoding = metadata.get("codec")
    if not is_tensor(metadata.get("input")):
        return "'input' has no name, shape [\"N\", H, W, 3] and dtype"
    if not isinstance(outputs, list) or not outputs or not all(map(is_tensor, outputs)):
        return "'outputs' is no list of outputs with name, shape and dtype"
    if not isinstance(decoding, dict) or not isinstance(decoding.get("kind"), str):
        return "'codec' has no kind"
    if not isinstance(config, dict) or not isinstance(config.get("values"), dict):
        return "'config' has no values"
    return None


def has_checked_files(files: Sequence[Path], metadata: Metadata) -> bool:
    """Returns whether export metadata list all files of an export, after checking them.

    Args:
        files: Paths of all files of the export, with different suffixes, except for the metadata.
        metadata: Metadata of the export.

    Raises:
        InputError: If a file differs from its size or checksum in the metadata.
    """
    listed = metadata.get("files")
    if not isinstance(listed, dict) or not all(path.suffix in listed for path in files):
        return False
    for path in files:
        found = manifest.fingerprint(path)
        if found != listed[path.suffix]:
            raise InputError(
                f"{path}: damaged: it is {found}, was written as {listed[path.suffix]}; copy it"
                " again, or export it again"
            )
    return True


@lru_cache(maxsize=1)
def _text_in_onnx(path: Path, changed: int) -> str | None:
    """Returns the JSON text of this package in an ONNX file; None if there is none.

    The last result is cached, since opening a large file takes seconds.

    Args:
        path: Path of the .onnx file.
        changed: Modification time of the file, so that a changed file is read again.
    """
    session, _ = open_session(path, device="cpu")
    text: str | None = session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
    return text
