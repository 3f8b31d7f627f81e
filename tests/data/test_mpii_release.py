"""The official release of MPII gives the records of the published JSON files."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io

from paddle_pose.data.mpii import read_ground_truth, read_mpii
from paddle_pose.data.mpii_release import (
    is_release,
    read_release,
    split,
    write_ground_truth,
    write_records,
)
from paddle_pose.data.synthetic.dataset import write_mpii
from paddle_pose.errors import InputError

EMPTY = np.zeros((0, 0))


def structs(items: list[dict[str, Any]]) -> np.ndarray:
    """Returns a 1 x n MATLAB struct array; all items must have the keys of the first."""
    array = np.empty((1, len(items)), dtype=[(key, object) for key in items[0]])
    for n, item in enumerate(items):
        array[0, n] = tuple(item.values())
    return array


def annorect(record: dict[str, Any], head_box: np.ndarray | None) -> dict[str, Any]:
    """Returns a person in the format of the release, without joints if the record has none."""
    points: Any = EMPTY
    if "joints" in record:
        marks = [
            {
                "x": float(x),
                "y": float(y),
                "id": float(slot),
                "is_visible": (EMPTY, "0", 1.0)[slot % 3],
            }
            for slot, ((x, y), seen) in enumerate(
                zip(record["joints"], record["joints_vis"], strict=True)
            )
            if seen
        ]
        points = {"point": structs(marks[::-1])}
    x1, y1, x2, y2 = head_box if head_box is not None else [EMPTY] * 4
    place = {"x": record["center"][0], "y": record["center"][1]}
    return {
        "x1": x1,
        "y1": y1,
        "x2": x2,
        "y2": y2,
        "annopoints": points,
        "scale": record["scale"],
        "objpos": place,
    }


def write_release(path: Path, images: list[tuple[str, bool, list[dict[str, Any]]]]) -> Path:
    """Writes (name, is training image, people) as `mpii_human_pose_v1_u12_1.mat` does."""
    annolist = structs(
        [
            {
                "image": {"name": name},
                "annorect": structs(people) if people else EMPTY,
                "vididx": EMPTY,
            }
            for name, _, people in images
        ]
    )
    train = np.array([[train for _, train, _ in images]], np.uint8)
    scipy.io.savemat(path, {"RELEASE": {"annolist": annolist, "img_train": train, "version": "12"}})
    return path


def write_release_of(root: Path, path: Path) -> Path:
    """Writes a release that contains the people of a data set; train and val images alternate."""
    truth = scipy.io.loadmat(root / "annotations/mpii_gt_val.mat")["headboxes_src"]  # [2, 2, N]
    people: dict[str, list[dict[str, Any]]] = {}
    boxes = {
        json.dumps(record): truth[..., n].ravel() for n, record in enumerate(records(root, "val"))
    }
    for record in records(root, "train") + records(root, "val"):  # both are the same in mpii5
        box = boxes.get(json.dumps(record), np.array([1.0, 2, 3, 4]))
        people.setdefault(record["image"], []).append(annorect(record, box))
    images = [(name, True, people[name]) for name in sorted(people, key=lambda name: name[::-1])]
    test_person = annorect({"center": [5.0, 6.0], "scale": 1.5}, None)
    without_scale = {**test_person, "scale": EMPTY}
    return write_release(
        path,
        [
            ("t.jpg", False, [test_person, without_scale]),
            ("n.jpg", True, [without_scale]),
            *images,
            ("e.jpg", True, []),
        ],
    )


def records(root: Path, name: str) -> list[dict[str, Any]]:
    """Returns the records of a split of a data set."""
    return json.loads((root / f"annotations/mpii_{name}.json").read_text())


def by_image(people: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns records sorted by image and centre."""
    return sorted(people, key=lambda record: (record["image"], record["center"]))


@pytest.fixture(params=["synthetic", "mpii5"])
def root(request, tmp_path) -> Path:
    if request.param == "mpii5":
        return request.getfixturevalue("shared") / "data/mpii5"
    return write_mpii(tmp_path / "synthetic", num_train=5, num_val=4, seed=2, persons=(1, 3))


def test_all_people_are_read(root, tmp_path):
    path = write_release_of(root, tmp_path / "r.mat")
    release = read_release(path)
    assert is_release(path)
    expected = records(root, "train") + records(root, "val")
    assert by_image(release.trainval) == by_image(expected)
    assert list(release.trainval[0]) == ["joints_vis", "joints", "image", "scale", "center"]
    assert release.test == [{"image": "t.jpg", "scale": 1.5, "center": [5.0, 6.0]}]
    assert release.left_out == 1
    assert release.head_boxes.shape == (len(expected), 4)


