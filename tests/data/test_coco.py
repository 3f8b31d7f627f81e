"""Readers of COCO's annotations and of detected boxes: values, counts and invalid files."""

import json
import shutil

import numpy as np
import pytest
from helpers import coco_folders
from helpers.coco_folders import write_folder
from helpers.rotated_images import convert, rotate_file
from PIL import Image

from paddle_pose.codecs.heatmap import HeatmapCodec
from paddle_pose.data.coco import annotation_file, read_coco, read_detections
from paddle_pose.data.crop_cache import CropCache, ReducedReader, read_whole
from paddle_pose.data.dataset import crop
from paddle_pose.data.framing import one_per_image, one_per_person
from paddle_pose.data.synthetic.dataset import write_coco
from paddle_pose.data.synthetic.scene import draw_scene
from paddle_pose.errors import InputError
from paddle_pose.evaluation.tiles import draw_tile
from paddle_pose.io.images import check_present
from paddle_pose.skeletons import COCO_17

SIZE = (192, 256)


def annotation(**changes):
    return {
        "id": 7,
        "image_id": 1,
        "category_id": 1,
        "iscrowd": 0,
        "area": 500.0,
        "bbox": [10.0, 20.0, 31.0, 41.0],
        "num_keypoints": 17,
        "keypoints": [value for k in range(17) for value in (10 + k, 20 + k, 1 + k % 2)],
        **changes,
    }


def write(
    root,
    annotations,
    images=({"id": 1, "file_name": "a.jpg", "width": 100, "height": 80},),
    **changes,
):
    (root / "annotations").mkdir(exist_ok=True)
    content = {
        "images": list(images),
        "annotations": annotations,
        "categories": [{"id": 1, "name": "person"}],
        **changes,
    }
    path = root / "annotations" / "person_keypoints_val2017.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_synthetic_people_are_read_unchanged(tmp_path, capsys):
    """COCO's pixels are 0-based, as those of this project."""
    root = write_coco(tmp_path / "coco", num_train=2, num_val=3, persons=(1, 2))
    capsys.readouterr()
    images = read_coco(root, "val")
    people = [person for image in images for person in image.persons]
    printed = capsys.readouterr().out
    assert printed.startswith(
        f"=> num_images: 3\n=> load {len(people)} samples\n=> left out as published: 0 crowd, "
    )
    for index, image in enumerate(images):
        scene = draw_scene(np.random.default_rng((0, 1, index)), (256, 256), (1, 2))
        assert image.path.is_file()
        assert len(image.persons) == len(scene.persons)
        for person, original in zip(image.persons, scene.persons, strict=True):
            labelled = original.coco_visible > 0
            assert person.visible.tolist() == original.coco_visible.tolist()
            assert np.abs(person.keypoints - original.coco)[labelled].max() < 1e-3
            assert person.area == original.area
    assert len(read_coco(root, "train")) == 2


def test_people_left_out_are_counted(tmp_path, capsys):
    unlabelled = [0] * 51
    records = [
        annotation(id=1),
        annotation(id=2, iscrowd=1),
        annotation(id=3, keypoints=unlabelled),
        annotation(id=4, keypoints=unlabelled),
        annotation(id=5, area=0),
        annotation(id=6, bbox=[200.0, 20.0, 10.0, 10.0]),
        annotation(id=8, bbox=[20.0, 20.0, 1.0, 1.0]),
    ]
    path = write(tmp_path, records)
    (image,) = read_coco(tmp_path, "val")
    assert capsys.readouterr().out == (
        "=> num_images: 1\n=> load 1 samples\n"
        "=> left out as published: 1 crowd, 2 no labelled joint, 1 no area, 2 empty box\n"
    )
    assert [(person.annotation_id, person.crowd) for person in image.persons] == [
        (1, False),
        *((left_out, True) for left_out in (2, 3, 4)),  # regions without reliable labels
    ]
    assert [sample.persons[0].annotation_id for sample in one_per_person([image], SIZE)] == [1]
    assert path == annotation_file(tmp_path, "val")
    write(tmp_path, records[1:])
    with pytest.raises(InputError, match=r"6 annotations.* 1 crowd, 2 no labelled joint"):
        read_coco(tmp_path, "val")


@pytest.mark.parametrize(
    ("box", "clipped"),
    [
        ([10.0, 20.0, 31.0, 41.0], (10, 20, 30, 40)),
        ([-5.0, -6.0, 31.0, 41.0], (0, 0, 30, 40)),
        ([90.0, 70.0, 31.0, 41.0], (90, 70, 9, 9)),
    ],
)
def test_boxes_are_clipped_as_published(tmp_path, box, clipped):
    write(tmp_path, [annotation(bbox=box)])
    (image,) = read_coco(tmp_path, "val")
    assert image.persons[0].box == clipped


