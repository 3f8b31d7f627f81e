"""Finds configs by name, and stores a config as JSON next to a checkpoint."""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from paddle_pose.backends.metadata import read_metadata
from paddle_pose.configs import hourglass, hrnet, movenet, rtmpose, simple_baseline, tinypose
from paddle_pose.configs.foreign import foreign_config
from paddle_pose.configs.overrides import identity, override, upgraded, values
from paddle_pose.configs.specs import Config
from paddle_pose.environment import argument
from paddle_pose.errors import InputError, did_you_mean
from paddle_pose.io import manifest
from paddle_pose.io.json_files import read_json
from paddle_pose.io.weights_files import run_of
from paddle_pose.weights.read import check_kind
from paddle_pose.weights.zoo import recognise

_log = logging.getLogger("paddle_pose")

_FILES = (hourglass, hrnet, simple_baseline, movenet, rtmpose, tinypose)
CONFIGS: dict[str, Config] = {config.name: config for file in _FILES for config in file.ALL}
FILE_NAME = "config.json"
_DATA_FILES = ("data.train_annotations", "data.val_annotations", "data.images", "data.cache")
_EXPORTED = (".onnx", ".xml")  # suffixes of exported files, whose format `check_kind` does not know


def find(name: str) -> Config:
    """Returns the config with a given name.

    Args:
        name: Name of the config.

    Raises:
        InputError: If no config has this name; the message lists the names.
    """
    if name not in CONFIGS:
        raise InputError(
            f"no config {name!r}.{did_you_mean(name, CONFIGS)} There are:\n  "
            + "\n  ".join(sorted(CONFIGS))
        )
    return CONFIGS[name]


def register(config: Config) -> Config:
    """Adds a config to those that `find` returns, and returns it.

    Args:
        config: Config that is defined outside this package.

    Raises:
        InputError: If a config of that name exists.
    """
    if config.name in CONFIGS:
        raise InputError(
            f"config {config.name!r} already exists ({CONFIGS[config.name].source}); choose "
            "another name"
        )
    CONFIGS[config.name] = config
    return config


def for_image_size(size: int) -> Config:
    """Returns the config of Hourglass-52 on MPII with an input size.

    It is the config that the flag `--image_size` of txyugood/PaddlePose selects.

    Args:
        size: Width and height of the network's input in px, 256 or 384.

    Raises:
        InputError: If no config has that size.
    """
    name = f"hourglass52_mpii_{size}"
    if name not in CONFIGS:
        raise InputError(
            f"{argument('--image_size')} {size}: the published sizes are 256 and 384; for another "
            "multiple of 128 add "
            + argument(
                f'-o "codec.input_size=({size},{size})"',
                f'overrides={{"codec.input_size": ({size}, {size})}}',
            )
            + " to one of them"
        )
    return CONFIGS[name]


def to_json(config: Config, data: str | Path | None = None) -> str:
    """Returns a config as the text of a config.json, which `read_beside` reads.

    With relative paths of the data, the working folder is stored, too, so that they are found from
    any other one.

    Args:
        config: Config to store.
        data: Folder of the training data to store with it; None stores none.
    """
    stored = values(config)
    content: dict[str, object] = {"config": config.name, "values": stored}
    if any(_is_relative(stored[key]) for key in _DATA_FILES):
        content["folder"] = str(Path.cwd())
    if data is not None:
        content["data"] = str(Path(data).resolve())
    return json.dumps(content, indent=2) + "\n"


def _is_relative(value: object) -> bool:
    """Returns whether a value is a relative path."""
    return isinstance(value, str) and value != "" and not Path(value).is_absolute()


