"""Text listing of the configs: sources, published scores, and all keys with their values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from paddle_pose.configs import presets
from paddle_pose.configs.overrides import override, values
from paddle_pose.configs.published import numbers_of
from paddle_pose.configs.registry import CONFIGS, find


def list_configs(
    name: str | None = None,
    preset: str | None = None,
    overrides: Mapping[str, object] | None = None,
) -> str:
    """Returns a listing of configs as text: source, command and published scores of each.

    At the end are all keys that can be changed, with their values in the first listed config.

    Args:
        name: Name of the config to list; None lists all configs.
        preset: Name of the preset whose values replace those of the config; None for none.
        overrides: Values by dotted key that replace those of the config and of the preset.

    Raises:
        InputError: If no config or no preset has that name, or a key or value of `overrides` is
            invalid.
    """
    chosen = [find(name)] if name else list(CONFIGS.values())
    lines = []
    for config in chosen:
        published = ", ".join(
            f"{metric} {value}" for metric, value in numbers_of(config.name).items()
        )
        lines += [
            config.name,
            f"  {config.source}",
            f"  {config.command}",
            f"  published: {published or 'nothing'}",
            *(f"  differs: {sentence}" for sentence in config.differs),
        ]
    changes: dict[str, Any] = dict(overrides or {})
    if preset is not None:
        changes = {**presets.changes(preset, chosen[0], changes), **changes}
    changed = "".join(
        [f", preset {preset}" * (preset is not None), ", the changes of -o" * bool(overrides)]
    )
    shown = values(override(chosen[0], changes))
    lines += ["", f"keys for -o, with the values of {chosen[0].name}{changed}"]
    lines += [f"  {key}={value}" for key, value in shown.items() if key != "codec.skeleton"]
    return "\n".join(lines)
