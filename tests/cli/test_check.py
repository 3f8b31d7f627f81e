"""`check`: its output, its exit status and the printed next command."""

import json
import shutil

import pytest
from helpers import odd_annotations
from helpers.coco_folders import annotation, write_folder
from helpers.odd_annotations import change

from paddle_pose.cli import check
from paddle_pose.data.synthetic.dataset import write_coco
from paddle_pose.environment import command
from paddle_pose.errors import InputError


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch, tmp_path):
    """Finds no weights in output/published of the working folder."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def coco(tmp_path_factory):
    return write_coco(
        tmp_path_factory.mktemp("coco") / "data", num_train=4, num_val=24, size=(96, 96)
    )


def test_check_of_valid_mpii_folder_returns_0(synthetic_mpii, capsys):
    assert check.main(["--dataset_root", str(synthetic_mpii)]) == 0
    printed = capsys.readouterr().out
    assert "0 errors" in printed
    assert f"Next: {command('train')} --dataset_root {synthetic_mpii} --image_size 256\n" in printed


def test_check_of_valid_coco_folder_returns_0(coco, capsys):
    assert check.main(["--dataset_root", str(coco)]) == 0
    printed = capsys.readouterr().out
    assert "val              24       24   -" in printed
    assert "0 errors, 0 warnings" in printed
    train = f"{command('train')} --config simple_baseline_r50_coco_256x192 --dataset_root {coco}"
    assert f"Next: {train}\n" in printed


def test_check_with_json_prints_only_json(synthetic_mpii, capsys):
    assert check.main(["--dataset_root", str(synthetic_mpii), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["totals"]["error"] == 0
    assert report["decoded"] == 16


def test_check_of_annotation_files_reports_missing_images(coco, tmp_path, capsys):
    copy = shutil.copytree(coco, tmp_path / "copy")
    for split in ("train", "val"):
        shutil.copy(
            copy / "annotations" / f"person_keypoints_{split}2017.json", copy / f"{split}.json"
        )
    flags = ["--train_annotations", "train.json", "--val_annotations", "val.json"]
    flags = [str(copy / flag) if flag.endswith(".json") else flag for flag in flags]
    assert check.main([*flags, "--images", str(copy / "train2017")]) == 1
    assert "ERROR missing_image: 24 of 28" in capsys.readouterr().out
    for path in (copy / "val2017").iterdir():
        shutil.copy(path, copy / "train2017")
    assert check.main([*flags, "--images", str(copy / "train2017")]) == 0
    files = f"--train_annotations {copy}/train.json --val_annotations {copy}/val.json --images"
    printed = capsys.readouterr().out
    recipe = "--config movenet_lightning_coco --preset finetune"
    assert f"Next: {command('train')} {recipe} {files} " in printed
    assert f"{command('download')} movenet_lightning (with local copies: --from_file" in printed
    shutil.copy(copy / "train.json", copy / "val.json")
    assert check.main([*flags, "--images", str(copy / "train2017"), "--json"]) == 0
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert {finding["code"]: finding["count"] for finding in findings}["shared_image"] == 4


def test_check_without_data_raises(tmp_path):
    with pytest.raises(InputError, match="--dataset_root D, or --train_annotations"):
        check.main([])
    with pytest.raises(InputError, match="--images DIR"):
        check.main(["--train_annotations", str(tmp_path / "train.json")])


def test_check_of_missing_folder_exits_with_2(run_command):
    done = run_command("check", "--dataset_root", "nowhere")
    assert done.returncode == 2
    assert done.stderr.startswith("error: nowhere: ")


def test_check_with_errors_exits_with_1(synthetic_mpii, tmp_path, run_command):
    copy = shutil.copytree(synthetic_mpii, tmp_path / "copy")
    name = json.loads((copy / "annotations" / "mpii_train.json").read_text())[-1]["image"]
    (copy / "images" / name).write_bytes(b"")
    done = run_command("check", "--dataset_root", copy, "--decode", "sample")
    assert done.returncode == 1, done.stderr
    assert "ERROR empty_image: 1 of 16" in done.stdout


@pytest.mark.parametrize("encoding", ["cp1252", "gbk", "ascii"])
def test_names_are_printed_on_consoles_of_any_encoding(tmp_path, run_in, encoding):
    folder = tmp_path / "🏃"
    path = write_folder(folder, [annotation()])
    content = json.loads(path.read_text(encoding="utf-8"))
    content["images"][0]["file_name"] = "🏃.png"
    path.write_text(json.dumps(content), encoding="utf-8")
    done = run_in(
        tmp_path,
        "check",
        "--val_annotations",
        path,
        "--images",
        folder / "val2017",
        PYTHONIOENCODING=encoding,
    )
    assert done.returncode == 1, done.stderr
    assert "missing_image" in done.stdout
    assert "Traceback" not in done.stderr
    assert "\\U0001f3c3" in done.stdout


def test_the_next_command_has_the_flags_of_the_check(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("PADDLE_POSE_HOME", str(tmp_path / "home"))
    points_only = change("annotations", None, bbox=[0, 0, 0, 0], area=0)
    paths = odd_annotations.write(tmp_path, {"train": points_only, "val": points_only})
    flags = [f"--{split}_annotations={path}" for split, path in paths.items()]
    flags += ["--images", str(tmp_path / "images"), "--skeleton", "coco_17"]
    assert check.main(flags) == 1
    capsys.readouterr()
    assert check.main([*flags, "--boxes_from_keypoints"]) == 0
    printed = capsys.readouterr().out
    assert " --skeleton coco_17 --boxes_from_keypoints\n" in printed
    assert printed.endswith("--init none to start from random weights\n")
