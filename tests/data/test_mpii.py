"""Reader of MPII: values, counts and invalid files."""

import json

import numpy as np
import pytest
import scipy.io

from paddle_pose.data.framing import one_per_person
from paddle_pose.data.mpii import read_ground_truth, read_mpii
from paddle_pose.data.synthetic.scene import draw_scene
from paddle_pose.errors import InputError


def record(**changes):
    rng = np.random.default_rng(0)
    return {
        "image": "a.jpg",
        "center": [100.0, 80.0],
        "scale": 2.0,
        "joints": rng.uniform(20, 180, (16, 2)).tolist(),
        "joints_vis": [1] * 16,
        **changes,
    }


def write_json(root, records, split="train"):
    (root / "annotations").mkdir(exist_ok=True)
    path = root / "annotations" / f"mpii_{split}.json"
    path.write_text(records if isinstance(records, str) else json.dumps(records), encoding="utf-8")
    return path


def write_mat(root, records, **changes):
    joints = np.array([r["joints"] for r in records])
    content = {
        "jnt_missing": 1 - np.array([r["joints_vis"] for r in records]).T,
        "pos_gt_src": joints.transpose(1, 2, 0),
        "headboxes_src": np.tile(np.array([[10.0, 10.0], [40.0, 50.0]])[..., None], len(records)),
        **changes,
    }
    path = root / "annotations" / "mpii_gt_val.mat"
    scipy.io.savemat(path, {key: value for key, value in content.items() if value is not None})
    return path


@pytest.mark.parametrize(("split", "number"), [("train", 0), ("val", 1)])
def test_synthetic_people_are_read_at_their_places(synthetic_mpii, split, number):
    """1-based joints are converted to 0-based ones exactly once, in JSON and .mat files."""
    images = read_mpii(synthetic_mpii, split)
    assert len(images) == 8
    for index, image in enumerate(images):
        scene = draw_scene(np.random.default_rng((0, number, index)), (256, 256))
        (original,) = scene.persons
        (person,) = image.persons
        labelled = original.mpii_visible > 0
        assert image.path.is_file()
        assert person.annotation_id == index
        assert (person.visible > 0).tolist() == labelled.tolist()
        assert np.abs(person.keypoints - original.mpii)[labelled].max() < 1e-3
        x, y, width, height = original.box
        side = max(width, height)
        assert person.box == pytest.approx(
            (x + (width - side) / 2, y + (height - side) / 2, side, side), abs=1e-3
        )
        x1, y1, x2, y2 = original.head_box
        head = 0.6 * np.hypot(x2 - x1, y2 - y1)
        assert (
            np.isnan(person.head_size)
            if split == "train"
            else person.head_size == pytest.approx(head)
        )


def test_centre_is_moved_down_by_15_px_x_scale_and_0_based(tmp_path):
    write_json(tmp_path, [record(center=[100.0, 80.0], scale=2.0)])
    (image,) = read_mpii(tmp_path, "train")
    (sample,) = one_per_person([image], (256, 256))
    assert sample.window.center == (99.0, 80 + 15 * 2 - 1)
    assert sample.window.size == (500.0, 500.0)  # 200 px x scale x 1.25


def test_people_are_grouped_by_image_in_the_files_order(tmp_path, capsys):
    names = ["b.jpg", "a.jpg", "b.jpg", "c.jpg"]
    write_json(tmp_path, [record(image=name, scale=n + 1.0) for n, name in enumerate(names)])
    images = read_mpii(tmp_path, "train")
    assert [(i.path.name, [p.annotation_id for p in i.persons]) for i in images] == [
        ("b.jpg", [0, 2]),
        ("a.jpg", [1]),
        ("c.jpg", [3]),
    ]
    assert capsys.readouterr().out == "=> num_images: 3\n=> load 4 samples\n"
    assert [sample.image_path.name for sample in one_per_person(images, (64, 64))] == names


