from pathlib import Path

import pytest

from paddle_pose.cli.export import build_parser, main
from paddle_pose.errors import InputError


@pytest.mark.parametrize("flag", ["--weights", "--pretrained_model"])
def test_the_checkpoint_has_two_flags(flag):
    assert build_parser().parse_args([flag, "model.pdparams"]).weights == Path("model.pdparams")


@pytest.mark.parametrize(
    "words", [("--int8",), ("--int8", "--calibration", "images", "--format", "paddle")]
)
def test_int8_needs_images_and_a_format_that_has_it(words):
    with pytest.raises(InputError, match="--int8 needs --calibration"):
        main(["--weights", "model.pdparams", *words])


def test_flags_reach_the_export(monkeypatch):
    from paddle_pose.engine import export

    given = {}
    monkeypatch.setattr(
        export, "export_model", lambda *args, **settings: given.update(settings, args=args)
    )
    flags = [
        "--format",
        "openvino",
        "--output_file",
        "there/pose.xml",
        "--config",
        "c",
        "-o",
        "val.flip=false",
    ]
    flags += [
        "--decode",
        "--images",
        "compared",
        "--calibration",
        "not without --int8",
        "--tolerance",
        "2",
    ]
    assert main(["--weights", "model.pdparams", *flags]) == 0
    assert given == {
        "args": (Path("model.pdparams"), Path("there/pose.xml")),
        "format": "openvino",
        "config": "c",
        "image_size": None,
        "overrides": {"val.flip": "false"},
        "decode": True,
        "calibration": None,
        "images": Path("compared"),
        "tolerance": 2.0,
    }


def test_the_formats_and_defaults_are_those_of_the_body():
    from paddle_pose.engine.export import SUFFIXES
    from paddle_pose.exporting.verify import INT8_TOLERANCE, TOLERANCE

    (choices,) = (action.choices for action in build_parser()._actions if action.dest == "format")
    assert choices == tuple(SUFFIXES)
    assert f"default {TOLERANCE}, with --int8 {INT8_TOLERANCE}" in " ".join(
        build_parser().format_help().split()
    )
