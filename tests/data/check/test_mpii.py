"""The check of MPII's layout, on copies of synthetic and of real data sets.

An intact copy passes; each kind of damage gives its finding.
"""

import json
import os
import re
import shutil
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from PIL import Image

from paddle_pose.data.check.findings import Finding
from paddle_pose.data.check.mpii import check_mpii
from paddle_pose.data.synthetic.dataset import write_mpii
from paddle_pose.skeletons import MPII_16

SOURCES = ("synthetic", "mpii5", "lspet")


@dataclass
class Copy:
    """A copy of a data set, to be damaged."""

    root: Path

    @property
    def annotations(self) -> Path:
        return self.root / "annotations"

    def change(self, split: str, damage: Callable[[list[dict]], object]) -> None:
        """Rewrites a JSON file after `damage` changed its list of records or returned a new one."""
        path = self.annotations / f"mpii_{split}.json"
        records = json.loads(path.read_text())
        path.write_text(json.dumps(damage(records) or records))

    def change_mat(self, damage: Callable[[dict], None]) -> None:
        """Rewrites the .mat file after `damage` changed its variables."""
        path = self.annotations / "mpii_gt_val.mat"
        content = {
            key: value for key, value in scipy.io.loadmat(path).items() if not key.startswith("_")
        }
        damage(content)
        scipy.io.savemat(path, content)

    def change_image(self, damage: Callable[[bytes], bytes]) -> str:
        """Rewrites the image of the last training record; returns its file name."""
        name = json.loads((self.annotations / "mpii_train.json").read_text())[-1]["image"]
        path = self.root / "images" / name
        changed = damage(path.read_bytes())
        path.unlink()  # it may be a link to the original file
        path.write_bytes(changed)
        return name

    def findings(self, severity: str = "error", **options: str) -> dict[str, list[Finding]]:
        """Returns {code: findings} of one severity."""
        by_code: dict[str, list[Finding]] = {}
        for finding in check_mpii(self.root, **options).findings:
            if finding.severity == severity:
                by_code.setdefault(finding.code, []).append(finding)
        return by_code

    def places(self, severity: str = "error", **options: str) -> dict[str, str]:
        """Returns {code: files and examples} of the findings of one severity."""
        return {
            code: "\n".join(place for one in findings for place in (one.file, *one.examples))
            for code, findings in self.findings(severity, **options).items()
        }

    def texts(self, severity: str = "error", **options: str) -> dict[str, str]:
        """Returns {code: texts} of the findings of one severity."""
        return {
            code: "\n".join(one.text for one in findings)
            for code, findings in self.findings(severity, **options).items()
        }


def copy_of(source: Path, target: Path, max_records: int | None = None) -> Copy:
    """Copies annotations and links images; keeps the first `max_records` records of each split."""
    shutil.copytree(source / "annotations", target / "annotations", copy_function=shutil.copyfile)
    os.chmod(target / "annotations", 0o755)  # the source may be read-only
    (target / "images").mkdir()
    copy, names = Copy(target), set()
    for split in ("train", "val"):
        if max_records:
            copy.change(split, lambda records: records[:max_records])
        names |= {
            record["image"]
            for record in json.loads((copy.annotations / f"mpii_{split}.json").read_text())
        }
    if max_records:
        keys = ("jnt_missing", "pos_gt_src", "headboxes_src")
        copy.change_mat(
            lambda content: content.update({key: content[key][..., :max_records] for key in keys})
        )
    for name in names:
        (target / "images" / name).symlink_to(source / "images" / name)
    return copy


@pytest.fixture(params=SOURCES)
def copy(request: pytest.FixtureRequest, tmp_path: Path) -> Copy:
    if request.param == "synthetic":
        return copy_of(request.getfixturevalue("synthetic_mpii"), tmp_path / "copy")
    source = request.getfixturevalue("shared") / "data" / request.param
    return copy_of(source, tmp_path / "copy", max_records=60 if request.param == "lspet" else None)


def change_all(
    key: str, change: Callable[[np.ndarray], np.ndarray]
) -> Callable[[list[dict]], None]:
    """Returns a damage that changes one key of all records."""

    def damage(records: list[dict]) -> None:
        for record in records:
            record[key] = change(np.array(record[key], float)).tolist()

    return damage


def test_intact_copy_passes(copy):
    report = check_mpii(copy.root)
    assert report.number("error") == 0
    assert "0 errors" in report.text()


