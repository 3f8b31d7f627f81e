"""Text listing of the configs: sources, published scores, and all keys with their values."""

from __future__ import annotations

from paddle_pose.configs.overrides import values
from paddle_pose.configs.published import numbers_of
from paddle_pose.configs.registry import CONFIGS
from paddle_pose.configs.specs import Config


def list_configs(selected: Config | None = None) -> str:
    """Returns a listing of configs as text: source, command and published scores of each.

    At the end are all keys that can be changed, with their values in the first listed config.

    Args:
        selected: Config to list, which may have changed values; None lists all configs.
    """
    chosen = list(CONFIGS.values()) if selected is None else [selected]
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
    lines += ["", f"keys for -o, with the values of {chosen[0].name}"]
    lines += [
        f"  {key}={value}" for key, value in values(chosen[0]).items() if key != "codec.skeleton"
    ]
    return "\n".join(lines)
