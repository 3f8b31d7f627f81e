"""The flags that several commands share, and the suggestions of their parser."""

import importlib

import pytest

from paddle_pose.cli import train
from paddle_pose.configs.registry import CONFIGS
from paddle_pose.errors import InputError


def listed(capsys, *flags):
    with pytest.raises(SystemExit) as stopped:
        train.build_parser().parse_args(flags)
    assert stopped.value.code == 0
    return capsys.readouterr().out


def test_list_configs_prints_all_configs(capsys):
    printed = listed(capsys, "--list_configs")
    assert [line for line in printed.splitlines() if line in CONFIGS] == list(CONFIGS)
    assert "  model.num_stacks=1\n" in printed


@pytest.mark.parametrize(
    ("flags", "name"),
    [
        (["--config", "movenet_original_coco"], "movenet_original_coco"),
        (["--image_size", "384"], "hourglass52_mpii_384"),
        (["--image_size", "256", "--config", "hrnet_w32_mpii_256"], "hrnet_w32_mpii_256"),
    ],
)
def test_list_configs_prints_only_the_selected_config(capsys, flags, name):
    for words in ([*flags, "--list_configs"], ["--list_configs", *flags]):
        printed = listed(capsys, *words)
        assert [line for line in printed.splitlines() if line in CONFIGS] == [name]
        assert f"with the values of {name}\n" in printed
    size = CONFIGS[name].codec.input_size
    assert f"  codec.input_size={list(size)}\n" in printed
    changed = listed(capsys, *flags, "--list_configs", "-o", "train.epochs=3")
    assert "  train.epochs=3\n" in changed
    assert "  train.epochs=3\n" not in printed


def test_list_configs_of_contradicting_flags_raises():
    flags = ["--image_size", "384", "--config", "hourglass52_mpii_256", "--list_configs"]
    with pytest.raises(InputError, match="384"):
        train.build_parser().parse_args(flags)


def test_list_configs_prints_the_values_of_the_preset_and_of_overrides(capsys):
    config = ("--config", "movenet_lightning_coco")
    changes = ("--preset", "finetune", "-o", "train.learning_rate=0.0002")
    printed = listed(capsys, "--list_configs", *changes, *config).splitlines()
    for line in ("train.steps=600", "train.init=movenet_lightning", "train.learning_rate=0.0002"):
        assert f"  {line}" in printed
    assert [line for line in printed if line in CONFIGS] == ["movenet_lightning_coco"]


@pytest.mark.parametrize("command", ["predict", "val", "export"])
def test_list_configs_needs_no_other_argument(capsys, command):
    parser = importlib.import_module(f"paddle_pose.cli.{command}").build_parser()
    with pytest.raises(SystemExit) as stopped:
        parser.parse_args(["--list_configs"])
    assert stopped.value.code == 0
    assert "  model.num_stacks=1\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("command", "words", "nearest"),
    [
        (
            "val",
            ["--pretraind_model", "a.pdparams"],
            "--pretrained_model",
        ),  # not: --weights is missing
        ("train", ["--batch_sise=3"], "--batch_size"),
        ("export", ["--weights", "a.pdparams", "--format", "onx"], "onnx"),
    ],
)
def test_unknown_flag_or_choice_suggests_the_nearest(capsys, command, words, nearest):
    parser = importlib.import_module(f"paddle_pose.cli.{command}").build_parser()
    with pytest.raises(SystemExit) as stopped:
        parser.parse_args(words)
    assert stopped.value.code == 2
    assert f"Did you mean '{nearest}'?" in capsys.readouterr().err.splitlines()[-1]


def test_values_may_follow_two_dashes_and_flags_may_be_abbreviated():
    arguments = (
        importlib.import_module("paddle_pose.cli.predict")
        .build_parser()
        .parse_args(["--thresh", "0.5", "--", "--a.png"])
    )
    assert (arguments.threshold, arguments.images) == (0.5, ["--a.png"])
