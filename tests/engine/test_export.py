from pathlib import Path

import pytest

from paddle_pose.engine.export import export_model, export_path
from paddle_pose.errors import InputError

WEIGHTS = Path("run/last/model.pdparams")


@pytest.mark.parametrize(
    ("format", "decode", "int8", "name"),
    [
        ("onnx", False, False, "run/last/model.onnx"),
        ("openvino", True, False, "run/last/model_decoded.xml"),
        ("paddle", False, False, "run/last/model.json"),
        ("onnx", True, True, "run/last/model_decoded_int8.onnx"),
    ],
)
def test_the_default_path(format, decode, int8, name):
    assert export_path(WEIGHTS, None, format, decode=decode, int8=int8) == Path(name)


def test_a_given_path_is_taken():
    given = Path("there/pose.onnx")
    assert export_path(WEIGHTS, given, "onnx", decode=True, int8=False) == given


def test_a_path_of_another_format_is_refused():
    with pytest.raises(InputError, match=r"pose.onnx: .* openvino .* \*.xml"):
        export_path(WEIGHTS, Path("pose.onnx"), "openvino", decode=False, int8=False)


def test_paddle_programs_are_not_written_in_int8(tmp_path):
    with pytest.raises(InputError, match="INT8"):
        export_model(tmp_path / "model.pdparams", format="paddle", calibration=tmp_path)


def test_a_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"model\.pdparams"):
        export_model(tmp_path / "model.pdparams")
    assert list(tmp_path.iterdir()) == []
