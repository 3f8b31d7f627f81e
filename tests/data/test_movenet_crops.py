"""The original MoveNet's crops: what is in them, what is left out, and the source's points through crop and back."""

import json

import cv2
import numpy as np
import pytest

from paddle_pose.commands import prepare_coco
from paddle_pose.data import coco
from paddle_pose.data.movenet_crops import OTHERS_REACH, annotation_file, plan, read_movenet_crops, write_images
from paddle_pose.data.synthetic.body import Style
from paddle_pose.data.synthetic.dataset import write_coco
from paddle_pose.io import images

KEYS = ["img_name", "keypoints", "center", "bbox", "other_centers", "other_keypoints"]


def annotation(image_id=1, labelled=17, at=(30.0, 20.0), **changes):
    points = [(at[0] + 2 * k, at[1] + k, 1 + k % 2) if k < labelled else (0, 0, 0) for k in range(17)]
    box = [at[0], at[1], 32.0, 16.0]
    base = {"id": 7, "image_id": image_id, "category_id": 1, "iscrowd": 0, "area": 500.0, "bbox": box}
    return {**base, "keypoints": [value for point in points for value in point], **changes}


def write(root, annotations, ids=(1,), size=(100, 80)):
    """A COCO folder of images in which every pixel is different."""
    for folder in ("annotations", "val2017"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    for n in ids:
        cv2.imwrite(str(root / "val2017" / f"{n}.png"), np.dstack([2 * x, 3 * y, np.full_like(x, 40 * n)]))
    listed = [{"id": n, "file_name": f"{n}.png", "width": size[0], "height": size[1]} for n in ids]
    records = [{**record, "id": n} for n, record in enumerate(annotations, 1)]
    content = {"images": listed, "annotations": records, "categories": [{"id": 1, "name": "person"}]}
    path = root / "annotations" / "person_keypoints_val2017.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def prepare(root, output, *more):
    return prepare_coco.main(["--dataset_root", str(root), "--output", str(output), *more])


def test_a_square_of_width_plus_height_round_box_and_labelled_joints(tmp_path):
    outside = annotation(at=(30.0, 20.0))
    outside["keypoints"][:3] = [20.0, 50.0, 2]  # a labelled joint beyond the box
    write(tmp_path, [outside])
    (crop,), _ = plan(tmp_path, "val")
    # the union reaches from (20, 20) to (62, 50)
    assert crop.side == 42 + 30
    assert crop.corner == (41 - 36, 35 - 36)
    assert crop.record["img_name"] == "1_0.jpg"
    assert list(crop.record) == KEYS
    points = np.array(crop.record["keypoints"]).reshape(17, 3)
    assert np.allclose(
        points[:, :2] * 72 + crop.corner, np.array(outside["keypoints"]).reshape(17, 3)[:, :2], atol=1e-4
    )
    assert points[:, 2].tolist() == outside["keypoints"][2::3]
    assert np.allclose(np.array(crop.record["center"]) * 72 + crop.corner, (46, 28), atol=1e-4)  # of the box alone
    corners = np.array(crop.record["bbox"]).reshape(2, 2) * 72 + crop.corner
    assert np.allclose(corners, [(30, 20), (62, 36)], atol=1e-4)


def test_unlabelled_joints_stretch_no_square_and_are_zero(tmp_path):
    write(tmp_path, [annotation(labelled=9, keypoints=annotation(labelled=9)["keypoints"][:27] + [90, 70, 0] * 8)])
    (crop,), _ = plan(tmp_path, "val")
    assert crop.side == 48
    assert crop.record["keypoints"][27:] == [0.0] * 24


def test_pixels_are_copied_and_black_outside(tmp_path):
    write(tmp_path, [annotation(at=(60.0, 60.0))])
    (crop,), _ = plan(tmp_path, "val")
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


def test_what_is_left_out_is_counted(tmp_path, capsys):
    crowd = {"iscrowd": 1, "labelled": 0}
    few = annotation(1, labelled=7)
    records = [
        *(annotation(1), annotation(1, **crowd), few),  # three annotations: one person is good
        *(annotation(2), annotation(2), annotation(2), annotation(2, **crowd)),  # a crowd counts: too many
        annotation(4, labelled=8),
    ]
    write(tmp_path, records, ids=(1, 2, 3, 4))
    crops, left_out = plan(tmp_path, "val")
    assert [crop.record["img_name"] for crop in crops] == ["1_0.jpg", "4_0.jpg"]
    assert left_out == {
        "images without people": 1,
        "images with more than 3 annotations": 1,
        "crowds": 1,
        "people with fewer than 8 labelled joints": 1,
    }
    assert prepare(tmp_path, tmp_path / "out", "--splits", "val") == 0
    said = capsys.readouterr().out
    assert "=> val: 2 people in 2 images" in said
    assert "1 images with more than 3 annotations" in said
    assert "Total write 2\n" in said


def test_others_are_known_by_their_joints_in_their_own_list_and_by_centres_inside(tmp_path):
    near, far = annotation(1, labelled=9, at=(40.0, 30.0)), annotation(1, labelled=3, at=(65.0, 55.0))
    write(tmp_path, [annotation(1), near, far], size=(200, 150))
    (crop, _), _ = plan(tmp_path, "val")
    assert (crop.corner, crop.side) == ((22, 4), 48)
    others = crop.record["other_keypoints"]
    for k in range(17):
        points = [(a["keypoints"][3 * k : 3 * k + 2]) for a in (near, far) if a["keypoints"][3 * k + 2]]
        inside = [p for p in points if 22 <= p[0] <= 70 and 4 <= p[1] <= 52]
        assert np.allclose(
            np.array(others[k]).reshape(-1, 2) * 48 + (22, 4), np.array(inside).reshape(-1, 2), atol=1e-4
        ), k
    assert [len(points) for points in others] == [1] * 9 + [0] * 8
    assert np.allclose(np.array(crop.record["other_centers"]) * 48 + (22, 4), [(56, 38)], atol=1e-4)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Drawn groups and their crops."""
    root = tmp_path_factory.mktemp("groups")
    style = Style(overlap=0.4, cut=0.2)
    write_coco(root / "coco", num_train=4, num_val=6, size=(160, 128), persons=(1, 4), style=style)
    assert prepare(root / "coco", root / "crops") == 0
    return root / "coco", root / "crops"


def agreement(root, output, split):
    """The source's people against what is read back: the largest distance in source px, and how many were compared."""
    people = {}
    for image in coco.read_coco(root, split):
        # crops number everybody of an image, in the file's order
        for person in image.persons:
            people.setdefault(image.path.stem, []).append(person)
    crops, _ = plan(root, split)
    read = read_movenet_crops(output, split)
    assert len(read) == len(crops)
    worst = 0.0
    for image, crop in zip(read, crops, strict=True):
        target = image.persons[0]
        candidates = [p for p in people[crop.source.stem] if p.visible.tolist() == target.visible.tolist()]
        moved = target.keypoints + crop.corner
        errors = [np.abs(moved - p.keypoints)[p.visible > 0].max() for p in candidates]
        worst = max(worst, min(errors))
        assert image.path.is_file()
        assert not target.crowd
    return worst, len(read)


def test_drawn_people_come_back_where_they_were(drawn, capsys):
    root, output = drawn
    for split in ("train", "val"):
        worst, count = agreement(root, output, split)
        assert count > 2
        assert worst < 1e-3
        said = capsys.readouterr().out
        assert f"=> num_images: {count}\n=> load {count} samples\n" in said
        assert "other people are masked" in said


def test_real_people_come_back_where_they_were(shared, tmp_path, capsys):
    root = shared / "data" / "coco_mini"
    assert prepare(root, tmp_path) == 0
    assert "12 people in 11 images" in capsys.readouterr().out
    assert agreement(root, tmp_path, "train") == (pytest.approx(0, abs=2e-3), 12)
    assert agreement(root, tmp_path, "val") == (pytest.approx(0, abs=2e-3), 23)


def test_regions_of_other_people_lie_round_their_joints(drawn):
    root, output = drawn
    found = 0
    for split in ("train", "val"):
        for image, crop in zip(read_movenet_crops(output, split), plan(root, split)[0], strict=True):
            record, side = crop.record, crop.side
            listed = [*record["other_centers"], *(point for points in record["other_keypoints"] for point in points)]
            assert len(image.persons) == 1 + len(listed)
            for region, point in zip(image.persons[1:], listed, strict=True):
                assert region.crowd
                assert not region.visible.any()
                x, y, width, height = region.box
                assert (x + width / 2, y + height / 2) == pytest.approx((point[0] * side, point[1] * side))
                assert (width, height) == pytest.approx((2 * OTHERS_REACH * side,) * 2)
                found += 1
    assert found > 10


def test_once_more_changes_nothing_and_an_interrupted_run_is_finished(drawn, tmp_path, capsys):
    root, complete = drawn
    whole = {path.relative_to(complete): path.read_bytes() for path in complete.rglob("*") if path.is_file()}
    before = {path: path.stat().st_mtime_ns for path in complete.rglob("*")}
    assert prepare(root, complete) == 0
    assert {path: path.stat().st_mtime_ns for path in complete.rglob("*")} == before
    assert " 0 images written" in capsys.readouterr().out
    crops, _ = plan(root, "train")

    def interrupt(done):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_images(crops, tmp_path / "imgs", interrupt)
    assert len(list((tmp_path / "imgs").iterdir())) == 2
    assert prepare(root, tmp_path) == 0
    assert f"{len(crops) - 2} images written, 2 were there already" in capsys.readouterr().out
    assert {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == whole


@pytest.mark.parametrize("folder", ["", "cropped", "croped"])
@pytest.mark.parametrize("inside", ["imgs", ""])
def test_the_originals_folders_are_found(tmp_path, folder, inside):
    write(tmp_path / "coco", [annotation(1)])
    output = tmp_path / "data"
    prepare(tmp_path / "coco", output / folder, "--splits", "val")
    if not inside:
        (output / folder / "imgs" / "1_0.jpg").rename(output / folder / "1_0.jpg")
        (output / folder / "imgs").rmdir()
    (image,) = read_movenet_crops(output, "val")
    assert image.path == output / folder / inside / "1_0.jpg"
    assert annotation_file(output, "val") == output / folder / "val2017.json"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"img_name": None}, "record 0: key 'img_name' must name the image, got None"),
        ({"img_name": "2_0.jpg"}, r"2_0.jpg: not found; expected D/imgs"),
        ({"keypoints": [0.5] * 50}, r"record 0: key 'keypoints' must have shape \(51,\)"),
        ({"keypoints": [0.5] * 51}, "record 0: key 'keypoints' holds x, y, v"),
        ({"bbox": [0, 1]}, r"record 0: key 'bbox' must have shape \(4,\)"),
        ({"other_keypoints": [[]] * 7}, "record 0: key 'other_keypoints' must hold 17 lists"),
        ({"other_keypoints": [[[0.5]]] + [[]] * 16}, r"record 0: key 'other_\*' must have shape"),
        ({"other_centers": None}, r"record 0: key 'other_\*'"),
    ],
)
def test_a_wrong_record_is_named(tmp_path, changes, message):
    write(tmp_path, [annotation(1)])
    prepare(tmp_path, tmp_path, "--splits", "val")
    path = tmp_path / "val2017.json"
    (record,) = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps([{**record, **changes}]), encoding="utf-8")
    with pytest.raises((ValueError, FileNotFoundError), match=message) as caught:
        read_movenet_crops(tmp_path, "val")
    assert str(tmp_path) in str(caught.value)


