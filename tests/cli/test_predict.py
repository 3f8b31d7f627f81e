"""The flags of `predict`: what the help states is what holds."""

import re
from typing import get_args

import pytest

from paddle_pose.cli import download, predict
from paddle_pose.engine import pose_model
from paddle_pose.engine.predict import Results
from paddle_pose.inference import two_stage
from paddle_pose.inference.detection.base import MAX_PEOPLE
from paddle_pose.inference.detection.nanodet import NanoDetDecoder
from paddle_pose.inference.detection.recognize import DetectorFormat
from paddle_pose.inference.detection.yolo import UltralyticsDecoder, YoloxDecoder
from paddle_pose.weights.zoo import PUBLISHED


def test_the_default_weights_are_published():
    assert predict.DEFAULT_WEIGHTS in PUBLISHED


def test_the_help_states_the_defaults():
    text = " ".join(predict.build_parser().format_help().split())
    scores = {
        "nanodet": NanoDetDecoder(),
        "yolox": YoloxDecoder(),
        "ultralytics": UltralyticsDecoder(),
    }
    assert [decoder.min_score for decoder in scores.values()] == [
        two_stage.MIN_BOX_SCORE,
        0.3,
        0.25,
    ]
    assert (
        f"default {two_stage.MIN_BOX_SCORE} in --boxes and of NanoDet, 0.3 of YOLOX and RTMDet, 0.25 of"
        in text
    )
    assert f"{two_stage.MIN_PERSON_SCORE} of a MoveNet" in text
    assert (
        f"default {MAX_PEOPLE} of a detector, {two_stage.MAX_PEOPLE} of a MoveNet as --detector"
        in text
    )
    assert f"follow the people; default {pose_model.DETECT_EVERY}" in text
    assert predict.DEFAULT_WEIGHTS == pose_model.DEFAULT_MODEL
    assert set(predict.DETECTOR_FORMATS) == set(get_args(DetectorFormat))
    given = predict.build_parser().parse_args(["photo.jpg"])
    defaults = Results()
    assert (given.output, tuple(given.save), given.threshold) == (
        defaults.folder,
        defaults.save,
        defaults.min_score,
    )


@pytest.mark.parametrize(
    "parser", [predict.build_parser(), download.build_parser()], ids=["predict", "download"]
)
def test_published_files_go_to_one_folder(parser):
    assert re.search(r"--cache", parser.format_help())
    assert parser.get_default("cache") is None  # the user's cache


def test_weights_have_the_original_projects_name_too():
    parser = predict.build_parser()
    assert parser.parse_args(["a.png", "--pretrained_model", "f"]).weights == "f"
    assert parser.parse_args(["a.png", "--weights", "f"]).weights == "f"
