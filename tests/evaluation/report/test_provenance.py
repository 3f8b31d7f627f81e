import pytest

from paddle_pose.evaluation.report.provenance import (
    command_without_folders,
    provenance,
    without_folders,
)
from paddle_pose.io.checksum import sha256_of


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/home/me/model.onnx", "model.onnx"),
        ("/home/me/my files/model.onnx", "model.onnx"),
        ("C:\\Users\\me\\model.onnx", "model.onnx"),
        ("detected (/home/me/my files/boxes.json)", "detected (boxes.json)"),
        ("from /home/me/a.json, ~/b/c.json", "from a.json, c.json"),
        ("output/run/model.onnx", "output/run/model.onnx"),
        ("https://example.org/a/b", "https://example.org/a/b"),
        ("flip, shift 1/4", "flip, shift 1/4"),
        ("/", "/"),
        ("", ""),
    ],
)
def test_absolute_paths_become_names(text, shown):
    assert without_folders(text) == shown


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("val --weights '/a b/c.onnx' -o data.root=/x/y", "val --weights c.onnx -o data.root=y"),
        ("val --output=/tmp/out --no-flip", "val --output=out --no-flip"),
        ("/usr/bin/python val.py", "python val.py"),
        ("val 'unfinished /a/b", "val 'unfinished b"),
        ("", ""),
    ],
)
def test_commands_keep_their_words(command, shown):
    assert command_without_folders(command) == shown


def test_missing_files_are_left_out(tmp_path):
    (tmp_path / "a.json").write_text("[]")
    files = {"predictions": tmp_path / "a.json", "checkpoint": tmp_path / "none.onnx"}
    assert provenance(files).files == {"predictions": ("a.json", sha256_of(tmp_path / "a.json"))}
