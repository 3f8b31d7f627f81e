"""Training and evaluation of data in COCO's layout with the real commands, on synthetic people."""

import json
import re

import pytest

from paddle_pose.data.synthetic.dataset import write_coco

REDUCED = (
    "model.width=8",
    "model.deconv_channels=16",
    "codec.input_size=(64,64)",
    "train.log_every=1",
)
RECIPE = ("augment=none", "train.eval_every=10", "val.flip=false")
CONFIG = "simple_baseline_r50_coco_256x192"


@pytest.fixture(scope="module")
def synthetic_coco(tmp_path_factory):
    """Returns a data set of two training and two validation images with one or two people each."""
    folder = tmp_path_factory.mktemp("synthetic_coco") / "data"
    return write_coco(folder, num_train=2, num_val=2, size=(128, 128), persons=(1, 2))


@pytest.fixture(scope="module")
def trained(tmp_path_factory, synthetic_coco, run_in):
    """Returns the folder of a run of a few steps, and the output of `train.py`."""
    folder = tmp_path_factory.mktemp("trained")
    changes = [part for text in (*REDUCED, *RECIPE) for part in ("-o", text)]
    done = run_in(
        folder,
        "train.py",
        "--config",
        CONFIG,
        "--dataset_root",
        synthetic_coco,
        "--output",
        "run",
        "--epochs",
        2,
        "--batch_size",
        2,
        "--num_workers",
        1,
        *changes,
    )
    assert done.returncode == 0, done.stderr
    return folder / "run", done.stdout


def test_best_checkpoint_is_chosen_by_ap(trained):
    _, said = trained
    assert "=> left out as published: 0 crowd, 0 no labelled joint, 0 no area, 0 empty box" in said
    assert re.search(
        r"\[EVAL\] epoch=1:AP=\S+ AP\(L\)=\S+ AP\(M\)=\S+ AP50=\S+ AP75=\S+ AR=\S+ ", said
    )
    assert "chosen on the validation set by AP" in said


def test_evaluation_with_annotated_boxes_equals_that_of_training_and_draws(
    trained, synthetic_coco, run_in, tmp_path
):
    run, said = trained
    flags = (
        "--pretrained_model",
        run / "last" / "model.pdparams",
        "--dataset_root",
        synthetic_coco,
    )
    done = run_in(tmp_path, "val.py", *flags, "--draw", "--baseline", "--report")
    assert done.returncode == 0, done.stderr
    (output,) = (tmp_path / "output" / "val").iterdir()
    report = (output / "report.html").read_text(encoding="utf-8")
    assert "COCO keypoints, percent" in report
    assert "data:image/jpeg" in report
    assert f"[EVAL] {re.findall(r'last .EVAL. epoch=1:(.*)', said)[0]}" in done.stdout
    assert "ground-truth boxes" in done.stdout
    assert "boxes ground truth" in done.stdout
    assert "mean training pose: [EVAL] AP=" in done.stdout
    assert (output / "predictions.png").stat().st_size > 1000
    results = json.loads((output / "keypoints_results.json").read_text(encoding="utf-8"))
    assert {len(record["keypoints"]) for record in results} == {51}
    scores = json.loads((output / "scores.json").read_text(encoding="utf-8"))["values"]
    truth = synthetic_coco / "annotations" / "person_keypoints_val2017.json"
    again = ("val.py", "--results", output / "keypoints_results.json", "--ground_truth", truth)
    assert json.loads(run_in(tmp_path, *again, "--json").stdout) == pytest.approx(
        scores, abs=0, nan_ok=True
    )
    assert run_in(tmp_path, *again).stdout.startswith("[EVAL] AP=")
    refused = run_in(tmp_path, *again, "--zero_based")
    assert refused.returncode == 2
    assert refused.stderr.startswith("error: --zero_based: ")
    assert len(refused.stderr.splitlines()) == 1


