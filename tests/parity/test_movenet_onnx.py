"""MoveNet's ONNX file that is written without Paddle, against the network in Paddle."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import paddle
import pytest

from paddle_pose import build
from paddle_pose.backends.open import open_exported
from paddle_pose.configs import registry
from paddle_pose.exporting.movenet_onnx import write_movenet

pytest.importorskip("onnx", reason="needs onnx (requirements/predict.txt)")
pytest.importorskip("onnxruntime", reason="needs onnxruntime (requirements/predict.txt)")

ROOT = Path(__file__).resolve().parents[2]
TFJS = "data/movenet_tfjs/movenet-{}.json"
FILES = {
    "lightning": (TFJS.format("lightning"), "movenet_lightning_coco"),
    "thunder": (TFJS.format("thunder"), "movenet_thunder_coco"),
    "lightning_int8": (
        "data/movenet/movenet_single_pose_lightning_ptq.tflite",
        "movenet_lightning_coco",
    ),
}


@pytest.mark.parametrize("model", FILES)
def test_maps_equal_those_of_the_network_in_paddle(shared, tmp_path, model):
    path, config = shared / FILES[model][0], registry.find(FILES[model][1])
    write_movenet(config, path, tmp_path / "model.onnx")
    _, network = build.loaded(config, path)
    photo = cv2.cvtColor(cv2.imread(str(shared / "data/movenet/squat.bmp")), cv2.COLOR_BGR2RGB)
    image = cv2.resize(photo, config.codec.input_size)
    images = np.stack([image, image[:, ::-1], image[::-1]])
    with paddle.no_grad():
        expected = {name: maps.numpy() for name, maps in network(paddle.to_tensor(images)).items()}
    backend = open_exported(tmp_path / "model.onnx", "cpu")
    found = backend(images)
    assert list(found) == list(config.codec.outputs) == list(expected)
    for name, maps in expected.items():
        np.testing.assert_allclose(
            found[name], maps, rtol=0, atol=1e-4 * max(1, np.abs(maps).max()), err_msg=name
        )
    for poses, other in zip(config.codec.decode(found), config.codec.decode(expected), strict=True):
        np.testing.assert_allclose(poses.keypoints, other.keypoints, rtol=0, atol=1e-2)


WITHOUT_PADDLE = """
import sys
sys.modules["paddle"] = None
from dataclasses import replace
from pathlib import Path
import numpy as np
from paddle_pose.engine.pose_model import load_model
from paddle_pose.backends.open import open_exported
from paddle_pose.configs import registry
from paddle_pose.engine.zoo import convert_file
source, photo, target = map(Path, sys.argv[1:])
convert_file(source, target, config="movenet_thunder_coco")
with np.load(photo) as stored:
    image = stored["input"]
result = load_model(target).predict(image, detector=None)
assert result.keypoints.shape[1:] == (17, 2)
config = replace(registry.read_beside(target).codec, max_persons=1)
(poses,) = config.decode(open_exported(target, "cpu")(image[None]))
joints = np.concatenate([poses.keypoints[0], poses.scores[0, :, None]], axis=1)
np.save(target.with_suffix(".npy"), joints)
"""


def test_movenet_onnx_is_written_and_run_without_paddle(shared, tmp_path):
    target, photo = tmp_path / "thunder.onnx", shared / "data/movenet_tfjs/thunder_squat.npz"
    arguments = [shared / TFJS.format("thunder"), photo, target]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_PADDLE, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    with np.load(photo) as stored:
        expected = stored["output"]  # y, x in 0..1, score
    found = np.load(target.with_suffix(".npy"))
    np.testing.assert_allclose(found[:, :2] / 256, expected[:, 1::-1], rtol=0, atol=2e-4)
    np.testing.assert_allclose(found[:, 2], expected[:, 2], rtol=0, atol=1e-4)
    config = registry.read_beside(target)
    assert config.model == replace(registry.find("movenet_thunder_coco").model, batch_norm="none")