@pytest.mark.parametrize("name", ["lspet", "mpii5"])
def test_real_data_sets_pass(name, shared):
    report = check_mpii(shared / "data" / name)
    assert report.as_dict()["totals"]["error"] == 0
    assert report.decoded == {"lspet": 1433, "mpii5": 5}[name]


def test_published_validation_people_lack_only_their_images(shared):
    report = check_mpii(shared / "data" / "mpii_val")
    assert {f.code for f in report.findings if f.severity == "error"} == {
        "missing_file",
        "missing_image",
    }
    assert report.counts == {"val": (2958, 2729)}


def test_several_people_in_an_image_pass(tmp_path):
    write_mpii(tmp_path / "d", num_train=6, num_val=6, seed=3, persons=(1, 3))
    assert Copy(tmp_path / "d").places() == {}


# Images


def test_missing_image(copy):
    name = copy.change_image(bytes)
    (copy.root / "images" / name).rename(copy.root / "images" / name.upper())
    places = copy.places(decode="none")["missing_image"]
    assert f"{name}: the nearest file is {name.upper()} in " in places


def test_empty_image(copy):
    name = copy.change_image(lambda content: b"")
    assert name in copy.places(decode="none")["empty_image"]


def test_corrupt_image(copy):
    name = copy.change_image(lambda content: b"<html>404</html>" * 9)
    assert name in copy.places(decode="none")["corrupt_image"]


def test_image_with_invalid_huffman_table(copy):
    def damage(content: bytes) -> bytes:
        table = content.index(b"\xff\xc4") + 5  # the 16 counts of Huffman codes
        return content[:table] + b"\xff" * 16 + content[table + 16 :]

    name = copy.change_image(damage)
    assert name in copy.places()["corrupt_image"]
    assert copy.places(decode="none") == {}


@pytest.mark.parametrize("cut", [0, 40])
def test_image_that_states_a_size_far_beyond_its_file(copy, cut):
    def forge(content: bytes) -> bytes:
        *_, frame = re.finditer(rb"\xff[\xc0-\xc2]\x00[\x0b\x11]\x08", content)
        start = frame.end()
        forged = content[:start] + struct.pack(">HH", 20_000, 20_000) + content[start + 4 :]
        return forged[: len(forged) - cut]

    name = copy.change_image(forge)
    assert name in copy.places(decode="none")["corrupt_image"]


