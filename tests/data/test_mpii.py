import json

import numpy as np
import pytest
import scipy.io

from paddle_pose.data.framing import one_per_person
from paddle_pose.data.mpii import read_ground_truth, read_mpii
from paddle_pose.data.synthetic.scene import draw_scene


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
def test_drawn_people_are_read_where_they_were_drawn(synthetic_mpii, split, number):
    """1-based becomes 0-based exactly once, for json and mat alike."""
    images = read_mpii(synthetic_mpii, split)
    assert len(images) == 8
    for index, image in enumerate(images):
        drawn = draw_scene(np.random.default_rng((0, number, index)), (256, 256)).persons[0]
        (person,) = image.persons
        labelled = drawn.mpii_visible > 0
        assert image.path.is_file()
        assert person.annotation_id == index
        assert (person.visible > 0).tolist() == labelled.tolist()
        assert np.abs(person.keypoints - drawn.mpii)[labelled].max() < 1e-3
        x, y, width, height = drawn.box
        side = max(width, height)
        assert person.box == pytest.approx(
            (x + (width - side) / 2, y + (height - side) / 2, side, side), abs=1e-3
        )
        x1, y1, x2, y2 = drawn.head_box
        head = 0.6 * np.hypot(x2 - x1, y2 - y1)
        assert (
            np.isnan(person.head_size)
            if split == "train"
            else person.head_size == pytest.approx(head)
        )


def test_the_centre_moves_down_by_15_px_times_the_scale_and_becomes_0_based(tmp_path):
    write_json(tmp_path, [record(center=[100.0, 80.0], scale=2.0)])
    (image,) = read_mpii(tmp_path, "train")
    (sample,) = one_per_person([image], (256, 256))
    assert sample.window.center == (99.0, 80 + 15 * 2 - 1)
    assert sample.window.size == (500.0, 500.0)  # 200 px x scale x 1.25


def test_people_of_one_image_stand_together_and_keep_the_files_order(tmp_path, capsys):
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


def test_mmpose_1_keys_are_read_too(tmp_path):
    plain = record(joints_vis=[1] * 15 + [0])
    other = {key: value for key, value in plain.items() if not key.startswith("joints")}
    other |= {"gt_joints": plain["joints"], "joints_visible": plain["joints_vis"]}
    write_json(tmp_path, [plain, other])
    (image,) = read_mpii(tmp_path, "train")
    first, second = image.persons
    assert np.array_equal(first.keypoints, np.array(plain["joints"]) - 1)
    assert np.array_equal(first.keypoints, second.keypoints)
    assert first.visible.tolist() == second.visible.tolist() == [1] * 15 + [0]


def test_the_test_split_has_no_joints(tmp_path):
    write_json(tmp_path, [{"image": "a.jpg", "center": [5, 5], "scale": 1}], "test")
    (image,) = read_mpii(tmp_path, "test")
    assert not image.persons[0].visible.any()


def test_val_takes_keypoints_and_head_sizes_from_the_mat(tmp_path):
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
        ('[{"image": "a.jpg", ', "not valid JSON"),
        ("\x00", "not valid JSON"),
        ({"annotations": []}, "expected a list of records, got dict"),
        ([1, 2], "expected a list of records"),
        ([], "the list is empty"),
        ([record(), record(image="")], "record 1: key 'image' must name the image"),
        ([record(image=3)], "record 0: key 'image' must name the image, got 3"),
        (
            [record(center=[1.0])],
            r"record 0 \(a.jpg\): key 'center' must have shape \(2,\), got \(1,\)",
        ),
        ([record(center=None)], r"record 0 \(a.jpg\): key 'center'"),
        ([record(center="left")], "key 'center' does not hold numbers"),
        ([record(scale=0)], "key 'scale' must be positive .*, got 0.0"),
        ([record(scale=-1.5)], "key 'scale' must be positive .*, got -1.5"),
        ([record(scale=float("nan"))], "key 'scale' holds NaN or infinity"),
        ([record(joints=[[1, 2]] * 17)], r"key 'joints' must have shape \(16, 2\), got \(17, 2\)"),
        ([record(joints=[[1, 2]] * 15 + [[3]])], "key 'joints' does not hold numbers"),
        ([record(joints=[[1, float("inf")]] * 16)], "key 'joints' holds NaN or infinity"),
        ([record(joints_vis=[1] * 14)], r"key 'joints_vis' must have shape \(16,\)"),
        (
            [{"image": "a.jpg", "center": [1, 1], "scale": 1}],
            "no key 'joints' or 'gt_joints'; it has",
        ),
        ([{"image": "a.jpg", "scale": 1}], "no key 'center'; it has"),
    ],
)
def test_what_is_wrong_with_a_json_is_said(tmp_path, records, message):
    path = write_json(tmp_path, records)
    with pytest.raises(ValueError, match=message) as caught:
        read_mpii(tmp_path, "train")
    assert str(caught.value).startswith(str(path))


