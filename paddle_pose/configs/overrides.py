"""Changing single values of a config, by one mechanism: {dotted key: value}.

Command-line flags, `-o key=value` and the file beside a checkpoint are all such mappings, so an unknown key or a value of the
wrong kind is the same clear error everywhere. A part that is one of several classes, e.g. `model` or `train.schedule`, has
a key of its own, whose value is the class's short name (see `kinds`).
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

_FIXED = ("name", "source", "command")
# Keys of files that an earlier version wrote, with their names today.
RENAMED: Mapping[str, str] = {
    "train.warmup": "train.schedule.warmup",
    "train.warmup_start": "train.schedule.warmup_start",
    "train.milestones": "train.schedule.milestones",
    "train.gamma": "train.schedule.gamma",
    "loss.kind": "loss.error",
}


def values(config: Config) -> dict[str, Any]:
    """Returns every value by its dotted key, in JSON's types; the short name of a class stands before its fields.

    Example:
        >>> from paddle_pose.configs.registry import CONFIGS
        >>> list(values(CONFIGS["hourglass52_mpii_384"]).items())[:2]
        [('model', 'hourglass'), ('model.num_stacks', 1)]
        >>> values(CONFIGS["hourglass52_mpii_384"])["codec.input_size"]
        [384, 384]
    """
    return dict(_flat(config, ""))


def identity(config: Config) -> dict[str, Any]:
    """Returns the values that decide what a training computes, and that may not change in its middle.

    How many epochs it lasts is none of them: a training may go on longer. A cosine then ends later, which changes the rates
    that are still to come; `Trainer.resume` says so.

    Example:
        >>> from paddle_pose.configs.registry import CONFIGS
        >>> "train.batch_size" in identity(CONFIGS["hourglass52_mpii_256"])
        True
    """
    free = {
        "num_workers",
        "log_every",
        "max_bad_steps",
        "keep",
        "checkpoint_steps",
        "checkpoint_minutes",
    }
    free |= {"on_bad_image", "read_timeout", "epochs"}
    places = {
        f"data.{name}" for name in ("train_annotations", "val_annotations", "images", "cache")
    }  # data may move
    left_out = places | {f"train.{name}" for name in free}
    return {"config": config.name} | {
        key: value for key, value in values(config).items() if key not in left_out
    }


def override(config: Config, changes: Mapping[str, Any]) -> Config:
    """Returns the config with single values replaced.

    Short names of classes are applied first, whatever the order. Another class than the present one begins with its own
    defaults, except for the fields that its family shares: a schedule's `warmup` and `warmup_start`, a codec's `skeleton`
    and `input_size`.

    Where `final_augment` is None, "final_augment=augment" or one of its parts starts it as a copy of `augment`, after all
    other changes; of the default `Augment` where that is None, too.

    Args:
        config: to start from; it stays as it is.
        changes: dotted key -> value, or the value's text as on a command line.

    Raises:
        InputError: If a key does not exist (the valid ones are listed), or its value is of the wrong kind or outside its range.

    Example:
        >>> from paddle_pose.configs.registry import CONFIGS
        >>> changed = override(CONFIGS["hourglass52_mpii_256"], {"train.batch_size": "8", "augment": "none"})
        >>> changed.train.batch_size, changed.augment
        (8, None)
        >>> override(changed, {"train.schedule.warmup": 9, "train.schedule": "cosine"}).train.schedule
        CosineScheduleSpec(warmup=9, warmup_start=0.001)
        >>> changed = override(CONFIGS["hourglass52_mpii_256"], {"final_augment.flip": 0.1, "augment.scale": 0.2})
        >>> changed.final_augment.flip, changed.final_augment.scale
        (0.1, 0.2)
    """
    check_changes(changes)
    first = _kind_keys(config, "")

    def order(key: str) -> tuple[bool, bool]:
        return key not in first, key.startswith("final_augment")

    for key in sorted(changes, key=order):
        config = _replaced(config, key.split("."), changes[key], key, config)
    return config


def check_changes(changes: object) -> None:
    """Refuses what is no mapping of values by dotted key.

    Args:
        changes: Argument `overrides` of the public functions.

    Raises:
        InputError: If it is no mapping, or a key is no string.
    """
    if not isinstance(changes, Mapping):
        raise InputError(
            f"overrides is a {type(changes).__name__}; expected a mapping of values by dotted key, such as "
            '{"train.epochs": 50}'
        )
    for key in changes:
        if not isinstance(key, str):
            raise InputError(
                f'overrides has the key {key!r}; expected dotted keys, such as "train.epochs"'
            )


def upgraded(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the values of a file by the keys of today, whichever version wrote it.

    Args:
        stored: Values by the keys of the version that wrote the file.

    Example:
        >>> upgraded({"train.schedule": "cosine", "train.warmup": 5, "train.gamma": 0.1})
        {'train.schedule': 'cosine', 'train.schedule.warmup': 5}
    """
    without_use = (
        ("train.milestones", "train.gamma") if stored.get("train.schedule") == "cosine" else ()
    )
    return {RENAMED.get(key, key): value for key, value in stored.items() if key not in without_use}