@pytest.mark.parametrize("by", ["mat", "json"])
def test_split_has_the_people_and_the_order_of_the_given_file(root, by, tmp_path):
    people = read_release(write_release_of(root, tmp_path / "r.mat")).trainval
    truth = read_ground_truth(root / "annotations/mpii_gt_val.mat")
    given = {"truth": truth} if by == "mat" else {"val_records": records(root, "val")}
    train, val = split(people, **given)
    assert [people[n] for n in val] == records(root, "val")
    val_images = {record["image"] for record in records(root, "val")}
    expected = [record for record in records(root, "train") if record["image"] not in val_images]
    assert by_image([people[n] for n in train]) == by_image(expected)


def test_written_files_are_read_by_the_reader_of_mpii(root, tmp_path):
    release = read_release(write_release_of(root, tmp_path / "r.mat"))
    _, val = split(release.trainval, val_records=records(root, "val"))
    folder = tmp_path / "made" / "annotations"
    folder.mkdir(parents=True)
    write_records(folder / "mpii_val.json", [release.trainval[n] for n in val])
    write_ground_truth(
        folder / "mpii_gt_val.mat", [release.trainval[n] for n in val], release.head_boxes[val]
    )
    made = read_ground_truth(folder / "mpii_gt_val.mat")
    known = read_ground_truth(root / "annotations/mpii_gt_val.mat")
    np.testing.assert_array_equal(made.labelled, known.labelled)
    np.testing.assert_allclose(
        made.keypoints[made.labelled], known.keypoints[known.labelled], atol=1e-4
    )
    np.testing.assert_allclose(made.head_sizes, known.head_sizes)
    once = (folder / "mpii_gt_val.mat").read_bytes()
    write_ground_truth(
        folder / "mpii_gt_val.mat", [release.trainval[n] for n in val], release.head_boxes[val]
    )
    assert (folder / "mpii_gt_val.mat").read_bytes() == once
    assert sum(len(image.persons) for image in read_mpii(tmp_path / "made", "val")) == len(val)


def test_arrays_of_one_element_are_read(tmp_path):
    """SciPy squeezes arrays of one element, which the release has many of."""
    record = {
        "joints": [[7.0, 8.0]] * 16,
        "joints_vis": [0] * 9 + [1] + [0] * 6,
        "center": [1.0, 2.0],
        "scale": 3.0,
    }
    path = write_release(tmp_path / "r.mat", [("1.jpg", True, [annorect(record, None)])])
    (person,) = read_release(path).trainval
    assert person["joints_vis"] == record["joints_vis"]
    assert person["joints"] == [[-1, -1]] * 9 + [[7, 8]] + [[-1, -1]] * 6
    assert np.isnan(read_release(path).head_boxes).all()
    with pytest.raises(InputError, match=r"gt\.mat: validation person 0 "):
        write_ground_truth(tmp_path / "gt.mat", [person], read_release(path).head_boxes)


def test_validation_person_of_another_release_raises(root, tmp_path):
    people = read_release(write_release_of(root, tmp_path / "r.mat")).trainval
    val = records(root, "val")
    val[2]["joints"][val[2]["joints_vis"].index(1)][0] += 40
    with pytest.raises(InputError, match=r"validation person 2 .*mpii_human_pose_v1_u12"):
        split(people, val_records=val)
    with pytest.raises(InputError, match=r"mpii_gt_val\.mat or mpii_val\.json"):
        split(people)


def test_other_files_raise(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no\.mat.* mpii_human_pose_v1_u12_1\.mat"):
        read_release(tmp_path / "no.mat")
    scipy.io.savemat(tmp_path / "other.mat", {"a": 1})
    (tmp_path / "text.mat").write_text("text")
    for name in ("other.mat", "text.mat"):
        assert not is_release(tmp_path / name)
        with pytest.raises(InputError, match=f"{name}.*RELEASE"):
            read_release(tmp_path / name)
    whole = write_release(tmp_path / "r.mat", [("1.jpg", True, []), ("2.jpg", True, [])])
    content = whole.read_bytes()
    for length in range(0, len(content) - 1, 97):
        whole.write_bytes(content[:length])
        with pytest.raises(InputError, match=r"r\.mat.*RELEASE"):
            read_release(whole)
