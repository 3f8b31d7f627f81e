"""A file of RTMPose in mmdeploy's form against the answers of MMPose 1.3.2, through every door."""

import json

import numpy as np
import pytest
from parity import published

from paddle_pose import evaluate, load_model
from paddle_pose.cli.main import execute
from paddle_pose.io.images import write as write_image

FILE = "data/foreign_onnx/rtmpose-s_17_256x192_end2end.onnx"
NAME = "rtmpose_mmpose1_s_coco17_192x256"


@pytest.fixture
def answers(shared):
    with np.load(shared / "data" / "parity" / f"{NAME}.npz") as arrays:
        return dict(arrays)


@pytest.fixture
def picture(shared):
    return published.rule(shared)["picture"](192, 256)


def test_the_vectors_are_the_answers(shared, answers, picture):
    model = load_model(shared / FILE, threads=1)
    maps = model.maps(np.stack([picture, picture]))
    for name in ("simcc_x", "simcc_y"):
        assert published.relative_error(maps[name][1], answers[name]) < 1e-5
    with_flip = load_model(shared / FILE, threads=1, overrides={"val.flip": True})
    found = with_flip.predict(picture, detector=None)
    bins = [answers[f"flip_test_{axis}"].argmax(axis=-1) / 2 for axis in "xy"]
    np.testing.assert_allclose(found.keypoints[0], np.stack(bins, axis=-1), atol=1e-3)


@pytest.mark.parametrize("name", ["end2end.onnx", "anything.onnx"])
def test_predict_draws_the_keypoints_of_the_answers(
    shared, answers, picture, tmp_path, capsys, name
):
    """The picture has the size of the input, so that the whole image is the window."""
    write_image(tmp_path / "photo.png", picture)
    (tmp_path / name).write_bytes((shared / FILE).read_bytes())
    arguments = ["--weights", str(tmp_path / name), "--detector", "none", "--threads", "1"]
    output = tmp_path / "out"
    status = execute("predict", [str(tmp_path / "photo.png"), *arguments, "--output", str(output)])
    assert status == 0, capsys.readouterr().err
    content = json.loads((output / "predictions.json").read_text(encoding="utf-8"))
    assert content["config"] == "foreign_simcc"
    (person,) = content["images"][0]["persons"]
    bins = np.stack([answers[f"simcc_{axis}"].argmax(axis=-1) for axis in "xy"], axis=-1)
    np.testing.assert_allclose(person["keypoints"], bins / 2, atol=1e-2)
    scores = np.minimum(answers["simcc_x"].max(axis=-1), answers["simcc_y"].max(axis=-1))
    np.testing.assert_allclose(person["scores"], scores, atol=1e-3)


def test_val_evaluates_it_on_coco(shared):
    root = shared / "data" / "coco_mini"
    evaluation = evaluate(shared / FILE, root, threads=1, progress=None)
    assert evaluation.protocol["config"] == "foreign_simcc"
    assert evaluation.protocol["people"] == 68
    assert evaluation.values["AP"] < 0.05  # of generated weights
