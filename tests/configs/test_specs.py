"""Specs of networks, losses, optimizers and schedules, and codecs: selected by a short name."""

import inspect
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Annotated, ClassVar

import pytest

from paddle_pose import kinds
from paddle_pose.codecs.base import Codec
from paddle_pose.codecs.heatmap import HeatmapCodec
from paddle_pose.codecs.movenet import MoveNetCodec
from paddle_pose.codecs.simcc import SimCCCodec
from paddle_pose.configs import registry, specs
from paddle_pose.configs.foreign import ForeignModel
from paddle_pose.configs.overrides import RENAMED, identity, override, upgraded, values
from paddle_pose.configs.registry import CONFIGS, FILE_NAME, read_beside, stored_identity, to_json
from paddle_pose.errors import InputError
from paddle_pose.ranges import Range
from paddle_pose.skeletons import MPII_16

PLAIN, TINY, MOVENET = (
    CONFIGS[name]
    for name in ("hourglass52_mpii_256", "hourglass_tiny_128", "movenet_lightning_coco_centernet")
)
FAMILIES = (specs.ModelSpec, specs.LossSpec, specs.OptimizerSpec, specs.ScheduleSpec, Codec)
SPECS = [spec for family in FAMILIES[:-1] for spec in kinds.known(family).values()]


def test_the_kinds_of_this_package():
    found = {family.__name__: set(kinds.known(family)) for family in FAMILIES}
    assert found["ModelSpec"] >= {
        "hourglass",
        "stacked_hourglass",
        "hrnet",
        "simple_baseline",
        "movenet",
        "rtmpose",
        "lite_hrnet",
    }
    assert found["LossSpec"] >= {"heatmap_mse", "movenet", "simcc_kl"}
    assert found["OptimizerSpec"] >= {"adam", "adamw", "rmsprop"}
    assert found["ScheduleSpec"] >= {"steps", "cosine", "flat_cosine"}
    assert found["Codec"] >= {"heatmap", "movenet", "simcc"}


@pytest.mark.parametrize(
    "spec", [spec for spec in SPECS if spec is not ForeignModel], ids=lambda spec: spec.__name__
)
def test_a_target_accepts_the_arguments_of_its_spec(spec):
    pytest.importorskip("paddle")
    family, made = kinds.family_of(spec), spec()
    target = inspect.signature(kinds.load(spec.target))
    if family is specs.OptimizerSpec:
        target.bind("network", grad_clip=None, **made.arguments())
    elif family is specs.ScheduleSpec:
        target.bind(**made.arguments(0.1, steps_per_epoch=10, epochs=3))
    else:
        codec = SimCCCodec() if spec is specs.RTMPoseModel else HeatmapCodec()
        target.bind(**made.arguments(codec))


@pytest.mark.parametrize("field", ["width", "stem_channels"])
def test_lite_hrnet_needs_even_numbers_of_channels(field):
    with pytest.raises(InputError, match=rf"model\.{field} is 9; expected an even number"):
        specs.LiteHRNetModel(**{field: 9})


def test_rtmpose_needs_the_simcc_codec():
    with pytest.raises(InputError, match="codec=simcc"):
        specs.RTMPoseModel().arguments(HeatmapCodec())


@pytest.mark.parametrize(
    "spec", [s for s in SPECS if issubclass(s, specs.OptimizerSpec)], ids=lambda s: s.__name__
)
def test_the_defaults_of_an_optimizer_are_those_of_paddle(spec):
    paddle = pytest.importorskip("paddle")
    class_name = {"adam": "Adam", "adamw": "AdamW", "rmsprop": "RMSProp"}[spec.kind]
    defaults = inspect.signature(getattr(paddle.optimizer, class_name)).parameters
    field_values = spec().field_values()
    field_values.pop("decay_norms_and_biases", None)
    for name, value in field_values.items():
        assert value == (defaults[name].default or 0.0), name


