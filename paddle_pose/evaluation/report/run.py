"""A training run's folder: its configuration and its numbers over time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paddle_pose.errors import InputError
from paddle_pose.evaluation.report.training_curves import Curves, read
from paddle_pose.io.coco_json import read_json


@dataclass(frozen=True)
class Run:
    """What a run's files say.

    Attributes:
        name: of the config.
        values: of the config, by dotted key.
        curves: numbers over time; None where there are none.
        source: the file that the config was read from.
    """

    name: str
    values: Mapping[str, Any]
    curves: Curves | None
    source: Path


def find(folders: Iterable[Path]) -> Run | None:
    """Returns the run of the first folder that holds a config.json; None where none does.

    Raises:
        InputError: If a file there is not as training writes it.
    """
    for folder in folders:
        path = folder / "config.json"
        if not path.is_file():
            continue
        content = read_json(path)
        if not isinstance(content, dict) or not isinstance(content.get("values"), dict):
            raise InputError(f"{path}: expected {{config, values}} as training writes it")
        return Run(str(content.get("config")), content["values"], _curves(folder), path)
    return None


def _curves(folder: Path) -> Curves | None:
    """Reads the nearest metrics.jsonl: checkpoints lie one folder below it."""
    path = next(
        (f / "metrics.jsonl" for f in (folder, folder.parent) if (f / "metrics.jsonl").is_file()),
        None,
    )
    return None if path is None else read(path)
