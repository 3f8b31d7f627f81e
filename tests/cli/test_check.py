"""`check`: its output, its exit status and the command that it names."""

import json
import shutil

import pytest

from paddle_pose.cli import check
from paddle_pose.data.synthetic.dataset import write_coco
from paddle_pose.environment import command
from paddle_pose.errors import InputError


@pytest.fixture(scope="module")
def coco(tmp_path_factory):
    return write_coco(
        tmp_path_factory.mktemp("coco") / "data", num_train=4, num_val=24, size=(96, 96)
    )


def test_a_healthy_folder_in_mpiis_layout(synthetic_mpii, capsys):
    assert check.main(["--dataset_root", str(synthetic_mpii)]) == 0
    printed = capsys.readouterr().out
    assert "0 errors" in printed
    assert f"Next: {command('train')} --dataset_root {synthetic_mpii} --image_size 256\n" in printed


def test_a_healthy_folder_in_cocos_layout(coco, capsys):
    assert check.main(["--dataset_root", str(coco)]) == 0
    printed = capsys.readouterr().out
    assert "val              24       24   -" in printed
    assert "0 errors, 0 warnings" in printed
    train = f"{command('train')} --config simple_baseline_r50_coco_256x192 --dataset_root {coco}"
    assert f"Next: {train}\n" in printed


def test_json_is_all_that_is_printed(synthetic_mpii, capsys):
    assert check.main(["--dataset_root", str(synthetic_mpii), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["totals"]["error"] == 0
    assert report["decoded"] == 16


def test_ones_own_files_are_checked_with_their_command(coco, tmp_path, capsys):
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
    assert f" {files} " in capsys.readouterr().out
    shutil.copy(copy / "train.json", copy / "val.json")
    assert check.main([*flags, "--images", str(copy / "train2017"), "--json"]) == 0
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert {finding["code"]: finding["count"] for finding in findings}["shared_image"] == 4


def test_flags_that_name_no_data_are_an_error(tmp_path):
    with pytest.raises(
        InputError, match="give --dataset_root D, or --train_annotations and --val_annotations"
    ):
        check.main([])
    with pytest.raises(InputError, match="--images DIR"):
        check.main(["--train_annotations", str(tmp_path / "train.json")])


def test_a_wrong_folder_is_an_error_of_the_command(run_command):
    done = run_command("check", "--dataset_root", "nowhere")
    assert done.returncode == 2
    assert done.stderr.startswith("error: nowhere: no such folder")


def test_the_command_ends_with_1(synthetic_mpii, tmp_path, run_command):
    copy = shutil.copytree(synthetic_mpii, tmp_path / "copy")
    name = json.loads((copy / "annotations" / "mpii_train.json").read_text())[-1]["image"]
    (copy / "images" / name).write_bytes(b"")
    done = run_command("check", "--dataset_root", copy, "--decode", "sample")
    assert done.returncode == 1, done.stderr
    assert "ERROR empty_image: 1 of 16" in done.stdout
