import importlib
import sys

import pytest

from paddle_pose.commands import main as dispatcher


@pytest.mark.parametrize("name", dispatcher.COMMANDS)
def test_every_command_has_a_parser_and_a_body(name):
    module = importlib.import_module(f"paddle_pose.commands.{dispatcher.COMMANDS[name][0]}")
    assert callable(module.main)
    assert module.build_parser().format_help()


def test_a_command_gets_the_words_behind_its_name(monkeypatch):
    ran = []
    monkeypatch.setattr(dispatcher, "run", lambda module: ran.append((module, list(sys.argv))))
    monkeypatch.setattr(sys, "argv", ["paddle-pose"])
    dispatcher.main(["convert", "in.pth", "out.safetensors", "--image_size", "256"])
    assert ran == [
        ("convert_weights", ["paddle-pose convert", "in.pth", "out.safetensors", "--image_size", "256"]),
    ]


@pytest.mark.parametrize("words", [[], ["nothing"], ["--nothing"]])
def test_anything_else_is_refused(words, capsys):
    with pytest.raises(SystemExit) as stopped:
        dispatcher.main(words)
    assert stopped.value.code == 2
    assert "COMMAND" in capsys.readouterr().err


def test_help_lists_the_commands(capsys):
    with pytest.raises(SystemExit) as stopped:
        dispatcher.main(["--help"])
    assert stopped.value.code == 0
    said = capsys.readouterr().out
    assert all(f"\n  {name} " in said for name in dispatcher.COMMANDS)


def test_help_of_a_command_says_what_was_typed(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["paddle-pose"])
    with pytest.raises(SystemExit) as stopped:
        dispatcher.main(["val", "--help"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out.startswith("usage: paddle-pose val [-h]")