def test_images_without_people_are_kept(tmp_path):
    two = [{"id": n, "file_name": f"{n}.jpg", "width": 9, "height": 9} for n in (5, 1)]
    write(tmp_path, [annotation(bbox=[0, 0, 9, 9])], images=two)
    images = read_coco(tmp_path, "val")
    assert [(image.image_id, len(image.persons)) for image in images] == [(5, 0), (1, 1)]
    assert images[1].path == tmp_path / "val2017" / "1.jpg"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"keypoints": [1] * 48},
            r"annotations\[0\] \(id 7\): key 'keypoints' .* 17 .* 51, got 48",
        ),
        ({"keypoints": [3] * 51}, r"annotations\[0\] \(id 7\): key 'keypoints' .* 0, 1, 2"),
        ({"bbox": [0, 0, float("nan"), 1]}, r"annotations\[0\] \(id 7\): key 'bbox'"),
        ({"bbox": "wide"}, r"annotations\[0\] \(id 7\): key 'bbox'"),
        ({"image_id": "1"}, r"annotations\[0\]: key 'image_id' .*'1'"),
        ({"image_id": 2}, r"annotations\[0\]: image 2 "),
        ({"id": None}, r"annotations\[0\]: key 'id' .*None"),
    ],
)
def test_invalid_record_raises(tmp_path, changes, message):
    path = write(tmp_path, [annotation(**changes)])
    with pytest.raises(InputError, match=message) as caught:
        read_coco(tmp_path, "val")
    assert str(caught.value).startswith(str(path))


def test_invalid_files_raise(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"person_keypoints_val2017\.json"):
        read_coco(tmp_path, "val")
    with pytest.raises(InputError, match=r"'test'.* train, val"):
        read_coco(tmp_path, "test")
    write(tmp_path, [], images=[{"id": 1, "width": 3, "height": 4}])
    with pytest.raises(InputError, match=r"images\[0\]: key 'file_name' .*None"):
        read_coco(tmp_path, "val")
    path = write(tmp_path, {})
    with pytest.raises(InputError, match="images, annotations, categories"):
        read_coco(tmp_path, "val")
    path.write_text("[1,", encoding="utf-8")
    with pytest.raises(InputError, match=r"person_keypoints_val2017\.json.*JSON"):
        read_coco(tmp_path, "val")


def test_detections_become_samples_without_persons(tmp_path, capsys):
    write(tmp_path, [annotation()])
    images = read_coco(tmp_path, "val")
    capsys.readouterr()
    box = {"image_id": 1, "category_id": 1, "bbox": [10.0, 20.0, 30.0, 40.0], "score": 0.75}
    records = [
        box,
        {**box, "category_id": 2},
        {**box, "image_id": 3},
        {**box, "bbox": [1, 1, 0, 5]},
    ]
    path = tmp_path / "detections.json"
    path.write_text(json.dumps(records), encoding="utf-8")
    (sample,) = read_detections(path, images, SIZE)
    assert capsys.readouterr().out == (
        "=> load 1 detected boxes\n=> left out: 1 other category, 1 unknown image, 1 empty box\n"
    )
    assert (sample.score, sample.persons, sample.image_path) == (0.75, (), images[0].path)
    assert sample.window.center == (25.0, 40.0)
    assert sample.window.size == (37.5, 50.0)
    path.write_text(json.dumps(records[1:]), encoding="utf-8")
    with pytest.raises(
        InputError, match=r"3 records.* 1 other category, 1 unknown image, 1 empty box"
    ):
        read_detections(path, images, SIZE)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image_id": "1"}, "record 0: key 'image_id' .*'1'"),
        ({"bbox": [1, 2, 3]}, r"record 0: key 'bbox' .*\(4,\), got \(3,\)"),
        ({"score": None}, "record 0: key 'score'"),
    ],
)
def test_invalid_detection_raises(tmp_path, changes, message):
    path = tmp_path / "detections.json"
    box = {"image_id": 1, "category_id": 1, "bbox": [10.0, 20.0, 30.0, 40.0], "score": 0.75}
    path.write_text(json.dumps([{**box, **changes}]), encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_detections(path, [], SIZE)
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match=r"detections\.json"):
        read_detections(path, [], SIZE)


