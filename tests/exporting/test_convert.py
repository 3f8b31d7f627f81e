import os
import sys

import pytest

from paddle_pose.errors import InputError
from paddle_pose.exporting import convert


class Converter:
    """Replacement of paddle2onnx that writes to all streams of the process, and fails."""

    @staticmethod
    def export(*arguments, **options):
        os.write(1, b"[Paddle2ONNX] from C++\n")
        print("from Python")
        print("to stderr", file=sys.stderr)
        raise UnboundLocalError("no result")


def test_the_output_of_the_converter_is_only_in_the_error(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(convert, "needed", lambda *names: Converter)
    with pytest.raises(InputError, match=r"(?s)\[Paddle2ONNX\] from C\+\+.*from Python.*to stderr"):
        convert.program_to_onnx(tmp_path / "model.json", tmp_path / "model.onnx", ["heatmaps"])
    assert capfd.readouterr() == ("", "")
    os.write(1, b"after")
    print("wards")
    assert "after" in capfd.readouterr().out, "the streams are restored"
