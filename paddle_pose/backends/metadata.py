"""What an exported file says of itself: its metadata, in the file or beside it.

An ONNX file carries it among its own metadata, so that one file is enough; OpenVINO's and Paddle's formats are two files
each, and the metadata is the third. `exporting.metadata` says what it holds.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any, TypedDict

from paddle_pose.backends.onnx import METADATA_KEY, open_session
from paddle_pose.environment import argument, command
from paddle_pose.errors import InputError

_SIDECARS = (".onnx", ".xml", ".json")  # ONNX, OpenVINO, Paddle's program
VERSION = 1
RUN_EXPORTS = "exports"  # folder in a run's, where its checkpoints are exported


class InputMetadata(TypedDict):
    """The network's input: `shape` is "N", then numbers."""

    name: str
    shape: list[int | str]
    dtype: str


class OutputMetadata(TypedDict):
    """One of the network's outputs: `shape` is "N", then numbers."""

    name: str
    shape: list[int | str]
    dtype: str


class Metadata(TypedDict):
    """What this package reads of a file's metadata; `exporting.metadata.build_metadata` says what else is in it.

    `codec` and `config` are values of a config as JSON states them.
    """

    version: int
    input: InputMetadata
    outputs: list[OutputMetadata]
    codec: dict[str, Any]
    config: dict[str, Any]


def metadata_path(exported: Path) -> Path:
    """Returns the file beside an exported one that holds its metadata.

    Example:
        >>> metadata_path(Path("output/model.onnx")).name
        'model.onnx.metadata.json'
    """
    return exported.with_name(exported.name + ".metadata.json")


def read_metadata(exported: Path) -> Metadata | None:
    """Reads the metadata of a file; None where it is no exported file or has none.

    Args:
        exported: a file of any kind. What an ONNX file carries counts before what lies beside it.

    Raises:
        MissingDependencyError: If it is an ONNX file and ONNX Runtime is not installed.
        InputError: If the metadata is not as `export.py` writes it, or the file cannot be opened.
    """
    text, place = None, metadata_path(exported)
    if exported.suffix == ".onnx" and exported.is_file():
        text = _inside(exported, exported.stat().st_mtime_ns)
    if text is not None:
        place = exported
    elif exported.suffix in _SIDECARS and place.is_file():
        text = place.read_text(encoding="utf-8")
    if text is None:
        return None
    try:
        metadata: Metadata = json.loads(text)
        version = metadata["version"]
    except (KeyError, TypeError, ValueError) as problem:
        raise InputError(
            f"{place}: not metadata as {argument(command('export'), 'export_model')} writes them ({problem})"
        ) from problem
    if version != VERSION:
        raise InputError(
            f"{place}: metadata version {version}, this program reads {VERSION}: export it again"
        )
    return metadata


@lru_cache(maxsize=1)
def _inside(path: Path, changed: int) -> str | None:
    """Returns what an ONNX file carries; opening a large one takes seconds, so the last answer is kept until it changes."""
    session, _ = open_session(path, device="cpu")
    text: str | None = session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
    return text
