"""Reader of fire717's MoveNet crops: keypoints equal those of COCO, invalid files raise."""

import json

import numpy as np
import pytest
from helpers.coco_folders import annotation, write_folder

from paddle_pose.data import coco
from paddle_pose.data.movenet_crops import IGNORED_RADIUS, annotation_file, read_movenet_crops
from paddle_pose.data.prepare_coco import plan_crops, prepare_coco
from paddle_pose.data.synthetic.body import Style
from paddle_pose.data.synthetic.dataset import write_coco
from paddle_pose.errors import InputError


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory):
    """Folders of synthetic groups in COCO's layout and of their crops."""
    root = tmp_path_factory.mktemp("groups")
    style = Style(overlap=0.4, cut=0.2)
    write_coco(root / "coco", num_train=4, num_val=6, size=(160, 128), persons=(1, 4), style=style)
    prepare_coco(root / "coco", root / "crops")
    return root / "coco", root / "crops"


def compare_with_coco(root, output, split):
    """Compares the keypoints of crops with those of COCO.

    Returns:
        The largest distance in px of the source image, and the number of crops compared.
    """
    people = {}
    for image in coco.read_coco(root, split):
        # Crops are numbered by the people of an image, in the file's order.
        for person in image.persons:
            people.setdefault(image.path.stem, []).append(person)
    crops, _ = plan_crops(root, split)
    read = read_movenet_crops(output, split)
    assert len(read) == len(crops)
    max_error = 0.0
    for image, crop in zip(read, crops, strict=True):
        target = image.persons[0]
        candidates = [
            p for p in people[crop.source.stem] if p.visible.tolist() == target.visible.tolist()
        ]
        moved = target.keypoints + crop.corner
        errors = [np.abs(moved - p.keypoints)[p.visible > 0].max() for p in candidates]
        max_error = max(max_error, min(errors))
        assert image.path.is_file()
        assert not target.crowd
    return max_error, len(read)


def test_synthetic_people_are_read_at_their_places(synthetic, capsys):
    root, output = synthetic
    for split in ("train", "val"):
        max_error, count = compare_with_coco(root, output, split)
        assert count > 2
        assert max_error < 1e-3
        printed = capsys.readouterr().out
        assert f"=> num_images: {count}\n=> load {count} samples\n" in printed
        regions = sum(len(image.persons) - 1 for image in read_movenet_crops(output, split))
        capsys.readouterr()
        assert f"=> {regions} joints and centres" in printed


def test_real_people_are_read_at_their_places(shared, tmp_path, capsys):
    root = shared / "data" / "coco_mini"
    assert prepare_coco(root, tmp_path) == 35
    assert "12 people in 11 images" in capsys.readouterr().out
    assert compare_with_coco(root, tmp_path, "train") == (pytest.approx(0, abs=2e-3), 12)
    assert compare_with_coco(root, tmp_path, "val") == (pytest.approx(0, abs=2e-3), 23)


def test_ignored_regions_are_round_the_joints_of_other_people(synthetic):
    root, output = synthetic
    count = 0
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
                assert (width, height) == pytest.approx((2 * IGNORED_RADIUS * side,) * 2)
                count += 1
    assert count > 10


@pytest.mark.parametrize("folder", ["", "cropped", "croped"])
@pytest.mark.parametrize("inside", ["imgs", ""])
def test_folders_of_the_original_projects_are_found(tmp_path, folder, inside):
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
        ({"img_name": None}, "record 0: key 'img_name' .*None"),
        ({"img_name": "2_0.jpg"}, r"2_0\.jpg"),
        ({"keypoints": [0.5] * 50}, r"record 0: key 'keypoints' .*\(51,\)"),
        ({"keypoints": [0.5] * 51}, "record 0: key 'keypoints' .* 0, 1, 2"),
        ({"bbox": [0, 1]}, r"record 0: key 'bbox' .*\(4,\)"),
        ({"other_keypoints": [[]] * 7}, "record 0: key 'other_keypoints' .* 17 "),
        ({"other_keypoints": [[[0.5]]] + [[]] * 16}, r"record 0: key 'other_\*'"),
        ({"other_centers": None}, r"record 0: key 'other_\*'"),
    ],
)
def test_invalid_record_raises(tmp_path, changes, message):
    write_folder(tmp_path, [annotation(1)])
    prepare_coco(tmp_path, tmp_path, ["val"])
    path = tmp_path / "val2017.json"
    (record,) = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps([{**record, **changes}]), encoding="utf-8")
    with pytest.raises((InputError, FileNotFoundError), match=message) as caught:
        read_movenet_crops(tmp_path, "val")
    assert str(tmp_path) in str(caught.value)


def test_invalid_files_raise(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"train2017\.json.*prepare_coco"):
        read_movenet_crops(tmp_path, "train")
    with pytest.raises(InputError, match=r"'test'.* train, val"):
        read_movenet_crops(tmp_path, "test")
    (tmp_path / "val2017.json").write_text("[]", encoding="utf-8")
    with pytest.raises(InputError, match=r"val2017\.json.*img_name"):
        read_movenet_crops(tmp_path, "val")
    write_folder(tmp_path / "coco", [annotation(1)])
    prepare_coco(tmp_path / "coco", tmp_path / "out", ["val"])
    (tmp_path / "out" / "imgs" / "1_0.jpg").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"1_0\.jpg.*prepare_coco"):
        read_movenet_crops(tmp_path / "out", "val")
