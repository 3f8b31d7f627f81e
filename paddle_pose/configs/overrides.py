"""Reads and changes the values of a config by dotted key, such as "train.batch_size".

Command-line flags, `-o key=value` and the config.json next to a checkpoint are all mappings {dotted
key: value}, so an unknown key or a value of the wrong type raises the same error everywhere. A part
of a config that can be one of several classes, e.g. `model` or `train.schedule`, has a key of its
own, whose value is the short name of the class (see `kinds`).
"""

from __future__ import annotations

import ast
import dataclasses
import types
from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from paddle_pose import kinds
from paddle_pose.configs.specs import Config
from paddle_pose.data.augment import Augment
from paddle_pose.data.skeleton_file import read_skeleton
from paddle_pose.errors import InputError, did_you_mean
from paddle_pose.ranges import check
from paddle_pose.skeletons import SKELETONS, Skeleton

_FIXED = ("name", "source", "command", "differs")
# Current names of keys in files that were written by earlier versions.
RENAMED: Mapping[str, str] = {
    "train.warmup": "train.schedule.warmup",
    "train.warmup_start": "train.schedule.warmup_start",
    "train.milestones": "train.schedule.milestones",
    "train.gamma": "train.schedule.gamma",
    "loss.kind": "loss.error",
}
# Values of keys that earlier versions did not have, where a config of today states others: files
# without them were written by trainings that did without.
_ABSENT: Mapping[str, Any] = {
    "train.total_batch": 0,
    "train.ema_gamma": 0,
    "augment.truncated": False,
    "data.boxes_from_keypoints": False,
    "data.unlabelled_joints": "allow",
    "augment.exclusive": False,
    "augment.padding": 0.0,
    "augment.crop": 0.0,
    "augment.color_distortion": 0.0,
    "augment.noise": 0,
    "augment.joint_occlusion": 0.0,
}


def values(config: Config) -> dict[str, Any]:
    """Returns all values of a config as {dotted key: value in JSON's types}.

    The short name of a class precedes the fields of the class.

    Args:
        config: Config to read.

    Example:
        >>> from paddle_pose.configs.registry import CONFIGS
        >>> list(values(CONFIGS["hourglass52_mpii_384"]).items())[:2]
        [('model', 'hourglass'), ('model.num_stacks', 1)]
        >>> values(CONFIGS["hourglass52_mpii_384"])["codec.input_size"]
        [384, 384]
    """
    return dict(_flat(config, ""))


def identity(config: Config) -> dict[str, Any]:
    """Returns the values that determine the result of a training; they must not change on resume.

    The number of epochs is not among them, since a training may be extended. With a cosine schedule
    this changes the learning rates of the remaining steps, which `Trainer.resume` reports.

    Args:
        config: Config of the training.

    Example:
        >>> from paddle_pose.configs.registry import CONFIGS
        >>> "train.batch_size" in identity(CONFIGS["hourglass52_mpii_256"])
        True
    """
    excluded = {
        "data.train_annotations",  # files and folders may be moved
        "data.val_annotations",
        "data.images",
        "data.cache",
        "data.unlabelled_joints",
        "train.checkpoint_minutes",
        "train.checkpoint_steps",
        "train.conv_workspace",
        "train.cudnn_search",
        "train.deterministic",
        "train.epochs",
        "train.keep",
        "train.log_every",
        "train.max_bad_steps",
        "train.num_workers",
        "train.on_bad_image",
        "train.pin_memory",
        "train.read_timeout",
        "train.steps",
        "train.total_batch",  # batch_size and accumulate say how many images a step takes
    }
    return {"config": config.name} | {
        key: value for key, value in values(config).items() if key not in excluded
    }


def override(config: Config, changes: Mapping[str, Any]) -> Config:
    """Returns a copy of the config with single values replaced.

    Short names of classes are applied first, independent of their order in `changes`. If a class is
    replaced by another one, the new class starts with its own defaults, except for the fields that
    all classes in its place have: `warmup`, `warmup_start` and `warmup_share` of a schedule,
    `skeleton` and `input_size` of a codec.

    If `final_augment` is None, "final_augment=augment" or a change of one of its fields first sets
    it to a copy of `augment` (of the default `Augment` if that is None as well), after all other
    changes.

    A skeleton with `can_flip` False sets `augment.flip` and `final_augment.flip` to 0 and `val.flip`
    to False.

    Args:
        config: Config to start from; it is not modified.
        changes: New values by dotted key; a value may also be text, as on a command line.

    Raises:
        InputError: If a key does not exist (the message lists the keys of the same part), or a value
            has the wrong type or lies outside its range, or asks for mirrored images of a skeleton
            that cannot be mirrored.

    Example:
        >>> from paddle_pose.configs.registry import CONFIGS
        >>> plain = CONFIGS["hourglass52_mpii_256"]
        >>> changed = override(plain, {"train.batch_size": "8", "augment": "none"})
        >>> changed.train.batch_size, changed.augment
        (8, None)
        >>> changes = {"train.schedule.warmup": 9, "train.schedule": "cosine"}
        >>> override(changed, changes).train.schedule
        CosineScheduleSpec(warmup=9, warmup_start=0.001, warmup_share=0.0)
        >>> changed = override(plain, {"final_augment.flip": 0.1, "augment.scale": 0.2})
        >>> changed.final_augment.flip, changed.final_augment.scale
        (0.1, 0.2)
    """
    check_changes(changes)
    first = _kind_keys(config, "")

    def order(key: str) -> tuple[bool, bool]:
        return key not in first, key.startswith("final_augment")

    for key in sorted(changes, key=order):
        config = _replaced(config, key.split("."), changes[key], key, config)
    return config if config.codec.skeleton.can_flip else _without_flips(config, changes)


