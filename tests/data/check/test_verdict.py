"""The verdict of the dataset check on odd annotation files is that of training and evaluation."""

import numpy as np
import pytest
from helpers import odd_annotations
from helpers.odd_annotations import ACCEPTED, REFUSED, change, drop, section, several

from paddle_pose import build
from paddle_pose.configs import registry
from paddle_pose.data.prepare_coco import plan_crops
from paddle_pose.data.skeleton_file import read_skeleton
from paddle_pose.engine.check import check_annotations, check_dataset
from paddle_pose.errors import InputError
from paddle_pose.metrics.coco_ap import GroundTruth
from paddle_pose.skeletons import COCO_17, Skeleton

# Findings on files that are read, and whose contents are likely to be wrong.
QUALITY = {
    "image_size",
    "joint_outside_image",
    "joint_outside_box",
    "empty_box",
    "box_corners",
    "percent",
    "normalised",
    "sides_swapped",
    "sides_mixed",
}


def refusal(folder, paths, *, skeleton=None, **changes):
    """Returns the error with which a training on the files ends before it begins; None for none."""
    try:
        chosen = skeleton or read_skeleton(None, paths["train"])
        config = registry.resolve(
            None,
            "simple_baseline_r50_coco_256x192",
            None,
            {
                "codec.skeleton": chosen,
                "data.train_annotations": str(paths["train"]),
                "data.val_annotations": str(paths["val"]),
                "data.images": str(folder / "images"),
                **changes,
            },
        )
        build.check_learned(config, None, build.samples(config, None, "train"))
        build.samples(config, None, "val")
        build.metric(config, None)
    except (InputError, FileNotFoundError) as problem:
        return problem
    return None


def errors(folder, paths, **options):
    """Returns the codes of the errors that the check finds."""
    report = check_annotations(paths, folder / "images", decode="none", **options)
    return {finding.code for finding in report.findings if finding.severity == "error"}


@pytest.mark.parametrize("split", ["train", "val"])
@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted_files_are_accepted_by_both(tmp_path, split, name):
    paths = odd_annotations.write(tmp_path, {split: ACCEPTED[name]})
    assert refusal(tmp_path, paths) is None
    assert errors(tmp_path, paths) == set()


@pytest.mark.parametrize("split", ["train", "val"])
@pytest.mark.parametrize("name", REFUSED)
def test_refused_files_are_refused_by_both(tmp_path, split, name):
    paths = odd_annotations.write(tmp_path, {split: REFUSED[name]})
    problem = refusal(tmp_path, paths)
    assert problem is not None
    assert str(paths[split]) in str(problem)
    assert errors(tmp_path, paths)


def test_a_training_file_without_names_of_joints_is_refused_by_both(tmp_path):
    for damage in (section("categories", []), change("categories", keypoints=[])):
        paths = odd_annotations.write(tmp_path, {"train": damage, "val": damage})
        assert "--skeleton" in str(refusal(tmp_path, paths)) or "codec.skeleton" in str(
            refusal(tmp_path, paths)
        )
        assert errors(tmp_path, paths) == {"no_joint_names"}
        assert refusal(tmp_path, paths, skeleton=COCO_17) is None
        assert errors(tmp_path, paths, skeleton=COCO_17) == set()


def test_areas_may_lack_in_training_only(tmp_path):
    paths = odd_annotations.write(tmp_path, {"train": drop("annotations", "area")})
    assert (refusal(tmp_path, paths), errors(tmp_path, paths)) == (None, set())
    paths = odd_annotations.write(tmp_path, {"val": drop("annotations", "area")})
    assert "annotations[0] (id 10010): key 'area' is missing" in str(refusal(tmp_path, paths))
    assert errors(tmp_path, paths) == {"area"}


def test_a_joint_that_nobody_has_labelled_stops_a_training(tmp_path):
    nose = change("annotations", None, keypoints=lambda numbers: [0, 0, 0, *numbers[3:]])
    paths = odd_annotations.write(tmp_path, {"train": nose})
    assert "nobody has labelled nose, " in str(refusal(tmp_path, paths))
    assert errors(tmp_path, paths) == {"joints_unlabelled"}
    assert refusal(tmp_path, paths, **{"data.unlabelled_joints": "allow"}) is None
    paths = odd_annotations.write(tmp_path, {"val": nose})
    assert (refusal(tmp_path, paths), errors(tmp_path, paths)) == (None, set())


