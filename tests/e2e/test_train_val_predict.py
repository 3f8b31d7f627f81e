"""Training, evaluation and prediction with the real commands, on synthetic people."""

import json
import os
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import scipy.io
from helpers.pages import without_time

ROOT = Path(__file__).resolve().parents[2]
SMALL = ("--config", "hourglass_tiny_128", "--num_workers", "1", "-o", "train.log_every=1")
FLAGS = ("--batch_size", "4", "-o", "train.schedule.warmup=0", "-o", "augment=none")


@pytest.fixture(scope="module")
def trained(tmp_path_factory, synthetic_mpii, run_in):
    """Returns the folder of a run of two epochs, and the output of `train.py`."""
    folder = tmp_path_factory.mktemp("trained")
    done = run_in(
        folder, "train.py", "--dataset_root", synthetic_mpii, *SMALL, *FLAGS, "--epochs", 2
    )
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def test_training_logs_its_data_and_results(trained):
    folder, said = trained
    assert "=> num_images: 8\n=> load 8 samples" in said
    line = (
        r"\[TRAIN\] epoch=0, batch_id=0, loss=[\d.]+, lr=[\d.e-]+, acc_pose=[\d.]+,"
        r" batch_cost=[\d.]+, "
        r"reader_cost=[\d.]+, ips=[\d.]+ images/s ETA \d+:\d\d:\d\d"
    )
    assert re.search(line, said)
    assert re.search(
        r"\[EVAL\] epoch=1:Ankle=\S+ Elbow=.* Mean=\S+ Mean@0\.1=\S+ Shoulder=\S+ Wrist=\S+ \n",
        said,
    )
    run = folder / "output" / "hourglass_tiny_128"
    assert sorted(path.name for path in run.glob("[!.]*") if path.name != "vdl") == [
        "best_model",
        "config.json",
        "earlier",
        "last",
        "log.txt",
        "metrics.jsonl",
    ]
    assert (run / "log.txt").read_text(encoding="utf-8") in said
    records = [
        json.loads(line)
        for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    assert [r["step"] for r in records if r["kind"] == "train"] == [1, 2, 3, 4]
    assert "best [EVAL] epoch=" in said
    assert "last [EVAL] epoch=1:" in said


def test_evaluation_equals_the_last_one_of_training(trained, synthetic_mpii, run_in, tmp_path):
    folder, said = trained
    weights = folder / "output" / "hourglass_tiny_128" / "last" / "model.pdparams"
    done = run_in(
        tmp_path,
        "val.py",
        "--pretrained_model",
        weights,
        "--dataset_root",
        synthetic_mpii,
        "--report",
    )
    assert done.returncode == 0, done.stderr
    in_training = re.findall(r"last \[EVAL\] epoch=1:(.*)", said)[0]
    assert f"[EVAL] {in_training}" in done.stdout
    assert "Mean@0.11" in done.stdout
    assert "flip True, shift True, decode quarter" in done.stdout
    (output,) = (tmp_path / "output" / "val").iterdir()
    assert output.name.startswith("hourglass_tiny_128-")
    assert f"Written: {output.relative_to(tmp_path)}/pred.mat" in done.stdout
    assert scipy.io.loadmat(output / "pred.mat")["preds"].shape == (8, 16, 2)
    scores = json.loads((output / "scores.json").read_text(encoding="utf-8"))
    assert f"Mean={scores['values']['Mean']:.10g} " in done.stdout
    low, high = scores["intervals"]["Mean"]
    assert low <= scores["values"]["Mean"] <= high
    assert "val.py --pretrained_model " in scores["command"]
    report = (output / "report.html").read_text(encoding="utf-8")
    assert f">{scores['values']['Mean']:.2f}<" in report
    assert "hourglass_tiny_128" in report
    again = run_in(
        tmp_path,
        "val.py",
        "--results",
        output.relative_to(tmp_path),
        "--report",
        "--output",
        "again",
    )
    assert again.returncode == 0, again.stderr
    again = (tmp_path / "again" / "report.html").read_text(encoding="utf-8")
    assert without_time(again) == without_time(report)
    truth = synthetic_mpii / "annotations" / "mpii_gt_val.mat"
    scored = run_in(
        tmp_path, "val.py", "--results", output / "pred.mat", "--ground_truth", truth, "--json"
    )
    assert json.loads(scored.stdout) == pytest.approx(scores["values"])


def test_each_checkpoint_is_evaluated_separately(trained, synthetic_mpii, run_in, tmp_path):
    run = trained[0] / "output" / "hourglass_tiny_128"
    before = next((run / "earlier").iterdir())
    for folder in (run / "last", before, run / "last"):
        flags = (
            "--weights",
            folder / "model.pdparams",
            "--dataset_root",
            synthetic_mpii,
            "--no-flip",
        )
        assert run_in(tmp_path, "val.py", *flags).returncode == 0
    paths = sorted((tmp_path / "output" / "val").glob("*/scores.json"))
    checkpoints = {
        json.loads(path.read_text(encoding="utf-8"))["protocol"]["checkpoint"] for path in paths
    }
    assert checkpoints == {str(folder / "model.pdparams") for folder in (run / "last", before)}
    table = run_in(tmp_path, "results").stdout
    assert all(str(path.relative_to(tmp_path)) in table for path in paths)


def test_evaluation_flags_change_the_protocol(trained, synthetic_mpii, run_in, tmp_path):
    folder, _ = trained
    weights = folder / "output" / "hourglass_tiny_128" / "best_model" / "model.pdparams"
    done = run_in(
        tmp_path, "val.py", "--weights", weights, "--dataset_root", synthetic_mpii, "--no-flip"
    )
    assert "flip False, shift False" in done.stdout
    refused = run_in(
        tmp_path,
        "val.py",
        "--weights",
        weights,
        "--dataset_root",
        synthetic_mpii,
        "--image_size",
        384,
    )
    assert refused.returncode == 2
    assert refused.stderr == "error: --image_size 384, but the checkpoint was trained at 128\n"


def test_prediction_writes_drawings_and_results(trained, synthetic_mpii, run_in, tmp_path):
    folder, _ = trained
    weights = folder / "output" / "hourglass_tiny_128" / "best_model" / "model.pdparams"
    images = sorted((synthetic_mpii / "images").iterdir())[:2]
    (tmp_path / "boxes.json").write_text(
        json.dumps({images[0].name: [[10, 10, 50, 60], [40, 20, 30, 90]]})
    )
    (tmp_path / "broken.jpg").write_bytes(b"no image")
    done = run_in(
        tmp_path, "predict.py", *images, "broken.jpg", "--weights", weights, "--boxes", "boxes.json"
    )
    assert done.returncode == 1
    assert "error: broken.jpg: not an image" in done.stderr
    document = json.loads(
        (tmp_path / "output" / "predict" / "predictions.json").read_text(encoding="utf-8")
    )
    assert [len(image["persons"]) for image in document["images"]] == [2, 1]
    assert np.shape(document["images"][0]["persons"][0]["keypoints"]) == (16, 2)
    for image in document["images"]:
        drawing = cv2.imread(str(tmp_path / "output" / "predict" / image["drawing"]))
        assert drawing.shape == (image["height"], image["width"], 3)


def test_resumed_run_equals_an_uninterrupted_one(synthetic_mpii, run_in, tmp_path):
    # A cosine schedule would depend on the number of epochs of the stopped run.
    common = (
        "--dataset_root",
        synthetic_mpii,
        *SMALL,
        "--batch_size",
        4,
        "-o",
        "train.schedule=steps",
    )
    assert (
        run_in(tmp_path, "train.py", *common, "--epochs", 3, "--output", "straight").returncode == 0
    )
    assert (
        run_in(tmp_path, "train.py", *common, "--epochs", 2, "--output", "stopped").returncode == 0
    )
    resumed = run_in(
        tmp_path, "train.py", "--dataset_root", synthetic_mpii, "--resume", "stopped", "--epochs", 3
    )
    assert resumed.returncode == 0, resumed.stderr
    assert "Resumed stopped" in resumed.stdout
    a, b = (
        Path(tmp_path / name / "last" / "model.pdparams").read_bytes()
        for name in ("straight", "stopped")
    )
    assert a == b


def test_original_commands_find_the_weights_of_each_other(synthetic_mpii, run_in, tmp_path):
    reduced = (
        "model.channels=(8,8,8,8,8,8)",
        "model.blocks=(1,1,1,1,1,1)",
        "model.stem_channels=4",
    )
    changes = [part for text in (*reduced, "model.feature_channels=8") for part in ("-o", text)]
    done = run_in(
        tmp_path,
        "train.py",
        "--dataset_root",
        synthetic_mpii,
        "--image_size",
        256,
        "--epochs",
        1,
        "--batch_size",
        8,
        *changes,
    )
    assert done.returncode == 0, done.stderr
    command = re.findall(r"python (\S*val\.py --image_size 256 .*)", done.stdout)[0].split()
    assert command[3:5] == ["--pretrained_model", "output/256_best_model/model.pdparams"]
    assert (
        tmp_path / "output/256_best_model/from_run.txt"
    ).read_text().strip() == "output/hourglass52_mpii_256"
    assert run_in(tmp_path, *command).returncode == 0


def test_existing_output_folder_is_not_overwritten(trained, synthetic_mpii, run_in):
    folder, _ = trained
    before = (folder / "output" / "hourglass_tiny_128" / "config.json").read_bytes()
    taken = run_in(
        folder,
        "train.py",
        "--dataset_root",
        synthetic_mpii,
        *SMALL,
        "--output",
        "output/hourglass_tiny_128",
    )
    assert taken.returncode == 2
    assert "holds a run already" in taken.stderr
    assert (folder / "output" / "hourglass_tiny_128" / "config.json").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--dataset_root", "nowhere"],
            "error: nowhere/annotations/mpii_train.json: not found; expected D/images",
        ),
        (["--config", "nothing"], "error: no config 'nothing'"),
        (["-o", "train.epoch=3"], "error: unknown key 'train.epoch'. Did you mean 'train.epochs'?"),
        (["--image_size", "300"], "error: --image_size 300: the published sizes are 256 and 384"),
        (["--resume"], "error: --resume: no checkpoint of a run of any config"),
        (
            ["--device", "gpu"],
            "error: --device gpu, but the installed Paddle computes on the CPU only",
        ),
    ],
)
def test_bad_input_is_one_error_line(run_in, tmp_path, arguments, message):
    done = run_in(tmp_path, "train.py", *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(message)
    assert "Traceback" not in done.stderr


def test_unreadable_training_image_is_named(synthetic_mpii, run_in, tmp_path):
    broken = tmp_path / "broken"
    (broken / "images").mkdir(parents=True)
    (broken / "annotations").symlink_to(synthetic_mpii / "annotations")
    for path in (synthetic_mpii / "images").iterdir():
        (broken / "images" / path.name).write_bytes(path.read_bytes())
    victim = sorted((broken / "images").iterdir())[0]
    victim.write_bytes(b"\xff\xd8 not an image")
    done = run_in(tmp_path, "train.py", "--dataset_root", broken, *SMALL)
    assert done.returncode == 2
    assert done.stderr == f"error: {victim}: not an image that can be decoded; is it complete?\n"


def test_help_works_without_paddle(run_in, tmp_path):
    for command in ("train.py", "val.py", "predict.py", "compare", "results"):
        places = os.pathsep.join(map(str, (_without_paddle(tmp_path), ROOT)))
        done = run_in(tmp_path, command, "--help", PYTHONPATH=places)
        assert done.returncode == 0, done.stderr
        assert "usage:" in done.stdout


def _without_paddle(folder: Path) -> Path:
    """Returns a folder whose `paddle` cannot be imported."""
    place = folder / "without"
    (place / "paddle").mkdir(parents=True, exist_ok=True)
    (place / "paddle" / "__init__.py").write_text("raise ImportError('no Paddle here')\n")
    return place