def test_epochs_are_converted_to_steps():
    pytest.importorskip("paddle")
    steps = specs.StepScheduleSpec(warmup=0, milestones=(2, 3), gamma=0.5)
    rate = kinds.load(steps.target)(**steps.arguments(1.0, steps_per_epoch=10, epochs=9))
    assert [rate(step) for step in (19, 20, 30)] == [1.0, 0.5, 0.25]
    cosine = specs.CosineScheduleSpec(warmup=4, warmup_start=0.0)
    rate = kinds.load(cosine.target)(**cosine.arguments(1.0, steps_per_epoch=10, epochs=9))
    assert (rate.base, rate.total, rate.warmup, rate.warmup_start) == (1.0, 90, 4, 0.0)
    assert [rate(0), rate(90)] == pytest.approx([0.0, 0.0])


def test_losses_take_joint_weights_and_limbs_from_the_skeleton():
    codec = HeatmapCodec(skeleton=MPII_16)
    heatmap_loss = specs.HeatmapLossSpec(joint_weights=True)
    assert heatmap_loss.arguments(codec)["joint_weights"] == MPII_16.weights
    assert specs.MoveNetLossSpec(error="focal").arguments(codec)["limbs"] == MPII_16.limb_indices


def test_a_weights_file_determines_some_fields():
    assert specs.HourglassModel().fitted(["backbone.inters.0.conv1.weight"]).inters
    assert not specs.HourglassModel(inters=True).fitted(["stem.0.conv.weight"]).inters
    bgr = specs.SimpleBaselineModel(order="bgr")
    assert bgr.fitted(["conv1.weight"]) == bgr
    assert bgr.fitted(["backbone.conv1.weight"]).order == "rgb"
    assert "BGR" in bgr.remark(bgr)
    rgb = replace(bgr, order="rgb")
    assert bgr.fitted(["backbone.conv1.weight"]).remark(bgr) != rgb.remark(rgb)
    assert specs.HRNetModel().fitted(["backbone.conv1.weight"]) == specs.HRNetModel()
    assert specs.HRNetModel().remark(specs.HRNetModel()) == ""


# Selection by short name


def test_setting_the_present_kind_changes_nothing():
    for config in CONFIGS.values():
        present = {key: value for key, value in values(config).items() if key in KINDS}
        assert override(config, present) == config


KINDS = ("model", "codec", "loss", "train.optimizer", "train.schedule")


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_kinds_precede_their_fields_and_are_read_in_any_order(tmp_path, config):
    keys = list(values(config))
    for kind in KINDS:
        assert keys[keys.index(kind) + 1].startswith(f"{kind}.")
    content = {"config": PLAIN.name, "values": dict(reversed(values(config).items()))}
    (tmp_path / FILE_NAME).write_text(json.dumps(content), encoding="utf-8")
    read = read_beside(tmp_path / "model.pdparams")
    assert values(read) == values(config)
    assert type(read.model) is type(config.model)


def test_another_kind_starts_with_its_defaults_and_the_shared_fields():
    tiny = override(TINY, {"train.schedule": "steps"})
    assert tiny.train.schedule == specs.StepScheduleSpec(warmup=50)
    # The field stem_channels of the tiny Hourglass is not shared.
    assert override(TINY, {"model": "hrnet"}).model == specs.HRNetModel()
    assert override(TINY, {"codec": "movenet"}).codec == MoveNetCodec(
        skeleton=MPII_16, input_size=(128, 128)
    )
    assert override(MOVENET, {"loss": "heatmap_mse"}).loss == specs.HeatmapLossSpec()
    changes = {"train.optimizer.weight_decay": "0.05", "train.optimizer": "adamw"}
    assert override(TINY, changes).train.optimizer == specs.AdamWSpec(weight_decay=0.05)
    both = override(
        TINY, {"train.schedule.gamma": 0.5, "train.schedule": "steps", "train.schedule.warmup": 7}
    )
    assert both.train.schedule == specs.StepScheduleSpec(warmup=7, gamma=0.5)
    assert override(TINY, {"augment": "none"}).augment is None


