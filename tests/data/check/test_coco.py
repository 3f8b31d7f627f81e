"""The check of files in COCO's format: intact files pass, each kind of damage gives its finding."""

import json
import shutil

import numpy as np
import pytest
from helpers.coco_folders import annotation, write_folder
from helpers.rotated_images import rotate_file
from PIL import Image

from paddle_pose.data.check.coco import check_coco
from paddle_pose.data.skeleton_file import read_skeleton
from paddle_pose.data.synthetic.dataset import write_coco
from paddle_pose.skeletons import COCO_17, MPII_16


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory):
    folder = tmp_path_factory.mktemp("synthetic") / "data"
    return write_coco(folder, num_train=4, num_val=24, size=(96, 96))


@pytest.fixture
def copy(synthetic, tmp_path):
    return shutil.copytree(synthetic, tmp_path / "copy")


def files(root):
    return {
        split: (root / "annotations" / f"person_keypoints_{split}2017.json", root / f"{split}2017")
        for split in ("train", "val")
    }


def findings_after(root, damage=lambda content: None, skeleton=None, **options):
    """Returns {(severity, code): finding} after the validation file was damaged."""
    path, _ = files(root)["val"]
    content = json.loads(path.read_text(encoding="utf-8"))
    content = damage(content) or content
    path.write_text(json.dumps(content), encoding="utf-8")
    findings = check_coco(files(root), skeleton, **options).findings
    assert all(
        finding.examples == () or finding.count == len(finding.examples) for finding in findings
    )
    return {(finding.severity, finding.code): finding for finding in findings}


def test_synthetic_people_pass(copy):
    report = check_coco(files(copy))
    assert report.counts == {"train": (4, 4), "val": (24, 24)}
    assert report.decoded == 28
    assert (report.number("error"), report.number("warning")) == (0, 0)


@pytest.mark.parametrize(
    ("folder", "people"),
    [("coco_mini", {"train": (147, 28), "val": (93, 32)}), ("lspet", {"val": (200, 200)})],
)
def test_real_people_pass(shared, folder, people):
    root = shared / "data" / folder
    chosen = files(root)
    if folder == "lspet":
        chosen = {"val": (root / "annotations" / "person_keypoints_val.json", root / "images")}
    report = check_coco(chosen, COCO_17, decode="none")
    assert report.counts == people
    # The folder also contains the training images, which no validation record names.
    assert {finding.code for finding in report.findings} <= {"nothing_labelled", "unlisted"}


def first_annotation(**changes):
    """Returns a damage that changes fields of the first annotation; callables get the old value."""

    def damage(content):
        record = content["annotations"][0]
        for key, value in changes.items():
            record[key] = value(record[key]) if callable(value) else value

    return damage


def remove(part, key):
    """Returns a damage that removes a key from the first record of a list."""

    def damage(content):
        del content[part][0][key]

    return damage


def first_image(**changes):
    """Returns a damage that changes fields of the first image."""
    return lambda content: content["images"][0].update(changes)


def swap_all_sides(content):
    """Swaps left and right joints of all annotations."""
    for record in content["annotations"]:
        triples = [record["keypoints"][3 * slot : 3 * slot + 3] for slot in COCO_17.flip]
        record["keypoints"] = [value for triple in triples for value in triple]


def moved(distance):
    """Returns a function that moves all labelled joints by a distance in x, px."""
    return lambda numbers: [
        value + distance * (n % 3 == 0 and numbers[n + 2] > 0) for n, value in enumerate(numbers)
    ]


