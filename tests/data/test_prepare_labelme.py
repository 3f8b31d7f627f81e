"""labelme's points become annotations in COCO's format that training reads."""

import json

import numpy as np
import pytest

from paddle_pose.data import coco
from paddle_pose.data.prepare_labelme import prepare_labelme, read_labelme
from paddle_pose.data.synthetic.labelme import write_labelme
from paddle_pose.data.synthetic.scene import draw_scene
from paddle_pose.errors import InputError
from paddle_pose.io import images
from paddle_pose.skeletons import COCO_17, Skeleton

JOINTS = {"nose": "nose", "left_hand": "left_wrist", "right_hand": "right_wrist"}
SLOTS = [COCO_17.joints.index(joint) for joint in JOINTS.values()]


def point(label, x=1.0, y=2.0, group=None, **more):
    return {
        "label": label,
        "points": [[x, y]],
        "group_id": group,
        "shape_type": "point",
        "flags": {},
        **more,
    }


def write(folder, name, shapes, **more):
    images.write(folder / f"{name}.jpg", np.zeros((40, 60, 3), np.uint8))
    content = {"shapes": shapes, "imagePath": f"{name}.jpg", "imageHeight": 40, "imageWidth": 60}
    (folder / f"{name}.json").write_text(json.dumps(content | more), encoding="utf-8")


def test_synthetic_people_return_after_conversion_and_reading(tmp_path):
    folder = write_labelme(tmp_path / "photos", JOINTS, num_images=10, persons=(1, 3))
    done = prepare_labelme(folder, tmp_path / "out", list(JOINTS))
    assert done.joints == tuple(JOINTS)
    assert done.images == {"train": 8, "val": 2}
    skeleton = Skeleton(
        "three", tuple(JOINTS), limbs=(), mirror_pairs=(), sigmas=(0.05,) * 3, weights=(1.0,) * 3
    )
    for split, numbers in (("train", (0, 1, 2, 3, 5, 6, 7, 8)), ("val", (4, 9))):
        read = coco.read_annotations(tmp_path / f"out/{split}.json", folder, skeleton)
        for number, image in zip(numbers, read, strict=True):
            scene = draw_scene(np.random.default_rng((0, number)), (256, 256), (1, 3))
            expected = [p for p in scene.persons if (p.coco_visible[SLOTS] > 0).sum() > 1]
            for person, drawn in zip(image.persons, expected, strict=True):
                visible = drawn.coco_visible[SLOTS]
                assert person.visible.tolist() == visible.tolist()
                np.testing.assert_allclose(
                    person.keypoints[visible > 0], drawn.coco[SLOTS][visible > 0], atol=0.006
                )


def test_groups_rectangles_and_other_shapes(tmp_path):
    polygon = {"label": "nose", "points": [[0, 0], [1, 1], [2, 0]], "shape_type": "polygon"}
    rectangle = point("person", group=2) | {
        "points": [[30.0, 20.0], [10.0, 5.0]],
        "shape_type": "rectangle",
    }
    alone = point("nose", group=3)
    shapes = [point("nose", 11, 6, 2), rectangle, polygon, alone, point("tail", 12, 9, 2)]
    write(tmp_path, "a", shapes)
    done = prepare_labelme(tmp_path, tmp_path / "out", val_fraction=0)
    assert done.labelled == {"nose": 2, "tail": 1}
    assert done.people == {"train": 1, "val": 0}, "a single point has no box"
    assert not (tmp_path / "out/val.json").exists()
    (record,) = json.loads((tmp_path / "out/train.json").read_text())["annotations"]
    assert record["bbox"] == [10, 5, 20, 15]
    assert record["keypoints"] == [11, 6, 2, 12, 9, 2]
    again = prepare_labelme(tmp_path, tmp_path / "out", joints=["tail", "nose"], val_fraction=0)
    assert again.joints == ("tail", "nose"), "its own files are no labelme files, and are replaced"


def test_images_in_subfolders_and_backslashes(tmp_path):
    (tmp_path / "day").mkdir()
    write(tmp_path / "day", "a", [point("nose"), point("tail", 9)], imagePath="..\\day\\a.jpg")
    prepare_labelme(tmp_path, tmp_path / "out", val_fraction=1)
    (image,) = json.loads((tmp_path / "out/val.json").read_text())["images"]
    assert (tmp_path / image["file_name"]).samefile(tmp_path / "day/a.jpg")
    assert (image["width"], image["height"]) == (60, 40)


@pytest.mark.parametrize(
    ("shapes", "more", "message"),
    [
        ([point("nose"), point("nose", 5)], {}, r"a\.json: shapes\[1\] \('nose'\).*group_id"),
        ([point("nose", points=[[1, "2"]])], {}, r"shapes\[0\].*'points'.*'2'"),
        ([point("nose", points=[[1, 2], [3, 4]])], {}, r"shapes\[0\].*'points'.*\(1, 2\)"),
        ([{**point("nose"), "group_id": [1]}], {}, r"shapes\[0\].*'group_id'.*\[1\]"),
        ([point("nose")], {"imageWidth": None}, r"a\.json: key 'imageWidth'.*null"),
        ([point("nose")], {"imagePath": ""}, r"a\.json: key 'imagePath'"),
        ({"nose": 1}, {}, r"a\.json: key 'shapes'"),
    ],
)
def test_bad_files_are_named_with_shape_and_key(tmp_path, shapes, more, message):
    write(tmp_path, "a", shapes, **more)
    with pytest.raises(InputError, match=message):
        read_labelme(tmp_path)


def test_misspelt_labels_missing_images_and_foreign_files_are_errors(tmp_path):
    write(tmp_path, "a", [point("nose"), point("left_hnad", 7)])
    with pytest.raises(InputError, match="'left_hnad'"):
        prepare_labelme(tmp_path, tmp_path / "out", joints=["nose", "left_hand"])
    with pytest.raises(InputError, match="'left_hand' is not one of the joints nose, left_hnad"):
        prepare_labelme(tmp_path, tmp_path / "out", limbs=[("nose", "left_hand")])
    (tmp_path / "a.jpg").unlink()
    with pytest.raises(FileNotFoundError, match=r"a\.jpg"):
        prepare_labelme(tmp_path, tmp_path / "out")
    with pytest.raises(FileNotFoundError, match="labelme"):
        prepare_labelme(tmp_path / "nowhere", tmp_path / "out")
    write(tmp_path, "a", [point("nose"), point("tail", 7)])
    (tmp_path / "out").mkdir()
    (tmp_path / "out/train.json").write_text("{}")
    with pytest.raises(InputError, match=r"train\.json"):
        prepare_labelme(tmp_path, tmp_path / "out")
    assert (tmp_path / "out/train.json").read_text() == "{}"