MALICIOUS = [
    {"model": "os:system"},
    {"model": "paddle_pose.models.hrnet:HRNet"},
    {"model": "unheard_of"},
    {"model": "adamw"},  # of another family
    {"train.optimizer": "hrnet"},
    {"loss": "heatmap"},
    {"codec": "heatmap_mse"},
    {"model": ["hrnet"]},
    {"model": {"kind": "hrnet", "target": "os:system"}},
    {"model": None},
    {"model": ""},
    {"model.target": "os:system"},
    {"model.kind": "hrnet"},
    {"train.schedule.target": "os:system"},
    {"codec.kind": "movenet"},
    {"codec.graph": "os:system"},
    {"model.__class__": "os"},
    {"model.target.x": "os"},
    {"model.channels": {"__import__": "os"}},
    {"train": {"optimizer": "adam"}},
    {"train.optimizer.beta1": "__import__('os').getcwd()"},
]


@pytest.mark.parametrize("changes", MALICIOUS, ids=lambda changes: json.dumps(changes))
def test_a_file_or_flag_cannot_execute_code(tmp_path, monkeypatch, changes):
    content = {"config": PLAIN.name, "values": {**values(PLAIN), **changes}}
    (tmp_path / FILE_NAME).write_text(json.dumps(content), encoding="utf-8")

    def fail(name=""):
        raise AssertionError(f"{name} was loaded")

    monkeypatch.setattr(kinds, "load", fail)
    monkeypatch.setattr(os, "system", fail)
    monkeypatch.setattr(os, "getcwd", fail)
    monkeypatch.delitem(sys.modules, "paddle_pose.models.hrnet", raising=False)
    modules = set(sys.modules)
    with pytest.raises(InputError, match=FILE_NAME):
        read_beside(tmp_path / "model.pdparams")
    with pytest.raises(InputError):
        override(PLAIN, changes)
    assert set(sys.modules) == modules


# Files of earlier versions


OLD = {  # the keys of an old file of hourglass_tiny_128 that have been renamed or removed
    "train.warmup": 3,
    "train.warmup_start": 0.001,
    "train.schedule": "cosine",
    "train.milestones": [170, 200],
    "train.gamma": 0.1,
}


def old_form(config):
    """Returns the values of a config in the form of versions without keys for kinds."""
    old_names = {new: old for old, new in RENAMED.items()}
    existing = {
        key: value
        for key, value in values(config).items()
        if key not in KINDS[:-1] and not key.startswith("train.optimizer.")
    }
    is_cosine = config.train.schedule.kind == "cosine"
    unused = {"train.milestones": [170, 200], "train.gamma": 0.1} if is_cosine else {}
    return {old_names.get(key, key): value for key, value in existing.items()} | unused


def test_the_old_form_has_the_renamed_keys_of_an_old_file():
    changed = override(TINY, {"train.schedule.warmup": 3})
    assert {key: value for key, value in old_form(changed).items() if key in OLD} == OLD
    assert old_form(MOVENET)["loss.kind"] == "focal"


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
@pytest.mark.parametrize("schedule", ["steps", "cosine"])
def test_a_file_of_an_earlier_version_is_read(tmp_path, config, schedule):
    config = override(
        config, {"train.schedule": schedule, "train.schedule.warmup": 3, "train.batch_size": 5}
    )
    content = {"config": config.name, "values": old_form(config)}
    (tmp_path / FILE_NAME).write_text(json.dumps(content), encoding="utf-8")
    assert read_beside(tmp_path / "model.pdparams") == config


