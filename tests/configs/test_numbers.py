"""Every numeric field of a config has a range, and values outside it are rejected."""

import dataclasses
import json
from dataclasses import is_dataclass, replace
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import pytest

from paddle_pose.backends.metadata import VERSION, metadata_path
from paddle_pose.configs.overrides import override, values
from paddle_pose.configs.registry import CONFIGS, FILE_NAME, read_beside, to_json
from paddle_pose.configs.specs import Config
from paddle_pose.errors import InputError
from paddle_pose.ranges import Range

PLAIN, MOVENET = CONFIGS["hourglass52_mpii_256"], CONFIGS["movenet_lightning_coco"]


def hints(node: Any, prefix: str = "") -> dict[str, Any]:
    """Returns the type of every value of a config by dotted key."""
    types = {}
    for name, hint in get_type_hints(type(node), include_extras=True).items():
        content = getattr(node, name)
        if is_dataclass(content):
            types |= hints(content, f"{prefix}{name}.")
        elif name in {field.name for field in dataclasses.fields(node)}:
            types[prefix + name] = hint
    return types


def numbers(hint: Any) -> list[tuple[type, Range | None]]:
    """Returns the numeric types within a type, with their ranges."""
    if get_origin(hint) is Annotated:
        kind, *ranges = get_args(hint)
        return [(kind, next((extra for extra in ranges if isinstance(extra, Range)), None))]
    if hint in (int, float):
        return [(hint, None)]
    return [
        number
        for part in get_args(hint)
        if isinstance(part, type) or get_origin(part)
        for number in numbers(part)
    ]


def parts(value: Any) -> list[Any]:
    return list(value) if isinstance(value, tuple | list) else [value]


EACH = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
NUMERIC_FIELDS = {  # each field once per class of network and codec
    (key, type(config.model), type(config.codec)): (config, key, numbers(hint)[0])
    for config in CONFIGS.values()
    for key, hint in hints(config).items()
    if numbers(hint)
}


@EACH
def test_every_number_lies_in_a_declared_range(config: Config):
    count = 0
    for key, hint in hints(config).items():
        node = config
        for name in key.split("."):
            node = getattr(node, name)
        contained = [
            part
            for part in parts(node)
            if isinstance(part, int | float) and not isinstance(part, bool)
        ]
        declared = numbers(hint)
        assert all(range_ is not None for _, range_ in declared), f"{key} has no range"
        assert get_origin(hint) is not None or not contained, (
            f"{key} contains a number, but its type declares none"
        )
        for number in contained if declared else ():
            assert number in declared[0][1], f"{key}: {number}"
            count += 1
    assert count > 40


@pytest.mark.parametrize(
    "field", NUMERIC_FIELDS.values(), ids=lambda field: f"{field[1]}-{field[0].name}"
)
def test_values_outside_the_range_raise_with_key_and_range(field):
    config, key, (kind, allowed) = field
    before = values(config)
    if key.startswith("codec.skeleton."):  # a skeleton is replaced as a whole
        part = key.removeprefix("codec.skeleton.")
        whole = before["codec.skeleton"]

        def changed(number):
            skeleton = whole | {part: [number, *whole[part][1:]]}
            return override(config, {"codec.skeleton": skeleton})
    else:

        def changed(number):
            old = before[key]
            new = [number, *old[1:]] if isinstance(old, list) else number
            return override(config, {key: new})

    outside = [float("nan"), float("inf"), -float("inf"), -1e30, 1e30, 10**400, -(10**400), True]
    outside += [kind(allowed.min) - 1, kind(allowed.max) + 1, "1e999", "nan"]
    outside += [kind(allowed.min)] if allowed.exclusive_min else []
    for number in outside:
        with pytest.raises(InputError) as caught:
            changed(number)
        assert key in str(caught.value)
        assert allowed.words(kind) in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("train.learning_rate", "nan"),
        ("train.learning_rate", "-1"),
        ("train.learning_rate", "1e30"),
        ("train.learning_rate", "0"),
        ("train.seed", "-1"),
        ("train.eval_every", "0"),
        ("train.batch_size", "0"),
        ("train.epochs", "-1"),
        ("codec.sigma", "-1"),
        ("train.num_workers", "5000"),
        ("data.context", "1e999"),
        ("data.context", "inf"),
        ("codec.input_size", "(200000, 256)"),
        ("codec.stride", "0"),
        ("train.schedule.milestones", "(10, -1)"),
    ],
)
def test_texts_that_are_invalid_numbers_raise(key, value):
    for config in (PLAIN, MOVENET):
        with pytest.raises(InputError, match=rf"{key}.*(from|above)"):
            override(config, {key: value})


@pytest.mark.parametrize("bad", [float("nan"), -float("inf"), 0, 1e30])
def test_numbers_in_config_files_and_export_metadata_are_checked(tmp_path, bad):
    content = json.loads(to_json(PLAIN))
    content["values"]["codec.sigma"] = bad
    (tmp_path / FILE_NAME).write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError, match=r"config.json.*codec.sigma.*above 0"):
        read_beside(tmp_path / "model.pdparams")
    exported = tmp_path / "model.xml"
    tensor = {"name": "image", "shape": ["N", 64, 64, 3], "dtype": "uint8"}
    metadata = {
        "version": VERSION,
        "input": tensor,
        "outputs": [tensor],
        "codec": {"kind": "HeatmapCodec"},
        "config": content,
    }
    metadata_path(exported).write_text(json.dumps(metadata), encoding="utf-8")
    with pytest.raises(InputError, match=r"model.xml.*codec.sigma.*above 0"):
        read_beside(exported)


def test_numbers_passed_to_a_codec_are_checked():
    for changes in ({"stride": 0}, {"sigma": float("nan")}, {"input_size": (64, float("inf"))}):
        with pytest.raises(InputError, match=f"codec.{next(iter(changes))}"):
            replace(PLAIN.codec, **changes)
