"""Finding a config by name, and keeping it beside a checkpoint as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from paddle_pose.backends.metadata import read_metadata
from paddle_pose.configs import hourglass, hrnet, movenet, simple_baseline
from paddle_pose.configs.overrides import override, values
from paddle_pose.configs.specs import Config

_FILES = (hourglass, hrnet, simple_baseline, movenet)
CONFIGS: dict[str, Config] = {config.name: config for file in _FILES for config in file.ALL}
FILE_NAME = "config.json"


def find(name: str) -> Config:
    """Returns a config by its name.

    Raises:
        ValueError: If there is none; the message lists the names.
    """
    if name not in CONFIGS:
        raise ValueError(f"no config {name!r}; there are:\n  " + "\n  ".join(sorted(CONFIGS)))
    return CONFIGS[name]


def for_image_size(size: int) -> Config:
    """Returns the Hourglass-52 config of the original project's `--image_size`.

    Raises:
        ValueError: If no config has that size.
    """
    name = f"hourglass52_mpii_{size}"
    if name not in CONFIGS:
        raise ValueError(
            f"--image_size {size}: the published sizes are 256 and 384; for another multiple of 128 add "
            f'-o "codec.input_size=({size},{size})" to one of them'
        )
    return CONFIGS[name]


def to_json(config: Config) -> str:
    """Returns the text of the file beside a checkpoint."""
    return json.dumps({"config": config.name, "values": values(config)}, indent=2) + "\n"


def read_beside(weights: Path) -> Config | None:
    """Returns the config of the file beside a weights file, or of an exported file's metadata; None where there is none.

    Raises:
        ValueError: If the file is there but not as `to_json` writes it.
    """
    path = weights.parent / FILE_NAME
    metadata = read_metadata(weights)
    if metadata is None and not path.is_file():
        return None
    try:
        content = metadata["config"] if metadata else json.loads(path.read_text(encoding="utf-8"))
        return override(find(content["config"]), content["values"])
    except (AttributeError, KeyError, TypeError, ValueError) as problem:
        raise ValueError(
            f"{weights if metadata else path}: not a config that this version reads ({problem}); name "
            "one with --config instead of it after moving the file away"
        ) from problem


def resolve(
    beside: Config | None,
    config_name: str | None,
    image_size: int | None,
    changes: Mapping[str, Any],
) -> Config:
    """Decides which config holds: a checkpoint's own, or the one that flags name.

    Args:
        beside: read from beside the weights, if any.
        config_name: of `--config`.
        image_size: of `--image_size`.
        changes: of `-o` and single flags; applied to whichever holds.

    Raises:
        ValueError: If flags and the checkpoint disagree, or nothing says which config it is.
    """
    if beside is not None:
        if config_name not in (None, beside.name):
            raise ValueError(f"--config {config_name}, but the checkpoint was trained as {beside.name}")
        if image_size not in (None, beside.codec.input_size[0]):
            raise ValueError(
                f"--image_size {image_size}, but the checkpoint was trained at {beside.codec.input_size[0]}"
            )
        return override(beside, changes)
    if config_name is None and image_size is None:
        raise ValueError(
            f"there is no {FILE_NAME} beside the weights that says which network they are for; "
            "add --config NAME (--list_configs shows them) or --image_size 256|384"
        )
    config = find(config_name) if config_name else for_image_size(image_size or 0)
    if image_size not in (None, config.codec.input_size[0]):
        raise ValueError(f"--image_size {image_size}, but config {config.name} has {config.codec.input_size[0]}")
    return override(config, changes)
