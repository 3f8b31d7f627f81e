"""Prediction from images to files, with ONNX files that return known people."""

import csv
import json

import cv2
import numpy as np
import pytest
from helpers.known_poses import write_known_poses

import paddle_pose as pp
from paddle_pose.skeletons import COCO_17

SIZE = (192, 128)  # (width, height) of the images in px: twice the network's input


def circle(center: tuple[float, float], radius: float) -> np.ndarray:
    """Returns the 17 joints of a person on a circle, [17, 2] in input px."""
    angles = np.linspace(0, 2 * np.pi, 17, endpoint=False)
    return np.array(center) + radius * np.stack([np.cos(angles), np.sin(angles)], axis=-1)


INPUT_SIZE = (96, 64)
TWO = np.stack([circle((24, 32), 14), circle((72, 32), 12)])
ONE = circle((48, 32), 24)[None]


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    cv2.imwrite(
        str(path), np.random.default_rng(0).integers(0, 256, (SIZE[1], SIZE[0], 3), np.uint8)
    )
    return path


@pytest.fixture
def two(tmp_path):
    return write_known_poses(tmp_path / "two.onnx", TWO)


@pytest.fixture
def one(tmp_path):
    return write_known_poses(tmp_path / "one.onnx", ONE)


def in_windows(windows):
    """Returns the keypoints of the known person in windows, [P, 17, 2] in image px.

    Args:
        windows: Windows as x, y, width, height in image px, [P, 4].
    """
    windows = np.asarray(windows)[:, None]
    return windows[..., :2] + ONE * windows[..., 2:] / INPUT_SIZE


def from_left_to_right(keypoints):
    """Returns the people sorted by the mean x of their keypoints."""
    return keypoints[np.argsort(keypoints[:, :, 0].mean(axis=1))]


def test_prediction_on_a_whole_image_finds_the_known_people(photo, two):
    with pp.load_model(two) as model:
        result = model.predict(photo, detector=None)
    assert result.joints == COCO_17.joints
    np.testing.assert_allclose(from_left_to_right(result.keypoints), 2 * TWO, atol=0.01)
    assert result.scores.min() > 0.9


def test_several_images_are_predicted_in_batches(photo, two):
    image = cv2.imread(str(photo))[..., ::-1]
    with pp.load_model(two) as model:
        results = list(
            model.predict([image, image[:, ::-1], image[::-1]], detector=None, batch_size=2)
        )
    assert [len(result) for result in results] == [2, 2, 2]


def test_windows_come_from_the_boxes_of_a_detector(photo, one):
    boxes = np.array([[10.0, 20.0, 60.0, 40.0], [100.0, 30.0, 90.0, 60.0]])
    with pp.load_model(one) as model:
        result = model.predict(photo, detector=lambda image: (boxes, np.ones(2)))
    np.testing.assert_allclose(result.boxes, boxes)
    np.testing.assert_allclose(result.keypoints, in_windows(result.windows), atol=0.01)


def test_the_command_writes_drawing_json_coco_and_csv(command, tmp_path, photo, one, two):
    formats = ("drawing", "json", "coco", "csv")
    models = ("--weights", one, "--detector", two)
    done = command("predict", photo, *models, "--save", *formats, "--output", "poses")
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "poses"
    (entry,) = json.loads((folder / "predictions.json").read_text("utf-8"))["images"]
    people = entry["persons"]
    assert len(people) == 2
    keypoints = np.array([person["keypoints"] for person in people])
    np.testing.assert_allclose(
        keypoints, in_windows([person["window"] for person in people]), atol=0.02
    )
    coco = json.loads((folder / "keypoints_results.json").read_text("utf-8"))
    np.testing.assert_allclose(
        [np.reshape(person["keypoints"], (17, 3))[:, :2] for person in coco], keypoints, atol=0.01
    )
    with (folder / "predictions.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    noses = [(float(row["nose_x"]), float(row["nose_y"])) for row in rows]
    np.testing.assert_allclose(noses, keypoints[:, 0], atol=0.01)
    drawing = cv2.imread(str(next(folder.glob("*.png"))))
    assert drawing.shape == (SIZE[1], SIZE[0], 3)
    assert (drawing != cv2.imread(str(photo))).any(axis=-1).sum() > 500


def test_a_checkpoint_needs_paddle(command, tmp_path, photo):
    (tmp_path / "model.pdparams").write_bytes(b"\x80\x04}.")
    done = command(
        "predict", photo, "--weights", "model.pdparams", "--config", "hourglass_tiny_128"
    )
    assert done.returncode == 2
    assert "pip install" in done.stderr
    assert "paddlepaddle" in done.stderr