def test_wrong_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"train2017.json: not found; expected D/imgs.*prepare_coco.py"):
        read_movenet_crops(tmp_path, "train")
    with pytest.raises(ValueError, match="no split 'test'; expected one of train, val"):
        read_movenet_crops(tmp_path, "test")
    (tmp_path / "val2017.json").write_text("[]", encoding="utf-8")
    with pytest.raises(ValueError, match=r"val2017.json: expected a list of {img_name"):
        read_movenet_crops(tmp_path, "val")
    write(tmp_path / "coco", [annotation(1)])
    prepare(tmp_path / "coco", tmp_path / "out", "--splits", "val")
    (tmp_path / "out" / "imgs" / "1_0.jpg").write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"1_0.jpg: not an image that can be read"):
        read_movenet_crops(tmp_path / "out", "val")


def test_what_stops_the_making_is_named(tmp_path):
    root = tmp_path / "coco"
    write(root, [annotation(1, labelled=3)])
    with pytest.raises(ValueError, match=r"nobody is left of split 'val'.*1 people with fewer than 8"):
        prepare(root, tmp_path / "out", "--splits", "val")
    write(root, [annotation(1)])
    (root / "val2017" / "1.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"1.png: not found \(1 of 1 images are missing"):
        prepare(root, tmp_path / "out", "--splits", "val")
    cv2.imwrite(str(root / "val2017" / "1.png"), np.zeros((40, 50, 3), np.uint8))
    with pytest.raises(ValueError, match=r"1.png: is 50 x 40 px, annotated as \(100"):
        prepare(root, tmp_path / "out", "--splits", "val")
    assert not (tmp_path / "out" / "val2017.json").exists()
    write(root, [annotation(1)])
    (root / "train2017").mkdir()
    (root / "train2017" / "1.png").write_bytes((root / "val2017" / "1.png").read_bytes())
    source = root / "annotations" / "person_keypoints_val2017.json"
    source.with_name("person_keypoints_train2017.json").write_bytes(source.read_bytes())
    with pytest.raises(ValueError, match=r"would both be cropped into 1_0.jpg"):
        prepare(root, tmp_path / "out")
    with pytest.raises(FileNotFoundError, match="expected D/train2017"):
        prepare(tmp_path, tmp_path / "out")


def test_the_file_is_one_line_of_the_originals_keys(drawn):
    _, output = drawn
    text = (output / "train2017.json").read_text(encoding="utf-8")
    assert "\n" not in text
    for record in json.loads(text):
        assert list(record) == KEYS
        assert [len(record[key]) for key in ("keypoints", "center", "bbox", "other_keypoints")] == [51, 2, 4, 17]
        labelled = np.array(record["keypoints"]).reshape(17, 3)
        inside = labelled[labelled[:, 2] > 0, :2]
        assert ((inside >= 0) & (inside <= 1)).all()