def _with_found_data(content: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the values of a config.json, with relative paths of the data that were found.

    A path that is not below the stored working folder stays relative to the present one: data and
    run may have been moved together.
    """
    found = {**content["values"]}
    for key in _DATA_FILES:
        if isinstance(content.get("folder"), str) and _is_relative(found.get(key)):
            path = (Path(content["folder"]) / found[key]).resolve()
            if path.exists() and path != Path(found[key]).resolve():
                found[key] = str(path)
    return found


def data_of_run(run_dir: Path) -> str | None:
    """Returns the folder of the data that a run was trained on; None if config.json states none.

    Args:
        run_dir: Folder of the run, with its config.json.

    Raises:
        InputError: If the folder of the data does not exist any more.
    """
    path = run_dir / FILE_NAME
    content = read_json(path) if path.is_file() else {}
    folder = content.get("data") if isinstance(content, dict) else None
    if not isinstance(folder, str):
        return None
    if not Path(folder).is_dir():
        raise InputError(
            f"{run_dir}: was trained on the data in {folder}, which does not exist; specify the "
            f"folder with {argument('--dataset_root D', 'data')}"
        )
    return folder


def data_of(weights: Path) -> str | None:
    """Returns the folder of the data that a run's weights were trained on; None if it is not known.

    Args:
        weights: Path of weights in a checkpoint of the run, or of their copy at txyugood's path.

    Raises:
        InputError: If the folder of the data does not exist any more.
    """
    folder = weights.absolute().parent
    return data_of_run(run_of(folder) or folder)


def data_to_evaluate(
    weights: Path, config: Config, changes: Mapping[str, object] | None
) -> str | None:
    """Returns the folder of the data of a run, if its weights are to be evaluated on these.

    None if the config names annotation files instead, its kind of data set was changed, or the
    data of the run are not known.

    Args:
        weights: Path of weights, as in `data_of`.
        config: Config to evaluate the weights with.
        changes: Changes of the stored config by dotted key that `config` contains.

    Raises:
        InputError: If the folder of the data does not exist any more.
    """
    if config.data.val_annotations is not None or "data.dataset" in (changes or {}):
        return None
    folder = data_of(weights)
    if folder is not None:
        _log.info(f"Data of the run: {folder}")
    return folder


def read_beside(weights: Path) -> Config | None:
    """Returns the config that is stored with a weights file; None if there is none.

    It is read from the metadata of an exported file, or from the config.json in the same folder.

    Args:
        weights: Weights file, or an exported file.

    Raises:
        InputError: If the stored config is invalid, or config.json does not match the checksum in
            the checkpoint's manifest.
    """
    path = weights.parent / FILE_NAME
    metadata = read_metadata(weights)
    if metadata is None and not path.is_file():
        return None
    try:
        content = metadata["config"] if metadata else read_json(path)
        config = override(find(content["config"]), upgraded(_with_found_data(content)))
    except (AttributeError, KeyError, TypeError, ValueError) as problem:
        raise InputError(
            f"{weights if metadata else path}: not a config that this version reads ({problem}); "
            f"move the file away and specify a config with {argument('--config')}"
        ) from problem
    if metadata is None:
        manifest.check_file(path)
    return config


def stored_identity(stored: Mapping[str, object]) -> dict[str, object]:
    """Returns the identity of a checkpoint with the keys of this version, see `overrides.identity`.

    Keys of earlier versions are renamed; missing values are taken from the config that `stored`
    names.

    Args:
        stored: Identity of a run, {dotted key: value}; it may contain further entries besides the
            values of the config.

    Raises:
        InputError: If `stored` does not name a config, or its values are invalid.
    """
    sections = {field.name for field in dataclasses.fields(Config)}
    content = upgraded(stored)
    settings = {key: value for key, value in content.items() if key.partition(".")[0] in sections}
    rest = {key: value for key, value in content.items() if key not in settings}
    return {**identity(override(find(str(content.get("config"))), settings)), **rest}


def config_of(
    weights: Path,
    name: str | None = None,
    image_size: int | None = None,
    changes: Mapping[str, object] | None = None,
) -> Config:
    """Returns the config of a weights file.

    It is the config stored with the file; if there is none, the config given by `name` or
    `image_size`; if neither is given, that of the outputs of an ONNX file of another program, see
    `foreign`, or the config of the published file that has the same checksum.

    Args:
        weights: Weights file, or an exported file.
        name: Name of a config; None takes the stored config.
        image_size: Input size of Hourglass-52 on MPII, as in txyugood/PaddlePose; None uses the
            stored config.
        changes: Values by dotted key that replace those of the config.

    Raises:
        FileNotFoundError: If the file does not exist.
        InputError: If the file is not a weights file, the config cannot be determined, or the
            arguments contradict the stored config.
    """
    if not weights.is_file():
        raise FileNotFoundError(f"{weights}: no such weights file")
    stored = read_beside(weights)
    is_unknown = stored is None and name is None and image_size is None
    if is_unknown and weights.suffix == ".onnx":
        return foreign_config(weights, changes or {})
    if "model.format" in (changes or {}):
        raise InputError(
            f"{argument('--weights_format', 'model.format')}: is for ONNX files of other programs; "
            f"{weights} has a config; leave it out"
        )
    if is_unknown and (published := recognise(weights)):
        name = published.config or None
        _log.info(
            "%s is the published file %s (same checksum); config %s",
            weights,
            published.name,
            name or "none: it is a person detector",
        )
    if is_unknown and name is None and weights.suffix not in _EXPORTED:
        check_kind(weights)
    return resolve(stored, name, image_size, changes or {})


def _with_joints_of(stored: Config, changed: Config) -> Config:
    """Returns a changed config whose joints are in the order of the network's outputs.

    Args:
        stored: Config stored with the weights.
        changed: `stored` with other values, such as another skeleton.

    Raises:
        InputError: If the skeleton does not have the joints that the network was trained on.
    """
    trained, asked = stored.codec.skeleton, changed.codec.skeleton
    if asked.joints == trained.joints:
        return changed
    if asked.num_joints != trained.num_joints or -1 in asked.slots(trained.joints):
        raise InputError(
            f"{argument('--skeleton', 'codec.skeleton')}: {asked.name} has the joints "
            f"{', '.join(asked.joints)}, but the weights were trained on "
            f"{', '.join(trained.joints)}; name these, in any order"
        )
    return override(changed, {"codec.skeleton": asked.in_order(trained.joints)})


def resolve(
    stored: Config | None,
    config_name: str | None,
    image_size: int | None,
    changes: Mapping[str, object],
) -> Config:
    """Returns the config stored with a checkpoint, or else the config that flags name, changed.

    If both are given, they must not contradict each other.

    Args:
        stored: Config stored with the weights; None if there is none.
        config_name: Value of `--config`; None if not given.
        image_size: Value of `--image_size` in px; None if not given.
        changes: Values by dotted key from `-o` and other flags; they are applied to the chosen
            config.

    Raises:
        InputError: If the flags contradict the stored config, name other joints than it, or there
            is neither a stored config nor a flag.
    """
    if stored is not None:
        if config_name not in (None, stored.name):
            raise InputError(
                f"{argument('--config')} {config_name}, but the checkpoint was trained as "
                f"{stored.name}"
            )
        if image_size not in (None, stored.codec.input_size[0]):
            raise InputError(
                f"{argument('--image_size')} {image_size}, but the checkpoint was trained at "
                f"{stored.codec.input_size[0]}"
            )
        return _with_joints_of(stored, override(stored, changes))
    if config_name is None and image_size is None:
        raise InputError(
            f"there is no {FILE_NAME} beside the weights that states their network; "
            + argument(
                "add --config NAME (--list_configs lists the names) or --image_size 256|384",
                f"pass one of these as config: {', '.join(CONFIGS)}; or image_size 256 or 384",
            )
        )
    config = find(config_name) if config_name else for_image_size(image_size or 0)
    if image_size not in (None, config.codec.input_size[0]):
        raise InputError(
            f"{argument('--image_size')} {image_size}, but config {config.name} has "
            f"{config.codec.input_size[0]}"
        )
    return override(config, changes)
