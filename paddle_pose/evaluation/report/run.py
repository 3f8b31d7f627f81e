"""Config and training curves of a run, read from its folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paddle_pose.errors import InputError
from paddle_pose.evaluation.report.training_curves import Curves, read
from paddle_pose.io.json_files import read_json


@dataclass(frozen=True)
class Run:
    """Config and curves of a training run.

    Attributes:
        name: Name of the config.
        values: Values of the config by dotted key, such as "train.epochs".
        curves: Loss, learning rate and evaluations over the steps; None without metrics.jsonl.
        source: Path of the config.json.
    """

    name: str
    values: Mapping[str, Any]
    curves: Curves | None
    source: Path


def find(folders: Iterable[Path]) -> Run | None:
    """Returns the run of the first folder that contains a config.json; None if none does.

    Args:
        folders: Folders of runs or of their checkpoints, in the order in which they are searched;
            metrics.jsonl is taken from the same folder or its parent.

    Raises:
        InputError: If config.json or metrics.jsonl has another form than training writes.
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
    """Returns the curves of metrics.jsonl in a folder or in its parent, the folder of the run."""
    path = next(
        (f / "metrics.jsonl" for f in (folder, folder.parent) if (f / "metrics.jsonl").is_file()),
        None,
    )
    return None if path is None else read(path)
