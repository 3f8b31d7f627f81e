"""Framing: windows and people of samples for one person, one central person and one image."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from paddle_pose.data.framing import (
    is_target,
    one_per_central_person,
    one_per_image,
    one_per_person,
)
from paddle_pose.geometry import box_window, move
from paddle_pose.structures import AnnotatedImage, Person


def person(number, box, crowd=False):
    return Person(np.zeros((16, 2)), np.ones(16, np.int64), box, number, crowd=crowd)


def test_one_window_per_person_in_the_order_of_annotations():
    first = AnnotatedImage(
        7, Path("a.jpg"), (person(3, (0.0, 0.0, 10.0, 50.0)), person(0, (5.0, 5.0, 40.0, 20.0)))
    )
    second = AnnotatedImage(
        8, Path("b.jpg"), (person(2, (1.0, 2.0, 3.0, 4.0), crowd=True), person(1, (0, 0, 9, 9)))
    )
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


def test_one_letterboxed_window_per_image_with_all_people_and_crowds():
    crowd = person(5, (0.0, 0.0, 90.0, 90.0), crowd=True)
    people = (person(3, (0.0, 0.0, 10.0, 50.0)), crowd, person(0, (5.0, 5.0, 40.0, 20.0)))
    annotated = [
        AnnotatedImage(8, Path("b.jpg"), people, (640.0, 480.0)),
        AnnotatedImage(2, Path("a.jpg"), (), (100.0, 300.0)),
    ]
    first, empty = one_per_image(annotated, (192, 96))
    assert (first.image_id, first.image_path, first.persons, first.central) == (
        8,
        Path("b.jpg"),
        people,
        False,
    )
    assert (empty.image_id, empty.persons) == (2, ())
    matrix = first.window.to_input((192, 96))
    assert np.allclose(move(np.array([[0, 0], [640, 480]]), matrix), [[32, 0], [160, 96]])
    matrix = empty.window.to_input((192, 96))
    assert np.allclose(move(np.array([[0, 0], [100, 300]]), matrix), [[80, 0], [112, 96]])
    wider = one_per_image(annotated, (192, 96), context=1.5)
    assert [s.window for s in wider] == [first.window.scaled(1.5), empty.window.scaled(1.5)]


def test_missing_image_size_is_read_from_the_file(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((30, 50, 3), np.uint8))
    (sample,) = one_per_image([AnnotatedImage(0, tmp_path / "a.png", ())], (64, 64))
    assert (sample.window.center, sample.window.size) == ((25.0, 15.0), (50.0, 50.0))
    (tmp_path / "b.png").write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"b\.png"):
        one_per_image([AnnotatedImage(0, tmp_path / "b.png", ())], (64, 64))


def test_central_person_comes_first_and_others_follow():
    first = person(4, (0, 0, 9.0, 9.0))
    crowd = person(2, (0, 0, 9.0, 9.0), crowd=True)
    second = person(1, (0, 0, 5.0, 9.0))
    alone = person(3, (1, 1, 5.0, 9.0))
    annotated = [
        AnnotatedImage(7, Path("a.jpg"), (first, crowd, second)),
        AnnotatedImage(8, Path("b.jpg"), (alone,)),
    ]
    samples = one_per_central_person(annotated, (64, 64), context=1.5)
    plain = one_per_person(annotated, (64, 64), context=1.5)
    assert [s.window for s in samples] == [s.window for s in plain]
    assert [s.persons for s in samples] == [
        (second, first, crowd),
        (alone,),
        (first, crowd, second),
    ]
    assert all(s.central for s in samples)
    assert not any(s.central for s in plain)


def test_targets_have_a_labelled_joint_and_are_no_crowds():
    labelled = np.array([0] * 15 + [1])
    box = (0, 0, 9.0, 9.0)
    assert is_target(Person(np.zeros((16, 2)), labelled, box, 0))
    assert not is_target(Person(np.zeros((16, 2)), labelled, box, 0, crowd=True))
    assert not is_target(Person(np.zeros((16, 2)), 0 * labelled, box, 0))
