"""Creation of single-person crops: their content, what is left out, and interrupted runs."""

import json

import cv2
import numpy as np
import pytest
from helpers.coco_folders import annotation, write_folder
from helpers.rotated_images import rotate_file

from paddle_pose.data.prepare_coco import plan_crops, prepare_coco, write_images
from paddle_pose.data.synthetic.body import Style
from paddle_pose.data.synthetic.dataset import write_coco
from paddle_pose.errors import InputError
from paddle_pose.io import images

KEYS = ["img_name", "keypoints", "center", "bbox", "other_centers", "other_keypoints"]


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory):
    """Folders of synthetic groups in COCO's layout and of their crops."""
    root = tmp_path_factory.mktemp("groups")
    style = Style(overlap=0.4, cut=0.2)
    write_coco(root / "coco", num_train=4, num_val=6, size=(160, 128), persons=(1, 4), style=style)
    prepare_coco(root / "coco", root / "crops")
    return root / "coco", root / "crops"


def test_square_has_width_plus_height_of_box_and_labelled_joints(tmp_path):
    outside = annotation(at=(30.0, 20.0))
    outside["keypoints"][:3] = [20.0, 50.0, 2]  # a labelled joint outside the box
    write_folder(tmp_path, [outside])
    (crop,), _ = plan_crops(tmp_path, "val")
    # The union extends from (20, 20) to (62, 50).
    assert crop.side == 42 + 30
    assert crop.corner == (41 - 36, 35 - 36)
    assert crop.record["img_name"] == "1_0.jpg"
    assert list(crop.record) == KEYS
    points = np.array(crop.record["keypoints"]).reshape(17, 3)
    assert np.allclose(
        points[:, :2] * 72 + crop.corner,
        np.array(outside["keypoints"]).reshape(17, 3)[:, :2],
        atol=1e-4,
    )
    assert points[:, 2].tolist() == outside["keypoints"][2::3]
    center = np.array(crop.record["center"]) * 72 + crop.corner
    assert np.allclose(center, (46, 28), atol=1e-4)  # of the box, without joints outside
    corners = np.array(crop.record["bbox"]).reshape(2, 2) * 72 + crop.corner
    assert np.allclose(corners, [(30, 20), (62, 36)], atol=1e-4)


def test_unlabelled_joints_do_not_change_the_square_and_are_zero(tmp_path):
    keypoints = annotation(labelled=9)["keypoints"][:27] + [90, 70, 0] * 8
    write_folder(tmp_path, [annotation(labelled=9, keypoints=keypoints)])
    (crop,), _ = plan_crops(tmp_path, "val")
    assert crop.side == 48
    assert crop.record["keypoints"][27:] == [0.0] * 24


def test_pixels_are_copied_and_black_outside_the_image(tmp_path):
    write_folder(tmp_path, [annotation(at=(60.0, 60.0))])
    (crop,), _ = plan_crops(tmp_path, "val")
    assert write_images([crop], tmp_path / "imgs") == (1, 0)
    pixels, _ = images.read(tmp_path / "imgs" / "1_0.jpg")
    source, _ = images.read(crop.source)
    padded = np.zeros((300, 300, 3), np.uint8)
    padded[100:180, 100:200] = source
    left, top = crop.corner[0] + 100, crop.corner[1] + 100
    expected = padded[top : top + crop.side, left : left + crop.side]
    assert pixels.shape == (crop.side, crop.side, 3)
    assert np.abs(pixels.astype(int) - expected).mean() < 4  # JPEG
    assert np.abs(pixels[-8:].astype(int)).max() < 16


def test_left_out_images_and_people_are_counted(tmp_path, capsys):
    crowd = {"iscrowd": 1, "labelled": 0}
    few = annotation(1, labelled=7)
    usable = [annotation(1), annotation(1, **crowd), few]  # three annotations, one usable person
    too_many = [annotation(2), annotation(2), annotation(2), annotation(2, **crowd)]
    records = [*usable, *too_many, annotation(4, labelled=8)]
    write_folder(tmp_path, records, ids=(1, 2, 3, 4))
    crops, left_out = plan_crops(tmp_path, "val")
    assert [crop.record["img_name"] for crop in crops] == ["1_0.jpg", "4_0.jpg"]
    assert left_out == {
        "images without people": 1,
        "images with more than 3 annotations": 1,
        "crowds": 1,
        "people with fewer than 8 labelled joints": 1,
    }
    assert prepare_coco(tmp_path, tmp_path / "out", ["val"]) == 2
    printed = capsys.readouterr().out
    assert "=> val: 2 people in 2 images" in printed
    assert "1 images with more than 3 annotations" in printed


