"""Boxes written as corners, and percent of the image, are found; right coordinates are not."""

import numpy as np
import pytest
from helpers import odd_annotations
from helpers.odd_annotations import SIZE, change, several

from paddle_pose.engine.check import check_annotations


def found(tmp_path, damage):
    """Returns {code: finding} of both files after the same damage."""
    paths = odd_annotations.write(tmp_path, {"train": damage, "val": damage})
    report = check_annotations(paths, tmp_path / "images", decode="none")
    return {finding.code: finding for finding in report.findings}


def corners(box):
    return [box[0], box[1], box[0] + box[2], box[1] + box[3]]


def scaled(x, y):
    """Returns a damage that scales all coordinates."""

    def keypoints(numbers):
        return (np.reshape(numbers, (-1, 3)) * (x, y, 1)).ravel().tolist()

    return change(
        "annotations",
        None,
        keypoints=keypoints,
        bbox=lambda box: [box[0] * x, box[1] * y, box[2] * x, box[3] * y],
    )


def test_right_coordinates_give_no_finding(tmp_path):
    assert found(tmp_path, lambda one: None) == {}


def test_boxes_as_corners_are_found_by_the_edge_of_the_image(tmp_path):
    finding = found(tmp_path, change("annotations", None, bbox=corners))["box_corners"]
    assert (finding.severity, finding.count, finding.total) == ("error", 6, 6)
    assert "x1, y1, x2, y2" in finding.text


def test_boxes_as_corners_are_found_by_their_joints(tmp_path):
    """All people are in the upper left of their images, so that no box reaches beyond."""

    def shift(numbers):
        return np.add(np.reshape(numbers, (-1, 3)), (150, 100, 0)).ravel().tolist()

    moved = several(
        change("images", None, width=1000, height=1000),
        change(
            "annotations",
            None,
            keypoints=shift,
            bbox=lambda box: [box[0] + 150, box[1] + 100, *box[2:]],
        ),
    )
    codes = found(tmp_path, several(moved, change("annotations", None, bbox=corners)))
    assert codes["box_corners"].severity == "error"
    assert found(tmp_path, moved).keys() <= {"image_size"}


def test_single_boxes_beyond_the_image_are_a_warning(tmp_path):
    finding = found(tmp_path, change("annotations", bbox=[20.0, 30.0, 300.0, 150.0]))
    assert (finding["box_outside_image"].severity, finding["box_outside_image"].count) == (
        "warning",
        1,
    )
    assert "box_corners" not in finding


def test_people_that_fill_their_images_are_not_corners(tmp_path):
    def portrait(one):
        for record in one["annotations"]:
            record["bbox"] = [4.0, 5.0, 232.0, 190.0]
            points = np.reshape(record["keypoints"], (-1, 3))
            points[:, :2] = 4 + 0.5 * (points[:, :2] % 100)
            record["keypoints"] = points.ravel().tolist()

    assert "box_corners" not in found(tmp_path, portrait)


def test_percent_are_found(tmp_path):
    codes = found(tmp_path, scaled(100 / SIZE[0], 100 / SIZE[1]))
    assert codes["percent"].severity == "error"
    assert (codes["percent"].count, codes["percent"].total) == (6, 6)


@pytest.mark.parametrize("scale", [(0.2, 0.2), (0.5, 0.9)])
def test_small_people_are_not_percent(tmp_path, scale):
    assert "percent" not in found(tmp_path, scaled(*scale))
