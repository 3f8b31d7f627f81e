from pathlib import Path

import numpy as np

from paddle_pose.datasets.framing import one_per_person
from paddle_pose.geometry import box_window
from paddle_pose.structures import AnnotatedImage, Person


def person(number, box, crowd=False):
    return Person(np.zeros((16, 2)), np.ones(16, np.int64), box, number, crowd=crowd)


def test_a_window_per_person_in_the_files_order_and_none_per_crowd():
    first = AnnotatedImage(7, Path("a.jpg"), (person(3, (0.0, 0.0, 10.0, 50.0)), person(0, (5.0, 5.0, 40.0, 20.0))))
    second = AnnotatedImage(8, Path("b.jpg"), (person(2, (1.0, 2.0, 3.0, 4.0), crowd=True), person(1, (0, 0, 9, 9))))
    samples = one_per_person([first, second], (192, 256), context=1.5)
    assert [sample.persons[0].annotation_id for sample in samples] == [0, 1, 3]
    assert [(sample.image_id, sample.image_path.name) for sample in samples] == [
        (7, "a.jpg"),
        (8, "b.jpg"),
        (7, "a.jpg"),
    ]
    for sample in samples:
        assert sample.window == box_window(sample.persons[0].box, (192, 256), 1.5)
        assert len(sample.persons) == 1
        assert sample.score == 1.0
