"""The flags that several commands share, and the suggestions of their parser."""

import importlib

import pytest

from paddle_pose.cli import train
from paddle_pose.configs.registry import CONFIGS


def listed(capsys, *flags):
    with pytest.raises(SystemExit) as stopped:
        train.build_parser().parse_args([*flags, "--list_configs"])
    assert stopped.value.code == 0
    return capsys.readouterr().out


def test_list_configs_prints_all_configs(capsys):
    printed = listed(capsys)
    assert [line for line in printed.splitlines() if line in CONFIGS] == list(CONFIGS)
    assert "  model.num_stacks=1\n" in printed


def test_list_configs_after_config_prints_only_that_config(capsys):
    printed = listed(capsys, "--config", "movenet_original_coco")
    assert [line for line in printed.splitlines() if line in CONFIGS] == ["movenet_original_coco"]
    assert "  model.share_residuals=False\n" in printed
    assert "model.num_stacks" not in printed


def test_list_configs_prints_the_values_of_the_preset_and_of_overrides(capsys):
    config = ("--config", "movenet_lightning_coco")
    changes = ("--preset", "finetune", "-o", "train.learning_rate=0.0002")
    with pytest.raises(SystemExit) as stopped:
        train.build_parser().parse_args(["--list_configs", *changes, *config])
    assert stopped.value.code == 0
    printed = capsys.readouterr().out.splitlines()
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
