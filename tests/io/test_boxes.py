import hashlib
import json
import logging
from pathlib import Path

import pytest

from paddle_pose.errors import InputError
from paddle_pose.io.boxes import describe_detections, read_boxes

COCO = {
    "images": [
        {"id": 7, "file_name": "a/x.jpg", "width": 9, "height": 9},
        {"id": 8, "file_name": "b/x.jpg", "width": 9, "height": 9},
    ],
    "annotations": [
        {"id": 1, "image_id": 7, "category_id": 1, "bbox": [1, 2, 3, 4]},
        {"id": 2, "image_id": 8, "category_id": 1, "bbox": [5, 6, 7, 8]},
        {"id": 3, "image_id": 8, "category_id": 1, "bbox": [0, 0, 9, 9], "iscrowd": 1},
        {"id": 4, "image_id": 8, "category_id": 2, "bbox": [0, 0, 9, 9]},
        {"id": 5, "image_id": 8, "category_id": 1, "bbox": [0, 0, 0, 9]},
    ],
    "categories": [{"id": 1, "name": "person"}, {"id": 2, "name": "dog"}],
}
DETECTED = [
    {"image_id": 139, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.9},
    {"image_id": 139, "category_id": 1, "bbox": [5, 6, 7, 8], "score": 0.1},
    {"image_id": 139, "category_id": 3, "bbox": [5, 6, 7, 8], "score": 0.8},
    {"image_id": 140, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.9},
]


@pytest.fixture
def written(tmp_path):
    def write(content):
        path = tmp_path / "boxes.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


def test_plain_file_has_boxes_of_its_images_only(written):
    boxes = read_boxes(written({"x.jpg": [[1, 2, 3, 4]], "empty.jpg": []}))
    assert boxes.of(Path("some/where/x.jpg")) == [(1, 2, 3, 4)]
    assert boxes.of(Path("empty.jpg")) == []
    assert boxes.of(Path("other.jpg")) is None
    boxes.check([Path("x.jpg"), Path("empty.jpg"), Path("other.jpg")])
    with pytest.raises(ValueError, match=r"boxes for x\.jpg, which is not among the images"):
        boxes.check([Path("empty.jpg")])


def test_annotations_match_the_end_of_the_path_and_cover_all_images(written):
    boxes = read_boxes(written(COCO))
    assert boxes.of(Path("d/a/x.jpg")) == [(1, 2, 3, 4)]
    assert boxes.of(Path("b/x.jpg")) == [(5, 6, 7, 8)], "neither crowd, nor dog, nor an empty box"
    assert boxes.of(Path("other.jpg")) == []
    assert (boxes.image_id(Path("d/b/x.jpg")), boxes.image_id(Path("other.jpg"))) == (8, None)
    with pytest.raises(
        ValueError, match=r"no box is for one of the images \(the first one is other\.jpg\)$"
    ):
        boxes.check([Path("other.jpg")])


def test_detections_match_image_ids_above_the_minimum_score(written):
    boxes = read_boxes(written(DETECTED), min_score=0.2)
    assert boxes.of(Path("val2017/000000000139.jpg")) == [(1, 2, 3, 4)]
    assert boxes.of(Path("000000000141.jpg")) == []
    with pytest.raises(
        ValueError, match=r"image ids are matched with images named like 000000000139\.jpg"
    ):
        boxes.check([Path("x.jpg")])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"boxes\.json: not valid JSON"),
        (3, r"expected \{\"image\.jpg\".*got int"),
        ({"x.jpg": [[1, 2, 3]]}, r"key 'x\.jpg': expected"),
        ({"x.jpg": 5}, r"key 'x\.jpg': expected"),
        ({"x.jpg": [[1, 2, 0, 4]]}, r"key 'x\.jpg': expected .* positive sizes"),
        ({"x.jpg": [[1, 2, float("nan"), 4]]}, r"key 'x\.jpg': expected"),
        ([3], r"record \[0\]: expected .*got int"),
        ([{"image_id": 1, "score": 1}], r"record \[0\]: no key 'bbox'"),
        (
            [{"image_id": "1", "bbox": [1, 2, 3, 4], "score": 1}],
            "key 'image_id' must be an integer",
        ),
        ([{"image_id": 1, "bbox": [1, 2, 3, 4]}], "no key 'score'"),
        (
            {**COCO, "images": [{"id": 7}, {"id": 8}]},
            r"images\[0\]: key 'file_name' must name the image",
        ),
        ({**COCO, "categories": 3}, "expected COCO's lists images, annotations, categories"),
    ],
)
def test_files_of_other_forms_are_an_error(written, content, message):
    with pytest.raises(ValueError, match=message):
        read_boxes(written(content))


def test_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"--boxes .*boxes\.json: not found"):
        read_boxes(tmp_path / "boxes.json")


@pytest.fixture
def said(caplog):
    """Returns a function for the levels and lines that have been logged."""
    with caplog.at_level(logging.INFO, "paddle_pose"):
        yield lambda: [(record.levelno, record.getMessage()) for record in caplog.records]


