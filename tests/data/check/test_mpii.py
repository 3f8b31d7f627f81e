"""A healthy data set passes; each kind of damage done to a copy is named, on synthetic people and on real ones."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from PIL import Image

from paddle_pose.data.check.mpii import check_mpii
from paddle_pose.skeletons import MPII_16

SOURCES = ("drawn", "mpii5", "lspet")


@dataclass
class Copy:
    """A data set to damage."""

    root: Path

    @property
    def annotations(self) -> Path:
        return self.root / "annotations"

    def change(self, split: str, damage: Callable[[list[dict]], object]) -> None:
        """Rewrites a json file; what `damage` returns, if anything, replaces its list."""
        path = self.annotations / f"mpii_{split}.json"
        records = json.loads(path.read_text())
        path.write_text(json.dumps(damage(records) or records))

    def change_mat(self, damage: Callable[[dict], None]) -> None:
        path = self.annotations / "mpii_gt_val.mat"
        content = {
            key: value for key, value in scipy.io.loadmat(path).items() if not key.startswith("_")
        }
        damage(content)
        scipy.io.savemat(path, content)

    def image(self, content: Callable[[bytes], bytes]) -> str:
        """Rewrites the image of the last training record; returns its name."""
        name = json.loads((self.annotations / "mpii_train.json").read_text())[-1]["image"]
        path = self.root / "images" / name
        changed = content(path.read_bytes())
        path.unlink()  # it may be a link to the original
        path.write_bytes(changed)
        return name

    def codes(self, severity: str = "error", **options: str) -> dict[str, str]:
        """{code: file, text, remedy and examples} of the findings of one severity."""
        told: dict[str, str] = {}
        for finding in check_mpii(self.root, **options).findings:
            if finding.severity == severity:
                text = " ".join([finding.file, finding.text, finding.fix, *finding.examples])
                told[finding.code] = told.get(finding.code, "") + text + "\n"
        return told


def copy_of(source: Path, target: Path, most: int | None = None) -> Copy:
    """Copies annotations and links images; with `most`, only so many records of each split."""
    shutil.copytree(source / "annotations", target / "annotations", copy_function=shutil.copyfile)
    os.chmod(target / "annotations", 0o755)  # the source may be read-only
    (target / "images").mkdir()
    copy, names = Copy(target), set()
    for split in ("train", "val"):
        if most:
            copy.change(split, lambda records: records[:most])
        names |= {
            record["image"]
            for record in json.loads((copy.annotations / f"mpii_{split}.json").read_text())
        }
    if most:
        keys = ("jnt_missing", "pos_gt_src", "headboxes_src")
        copy.change_mat(
            lambda content: content.update({key: content[key][..., :most] for key in keys})
        )
    for name in names:
        (target / "images" / name).symlink_to(source / "images" / name)
    return copy


@pytest.fixture(params=SOURCES)
def copy(request: pytest.FixtureRequest, tmp_path: Path) -> Copy:
    if request.param == "drawn":
        return copy_of(request.getfixturevalue("synthetic_mpii"), tmp_path / "copy")
    shared = request.getfixturevalue("shared")
    return copy_of(
        shared / "data" / request.param, tmp_path / "copy", 60 if request.param == "lspet" else None
    )


def every(key: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[list[dict]], None]:
    def damage(records: list[dict]) -> None:
        for record in records:
            record[key] = change(np.array(record[key], float)).tolist()

    return damage


def test_a_healthy_copy_passes(copy):
    report = check_mpii(copy.root)
    assert report.number("error") == 0
    assert "0 errors" in report.text()


@pytest.mark.parametrize("name", ["lspet", "mpii5"])
def test_the_real_data_pass_as_they_are(name, shared):
    report = check_mpii(shared / "data" / name)
    assert report.as_dict()["totals"]["error"] == 0
    assert report.decoded == {"lspet": 1433, "mpii5": 5}[name]


def test_the_published_validation_people_pass_but_for_the_images(shared):
    report = check_mpii(shared / "data" / "mpii_val")
    assert {f.code for f in report.findings if f.severity == "error"} == {
        "missing_file",
        "missing_image",
    }
    assert report.counts == {"val": (2958, 2729)}


def test_several_people_in_a_image_pass(tmp_path):
    from paddle_pose.data.synthetic.dataset import write_mpii

    write_mpii(tmp_path / "d", num_train=6, num_val=6, seed=3, persons=(1, 3))
    assert Copy(tmp_path / "d").codes() == {}


# Images.


def test_missing_image(copy):
    name = copy.image(bytes)
    (copy.root / "images" / name).rename(copy.root / "images" / name.upper())
    told = copy.codes(decode="none")["missing_image"]
    assert f"{name}: there is {name.upper()}" in told
    assert "unpack" in told


def test_empty_image(copy):
    name = copy.image(lambda content: b"")
    assert name in copy.codes(decode="none")["empty_image"]


def test_corrupt_image(copy):
    name = copy.image(lambda content: b"<html>404</html>" * 9)
    assert name in copy.codes(decode="none")["corrupt_image"]


def test_a_image_with_a_broken_table(copy):
    def damage(content: bytes) -> bytes:
        table = content.index(b"\xff\xc4") + 5  # 16 counts of Huffman codes
        return content[:table] + b"\xff" * 16 + content[table + 16 :]

    name = copy.image(damage)
    assert name in copy.codes()["corrupt_image"]
    assert copy.codes(decode="none") == {}


@pytest.mark.parametrize("decode", ["all", "none"])
def test_truncated_image(copy, decode):
    name = copy.image(lambda content: content[: len(content) * 2 // 3])
    assert name in copy.codes(decode=decode)["truncated_image"]


def test_a_image_that_lacks_its_end_mark_only_is_no_error(copy):
    copy.image(lambda content: content + bytes(200))
    assert copy.codes() == {}


def test_rotated_image(copy):
    exif = Image.Exif()
    exif[274] = 6

    def rotate(content: bytes) -> bytes:
        segment = exif.tobytes()
        return (
            content[:2]
            + b"\xff\xe1"
            + (len(segment) + 2).to_bytes(2, "big")
            + segment
            + content[2:]
        )

    name = copy.image(rotate)
    assert f"{name}: orientation 6" in copy.codes("warning")["exif_rotated"]


def test_macos_files_are_noted(copy):
    (copy.root / "images" / "._1.jpg").write_bytes(b"x")
    assert copy.codes() == {}
    assert "._1.jpg" in copy.codes("note")["macos_files"]


# The form of the json files.


@pytest.mark.parametrize(
    ("code", "content"),
    [
        ("not_json", '[{"image": "1.jpg"'),
        ("not_json", "[" * 100000),
        ("not_a_list", '{"images": [], "annotations": []}'),
        ("empty", "[]"),
        ("not_a_record", "[1, null]"),
    ],
)
def test_a_file_that_is_no_list_of_records(copy, code, content):
    (copy.annotations / "mpii_train.json").write_text(content)
    assert "mpii_train.json" in copy.codes()[code]


@pytest.mark.parametrize("name", ["mpii_train.json", "mpii_val.json", "mpii_gt_val.mat"])
def test_missing_file(copy, name):
    (copy.annotations / name).unlink()
    assert name in copy.codes()["missing_file"]


def test_a_folder_too_high_is_recognised(copy):
    assert f"did you mean {copy.root}?" in Copy(copy.root.parent).codes()["missing_file"]


@pytest.mark.parametrize(
    "content", [b"", b"no mat", b"MATLAB 5.0" + bytes(200)], ids=["empty", "text", "header"]
)
def test_bad_mat(copy, content):
    (copy.annotations / "mpii_gt_val.mat").write_bytes(content)
    assert "mpii_gt_val.mat" in copy.codes()["bad_mat"]


@pytest.mark.parametrize("key", ["image", "center", "scale", "joints", "joints_vis"])
def test_wrong_key(copy, key):
    def rename(records):
        records[1][key + "_"] = records[1].pop(key)

    copy.change("train", rename)
    assert "record 1" in copy.codes()["wrong_key"]


@pytest.mark.parametrize(
    ("code", "key", "value"),
    [
        ("joint_count", "joints", [[1, 2]] * 17),
        ("joint_count", "joints_vis", [1] * 17),
        ("wrong_shape", "center", [1, 2, 3]),
        ("wrong_shape", "scale", [1.0]),
        ("not_numbers", "joints", "here"),
        ("not_numbers", "joints", [[1, 2], [1]]),
        ("not_numbers", "scale", 10**400),
        ("nan", "scale", float("nan")),
        ("nan", "center", [None, 1]),
        ("scale", "scale", 0),
        ("scale", "scale", -1.5),
        ("wrong_key", "image", 7),
    ],
)
def test_a_bad_value(copy, code, key, value):
    copy.change("val", lambda records: records[2].update({key: value}))
    told = copy.codes()[code]
    assert "mpii_val.json" in told
    assert "record 2" in told


# What the records say.


def test_nan_joint(copy):
    copy.change("train", lambda records: records[0]["joints"].__setitem__(3, [float("nan"), 1.0]))
    assert "record 0" in copy.codes()["nan"]


def test_duplicate_records(copy):
    copy.change("train", lambda records: records + records[:8])
    assert "duplicate" in copy.codes()


def test_one_duplicate_among_many_is_a_warning(synthetic_mpii, tmp_path):
    copy = copy_of(synthetic_mpii, tmp_path / "copy")

    def repeat(records):
        for n in range(3):
            records += [
                {**record, "center": [c + n + 1 for c in record["center"]]}
                for record in records[:8]
            ]
        return [*records, records[0]]

    copy.change("train", repeat)
    assert "duplicate" not in copy.codes()
    assert "record 32" in copy.codes("warning")["duplicate"]


def test_nothing_labelled(copy):
    copy.change("train", every("joints_vis", lambda visible: 0 * visible))
    assert "joints_vis 0" in copy.codes()["nothing_labelled"]


def test_joints_outside_the_image(copy):
    copy.change("train", every("joints", lambda joints: joints + 2000))
    codes = copy.codes()
    assert "joint_outside_image" in codes
    assert "joint_outside_box" in codes


def test_images_made_smaller_without_the_annotations(copy):
    name = json.loads((copy.annotations / "mpii_train.json").read_text())[0]["image"]
    small = copy.root / "images" / name
    with Image.open(small) as image:
        half = image.resize((image.width // 3, image.height // 3))
    small.unlink()
    half.save(small)
    found = copy.codes("warning") | copy.codes()
    assert "record 0" in found["joint_outside_image"]


def test_boxes_of_somebody_else(copy):
    copy.change("val", every("center", lambda center: center + np.array([900, 0])))
    codes = copy.codes()
    assert "joint_outside_box" in codes
    assert "joint_outside_image" not in codes


def test_zero_based_val(copy):
    copy.change("val", every("joints", lambda joints: joints - 1))
    assert "count from 0" in copy.codes()["zero_based"]


def test_one_added_twice(copy):
    copy.change("val", every("joints", lambda joints: joints + 1))
    assert "+1 px" in copy.codes()["zero_based"]


def test_zero_based_train_is_seen_in_trainval(synthetic_mpii, tmp_path):
    copy = copy_of(synthetic_mpii, tmp_path / "copy")
    copy.change("train", every("joints", lambda joints: joints - 1))
    codes = copy.codes()
    assert "zero_based" in codes


def test_zero_based_train_is_seen_in_missing_joints(copy):
    def subtract(records):
        for record in records[:3]:
            record["joints_vis"][6], record["joints"][6] = 0, [-1, -1]
        for record in records:
            visible = np.array(record["joints_vis"])[:, None] > 0
            record["joints"] = (np.where(visible, record["joints"], -1.0) - 1).tolist()

    copy.change("train", subtract)
    assert "(-2, -2)" in copy.codes()["zero_based"]


def adjust(records):
    """What Newell's h5 files hold, and what a reader must not do again."""
    for record in records:
        record["center"][1] += 15 * record["scale"]
        record["scale"] *= 1.25