def test_evaluation_with_detected_boxes_states_the_boxes(trained, synthetic_coco, run_in, tmp_path):
    run, _ = trained
    annotations = json.loads(
        (synthetic_coco / "annotations" / "person_keypoints_val2017.json").read_text(
            encoding="utf-8"
        )
    )
    boxes = [
        {"image_id": a["image_id"], "category_id": 1, "bbox": a["bbox"], "score": 0.5}
        for a in annotations["annotations"]
    ]
    (tmp_path / "boxes.json").write_text(json.dumps(boxes), encoding="utf-8")
    flags = (
        "--weights",
        run / "last" / "model.pdparams",
        "--dataset_root",
        synthetic_coco,
        "--detections",
        "boxes.json",
    )
    done = run_in(tmp_path, "val.py", *flags)
    assert done.returncode == 0, done.stderr
    assert f"{len(boxes)} detected boxes" in done.stdout
    assert "boxes detected (boxes.json)" in done.stdout
    refused = run_in(tmp_path, "val.py", *flags, "--draw")
    assert refused.returncode == 2
    assert "use annotated boxes" in refused.stderr


def test_skeleton_without_a_common_joint_is_an_error(synthetic_coco, run_in, tmp_path):
    (tmp_path / "crab.json").write_text('{"joints": ["claw"]}', encoding="utf-8")
    flags = ("--config", CONFIG, "--dataset_root", synthetic_coco, "--skeleton", "crab.json")
    done = run_in(tmp_path, "train.py", *flags)
    assert done.returncode == 2
    assert "person_keypoints_train2017.json has the joints nose, left_eye, " in done.stderr
    assert "skeleton crab has claw: none in common. They are matched by name" in done.stderr


def test_metric_flag_chooses_the_metric(trained, synthetic_coco, run_in, tmp_path):
    run, _ = trained
    flags = (
        "val.py",
        "--weights",
        run / "last" / "model.pdparams",
        "--dataset_root",
        synthetic_coco,
        "--metric",
    )
    done = run_in(tmp_path, *flags, "pck", "--baseline", "--draw")
    assert done.returncode == 0, done.stderr
    assert re.search(
        r"\[EVAL\] Ankle=\S+ Ear=\S+ .*Mean=\S+ Nose=\S+ Shoulder=\S+ Wrist=\S+ \n", done.stdout
    )
    assert "PCK@0.2 of the torso in percent" in done.stdout
    assert "mean training pose: [EVAL] Ankle=" in done.stdout
    assert "metric pck" in done.stdout
    refused = run_in(tmp_path, *flags, "pckh")
    assert refused.returncode == 2
    assert (
        "metric 'pckh' needs MPII's head boxes, which data set 'coco' does not have"
        in refused.stderr
    )


def test_movenet_crops_are_prepared_and_evaluated(trained, synthetic_coco, run_in, tmp_path):
    run, _ = trained
    done = run_in(tmp_path, "prepare_coco", "--dataset_root", synthetic_coco, "--output", "crops")
    assert done.returncode == 0, done.stderr
    assert re.search(r"^Total write \d+$", done.stdout, re.MULTILINE)
    people = len(json.loads((tmp_path / "crops" / "val2017.json").read_text(encoding="utf-8")))
    flags = ("--weights", run / "last" / "model.pdparams", "--dataset_root", "crops")
    done = run_in(tmp_path, "val.py", *flags, "-o", "data.dataset=movenet_crops")
    assert done.returncode == 0, done.stderr
    assert f"=> load {people} samples" in done.stdout
    assert "[EVAL] absent=" in done.stdout
    assert (
        "Accuracy of fire717's MoveNet (radius 0.161 of the side, absent joints count)"
        in done.stdout
    )
    missing = run_in(tmp_path, "prepare_coco", "--dataset_root", "crops", "--output", "again")
    assert missing.returncode == 2
    assert missing.stderr.startswith(
        "error: crops/annotations/person_keypoints_train2017.json: not found; expected D/"
    )