def _kind_keys(value: Any, prefix: str) -> set[str]:
    """Returns the keys whose values are short names of classes."""
    hints, found = get_type_hints(type(value), include_extras=True), set()
    for field in dataclasses.fields(value):
        if kinds.is_family(hints[field.name]):
            found.add(prefix + field.name)
        if dataclasses.is_dataclass(content := getattr(value, field.name)):
            found |= _kind_keys(content, f"{prefix}{field.name}.")
    return found


def _flat(value: Any, prefix: str) -> list[tuple[str, Any]]:
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
    """Returns `node` with the value at `path` replaced; `key` and `root` are for messages."""
    name, rest = path[0], path[1:]
    if key in _FIXED or name not in [field.name for field in dataclasses.fields(node)]:
        valid = [name for name, _ in _flat(root, "")]
        if key in RENAMED:
            raise InputError(f"key {key!r}: it is {RENAMED[key]!r} now; write that instead")
        raise InputError(
            f"unknown key {key!r}.{did_you_mean(key, valid)} The valid ones are\n  "
            + "\n  ".join(valid)
            + "\nand augment=none, final_augment=none, final_augment=augment"
        )
    current = getattr(node, name)
    if name == "final_augment" and (value == "augment" if not rest else current is None):
        current = root.augment or Augment()
        if not rest:
            return dataclasses.replace(node, final_augment=current)
    if rest:
        if not dataclasses.is_dataclass(current) or isinstance(current, Skeleton):
            raise InputError(f"key {key!r}: {name!r} is {current!r}, which has no part {rest[0]!r}")
        return dataclasses.replace(node, **{name: _replaced(current, rest, value, key, root)})
    hint = get_type_hints(type(node), include_extras=True)[name]
    if kinds.is_family(hint):
        return dataclasses.replace(node, **{name: _of_kind(current, hint, value, key)})
    is_a_choice = get_origin(hint) is Literal and value in get_args(hint)  # "none" may be one
    value = _literal(value) if isinstance(value, str) and not is_a_choice else value
    return dataclasses.replace(node, **{name: _fitted(value, hint, key)})


def _of_kind(current: Any, family: type, kind: object, key: str) -> Any:
    """Returns the present values where they are of this kind, otherwise the kind's defaults with what its family shares."""
    chosen = kinds.find(family, kind, key)
    if kinds.kind_of(family, current, key) == kind:
        return current
    names = {field.name for field in dataclasses.fields(chosen)} & {
        field.name for field in dataclasses.fields(current)
    }
    return chosen(
        **{name: getattr(current, name) for name in kinds.shared(family) if name in names}
    )


def _fitted(value: Any, hint: Any, key: str) -> Any:
    """Returns the value in the field's type, or explains why it does not fit."""
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
        kinds = (arguments[0],) * len(value) if arguments[-1] is Ellipsis else arguments
        if len(kinds) == len(value):
            return tuple(_fitted(v, kind, key) for v, kind in zip(value, kinds, strict=True))
    if isinstance(hint, type) and type(value) is hint:
        return value
    raise InputError(f"key {key!r}: got {value!r}, expected {_words(hint)}")


def _words(hint: Any) -> str:
    """Returns how a message names a field's type."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        words: str = arguments[1].words(arguments[0])
        return words
    if origin is tuple:
        return f"tuple of {', '.join('...' if part is Ellipsis else _words(part) for part in arguments)}"
    return str(list(arguments)) if origin is Literal else str(getattr(hint, "__name__", hint))


def _literal(text: str) -> Any:
    lowered = text.strip().lower()
    if lowered in ("none", "true", "false"):
        return {"none": None, "true": True, "false": False}[lowered]
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text


def _skeleton(value: Any, key: str) -> Skeleton:
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
    return tuple(map(_tuples, value)) if isinstance(value, list | tuple) else value