def test_other_people_are_listed_by_joint_and_by_centre(tmp_path):
    near = annotation(1, labelled=9, at=(40.0, 30.0))
    far = annotation(1, labelled=3, at=(65.0, 55.0))
    write_folder(tmp_path, [annotation(1), near, far], size=(200, 150))
    (crop, _), _ = plan_crops(tmp_path, "val")
    assert (crop.corner, crop.side) == ((22, 4), 48)
    others = crop.record["other_keypoints"]
    for k in range(17):
        points = [
            (a["keypoints"][3 * k : 3 * k + 2]) for a in (near, far) if a["keypoints"][3 * k + 2]
        ]
        inside = [p for p in points if 22 <= p[0] <= 70 and 4 <= p[1] <= 52]
        assert np.allclose(
            np.array(others[k]).reshape(-1, 2) * 48 + (22, 4),
            np.array(inside).reshape(-1, 2),
            atol=1e-4,
        ), k
    assert [len(points) for points in others] == [1] * 9 + [0] * 8
    assert np.allclose(np.array(crop.record["other_centers"]) * 48 + (22, 4), [(56, 38)], atol=1e-4)


def test_second_run_changes_nothing_and_interrupted_run_is_continued(synthetic, tmp_path, capsys):
    root, complete = synthetic
    whole = {
        path.relative_to(complete): path.read_bytes()
        for path in complete.rglob("*")
        if path.is_file()
    }
    before = {path: path.stat().st_mtime_ns for path in complete.rglob("*")}
    number = prepare_coco(root, complete)
    assert number == len(list((complete / "imgs").iterdir()))
    assert {path: path.stat().st_mtime_ns for path in complete.rglob("*")} == before
    assert " 0 images written" in capsys.readouterr().out
    crops, _ = plan_crops(root, "train")

    def interrupt(done):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_images(crops, tmp_path / "imgs", interrupt)
    assert len(list((tmp_path / "imgs").iterdir())) == 2
    assert prepare_coco(root, tmp_path) == number
    assert f"{len(crops) - 2} images written, 2 already existed" in capsys.readouterr().out
    assert {
        path.relative_to(tmp_path): path.read_bytes()
        for path in tmp_path.rglob("*")
        if path.is_file()
    } == whole


def test_invalid_data_raise(tmp_path):
    root = tmp_path / "coco"
    write_folder(root, [annotation(1, labelled=3)])
    with pytest.raises(InputError, match=r"split 'val'.*1 people with fewer than 8"):
        prepare_coco(root, tmp_path / "out", ["val"])
    write_folder(root, [annotation(1)])
    (root / "val2017" / "1.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"1\.png"):
        prepare_coco(root, tmp_path / "out", ["val"])
    cv2.imwrite(str(root / "val2017" / "1.png"), np.zeros((40, 50, 3), np.uint8))
    with pytest.raises(InputError, match=r"1\.png: .* 50 x 40 px.* 100 x "):
        prepare_coco(root, tmp_path / "out", ["val"])
    assert not (tmp_path / "out" / "val2017.json").exists()
    write_folder(root, [annotation(1)])
    (root / "train2017").mkdir()
    (root / "train2017" / "1.png").write_bytes((root / "val2017" / "1.png").read_bytes())
    source = root / "annotations" / "person_keypoints_val2017.json"
    source.with_name("person_keypoints_train2017.json").write_bytes(source.read_bytes())
    with pytest.raises(InputError, match=r"val2017.*1\.png .* 1_0\.jpg"):
        prepare_coco(root, tmp_path / "out")
    with pytest.raises(FileNotFoundError, match=r"person_keypoints_train2017\.json"):
        prepare_coco(tmp_path, tmp_path / "out")


def test_json_has_the_keys_of_the_source(synthetic):
    _, output = synthetic
    text = (output / "train2017.json").read_text(encoding="utf-8")
    assert "\n" not in text
    for record in json.loads(text):
        assert list(record) == KEYS
        assert [len(record[key]) for key in ("keypoints", "center", "bbox", "other_keypoints")] == [
            51,
            2,
            4,
            17,
        ]
        labelled = np.array(record["keypoints"]).reshape(17, 3)
        inside = labelled[labelled[:, 2] > 0, :2]
        assert ((inside >= 0) & (inside <= 1)).all()


def test_progress_counts_the_crops_of_each_split(tmp_path):
    write_folder(tmp_path, [annotation(1), annotation(1, at=(20.0, 30.0))])
    shown = []
    prepare_coco(
        tmp_path,
        tmp_path / "out",
        ["val"],
        progress=lambda total, unit: lambda done: shown.append((done, total)),
    )
    assert shown == [(1, 2), (2, 2)]


def test_unfinished_file_of_a_killed_run_is_deleted(tmp_path):
    write_folder(tmp_path, [annotation(1)])
    (tmp_path / "out" / "imgs").mkdir(parents=True)
    (tmp_path / "out" / "imgs" / ".1_0.part.jpg").write_bytes(b"half")
    prepare_coco(tmp_path, tmp_path / "out", ["val"])
    assert [path.name for path in (tmp_path / "out" / "imgs").iterdir()] == ["1_0.jpg"]


def test_crops_of_rotated_files_are_upright(tmp_path):
    write_folder(tmp_path, [annotation()], size=(60, 90))
    (crop,), _ = plan_crops(tmp_path, "val")
    write_images([crop], tmp_path / "plain")
    rotate_file(crop.source, 6)
    write_images([crop], tmp_path / "rotated")
    name = crop.record["img_name"]
    assert (tmp_path / "rotated" / name).read_bytes() == (tmp_path / "plain" / name).read_bytes()
