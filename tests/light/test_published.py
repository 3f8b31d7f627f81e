"""Published models by their names: Google's MoveNet Thunder and NanoDet."""

import json

import numpy as np
import pytest

import paddle_pose as pp
from paddle_pose.engine import zoo
from paddle_pose.inference.detection.open import open_detector
from paddle_pose.io.images import read_upright


@pytest.fixture(scope="module")
def published(shared, tmp_path_factory):
    """Returns a cache folder that contains the published models, without downloading them."""
    folder = tmp_path_factory.mktemp("published")
    zoo.converted_onnx("movenet_thunder", folder, shared / "data/movenet_tfjs")
    zoo.converted_onnx("nanodet_m", folder, shared / "data/nanodet/nanodet_m_416.onnx")
    return folder


@pytest.mark.parametrize("name", ["squat", "000000151938", "000000350679"])
def test_thunder_finds_the_stored_keypoints(shared, published, name):
    with np.load(shared / f"data/movenet_tfjs/thunder_{name}.npz") as stored:
        image = stored["input"]
        expected = stored["output"]  # y, x as fractions of the input, score
    overrides = {"codec.max_persons": 1}
    with pp.load_model("movenet_thunder", cache=published, overrides=overrides) as model:
        result = model.predict(image, detector=None)
    assert len(result) == 1
    np.testing.assert_allclose(result.keypoints[0], 256 * expected[:, 1::-1], atol=0.05)
    np.testing.assert_allclose(result.scores[0], expected[:, 2], atol=1e-4)


def test_thunder_predicts_the_people_that_nanodet_detects(shared, published):
    image = read_upright(shared / "data/movenet/squat.bmp")
    stored = json.loads((shared / "data/nanodet/boxes_squat.json").read_text("utf-8"))["boxes"][
        "nanodet-m"
    ]
    expected = np.array([box for box in stored if box[4] > 0.3])
    detector = open_detector(zoo.locate("nanodet_m", published, what="detector"), min_score=0.3)
    with pp.load_model("movenet_thunder", cache=published) as model:
        result = model.predict(image, detector=detector)
    corners = np.hstack([result.boxes[:, :2], result.boxes[:, :2] + result.boxes[:, 2:]])
    np.testing.assert_allclose(corners, expected[:, :4], atol=0.02)
    low, high = expected[:, None, :2], expected[:, None, 2:4]
    size = high - low
    assert ((result.keypoints > low - size / 2) & (result.keypoints < high + size / 2)).mean() > 0.9


def test_the_command_accepts_the_name_of_a_published_model(command, shared, published, tmp_path):
    image = shared / "data/movenet/squat.bmp"
    boxes = tmp_path / "boxes.json"
    boxes.write_text(json.dumps({"squat.bmp": [[0, 0, 400, 400]]}))
    weights = ("--weights", "movenet_thunder", "--cache", published)
    done = command("predict", image, *weights, "--boxes", boxes, "--output", "poses")
    assert done.returncode == 0, done.stderr
    (entry,) = json.loads((tmp_path / "poses/predictions.json").read_text("utf-8"))["images"]
    assert len(entry["persons"]) == 1
