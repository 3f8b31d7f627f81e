"""A user's skeleton in COCO's format, from training to drawings, and cross-evaluation."""

import json
import re

import pytest

from paddle_pose.data.synthetic.dataset import write_coco
from paddle_pose.io import images

REDUCED = (
    "model.width=8",
    "model.deconv_channels=16",
    "codec.input_size=(64,64)",
    "train.log_every=1",
)
RECIPE = ("augment=none", "train.eval_every=10")
CONFIG = "simple_baseline_r50_coco_256x192"
FIVE = ("nose", "left_wrist", "right_wrist", "left_ankle", "right_ankle")


def five_joints(source, target):
    """Writes an annotation file with five of COCO's joints."""
    content = json.loads(source.read_text(encoding="utf-8"))
    slots = [content["categories"][0]["keypoints"].index(name) for name in FIVE]
    for record in content["annotations"]:
        numbers = record["keypoints"]
        record["keypoints"] = [
            value for slot in slots for value in numbers[3 * slot : 3 * slot + 3]
        ]
    content["categories"] = [
        {"id": 1, "name": "figure", "keypoints": FIVE, "skeleton": [[1, 2], [1, 3], [2, 4], [3, 5]]}
    ]
    target.write_text(json.dumps(content), encoding="utf-8")
    return target


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """Returns a folder of a data set with its own skeleton.

    It contains images, two annotation files of five joints, the skeleton file, and the same people
    in COCO's layout.
    """
    folder = tmp_path_factory.mktemp("own")
    data = write_coco(folder / "coco", num_train=2, num_val=2, size=(128, 128))
    (folder / "images").mkdir()
    for split in ("train", "val"):
        five_joints(
            data / "annotations" / f"person_keypoints_{split}2017.json", folder / f"{split}.json"
        )
        for path in (data / f"{split}2017").iterdir():
            (folder / "images" / path.name).symlink_to(path)
    skeleton = {
        "sigmas": [0.03, 0.06, 0.06, 0.09, 0.09],
        "upper": ["nose", "left_wrist", "right_wrist"],
    }
    (folder / "my5.json").write_text(json.dumps(skeleton), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def trained(own, run_in):
    """Returns the output of a training of two epochs on five joints; its run is `own / "run"`."""
    changes = [part for text in (*REDUCED, *RECIPE) for part in ("-o", text)]
    done = run_in(
        own,
        "train.py",
        "--config",
        CONFIG,
        "--train_annotations",
        "train.json",
        "--val_annotations",
        "val.json",
        "--images",
        "images",
        "--skeleton",
        "my5.json",
        "--output",
        "run",
        "--init",
        "none",
        "--epochs",
        2,
        "--batch_size",
        2,
        "--num_workers",
        1,
        *changes,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def weights(own):
    return own / "run" / "last" / "model.pdparams"


def test_training_logs_assumptions_about_the_skeleton_file(trained, own):
    assert (
        "=> skeleton my5: 5 joints; mirror pairs by name: left_wrist - right_wrist, "
        "left_ankle - right_ankle; all weights 1\n"
    ) in trained
    assert "chosen on the validation set by AP" in trained
    values = json.loads((own / "run" / "config.json").read_text(encoding="utf-8"))["values"]
    assert values["data.val_annotations"] == "val.json"
    assert values["codec.skeleton"]["joints"] == list(FIVE)
    assert values["codec.skeleton"]["upper"] == ["nose", "left_wrist", "right_wrist"]


def test_evaluation_without_flags_equals_that_of_training(trained, own, run_in):
    scored = ("--output", own / "scored")
    done = run_in(own.parent, "val.py", "--pretrained_model", weights(own), *scored)
    assert done.returncode == 0, done.stderr
    assert f"[EVAL] {re.findall(r'last .EVAL. epoch=1:(.*)', trained)[0]}" in done.stdout
    assert "cross-evaluation" not in done.stdout
    results = json.loads((own / "scored" / "keypoints_results.json").read_text(encoding="utf-8"))
    assert {len(record["keypoints"]) for record in results} == {15}
    again = ("--val_annotations", "val.json", "--skeleton", "my5.json", "--output", "scored again")
    rescored = run_in(own, "val.py", "--results", "scored/keypoints_results.json", *again)
    assert rescored.returncode == 0, rescored.stderr
    scores = json.loads((own / "scored" / "scores.json").read_text(encoding="utf-8"))["values"]
    repeated = json.loads((own / "scored again" / "scores.json").read_text(encoding="utf-8"))[
        "values"
    ]
    assert repeated == pytest.approx(scores, abs=0, nan_ok=True)


def test_detected_boxes_of_the_data_sets_category_are_used(trained, own, run_in):
    people = json.loads((own / "val.json").read_text(encoding="utf-8"))["annotations"]
    boxes = [
        {"image_id": p["image_id"], "category_id": 7, "bbox": p["bbox"], "score": 0.5}
        for p in people
    ]
    (own / "boxes.json").write_text(json.dumps(boxes), encoding="utf-8")
    done = run_in(
        own,
        "val.py",
        "--weights",
        weights(own),
        "--detections",
        "boxes.json",
        "--output",
        "detected",
    )
    assert done.returncode == 0, done.stderr
    assert f"{len(boxes)} detected boxes" in done.stdout


def test_prediction_has_the_joints_of_the_skeleton(trained, own, run_in):
    image = next((own / "coco" / "val2017").iterdir())
    done = run_in(
        own,
        "predict.py",
        image,
        "--weights",
        weights(own),
        "--detector",
        "none",
        "--threshold",
        -9,
        "--maps",
        "--output",
        "drawn",
    )
    assert done.returncode == 0, done.stderr
    content = json.loads((own / "drawn" / "predictions.json").read_text(encoding="utf-8"))
    assert content["joints"] == list(FIVE)
    assert len(content["images"][0]["persons"][0]["keypoints"]) == 5
    assert (own / "drawn" / f"{image.stem}.png").stat().st_size > 1000
    maps = images.read_upright(own / "drawn" / f"{image.stem}_maps_1.png")
    # A tile of the input's size below a caption for each of five joints, four in a row.
    height, width, _ = maps.shape
    assert width == 4 * 64
    assert 64 < height // 2 < 2 * 64
    tiles = maps.reshape(2, height // 2, width, 3)[:, -64:]
    assert (tiles[0].max(axis=(0, 1)) > 0).all()
    assert (tiles[1, :, :64].std(axis=(0, 1)) > 0).all()
    assert (tiles[1, :, 64:].std(axis=(0, 1)) == 0).all()


def test_common_joints_are_evaluated_on_coco_and_mpii(trained, own, synthetic_mpii, run_in):
    done = run_in(
        own, "val.py", "--weights", weights(own), "--dataset_root", "coco", "--output", "crossed"
    )
    assert done.returncode == 0, done.stderr
    assert "\ncross-evaluation: 5 of 17 joints (left out: left_eye, right_eye, " in done.stdout
    flags = (
        "--weights",
        weights(own),
        "--dataset_root",
        synthetic_mpii,
        "--dataset",
        "mpii",
        "--output",
        "crossed",
    )
    done = run_in(own, "val.py", *flags, "--draw", "--baseline")
    assert done.returncode == 0, done.stderr
    assert "\ncross-evaluation: 4 of 16 joints (left out: right_knee, " in done.stdout
    assert re.search(r"\[EVAL\] Ankle=\S+ Mean=\S+ Mean@0\.1=\S+ Wrist=\S+ \n", done.stdout)
    assert not (own / "crossed" / "pred.mat").exists()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            ("--dataset_root", "coco", "--images", "images"),
            "--dataset_root coco and --images: give either",
        ),
        (("--val_annotations", "absent.json"), "absent.json: annotation file not found"),
        (("--images", "absent"), "absent: folder of images not found"),
        (("--dataset", "mpii"), "--dataset_root D is missing"),
        (("--dataset", "mpii", "--images", "images"), "annotation files are read in COCO's format"),
    ],
)
def test_conflicting_flags_are_an_error(trained, own, run_in, flags, message):
    done = run_in(own, "val.py", "--weights", weights(own), *flags)
    assert done.returncode == 2
    assert message in done.stderr