def test_keys_of_mmpose_1_are_read(tmp_path):
    plain = record(joints_vis=[1] * 15 + [0])
    other = {key: value for key, value in plain.items() if not key.startswith("joints")}
    other |= {"gt_joints": plain["joints"], "joints_visible": plain["joints_vis"]}
    write_json(tmp_path, [plain, other])
    (image,) = read_mpii(tmp_path, "train")
    first, second = image.persons
    assert np.array_equal(first.keypoints, np.array(plain["joints"]) - 1)
    assert np.array_equal(first.keypoints, second.keypoints)
    assert first.visible.tolist() == second.visible.tolist() == [1] * 15 + [0]


def test_test_split_has_no_joints(tmp_path):
    write_json(tmp_path, [{"image": "a.jpg", "center": [5, 5], "scale": 1}], "test")
    (image,) = read_mpii(tmp_path, "test")
    assert not image.persons[0].visible.any()


def test_val_reads_keypoints_and_head_sizes_from_the_mat_file(tmp_path):
    truth = [record(), record(joints_vis=[0, *[1] * 15])]
    write_json(
        tmp_path, [{**r, "joints": (np.array(r["joints"]) + 0.4).tolist()} for r in truth], "val"
    )
    write_mat(tmp_path, truth)
    persons = read_mpii(tmp_path, "val")[0].persons
    for person, expected in zip(persons, truth, strict=True):
        assert np.allclose(person.keypoints, np.array(expected["joints"]) - 1)
        assert person.visible.tolist() == expected["joints_vis"]
        assert person.head_size == pytest.approx(0.6 * 50)


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ('[{"image": "a.jpg", ', "JSON"),
        ("\x00", "JSON"),
        ({"annotations": []}, "dict"),
        ([1, 2], "records"),
        ([], "empty"),
        ([record(), record(image="")], "record 1: key 'image'"),
        ([record(image=3)], "record 0: key 'image' .* 3"),
        ([record(center=[1.0])], r"record 0 \(a.jpg\): key 'center' .*\(2,\), got \(1,\)"),
        ([record(center=None)], r"record 0 \(a.jpg\): key 'center'"),
        ([record(center="left")], r"record 0 \(a.jpg\): key 'center'"),
        ([record(scale=0)], r"record 0 \(a.jpg\): key 'scale' .* 0\.0"),
        ([record(scale=-1.5)], r"record 0 \(a.jpg\): key 'scale' .* -1\.5"),
        ([record(scale=float("nan"))], r"record 0 \(a.jpg\): key 'scale'"),
        ([record(joints=[[1, 2]] * 17)], r"key 'joints' .*\(16, 2\), got \(17, 2\)"),
        ([record(joints=[[1, 2]] * 15 + [[3]])], r"record 0 \(a.jpg\): key 'joints'"),
        ([record(joints=[[1, float("inf")]] * 16)], r"record 0 \(a.jpg\): key 'joints'"),
        ([record(joints_vis=[1] * 14)], r"record 0 \(a.jpg\): key 'joints_vis' .*\(16,\)"),
        ([{"image": "a.jpg", "center": [1, 1], "scale": 1}], "'joints' or 'gt_joints'"),
        ([{"image": "a.jpg", "scale": 1}], r"record 0 \(a.jpg\): .*'center'"),
    ],
)
def test_invalid_json_raises(tmp_path, records, message):
    path = write_json(tmp_path, records)
    with pytest.raises(InputError, match=message) as caught:
        read_mpii(tmp_path, "train")
    assert str(caught.value).startswith(str(path))