def with_categories(*names):
    """Returns annotations of one image with one box of each category, whose left edge is its id."""
    return {
        "images": [{"id": 7, "file_name": "x.jpg"}],
        "annotations": [
            {"id": n, "image_id": 7, "category_id": n, "bbox": [n, 0, 5, 5]}
            for n in range(1, len(names) + 1)
        ],
        "categories": [{"id": n, "name": name} for n, name in enumerate(names, start=1)],
    }


@pytest.mark.parametrize("name", ["person", "Person", "PERSON", " person "])
def test_category_person_is_matched_ignoring_case(written, said, name):
    boxes = read_boxes(written(with_categories("dog", name)))
    assert boxes.of(Path("x.jpg")) == [(2, 0, 5, 5)]
    ((level, line),) = said()
    assert level == logging.INFO
    assert "1 boxes of other categories left out (dog: 1)" in line


def test_boxes_of_other_categories_are_counted_by_name(written, said):
    content = with_categories("person", "dog", "car")
    content["annotations"] += [
        {"id": n, "image_id": 7, "category_id": 3, "bbox": [0, 0, 5, 5]} for n in range(10, 18)
    ]
    assert read_boxes(written(content)).of(Path("x.jpg")) == [(1, 0, 5, 5)]
    ((_, line),) = said()
    assert "10 boxes of other categories left out (car: 9, dog: 1)" in line


def test_boxes_of_people_only_are_read_without_a_log_line(written, said):
    read_boxes(written(with_categories("person")))
    read_boxes(written({"x.jpg": [[1, 2, 3, 4]]}))
    assert said() == []


def test_file_without_a_person_category_is_used_completely_with_a_warning(written, said):
    boxes = read_boxes(written(with_categories("player", "referee")))
    assert boxes.of(Path("x.jpg")) == [(1, 0, 5, 5), (2, 0, 5, 5)]
    ((level, line),) = said()
    assert level == logging.WARNING
    assert "(player: 1, referee: 1)" in line


def test_file_without_categories_is_used_completely(written, said):
    boxes = read_boxes(written({**with_categories("person", "dog"), "categories": []}))
    assert len(boxes.of(Path("x.jpg"))) == 2
    assert said() == []


def test_detections_of_other_categories_are_counted(written, said):
    more = [{"image_id": 140, "category_id": 18, "bbox": [1, 2, 3, 4], "score": 0.9}] * 2
    boxes = read_boxes(written([*DETECTED, *more]))
    assert len(boxes.of(Path("000000000139.jpg"))) == 2
    ((_, line),) = said()
    assert "3 boxes of other categories left out (category_id 18: 2, category_id 3: 1)" in line


def test_long_list_of_categories_is_shortened(written, said):
    names = [f"thing {n}" for n in range(30)]
    read_boxes(written(with_categories("person", *names)))
    ((_, line),) = said()
    assert "30 boxes of other categories left out (" in line
    assert "others: 20)" in line


def test_detections_are_described_by_their_content(written):
    records = [
        {"image_id": 1, "category_id": 1, "bbox": [0, 0, 5, 5], "score": score}
        for score in (0.3, 0.1, 0.7)
    ]
    path = written([*records, {**records[0], "category_id": 3, "score": 0.9}])
    found = describe_detections(path)
    assert (found["detected_boxes"], found["detected_scores"]) == (3, [0.1, 0.7])
    assert found["detections_sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert describe_detections(written([]))["detected_scores"] == []
    with pytest.raises(InputError, match=r"record 0.*score"):
        describe_detections(written([{"category_id": 1}]))
    with pytest.raises(InputError, match="expected"):
        describe_detections(written({}))


def test_backslashes_in_names_separate_folders(written):
    boxes = read_boxes(written({"day\\x.jpg": [[1, 2, 3, 4]], "y.jpg": []}))
    assert boxes.of(Path("photos/day/x.jpg")) == [(1, 2, 3, 4)]
    assert boxes.of(Path("photos/night/x.jpg")) is None
    boxes.check([Path("day/x.jpg"), Path("y.jpg")])


def test_the_nearest_image_of_an_unknown_name_is_stated(written):
    boxes = read_boxes(written({"Photo.JPG": [[1, 2, 3, 4]]}))
    with pytest.raises(InputError, match=r"Photo\.JPG, which is not .* 'photo\.jpg'"):
        boxes.check([Path("day/photo.jpg")])


@pytest.mark.parametrize(("value", "kept"), [(None, 1), (False, 1), (0, 1), (True, 0), (1, 0)])
def test_crowds_are_read_as_in_training(tmp_path, value, kept):
    path = tmp_path / "truth.json"
    record = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "iscrowd": value}
    content = {
        "images": [{"id": 1, "file_name": "a.jpg"}],
        "annotations": [record],
        "categories": [{"id": 1, "name": "person"}],
    }
    path.write_text(json.dumps(content), encoding="utf-8")
    assert len(read_boxes(path).by_name["a.jpg"]) == kept
    record["iscrowd"] = str(value)
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ValueError, match="'iscrowd' must be the number 0 or 1"):
        read_boxes(path)
