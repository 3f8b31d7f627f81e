from pathlib import Path

import cv2
import numpy as np
import pytest

from paddle_pose import build
from paddle_pose.configs import registry
from paddle_pose.configs.overrides import override
from paddle_pose.data.synthetic.dataset import write_coco, write_mpii
from paddle_pose.engine import calibration
from paddle_pose.engine.calibration import calibration_inputs
from paddle_pose.errors import InputError

CONFIG = override(registry.find("hourglass_tiny_128"), {"codec.input_size": (64, 64)})
WRITERS = {"mpii": write_mpii, "coco": write_coco}


@pytest.fixture(scope="module", params=WRITERS)
def data(request, tmp_path_factory):
    """Returns the folder of a data set in MPII's or COCO's layout with 5 people to train on."""
    folder = tmp_path_factory.mktemp(request.param)
    return WRITERS[request.param](folder, num_train=5, num_val=3, seed=0, size=(96, 96))


def training_windows(config, root):
    """Returns the windows of the training split, [5, 64, 64, 3], in the order of the file."""
    samples = build.samples(config, root, "train")
    return np.concatenate([images for images, _ in build.batches(config, samples)])


def as_set(windows):
    return {window.tobytes() for window in windows}


def test_a_data_set_in_any_layout_gives_windows_of_its_training_people(data, monkeypatch):
    layout = "coco" if list(data.glob("annotations/person_*")) else "mpii"
    expected = training_windows(override(CONFIG, {"data.dataset": layout}), data)
    found = calibration_inputs(CONFIG, Path("model.pdparams"), data)
    assert found.shape == (5, 64, 64, 3)
    assert as_set(found) == as_set(expected)
    monkeypatch.setattr(calibration, "MOST_WINDOWS", 3)
    fewer = calibration_inputs(CONFIG, Path("model.pdparams"), data)
    again = calibration_inputs(CONFIG, Path("model.pdparams"), data)
    assert len(fewer) == 3
    assert as_set(fewer) < as_set(expected)
    assert np.array_equal(fewer, again)


def test_a_checkpoint_of_a_run_gives_windows_of_its_training_data(data, tmp_path):
    layout = "coco" if list(data.glob("annotations/person_*")) else "mpii"
    config = override(CONFIG, {"data.dataset": layout})
    weights = tmp_path / "run" / "last" / "model.pdparams"
    weights.parent.mkdir(parents=True)
    (tmp_path / "run" / "config.json").write_text(registry.to_json(config, data))
    found = calibration_inputs(config, weights, None)
    assert as_set(found) == as_set(training_windows(config, data))


def test_annotation_files_of_the_config_are_read(data, tmp_path):
    files = list(data.glob("annotations/person_keypoints_train2017.json"))
    if not files:
        pytest.skip("MPII's layout has no annotation files in COCO's format")
    changes = {"data.dataset": "coco", "data.train_annotations": str(files[0])}
    config = override(CONFIG, {**changes, "data.images": str(data / "train2017")})
    found = calibration_inputs(config, tmp_path / "model.pdparams", None)
    assert as_set(found) == as_set(training_windows(config, None))


def test_a_checkpoint_without_data_needs_a_folder(tmp_path):
    with pytest.raises(InputError, match=r"model\.pdparams.*calibration"):
        calibration_inputs(CONFIG, tmp_path / "model.pdparams", None)


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """Returns a folder with two images; the detector finds two people in each of them."""
    rng = np.random.default_rng(0)
    for name in ("a.png", "b.png"):
        image = rng.integers(0, 256, (50, 80, 3)).astype(np.uint8)
        cv2.imwrite(str(tmp_path / name), image)
    found = np.array([[2.0, 3.0, 20.0, 40.0], [40.0, 5.0, 30.0, 30.0]]), np.array([0.9, 0.8])
    monkeypatch.setattr(calibration, "path_of_published", lambda name: Path(__file__))
    monkeypatch.setattr(calibration, "open_detector", lambda name: lambda image: found)
    return tmp_path


def test_images_give_windows_of_detected_people(photos, monkeypatch):
    found = calibration_inputs(CONFIG, Path("model.pdparams"), photos)
    assert (found.shape, found.dtype) == ((4, 64, 64, 3), np.uint8)
    assert len(as_set(found)) == 4
    monkeypatch.setattr(calibration, "MOST_WINDOWS", 3)
    assert as_set(calibration_inputs(CONFIG, Path("model.pdparams"), photos)) < as_set(found)


def test_images_are_whole_windows_for_framing_image(photos):
    whole = override(CONFIG, {"data.framing": "image"})
    assert len(calibration_inputs(whole, Path("model.pdparams"), photos)) == 2


def test_images_without_people_are_refused(photos, monkeypatch):
    nobody = np.zeros((0, 4)), np.zeros(0)
    monkeypatch.setattr(calibration, "open_detector", lambda name: lambda image: nobody)
    with pytest.raises(InputError, match="no people"):
        calibration_inputs(CONFIG, Path("model.pdparams"), photos)


def test_a_missing_detector_is_named(photos, monkeypatch):
    monkeypatch.setattr(calibration, "path_of_published", lambda name: photos / "missing.onnx")
    with pytest.raises(FileNotFoundError, match="nanodet_m"):
        calibration_inputs(CONFIG, Path("model.pdparams"), photos)
