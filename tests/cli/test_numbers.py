"""Every flag that takes a number refuses what is none, in every command."""

import importlib

import pytest

from paddle_pose.cli import train
from paddle_pose.cli.main import COMMANDS
from paddle_pose.configs.overrides import override
from paddle_pose.configs.registry import CONFIGS
from paddle_pose.errors import InputError

OUTSIDE = ("nan", "-1e9", "-1000000000", "1e30", "inf", "-inf", "1" + 400 * "0")
FIELDS = {  # flags that change a field of a config, whose range holds: by command, the key by the flag's name
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
    """Whether a flag makes a number of its text."""
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


def test_the_flags_are_found():
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
def test_a_flag_refuses_what_is_no_sensible_number(command, action, capsys):
    flag = action.option_strings[0]
    key = FIELDS.get(command, {}).get(action.dest)
    for text in OUTSIDE:
        if key is not None and action.type in (int, float):
            try:
                value = action.type(text)
            except ValueError:
                continue  # argparse says so
            with pytest.raises(InputError, match=key):
                override(CONFIGS["hourglass52_mpii_256"], {key: value})
            continue
        with pytest.raises(SystemExit) as stopped:
            PARSERS[command].parse_args([f"{flag}={text}"])
        assert stopped.value.code == 2
        said = capsys.readouterr().err
        assert (
            f"argument {'/'.join(action.option_strings)}: got {text!r}, expected {type(action.type('1')).__name__}"
            in said
        )


@pytest.mark.parametrize(
    ("command", "action"), NUMERIC, ids=lambda value: getattr(value, "dest", value)
)
def test_the_default_of_a_flag_is_one_of_its_numbers(command, action):
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
def test_numbers_just_outside_are_refused_with_the_flag_and_its_range(command, flags, capsys):
    with pytest.raises(SystemExit) as stopped:
        PARSERS[command].parse_args(flags)
    assert stopped.value.code == 2
    assert f"argument {flags[0]}: got '{flags[1]}', expected " in capsys.readouterr().err
