import numpy as np
import pytest
from helpers.coco_folders import annotation, write_folder

from benchmarks.people import HEAD, Benchmark
from paddle_pose.inference.detection.base import Detections
from paddle_pose.inference.pose_result import PoseResult
from paddle_pose.skeletons import COCO_17
from paddle_pose.structures import Poses

CORNERS = {1: [(10.0, 10.0), (50.0, 40.0)], 2: [(20.0, 30.0)]}


@pytest.fixture
def records():
    """Three people, and one whose joints nobody labelled."""
    found = [
        annotation(n, at=at, num_keypoints=17) for n, corners in CORNERS.items() for at in corners
    ]
    return [*found, annotation(2, at=(60.0, 5.0), labelled=0, num_keypoints=0)]


@pytest.fixture
def benchmark(tmp_path, records):
    write_folder(tmp_path, records, ids=(1, 2))
    return Benchmark(tmp_path, resamples=20)


def test_annotated_joints_score_one_and_half_of_the_people_less(benchmark, records):
    def predict(image_id, path, most=9):
        people = [r for r in records if r["image_id"] == image_id and r["num_keypoints"]][:most]
        points = np.array([r["keypoints"] for r in people], float).reshape(-1, 17, 3)[..., :2]
        poses = Poses(points, np.ones(points.shape[:2]), np.ones(len(points)))
        return PoseResult(np.zeros((80, 100, 3), np.uint8), COCO_17, poses)

    row = benchmark.poses("all", "", predict)
    assert row.values["AP"] == pytest.approx(1)
    assert (row.num_images, row.num_people) == (2, 3)
    assert row.threshold_cells(1.0) == ("1", "3", "3", "0", "1.00", "1.00")
    assert row.threshold_cells(1.1) == ("1.1", "0", "0", "0", "0.00", "0.00")
    assert len(row.cells()) == len(HEAD)
    one_each = benchmark.poses(
        "one of each image", "", lambda image_id, path: predict(image_id, path, most=1)
    )
    assert one_each.values["AR100"] == pytest.approx(2 / 3)
    assert (
        one_each.intervals["AR100"][0] < one_each.values["AR100"] < one_each.intervals["AR100"][1]
    )


def test_boxes_of_all_people_count_for_the_detector_only(benchmark, records):
    assert {image_id: len(boxes) for image_id, boxes in benchmark.boxes.items()} == {1: 2, 2: 1}
    every = np.array([r["bbox"] for r in records], float)
    row = benchmark.detections("none found", "", lambda image: Detections(every[:0], np.zeros(0)))
    assert (row.values["AP"], row.num_people) == (0, 4)
