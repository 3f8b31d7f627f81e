"""Control characters do not reach the terminal."""

import io
import os
import subprocess
import sys

import pytest

from paddle_pose.cli import terminal
from paddle_pose.cli.main import execute
from paddle_pose.cli.terminal import printable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain äö 图片\tb\n", "plain äö 图片\tb\n"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("a\rb", "a\\rb"),
        ("\x9b2J\x7f", "\\x9b2J\\x7f"),
        ("gpj.\u202eexe", "gpj.\\u202eexe"),
        ("\udcff\udce4", "\\xff\\xe4"),
        ("\ud800", "\\ud800"),
    ],
)
def test_control_characters_are_escaped(text, expected):
    assert printable(text) == expected
    printable(text).encode()


def test_progress_bars_are_written_unchanged(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with terminal.escaped_controls():
        print("\r 50%", end="", file=sys.stderr)
        sys.stderr.write("\x1b[A\x1b[A")
        sys.stderr.writelines(["a\x1b[A", "\r\r"])
    assert stream.getvalue() == "\r 50%\x1b[A\x1b[Aa\\x1b[A\r\\r"
    assert sys.stderr is stream


def test_messages_of_commands_have_no_control_characters(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert execute("check", ["--dataset_root", "no\x1b[2Jne"]) == 2
    written = capsys.readouterr().err
    assert "\x1b" not in written
    assert "no\\x1b[2Jne" in written


def test_errors_of_the_parser_have_no_control_characters(capsys):
    with pytest.raises(SystemExit):
        execute("val", ["--threads", "\x1b[2J"])
    assert "\x1b" not in capsys.readouterr().err


@pytest.mark.skipif(os.name != "posix", reason="names that are not UTF-8 need POSIX")
def test_names_that_are_not_utf8_are_printed():
    command = [sys.executable, "-m", "paddle_pose", "check", "--dataset_root", b"no\xffne\x1b"]
    ended = subprocess.run(command, capture_output=True)
    assert ended.returncode == 2
    assert b"no\\xffne\\x1b" in ended.stderr