@pytest.mark.parametrize("split", ["train", "val"])
def test_centre_and_scale_adjusted_twice(copy, split):
    copy.change(split, adjust)
    codes = copy.codes()
    assert f"mpii_{split}.json" in codes["adjusted_twice"]
    assert "1.25" in codes["adjusted_twice"]
    assert "center_moved_twice" in codes


def test_the_published_people_adjusted_twice(shared, tmp_path):
    (tmp_path / "annotations").mkdir()
    records = json.loads((shared / "data/mpii_val/annotations/mpii_val.json").read_text())
    adjust(records)
    (tmp_path / "annotations/mpii_val.json").write_text(json.dumps(records))
    assert {"adjusted_twice", "center_moved_twice"} <= set(Copy(tmp_path).codes())


def test_scale_in_pixels(copy):
    copy.change("train", every("scale", lambda scale: 200 * scale))
    assert "height / 200" in copy.codes()["scale_unit"]


FLIP = list(MPII_16.flip)


def swap_sides(rows: slice) -> Callable[[list[dict]], None]:
    def damage(records):
        for record in records[rows]:
            record["joints"] = [record["joints"][slot] for slot in FLIP]
            record["joints_vis"] = [record["joints_vis"][slot] for slot in FLIP]

    return damage


def test_left_and_right_swapped_everywhere(copy):
    copy.change("val", swap_sides(slice(None)))
    told = copy.codes()["sides_swapped"]
    assert "mpii_val.json" in told
    assert "ankle" in told


