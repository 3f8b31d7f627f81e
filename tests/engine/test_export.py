from pathlib import Path

import pytest

from paddle_pose.engine.export import export_model, export_path
from paddle_pose.errors import InputError

WEIGHTS = Path("run/last/model.pdparams")


@pytest.mark.parametrize(
    ("format", "decode", "int8", "name"),
    [
        ("onnx", False, False, "model.onnx"),
        ("openvino", True, False, "model_decoded.xml"),
        ("paddle", False, False, "model.json"),
        ("onnx", True, True, "model_decoded_int8.onnx"),
    ],
)
def test_the_default_path(format, decode, int8, name):
    assert export_path(WEIGHTS, None, format, decode=decode, int8=int8) == WEIGHTS.with_name(name)


@pytest.mark.parametrize(
    ("weights", "name"),
    [
        ("last/model.pdparams", "last.onnx"),
        ("last/ema.pdparams", "last_ema.onnx"),
        ("best_model/model.pdparams", "best_model.onnx"),
        ("earlier/epoch-0001-batch-000002/model.pdparams", "epoch-0001-batch-000002.onnx"),
    ],
)
def test_a_training_replaces_no_export(weights, name, tmp_path, monkeypatch):
    run = tmp_path / "run"
    (run / weights).parent.mkdir(parents=True)
    (run / "config.json").touch()
    assert export_path(run / weights, None, "onnx", decode=False, int8=False) == run / "exports" / name
    monkeypatch.chdir((run / weights).parent)
    assert export_path(Path(Path(weights).name), None, "onnx", decode=False, int8=False).resolve() == (
        run / "exports" / name
    )


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