def test_missing_file_and_unknown_split_raise(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"mpii_train\.json"):
        read_mpii(tmp_path, "train")
    write_json(tmp_path, [record()], "val")
    with pytest.raises(FileNotFoundError, match=r"mpii_gt_val\.mat"):
        read_mpii(tmp_path, "val")
    with pytest.raises(InputError, match=r"'valid'.* train, val, trainval, test"):
        read_mpii(tmp_path, "valid")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"jnt_missing": None}, "'jnt_missing'"),
        ({"pos_gt_src": None}, "'pos_gt_src'"),
        ({"headboxes_src": None}, "'headboxes_src'"),
        ({"headboxes_src": np.zeros((4, 1))}, r"'headboxes_src' .*\(2, 2, 'N'\).*\(4, 1\)"),
        ({"pos_gt_src": np.zeros((2, 16, 3))}, r"'pos_gt_src' .*\(16, 2, 'N'\)"),
        ({"jnt_missing": np.zeros((16, 7))}, r"'jnt_missing' .*\(16, 7\)"),
        (
            {"pos_gt_src": np.where(np.arange(3) == 1, np.nan, np.ones((16, 2, 3)))},
            "person 1 ",
        ),
        ({"headboxes_src": np.ones((2, 2, 1)) * [1, 1, 1]}, "person 0 "),
    ],
)
def test_invalid_mat_file_raises(tmp_path, changes, message):
    records = [record(), record(), record()]
    write_json(tmp_path, records, "val")
    write_mat(tmp_path, records, **changes)
    with pytest.raises(InputError, match=message):
        read_mpii(tmp_path, "val")


@pytest.mark.parametrize("kept", [0, 50, 150, 600, -40])
def test_incomplete_mat_file_raises(tmp_path, kept):
    write_json(tmp_path, [record()], "val")
    path = write_mat(tmp_path, [record()])
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InputError, match=r"mpii_gt_val\.mat"):
        read_ground_truth(path)


def test_json_and_mat_with_other_people_raise(tmp_path):
    records = [record(), record(joints=np.random.default_rng(9).uniform(0, 300, (16, 2)).tolist())]
    write_json(tmp_path, records, "val")
    write_mat(tmp_path, records[::-1])
    with pytest.raises(InputError, match=r"mpii_val\.json: record 0 .* person 0 of .*\.mat"):
        read_mpii(tmp_path, "val")
    write_mat(tmp_path, records[:1])
    with pytest.raises(InputError, match=r"mpii_gt_val\.mat .* 1 people.*mpii_val\.json 2"):
        read_mpii(tmp_path, "val")


@pytest.mark.parametrize(
    ("folder", "split", "images", "people"),
    [
        ("mpii_val", "val", 2729, 2958),
        ("mpii5", "train", 5, 5),
        ("mpii5", "val", 5, 5),
        ("lspet", "train", 1233, 1233),
        ("lspet", "val", 200, 200),
    ],
)
def test_published_counts(shared, capsys, folder, split, images, people):
    read = read_mpii(shared / "data" / folder, split)
    assert (len(read), sum(len(image.persons) for image in read)) == (images, people)
    assert capsys.readouterr().out == f"=> num_images: {images}\n=> load {people} samples\n"
    labelled = np.concatenate([p.keypoints[p.visible > 0] for image in read for p in image.persons])
    assert np.isfinite(labelled).all()
    assert labelled.min() > -60


def test_published_counts_of_visible_joints(shared):
    """Source: Numbers of visible joints of the validation set, the weights of PCKh's mean."""
    persons = [p for image in read_mpii(shared / "data" / "mpii_val", "val") for p in image.persons]
    counts = sum((p.visible > 0).astype(int) for p in persons)
    ankles_to_thorax = [2115, 2485, 2889, 2888, 2478, 2119, 2878, 2932]
    neck_to_wrists = [2932, 2932, 2928, 2935, 2944, 2944, 2932, 2909]
    assert counts.tolist() == ankles_to_thorax + neck_to_wrists
    heads = np.array([p.head_size for p in persons])
    assert [round(v, 1) for v in (heads.min(), np.median(heads), heads.mean())] == [
        14.5,
        68.9,
        80.5,
    ]