@pytest.mark.parametrize(
    ("damage", "severity", "code", "example"),
    [
        (first_annotation(id="7"), "error", "id_type", "id '7'"),
        (first_annotation(image_id="1000001"), "error", "id_type", "image_id '1000001'"),
        (first_image(id=None), "error", "id_type", "id None"),
        (
            lambda content: content["annotations"][1].update(id=content["annotations"][0]["id"]),
            "error",
            "duplicate_id",
            "id ",
        ),
        (first_image(id=1000002), "error", "duplicate_id", "id 1000002"),
        (first_annotation(image_id=5), "error", "unknown_image", "image_id 5"),
        (first_annotation(keypoints=[0] * 48), "error", "joint_count", "48 numbers instead of 51"),
        (first_annotation(keypoints=[None] * 51), "error", "not_numbers", "keypoints"),
        (first_annotation(bbox=[0, 0, 1]), "error", "not_numbers", "bbox"),
        (
            first_annotation(keypoints=[3] * 51),
            "error",
            "visibility",
            "record 0 (000001000001.jpg)",
        ),
        (
            first_annotation(keypoints=lambda numbers: [0.5, 0.25, 2] * (len(numbers) // 3)),
            "error",
            "normalised",
            "record 0",
        ),
        (first_annotation(area=0), "error", "area", "record 0 (000001000001.jpg): 0"),
        (remove("annotations", "area"), "error", "area", "missing"),
        (first_image(file_name=3), "error", "no_name", "images[0] (no name)"),
        (first_image(file_name="absent.jpg"), "error", "missing_image", "absent.jpg"),
        (first_image(width=97), "error", "image_size", "(97, 96), the image has (96, 96)"),
        (first_annotation(num_keypoints=3), "warning", "num_keypoints", "record 0"),
        (
            first_annotation(keypoints=[0] * 51, num_keypoints=0),
            "note",
            "nothing_labelled",
            "record 0",
        ),
        (first_annotation(bbox=[5, 5, 0, 9]), "warning", "empty_box", "record 0"),
        (first_annotation(keypoints=moved(200)), "warning", "joint_outside_image", "record 0"),
        (first_annotation(bbox=[0, 0, 3, 3]), "warning", "joint_outside_box", "record 0"),
        (swap_all_sides, "error", "sides_swapped", "record "),
        (remove("categories", "keypoints"), "note", "no_joint_names", None),
        (
            lambda content: content["categories"].append({"id": 2, "keypoints": ["x"]}),
            "error",
            "joint_names",
            None,
        ),
        (lambda content: [1], "error", "not_coco", None),
        (lambda content: {"images": [], "annotations": {}}, "error", "not_coco", None),
    ],
)
def test_damage_gives_its_finding(copy, damage, severity, code, example):
    assert (severity, code) not in findings_after(copy, decode="none")
    findings = findings_after(copy, damage)
    assert (severity, code) in findings, sorted(findings)
    finding = findings[severity, code]
    assert finding.fix
    assert example is None or any(example in one for one in finding.examples), finding.examples


def test_one_swapped_limb_gives_mixed_sides(copy):
    def swap_knees(content):
        left, right = (3 * COCO_17.joints.index(f"{side}_knee") for side in ("left", "right"))
        for record in content["annotations"]:
            numbers = record["keypoints"]
            left_knee = numbers[left : left + 3]
            numbers[left : left + 3] = numbers[right : right + 3]
            numbers[right : right + 3] = left_knee

    assert ("error", "sides_mixed") in findings_after(copy, swap_knees)


def test_joint_names_are_compared_with_the_skeleton(copy):
    findings = findings_after(copy, skeleton=MPII_16, decode="none")
    assert "pelvis, thorax, upper_neck, head_top" in findings["warning", "joints_missing"].text
    assert "12 of 17 joints (left out: nose, " in findings["note", "joints_left_out"].text

    def rename(content):
        content["categories"][0]["keypoints"] = [f"joint {n}" for n in range(17)]

    assert ("error", "joint_names") in findings_after(copy, rename, COCO_17, decode="none")


def test_images_in_both_splits(copy):
    train, _ = files(copy)["train"]
    images = copy / "train2017"
    report = check_coco({"train": (train, images), "val": (train, images)})
    assert {finding.code: finding.count for finding in report.findings}["shared_image"] == 4
    assert report.number("error") == 0


def test_image_of_another_size(copy):
    image = next((copy / "val2017").iterdir())
    Image.new("RGB", (48, 48)).save(image)
    assert findings_after(copy)["error", "image_size"].examples == (
        f"{image.name}: (96, 96), the image has (48, 48)",
    )


def test_randomly_damaged_records_raise_no_errors(copy):
    path, _ = files(copy)["val"]
    intact, rng = path.read_text(encoding="utf-8"), np.random.default_rng(0)
    values = [
        None,
        "x",
        [],
        {},
        1e308,
        -1,
        float("inf"),
        True,
        10**400,
        [None] * 51,
        [1e308] * 51,
        "",
        "\ud800",
        "a\0b",
        "../x",
    ]
    for _ in range(40):
        content = json.loads(intact)
        for _ in range(4):
            part = content[str(rng.choice(["images", "annotations", "categories"]))]
            record = part[rng.integers(len(part))]
            record[str(rng.choice(sorted(record)))] = values[rng.integers(len(values))]
        path.write_text(json.dumps(content), encoding="utf-8")
        report = check_coco(files(copy), COCO_17, "none")
        assert report.text().encode()
        assert json.dumps(report.as_dict())


def test_incomplete_and_missing_files(copy):
    path, _ = files(copy)["val"]
    path.write_text("{", encoding="utf-8")
    assert {f.code for f in check_coco(files(copy)).findings if f.severity == "error"} == {
        "not_json"
    }
    path.unlink()
    assert {f.code for f in check_coco(files(copy)).findings if f.severity == "error"} == {
        "missing_file"
    }


@pytest.mark.parametrize("is_upright", [True, False])
def test_rotated_images_are_measured_as_when_they_are_read(tmp_path, is_upright):
    people = [annotation(image_id=n) for n in (1, 2, 3)]
    path = write_folder(tmp_path, people, ids=(1, 2, 3), size=(60, 90))
    folder = tmp_path / "val2017"
    for n, orientation in [(1, 6), (2, 8), (3, 3)]:
        rotate_file(folder / f"{n}.png", orientation)
    if not is_upright:
        content = json.loads(path.read_text())
        for image in content["images"][:2]:
            image.update(width=90, height=60)
        path.write_text(json.dumps(content))
    findings = {finding.code: finding for finding in check_coco({"val": (path, folder)}).findings}
    told, unclear = (
        ("exif_upright", "exif_unclear_upright") if is_upright else ("exif_stored", "exif_unclear")
    )
    assert findings[told].examples == ("1.png: orientation 6", "2.png: orientation 8")
    assert findings[unclear].examples == ("3.png: orientation 3",)
    assert findings[unclear].severity == "warning"
    assert "image_size" not in findings


@pytest.mark.parametrize(
    ("names", "examples"),
    [
        (("nose", "eye.L", "eye.R"), None),
        (("nose", "eye.L", "ear.R"), ("eye.L", "ear.R")),
        (("nose", "chin", "tip"), ("nose", "chin", "tip")),
    ],
)
def test_joints_without_known_mirror_pairs_are_stated(tmp_path, names, examples):
    path = write_folder(tmp_path, [annotation(keypoints=[40.0, 30.0, 2] * 3)])
    content = json.loads(path.read_text())
    content["categories"][0]["keypoints"] = names
    path.write_text(json.dumps(content))
    report = check_coco({"val": (path, tmp_path / "val2017")}, names_skeleton=True)
    found = {finding.code: finding.examples for finding in report.findings}
    assert found.get("mirror_pairs") == examples
    file = tmp_path / "skeleton.json"
    file.write_text(json.dumps({"joints": names, "mirror_pairs": []}))
    with_pairs = check_coco({"val": (path, tmp_path / "val2017")}, read_skeleton(file))
    assert "mirror_pairs" not in {finding.code for finding in with_pairs.findings}