@pytest.mark.parametrize("decode", ["all", "none"])
def test_truncated_image(copy, decode):
    name = copy.change_image(lambda content: content[: len(content) * 2 // 3])
    assert name in copy.places(decode=decode)["truncated_image"]


def test_missing_end_marker_alone_is_no_error(copy):
    copy.change_image(lambda content: content + bytes(200))
    assert copy.places() == {}


def test_image_with_exif_rotation(copy):
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

    name = copy.change_image(rotate)
    assert f"{name}: orientation 6" in copy.places("warning")["exif_rotated"]


def test_macos_files_give_a_note(copy):
    (copy.root / "images" / "._1.jpg").write_bytes(b"x")
    assert copy.places() == {}
    assert "._1.jpg" in copy.places("note")["macos_files"]


# Format of the annotation files


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
def test_file_that_is_not_a_list_of_records(copy, code, content):
    (copy.annotations / "mpii_train.json").write_text(content)
    assert "mpii_train.json" in copy.places()[code]


@pytest.mark.parametrize("name", ["mpii_train.json", "mpii_val.json", "mpii_gt_val.mat"])
def test_missing_file(copy, name):
    (copy.annotations / name).unlink()
    assert name in copy.places()["missing_file"]


def test_parent_folder_of_the_data_set_is_recognised(copy):
    findings = Copy(copy.root.parent).findings()["missing_file"]
    assert any(str(copy.root) in finding.fix for finding in findings)


@pytest.mark.parametrize(
    "content", [b"", b"no mat", b"MATLAB 5.0" + bytes(200)], ids=["empty", "text", "header"]
)
def test_bad_mat(copy, content):
    (copy.annotations / "mpii_gt_val.mat").write_bytes(content)
    assert "mpii_gt_val.mat" in copy.places()["bad_mat"]


@pytest.mark.parametrize("key", ["image", "center", "scale", "joints", "joints_vis"])
def test_wrong_key(copy, key):
    def rename(records):
        records[1][key + "_"] = records[1].pop(key)

    copy.change("train", rename)
    assert "record 1" in copy.places()["wrong_key"]


@pytest.mark.parametrize(
    ("code", "key", "value"),
    [
        ("joint_count", "joints", [[1, 2]] * 17),
        ("joint_count", "joints_vis", [1] * 17),
        ("wrong_shape", "center", [1, 2, 3]),
        ("wrong_shape", "scale", [1.0]),
        ("not_numbers", "joints", "here"),
        ("not_numbers", "joints", [[1, 2], [1]]),
        ("nan", "scale", float("nan")),
        ("nan", "center", [None, 1]),
        ("scale", "scale", 0),
        ("scale", "scale", -1.5),
        ("wrong_key", "image", 7),
    ],
)
def test_invalid_value(copy, code, key, value):
    copy.change("val", lambda records: records[2].update({key: value}))
    places = copy.places()[code]
    assert "mpii_val.json" in places
    assert "record 2" in places


def test_a_number_beyond_64_bits_is_named(copy):
    copy.change("val", lambda records: records[2].update(scale=10**400))
    assert "mpii_val.json" in copy.places()["not_json"]


# Content of the records


def test_nan_joint(copy):
    copy.change("train", lambda records: records[0]["joints"].__setitem__(3, [float("nan"), 1.0]))
    assert "record 0" in copy.places()["nan"]


def test_duplicate_records(copy):
    copy.change("train", lambda records: records + records[:8])
    assert "duplicate" in copy.places()


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
    assert "duplicate" not in copy.places()
    assert "record 32" in copy.places("warning")["duplicate"]


def test_nothing_labelled(copy):
    copy.change("train", change_all("joints_vis", lambda visible: 0 * visible))
    assert "mpii_train.json" in copy.places()["nothing_labelled"]


def test_joints_outside_the_image(copy):
    copy.change("train", change_all("joints", lambda joints: joints + 2000))
    assert {"joint_outside_image", "joint_outside_box"} <= set(copy.places())


def test_image_resized_without_its_annotation(copy):
    name = json.loads((copy.annotations / "mpii_train.json").read_text())[0]["image"]
    path = copy.root / "images" / name
    with Image.open(path) as image:
        small = image.resize((image.width // 3, image.height // 3))
    path.unlink()
    small.save(path)
    places = copy.places("warning") | copy.places()
    assert "record 0" in places["joint_outside_image"]


def test_boxes_of_other_people(copy):
    copy.change("val", change_all("center", lambda center: center + np.array([900, 0])))
    places = copy.places()
    assert "joint_outside_box" in places
    assert "joint_outside_image" not in places


def test_zero_based_val(copy):
    copy.change("val", change_all("joints", lambda joints: joints - 1))
    assert "mpii_val.json" in copy.places()["zero_based"]


def test_joints_shifted_by_one_pixel(copy):
    copy.change("val", change_all("joints", lambda joints: joints + 1))
    assert "+1 px" in copy.texts()["zero_based"]


def test_zero_based_train_is_found_by_trainval(synthetic_mpii, tmp_path):
    copy = copy_of(synthetic_mpii, tmp_path / "copy")
    copy.change("train", change_all("joints", lambda joints: joints - 1))
    assert "zero_based" in copy.places()


def test_zero_based_train_is_found_by_missing_joints(copy):
    def subtract(records):
        for record in records[:3]:
            record["joints_vis"][6], record["joints"][6] = 0, [-1, -1]
        for record in records:
            visible = np.array(record["joints_vis"])[:, None] > 0
            record["joints"] = (np.where(visible, record["joints"], -1.0) - 1).tolist()

    copy.change("train", subtract)
    assert "(-2, -2)" in copy.texts()["zero_based"]


def adjust(records):
    """Adjusts centers and scales as in Newell's h5 files; readers would do it again."""
    for record in records:
        record["center"][1] += 15 * record["scale"]
        record["scale"] *= 1.25


@pytest.mark.parametrize("split", ["train", "val"])
def test_centre_and_scale_adjusted_twice(copy, split):
    copy.change(split, adjust)
    places = copy.places()
    assert f"mpii_{split}.json" in places["adjusted_twice"]
    assert "center_moved_twice" in places


def test_published_people_adjusted_twice(shared, tmp_path):
    (tmp_path / "annotations").mkdir()
    records = json.loads((shared / "data/mpii_val/annotations/mpii_val.json").read_text())
    adjust(records)
    (tmp_path / "annotations/mpii_val.json").write_text(json.dumps(records))
    assert {"adjusted_twice", "center_moved_twice"} <= set(Copy(tmp_path).places())


def test_scale_in_pixels(copy):
    copy.change("train", change_all("scale", lambda scale: 200 * scale))
    assert "mpii_train.json" in copy.places()["scale_unit"]


FLIP = list(MPII_16.flip)


def swap_sides(rows: slice) -> Callable[[list[dict]], None]:
    """Returns a damage that swaps left and right joints of some records."""

    def damage(records):
        for record in records[rows]:
            record["joints"] = [record["joints"][slot] for slot in FLIP]
            record["joints_vis"] = [record["joints_vis"][slot] for slot in FLIP]

    return damage


def test_left_and_right_swapped_in_all_records(copy):
    copy.change("val", swap_sides(slice(None)))
    assert "mpii_val.json" in copy.places()["sides_swapped"]
    assert "ankle" in copy.texts()["sides_swapped"]


def test_left_and_right_swapped_in_one_record(copy):
    copy.change("val", swap_sides(slice(1, 2)))
    places = copy.places()
    assert set(places) == {"sides_swapped"}
    assert "record 1" in places["sides_swapped"]
    assert "record 0" not in places["sides_swapped"]


def test_left_and_right_swapped_in_all_training_records(shared, tmp_path):
    copy = copy_of(shared / "data/lspet", tmp_path / "copy", max_records=200)
    copy.change("train", swap_sides(slice(None)))
    assert "mpii_train.json" in copy.places(decode="none")["sides_swapped"]


def test_only_wrists_swapped(copy):
    def swap(records):
        for record in records:
            joints = record["joints"]
            joints[10], joints[15] = joints[15], joints[10]

    copy.change("train", swap)
    assert "wrist" in copy.texts()["sides_mixed"]


def test_order_differs(copy):
    copy.change("val", lambda records: records[1:] + records[:1])
    places = copy.places()
    assert "record 0" in places["order"]
    assert "is person 1" in places["order"]
    assert "other_person" not in places


def test_reversed_order(copy):
    copy.change("val", lambda records: records[::-1])
    assert "order" in copy.places()


def test_other_people(copy):
    copy.change("val", change_all("joints", lambda joints: joints[:, ::-1] * 1.1 + 9))
    assert "other_person" in copy.places()


def test_number_of_people_differs(copy):
    copy.change("val", lambda records: records[:-1])
    assert "count_differs" in copy.places()


def test_labels_differ(copy):
    def hide(records):
        for record in records:
            record["joints_vis"][0] = 1 - record["joints_vis"][0]

    copy.change("val", hide)
    assert "mpii_val.json" in copy.places()["labels_differ"]


def test_head_boxes_already_scaled(copy):
    copy.change_mat(lambda mat: mat.update(headboxes_src=mat["headboxes_src"] * 0.6))
    assert "0.60 x" in copy.texts()["head_size_ratio"]


def test_person_without_head_box(copy):
    copy.change_mat(lambda mat: mat["headboxes_src"].__setitem__((..., 1), 5.0))
    assert "person 1" in copy.texts()["bad_mat"]


def test_number_of_people_slightly_below_the_published_one(shared, tmp_path):
    (tmp_path / "annotations").mkdir()
    records = json.loads((shared / "data/mpii_val/annotations/mpii_val.json").read_text())
    (tmp_path / "annotations/mpii_val.json").write_text(json.dumps(records[:2900]))
    assert "2,958" in Copy(tmp_path).texts("warning")["count"]


def test_validation_image_in_the_training_set(synthetic_mpii, tmp_path):
    copy = copy_of(synthetic_mpii, tmp_path / "copy")
    val = json.loads((copy.annotations / "mpii_val.json").read_text())
    copy.change("train", lambda records: records + val[:1])
    assert val[0]["image"] in copy.places("warning")["shared_image"]


def test_missing_test_images_give_a_note(synthetic_mpii, tmp_path):
    copy = copy_of(synthetic_mpii, tmp_path / "copy")
    (copy.annotations / "mpii_test.json").write_text(
        '[{"image": "t.jpg", "center": [9, 9], "scale": 1}]'
    )
    assert copy.places() == {}
    assert "t.jpg" in copy.places("note")["missing_image"]
    (copy.annotations / "mpii_test.json").write_text("[]")
    assert copy.places() == {}
    assert "mpii_test.json" in copy.places("warning")["empty"]


# Robustness


def test_randomly_damaged_records_raise_no_errors(synthetic_mpii, tmp_path):
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


def test_missing_folder_raises(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        check_mpii(tmp_path / "nowhere")
