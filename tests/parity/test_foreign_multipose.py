"""What Google's MultiPose answers, through a file that returns it, against Google's key points."""

import csv

import numpy as np
from helpers.foreign_onnx import write_constant

from paddle_pose import load_model

FILE = "data/movenet/movenet_single_pose_thunder_ptq_reference.csv"


def test_the_answer_for_a_photo_is_the_person_in_it(shared, tmp_path):
    with np.load(shared / "data/movenet_tfjs/multipose_squat.npz") as arrays:
        answer, image = arrays["output"][None], arrays["input"]
        scale, (height, width) = float(arrays["scale"]), arrays["original"]
    path = write_constant(
        tmp_path / "multipose.onnx", {"y": answer}, shape=(1, *image.shape), dtype="INT32"
    )
    with load_model(path, threads=1) as model:
        (poses,) = model.config.codec.decode(model.maps(image[None]))
    with (shared / FILE).open(encoding="utf-8") as file:
        rows = [
            (float(row["keypoint_x"]), float(row["keypoint_y"])) for row in csv.DictReader(file)
        ]
    expected = np.array(rows) * [width, height]  # of the photo resized to a square
    distances = np.linalg.norm(poses.keypoints[0] / scale - expected, axis=1)
    assert poses.person_scores.tolist() == [answer[0, 0, 55]]
    assert distances.mean() < 0.04 * max(width, height)
