"""Tests of `paddle_pose.io.json_files`."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import paddle_pose
from paddle_pose.errors import InputError
from paddle_pose.io.json_files import decode, parse_json, read_json

CONTENT = {"joints": ["nose", "左手", "rótula"], "n": 1}
TEXT = '{"joints": ["nose", "左手", "rótula"], "n": 1}\n'
SENTENCES = {  # letters that are frequent in the encoding
    "GBK": "左手腕 右手腕 鼻子 照片",
    "Big5": "左手腕 右手腕 鼻子 照片",
    "Shift_JIS": "みぎてくび ひだりて 写真",
    "Windows-1251": "левая рука и правая нога",
    "Windows-1252": "l'épaule gauche, la cheville",
}


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"]
)
def test_unicode_files_are_read_with_and_without_a_mark(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(TEXT.encode(encoding))
    assert read_json(path) == CONTENT


def test_a_mark_in_a_text_is_dropped() -> None:
    assert parse_json("\ufeff" + TEXT, "a text") == CONTENT


@pytest.mark.parametrize("encoding", SENTENCES)
def test_another_encoding_is_named(encoding: str) -> None:
    content = f'{{"a": 1,\n"b": "{SENTENCES[encoding]}"}}'.encode(encoding)
    with pytest.raises(InputError, match=rf"f\.json: not UTF-8 .*line 2.*looks like {encoding};"):
        parse_json(content, "f.json")


def test_no_encoding_is_guessed_from_noise() -> None:
    with pytest.raises(InputError, match="not UTF-8") as caught:
        decode(b'{"a": "\xff\x81\x8d\x90"}', "f.json")
    assert "looks like" not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b" \n", id="blank"),
        pytest.param(b'{"a": 1', id="cut"),
        pytest.param(b"[" * 200_000, id="deep"),
        pytest.param(b'{"a": "\xe5\xb7', id="cut inside a letter"),
        pytest.param("\ufeff{".encode("utf-16-le"), id="cut UTF-16"),
    ],
)
def test_a_damaged_file_is_an_input_error_that_names_it(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"a\.json.*; get it again"):
        read_json(path, "get it again")


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_json(tmp_path)


def test_no_other_module_parses_files() -> None:
    root = Path(paddle_pose.__file__).parent
    found = {
        str(path.relative_to(root))
        for path in root.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute)
        and node.attr in ("load", "loads")
        and isinstance(node.value, ast.Name)
        and node.value.id == "json"
    }
    # The other two make plain lists and dicts of what this package has just written.
    assert found == {"io/json_files.py", "exporting/metadata.py", "data/synthetic/dataset.py"}


@pytest.mark.parametrize("content", ["[" * 101 + "]" * 101, "[1" + "0" * 400 + "]"])
def test_a_text_beyond_a_limit_is_an_input_error_that_names_the_file(content: str) -> None:
    with pytest.raises(InputError, match=r"f\.json: .*; get it again"):
        parse_json(content, "f.json", "get it again")
