import numpy as np

from paddle_pose.codecs.movenet import MoveNetCodec
from paddle_pose.codecs.movenet_targets import areas


def test_a_box_with_negative_width_or_height_has_area_0():
    assert areas(np.array([[0.0, 0, 2, 3], [5, 5, 4, 9], [5, 5, 4, 4]])).tolist() == [6, 0, 0]


def test_a_box_of_negative_width_does_not_change_the_targets_of_other_people():
    """Clipping at an image border can make a width negative; the root of the area was NaN."""
    codec, rng = MoveNetCodec(input_size=(64, 64), max_persons=6), np.random.default_rng(0)
    keypoints, visible = rng.uniform(8, 30, (2, 17, 2)), np.ones((2, 17))
    visible[1] = 0
    maps = codec.encode(keypoints, visible, np.array([[5.0, 5, 30, 30], [70, 20, -7, 5]]))
    alone = codec.encode(keypoints[:1], visible[:1], np.array([[5.0, 5, 30, 30]]))
    assert all(np.array_equal(maps[name], alone[name]) for name in maps)
