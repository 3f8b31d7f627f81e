"""Every number of a config states its range, and nothing outside it gets into a config."""

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
    """The type of every value of a config by its dotted key."""
    found = {}
    for name, hint in get_type_hints(type(node), include_extras=True).items():
        content = getattr(node, name)
        if is_dataclass(content):
            found |= hints(content, f"{prefix}{name}.")
        elif name in {field.name for field in dataclasses.fields(node)}:
            found[prefix + name] = hint
    return found


def numbers(hint: Any) -> list[tuple[type, Range | None]]:
    """The kinds of numbers in a type, with their ranges."""
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
EVERY = {  # once for every place that a field stands in
    (key, type(config.model), type(config.codec)): (config, key, numbers(hint)[0])
    for config in CONFIGS.values()
    for key, hint in hints(config).items()
    if numbers(hint)
}


@EACH
def test_every_number_has_a_range_that_it_lies_in(config: Config):
    counted = 0
    for key, hint in hints(config).items():
        node = config
        for name in key.split("."):
            node = getattr(node, name)
        held = [
            part
            for part in parts(node)
            if isinstance(part, int | float) and not isinstance(part, bool)
        ]
        found = numbers(hint)
        assert all(range_ is not None for _, range_ in found), f"{key} states no range"
        assert get_origin(hint) is not None or not held, (
            f"{key} holds a number, but its type says nothing of one"
        )
        for number in held if found else ():
            assert number in found[0][1], f"{key}: {number}"
            counted += 1
    assert counted > 40


@pytest.mark.parametrize("field", EVERY.values(), ids=lambda field: f"{field[1]}-{field[0].name}")
def test_what_lies_outside_is_refused_by_key_and_range(field):
    config, key, (kind, allowed) = field
    before = values(config)
    if key.startswith("codec.skeleton."):  # set as a whole
        part = key.removeprefix("codec.skeleton.")
        whole = before["codec.skeleton"]

        def changed(number):
            skeleton = whole | {part: [number, *whole[part][1:]]}
            return override(config, {"codec.skeleton": skeleton})
    else:

        def changed(number):
            held = before[key]
            return override(
                config, {key: [number, *held[1:]] if isinstance(held, list) else number}
            )

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
        *(("train.learning_rate", text) for text in ("nan", "-1", "1e30", "0")),
        *(
            ("train.seed", "-1"),
            ("train.eval_every", "0"),
            ("train.batch_size", "0"),
            ("train.epochs", "-1"),
        ),
        *(
            ("codec.sigma", "-1"),
            ("train.num_workers", "5000"),
            ("data.context", "1e999"),
            ("data.context", "inf"),
        ),
        *(
            ("codec.input_size", "(200000, 256)"),
            ("codec.stride", "0"),
            ("train.schedule.milestones", "(10, -1)"),
        ),
    ],
)
def test_a_text_that_is_no_sensible_number_is_refused(key, value):
    for config in (PLAIN, MOVENET):
        with pytest.raises(InputError, match=rf"{key}.*(from|above)"):
            override(config, {key: value})


@pytest.mark.parametrize("bad", [float("nan"), -float("inf"), 0, 1e30])
def test_a_number_beside_weights_and_in_an_exports_metadata_is_checked(tmp_path, bad):
    content = json.loads(to_json(PLAIN))
    content["values"]["codec.sigma"] = bad
    (tmp_path / FILE_NAME).write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError, match=r"config.json.*codec.sigma.*above 0"):
        read_beside(tmp_path / "model.pdparams")
    exported = tmp_path / "model.xml"
    metadata_path(exported).write_text(
        json.dumps({"version": VERSION, "config": content}), encoding="utf-8"
    )
    with pytest.raises(InputError, match=r"model.xml.*codec.sigma.*above 0"):
        read_beside(exported)


def test_a_codec_made_by_hand_is_checked_as_well():
    for changes in ({"stride": 0}, {"sigma": float("nan")}, {"input_size": (64, float("inf"))}):
        with pytest.raises(InputError, match=f"codec.{next(iter(changes))}"):
            replace(PLAIN.codec, **changes)
