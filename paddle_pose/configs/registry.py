"""Finding a config by name, and keeping it beside a checkpoint as JSON."""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Mapping
from pathlib import Path

from paddle_pose.backends.metadata import read_metadata
from paddle_pose.configs import hourglass, hrnet, movenet, simple_baseline
from paddle_pose.configs.overrides import identity, override, upgraded, values
from paddle_pose.configs.specs import Config
from paddle_pose.environment import argument
from paddle_pose.errors import InputError, did_you_mean
from paddle_pose.io import manifest
from paddle_pose.weights.read import check_kind
from paddle_pose.weights.zoo import recognise

_log = logging.getLogger("paddle_pose")

_FILES = (hourglass, hrnet, simple_baseline, movenet)
CONFIGS: dict[str, Config] = {config.name: config for file in _FILES for config in file.ALL}
FILE_NAME = "config.json"
_NO_WEIGHTS_INSIDE = (".onnx", ".xml")  # exported files, which are read in another way


def find(name: str) -> Config:
    """Returns a config by its name.

    Raises:
        InputError: If there is none; the message lists the names.
    """
    if name not in CONFIGS:
        raise InputError(
            f"no config {name!r}.{did_you_mean(name, CONFIGS)} There are:\n  "
            + "\n  ".join(sorted(CONFIGS))
        )
    return CONFIGS[name]


def register(config: Config) -> Config:
    """Adds a config that is defined elsewhere to those that are found by name, and returns it.

    Raises:
        InputError: If there is one of that name.
    """
    if config.name in CONFIGS:
        raise InputError(
            f"config {config.name!r} exists already ({CONFIGS[config.name].source}); choose another name"
        )
    CONFIGS[config.name] = config
    return config


def for_image_size(size: int) -> Config:
    """Returns the Hourglass-52 config of the original project's `--image_size`.

    Raises:
        InputError: If no config has that size.
    """
    name = f"hourglass52_mpii_{size}"
    if name not in CONFIGS:
        raise InputError(
            f"{argument('--image_size')} {size}: the published sizes are 256 and 384; for another multiple of 128 add "
            + argument(
                f'-o "codec.input_size=({size},{size})"',
                f'overrides={{"codec.input_size": ({size}, {size})}}',
            )
            + " to one of them"
        )
    return CONFIGS[name]


def to_json(config: Config, data: str | Path | None = None) -> str:
    """Returns the text of the file beside a checkpoint, or in a run's folder.

    Args:
        config: Config of the network.
        data: Folder of the data that a run is trained on; None leaves it out.
    """
    content: dict[str, object] = {"config": config.name, "values": values(config)}
    if data is not None:
        content["data"] = str(Path(data).resolve())
    return json.dumps(content, indent=2) + "\n"


def data_of_run(run_dir: Path) -> str | None:
    """Returns the folder of the data that a run was trained on; None where its config.json states none.

    Args:
        run_dir: Folder of the run.

    Raises:
        InputError: If that folder is not there any more.
    """
    path = run_dir / FILE_NAME
    content = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    folder = content.get("data")
    if not isinstance(folder, str):
        return None
    if not Path(folder).is_dir():
        raise InputError(
            f"{run_dir}: was trained on the data in {folder}, which is not there; name the folder with "
            f"{argument('--dataset_root D', 'data')}"
        )
    return folder


def read_beside(weights: Path) -> Config | None:
    """Returns the config of the file beside a weights file, or of an exported file's metadata; None where there is none.

    Raises:
        InputError: If the file is there but not as `to_json` writes it, or not as the manifest beside it says.
    """
    path = weights.parent / FILE_NAME
    metadata = read_metadata(weights)
    if metadata is None and not path.is_file():
        return None
    try:
        content = metadata["config"] if metadata else json.loads(path.read_text(encoding="utf-8"))
        config = override(find(content["config"]), upgraded(content["values"]))
    except (AttributeError, KeyError, TypeError, ValueError) as problem:
        raise InputError(
            f"{weights if metadata else path}: not a config that this version reads ({problem}); name "
            f"one with {argument('--config')} instead of it after moving the file away"
        ) from problem
    if metadata is None:
        manifest.check_file(path)
    return config


def stored_identity(stored: Mapping[str, object]) -> dict[str, object]:
    """Returns the identity in a checkpoint as this version would state it, see `overrides.identity`.

    Keys of earlier versions are renamed; values that they did not state are those of the config that the identity names.

    Args:
        stored: Identity of a run, with what else it holds beside the config's values.

    Raises:
        InputError: If it names no config, or its values do not fit.
    """
    parts = {field.name for field in dataclasses.fields(Config)}
    content = upgraded(stored)
    settings = {key: value for key, value in content.items() if key.partition(".")[0] in parts}
    rest = {key: value for key, value in content.items() if key not in settings}
    return {**identity(override(find(str(content.get("config"))), settings)), **rest}


def config_of(
    weights: Path,
    name: str | None = None,
    image_size: int | None = None,
    changes: Mapping[str, object] | None = None,
) -> Config:
    """Returns the config of a weights file.

    That is the one beside it, or the one that is named, or that of the published file that it is by its checksum.

    Args:
        weights: Weights file, or an exported file.
        name: Name of a config, where none is beside the file.
        image_size: Input size of Hourglass-52 on MPII, as in txyugood's project; None for none.
        changes: Values by dotted key that replace the config's.

    Raises:
        FileNotFoundError: If there is no such weights file.
        InputError: If it is no weights file, nothing says which network it is for, or the arguments and the file disagree.
    """
    if not weights.is_file():
        raise FileNotFoundError(f"{weights}: no such weights file")
    beside = read_beside(weights)
    if beside is None and name is None and image_size is None and (known := recognise(weights)):
        name = known.config or None
        _log.info(
            "%s is the published file %s, by its checksum; config %s",
            weights,
            known.name,
            name or "none: it finds people",
        )
    if (
        beside is None
        and name is None
        and image_size is None
        and weights.suffix not in _NO_WEIGHTS_INSIDE
    ):
        check_kind(weights)
    return resolve(beside, name, image_size, changes or {})


def resolve(
    beside: Config | None,
    config_name: str | None,
    image_size: int | None,
    changes: Mapping[str, object],
) -> Config:
    """Decides which config holds: a checkpoint's own, or the one that flags name.

    Args:
        beside: read from beside the weights, if any.
        config_name: of `--config`.
        image_size: of `--image_size`.
        changes: of `-o` and single flags; applied to whichever holds.

    Raises:
        InputError: If flags and the checkpoint disagree, or nothing says which config it is.
    """
    if beside is not None:
        if config_name not in (None, beside.name):
            raise InputError(
                f"{argument('--config')} {config_name}, but the checkpoint was trained as {beside.name}"
            )
        if image_size not in (None, beside.codec.input_size[0]):
            raise InputError(
                f"{argument('--image_size')} {image_size}, but the checkpoint was trained at {beside.codec.input_size[0]}"
            )
        return override(beside, changes)
    if config_name is None and image_size is None:
        raise InputError(
            f"there is no {FILE_NAME} beside the weights that says which network they are for; "
            + argument(
                "add --config NAME (--list_configs shows them) or --image_size 256|384",
                f"name one as config: {', '.join(CONFIGS)}; or image_size 256 or 384",
            )
        )
    config = find(config_name) if config_name else for_image_size(image_size or 0)
    if image_size not in (None, config.codec.input_size[0]):
        raise InputError(
            f"{argument('--image_size')} {image_size}, but config {config.name} has {config.codec.input_size[0]}"
        )
    return override(config, changes)
