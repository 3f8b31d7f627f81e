from pathlib import Path

import pytest

from paddle_pose.cli.export import build_parser, main
from paddle_pose.engine import export
from paddle_pose.engine.export import SUFFIXES
from paddle_pose.errors import InputError
from paddle_pose.exporting.verify import INT8_TOLERANCE, TOLERANCE


@pytest.mark.parametrize("flag", ["--weights", "--pretrained_model"])
def test_export_accepts_both_weights_flags(flag):
    assert build_parser().parse_args([flag, "model.pdparams"]).weights == Path("model.pdparams")


@pytest.mark.parametrize(
    "words", [("--calibration", "data"), ("--int8", "--calibration", "data", "--format", "paddle")]
)
def test_calibration_without_int8_and_int8_with_paddle_format_raise(words):
    with pytest.raises(InputError, match="--int8"):
        main(["--weights", "model.pdparams", *words])


def test_export_passes_flags_to_the_engine(monkeypatch):
    given = {}
    monkeypatch.setattr(
        export, "export_model", lambda *args, **settings: given.update(settings, args=args)
    )
    flags = ["--format", "openvino", "--output_file", "there/pose.xml", "--config", "c"]
    flags += ["-o", "val.flip=false", "--decode", "--images", "compared"]
    flags += ["--int8", "--calibration", "people", "--tolerance", "2"]
    assert main(["--weights", "model.pdparams", *flags]) == 0
    assert given == {
        "args": (Path("model.pdparams"), Path("there/pose.xml")),
        "format": "openvino",
        "config": "c",
        "image_size": None,
        "overrides": {"val.flip": "false"},
        "decode": True,
        "int8": True,
        "calibration": Path("people"),
        "images": Path("compared"),
        "tolerance": 2.0,
    }


def test_export_help_states_formats_and_tolerances_of_the_engine():
    (choices,) = (action.choices for action in build_parser()._actions if action.dest == "format")
    assert choices == tuple(SUFFIXES)
    text = " ".join(build_parser().format_help().split())
    assert f"(default: {TOLERANCE}, with --int8 {INT8_TOLERANCE})" in text
