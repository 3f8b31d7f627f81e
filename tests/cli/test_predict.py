"""The flags of `predict`: their defaults are those that the help states."""

import re
from typing import get_args

import numpy as np
import pytest

from paddle_pose.cli import download, options, predict
from paddle_pose.cli.main import execute
from paddle_pose.configs.registry import config_of, find, to_json
from paddle_pose.engine import pose_model
from paddle_pose.engine.predict import Results, Summary
from paddle_pose.errors import InputError
from paddle_pose.inference import two_stage
from paddle_pose.inference.detection.base import MAX_PEOPLE
from paddle_pose.inference.detection.nanodet import NanoDetDecoder
from paddle_pose.inference.detection.recognize import DetectorFormat
from paddle_pose.inference.detection.yolo import UltralyticsDecoder, YoloxDecoder
from paddle_pose.inference.foreign_pose import POSE_FORMATS
from paddle_pose.inference.pipeline import PERSON_THRESHOLD
from paddle_pose.io.images import write
from paddle_pose.weights.zoo import PUBLISHED


def test_default_weights_are_published():
    assert predict.DEFAULT_WEIGHTS in PUBLISHED
    assert predict.ACCURATE_WEIGHTS in PUBLISHED
    assert predict.FAST_WEIGHTS in PUBLISHED


@pytest.mark.parametrize(
    ("flag", "name"), [("--accurate", "rtmpose_m"), ("--fast", "movenet_multipose")]
)
def test_a_short_flag_names_weights_of_the_zoo_and_does_not_go_with_others(
    flag, name, tmp_path, capsys
):
    image = tmp_path / "photo.png"
    write(image, np.zeros((8, 8, 3), np.uint8))
    copy = ["--from_file", str(image)]  # no copy of the weights: nothing is downloaded
    arguments = [str(image), flag, "--cache", str(tmp_path), "--output", str(tmp_path / "out")]
    assert execute("predict", [*arguments, *copy]) == 2
    error = capsys.readouterr().err
    assert name in error or PUBLISHED[name].file_name in error
    with pytest.raises(SystemExit) as stopped:
        execute("predict", [*arguments, "--weights", "net.onnx"])
    assert stopped.value.code == 2


def test_a_format_of_other_programs_is_refused_for_weights_with_a_config(tmp_path):
    config = tmp_path / "config.json"
    config.write_text(to_json(find("hourglass_tiny_128")), encoding="utf-8")
    weights = tmp_path / "model.pdparams"
    weights.touch()
    with pytest.raises(InputError, match="other programs"):
        config_of(weights, changes={"model.format": "simcc"})


def test_predict_help_states_the_defaults():
    text = " ".join(predict.build_parser().format_help().split())
    scores = {
        "nanodet": NanoDetDecoder(),
        "yolox": YoloxDecoder(),
        "ultralytics": UltralyticsDecoder(),
    }
    defaults = {name: decoder.min_score for name, decoder in scores.items()}
    assert defaults == {"nanodet": two_stage.MIN_BOX_SCORE, "yolox": 0.3, "ultralytics": 0.25}
    assert f"(default: {two_stage.MIN_BOX_SCORE} for --boxes and NanoDet, 0.3 for YOLOX" in text
    assert f"0.25 for Ultralytics, {two_stage.MIN_PERSON_SCORE} for a MoveNet)" in text
    assert f"(default: {MAX_PEOPLE} for a detector, {two_stage.MAX_PEOPLE} for a MoveNet" in text
    assert predict.DEFAULT_WEIGHTS == pose_model.DEFAULT_MODEL
    assert set(predict.DETECTOR_FORMATS) == set(get_args(DetectorFormat))
    assert options.POSE_FORMATS == POSE_FORMATS
    given = predict.build_parser().parse_args(["photo.jpg"])
    assert given.detect_every == pose_model.DETECT_EVERY
    results = Results()
    assert given.output == results.folder
    assert tuple(given.save) == results.save
    assert given.threshold == results.min_score
    assert given.person_threshold is None
    assert f"(default: {PERSON_THRESHOLD} for people of a detector without a track id;" in text


def test_the_summary_counts_images_frames_and_people():
    one = Summary(1, 4, 0.25, (), None, unit="image", left_out=1, threshold=0.2)
    text = predict.summary_text(one)
    assert text.startswith("1 image, 4 people and 1 left out (score below 0.2:")
    assert "--person_threshold 0" in text
    assert text.endswith(", 0.2 s")
    assert (
        predict.summary_text(Summary(30, 1, 2.0, (), None))
        == "30 frames, 1 person, 15 frames per second"
    )
    several = Summary(3, 2, 2.0, (), None, unit="image", threshold=0.2)
    assert predict.summary_text(several) == "3 images, 2 people, 1.5 images per second"


@pytest.mark.parametrize(
    "parser", [predict.build_parser(), download.build_parser()], ids=["predict", "download"]
)
def test_predict_and_download_share_the_default_cache(parser):
    assert re.search(r"--cache", parser.format_help())
    assert parser.get_default("cache") is None  # the user's cache


def test_predict_accepts_both_weights_flags():
    parser = predict.build_parser()
    assert parser.parse_args(["a.png", "--pretrained_model", "f"]).weights == "f"
    assert parser.parse_args(["a.png", "--weights", "f"]).weights == "f"