def test_what_is_missing_is_named_with_the_layout(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"mpii_train.json: not found; expected D/images"):
        read_mpii(tmp_path, "train")
    write_json(tmp_path, [record()], "val")
    with pytest.raises(FileNotFoundError, match=r"mpii_gt_val.mat: not found; expected D/images"):
        read_mpii(tmp_path, "val")
    with pytest.raises(
        ValueError, match="no split 'valid'; expected one of train, val, trainval, test"
    ):
        read_mpii(tmp_path, "valid")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"jnt_missing": None}, "'jnt_missing' .* no such variable"),
        ({"pos_gt_src": None}, "'pos_gt_src' .* no such variable"),
        ({"headboxes_src": None}, "'headboxes_src' .* no such variable"),
        (
            {"headboxes_src": np.zeros((4, 1))},
            r"'headboxes_src' must have shape \(2, 2, 'N'\), got shape \(4, 1\)",
        ),
        ({"pos_gt_src": np.zeros((2, 16, 3))}, r"'pos_gt_src' must have shape \(16, 2, 'N'\)"),
        ({"jnt_missing": np.zeros((16, 7))}, "'jnt_missing' must have shape"),
        (
            {"pos_gt_src": np.where(np.arange(3) == 1, np.nan, np.ones((16, 2, 3)))},
            "person 1 has .* without numbers",
        ),
        ({"headboxes_src": np.ones((2, 2, 1)) * [1, 1, 1]}, "person 0 has an empty head box"),
    ],
)
def test_a_mat_of_another_kind_is_refused(tmp_path, changes, message):
    records = [record(), record(), record()]
    write_json(tmp_path, records, "val")
    write_mat(tmp_path, records, **changes)
    with pytest.raises(ValueError, match=message):
        read_mpii(tmp_path, "val")


@pytest.mark.parametrize("kept", [0, 50, 150, 600, -40])
def test_an_incomplete_mat_is_refused(tmp_path, kept):
    write_json(tmp_path, [record()], "val")
    path = write_mat(tmp_path, [record()])
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ValueError, match=r"mpii_gt_val.mat: (not a MATLAB file|variable)"):
        read_ground_truth(path)


def test_json_and_mat_must_list_the_same_people_in_the_same_order(tmp_path):
    records = [record(), record(joints=np.random.default_rng(9).uniform(0, 300, (16, 2)).tolist())]
    write_json(tmp_path, records, "val")
    write_mat(tmp_path, records[::-1])
    with pytest.raises(ValueError, match=r"record 0 lies .* px from person 0 .* same order"):
        read_mpii(tmp_path, "val")
    write_mat(tmp_path, records[:1])
    with pytest.raises(
        ValueError, match=r"holds 1 people and .* 2; they belong to different releases"
    ):
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
    found = read_mpii(shared / "data" / folder, split)
    assert (len(found), sum(len(image.persons) for image in found)) == (images, people)
    assert capsys.readouterr().out == f"=> num_images: {images}\n=> load {people} samples\n"
    labelled = np.concatenate(
        [p.keypoints[p.visible > 0] for image in found for p in image.persons]
    )
    assert np.isfinite(labelled).all()
    assert labelled.min() > -60


def test_the_published_counts_of_joints(shared):
    """Source: the visible joints of the validation set, as PCKh weighs them."""
    persons = [p for image in read_mpii(shared / "data" / "mpii_val", "val") for p in image.persons]
    counts = sum((p.visible > 0).astype(int) for p in persons)
    assert counts.tolist() == [
        *(2115, 2485, 2889, 2888, 2478, 2119, 2878, 2932),
        *(2932, 2932, 2928, 2935, 2944, 2944, 2932, 2909),
    ]
    heads = np.array([p.head_size for p in persons])
    assert [round(v, 1) for v in (heads.min(), np.median(heads), heads.mean())] == [
        14.5,
        68.9,
        80.5,
    ]
