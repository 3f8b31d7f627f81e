"""Reading the original MoveNet's crops: the source's points come back, and wrong files are named."""

import json

import numpy as np
import pytest
from helpers.coco_folders import annotation, write_folder

from paddle_pose.data import coco
from paddle_pose.data.movenet_crops import OTHERS_REACH, annotation_file, read_movenet_crops
from paddle_pose.data.prepare_coco import plan_crops, prepare_coco
from paddle_pose.data.synthetic.body import Style
from paddle_pose.data.synthetic.dataset import write_coco


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory):
    """Groups of synthetic people and their crops."""
    root = tmp_path_factory.mktemp("groups")
    style = Style(overlap=0.4, cut=0.2)
    write_coco(root / "coco", num_train=4, num_val=6, size=(160, 128), persons=(1, 4), style=style)
    prepare_coco(root / "coco", root / "crops")
    return root / "coco", root / "crops"


def agreement(root, output, split):
    """The source's people against what is read back: the largest distance in source px, and how many were compared."""
    people = {}
    for image in coco.read_coco(root, split):
        # crops number everybody of an image, in the file's order
        for person in image.persons:
            people.setdefault(image.path.stem, []).append(person)
    crops, _ = plan_crops(root, split)
    read = read_movenet_crops(output, split)
    assert len(read) == len(crops)
    worst = 0.0
    for image, crop in zip(read, crops, strict=True):
        target = image.persons[0]
        candidates = [
            p for p in people[crop.source.stem] if p.visible.tolist() == target.visible.tolist()
        ]
        moved = target.keypoints + crop.corner
        errors = [np.abs(moved - p.keypoints)[p.visible > 0].max() for p in candidates]
        worst = max(worst, min(errors))
        assert image.path.is_file()
        assert not target.crowd
    return worst, len(read)


def test_synthetic_people_come_back_where_they_were(synthetic, capsys):
    root, output = synthetic
    for split in ("train", "val"):
        worst, count = agreement(root, output, split)
        assert count > 2
        assert worst < 1e-3
        printed = capsys.readouterr().out
        assert f"=> num_images: {count}\n=> load {count} samples\n" in printed
        assert "other people are masked" in printed


def test_real_people_come_back_where_they_were(shared, tmp_path, capsys):
    root = shared / "data" / "coco_mini"
    assert prepare_coco(root, tmp_path) == 35
    assert "12 people in 11 images" in capsys.readouterr().out
    assert agreement(root, tmp_path, "train") == (pytest.approx(0, abs=2e-3), 12)
    assert agreement(root, tmp_path, "val") == (pytest.approx(0, abs=2e-3), 23)


def test_regions_of_other_people_lie_round_their_joints(synthetic):
    root, output = synthetic
    found = 0
    for split in ("train", "val"):
        for image, crop in zip(
            read_movenet_crops(output, split), plan_crops(root, split)[0], strict=True
        ):
            record, side = crop.record, crop.side
            listed = [
                *record["other_centers"],
                *(point for points in record["other_keypoints"] for point in points),
            ]
            assert len(image.persons) == 1 + len(listed)
            for region, point in zip(image.persons[1:], listed, strict=True):
                assert region.crowd
                assert not region.visible.any()
                x, y, width, height = region.box
                assert (x + width / 2, y + height / 2) == pytest.approx(
                    (point[0] * side, point[1] * side)
                )
                assert (width, height) == pytest.approx((2 * OTHERS_REACH * side,) * 2)
                found += 1
    assert found > 10


@pytest.mark.parametrize("folder", ["", "cropped", "croped"])
@pytest.mark.parametrize("inside", ["imgs", ""])
def test_the_originals_folders_are_found(tmp_path, folder, inside):
    write_folder(tmp_path / "coco", [annotation(1)])
    output = tmp_path / "data"
    prepare_coco(tmp_path / "coco", output / folder, ["val"])
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
    write_folder(tmp_path, [annotation(1)])
    prepare_coco(tmp_path, tmp_path, ["val"])
    path = tmp_path / "val2017.json"
    (record,) = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps([{**record, **changes}]), encoding="utf-8")
    with pytest.raises((ValueError, FileNotFoundError), match=message) as caught:
        read_movenet_crops(tmp_path, "val")
    assert str(tmp_path) in str(caught.value)


def test_wrong_files_are_named(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"train2017.json: not found; expected D/imgs.*prepare_coco makes"
    ):
        read_movenet_crops(tmp_path, "train")
    with pytest.raises(ValueError, match="no split 'test'; expected one of train, val"):
        read_movenet_crops(tmp_path, "test")
    (tmp_path / "val2017.json").write_text("[]", encoding="utf-8")
    with pytest.raises(ValueError, match=r"val2017.json: expected a list of {img_name"):
        read_movenet_crops(tmp_path, "val")
    write_folder(tmp_path / "coco", [annotation(1)])
    prepare_coco(tmp_path / "coco", tmp_path / "out", ["val"])
    (tmp_path / "out" / "imgs" / "1_0.jpg").write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"1_0.jpg: not an image that can be read"):
        read_movenet_crops(tmp_path / "out", "val")
