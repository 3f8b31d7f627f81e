"""Records of annotation files: values, missing values, and boxes round the keypoints."""

import json

import numpy as np
import pytest
from helpers.odd_annotations import REFUSED, content

from paddle_pose.errors import InputError
from paddle_pose.io import coco_records
from paddle_pose.io.coco_records import AREA_OF_BOX, MARGIN
from paddle_pose.skeletons import COCO_17, MPII_16

JOINTS = ("a", "b", "c")


def file(*people, **changes):
    """Returns the content of a file whose people have three joints."""
    records = [
        {
            "id": n,
            "image_id": 1,
            "category_id": 1,
            "keypoints": [0] * 9,
            "bbox": [1, 2, 3, 4],
            **one,
        }
        for n, one in enumerate(people)
    ]
    return {
        "images": [{"id": 1, "file_name": "1.jpg", "width": 100, "height": 80}],
        "annotations": records,
        "categories": [{"id": 1, "keypoints": list(JOINTS)}],
        **changes,
    }


def people_of(*people, **options):
    return coco_records.read(file(*people), **options).people


def test_values_are_read_as_written():
    (person,) = people_of(
        {"keypoints": [1, 2, 2, 3.5, 4, 1, 0, 0, 0], "area": 7, "iscrowd": 1, "category_id": 0}
    )
    assert person.keypoints.tolist() == [[1, 2, 2], [3.5, 4, 1], [0, 0, 0]]
    assert (person.box, person.area, person.crowd, person.num_labelled) == (
        (1, 2, 3, 4),
        7,
        True,
        2,
    )
    plain = person.as_coco()
    assert json.loads(json.dumps(plain)) == plain
    assert (plain["iscrowd"], plain["num_keypoints"], plain["category_id"]) == (1, 2, 0)


@pytest.mark.parametrize("value", [None, False, 0, 0.0])
def test_null_false_and_0_are_no_crowd(value):
    assert not people_of({"iscrowd": value})[0].crowd
    assert not people_of({})[0].crowd
    assert not coco_records.is_crowd({"iscrowd": value}, "f")


@pytest.mark.parametrize("value", [None, []])
def test_missing_keypoints_are_unlabelled(value):
    (person,) = people_of({"keypoints": value})
    assert (person.keypoints == 0).all()
    assert person.keypoints.shape == (3, 3)


def test_coordinates_of_unlabelled_joints_have_no_meaning():
    nan = float("nan")
    for x in (None, nan, float("inf")):
        (person,) = people_of({"keypoints": [x, x, 0, 5, 6, 2, 7, 8, 0]})
        assert person.keypoints.tolist() == [[0, 0, 0], [5, 6, 2], [7, 8, 0]]


def test_joints_are_matched_by_name():
    one = coco_records.read(content("train"))
    people, shared = one.in_skeleton(MPII_16)
    names = MPII_16.joints
    assert people[0].keypoints.shape == (16, 3)
    nose = COCO_17.joints.index("left_knee")
    assert (people[0].keypoints[names.index("left_knee")] == one.people[0].keypoints[nose]).all()
    assert (people[0].keypoints[names.index("pelvis")] == 0).all()
    assert shared.startswith("12 of 17 joints")
    assert one.in_skeleton(COCO_17) == (one.people, "")


@pytest.mark.parametrize("name", ["bbox as texts", "v 3", "id twice", "width 0", "area negative"])
def test_all_problems_are_found_and_the_first_one_is_raised(name):
    one = content("train")
    REFUSED[name](one)
    one["annotations"][1]["iscrowd"] = "0"
    one["annotations"][2]["keypoints"] = [1, 2]
    _, problems = coco_records.examine(one, "f.json")
    codes = [problem.code for problem in problems]
    assert {"iscrowd", "joint_count"} < set(codes)
    assert len(codes) == 3
    with pytest.raises(InputError) as caught:
        coco_records.read(one)
    assert str(caught.value) == problems[0].message("annotations")
    for problem in problems:
        assert problem.message("f.json").startswith(f"f.json: {problem.part}[{problem.index}]")


def test_boxes_and_areas_are_taken_from_keypoints():
    points = [10, 20, 2, 50, 40, 1, 300, 300, 0]
    expected = (10 - 4, 20 - 4, 48, 28)  # the longer side is 40 px
    assert pytest.approx(0.1) == MARGIN
    for one in ({"bbox": None}, {"bbox": [0, 0, 0, 0]}, {"bbox": [10, 20, 40, 0], "area": 0}):
        (person,) = people_of({"keypoints": points, **one}, boxes_from_keypoints=True)
        assert person.box == pytest.approx(expected)
        assert person.area == pytest.approx(AREA_OF_BOX * 48 * 28)
    (person,) = people_of({"keypoints": points}, boxes_from_keypoints=True)
    assert (person.box, person.area) == ((1, 2, 3, 4), pytest.approx(AREA_OF_BOX * 12))
    given = {"keypoints": points, "bbox": None, "area": 9}
    assert people_of(given, boxes_from_keypoints=True)[0].area == 9


def test_joints_on_a_line_have_a_box_and_those_at_one_point_have_none():
    line, point = [10, 20, 2, 50, 20, 2, 0, 0, 0], [10, 20, 2, 0, 0, 0, 0, 0, 0]
    flat, single, nobody, crowd = people_of(
        {"keypoints": line, "bbox": [10, 20, 40, 0]},
        {"keypoints": point, "bbox": None},
        {"keypoints": None, "bbox": None},
        {"keypoints": line, "bbox": [0, 0, 0, 0], "iscrowd": 1},
        boxes_from_keypoints=True,
    )
    assert flat.box == pytest.approx((6, 16, 48, 8))
    assert flat.area > 0
    for one in (single, nobody, crowd):
        assert (one.box, one.area) == ((0, 0, 0, 0), 0)


def test_files_without_names_have_the_given_joints():
    one = file({"keypoints": [1, 2, 2, 0, 0, 0, 0, 0, 0]}, categories=[{"id": 1}])
    read = coco_records.read(one, JOINTS)
    assert (read.joints, read.named) == (JOINTS, False)
    with pytest.raises(InputError, match="17 joints"):
        coco_records.read(one)


def test_a_score_needs_no_image_files():
    one = file({}, images=[{"id": 1}])
    read = coco_records.read(one, files=False)
    assert (read.images[0].file_name, np.isnan(read.images[0].size).all()) == ("", True)
    with pytest.raises(InputError, match=r"images\[0\]: key 'file_name'"):
        coco_records.read(one)


def test_annotations_are_read_alike_together_and_one_by_one():
    """Keypoints that are plain lists of numbers are read together, all others one by one."""
    rng = np.random.default_rng(0)
    lists = []
    for _ in range(30):
        rows = np.column_stack([rng.uniform(-50, 900, (3, 2)).round(2), rng.integers(0, 3, 3)])
        rows[rng.random(3) < 0.2] = (rng.choice([2e9, np.nan]), 5.0, 0.0)
        lists.append(rows.ravel().tolist())
    together = people_of(*({"keypoints": values} for values in lists))
    separate = people_of(*({"keypoints": tuple(values)} for values in lists))
    for a, b in zip(together, separate, strict=True):
        assert np.array_equal(a.keypoints, b.keypoints)
        assert a.num_labelled == b.num_labelled == (b.keypoints[:, 2] > 0).sum()