def _without_flips(config: Config, changes: Mapping[str, Any]) -> Config:
    """Returns a config without mirrored images, for a skeleton that cannot be mirrored.

    Raises:
        InputError: If `changes` ask for them.
    """
    current = {
        f"{part}.flip": getattr(config, part).flip
        for part in ("augment", "final_augment", "val")
        if getattr(config, part) is not None
    }
    asked = next((key for key, value in current.items() if value and key in changes), None)
    if asked is not None:
        raise InputError(
            f"key {asked!r}: skeleton {config.codec.skeleton.name} cannot be mirrored, since its"
            " mirror pairs are not known (can_flip); state 'mirror_pairs' in a skeleton file"
        )
    for key, value in current.items():
        off = False if value is True or value is False else 0.0
        config = _replaced(config, key.split("."), off, key, config)
    return config


def check_changes(changes: object) -> None:
    """Raises an error if overrides are not a mapping with strings as keys.

    Whether the keys exist in a config is checked by `override`.

    Args:
        changes: Argument `overrides` of the public functions.

    Raises:
        InputError: If `changes` is not a mapping, or a key is not a string.
    """
    if not isinstance(changes, Mapping):
        raise InputError(
            f"overrides is a {type(changes).__name__}; expected a mapping of values by dotted key, "
            'such as {"train.epochs": 50}'
        )
    for key in changes:
        if not isinstance(key, str):
            raise InputError(
                f'overrides has the key {key!r}; expected dotted keys, such as "train.epochs"'
            )


