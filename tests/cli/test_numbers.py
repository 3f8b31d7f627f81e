"""Numeric flags of all commands reject numbers outside their range."""

import importlib

import pytest

from paddle_pose.cli import train
from paddle_pose.cli.main import COMMANDS
from paddle_pose.configs.overrides import override
from paddle_pose.configs.registry import CONFIGS
from paddle_pose.errors import InputError

OUTSIDE = ("nan", "-1e9", "-1000000000", "1e30", "inf", "-inf", "1" + 400 * "0")
# Flags that change a field of a config, which checks the range: command, flag, key of the config.
FIELDS = {
    "train": {flag: key for key, flag in train._FLAGS.items()},
    "val": {"batch_size": "val.batch_size"},
    "compare": {"batch_size": "val.batch_size"},
    "demo": {"epochs": "train.epochs", "seed": "train.seed"},
}
PARSERS = {
    command: importlib.import_module(f"paddle_pose.cli.{command}").build_parser()
    for command in COMMANDS
}


def takes_numbers(action):
    """Returns whether a flag converts its text to a number."""
    try:
        return action.type is not None and isinstance(action.type("1"), int | float)
    except ValueError:
        return False


NUMERIC = [
    (c, action)
    for c, parser in PARSERS.items()
    for action in parser._actions
    if takes_numbers(action)
]


def test_numeric_flags_are_found():
    flags = {flag for _, action in NUMERIC for flag in action.option_strings}
    assert {
        "--threads",
        "--max_hours",
        "--keep",
        "--threshold",
        "--box_threshold",
        "--people",
        "--port",
    } <= flags
    assert {
        "--tolerance",
        "--batch_size",
        "--learning_rate",
        "--num_train",
        "--image_size",
    } <= flags


@pytest.mark.parametrize(
    ("command", "action"), NUMERIC, ids=lambda value: getattr(value, "dest", value)
)
def test_numeric_flag_rejects_numbers_outside_its_range(command, action, capsys):
    flag = action.option_strings[0]
    key = FIELDS.get(command, {}).get(action.dest)
    for text in OUTSIDE:
        if key is not None and action.type in (int, float):
            try:
                value = action.type(text)
            except ValueError:
                continue  # argparse reports it
            with pytest.raises(InputError, match=key):
                override(CONFIGS["hourglass52_mpii_256"], {key: value})
            continue
        with pytest.raises(SystemExit) as stopped:
            PARSERS[command].parse_args([f"{flag}={text}"])
        assert stopped.value.code == 2
        printed = capsys.readouterr().err
        kind = type(action.type("1")).__name__
        assert f"argument {'/'.join(action.option_strings)}: got {text!r}" in printed
        assert f"expected {kind}" in printed


@pytest.mark.parametrize(
    ("command", "action"), NUMERIC, ids=lambda value: getattr(value, "dest", value)
)
def test_default_of_a_numeric_flag_is_valid(command, action):
    if action.default is not None:
        assert action.type(str(action.default)) == action.default


@pytest.mark.parametrize(
    ("command", "flags"),
    [
        ("train", ("--max_hours", "-1")),
        ("train", ("--max_hours", "0")),
        ("val", ("--threads", "-3")),
        ("predict", ("--people", "0")),
        ("predict", ("--batch_size", "0")),
        ("serve_demo", ("--port", "70000")),
        ("export", ("--tolerance", "-1")),
        ("demo", ("--num_val", "0")),
    ],
)
def test_numbers_just_outside_the_range_are_rejected(command, flags, capsys):
    with pytest.raises(SystemExit) as stopped:
        PARSERS[command].parse_args(flags)
    assert stopped.value.code == 2
    assert f"argument {flags[0]}: got '{flags[1]}', expected " in capsys.readouterr().err
