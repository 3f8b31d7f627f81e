"""Presets: sets of values that replace those of a config, whatever network it has.

Source: this project; benchmarks/own_joints.py prints the results that the values were chosen by.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from paddle_pose.configs.registry import CONFIGS
from paddle_pose.configs.specs import Config
from paddle_pose.environment import argument
from paddle_pose.errors import InputError, did_you_mean
from paddle_pose.weights.zoo import PUBLISHED, PublishedFile

FINETUNE: Mapping[str, Any] = {
    "data.framing": "person",
    "data.context": 1.25,
    "train.steps": 600,
    "train.total_batch": 16,
    "train.batch_size": 16,
    "train.learning_rate": 1e-3,
    "train.schedule": "cosine",
    "train.schedule.warmup_share": 0.05,
    "train.ema": 0.99,
}
"""Trains joints of a new data set in few steps, from published weights of the same network.

A codec that decodes several people per window is set to one (`codec.max_persons`).
"""
FROM_POSES: Mapping[str, Any] = {
    "train.learning_rate": 3e-3,
    "train.backbone_rate": 0.03,
    "train.schedule.warmup_share": 0.0,
    "train.schedule.warmup": 30,
}
"""Further changes from published weights of a pose network, whose features are those of bodies.

The warm-up is 5 % of the preset's steps, also in a shorter run: Adam's first steps at the full rate
would undo what the head has learned.
"""
PRESETS: Mapping[str, Mapping[str, Any]] = {"finetune": FINETUNE}


def changes(name: str, config: Config, given: Mapping[str, object]) -> dict[str, Any]:
    """Returns the changes of a config by a preset, with the given ones, by dotted key.

    The weights that the config starts from are among them.

    Args:
        name: Name of the preset.
        config: Config whose values are replaced.
        given: Changes by dotted key that replace those of the preset; a number of epochs replaces
            the preset's number of steps, and initial weights those of the preset.

    Raises:
        InputError: If no preset has this name, or there are no published weights of the network.

    Example:
        >>> from paddle_pose.configs.registry import find
        >>> values = changes("finetune", find("movenet_thunder_coco"), {})
        >>> values["train.init"], values["train.backbone_rate"]
        ('movenet_thunder', 0.03)
    """
    if name not in PRESETS:
        raise InputError(
            f"no preset {name!r}.{did_you_mean(name, PRESETS)} There are: {', '.join(PRESETS)}"
        )
    values = dict(PRESETS[name])
    if "train.epochs" in given:
        del values["train.steps"]
    if config.codec.max_persons is not None:
        values["codec.max_persons"] = 1
    if "train.init" not in given:
        values["train.init"] = start_weights(config)
    start = PUBLISHED.get(str(given.get("train.init", values.get("train.init"))))
    if start is not None and start.purpose == "score":
        values |= FROM_POSES
    return {**values, **given}


def start_weights(config: Config) -> str:
    """Returns the name of the published weights from which a config is fine-tuned.

    Of the weights of this network and these joints that can be downloaded, they are those of the
    config, else of its input size, with the best published result; if there are none, those that
    the config's own recipe starts from.

    Args:
        config: Config to fine-tune.

    Raises:
        InputError: If there are no such weights.
    """

    def preference(file: PublishedFile) -> tuple[bool, bool, float]:
        other = CONFIGS[file.config]
        same_size = other.codec.input_size == config.codec.input_size
        return other.name == config.name, same_size, file.published[0][1]

    candidates = [
        file
        for file in PUBLISHED.values()
        if file.purpose == "score" and file.published and not file.on_page
        if file.config in CONFIGS and _same_network(CONFIGS[file.config], config)
    ]
    if candidates:
        return max(candidates, key=preference).name
    if config.train.init:
        return config.train.init
    raise InputError(
        f"config {config.name}: there are no published weights to start from; name a file with "
        + argument("--init FILE", "init")
    )


def _same_network(one: Config, other: Config) -> bool:
    """Returns whether the weights of one config fit the other's network."""
    return one.model == other.model and one.codec.skeleton == other.codec.skeleton