def test_a_joint_of_the_skeleton_that_the_file_lacks_stops_a_training(tmp_path):
    paths = odd_annotations.write(tmp_path, {})
    names = ("nose", "left_elbwo", "tail")
    skeleton = Skeleton("own", names, (), (), (0.1,) * 3, (1.0,) * 3)
    message = str(refusal(tmp_path, paths, skeleton=skeleton))
    assert "left_elbwo (not in the file; nearest: left_elbow), tail (not in the file)" in message
    report = check_annotations(paths, tmp_path / "images", skeleton=skeleton, decode="none")
    found = {(one.severity, one.code): one.text for one in report.findings}
    assert "left_elbow for left_elbwo" in found["error", "joints_missing"]
    assert ("warning", "joints_missing") in found  # of the validation file


@pytest.mark.parametrize("seed", range(6))
def test_random_damage_gives_the_same_verdict(tmp_path, seed):
    rng = np.random.default_rng(seed)
    odd = [None, "x", "0", "1", [], {}, [None], 1e308, -1, 0, 1.5, float("nan"), True, False]
    for _ in range(25):
        split = str(rng.choice(["train", "val"]))

        def damage(one):
            for _ in range(rng.integers(1, 3)):
                part = one[str(rng.choice(["images", "annotations", "categories"]))]
                record = part[rng.integers(len(part))]
                key = str(rng.choice(sorted(record)))
                value = odd[rng.integers(len(odd))]
                if isinstance(record[key], list) and record[key] and rng.random() < 0.5:
                    record[key][rng.integers(len(record[key]))] = value
                else:
                    record[key] = value

        paths = odd_annotations.write(tmp_path, {split: damage})
        problem = refusal(tmp_path, paths)
        found = errors(tmp_path, paths)
        case = (str(problem), sorted(found), paths[split].read_text(encoding="utf-8")[:2000])
        assert (problem is not None) == bool(found - QUALITY), case


# Scores need no image files, and crops need neither areas nor one labelled person.
SCORED_ALL_THE_SAME = {"no file_name", "width null", "no height"}
CROPPED_ALL_THE_SAME = {"everybody is a crowd", "nobody is labelled", "no areas", "no people"}


@pytest.mark.parametrize("name", [*ACCEPTED, *REFUSED])
def test_all_readers_give_the_same_answer(tmp_path, name):
    damage = {**ACCEPTED, **REFUSED}[name]
    root = tmp_path / "root"
    (root / "annotations").mkdir(parents=True)
    paths = odd_annotations.write(tmp_path, {"val": damage})
    target = root / "annotations" / "person_keypoints_val2017.json"
    target.write_bytes(paths["val"].read_bytes())

    def refuses(read):
        try:
            read()
        except InputError as problem:
            return str(target) in str(problem)
        return False

    expected = name in REFUSED
    assert refuses(lambda: GroundTruth(target, COCO_17)) == (
        expected and name not in SCORED_ALL_THE_SAME
    )
    assert refuses(lambda: plan_crops(root, "val")) == (
        expected and name not in CROPPED_ALL_THE_SAME
    )
    report = check_dataset(root, "coco", decode="none")
    found = {one.code for one in report.findings if one.severity == "error"}
    assert bool(found - {"missing_file", "missing_image", "image_size"}) == expected


def test_points_only_files_get_boxes_by_a_flag(tmp_path):
    points_only = several(
        change("annotations", None, bbox=[0, 0, 0, 0], area=0), drop("annotations", "bbox")
    )
    paths = odd_annotations.write(tmp_path, {"train": points_only, "val": points_only})
    assert "boxes_from_keypoints" in str(refusal(tmp_path, paths))
    assert errors(tmp_path, paths) >= {"no_box", "empty_box"}
    assert refusal(tmp_path, paths, **{"data.boxes_from_keypoints": True}) is None
    assert errors(tmp_path, paths, boxes_from_keypoints=True) == set()