@pytest.mark.parametrize("schedule", ["steps", "cosine"])
def test_an_identity_of_an_earlier_version_is_upgraded(schedule):
    config = override(
        TINY, {"train.schedule": schedule, "train.schedule.warmup": 3, "val.flip": False}
    )
    excluded = values(config).keys() - identity(config).keys()
    extra = {"processes": 2, "training data": "12 samples"}
    stored = {key: value for key, value in old_form(config).items() if key not in excluded}
    old = {"config": config.name} | stored | extra
    current = json.loads(json.dumps(identity(config) | extra))
    assert json.loads(json.dumps(stored_identity(old))) == current
    assert json.loads(json.dumps(stored_identity(current))) == current


def test_a_current_identity_keeps_its_optimizer():
    config = override(TINY, {"train.optimizer": "rmsprop", "model": "hrnet"})
    current = json.loads(json.dumps(identity(config)))
    assert json.loads(json.dumps(stored_identity(current))) == current
    assert current["train.optimizer"] == "rmsprop"


@pytest.mark.parametrize("key", RENAMED)
def test_an_old_key_on_the_command_line_raises_with_the_new_key(key):
    with pytest.raises(InputError, match=f"'{RENAMED[key]}'"):
        override(MOVENET, {key: "1"})


def test_current_keys_are_not_renamed():
    for config in CONFIGS.values():
        assert upgraded(values(config)) == values(config)


# Specs from outside the package


@dataclass(frozen=True)
class OutsideModel(specs.ModelSpec):
    """A network defined in this file."""

    kind: ClassVar[str] = "outside"
    target: ClassVar[str] = "a_module_that_is_not_there:Net"

    width: Annotated[int, Range(1, 9)] = 4
    shape: tuple[Annotated[int, Range(1, 9)], ...] = (1, 2)


@dataclass(frozen=True)
class HalfSchedule(specs.ScheduleSpec):
    kind: ClassVar[str] = "half"
    target: ClassVar[str] = "a_module_that_is_not_there:half"


@pytest.fixture
def outside(monkeypatch):
    monkeypatch.setattr(registry, "CONFIGS", dict(CONFIGS))
    return registry.register(
        replace(PLAIN, name="outside", source="this file", model=OutsideModel(width=5))
    )


def test_a_spec_and_a_config_from_outside_are_found(tmp_path, outside):
    assert registry.find("outside") is outside
    (tmp_path / FILE_NAME).write_text(to_json(outside), encoding="utf-8")
    assert read_beside(tmp_path / "model.pdparams") == outside
    changed = override(
        outside, {"model.width": "6", "model.shape": "(3,)", "train.schedule": "half"}
    )
    assert changed.model == OutsideModel(width=6, shape=(3,))
    assert changed.train.schedule == HalfSchedule(warmup=500)
    assert override(PLAIN, {"model": "outside"}).model == OutsideModel()
    with pytest.raises(InputError, match=r"model\.width"):
        override(outside, {"model.width": 10})
    assert OutsideModel().arguments(HeatmapCodec()) == {
        "num_joints": 16,
        "width": 4,
        "shape": (1, 2),
    }


def test_registering_an_existing_name_raises(outside):
    for config in (outside, PLAIN):
        with pytest.raises(InputError, match=config.name):
            registry.register(config)


def test_a_spec_that_is_not_decorated_as_a_dataclass_raises(monkeypatch):
    monkeypatch.setattr(
        kinds,
        "_FAMILIES",
        {base: replace(f, classes=dict(f.classes)) for base, f in kinds._FAMILIES.items()},
    )

    class Bare(specs.ModelSpec):
        kind = "bare"
        width: int = 3

    with pytest.raises(TypeError, match="dataclass"):
        Bare()


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.__name__)
def test_the_fields_of_a_spec_are_plain_values_without_kind_and_target(spec):
    instance = spec()
    field_values = instance.field_values()
    assert {field.name for field in fields(instance)} == field_values.keys()
    assert field_values.keys() == asdict(instance).keys()
    assert not {"kind", "target"} & field_values.keys()
    assert all(
        isinstance(value, int | float | str | bool | Sequence) for value in field_values.values()
    )