def test_left_and_right_swapped_in_one_record(copy):
    copy.change("val", swap_sides(slice(1, 2)))
    codes = copy.codes()
    assert set(codes) == {"sides_swapped"}
    assert "record 1" in codes["sides_swapped"]
    assert "record 0" not in codes["sides_swapped"]


def test_left_and_right_swapped_in_a_training_set(synthetic_mpii, shared, tmp_path):
    copy = copy_of(shared / "data/lspet", tmp_path / "copy", 200)
    copy.change("train", swap_sides(slice(None)))
    assert "face the camera" in copy.codes(decode="none")["sides_swapped"]


def test_wrists_alone_swapped(copy):
    def swap(records):
        for record in records:
            joints = record["joints"]
            joints[10], joints[15] = joints[15], joints[10]

    copy.change("train", swap)
    assert "wrist" in copy.codes()["sides_mixed"]


def test_order_differs(copy):
    copy.change("val", lambda records: records[1:] + records[:1])
    codes = copy.codes()
    assert "record 0" in codes["order"]
    assert "is person 1" in codes["order"]
    assert "other_person" not in codes


def test_order_differs_and_zero_based(copy):
    copy.change("val", lambda records: records[::-1])
    assert "order" in copy.codes()


def test_other_people(copy):
    copy.change("val", every("joints", lambda joints: joints[:, ::-1] * 1.1 + 9))
    assert "other_person" in copy.codes()


