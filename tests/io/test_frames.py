from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers import movies
from PIL import Image

from paddle_pose.io import frames, images


@pytest.fixture
def holiday(tmp_path):
    """A folder of images and a video, and what is neither."""
    folder = tmp_path / "holiday"
    for name in ("b.png", "a.JPG", "day/c.png", "._a.png", ".a.1f2e3d4c.part.png"):
        images.write(folder / name.lower(), np.zeros((6, 8, 3), np.uint8))
    (folder / "a.jpg").rename(folder / "a.JPG")
    movies.write(folder / "day" / "d.mp4", count=3)
    (folder / "notes.txt").write_text("no image")
    (folder / "drawn").mkdir()
    images.write(folder / "drawn" / "old.png", np.zeros((6, 8, 3), np.uint8))
    return folder


def read(found):
    failures = []
    return list(frames.frames(found, failures.append)), failures


def test_folders_are_searched_to_the_bottom_but_not_for_earlier_drawings(holiday):
    found = frames.find([str(holiday)], leave_out=holiday / "drawn")
    assert [
        (source.kind, source.path.relative_to(holiday).as_posix(), source.name.as_posix())
        for source in found
    ] == [
        ("image", "a.JPG", "a"),
        ("image", "b.png", "b"),
        ("image", "day/c.png", "day/c"),
        ("video", "day/d.mp4", "day/d"),
    ]
    assert frames.count(found) == 6
    read_frames, failures = read(found)
    assert [
        (frame.source.path.name, frame.index, frame.seconds, frame.rate) for frame in read_frames
    ] == [
        *(("a.JPG", 0, 0, 0), ("b.png", 0, 0, 0), ("c.png", 0, 0, 0)),
        *(("d.mp4", 0, 0, 10), ("d.mp4", 1, 0.1, 10), ("d.mp4", 2, 0.2, 10)),
    ]
    assert [frame.size for frame in read_frames[2:4]] == [(8, 6), (64, 48)]
    assert failures == []


def test_patterns_files_and_cameras_are_named_and_nothing_comes_twice(holiday):
    places = [str(holiday / "b.png"), str(holiday / "**/*.png"), "0"]
    found = frames.find(places, leave_out=None)
    assert [source.path.name for source in found] == ["b.png", "c.png", "old.png", "0"]
    assert found[-1].kind == "camera"
    assert frames.count(found) is None


def test_a_number_that_is_a_file_is_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    images.write(tmp_path / "0.png", np.zeros((6, 8, 3), np.uint8))
    Path("0.png").rename("0")
    assert [source.kind for source in frames.find(["0"])] == ["image"]


def test_what_cannot_be_read_is_told_and_the_rest_goes_on(holiday):
    (holiday / "a.JPG").write_bytes(b"no image")
    (holiday / "day" / "d.mp4").write_bytes(b"no video")
    read_frames, failures = read(frames.find([str(holiday)]))
    assert [frame.source.path.name for frame in read_frames] == ["b.png", "c.png", "old.png"]
    assert [failure.split(": ")[0] for failure in failures] == [
        str(holiday / "a.JPG"),
        str(holiday / "day" / "d.mp4"),
    ]


def test_a_image_is_turned_as_its_camera_says(tmp_path):
    exif = Image.Exif()
    exif[274] = 6  # turn a quarter clockwise to see it upright
    Image.fromarray(np.zeros((6, 8, 3), np.uint8)).save(tmp_path / "a.jpg", exif=exif)
    ((frame,), _) = read(frames.find([str(tmp_path / "a.jpg")]))
    assert frame.size == (6, 8)
    assert cv2.imread(
        str(tmp_path / "a.jpg"), cv2.IMREAD_IGNORE_ORIENTATION | cv2.IMREAD_COLOR
    ).shape == (6, 8, 3)


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (
            "nowhere.jpg",
            "not found; expected an image, video, folder, pattern or a camera's number",
        ),
        ("*.jpg", "no file fits this pattern"),
        ("", "no image or video in this folder"),
    ],
)
def test_nothing_to_look_at_is_an_error(tmp_path, place, message):
    with pytest.raises(FileNotFoundError, match=message):
        frames.find([str(tmp_path / place)])
