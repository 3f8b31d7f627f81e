import json

import numpy as np
import pytest
from helpers.coco_folders import annotation, write_folder

from benchmarks.person_boxes import NAMES, box_ap, evaluate_detector, scores
from paddle_pose.data.coco import annotation_file
from paddle_pose.inference.detection.base import Detections

PEOPLE = {1: [(10.0, 10.0), (50.0, 40.0)], 2: [(20.0, 30.0)], 3: [(5.0, 5.0)]}


@pytest.fixture
def folder(tmp_path):
    """Three images; the first also shows a crowd, and people whose joints nobody labelled."""
    records = [
        annotation(image_id, at=at, labelled=0, id=10 * image_id + n)
        for image_id, corners in PEOPLE.items()
        for n, at in enumerate(corners)
    ]
    records.append(
        annotation(
            1, at=(0.0, 50.0), id=99, iscrowd=1, segmentation={"size": [80, 100], "counts": [8000]}
        )
    )
    write_folder(tmp_path, records, ids=(1, 2, 3))
    return tmp_path


def detections(corners, score=0.9):
    boxes = np.array([(x, y, 32, 16) for x, y in corners], float).reshape(-1, 4)
    return Detections(boxes, np.full(len(boxes), score))


def values_of(folder, found):
    path = annotation_file(folder, "val")
    return {name: float(value[0]) for name, value in scores(box_ap(path, found)).items()}


def test_the_truth_scores_one_and_boxes_in_a_crowd_do_not_count(folder):
    found = {image_id: detections(corners) for image_id, corners in PEOPLE.items()}
    assert values_of(folder, found) == dict.fromkeys(NAMES, 1.0)
    found[1] = detections([*PEOPLE[1], (0.0, 50.0)])
    assert values_of(folder, found) == dict.fromkeys(NAMES, 1.0)


def test_without_people_nothing_is_scored(folder):
    assert values_of(folder, dict.fromkeys(PEOPLE, detections([]))) == dict.fromkeys(NAMES, 0.0)


def test_a_box_beside_the_person_counts_at_small_overlaps_only(folder):
    beside = {
        image_id: detections([(x + 8, y) for x, y in corners])
        for image_id, corners in PEOPLE.items()
    }
    values = values_of(folder, beside)  # IoU 24 / 40 = 0.6: three of ten thresholds
    assert values == pytest.approx({"AP": 0.3, "AP50": 1.0, "AP75": 0.0, "AR100": 0.3})


def test_an_image_that_is_drawn_counts_as_often(folder):
    found = {1: detections(PEOPLE[1]), 2: detections([]), 3: detections([])}
    evaluation = box_ap(annotation_file(folder, "val"), found)
    recalls = scores(evaluation, np.array([[1, 1, 1], [2, 1, 0], [0, 1, 1], [1, 0, 0]]))["AR100"]
    assert recalls.tolist() == pytest.approx([2 / 4, 4 / 5, 0, 1])
    assert scores(evaluation)["AR100"].tolist() == [0.5]


def test_a_detector_receives_every_image_and_intervals_hold_the_value(folder):
    sizes = []

    def detector(image):
        sizes.append(image.shape)
        return detections(PEOPLE[len(sizes)] if len(sizes) != 2 else [])

    values, intervals = evaluate_detector(detector, folder, resamples=50)
    images = json.loads(annotation_file(folder, "val").read_text(encoding="utf-8"))["images"]
    assert sizes == [(image["height"], image["width"], 3) for image in images]
    assert set(intervals) == set(NAMES)
    low, high = intervals["AR100"]
    assert low < values["AR100"] == 0.75 < high