def test_missing_annotation_file_is_an_error(own, run_in):
    done = run_in(
        own, "train.py", "--config", CONFIG, "--val_annotations", "val.json", "--images", "images"
    )
    assert done.returncode == 2
    assert "--train_annotations FILE is missing: give it, or --dataset_root D" in done.stderr


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image_id": "1000001"}, "record 0: key 'image_id' must be an integer, got '1000001'"),
        ({"image_id": 5}, "1 images of the results are not in "),
        (
            {"keypoints": [1.0] * 51},
            "must hold 15 numbers: x, y, score of every joint of my5; got 51 values",
        ),
        ({"category_id": 9}, "key 'category_id' is 9; the annotated people have 1"),
    ],
)
def test_invalid_results_of_other_programs_are_an_error(own, run_in, tmp_path, change, message):
    result = {
        "image_id": 1000001,
        "category_id": 1,
        "keypoints": [1.0] * 15,
        "score": 0.5,
        **change,
    }
    (tmp_path / "results.json").write_text(json.dumps([result]), encoding="utf-8")
    flags = ("--val_annotations", own / "val.json", "--skeleton", own / "my5.json")
    done = run_in(tmp_path, "val.py", "--results", "results.json", *flags)
    assert done.returncode == 2
    assert message in done.stderr


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"area": 0}, "annotations[0] (id 100000100): key 'area' is 0"),
        ({"area": None}, "annotations[0] (id 100000100): key 'area' is missing"),
        ({"id": "7"}, "key 'id' must be an integer, got '7'"),
        ({"keypoints": [0] * 15}, "no labelled joint; AP cannot be computed"),
        (
            {"keypoints": [0] * 51},
            "key 'keypoints' must hold 3 numbers for each of the 5 joints nose, ",
        ),
    ],
)
def test_invalid_ground_truth_is_an_error(own, run_in, tmp_path, change, message):
    content = json.loads((own / "val.json").read_text(encoding="utf-8"))
    for record in content["annotations"]:
        record.update(change)
        if record["area"] is None:
            del record["area"]
    (tmp_path / "val.json").write_text(json.dumps(content), encoding="utf-8")
    result = {"image_id": 1000001, "category_id": 1, "keypoints": [1.0] * 15, "score": 0.5}
    (tmp_path / "results.json").write_text(json.dumps([result]), encoding="utf-8")
    # Without Paddle: a module of this name that cannot be imported.
    (tmp_path / "paddle.py").write_text("raise ImportError('no Paddle here')\n", encoding="utf-8")
    flags = ("--results", "results.json", "--val_annotations", "val.json")
    done = run_in(tmp_path, "val.py", *flags, PYTHONPATH=str(tmp_path))
    assert done.returncode == 2
    assert message in done.stderr
    assert "Paddle" not in done.stderr


