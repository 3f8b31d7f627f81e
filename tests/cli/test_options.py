"""Flags that several commands share."""

import pytest

from paddle_pose.cli import train
from paddle_pose.configs.registry import CONFIGS


def listed(capsys, *flags):
    with pytest.raises(SystemExit) as stopped:
        train.build_parser().parse_args([*flags, "--list_configs"])
    assert stopped.value.code == 0
    return capsys.readouterr().out


def test_all_configs_are_listed(capsys):
    said = listed(capsys)
    assert [line for line in said.splitlines() if line in CONFIGS] == list(CONFIGS)
    assert "  model.num_stacks=1\n" in said


def test_the_config_named_before_is_listed_alone_with_its_own_keys(capsys):
    said = listed(capsys, "--config", "movenet_original_coco")
    assert [line for line in said.splitlines() if line in CONFIGS] == ["movenet_original_coco"]
    assert "  model.share_residuals=False\n" in said
    assert "model.num_stacks" not in said
