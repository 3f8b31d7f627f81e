"""scripts/build_docs_images.py: the film that it draws; the predictions are those of the commands."""

import numpy as np

from paddle_pose.data.synthetic.motion import squats, walk
from paddle_pose.skeletons import COCO_17
from scripts.build_docs_images import HEIGHT, SIZE, body, film


def test_frames_differ_and_have_the_size_of_the_film():
    frames = film(seed=5)
    assert len(frames) == 125
    assert {frame.shape for frame in frames} == {(*SIZE[::-1], 3)}
    assert (frames[0] != frames[30]).any()
    assert (film(seed=5)[30] == frames[30]).all()


def test_people_have_the_joints_of_their_motion():
    seconds = np.arange(5) / 5
    for keypoints in (*squats(seconds, height=HEIGHT), *walk(seconds, 90.0, HEIGHT)):
        points = body(keypoints).points
        joints = dict(zip(COCO_17.joints, keypoints, strict=True))
        hips = (joints["left_hip"] + joints["right_hip"]) / 2
        for name in ("shoulder", "knee", "ankle"):
            drawn = (points[f"l_{name}"] + points[f"r_{name}"])[:2] / 2
            middle = (joints[f"left_{name}"] + joints[f"right_{name}"]) / 2
            np.testing.assert_allclose(drawn * HEIGHT, middle - hips, atol=1e-6)
