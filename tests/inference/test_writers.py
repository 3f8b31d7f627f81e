"""Files of predicted poses: their contents, and image ids."""

import csv
import json
from pathlib import Path

import numpy as np

from paddle_pose.inference import writers
from paddle_pose.io.frames import Frame, Source
from paddle_pose.structures import Poses

PIXELS = np.full((48, 64, 3), 90, np.uint8)
VIDEO = Source("video", Path("b/x.mp4"), Path("x"))


def poses(people=1, ids=()):
    """Returns people with two joints."""
    keypoints = np.arange(people * 4.0).reshape(people, 2, 2)
    boxes = np.tile([1.0, 2.0, 3.0, 4.0], (people, 1))
    windows = np.tile([0.0, 1.0, 5.0, 6.0], (people, 1))
    return Poses(
        keypoints,
        np.full((people, 2), 0.5),
        np.full(people, 0.25),
        boxes,
        np.array(ids, np.int64),
        windows,
    )


def test_image_ids_are_known_or_in_the_file_names_or_numbers_of_the_run():
    def ids(sources, known=lambda path: None):
        image_id = writers.image_ids(sources, known)
        return [image_id(Frame(source, PIXELS)) for source in sources]

    def image(stem):
        return Source("image", Path(f"{stem}.jpg"), Path(stem))

    assert ids([image("000139"), image("285")]) == [139, 285]
    assert ids([image("139"), image("x")]) == [1, 2]
    assert ids([image("139"), image("0139")]) == [1, 2], "two names with the same number"
    assert ids([image("139"), VIDEO, VIDEO]) == [1, 2, 3]
    assert ids([image("x"), image("y")], lambda path: 7 if path.stem == "y" else None) == [1, 7]


def test_pages_are_told_apart_by_their_number(tmp_path):
    pages = [Source("image", Path("scan.tif"), Path(f"scan_{n + 1}"), page=n) for n in range(2)]
    drawings = {page: tmp_path / f"{page.name}.png" for page in pages}
    sinks = [
        writers.JsonFile(tmp_path / "p.json", {}, drawings),
        writers.CocoFile(tmp_path / "c.json", writers.image_ids(pages, lambda path: None)),
    ]
    for sink in sinks:
        for n, page in enumerate(pages):
            sink.write(Frame(page, PIXELS, n), poses(1), PIXELS)
        sink.close()
    records = json.loads((tmp_path / "p.json").read_text())["images"]
    assert [(r["image"], r["frame"], r["drawing"], "seconds" in r) for r in records] == [
        ("scan.tif", 0, "scan_1.png", False),
        ("scan.tif", 1, "scan_2.png", False),
    ]
    results = json.loads((tmp_path / "c.json").read_text())
    assert [(result["image_id"], result["frame"]) for result in results] == [(1, 0), (2, 1)]


def test_files_contain_all_frames_and_are_complete_when_closed(tmp_path):
    sinks = [
        writers.JsonFile(
            tmp_path / "p.json", {"joints": ["a", "b"]}, {VIDEO: tmp_path / "v" / "x.mp4"}
        ),
        writers.CocoFile(tmp_path / "c.json", lambda frame: 40 + frame.index),
        writers.CsvFile(tmp_path / "p.csv", ["a", "b"]),
    ]
    empty = [
        writers.JsonFile(tmp_path / "e.json", {}, {}),
        writers.CocoFile(tmp_path / "f.json", lambda frame: 0),
    ]
    for sink in sinks:
        sink.write(Frame(VIDEO, PIXELS, 1, 0.1, 10), poses(2, ids=(5, 6)), PIXELS)
        sink.write(Frame(VIDEO, PIXELS, 2, 0.2, 10), poses(0), PIXELS)
    for sink in (*sinks, *empty):
        sink.close()
    document = json.loads((tmp_path / "p.json").read_text())
    assert document["joints"] == ["a", "b"]
    first, second = document["images"]
    assert first["persons"][1] == {
        **{"id": 6, "score": 0.25, "box": [1.0, 2.0, 3.0, 4.0], "window": [0.0, 1.0, 5.0, 6.0]},
        **{"keypoints": [[4.0, 5.0], [6.0, 7.0]], "scores": [0.5, 0.5]},
    }
    assert (first["image"], first["frame"], first["seconds"], first["drawing"]) == (
        "b/x.mp4",
        1,
        0.1,
        "v/x.mp4",
    )
    assert (second["width"], second["height"], second["persons"]) == (64, 48, [])
    results = json.loads((tmp_path / "c.json").read_text())
    assert results[1] == {
        **{"image_id": 41, "category_id": 1, "score": 0.25, "file_name": "x.mp4", "frame": 1},
        "keypoints": [4.0, 5.0, 0.5, 6.0, 7.0, 0.5],
    }
    with (tmp_path / "p.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["box_width"], row["window_height"]) for row in rows] == [("3.0", "6.0")] * 2
    assert [
        (row["frame"], row["person"], row["id"], row["b_y"], row["b_score"]) for row in rows
    ] == [
        ("1", "0", "5", "3.0", "0.5"),
        ("1", "1", "6", "7.0", "0.5"),
    ]
    assert json.loads((tmp_path / "e.json").read_text())["images"] == []
    assert json.loads((tmp_path / "f.json").read_text()) == []