def test_another_number_of_people(copy):
    copy.change("val", lambda records: records[:-1])
    assert "count_differs" in copy.codes()


def test_labels_differ(copy):
    def hide(records):
        for record in records:
            record["joints_vis"][0] = 1 - record["joints_vis"][0]

    copy.change("val", hide)
    assert "jnt_missing" in copy.codes()["labels_differ"]


def test_head_sizes_that_are_scaled_already(copy):
    copy.change_mat(lambda mat: mat.update(headboxes_src=mat["headboxes_src"] * 0.6))
    assert "0.60 x" in copy.codes()["head_size_ratio"]


def test_a_person_without_a_head(copy):
    copy.change_mat(lambda mat: mat["headboxes_src"].__setitem__((..., 1), 5.0))
    assert "person 1" in copy.codes()["bad_mat"]


def test_published_number_almost_reached(shared, tmp_path):
    (tmp_path / "annotations").mkdir()
    records = json.loads((shared / "data/mpii_val/annotations/mpii_val.json").read_text())
    (tmp_path / "annotations/mpii_val.json").write_text(json.dumps(records[:2900]))
    assert "2,958" in Copy(tmp_path).codes("warning")["count"]


def test_validation_images_in_the_training_set(synthetic_mpii, tmp_path):
    copy = copy_of(synthetic_mpii, tmp_path / "copy")
    val = json.loads((copy.annotations / "mpii_val.json").read_text())
    copy.change("train", lambda records: records + val[:1])
    assert val[0]["image"] in copy.codes("warning")["shared_image"]


def test_missing_test_images_do_not_matter(synthetic_mpii, tmp_path):
    copy = copy_of(synthetic_mpii, tmp_path / "copy")
    (copy.annotations / "mpii_test.json").write_text(
        '[{"image": "t.jpg", "center": [9, 9], "scale": 1}]'
    )
    assert copy.codes() == {}
    assert "t.jpg" in copy.codes("note")["missing_image"]
    (copy.annotations / "mpii_test.json").write_text("[]")
    assert copy.codes() == {}
    assert "mpii_test.json" in copy.codes("warning")["empty"]


# Whatever happens to a file, the doctor answers.


def test_random_damage_never_stops_it(synthetic_mpii, tmp_path):
    copy = copy_of(synthetic_mpii, tmp_path / "copy")
    path = copy.annotations / "mpii_val.json"
    intact = path.read_text()
    rng = np.random.default_rng(0)
    values = [
        None,
        "x",
        [],
        {},
        1e308,
        -1,
        [[1, 2]] * 16,
        float("inf"),
        True,
        10**400,
        [None] * 16,
        "",
    ]
    values += ["\ud800.jpg", "a\0b.jpg", "x" * 5000, "../annotations", "/"]
    for _ in range(60):
        records = json.loads(intact)
        for _ in range(4):
            record = records[rng.integers(len(records))]
            key = rng.choice(["image", "center", "scale", "joints", "joints_vis"])
            record[str(key)] = values[rng.integers(len(values))]
        path.write_text(json.dumps(records))
        report = check_mpii(copy.root, "none")
        assert report.number("error")
        assert report.text().encode()
    for cut in rng.integers(0, len(intact), 20):
        path.write_text(intact[:cut])
        assert check_mpii(copy.root, "none").number("error")


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        check_mpii(tmp_path / "nowhere")