@pytest.mark.parametrize(
    ("folder", "split", "images", "people", "left_out"),
    [
        ("coco_mini", "train", 28, 86, None),
        ("coco_mini", "val", 32, 68, None),
        ("coco4", "val", 4, 12, "0 crowd, 2 no labelled joint, 0 no area, 0 empty box"),
    ],
)
def test_counts_of_real_data(shared, capsys, folder, split, images, people, left_out):
    read = read_coco(shared / "data" / folder, split)
    printed = capsys.readouterr().out
    assert (len(read), len(one_per_person(read, SIZE))) == (images, people)
    assert left_out is None or left_out in printed


def test_published_detections(shared, capsys):
    folder = shared / "data" / "coco4"
    path = folder / "annotations" / "COCO_val2017_detections_AP_H_56_person.json"
    samples = read_detections(path, read_coco(folder, "val"), SIZE)
    assert len(samples) == 118
    assert all(
        sample.window.size[0] / sample.window.size[1] == pytest.approx(0.75) for sample in samples
    )
    assert (
        0 < min(sample.score for sample in samples) < max(sample.score for sample in samples) <= 1
    )


def crops_of(root, tmp_path):
    """Returns what each reader shows of the people, and of a detected box, in a data set."""
    codec = HeatmapCodec(input_size=(48, 64))
    annotated = read_coco(root, "val")
    samples = [*one_per_person(annotated, (48, 64)), *one_per_image(annotated, (48, 64))]
    box = {"category_id": 1, "bbox": [5.0, 9.0, 20.0, 40.0], "score": 1.0}
    detections = tmp_path / "boxes.json"
    detections.write_text(json.dumps([{"image_id": annotated[0].image_id, **box}]))
    samples += read_detections(detections, annotated, (48, 64))
    cache = CropCache(tmp_path / f"{root.name}_cache", (48, 64), 1e9)
    readers = (read_whole, ReducedReader((48, 64)), cache, cache)
    return [
        crop(sample, sample.window, codec, reader) for reader in readers for sample in samples
    ] + [
        draw_tile(sample.image_path, (32, 32), np.eye(2, 3), COCO_17, (), None, 0.2, rule)
        for sample in samples
        for rule in [sample.upright_rule]
    ]


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tiff"])
def test_upright_annotations_of_rotated_files_show_the_same_crops(tmp_path, suffix):
    root = tmp_path / "plain"
    people = [coco_folders.annotation(image_id=n + 1, at=(10.0 + n, 20.0)) for n in range(7)]
    path = write_folder(root, people, ids=tuple(range(1, 8)), size=(60, 90))
    convert(path, root / "val2017", suffix)
    plain = crops_of(root, tmp_path)
    rotated = shutil.copytree(root, tmp_path / "rotated")
    # Half turns and reflections follow the four quarter turns.
    for orientation, image in zip(range(2, 9), (rotated / "val2017").iterdir(), strict=True):
        rotate_file(image, orientation)
    assert all(map(np.array_equal, crops_of(rotated, tmp_path), plain))


def test_stored_annotations_of_rotated_files_show_the_same_crops(tmp_path):
    root = tmp_path / "plain"
    write_folder(
        root,
        [coco_folders.annotation(), coco_folders.annotation(image_id=2)],
        ids=(1, 2),
        size=(60, 90),
    )
    plain = crops_of(root, tmp_path)
    tagged = shutil.copytree(root, tmp_path / "tagged")
    exif = Image.Exif()
    exif[274] = 6
    for image in (tagged / "val2017").iterdir():
        Image.open(image).save(image, exif=exif)
    assert all(map(np.array_equal, crops_of(tagged, tmp_path), plain))


def test_a_cached_crop_is_not_used_for_annotations_of_another_size(tmp_path):
    write_folder(tmp_path, [coco_folders.annotation()], size=(60, 90))
    rotate_file(tmp_path / "val2017" / "1.png", 6)
    upright = crops_of(tmp_path, tmp_path)
    path = tmp_path / "annotations" / "person_keypoints_val2017.json"
    content = json.loads(path.read_text())
    content["images"][0].update(width=90, height=60)
    path.write_text(json.dumps(content))
    assert not any(map(np.array_equal, crops_of(tmp_path, tmp_path), upright))


def test_backslashes_in_file_names_separate_folders(tmp_path):
    path = write_folder(tmp_path, [coco_folders.annotation()])
    (tmp_path / "val2017" / "day").mkdir()
    (tmp_path / "val2017" / "1.png").rename(tmp_path / "val2017" / "day" / "1.png")
    content = json.loads(path.read_text())
    content["images"][0]["file_name"] = "day\\1.png"
    path.write_text(json.dumps(content))
    (image,) = read_coco(tmp_path, "val")
    assert image.path == tmp_path / "val2017" / "day" / "1.png"
    check_present([image.path])