def test_results_in_mpiis_and_cocos_layout_are_scored(own, shared, run_in, tmp_path):
    preds = shared / "data" / "mpii_val" / "predictions" / "hg_s2_b1.mat"
    done = run_in(
        tmp_path, "val.py", "--results", preds, "--dataset_root", shared / "data" / "mpii_val"
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"Mean=87\.2\d+ Mean@0\.1=23\.9", done.stdout)
    annotations = own / "coco" / "annotations" / "person_keypoints_val2017.json"
    people = json.loads(annotations.read_text(encoding="utf-8"))["annotations"]
    keys = ("image_id", "category_id", "keypoints")
    results = [{**{key: person[key] for key in keys}, "score": 1.0} for person in people]
    (tmp_path / "perfect.json").write_text(json.dumps(results), encoding="utf-8")
    done = run_in(tmp_path, "val.py", "--results", "perfect.json", "--dataset_root", own / "coco")
    assert done.returncode == 0, done.stderr
    assert re.search(r"\[EVAL\] AP=1 ", done.stdout)
    refused = run_in(
        tmp_path,
        "val.py",
        "--results",
        "perfect.json",
        "--dataset_root",
        own / "coco",
        "--dataset",
        "mpii",
    )
    assert refused.returncode == 2
    assert refused.stderr.startswith("error: --dataset mpii: ")