def upgraded(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the values of a stored config under the keys of this version.

    Keys that were renamed since are replaced. With the schedule "cosine", "train.milestones" and
    "train.gamma" are dropped, which had no effect. Keys that the version which wrote the file did
    not have are added with the values with which it trained. All other keys, also unknown ones, are
    returned unchanged.

    Args:
        stored: {dotted key: value} from the config.json of a checkpoint of any version.

    Example:
        >>> upgraded({"train.schedule": "cosine", "train.warmup": 5, "train.gamma": 0.1})
        {'train.schedule': 'cosine', 'train.schedule.warmup': 5}
    """
    is_cosine = stored.get("train.schedule") == "cosine"
    unused = ("train.milestones", "train.gamma") if is_cosine else ()
    known = {RENAMED.get(key, key): value for key, value in stored.items() if key not in unused}
    complete = {  # keys of all versions
        "train": "train.batch_size",
        "data": "data.dataset",
        "augment": "augment.flip",
    }
    absent = {
        key: value
        for key, value in _ABSENT.items()
        if key not in known and complete[key.partition(".")[0]] in known
    }
    return known | absent


def _kind_keys(value: Any, prefix: str) -> set[str]:
    """Returns the dotted keys whose values are short names of classes.

    Args:
        value: A config, or a part of one.
        prefix: Prefix of the keys, with its dot.
    """
    hints = get_type_hints(type(value), include_extras=True)
    keys = set()
    for field in dataclasses.fields(value):
        if kinds.is_family(hints[field.name]):
            keys.add(prefix + field.name)
        if dataclasses.is_dataclass(content := getattr(value, field.name)):
            keys |= _kind_keys(content, f"{prefix}{field.name}.")
    return keys


def _flat(value: Any, prefix: str) -> list[tuple[str, Any]]:
    """Returns the dotted keys of a config, or of a part of one, with their values as JSON types."""
    rows: list[tuple[str, Any]] = []
    hints = get_type_hints(type(value), include_extras=True)
    for field in dataclasses.fields(value):
        content = getattr(value, field.name)
        key = prefix + field.name
        if key in _FIXED:
            continue
        if kinds.is_family(hints[field.name]):
            rows.append((key, kinds.kind_of(hints[field.name], content, key)))
        if isinstance(content, Skeleton):
            rows.append((key, dataclasses.asdict(content)))
        elif dataclasses.is_dataclass(content):
            rows += _flat(content, key + ".")
        else:
            rows.append((key, list(content) if isinstance(content, tuple) else content))
    return rows


def _replaced(node: Any, path: list[str], value: Any, key: str, root: Config) -> Any:
    """Returns a part of a config with one value replaced.

    Args:
        node: Config, or part of one.
        path: Names of the fields that lead from `node` to the value.
        value: New value, or its text as on a command line.
        key: Dotted key of the value, for messages.
        root: The whole config, for messages and for `final_augment`.
    """
    name, rest = path[0], path[1:]
    if key in _FIXED or name not in [field.name for field in dataclasses.fields(node)]:
        if key in RENAMED:
            raise InputError(f"key {key!r} was renamed to {RENAMED[key]!r}; use the new name")
        raise InputError(_unknown_key(key, root))
    current = getattr(node, name)
    if name == "final_augment" and (value == "augment" if not rest else current is None):
        current = root.augment or Augment()
        if not rest:
            return dataclasses.replace(node, final_augment=current)
    if rest:
        if not dataclasses.is_dataclass(current) or isinstance(current, Skeleton):
            raise InputError(
                f"key {key!r}: {name!r} is {current!r}, which has no field {rest[0]!r}"
            )
        return dataclasses.replace(node, **{name: _replaced(current, rest, value, key, root)})
    hint = get_type_hints(type(node), include_extras=True)[name]
    if kinds.is_family(hint):
        return dataclasses.replace(node, **{name: _of_kind(current, hint, value, key)})
    is_choice = get_origin(hint) is Literal and value in get_args(hint)  # e.g. the choice "none"
    is_text = is_choice or hint is str
    value = _literal(value) if isinstance(value, str) and not is_text else value
    return dataclasses.replace(node, **{name: _converted(value, hint, key)})


def _of_kind(current: Any, family: type, kind: object, key: str) -> Any:
    """Returns `current` if it is of this kind, else a new object that keeps the shared fields.

    Args:
        current: Present part of the config.
        family: Base class of the family.
        kind: Short name of the new class.
        key: Dotted key of the part, for messages.
    """
    chosen = kinds.find(family, kind, key)
    if kinds.kind_of(family, current, key) == kind:
        return current
    names_before = {field.name for field in dataclasses.fields(current)}
    names = {field.name for field in dataclasses.fields(chosen)} & names_before
    kept = {name: getattr(current, name) for name in kinds.shared(family) if name in names}
    return chosen(**kept)


def _unknown_key(key: str, config: Config) -> str:
    """Returns the message for a key that a config does not have, with the keys of the same part.

    Args:
        key: Dotted key.
        config: The whole config.
    """
    valid = [name for name, _ in _flat(config, "")]
    part = key.rpartition(".")[0]
    while part and not any(name.startswith(f"{part}.") for name in valid):
        part = part.rpartition(".")[0]
    if part:
        beside = ", ".join(name for name in valid if name.startswith(f"{part}."))
        known = f"The keys of {part!r} in {config.name} are {beside}"
    else:
        parts = dict.fromkeys(name.partition(".")[0] for name in valid)
        known = f"Keys begin with {', '.join(parts)}, such as train.epochs"
    return f"unknown key {key!r}.{did_you_mean(key, valid)} {known}"


def _converted(value: Any, hint: Any, key: str) -> Any:
    """Returns the value converted to the type of its field.

    Args:
        value: New value of the field.
        hint: Type of the field.
        key: Dotted key of the field, for messages.

    Raises:
        InputError: If the value has the wrong type or lies outside its range.
    """
    if hint is Skeleton:
        return _skeleton(value, key)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        check(key, value, hint)
        return arguments[0](value)
    if origin is types.UnionType and type(value) in (type(None), str) and type(value) in arguments:
        return value
    if origin is Literal and value in arguments:
        return value
    if origin is tuple and isinstance(value, list | tuple):
        hints = (arguments[0],) * len(value) if arguments[-1] is Ellipsis else arguments
        if len(hints) == len(value):
            return tuple(_converted(v, hint, key) for v, hint in zip(value, hints, strict=True))
    if isinstance(hint, type) and type(value) is hint:
        return value
    raise InputError(f"key {key!r}: got {value!r}, expected {_type_name(hint)}")


def _type_name(hint: Any) -> str:
    """Returns the name of a field's type, for messages."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        name: str = arguments[1].words(arguments[0])
        return name
    if origin is tuple:
        parts = ("..." if part is Ellipsis else _type_name(part) for part in arguments)
        return f"tuple of {', '.join(parts)}"
    return str(list(arguments)) if origin is Literal else str(getattr(hint, "__name__", hint))


def _literal(text: str) -> Any:
    """Returns the value of a text from the command line; the text itself if it is no literal."""
    lowered = text.strip().lower()
    if lowered in ("none", "true", "false"):
        return {"none": None, "true": True, "false": False}[lowered]
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text


def _skeleton(value: Any, key: str) -> Skeleton:
    """Returns a skeleton given as an object, a name, a .json file or a mapping of its fields."""
    if isinstance(value, Skeleton):
        return value
    if isinstance(value, str) and value in SKELETONS:
        return SKELETONS[value]
    if isinstance(value, str) and value.endswith(".json"):
        return read_skeleton(value)
    if isinstance(value, Mapping):
        return Skeleton(**{name: _tuples(part) for name, part in value.items()})
    raise InputError(
        f"key {key!r}: got {value!r}, expected one of {', '.join(SKELETONS)}, or a .json file"
    )


def _tuples(value: Any) -> Any:
    """Returns the value with all lists converted to tuples."""
    return tuple(map(_tuples, value)) if isinstance(value, list | tuple) else value
