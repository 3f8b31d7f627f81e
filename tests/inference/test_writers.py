import csv
import json
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from paddle_pose.commands import drawings, predicted
from paddle_pose.commands.predict import tracked
from paddle_pose.io.frames import Frame, Source
from paddle_pose.io.videos import read_video
from paddle_pose.structures import Poses

PIXELS = np.full((48, 64, 3), 90, np.uint8)
IMAGE, VIDEO, CAMERA = (
    Source("image", Path("a/x.jpg"), Path("x")),
    Source("video", Path("b/x.mp4"), Path("x")),
    Source("camera", Path("0"), Path("camera_0")),
)


def poses(people=1, ids=()):
    keypoints = np.arange(people * 4.0).reshape(people, 2, 2)
    boxes = np.tile([1.0, 2.0, 3.0, 4.0], (people, 1))
    return Poses(keypoints, np.full((people, 2), 0.5), np.full(people, 0.25), boxes, np.array(ids, np.int64))


def test_each_video_has_steps_of_its_own_and_images_have_none():
    made = count()

    def maker():
        number = next(made)
        return lambda index, seconds, size, poses: replace(poses, ids=np.array([100 * number + index]))

    def twice():
        return lambda index, seconds, size, poses: replace(poses, ids=poses.ids * 2)

    frames = [Frame(IMAGE, PIXELS), Frame(VIDEO, PIXELS, 0), Frame(VIDEO, PIXELS, 1, 0.5), Frame(CAMERA, PIXELS, 3)]
    after = tracked(((frame, poses()) for frame in frames), [maker, twice])
    assert [found.ids.tolist() for _, found in after] == [[], [0], [2], [206]]


def test_drawings_never_replace_each_other_or_a_source(tmp_path):
    places = [("image", "out/x.png"), ("image", "a/x.jpg"), ("video", "b/x.mp4"), ("image", "c/x.png")]
    named = [Source(kind, tmp_path / path, Path("x")) for kind, path in places]
    found = drawings.drawing_places(tmp_path / "out", named)
    assert [found[source.path].name for source in named] == ["x_2.png", "x_3.png", "x.mp4", "x_4.png"]
    below = Source("image", tmp_path / "f/day/x.jpg", Path("day/x"))
    assert drawings.drawing_places(tmp_path / "out", [below])[below.path] == tmp_path / "out/day/x.png"


def test_image_ids_are_the_files_or_the_names_or_counted():
    def ids(sources, known=lambda path: None):
        image_id = predicted.image_ids(sources, known)
        return [image_id(Frame(source, PIXELS)) for source in sources]

    def image(stem):
        return Source("image", Path(f"{stem}.jpg"), Path(stem))

    assert ids([image("000139"), image("285")]) == [139, 285]
    assert ids([image("139"), image("x")]) == [1, 2]
    assert ids([image("139"), image("0139")]) == [1, 2], "the same number twice"
    assert ids([image("139"), VIDEO, VIDEO]) == [1, 2, 3]
    assert ids([image("x"), image("y")], lambda path: 7 if path.stem == "y" else None) == [1, 7]


def test_files_say_everything_and_are_complete_at_any_moment(tmp_path):
    sinks = [
        predicted.JsonFile(tmp_path / "p.json", {"joints": ["a", "b"]}, {VIDEO.path: tmp_path / "v" / "x.mp4"}),
        predicted.CocoFile(tmp_path / "c.json", lambda frame: 40 + frame.index),
        predicted.CsvFile(tmp_path / "p.csv", ["a", "b"]),
    ]
    empty = [predicted.JsonFile(tmp_path / "e.json", {}, {}), predicted.CocoFile(tmp_path / "f.json", lambda frame: 0)]
    for sink in sinks:
        sink.write(Frame(VIDEO, PIXELS, 1, 0.1, 10), poses(2, ids=(5, 6)), PIXELS)
        sink.write(Frame(VIDEO, PIXELS, 2, 0.2, 10), poses(0), PIXELS)
    for sink in (*sinks, *empty):
        sink.close()
    document = json.loads((tmp_path / "p.json").read_text())
    assert document["joints"] == ["a", "b"]
    first, second = document["images"]
    assert first["persons"][1] == {
        **{"id": 6, "score": 0.25, "box": [1.0, 2.0, 3.0, 4.0]},
        **{"keypoints": [[4.0, 5.0], [6.0, 7.0]], "scores": [0.5, 0.5]},
    }
    assert (first["image"], first["frame"], first["seconds"], first["drawing"]) == ("b/x.mp4", 1, 0.1, "v/x.mp4")
    assert (second["width"], second["height"], second["persons"]) == (64, 48, [])
    results = json.loads((tmp_path / "c.json").read_text())
    assert results[1] == {
        **{"image_id": 41, "category_id": 1, "score": 0.25, "file_name": "x.mp4", "frame": 1},
        "keypoints": [4.0, 5.0, 0.5, 6.0, 7.0, 0.5],
    }
    with (tmp_path / "p.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["frame"], row["person"], row["id"], row["b_y"], row["b_score"]) for row in rows] == [
        ("1", "0", "5", "3.0", "0.5"),
        ("1", "1", "6", "7.0", "0.5"),
    ]
    assert json.loads((tmp_path / "e.json").read_text())["images"] == []
    assert json.loads((tmp_path / "f.json").read_text()) == []


def test_a_cameras_video_lasts_as_long_as_it_took(tmp_path):
    sink = drawings.Drawings({CAMERA.path: tmp_path / "c.mp4", VIDEO.path: tmp_path / "v.mp4"})
    for index, seconds in enumerate((0.0, 0.05, 0.5, 1.0)):
        sink.write(Frame(CAMERA, PIXELS, index, seconds, 10), poses(), PIXELS)
    for index, seconds in enumerate((0.0, 0.05, 0.5, 1.0)):
        sink.write(Frame(VIDEO, PIXELS, index, seconds, 4), poses(), PIXELS)
    sink.close()
    assert len(list(read_video(tmp_path / "c.mp4"))) == 10
    assert len(list(read_video(tmp_path / "v.mp4"))) == 4


def test_without_a_screen_the_package_is_named(monkeypatch):
    monkeypatch.setattr(drawings.sys, "executable", "false")
    with pytest.raises(ValueError, match="--show needs a screen, and the package opencv-python"):
        drawings.ScreenRenderer()
